"""What may stand between a service and its database."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import threading
from pathlib import Path

from database import Database, until  # which says where the next two are

from backends import Package  # isort: skip
from homeserver import free_port  # isort: skip


class Proxy:
    """Stands before the database: forwards what is said, without some words if told to, drops it, or keeps it back."""

    def __init__(self, port: int) -> None:
        self.behind, self.cut, self.drops = port, b"", threading.Event()
        # What has these words in it is kept back until it may go on.
        self.stops_at, self.has_stopped, self.goes_on = b"", threading.Event(), threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", self.behind))
                except OSError:
                    client.close()
                    continue
                for one, other in ((client, server), (server, client)):
                    threading.Thread(target=self.forward, args=[one, other], daemon=True).start()

    def forward(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while said := one.recv(1 << 16):
                if self.drops.is_set():
                    continue
                if self.stops_at and self.stops_at in said:
                    self.has_stopped.set()
                    self.goes_on.wait()
                # As many bytes as before, so that the lengths that are said stay true.
                other.sendall(said.replace(self.cut, b" " * len(self.cut)) if self.cut else said)
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def stop_at(self, words: bytes) -> None:
        self.has_stopped.clear()
        self.goes_on.clear()
        self.stops_at = words

    def go_on(self) -> None:
        self.stops_at = b""
        self.goes_on.set()

    def close(self) -> None:
        self.go_on()
        self.listener.close()


class Bouncer:
    """PgBouncer in transaction mode."""

    def __init__(self, database: Database, pool: int = 20) -> None:
        """With so many connections to the database."""
        self.port, self.home = free_port(), database.home / "pgbouncer"
        package = Package("pgbouncer", "usr/sbin/pgbouncer")
        self.home.mkdir()
        self.command = [str(package.program), str(self.home / "pgbouncer.ini")]
        self.options = {**database.options, "env": package.environment(), "cwd": self.home}
        if os.geteuid() == 0:
            # It refuses to be run by root, and nobody else may read root's cache.
            self.command[0] = str(self.home / "pgbouncer")
            self.copy(package, Path(self.command[0]))
        self.write("users.txt", '"bailiwick" "of-the-store"\n')
        self.write(
            "pgbouncer.ini",
            f"""[databases]
bailiwick = host=127.0.0.1 port={database.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {self.home}/users.txt
pool_mode = transaction
default_pool_size = {pool}
""",
        )
        self.start()

    def copy(self, package: Package, to: Path) -> None:
        to.write_bytes(package.program.read_bytes())
        to.chmod(0o755)
        libraries = self.home / "libraries"
        libraries.mkdir()
        if package.missing:
            for library in (package.root / "usr/lib").glob("*-linux-gnu*/*.so*"):
                (libraries / library.name).write_bytes(library.read_bytes())
        self.options["env"] = {**os.environ, "LD_LIBRARY_PATH": str(libraries)}

    def write(self, name: str, content: str) -> None:
        (self.home / name).write_text(content)
        (self.home / name).chmod(0o644)

    def start(self) -> None:
        log = (self.home.parent / "pgbouncer.log").open("ab")
        self.process = subprocess.Popen(self.command, stdout=log, stderr=log, **self.options)
        until("PgBouncer listens", self.listens)

    def listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def close(self) -> None:
        self.process.kill()
        self.process.wait(60)
