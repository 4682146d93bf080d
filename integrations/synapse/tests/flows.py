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
import re
import sys
import threading
from collections.abc import Callable, Iterator
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

# What a client gets: the status, and the errcode if there is one. `-`: this release does not have the flow.
REFUSED = "400 M_EXCLUSIVE"


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
    "mas_available": Row("MAS: is_localpart_available", ("200", "refuses", REFUSED, REFUSED)),
    "mas_provision": Row("MAS: provision_user", ("201", "refuses", REFUSED, REFUSED)),
    "mas_free": Row("MAS: provision_user, a name of nobody's", ("201", "refuses", "201", "201")),
    "mas_other_service": Row("MAS: another service, which may share", ("200", "refuses", REFUSED, REFUSED)),
}

# Synapse learnt to be asked by its authentication service at these paths in 1.136.
MAS_SINCE = (1, 136)


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
            "alias_delete": lambda: homeserver.ask(
                "DELETE", f"/directory/room/{quote(f'#{name}:{SERVER}', safe='')}", token=self.alice
            ),
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


def await_bridge(mode: str, bailiwick: Bailiwick, is_reserved: Callable[[], bool], is_loaded: Callable[[], bool]) -> None:
    """Until whoever is to know of the bridge does."""
    owners = f"/v1/owners?id=%40telegram_:{SERVER}"
    until("bailiwick knows the bridge", lambda: bailiwick.ask("GET", owners).body["owner"] == "telegram")
    if mode in ("reserve", "load"):
        until("the bridge's names are reserved", is_reserved)
    if mode == "load":
        until("the bridge is loaded", is_loaded)


def configuration(mode: str, bailiwick: Bailiwick, home: Path) -> dict[str, object] | None:
    if mode == "none":
        return None
    common = {"socket": str(bailiwick.socket), "token_file": str(bailiwick.token_file), "mode": mode}
    state = {"state_directory": str(home / "state")} if mode != "guard" else {}
    return {**common, **state, **({"directories": [str(bailiwick.files)]} if mode == "load" else {})}


def try_mode(release: Release, mode: str, mas: bool) -> Iterator[tuple[str, str]]:
    """Rows and what was answered."""
    rows = [row for row in EXPECTED if row.startswith("mas_") == mas]
    with scratch("flows") as home, Bailiwick(home / "bailiwick") as bailiwick, cas() as cas_server:
        relay = home / "relay.yaml"
        relay.write_text(RELAY)
        module = configuration(mode, bailiwick, home)
        modules = [{"module": "another_module.AnotherModule", "config": {}}]
        if module is not None:
            modules.append({"module": "synapse_bailiwick.Bailiwick", "config": module})
        settings: dict[str, object] = {"modules": modules}
        if not mas:
            settings["cas_config"] = {"enabled": True, "server_url": cas_server}
            # Where no token is asked for, none has to be shown: the row is about the name.
            settings["sso"] = {"client_whitelist": ["http://127.0.0.1/"]}
        homeserver = Homeserver(
            release,
            home / "synapse",
            files=[relay],
            settings=settings,
            mas="http://127.0.0.1:9/" if mas else None,
        )
        if mas and mode == "guard":
            yield from ((row, refuses(homeserver)) for row in rows)
            return
        with homeserver:
            whoami = lambda: homeserver.ask("GET", "/account/whoami", token=as_token(TELEGRAM)).status == 200  # noqa: E731
            if mas:
                asked = {"localpart": "telegram_"}
                taken = lambda: homeserver.ask_as_mas("GET", "is_localpart_available", query=asked).status == 400  # noqa: E731
                bailiwick.put("telegram.yaml", TELEGRAM)
                await_bridge(mode, bailiwick, taken, whoami)
                for row in rows:
                    yield row, str(ask_as_mas(homeserver, row))
                return
            flows = Flows(homeserver)
            bailiwick.put("telegram.yaml", TELEGRAM)
            reserved = lambda: homeserver.available_to_admin("telegram_", flows.admin).status == 400  # noqa: E731
            await_bridge(mode, bailiwick, reserved, whoami)
            for row in rows:
                yield row, str(flows.ask(row))


def refuses(homeserver: Homeserver) -> str:
    """Synapse does not start, and says why in a line."""
    try:
        homeserver.start()
    except Stuck as stuck:
        return "refuses" if re.search(r"the mode guard does not work beside an authentication service", str(stuck)) else "fails"
    finally:
        homeserver.stop()
    return "starts"


def try_release(version: str, modes: list[str]) -> int:
    """Prints the table of a release; gives the number of answers that were not expected."""
    release = Release(version).install()
    has_mas = tuple(int(part) for part in version.split(".")[:2]) >= MAS_SINCE
    answers: dict[tuple[str, str], str] = {}
    for mode in modes:
        for mas in [False, True] if has_mas else [False]:
            for row, answer in try_mode(release, mode, mas):
                answers[row, mode] = answer
    print(f"\nSynapse {version}\n\n| request | {' | '.join(modes)} |\n|---|{'---|' * len(modes)}")
    failures = 0
    for row, (what, expected) in EXPECTED.items():
        cells = []
        for mode in modes:
            answer, should = answers.get((row, mode), "-"), expected[MODES.index(mode)]
            right = answer == should or (answer == "-" and row.startswith("mas_") and not has_mas)
            failures += not right
            cells.append(answer if right else f"**{answer}**, expected {should}")
        print(f"| {what} | {' | '.join(cells)} |")
    print(f"\n{len(EXPECTED) * len(modes) - failures} passed, {failures} failed", flush=True)
    return failures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--release", action="append", help=f"of Synapse, from PyPI; may be repeated (default: {NEWEST})")
    parser.add_argument("--mode", action="append", choices=MODES, help="may be repeated (default: all)")
    arguments = parser.parse_args()
    failures = [try_release(version, arguments.mode or MODES) for version in arguments.release or [NEWEST]]
    return 1 if any(failures) else 0


if __name__ == "__main__":
    sys.exit(main())
