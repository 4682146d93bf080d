"""What a Synapse with workers stands on, PostgreSQL and Redis, and other programs from Debian's or Ubuntu's packages.

Nothing is installed on the machine and nothing is started that was not asked for: packages that are missing are downloaded
by `apt-get` and unpacked into the cache. Each program here has its own directory and its own free port of loopback.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

from homeserver import CACHE, Json, Process, Stuck, free_port

PACKAGES = CACHE / "debian"


class Package:
    """A package and what it needs: from the system where it is installed, unpacked otherwise."""

    def __init__(self, name: str, programs: str) -> None:
        """`programs` is a pattern below `/` for the directory of its programs."""
        self.root = Path("/")
        self.missing = not list(self.root.glob(programs))
        if self.missing:
            self.root = PACKAGES / name
            if not list(self.root.glob(programs)):
                unpack(name, self.root)
        found = sorted(self.root.glob(programs))
        if not found:
            raise Stuck(f"{name} has no {programs}")
        self.program = found[-1]

    def environment(self) -> dict[str, str]:
        if not self.missing:
            return dict(os.environ)
        libraries = [str(path) for path in (self.root / "usr/lib").glob("*-linux-gnu*")]
        return dict(os.environ) | {"LD_LIBRARY_PATH": ":".join(libraries)}


def unpack(name: str, root: Path) -> None:
    """Downloads a package and those of its dependencies that are not installed, and unpacks them below `root`."""
    try:
        download(name, root)
    except subprocess.CalledProcessError:
        # The lists of a fresh machine are empty, and old ones name what is no longer there.
        as_root = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
        subprocess.run([*as_root, "apt-get", "update", "--quiet"], check=True, capture_output=True)
        download(name, root)
    for file in (root / "downloads").glob("*.deb"):
        subprocess.run(["dpkg", "--extract", file, root], check=True)


def download(name: str, root: Path) -> None:
    plan = ["apt-get", "install", "--simulate", "--no-install-recommends", name]
    told = subprocess.run(plan, check=True, capture_output=True, text=True).stdout
    shutil.rmtree(root, ignore_errors=True)
    (root / "downloads").mkdir(parents=True)
    fetch = ["apt-get", "download", "--quiet", *re.findall(r"^Inst (\S+)", told, re.MULTILINE)]
    subprocess.run(fetch, cwd=root / "downloads", check=True, capture_output=True)


class Backends:
    """A PostgreSQL with an empty database, and a Redis."""

    def __init__(self, home: Path) -> None:
        home.mkdir(mode=0o711, parents=True)
        self.home = home
        self.redis_port = free_port()
        self.processes: list[Process] = []
        self.programs = Path()
        self.options: dict[str, Any] = {}

    def __enter__(self) -> Backends:
        try:
            self.start_redis()
            self.start_postgres()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        while self.processes:
            # To PostgreSQL, SIGINT says not to wait for its clients.
            self.processes.pop().stop(2)

    @property
    def database(self) -> dict[str, Json]:
        """What homeserver.yaml says of it."""
        args = {"host": str(self.home), "user": self.owner(), "dbname": "synapse", "cp_min": 1, "cp_max": 5}
        return {"name": "psycopg2", "args": args}

    def query(self, statement: str) -> str:
        """What the database says, in psql's plainest form."""
        return self.psql("synapse", statement).stdout.strip()

    def psql(self, database: str, statement: str) -> subprocess.CompletedProcess[str]:
        told = ["-h", str(self.home), "-U", self.owner(), "--no-psqlrc", "--tuples-only", "--no-align", database, "-c", statement]
        return subprocess.run([self.programs / "psql", *told], check=False, capture_output=True, text=True, **self.options)

    def start_redis(self) -> None:
        package = Package("redis-server", "usr/bin/redis-server")
        command = [str(package.program), "--port", str(self.redis_port), "--bind", "127.0.0.1"]
        command += ["--save", "", "--dir", str(self.home)]
        process = Process("Redis", command, self.home / "redis.log", env=package.environment())
        self.processes.append(process)
        process.until_answers(lambda: ask_redis(self.redis_port))

    def start_postgres(self) -> None:
        package = Package(postgres_package(), "usr/lib/postgresql/*/bin/initdb")
        programs, data = package.program.parent, self.home / "data"
        options: dict[str, Any] = {"env": package.environment(), "cwd": self.home}
        if os.geteuid() == 0:
            # PostgreSQL refuses to be run by root.
            user = pwd.getpwnam(self.owner())
            options |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            os.chown(self.home, user.pw_uid, user.pw_gid)
            if package.missing:
                # Where root's cache lies, nobody else may read.
                shutil.copytree(package.root, self.home / "postgresql", symlinks=True)
                programs = self.home / "postgresql" / programs.relative_to(package.root)
        settings = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", f"--username={self.owner()}"]
        subprocess.run([programs / "initdb", "-D", data, *settings], check=True, capture_output=True, **options)
        listen = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={self.home}", "-c", "fsync=off"]
        process = Process("PostgreSQL", [programs / "postgres", "-D", data, *listen], self.home / "postgres.log", **options)
        self.processes.append(process)
        self.programs, self.options = programs, options
        process.until_answers(lambda: self.psql("postgres", "create database synapse template template0").returncode == 0)

    @staticmethod
    def owner() -> str:
        return "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name


def postgres_package() -> str:
    """Which one this distribution has."""
    shown = subprocess.run(["apt-cache", "depends", "postgresql"], check=False, capture_output=True, text=True).stdout
    found = re.search(r"Depends: (postgresql-\d+)", shown)
    return found.group(1) if found else "postgresql-15"


def ask_redis(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
        connection.sendall(b"PING\r\n")
        return connection.recv(16) == b"+PONG\r\n"
