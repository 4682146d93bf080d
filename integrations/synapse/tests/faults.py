#!/usr/bin/env python3
"""Takes bailiwick away from a running Synapse in every way there is, and shows what each flow answers meanwhile.

    integrations/synapse/tests/faults.py [--release 1.163.2] [--mode reserve]…

Whatever happens to bailiwick, nobody gets a name that was reserved. Modes `reserve` and `load` answer as before; `guard`
asks about each name, and answers 503. How quickly Synapse answers something else meanwhile is printed as a ratio. The exit
code is 0 if everything held.
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import signal
import statistics
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from homeserver import (
    NEWEST,
    SERVER,
    Answer,
    Bailiwick,
    Homeserver,
    Release,
    as_token,
    registration,
    scratch,
    until,
)
from report import Report

MODES = ["reserve", "load", "guard"]
# Loaded by Synapse itself: one with names of its own, and one that may share everybody's.
OWN = registration("own", ["@own_.*"], ["#own_.*"])
WIDE = registration("wide", ["@.*"], exclusive=False)
# Known to bailiwick only.
HOT = registration("hot", ["@hot_.*"], ["#hot_.*"])
REFUSED, AWAY, MADE, UNKNOWN = "400 M_EXCLUSIVE", "503 M_UNKNOWN", "200", "401 M_UNKNOWN_TOKEN"


class Flow(NamedTuple):
    """A way to a name. `callbacks` says whether Synapse's public callbacks, and so `guard`, see it."""

    what: str
    ask: Callable[[Run, str], Answer]
    callbacks: bool = True


class Run:
    """One Synapse in one mode, with bailiwick beside it."""

    def __init__(self, report: Report, mode: str, bailiwick: Bailiwick, homeserver: Homeserver) -> None:
        self.report, self.mode, self.bailiwick, self.homeserver = report, mode, bailiwick, homeserver
        self.numbers = itertools.count()
        self.admin = homeserver.register_by_secret("admin", admin=True).body["access_token"]
        self.room = homeserver.create_room(self.admin).body["room_id"]

    def answers(self, reserved: str, free: str, prefix: str = "hot") -> None:
        """What the flows answer for a reserved name, and for one that nobody holds. Each name is asked for once, so that
        none is refused for being in use."""
        for flow in FLOWS:
            if flow.callbacks or self.mode != "guard":
                answer = flow.ask(self, f"{prefix}_{next(self.numbers)}")
                self.report.is_(f"    reserved, {flow.what}", str(answer), reserved)
        for flow in FLOWS[1:4]:
            answer = flow.ask(self, f"free-{next(self.numbers)}")
            self.report.is_(f"    free, {flow.what}", str(answer), free)

    def bridges(self, hot: str | None = None) -> None:
        """Bridges register their own users: one that Synapse has loaded, for which no callback is asked, and one that only
        the mode `load` has taken up."""
        hot = hot or (MADE if self.mode == "load" else UNKNOWN)
        for name, text, should in [("own", OWN, MADE), ("hot", HOT, hot)]:
            answer = self.homeserver.register_by_service(f"{name}_{next(self.numbers)}", as_token(text))
            self.report.is_(f"    by its bridge, `{name}`", str(answer), should)

    def as_ever(self) -> None:
        """All is well, or must look so."""
        self.answers(REFUSED, MADE)
        self.bridges()

    def while_away(self, what: str) -> None:
        """bailiwick gives no answer."""
        print(f"{self.mode}: {what}", flush=True)
        if self.mode == "guard":
            self.answers(AWAY, AWAY)
            self.bridges()
        else:
            self.as_ever()

    def back(self) -> None:
        """Nothing has to be reset: the first registration after is answered rightly."""
        print(f"{self.mode}: back", flush=True)
        until("bailiwick's word counts", lambda: str(register(self, f"hot_{next(self.numbers)}")) == REFUSED)
        self.as_ever()
        self.follows()

    def follows(self) -> None:
        """What is added now is reserved, and what is removed now is free."""
        self.bailiwick.put("late.yaml", registration("late", ["@late_.*"]))
        taken = until("a file that comes now counts", lambda: str(register(self, f"late_{next(self.numbers)}")) == REFUSED)
        self.report.time("a file that comes now is reserved after", taken)
        self.bailiwick.remove("late.yaml")
        gone = until("its names can be had", lambda: register(self, f"late_{next(self.numbers)}").status == 200)
        self.report.time("and once it is gone, free after", gone)

    def pace(self, meanwhile: Callable[[], object] | None = None) -> float:
        """The median of a request that has nothing to do with names, while others wait for bailiwick."""
        stop = threading.Event()

        def load() -> None:
            while meanwhile and not stop.is_set():
                meanwhile()

        loads = [threading.Thread(target=load) for _ in range(4)]
        for thread in loads:
            thread.start()
        taken = [self.homeserver.ask("GET", "/account/whoami", None, self.admin).seconds for _ in range(200)]
        stop.set()
        for thread in loads:
            thread.join()
        return statistics.median(taken)


def register(run: Run, name: str) -> Answer:
    return run.homeserver.register(name)


FLOWS = [
    Flow("asked whether it is available", lambda run, name: run.homeserver.available(name), callbacks=False),
    Flow("registered", register),
    Flow("registered in capitals", lambda run, name: run.homeserver.register(name.upper())),
    Flow("as an alias", lambda run, name: run.homeserver.create_alias(f"#{name}:{SERVER}", run.room, run.admin)),
    Flow("by the shared secret", lambda run, name: run.homeserver.register_by_secret(name)),
    Flow("by an administrator", lambda run, name: run.homeserver.put_user(name, run.admin)),
    Flow(
        "by another service that shares everybody's names",
        lambda run, name: run.homeserver.register_by_service(name, as_token(WIDE)),
        callbacks=False,
    ),
]


def one_by_one(run: Run) -> None:
    """Each fault by itself, with bailiwick back after it."""
    bailiwick = run.bailiwick
    print(f"{run.mode}: all is well", flush=True)
    run.as_ever()
    well = run.pace(lambda: register(run, f"hot_{next(run.numbers)}"))

    bailiwick.send(signal.SIGSTOP)
    run.while_away("frozen")
    frozen = run.pace(lambda: register(run, f"hot_{next(run.numbers)}"))
    ratio = frozen / well
    # One request that waited for bailiwick in the reactor would make it hundreds.
    run.report.true("    other requests are no slower than before", ratio < 10, f"{ratio:.1f} times")
    bailiwick.send(signal.SIGCONT)
    run.back()

    bailiwick.stop(signal.SIGKILL)
    run.while_away("killed")
    bailiwick.socket.unlink()
    run.while_away("and its socket gone")
    bailiwick.start()
    run.back()

    bailiwick.token_file.write_text("another-token-than-the-one-it-knows\n")
    run.while_away("another token")
    bailiwick.token_file.unlink()
    run.while_away("no token")
    bailiwick.token_file.write_text(bailiwick.token + "\n")
    run.back()


def old_state(run: Run, home: Path) -> None:
    """bailiwick comes back with the state of yesterday, and the file, which that state does not know, is broken."""
    bailiwick = run.bailiwick
    bailiwick.stop()
    shutil.rmtree(bailiwick.home / "state")
    shutil.copytree(home / "old-state", bailiwick.home / "state")
    (bailiwick.files / "hot.yaml").write_text("id: hot\nas_token: [")
    bailiwick.start()
    print(f"{run.mode}: back with an old state, and a broken file", flush=True)
    if run.mode == "guard":
        # It asks each time, and is told what the service knows: that it does not know all (`--when-incomplete refuse`).
        run.report.is_("    reserved, registered", str(register(run, f"hot_{next(run.numbers)}")), AWAY)
    else:
        run.as_ever()
    bailiwick.put("hot.yaml", HOT)
    run.back()


def restarted(run: Run) -> None:
    """Synapse starts again while bailiwick is away."""
    run.bailiwick.stop(signal.SIGKILL)
    run.homeserver.restart()
    run.while_away("Synapse restarted meanwhile")
    run.bailiwick.start()
    run.back()


def nothing_known(run: Run) -> None:
    """Synapse starts again while bailiwick is away, and has no state of its own."""
    assert run.homeserver.module
    run.bailiwick.stop(signal.SIGKILL)
    module = dict(run.homeserver.module)
    state = module.pop("state_directory", None)
    run.homeserver.module = module
    run.homeserver.restart()
    print(f"{run.mode}: Synapse restarted meanwhile, without a state of its own", flush=True)
    run.answers(AWAY, AWAY)
    # It takes up only what bailiwick has judged.
    run.bridges(hot=UNKNOWN)
    run.bailiwick.start()
    run.back()
    run.homeserver.module = module | ({"state_directory": state} if state else {})


def another_servers(run: Run) -> None:
    """Where it was, a bailiwick of another homeserver answers, which knows of no bridge here."""
    ours = run.bailiwick
    ours.stop()
    ours.files.rename(ours.home / "ours")
    ours.files.mkdir()
    ours.server_name = "elsewhere.test"
    ours.start()
    run.while_away("one for another server in its place")
    ours.stop()
    ours.server_name = SERVER
    ours.files.rmdir()
    (ours.home / "ours").rename(ours.files)
    ours.start()
    run.back()


def try_mode(report: Report, release: Release, mode: str, home: Path) -> None:
    with Bailiwick(home / "bailiwick", "--when-incomplete", "refuse") as bailiwick:
        files = [bailiwick.files / name for name in ["own.yaml", "wide.yaml"]]
        for file, text in zip(files, [OWN, WIDE], strict=True):
            bailiwick.put(file.name, text)
        until("it knows them", lambda: active(bailiwick) == 2)
        shutil.copytree(bailiwick.home / "state", home / "old-state")
        more = {} if mode == "guard" else {"state_directory": str(home / "module")}
        with Homeserver(release, home / "synapse", files=files, module=bailiwick.module(mode, **more)) as homeserver:
            run = Run(report, mode, bailiwick, homeserver)
            try:
                bailiwick.put("hot.yaml", HOT)
                run.back()
                one_by_one(run)
                old_state(run, home)
                another_servers(run)
                restarted(run)
                nothing_known(run)
            except Exception:
                print(f"--- Synapse\n{homeserver.log()[-3_000:]}", file=sys.stderr)
                print(f"--- bailiwick\n{bailiwick.process.tail() if bailiwick.process else ''}", file=sys.stderr)
                raise


def active(bailiwick: Bailiwick) -> int:
    return int(bailiwick.ask("GET", "/v1/status").body["registrations"]["active"])


def main() -> int:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--release", default=NEWEST)
    arguments.add_argument("--mode", action="append", choices=MODES)
    options = arguments.parse_args()
    release, report = Release(options.release).install(), Report()
    for mode in options.mode or MODES:
        with scratch(f"faults-{mode}") as home:
            try_mode(report, release, mode, home)
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
