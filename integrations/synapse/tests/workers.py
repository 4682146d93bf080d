#!/usr/bin/env python3
"""Shows the mode `load` on a Synapse with workers: a main process, a client worker and a sender for application services,
with PostgreSQL and Redis.

    integrations/synapse/tests/workers.py [--release 1.163.2] [--within 1.0]

A file that is copied in works in all three; it is removed; its `url` changes while the bridge is down; one comes with
another's token; and under an authentication service it is given what Synapse would give it at start. Times are printed, and
with --within they must not be longer. The exit code is 0 if everything held.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import itertools
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from backends import Backends
from homeserver import NEWEST, SERVER, Answer, Bailiwick, Homeserver, Release, as_token, registration, scratch, until
from report import Report
from standins import AuthenticationService, Bridge

TOKEN = "as_telegram_" + "0123456789abcdef" * 2
HS_TOKEN = "hs_telegram_" + "0123456789abcdef" * 2
USERS, ALIASES = ["@telegram_.*"], ["#telegram_.*"]


class Run:
    """What is shown, one method a promise, on one homeserver."""

    def __init__(self, report: Report, bailiwick: Bailiwick, homeserver: Homeserver, backends: Backends, within: float) -> None:
        self.report, self.bailiwick, self.homeserver, self.backends = report, bailiwick, homeserver, backends
        self.within = within
        self.messages = itertools.count()
        self.alice = homeserver.register("alice").body["access_token"]
        self.room = homeserver.create_room(self.alice, to="worker", preset="public_chat").body["room_id"]

    # What is asked.

    def in_each(self, what: str, is_true: Callable[[str], bool], since: float) -> None:
        """In each process, asked all at once, since the given moment."""

        def wait(process: str) -> tuple[str, float]:
            until(f"{what} in {process}", lambda: is_true(process))
            return process, time.monotonic() - since

        with concurrent.futures.ThreadPoolExecutor() as pool:
            times = dict(pool.map(wait, self.homeserver.names))
        self.soon(what, times)

    def soon(self, what: str, times: dict[str, float]) -> None:
        shown = ", ".join(f"{process} {seconds * 1000:.0f} ms" for process, seconds in times.items())
        self.report.true(what, max(times.values()) <= self.within, shown)

    def register_ghost(self, name: str, to: str = "worker", token: str = TOKEN) -> Answer:
        return self.homeserver.register_by_service(name, token, to)

    def act(self, ghost: str, method: str, path: str, token: str = TOKEN) -> Answer:
        return self.homeserver.ask(method, path, {}, token, {"user_id": f"@{ghost}:{SERVER}"}, to="worker")

    def say(self, text: str) -> None:
        path = f"/rooms/{quote(self.room)}/send/m.room.message/{next(self.messages)}"
        sent = self.homeserver.ask("PUT", path, {"msgtype": "m.text", "body": text}, self.alice, to="worker")
        assert sent.status == 200, sent.body

    def put(self, url: str, *, users: list[str] | None = None) -> float:
        text = registration("telegram", users or USERS, ALIASES, url=url, token=TOKEN)
        self.bailiwick.put("telegram.yaml", text)
        return time.monotonic()

    def refused(self, localpart: str) -> Callable[[str], bool]:
        # The first step of a registration; whoever asks /register/available twice in two seconds is kept waiting for one.
        return lambda process: self.homeserver.register_first_step(localpart, process).errcode == "M_EXCLUSIVE"

    # What is shown.

    def copied_in(self, bridge: Bridge) -> None:
        self.report.is_("before, the bridge is unknown", str(self.register_ghost("telegram_1")), "401 M_UNKNOWN_TOKEN")
        self.report.is_("and its names can be had", self.homeserver.available("telegram_1", "worker").status, 200)
        since = self.put(bridge.url)
        self.in_each("copied in: people are refused its names after", self.refused("telegram_1"), since)
        registered = self.register_ghost("telegram_1")
        self.report.is_("the bridge registers a user, through the worker", registered.status, 200)
        self.report.is_("and joins a room", self.act("telegram_1", "POST", f"/join/{quote(self.room)}").status, 200)
        since = time.monotonic()
        self.say("to the bridge")
        until("the sender sends it the message", lambda: bridge.got("to the bridge"))
        self.report.time("and was sent a message after", time.monotonic() - since)
        self.report.is_("with the right hs_token", bridge.refused, 0)
        until("bailiwick is told that all have loaded it", self.told)

    def told(self) -> bool:
        """Whether each process has told that it has what is in force."""
        workers = self.bailiwick.ask("GET", "/v1/status").body["homeserver"]["workers"]
        return {worker["worker"]: (worker["behind"], worker["missing"]) for worker in workers} == dict.fromkeys(
            self.homeserver.names, (False, [])
        )

    def removed(self) -> None:
        self.bailiwick.remove("telegram.yaml")
        since = time.monotonic()
        self.in_each("removed: its names can be had again after", lambda process: not self.refused("telegram_2")(process), since)
        self.report.is_("and it is unknown", str(self.register_ghost("telegram_2")), "401 M_UNKNOWN_TOKEN")

    def moved_while_down(self, bridge: Bridge) -> None:
        """The process that sends keeps the old address of a bridge that is down, and asks it again after 2, 4, 8 … s."""
        with bridge:
            self.in_each("copied in again: refused after", self.refused("telegram_1"), self.put(bridge.url))
        self.say("while it is down")
        down = "select state from application_services_state where as_id = 'telegram'"
        until("Synapse takes the bridge to be down", lambda: self.backends.query(down) == "down")
        with Bridge(HS_TOKEN) as elsewhere:
            since = self.put(elsewhere.url)
            until("it is sent what it missed", lambda: elsewhere.got("while it is down"))
            self.report.time("its `url` changed while it was down: it was sent what it missed after", time.monotonic() - since)
            until("Synapse takes it to be up", lambda: self.backends.query(down) == "up")
            self.say("up again")
            until("it is sent what is said now", lambda: elsewhere.got("up again"))
            got = [sent.event["content"]["body"] for sent in elsewhere.sent if sent.event["type"] == "m.room.message"]
            self.report.is_("each message once, in order", got, ["while it is down", "up again"])
            self.back_at(bridge)

    def back_at(self, bridge: Bridge) -> None:
        """While it is up, it moves as quickly."""
        with bridge:
            self.put(bridge.url, users=[*USERS, "@tg_.*"])
            until("its second namespace is loaded", lambda: all(map(self.refused("tg_1"), self.homeserver.names)))
            self.say("moved while it was up")
            until("it is sent to the new address", lambda: bridge.got("moved while it was up"))
            self.report.is_("moved while it was up, with a namespace more", self.register_ghost("tg_1").status, 200)

    def anothers_token(self) -> None:
        text = registration("thief", ["@thief_.*"], url=None, token=TOKEN)
        self.bailiwick.put("thief.yaml", text)
        judged = lambda: self.bailiwick.ask("GET", "/v1/status").body["registrations"]["quarantined"] == 1  # noqa: E731
        until("bailiwick has judged the file", judged)
        # What follows would show a thief that was loaded late, too: it comes after a change that is waited for.
        self.bailiwick.put("after.yaml", registration("after", ["@after_.*"]))
        self.in_each("a file with another's token, and one after it, loaded after", self.refused("after_1"), time.monotonic())
        ghost = self.register_ghost("telegram_3")
        self.report.is_("whose token it is keeps it", ghost.status, 200)
        self.report.is_("the thief registers nobody", str(self.register_ghost("thief_1")), "400 M_EXCLUSIVE")
        self.bailiwick.remove("thief.yaml")

    def under_an_authentication_service(self, service: AuthenticationService, native: Path) -> None:
        """Devices of its users are a bridge's own affair there; what was loaded is treated as what Synapse reads at start."""
        self.homeserver.mas = service.url
        self.homeserver.restart()
        self.bailiwick.put("hot.yaml", registration("hot", ["@hot_.*"]))
        until("it is loaded", lambda: self.register_ghost("hot_1", token=as_token(registration("hot"))).status == 200)
        answers = {}
        for name, text in {"native": native.read_text(), "hot": registration("hot")}.items():
            token = as_token(text)
            self.register_ghost(f"{name}_2", token=token)
            device = self.act(f"{name}_2", "PUT", "/devices/BRIDGE", token)
            answers[name] = (device.status, self.act(f"{name}_2", "DELETE", "/devices/BRIDGE", token).status)
        self.report.is_("under an authentication service it makes and ends devices", answers["hot"], (201, 200))
        self.report.is_("as what Synapse read at start does", answers["native"], answers["hot"])
        asked = self.homeserver.ask_as_mas("GET", "is_localpart_available", query={"localpart": "hot_3"})
        self.report.is_("and the service is told that its names are taken", str(asked), "400 M_EXCLUSIVE")


def main() -> int:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--release", default=NEWEST)
    arguments.add_argument("--within", type=float, default=60.0, metavar="SECONDS", help="how long each process may take")
    options = arguments.parse_args()
    release, report = Release(options.release).install(), Report()
    with scratch("workers") as home, Backends(home / "backends") as backends, Bailiwick(home / "bailiwick") as bailiwick:
        native = bailiwick.files / "native.yaml"
        bailiwick.put(native.name, registration("native", ["@native_.*"]))
        with Homeserver(
            release, home / "synapse", files=[native], module=bailiwick.module("load"), backends=backends
        ) as homeserver:
            try:
                run = Run(report, bailiwick, homeserver, backends, options.within)
                bridge = Bridge(HS_TOKEN)
                with bridge:
                    run.copied_in(bridge)
                    run.removed()
                run.moved_while_down(bridge)
                run.anothers_token()
                with AuthenticationService() as service:
                    run.under_an_authentication_service(service, native)
            except Exception:
                for name in homeserver.names:
                    print(f"--- {name}\n{homeserver.log(name)[-3_000:]}", file=sys.stderr)
                raise
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
