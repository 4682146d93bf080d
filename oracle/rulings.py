"""Records what the real Synapse says about claims and decisions, as data for `cargo test`.

    python3 -m venv /tmp/synapse && /tmp/synapse/bin/pip install matrix-synapse==1.163.0
    /tmp/synapse/bin/python oracle/rulings.py [--seed 1] [--ids 20000] [--sets 500] [--out tests/data/ruling]

Writes, below --out:

* `near/*.yaml`: registrations with the namespaces of `namespaces.jsonl` beside them, one file for each service.
* `near-claims.jsonl`: IDs near those namespaces, with each interested service, the position of the entry that decides
  (null: the service's sender) and whether its claim is exclusive.
* `decisions.jsonl`: small random sets of registrations that get in each other's way, with questions and the verdicts.

Everything is decided by Synapse's own functions (`load_appservices`, `ApplicationService`,
`RegistrationHandler.appservice_register` and `check_username`, `DirectoryHandler.create_association`), run on stand-ins
for the store and the configuration: the methods that a client's request reaches, which `oracle/endpoints.py` checks by
asking a running Synapse. tests/it/ruling.rs replays the data without Python.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import yaml
from synapse.api.errors import SynapseError
from synapse.config.appservice import load_appservices
from synapse.handlers.directory import DirectoryHandler
from synapse.handlers.register import RegistrationHandler
from synapse.types import RoomAlias, create_requester

sys.path.insert(0, str(Path(__file__).parent.parent / "crates/python-re/oracle"))
from near import LOCALPARTS, member, near

SERVER = "example.com"


def askable(text: str) -> bool:
    """Whether bailiwick answers about it at all: at most 255 bytes, a sigil first, no lone surrogate."""
    try:
        return text[:1] in ("@", "#", "!") and len(text.encode()) <= 255
    except UnicodeEncodeError:
        return False


def load(directory: Path):
    return load_appservices(SERVER, [str(path) for path in sorted(directory.iterdir())])


def claims(services, text):
    """What each interested service claims, in load order."""
    kinds = {
        "@": ("users", "is_interested_in_user", "is_exclusive_user"),
        "#": ("aliases", "is_room_alias_in_namespace", "is_exclusive_alias"),
        "!": ("rooms", "is_room_id_in_namespace", "is_exclusive_room"),
    }
    key, interested, exclusive = kinds[text[0]]
    found = []
    for service in services:
        if not getattr(service, interested)(text):
            continue
        position = None
        if text != service.sender.to_string() or text[0] != "@":
            position = next(n for n, entry in enumerate(service.namespaces[key]) if entry.regex.match(text))
        found.append([service.id, position, bool(getattr(service, exclusive)(text))])
    return found


class Homeserver:
    """As much of Synapse as the handlers need to decide."""

    def __init__(self, services):
        self.store = SimpleNamespace(
            get_app_services=lambda: services,
            get_app_service_by_id=lambda as_id: next((s for s in services if s.id == as_id), None),
            create_room_alias_association=self._nothing,
            get_app_service_by_token=lambda token: next((s for s in services if s.token == token), None),
            get_users_by_id_case_insensitive=self._nobody,
        )
        self.hs = SimpleNamespace(
            hostname=SERVER,
            is_mine=lambda alias: alias.domain == SERVER,
            config=SimpleNamespace(registration=SimpleNamespace(allow_underscore_prefixed_localpart=False)),
        )
        self._server_notices_mxid = None
        self.auth = SimpleNamespace(is_server_admin=self._no)
        self.require_membership = False
        self.config = SimpleNamespace(
            roomdirectory=SimpleNamespace(is_alias_creation_allowed=lambda _user, _room, _alias: True)
        )
        self._spam_checker_module_callbacks = SimpleNamespace(
            NOT_SPAM="not spam", user_may_create_room_alias=self._not_spam
        )

    async def _nobody(self, _user_id):
        return {}

    async def _no(self, _requester):
        return False

    async def _not_spam(self, _user_id, _alias):
        return "not spam"

    async def _nothing(self, *_, **__):
        return None

    async def register_with_store(self, **_):
        return None

    def can_modify_alias(self, *args, **kwargs):
        return DirectoryHandler.can_modify_alias(self, *args, **kwargs)

    async def _create_association(self, *args, **kwargs):
        return await DirectoryHandler._create_association(self, *args, **kwargs)

    def check_user_id_not_appservice_exclusive(self, *args, **kwargs):
        return RegistrationHandler.check_user_id_not_appservice_exclusive(self, *args, **kwargs)


def verdict(coroutine):
    try:
        asyncio.run(coroutine)
        return {"allowed": True, "errcode": None}
    except SynapseError as error:
        return {"allowed": False, "errcode": error.errcode}


def decide(services, question):
    homeserver = Homeserver(services)
    if "alias" in question:
        if not RoomAlias.is_valid(question["alias"]):
            # What the servlet says before anything else.
            return {"allowed": False, "errcode": "M_INVALID_PARAM"}
        service = next((s for s in services if s.id == question.get("as_id")), None)
        user = question.get("user_id") or (service.sender.to_string() if service else "@alice:example.com")
        requester = create_requester(user, app_service=service)
        alias = RoomAlias.from_string(question["alias"])
        return verdict(DirectoryHandler.create_association(homeserver, requester, alias, "!room:example.com", [SERVER]))
    localpart = question["localpart"]
    if "as_token" in question:
        return verdict(RegistrationHandler.appservice_register(homeserver, localpart, question["as_token"]))
    # What a person types is lower-cased by the servlet before the handler sees it.
    return verdict(RegistrationHandler.check_username(homeserver, localpart.lower()))


def registration(number, as_id, sender, namespaces):
    return {
        "id": as_id,
        "url": None,
        "as_token": f"as-token-{number:04}-{as_id}",
        "hs_token": f"hs-token-{number:04}-{as_id}",
        "sender_localpart": sender,
        "namespaces": namespaces,
    }


def write(directory: Path, registrations):
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.iterdir():
        old.unlink()
    for number, content in enumerate(registrations):
        path = directory / f"{number:03}-{content['id'].split('/')[-1]}.yaml"
        path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))


def near_registrations(namespaces_file: Path):
    services = {}
    for line in namespaces_file.read_text().splitlines():
        entry = json.loads(line)
        lists = services.setdefault(entry["as"], {})
        lists.setdefault(entry["kind"], []).append({"exclusive": entry["exclusive"], "regex": entry["regex"]})
    for number, (as_id, lists) in enumerate(sorted(services.items())):
        # A regex that Python refuses (`*`) would keep the whole file out; that is another script's business.
        for kind in lists:
            lists[kind] = [entry for entry in lists[kind] if entry["regex"] != "*"]
        yield registration(number, as_id, f"{as_id}-bot", lists)


def record_near(rng, count, out: Path):
    write(out / "near", near_registrations(out / "namespaces.jsonl"))
    services = load(out / "near")
    sigils = {"users": "@", "aliases": "#", "rooms": "!"}
    patterns = [
        (sigils[kind], entry.regex.pattern)
        for service in services
        for kind, entries in service.namespaces.items()
        for entry in entries
    ]
    senders = [service.sender.to_string() for service in services]
    seen = set()
    with (out / "near-claims.jsonl").open("w") as file:
        while len(seen) < count:
            sigil, pattern = rng.choice(patterns)
            text = member(rng, pattern) if rng.random() < 0.97 else rng.choice(senders)
            if text[:1] not in ("@", "#", "!"):
                text = sigil + text
            text = near(rng, text)
            if not askable(text) or text in seen:
                continue
            seen.add(text)
            file.write(json.dumps([text, claims(services, text)], ensure_ascii=False) + "\n")


WORDS = ["irc_", "i", "irc", "slack_", "sl", "_", "x", "bot", "a.b", "0"]
TAILS = ["", ".*", ".+", ".*:example\\.com", ".*:example.com", "[a-z]+:example\\.com$", "[0-9]*", "_.*", "?", "(bot|ghost).*", "$"]


def random_entry(rng, sigil):
    regex = rng.choice(["", "^"]) + sigil + rng.choice(WORDS) + rng.choice(TAILS)
    return {"exclusive": rng.random() < 0.55, "regex": regex}


def random_set(rng, directory: Path):
    registrations = []
    for number in range(rng.randint(0, 5)):
        namespaces = {
            "users": [random_entry(rng, "@") for _ in range(rng.randint(0, 3))],
            "aliases": [random_entry(rng, "#") for _ in range(rng.randint(0, 2))],
            "rooms": [],
        }
        sender = rng.choice(WORDS) + rng.choice(["", "bot", "x"])
        registrations.append(registration(number, f"as{number}", sender, namespaces))
    write(directory, registrations)
    return registrations, load(directory)


def random_question(rng, services):
    def localpart():
        patterns = [e.regex.pattern for s in services for e in s.namespaces["users"]] + ["@" + w for w in WORDS]
        text = near(rng, member(rng, rng.choice(patterns)))
        text = text[1:].partition(":")[0]
        roll = rng.random()
        if roll < 0.03:
            text = rng.choice(["", "1", "0042", "_x", "UPPER", "K", "İ", "a" * 242, "a" * 243, "a" * 244, "a b", "é"])
        elif roll < 0.08:
            text = "".join(rng.choice(LOCALPARTS) for _ in range(rng.randint(0, 4)))
        elif roll < 0.2 and services:
            text = rng.choice(services).sender.localpart
        return text

    roll = rng.random()
    if roll < 0.35:
        return {"localpart": localpart()}
    if roll < 0.7:
        token = rng.choice([s.token for s in services] * 8 + ["nobody's"])
        return {"localpart": localpart(), "as_token": token}
    patterns = [e.regex.pattern for s in services for e in s.namespaces["aliases"]] + ["#" + w for w in WORDS]
    alias = near(rng, member(rng, rng.choice(patterns)))
    if not alias.startswith("#"):
        alias = "#" + alias
    if ":" not in alias:
        alias += ":" + SERVER
    users = [s.sender.to_string() for s in services] + ["@alice:example.com"]
    question = {"alias": alias}
    roll = rng.random()
    if services and roll < 0.4:
        question["as_id"] = rng.choice(services).id
    elif roll < 0.8:
        question["user_id"] = rng.choice(users)
    return question


def record_decisions(rng, sets, out: Path):
    with tempfile.TemporaryDirectory() as scratch, (out / "decisions.jsonl").open("w") as file:
        for _ in range(sets):
            registrations, services = random_set(rng, Path(scratch) / "set")
            questions, seen = [], set()
            while len(questions) < 20:
                question = random_question(rng, services)
                key = json.dumps(question)
                if key in seen or ("alias" in question and not askable(question["alias"])):
                    continue
                seen.add(key)
                questions.append({"ask": question} | decide(services, question))
            file.write(json.dumps({"registrations": registrations, "questions": questions}, ensure_ascii=False) + "\n")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--ids", type=int, default=20_000)
    arguments.add_argument("--sets", type=int, default=500)
    arguments.add_argument("--out", type=Path, default=Path("tests/data/ruling"))
    options = arguments.parse_args()
    rng = random.Random(options.seed)
    record_near(rng, options.ids, options.out)
    record_decisions(rng, options.sets, options.out)


if __name__ == "__main__":
    main()
