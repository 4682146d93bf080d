"""A PostgreSQL of the distribution's package on loopback, in a directory of its own, and the service beside it."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import shutil
import subprocess
import sys
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

    def __init__(self, home: Path, megabytes: int = 0) -> None:
        """On a disk of its own of so many megabytes, if that is said: a file system in memory, which only root may mount."""
        self.home, self.port, self.megabytes = home, free_port(), megabytes
        # Where they think that it is, if something stands in between.
        self.port_of_replicas = 0
        # Where they are told that it is, if it is something else besides the port.
        self.address = ""
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
        if megabytes:
            self.data.mkdir(mode=0o700)
            size = f"size={megabytes}m,mode=700,uid={self.options['user']},gid={self.options['group']}"
            subprocess.run(["mount", "-t", "tmpfs", "-o", size, "none", self.data], check=True)
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

    def start_again(self) -> None:
        """Starts it, whether it has ended by itself or is still trying."""
        with contextlib.suppress(RuntimeError):
            self.crash()
        self.start()

    def stop(self, mode: str = "fast") -> None:
        self.run("pg_ctl", "-D", self.data, "-m", mode, "-w", "stop")

    def crash(self) -> None:
        self.stop("immediate")

    def sql(self, statement: str, database: str = "bailiwick") -> str:
        where = ["-h", str(self.home), "-p", str(self.port), "-U", self.owner, "--no-psqlrc", "-qtA"]
        return self.run("psql", *where, "-v", "ON_ERROR_STOP=1", "-c", statement, database)

    def close(self) -> None:
        with contextlib.suppress(RuntimeError):
            self.crash()
        if self.megabytes:
            subprocess.run(["umount", self.data], check=True)

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
        return self.address or f"postgres://bailiwick@127.0.0.1:{self.port_of_replicas or self.port}/bailiwick"

    def environment(self) -> dict[str, str]:
        return dict(os.environ) | {"PGPASSWORD": "of-the-store", "BAILIWICK_STORE": self.url}


class Replica:
    """The service, on a store."""

    def __init__(self, binary: Path, database: Database, name: str, *options: str) -> None:
        self.port, self.log = free_port(), database.home / f"{name}.log"
        named = [] if "--server-name" in options else ["--server-name", "example.com"]
        command = [str(binary), "serve", *named, "--listen", f"127.0.0.1:{self.port}", *options]
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
