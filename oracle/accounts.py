"""Asks a running Synapse, over HTTP, about accounts, and records what it answers as data for `cargo test`.

    python3 -m venv /tmp/synapse && /tmp/synapse/bin/pip install matrix-synapse==1.163.2
    /tmp/synapse/bin/python oracle/accounts.py [--seed 1] [--sets 40] [--out tests/data/ruling]

Writes `accounts.jsonl` below --out, as `oracle/endpoints.py` does, with questions that reach the ways in besides the form:

* `act`: GET /_matrix/client/v3/account/whoami?user_id=…, with a service's token;
* `login`: POST /_matrix/client/v3/login with `m.login.application_service`;
* `password`: the same with `m.login.password`, for an account that there is;
* `administrator`: PUT /_synapse/admin/v2/users/{user_id}, which makes an account.

Each is kept with the status, and with `exists`: whether there was such an account when it was asked. A service that nobody
knows asks with a token that nobody has. Where an administrator would change an account and make none, nothing is asked.
"""

import argparse
import hashlib
import hmac
import json
import random
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

from endpoints import NobodyCanRegister, Synapse, localpart
from rulings import SERVER, random_set

ADMINISTRATOR = "zz-administrator-who-is-in-nobodys-way"
PASSWORD = "correct horse"
UNKNOWN = "nobody"


def administrator(synapse):
    """An administrator's token, by the secret of the configuration."""
    _, answer = synapse.ask("GET", "/register", prefix="/_synapse/admin/v1")
    parts = [answer["nonce"], ADMINISTRATOR, PASSWORD, "admin"]
    mac = hmac.new(b"secret", "\0".join(parts).encode(), hashlib.sha1).hexdigest()
    body = {"nonce": answer["nonce"], "username": ADMINISTRATOR, "password": PASSWORD, "admin": True, "mac": mac}
    status, answer = synapse.ask("POST", "/register", body, prefix="/_synapse/admin/v1")
    if status != 200:
        raise NobodyCanRegister(answer)
    return answer["access_token"]


def of_user(synapse, method, user_id, body=None):
    path = "/users/" + quote(user_id, safe="")
    return synapse.ask(method, path, body, synapse.administrator, prefix="/_synapse/admin/v2")


def whole_id(rng, services):
    text = localpart(rng, services)
    roll = rng.random()
    if roll < 0.05:
        return rng.choice([text, "@" + text, "@", "", "@:", f"@:{SERVER}", f"{text}:{SERVER}", f"#{text}:{SERVER}"])
    if roll < 0.13:
        return f"@{text}:" + rng.choice(["other.org", "", SERVER + ":8448", "b:" + SERVER, SERVER.upper()])
    return f"@{text}:{SERVER}"


def random_question(rng, services):
    ask = rng.choice(["act", "act", "login", "administrator", "administrator", "password"])
    question = {"ask": ask}
    if ask in ("act", "login"):
        question["as_id"] = rng.choice([s.id for s in services] + [UNKNOWN] * (rng.random() < 0.1 or not services))
    if ask == "login" and rng.random() < 0.5:
        question["localpart"] = localpart(rng, services)
    else:
        question["user_id"] = whole_id(rng, services)
    return question


def registered_before(rng, synapse, services, user_id):
    """Half of the time there is the account, if some service may have it, or an administrator may make it."""
    name, _, server = user_id[1:].partition(":")
    if rng.random() < 0.5 or server != SERVER or not user_id.startswith("@"):
        return
    body = {"type": "m.login.application_service", "username": name, "inhibit_login": True}
    if not any(synapse.ask("POST", "/register", body, service.token)[0] == 200 for service in services):
        of_user(synapse, "PUT", user_id, {"password": PASSWORD})


def answer(synapse, services, question):
    """What Synapse answers, and whether there was the account; None where nothing can be asked."""
    ask, token = question["ask"], next((s.token for s in services if s.id == question.get("as_id")), UNKNOWN)
    user_id = question.get("user_id", f"@{question.get('localpart')}:{SERVER}")
    exists = of_user(synapse, "GET", user_id)[0] == 200
    identifier = {"type": "m.id.user", "user": question.get("localpart", user_id)}
    if ask == "act":
        status, said = synapse.ask("GET", "/account/whoami", token=token, query={"user_id": user_id})
    elif ask == "login":
        body = {"type": "m.login.application_service", "identifier": identifier}
        status, said = synapse.ask("POST", "/login", body, token)
    elif ask == "password":
        if not exists:
            return None
        of_user(synapse, "PUT", user_id, {"password": PASSWORD})
        body = {"type": "m.login.password", "identifier": identifier, "password": PASSWORD}
        status, said = synapse.ask("POST", "/login", body)
    else:
        if exists or not user_id:
            return None
        status, said = of_user(synapse, "PUT", user_id, {"password": PASSWORD})
    assert status < 500, (question, status, said)
    return {"exists": exists, "status": status, "errcode": said.get("errcode")}


def ask_all(rng, synapse, services, count):
    questions, seen = [], set()
    while len(questions) < count:
        question = random_question(rng, services)
        key = json.dumps(question)
        if key in seen or "\\u0000" in key:
            continue
        seen.add(key)
        if question["ask"] != "administrator":
            registered_before(rng, synapse, services, question.get("user_id", f"@{question.get('localpart')}:{SERVER}"))
        said = answer(synapse, services, question)
        if said:
            questions.append(question | said)
    return questions


def record(rng, options):
    with (options.out / "accounts.jsonl").open("w") as file:
        for number in range(options.sets):
            with tempfile.TemporaryDirectory() as scratch:
                home = Path(scratch)
                registrations, services = random_set(rng, home / "set")
                synapse = Synapse(home, options.port + number % 100, sorted((home / "set").iterdir()))
                try:
                    synapse.administrator = administrator(synapse)
                    questions = ask_all(rng, synapse, services, options.questions)
                except NobodyCanRegister:
                    continue
                finally:
                    synapse.stop()
            file.write(json.dumps({"registrations": registrations, "questions": questions}, ensure_ascii=False) + "\n")
            file.flush()
            print(f"{number + 1} of {options.sets} sets", file=sys.stderr)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--sets", type=int, default=40)
    arguments.add_argument("--questions", type=int, default=80)
    arguments.add_argument("--port", type=int, default=18_300)
    arguments.add_argument("--out", type=Path, default=Path("tests/data/ruling"))
    record(random.Random(arguments.parse_args().seed), arguments.parse_args())


if __name__ == "__main__":
    main()
