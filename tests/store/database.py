"""A PostgreSQL of the distribution's package on loopback, in a directory of its own, and the service beside it."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
# Packages that are missing are unpacked, ports found and processes ended there.
sys.path.insert(0, str(ROOT / "integrations/synapse/tests"))

from backends import Package, postgres_package  # noqa: E402
from homeserver import free_port  # noqa: E402

Answer = tuple[int, Any]


def until(what: str, holds: Any, seconds: float = 60) -> Any:
    """Waits for what must become true; only what hangs takes so long."""
    ends = time.monotonic() + seconds
    while True:
        found = holds()
        if found:
            return found
        if time.monotonic() > ends:
            raise AssertionError(f"never: {what}")
        time.sleep(0.02)


class Database:
    """PostgreSQL as one who is not root, with a database that demands passwords by TCP."""

    def __init__(self, home: Path) -> None:
        self.home, self.port = home, free_port()
        # Where they think that it is, if something stands in between.
        self.port_of_replicas = 0
        home.mkdir(mode=0o711, parents=True)
        package = Package(postgres_package(), "usr/lib/postgresql/*/bin/initdb")
        self.programs, self.data = package.program.parent, home / "data"
        self.options: dict[str, Any] = {"env": package.environment(), "cwd": home}
        self.owner = pwd.getpwuid(os.geteuid()).pw_name
        if os.geteuid() == 0:
            user = pwd.getpwnam("nobody")
            self.owner = "nobody"
            self.options |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            os.chown(home, user.pw_uid, user.pw_gid)
            if package.missing:
                shutil.copytree(package.root, home / "postgresql", symlinks=True)
                self.programs = home / "postgresql" / self.programs.relative_to(package.root)
        settings = ["--auth-local=trust", "--auth-host=scram-sha-256", "--encoding=UTF8", "--locale=C"]
        self.run("initdb", "-D", self.data, *settings, f"--username={self.owner}")
        self.start()
        self.sql("create database bailiwick", database="postgres")
        self.sql("create role bailiwick login password 'of-the-store'; grant create on database bailiwick to bailiwick")

    def run(self, program: str, *arguments: str | Path) -> str:
        command = [str(self.programs / program), *map(str, arguments)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120, **self.options)
        if done.returncode != 0:
            raise RuntimeError(f"{program}: {done.stdout}{done.stderr}")
        said: str = done.stdout
        return said.strip()

    def start(self) -> None:
        listen = f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories={self.home}"
        # What a crash loses is what this is about: nothing is switched off.
        command = [self.programs / "pg_ctl", "-D", self.data, "-o", listen, "-l", self.home / "log", "-w", "start"]
        subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL, timeout=120, **self.options)

    def stop(self, mode: str = "fast") -> None:
        self.run("pg_ctl", "-D", self.data, "-m", mode, "-w", "stop")

    def crash(self) -> None:
        self.stop("immediate")

    def sql(self, statement: str, database: str = "bailiwick") -> str:
        where = ["-h", str(self.home), "-p", str(self.port), "-U", self.owner, "--no-psqlrc", "-qtA"]
        return self.run("psql", *where, "-v", "ON_ERROR_STOP=1", "-c", statement, database)

    def dump(self) -> Path:
        """A backup as administrators make it."""
        to = self.home / "backup.sql"
        self.run("pg_dump", "-h", self.home, "-p", str(self.port), "-U", self.owner, "-f", to, "bailiwick")
        return to

    def restore(self, backup: Path) -> None:
        self.sql("drop database bailiwick with (force)", database="postgres")
        self.sql("create database bailiwick", database="postgres")
        self.sql("grant create on database bailiwick to bailiwick")
        where = ["-h", str(self.home), "-p", str(self.port), "-U", self.owner, "--no-psqlrc", "-q"]
        self.run("psql", *where, "-v", "ON_ERROR_STOP=1", "-f", backup, "bailiwick")

    @property
    def url(self) -> str:
        return f"postgres://bailiwick@127.0.0.1:{self.port_of_replicas or self.port}/bailiwick"

    def environment(self) -> dict[str, str]:
        return dict(os.environ) | {"PGPASSWORD": "of-the-store", "BAILIWICK_STORE": self.url}


class Proxy:
    """Stands before the database: forwards what is said, without some words if told to, or drops it."""

    def __init__(self, port: int) -> None:
        self.behind, self.cut, self.drops = port, b"", threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.behind))
                for one, other in ((client, server), (server, client)):
                    threading.Thread(target=self.forward, args=[one, other], daemon=True).start()

    def forward(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while said := one.recv(1 << 16):
                if self.drops.is_set():
                    continue
                # As many bytes as before, so that the lengths that are said stay true.
                other.sendall(said.replace(self.cut, b" " * len(self.cut)) if self.cut else said)
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.listener.close()


class Replica:
    """The service, on a store."""

    def __init__(self, binary: Path, database: Database, name: str, *options: str) -> None:
        self.port, self.log = free_port(), database.home / f"{name}.log"
        command = [str(binary), "serve", "--server-name", "example.com", "--listen", f"127.0.0.1:{self.port}", *options]
        self.process = subprocess.Popen(command, env=database.environment(), stderr=self.log.open("ab"))
        until(f"{name} answers", lambda: self.process.poll() is None and self.ask("/healthz")[0] == 200)

    def ask(self, path: str, method: str = "GET", body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
        """The status, 0 where there is no answer, and what was answered."""
        url = f"http://127.0.0.1:{self.port}{path}"
        request = urllib.request.Request(url, body, headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")
        except (OSError, ValueError):
            return 0, None

    def status(self) -> dict[str, Any]:
        told: dict[str, Any] = self.ask("/v1/status")[1] or {}
        return told

    def owner(self, user_id: str) -> str | None:
        owner: str | None = self.ask(f"/v1/owners?id={user_id}")[1]["owner"]
        return owner

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(60)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(60)
