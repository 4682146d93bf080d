#!/usr/bin/env python3
"""Adds a real bridge to a running Synapse and talks through it, both ways; nothing is restarted.

    integrations/synapse/tests/bridge.py [--release 1.163.2]

The bridge is heisenbridge from PyPI, the IRC server ngircd from Debian's packages, the person on IRC a few lines below.
Synapse runs with the module in mode `load`; heisenbridge writes its registration, which is copied to where bailiwick looks.
The exit code is 0 if everything held.
"""

from __future__ import annotations

import argparse
import itertools
import queue
import socket
import sys
import threading
import time
from pathlib import Path
from urllib.parse import quote

from backends import Package
from homeserver import (
    CACHE,
    NEWEST,
    SERVER,
    Bailiwick,
    Homeserver,
    Json,
    Process,
    Release,
    environment,
    free_port,
    put,
    scratch,
    until,
)
from report import Report

HEISENBRIDGE = "1.15.4"
NICK = "bob"
CHANNEL = "#garden"


class Irc:
    """A person on IRC: joins the channel and keeps what is said there."""

    def __init__(self, port: int) -> None:
        self.connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.connection.settimeout(None)
        self.said: queue.Queue[tuple[str, str]] = queue.Queue()
        self.joined = threading.Event()
        self.send(f"NICK {NICK}", f"USER {NICK} 0 * :{NICK}", f"JOIN {CHANNEL}")
        threading.Thread(target=self.read, daemon=True).start()

    def send(self, *lines: str) -> None:
        self.connection.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def read(self) -> None:
        for line in self.connection.makefile("r", encoding="utf-8", errors="replace", newline="\r\n"):
            words = line.rstrip("\r\n").split(" ", 3)
            if words[0] == "PING":
                self.send(f"PONG {words[1]}")
            elif words[1] == "366":  # the end of the list of names: it has joined
                self.joined.set()
            elif words[1] == "PRIVMSG" and words[2] == CHANNEL:
                self.said.put((words[0].lstrip(":").partition("!")[0], words[3].lstrip(":")))


class Person:
    """A person on Matrix, who accepts every invitation and keeps what is said by whom in which room."""

    def __init__(self, homeserver: Homeserver, name: str) -> None:
        self.homeserver, self.since = homeserver, ""
        self.id = f"@{name}:{SERVER}"
        self.token = homeserver.register(name).body["access_token"]
        self.said: list[tuple[str, str, str]] = []
        self.names: dict[str, str] = {}
        self.numbers = itertools.count()

    def look(self) -> None:
        query = {"timeout": "200"} | ({"since": self.since} if self.since else {})
        synced = self.homeserver.ask("GET", "/sync", None, self.token, query).body
        self.since = synced["next_batch"]
        rooms = synced.get("rooms", {})
        for room in rooms.get("invite", {}):
            self.homeserver.ask("POST", f"/rooms/{quote(room)}/join", {}, self.token)
        for room, joined in rooms.get("join", {}).items():
            for event in joined.get("state", {}).get("events", []) + joined.get("timeline", {}).get("events", []):
                self.take(room, event)

    def take(self, room: str, event: Json) -> None:
        if event["type"] == "m.room.message" and event["sender"] != self.id:
            self.said.append((room, event["sender"], event["content"].get("body", "")))
        elif event["type"] == "m.room.name":
            self.names[room] = event["content"].get("name", "")

    def say(self, room: str, text: str) -> None:
        path = f"/rooms/{quote(room)}/send/m.room.message/{next(self.numbers)}"
        sent = self.homeserver.ask("PUT", path, {"msgtype": "m.text", "body": text}, self.token)
        assert sent.status == 200, sent.body

    def hears(self, what: str, sender: str | None = None, after: int = 0) -> str:
        """Waits until somebody says a text with `what` in it, and gives the room."""

        def heard() -> list[str]:
            self.look()
            told = self.said[after:]
            return [room for room, who, text in told if what in text and sender in (None, who)]

        until(f"{self.id} hears {what!r}; heard so far: {self.said}", heard)
        return heard()[-1]

    def sees_room(self, name: str) -> str:
        def named() -> list[str]:
            self.look()
            return [room for room, its in self.names.items() if its == name]

        until(f"{self.id} is in {name}; rooms: {self.names}", named)
        return named()[0]


def irc_server(home: Path) -> tuple[Process, int]:
    package, port = Package("ngircd", "usr/sbin/ngircd"), free_port()
    config = home / "ngircd.conf"
    config.write_text(
        f"[Global]\nName = irc.test\nInfo = test\nListen = 127.0.0.1\nPorts = {port}\nMotdPhrase = hello\n"
        "ServerUID = 65534\nServerGID = 65534\n"
        "[Limits]\nMaxConnectionsIP = 0\n"
        "[Options]\nIdent = no\nDNS = no\nPAM = no\n"
    )
    command: list[str | Path] = [package.program, "--nodaemon", "--config", config]
    process = Process("ngircd", command, home / "ngircd.log", env=package.environment())
    process.until_answers(lambda: listens(port))
    return process, port


def listens(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        return True


def talk(report: Report, person: Person, irc: Irc, port: int) -> None:
    """From the first words to the bridge to a conversation through it."""
    control = person.hears("Howdy", f"@heisenbridge:{SERVER}")
    for command in ["ADDNETWORK test", f"ADDSERVER test 127.0.0.1 {port}", "OPEN test"]:
        person.say(control, command)
    network = person.sees_room("test")
    for command in ["NICK alice", "CONNECT"]:
        person.say(network, command)
    person.hears("hello")  # the server's message of the day
    person.say(network, f"JOIN {CHANNEL}")
    channel = person.sees_room(f"{CHANNEL} (test)")

    begin = time.monotonic()
    person.say(channel, "Do you see this?")
    report.is_("from Matrix to IRC", irc.said.get(timeout=60), ("alice", "Do you see this?"))
    report.time("from Matrix to IRC took", time.monotonic() - begin)
    begin = time.monotonic()
    irc.send(f"PRIVMSG {CHANNEL} :I do, and you?")
    where = person.hears("I do, and you?", f"@irc_test_{NICK}:{SERVER}")
    report.is_("from IRC to Matrix, by a user of the bridge", where, channel)
    report.time("from IRC to Matrix took", time.monotonic() - begin)


def main() -> int:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--release", default=NEWEST)
    release = Release(arguments.parse_args().release).install()
    proof = "import heisenbridge"
    bridge_python = environment(CACHE / f"heisenbridge-{HEISENBRIDGE}", [f"heisenbridge=={HEISENBRIDGE}"], proof)
    report = Report()
    with scratch("bridge") as home, Bailiwick(home / "bailiwick") as bailiwick:
        running: list[Process] = []
        with Homeserver(release, home / "synapse", module=bailiwick.module("load")) as homeserver:
            try:
                ids = {name: process.popen.pid for name, process in homeserver.processes.items()}
                irc_process, irc_port = irc_server(home)
                running.append(irc_process)
                irc = Irc(irc_port)
                assert irc.joined.wait(60)
                person = Person(homeserver, "alice")

                written, port = home / "heisenbridge.yaml", free_port()
                run: list[str | Path] = [bridge_python, "-m", "heisenbridge", "-c", written, "--listen-port", str(port)]
                generated = Process("heisenbridge", [*run, "--generate"], home / "generate.log")
                assert generated.popen.wait(60) == 0, generated.tail()
                report.is_("before, its users can be had", homeserver.available("irc_test_bob").status, 200)
                put(bailiwick.files / "heisenbridge.yaml", written.read_text())
                taken = lambda: homeserver.register_first_step("irc_test_bob").errcode == "M_EXCLUSIVE"  # noqa: E731
                report.time("the file copied in, its users are refused to people after", until("it is loaded", taken))

                owner = [f"http://127.0.0.1:{homeserver.ports['main']}", "--owner", person.id]
                running.append(Process("heisenbridge", [*run, "-v", *owner], home / "heisenbridge.log"))
                talk(report, person, irc, irc_port)
                report.is_("what runs since the beginning", {n: p.popen.pid for n, p in homeserver.processes.items()}, ids)
            except Exception:
                for log in sorted(home.glob("*.log")):
                    print(f"--- {log.name}\n{log.read_text(errors='replace')[-3_000:]}", file=sys.stderr)
                print(f"--- Synapse\n{homeserver.log()[-3_000:]}", file=sys.stderr)
                raise
            finally:
                for process in reversed(running):
                    process.stop()
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
