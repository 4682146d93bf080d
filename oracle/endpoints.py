"""Asks a running Synapse, over HTTP as its clients do, and records what it answers as data for `cargo test`.

    python3 -m venv /tmp/synapse && /tmp/synapse/bin/pip install matrix-synapse==1.163.2
    /tmp/synapse/bin/python oracle/endpoints.py [--seed 1] [--sets 40] [--out tests/data/ruling]

Writes `endpoints.jsonl` below --out: small random sets of registrations that get in each other's way, with questions and
the answers of the methods that a client reaches. `oracle/rulings.py` asks Synapse's functions one by one, which is quick;
here nothing is left out that a request goes through:

* `alias`: PUT /_matrix/client/v3/directory/room/{alias}, by a person, or by a service as itself or as one of its users;
* `register`: POST /_matrix/client/v3/register, by a person, or by a service (`m.login.application_service`);
* `available`: GET /_matrix/client/v3/register/available.

For each set a Synapse is started on loopback with a new SQLite database, and ended. Whatever was registered by one
question is not asked about by another. An alias that is there already counts as creatable: all checks have passed.
Sets under which nobody at all can register are passed over, since it takes a person to make the room.
"""

import argparse
import http.client
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote, urlencode

import yaml

from rulings import SERVER, WORDS, askable, member, near, random_set

ALICE = f"@zz-alice-who-is-in-nobodys-way:{SERVER}"

CONFIG = """
server_name: {server}
pid_file: {home}/pid
listeners:
- {{port: {port}, type: http, bind_addresses: ['127.0.0.1'], resources: [{{names: [client]}}]}}
database: {{name: sqlite3, args: {{database: '{home}/homeserver.db'}}}}
log_config: {home}/log.yaml
media_store_path: {home}/media
registration_shared_secret: secret
macaroon_secret_key: secret
form_secret: secret
signing_key_path: {home}/signing.key
report_stats: false
trusted_key_servers: []
enable_registration: true
require_membership_for_aliases: false
enable_registration_without_verification: true
bcrypt_rounds: 4
app_service_config_files: {files}
rc_registration: {{per_second: 100000, burst_count: 100000}}
rc_registration_token_validity: {{per_second: 100000, burst_count: 100000}}
rc_login: {{address: {{per_second: 100000, burst_count: 100000}}, account: {{per_second: 100000, burst_count: 100000}}}}
rc_message: {{per_second: 100000, burst_count: 100000}}
rc_room_creation: {{per_second: 100000, burst_count: 100000}}
"""

LOG = """
version: 1
handlers: {file: {class: logging.FileHandler, filename: HOME/log}}
root: {level: ERROR, handlers: [file]}
"""


class NobodyCanRegister(Exception):
    pass


class Synapse:
    """A running homeserver with these registrations, and a room in it."""

    def __init__(self, home: Path, port: int, files):
        self.port = port
        (home / "log.yaml").write_text(LOG.replace("HOME", str(home)))
        config = home / "homeserver.yaml"
        config.write_text(CONFIG.format(server=SERVER, home=home, port=port, files=json.dumps([str(f) for f in files])))
        run = [sys.executable, "-m", "synapse.app.homeserver", "-c", str(config)]
        subprocess.run([*run, "--generate-keys"], check=True, capture_output=True)
        self.process = subprocess.Popen(run, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.tokens = {}
        self.await_start()

    def prepare_room(self):
        self.alice = self.register_person(ALICE[1:].partition(":")[0])
        self.room = self.ask("POST", "/createRoom", {}, self.alice)[1]["room_id"]

    def await_start(self):
        for _ in range(600):
            try:
                if self.ask("GET", "/../versions")[0] == 200:
                    return
            except OSError:
                pass
            if self.process.poll() is not None:
                raise RuntimeError(self.process.stderr.read().decode()[-2_000:])
            time.sleep(0.2)
        raise RuntimeError("Synapse does not start")

    def ask(self, method, path, body=None, token=None, query=None, prefix="/_matrix/client/v3"):
        path = "/_matrix/client/versions" if path == "/../versions" else prefix + path
        if query:
            path += "?" + urlencode(query)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        answer = json.loads(response.read() or b"null")
        connection.close()
        return response.status, answer

    def register_person(self, localpart):
        body = {"username": localpart, "password": "correct horse", "auth": {"type": "m.login.dummy"}}
        status, answer = self.ask("POST", "/register", body)
        if status != 200:
            raise NobodyCanRegister(answer)
        return answer["access_token"]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def verdict(status, answer):
    if status == 200 or (status == 409 and "already exists" in answer["error"]):
        return {"allowed": True, "errcode": None}
    assert 400 <= status < 500, (status, answer)
    return {"allowed": False, "errcode": answer["errcode"]}


def decide(synapse, services, question):
    """What Synapse answers; None if it depends on who is registered."""
    token = next((s.token for s in services if s.id == question.get("as_id")), None)
    if question["ask"] == "alias":
        query = {}
        if "as_id" not in question:
            token = synapse.tokens.get(question["user_id"], synapse.alice)
        elif "user_id" in question:
            query["user_id"] = question["user_id"]
        path = "/directory/room/" + quote(question["alias"], safe="")
        status, answer = synapse.ask("PUT", path, {"room_id": synapse.room}, token, query)
        if "has not registered this user" in answer.get("error", ""):
            return None
    elif question["ask"] == "available":
        status, answer = synapse.ask("GET", "/register/available", query={"username": question["localpart"]})
    elif token:
        body = {"type": "m.login.application_service", "username": question["localpart"], "inhibit_login": True}
        status, answer = synapse.ask("POST", "/register", body, token)
    else:
        body = {"username": question["localpart"], "password": "correct horse", "auth": {"type": "m.login.dummy"}}
        status, answer = synapse.ask("POST", "/register", body)
        if status == 200:
            synapse.tokens[answer["user_id"]] = answer["access_token"]
    in_use = answer.get("errcode") == "M_USER_IN_USE"
    # Whose registration was refused may still be logged in, to nothing.
    nobody = question["ask"] == "alias" and answer.get("errcode") == "M_UNKNOWN_TOKEN"
    if in_use or nobody:
        return None
    return verdict(status, answer)


def localpart(rng, services, others=tuple("@" + w for w in WORDS)):
    patterns = [e.regex.pattern for s in services for e in s.namespaces["users"]] + list(others)
    text = near(rng, member(rng, rng.choice(patterns)))[1:].partition(":")[0]
    roll = rng.random()
    if roll < 0.06:
        text = rng.choice(["", "1", "0042", "_x", "K", "İ", "a" * 242, "a" * 243, "a" * 244, "a b", "é"])
    elif roll < 0.15 and services:
        text = rng.choice(services).sender.localpart
    if rng.random() < 0.15:
        text = text[:1].upper() + text[1:]
    return text


def alias(rng, services):
    patterns = [e.regex.pattern for s in services for e in s.namespaces["aliases"]] + ["#" + w for w in WORDS]
    text = near(rng, member(rng, rng.choice(patterns)))
    text = text if text.startswith("#") else "#" + text
    roll = rng.random()
    if roll < 0.12:
        return text.partition(":")[0] + rng.choice([":other.org", "", ":", ":example.com:8448", ":b:example.com"])
    if roll < 0.2:
        space = rng.choice([" ", "\t", "\n", "\r", "\x0b", "\x0c", "\x85", "\xa0", "\u2003", "é"])
        return text.partition(":")[0] + space + rng.choice(["", "x"]) + ":" + SERVER
    if roll < 0.24:
        begin = text.partition(":")[0] + rng.choice(["a", "é"])
        return begin + "x" * (rng.choice([242, 243, 244]) - len(begin)) + ":" + SERVER
    return text if ":" in text else text + ":" + SERVER


def random_question(rng, services):
    ids = [s.id for s in services]
    roll = rng.random()
    if roll < 0.5:
        question = {"ask": "alias", "alias": alias(rng, services)}
        roll = rng.random()
        if ids and roll < 0.6:
            service = rng.choice(services)
            question["as_id"] = service.id
            if rng.random() < 0.6:
                own = [service] if service.namespaces["users"] else services
                question["user_id"] = f"@{localpart(rng, own)}:{SERVER}"
        elif ids and roll < 0.8:
            question["user_id"] = rng.choice(services).sender.to_string()
        else:
            question["user_id"] = ALICE
        return question
    question = {"ask": rng.choice(["register", "register", "available"]), "localpart": localpart(rng, services)}
    if question["ask"] == "register" and ids and rng.random() < 0.6:
        question["as_id"] = rng.choice(ids)
    return question


def prepare(synapse, services, question):
    """A service that is to act as one of its users registers it before, if it may. Where the service's own user asks with
    a token of its own, it logs in."""
    if "user_id" not in question:
        return True
    username = question["user_id"][1:].partition(":")[0]
    if "as_id" in question:
        decide(synapse, services, {"ask": "register", "localpart": username, "as_id": question["as_id"]})
    elif question["user_id"] not in (*synapse.tokens, ALICE):
        service = next(s for s in services if s.sender.to_string() == question["user_id"])
        decide(synapse, services, {"ask": "register", "localpart": username, "as_id": service.id})
        login = {"type": "m.login.application_service", "identifier": {"type": "m.id.user", "user": username}}
        status, answer = synapse.ask("POST", "/login", login, service.token)
        if status == 200:
            synapse.tokens[question["user_id"]] = answer["access_token"]
        return status == 200
    return True


def ask_all(rng, synapse, services, count):
    questions, seen = [], set()
    while len(questions) < count:
        question = random_question(rng, services)
        key = json.dumps(question)
        if key in seen or "\0" in key or not askable(question.get("alias", "#")[:200]):
            continue
        seen.add(key)
        answer = prepare(synapse, services, question) and decide(synapse, services, question)
        if answer:
            questions.append(question | answer)
    return questions


def record(rng, sets, per_set, first_port, out: Path):
    with (out / "endpoints.jsonl").open("w") as file:
        for number in range(sets):
            with tempfile.TemporaryDirectory() as scratch:
                home = Path(scratch)
                registrations, services = random_set(rng, home / "set")
                synapse = Synapse(home, first_port + number % 100, sorted((home / "set").iterdir()))
                try:
                    synapse.prepare_room()
                    questions = ask_all(rng, synapse, services, per_set)
                except NobodyCanRegister:
                    continue
                finally:
                    synapse.stop()
            file.write(json.dumps({"registrations": registrations, "questions": questions}, ensure_ascii=False) + "\n")
            file.flush()
            print(f"{number + 1} of {sets} sets", file=sys.stderr)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--sets", type=int, default=40)
    arguments.add_argument("--questions", type=int, default=100)
    arguments.add_argument("--port", type=int, default=18_100)
    arguments.add_argument("--out", type=Path, default=Path("tests/data/ruling"))
    options = arguments.parse_args()
    record(random.Random(options.seed), options.sets, options.questions, options.port, options.out)


if __name__ == "__main__":
    main()
