"""What a running Synapse answers about the names of a bridge that it has not loaded, in each mode of the module.

    python3 integrations/synapse/tests/flows.py [--release X ...] [--mode MODE ...]

Synapse runs with one service loaded, `relay`, whose claims anybody may share. Then the file of a bridge, `telegram`, is put
in place, and every flow that makes or checks a name is asked for one of the bridge's names. The table is printed; the exit
code is 1 if any answer is another than `EXPECTED` says. `none` is Synapse without the module: what it guards against.
"""

from __future__ import annotations

import argparse
import contextlib
import http.server
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, quote, urlsplit

from homeserver import (
    NEWEST,
    SERVER,
    Answer,
    Bailiwick,
    Homeserver,
    Release,
    Stuck,
    as_token,
    registration,
    scratch,
    until,
)

MODES = ["none", "guard", "reserve", "load"]
RELAY = registration("relay", ["@.*"], ["#.*"], exclusive=False)
TELEGRAM = registration("telegram", ["@telegram_.*"], ["#telegram_.*"])

# What a client gets: the status, and the errcode if there is one.
REFUSED = "400 M_EXCLUSIVE"
# Synapse does not start in this mode.
REFUSES = "refuses to start"
# This release does not have the flow.
MISSING = "-"


class Row(NamedTuple):
    """A flow, and what is expected of it without the module, in the modes guard, reserve and load."""

    what: str
    expected: tuple[str, str, str, str]


EXPECTED = {
    "available": Row("/register/available", ("200", "200", REFUSED, REFUSED)),
    "first_step": Row("/register, first step", ("401", "401", REFUSED, REFUSED)),
    "last_step": Row("/register, last step", ("200", REFUSED, REFUSED, REFUSED)),
    "capitals": Row("/register, last step, in capitals", ("200", REFUSED, REFUSED, REFUSED)),
    "sender": Row("/register, the service's own user", ("200", REFUSED, REFUSED, REFUSED)),
    "free": Row("/register, a name of nobody's", ("200", "200", "200", "200")),
    "no_name": Row("/register without a name", ("200", "200", "200", "200")),
    "guest": Row("a guest", ("200", "200", "200", "200")),
    "secret": Row("shared secret", ("200", REFUSED, REFUSED, REFUSED)),
    "admin": Row("admin API: PUT", ("201", REFUSED, REFUSED, REFUSED)),
    "admin_available": Row("admin API: username_available", ("200", "200", REFUSED, REFUSED)),
    "module": Row("another module", ("200", REFUSED, REFUSED, REFUSED)),
    "cas": Row("first single sign-on (CAS)", ("302", REFUSED, REFUSED, REFUSED)),
    "other_service": Row("another service, which may share", ("200", "200", REFUSED, REFUSED)),
    "own_name": Row("another service, a name of its own", ("200", "200", "200", "200")),
    "itself": Row("the service itself", ("401 M_UNKNOWN_TOKEN", "401 M_UNKNOWN_TOKEN", "401 M_UNKNOWN_TOKEN", "200")),
    "whoami": Row("the service asks who it is", ("401 M_UNKNOWN_TOKEN", "401 M_UNKNOWN_TOKEN", "401 M_UNKNOWN_TOKEN", "200")),
    "alias": Row("alias: PUT", ("200", REFUSED, REFUSED, REFUSED)),
    "alias_admin": Row("alias: PUT by a server admin", ("200", REFUSED, REFUSED, REFUSED)),
    "alias_room": Row("alias: room_alias_name", ("200", REFUSED, REFUSED, REFUSED)),
    "alias_free": Row("alias: a name of nobody's", ("200", "200", "200", "200")),
    "alias_delete": Row("alias: DELETE, made before", ("200", "200", REFUSED, REFUSED)),
    "alias_other": Row("alias: another service, which may share", ("200", "200", "200", "200")),
    "alias_itself": Row("alias: the service itself", ("401 M_UNKNOWN_TOKEN", "401 M_UNKNOWN_TOKEN", "401 M_UNKNOWN_TOKEN", "200")),
    "mas_available": Row("MAS: is_localpart_available", ("200", REFUSES, REFUSED, REFUSED)),
    "mas_provision": Row("MAS: provision_user", ("201", REFUSES, REFUSED, REFUSED)),
    "mas_free": Row("MAS: provision_user, a name of nobody's", ("201", REFUSES, "201", "201")),
    "mas_other_service": Row("MAS: another service, which may share", ("200", REFUSES, REFUSED, REFUSED)),
}

# Since when an authentication service asks Synapse at these paths, and since when someone who retries for a service that is
# down can be hurried.
MAS_SINCE = (1, 136)
LOAD_SINCE = (1, 132)


@contextlib.contextmanager
def cas() -> Iterator[str]:
    """A CAS server that believes everybody: a ticket is the name of its holder."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = parse_qs(urlsplit(self.path).query)["ticket"][0]
            success = f"<cas:authenticationSuccess><cas:user>{name}</cas:user></cas:authenticationSuccess>"
            content = f'<cas:serviceResponse xmlns:cas="http://www.yale.edu/tp/cas">{success}</cas:serviceResponse>'.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


class Flows:
    """Asks them all. Each has a name of its own, since some of them make it."""

    def __init__(self, homeserver: Homeserver) -> None:
        self.homeserver = homeserver
        self.admin = homeserver.register_by_secret("operator", admin=True).body["access_token"]
        self.alice = homeserver.register("alice").body["access_token"]
        self.room = homeserver.create_room(self.alice).body["room_id"]
        # Before anybody knew of the bridge.
        assert self.create_alias("alias_delete").status == 200

    def create_alias(self, row: str, token: str | None = None, localpart: str | None = None) -> Answer:
        alias = f"#{localpart or f'telegram_{row}'}:{SERVER}"
        return self.homeserver.create_alias(alias, self.room, token or self.alice)

    def ask(self, row: str) -> Answer:
        homeserver, name = self.homeserver, f"telegram_{row}"
        alias = f"#{name}:{SERVER}"
        flows: dict[str, Callable[[], Answer]] = {
            "available": lambda: homeserver.available(name),
            "first_step": lambda: homeserver.register_first_step(name),
            "last_step": lambda: homeserver.register(name),
            "capitals": lambda: homeserver.register(name.upper()),
            "sender": lambda: homeserver.register("telegrambot"),
            "free": lambda: homeserver.register("bob"),
            "no_name": lambda: homeserver.register(None),
            "guest": homeserver.register_guest,
            "secret": lambda: homeserver.register_by_secret(name),
            "admin": lambda: homeserver.put_user(name, self.admin),
            "admin_available": lambda: homeserver.available_to_admin(name, self.admin),
            "module": lambda: homeserver.ask("POST", "/_synapse/client/another_module", {"localpart": name}),
            "cas": lambda: homeserver.ask("GET", "/login/cas/ticket", query={"redirectUrl": "http://127.0.0.1/", "ticket": name}),
            "other_service": lambda: homeserver.register_by_service(name, as_token(RELAY)),
            "own_name": lambda: homeserver.register_by_service("relayed_carol", as_token(RELAY)),
            "itself": lambda: homeserver.register_by_service(name, as_token(TELEGRAM)),
            "whoami": lambda: homeserver.ask("GET", "/account/whoami", token=as_token(TELEGRAM)),
            "alias": lambda: self.create_alias(row),
            "alias_admin": lambda: self.create_alias(row, self.admin),
            "alias_room": lambda: homeserver.create_room(self.alice, room_alias_name=name),
            "alias_free": lambda: self.create_alias(row, localpart="garden"),
            "alias_delete": lambda: homeserver.ask("DELETE", f"/directory/room/{quote(alias, safe='')}", token=self.alice),
            "alias_other": lambda: self.create_alias(row, as_token(RELAY)),
            "alias_itself": lambda: self.create_alias(row, as_token(TELEGRAM)),
        }
        return flows[row]()


def ask_as_mas(homeserver: Homeserver, row: str) -> Answer:
    name = "bob" if row == "mas_free" else f"telegram_{row}"
    if row == "mas_available":
        return homeserver.ask_as_mas("GET", "is_localpart_available", query={"localpart": name})
    if row == "mas_other_service":
        return homeserver.register_by_service(name, as_token(RELAY))
    return homeserver.ask_as_mas("POST", "provision_user", {"localpart": name})


def await_bridge(mode: str, bailiwick: Bailiwick, probe: Callable[[], Answer], homeserver: Homeserver) -> None:
    """Until whoever is to know of the bridge does."""
    owners = f"/v1/owners?id=%40telegram_:{SERVER}"
    until("bailiwick knows the bridge", lambda: bailiwick.ask("GET", owners).body["owner"] == "telegram")
    if mode in ("reserve", "load"):
        until("the bridge's names are reserved", lambda: probe().errcode == "M_EXCLUSIVE")
    if mode == "load":
        whoami = lambda: homeserver.ask("GET", "/account/whoami", token=as_token(TELEGRAM)).status == 200  # noqa: E731
        until("the bridge is loaded", whoami)


def configuration(mode: str, bailiwick: Bailiwick, home: Path) -> dict[str, object] | None:
    if mode == "none":
        return None
    common = {"socket": str(bailiwick.socket), "token_file": str(bailiwick.token_file), "mode": mode}
    state = {"state_directory": str(home / "state")} if mode != "guard" else {}
    return {**common, **state, **({"directories": [str(bailiwick.files)]} if mode == "load" else {})}


def start(release: Release, mode: str, mas: bool, home: Path, bailiwick: Bailiwick, cas_server: str) -> Homeserver:
    """A Synapse in a mode, which is not started yet."""
    relay = home / "relay.yaml"
    relay.write_text(RELAY)
    modules: list[Mapping[str, object]] = [{"module": "another_module.AnotherModule", "config": {}}]
    if module := configuration(mode, bailiwick, home):
        modules.append({"module": "synapse_bailiwick.Bailiwick", "config": module})
    settings: dict[str, object] = {"modules": modules}
    if not mas:
        settings["cas_config"] = {"enabled": True, "server_url": cas_server}
        # Where no token is asked for, none has to be shown: the row is about the name.
        settings["sso"] = {"client_whitelist": ["http://127.0.0.1/"]}
    address = "http://127.0.0.1:9/" if mas else None
    return Homeserver(release, home / "synapse", files=[relay], settings=settings, mas=address)


def try_mode(release: Release, mode: str, mas: bool) -> Iterator[tuple[str, str]]:
    """Rows and what was answered."""
    rows = [row for row in EXPECTED if row.startswith("mas_") == mas]
    with scratch("flows") as home, Bailiwick(home / "bailiwick") as bailiwick, cas() as cas_server:
        homeserver = start(release, mode, mas, home, bailiwick, cas_server)
        if reason := why_refused(release, mode, mas):
            answer = refuses(homeserver, reason)
            yield from ((row, answer) for row in rows)
            return
        with homeserver:
            ask = (lambda row: ask_as_mas(homeserver, row)) if mas else Flows(homeserver).ask
            bailiwick.put("telegram.yaml", TELEGRAM)
            await_bridge(mode, bailiwick, lambda: ask("mas_available" if mas else "admin_available"), homeserver)
            for row in rows:
                yield row, str(ask(row))


def why_refused(release: Release, mode: str, mas: bool) -> str | None:
    """What Synapse is to say where the mode is not for it."""
    if mode == "guard" and mas:
        return "the mode guard does not work beside an authentication service"
    if mode == "load" and series(release.version) < LOAD_SINCE:
        return "the mode load does not work with this Synapse: "
    return None


def refuses(homeserver: Homeserver, reason: str) -> str:
    """Whether Synapse does not start, and says why in a line."""
    try:
        homeserver.start()
    except Stuck as stuck:
        return REFUSES if reason in str(stuck) else f"fails: {stuck}"
    finally:
        homeserver.stop()
    return "starts"


def series(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])


def expected_of(version: str, row: str, mode: str) -> str:
    if row.startswith("mas_") and series(version) < MAS_SINCE:
        return MISSING
    if mode == "load" and series(version) < LOAD_SINCE:
        return REFUSES
    return EXPECTED[row].expected[MODES.index(mode)]


def try_release(version: str, modes: Sequence[str]) -> int:
    """Prints the table of a release; gives the number of answers that were not expected."""
    release = Release(version).install()
    answers: dict[tuple[str, str], str] = {}
    for mode in modes:
        for mas in [False, True] if series(version) >= MAS_SINCE else [False]:
            answers |= {(row, mode): answer for row, answer in try_mode(release, mode, mas)}
    print(f"\nSynapse {version}\n\n| request | {' | '.join(modes)} |\n|---|{'---|' * len(modes)}")
    passed = failed = skipped = 0
    for row, (what, _) in EXPECTED.items():
        cells = []
        for mode in modes:
            answer, expected = answers.get((row, mode), MISSING), expected_of(version, row, mode)
            skipped += answer == expected == MISSING
            passed += answer == expected != MISSING
            failed += answer != expected
            cells.append(answer if answer == expected else f"**{answer}**, expected {expected}")
        print(f"| {what} | {' | '.join(cells)} |")
    print(f"\n{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--release", action="append", help=f"of Synapse, from PyPI; may be repeated (default: {NEWEST})")
    parser.add_argument("--mode", action="append", choices=MODES, help="may be repeated (default: all)")
    arguments = parser.parse_args()
    failures = [try_release(version, arguments.mode or MODES) for version in arguments.release or [NEWEST]]
    return 1 if any(failures) else 0


if __name__ == "__main__":
    sys.exit(main())
