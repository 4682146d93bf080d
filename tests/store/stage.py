"""What scenes have in common: a database with what is started beside it, and what is held."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from database import Database, Replica

BINARY = Path(sys.argv[1] if len(sys.argv) > 1 else "target/debug/bailiwick").resolve()
failures: list[str] = []


def hold(what: str, is_: object, should: object) -> None:
    if is_ != should:
        failures.append(what)
    print(f"ok  {what}" if is_ == should else f"FAILED  {what}: {is_!r} instead of {should!r}", flush=True)


def registration(id_: str, *prefixes: str) -> bytes:
    """A registration with an exclusive entry for each prefix."""
    entries = "".join(f"    - {{exclusive: true, regex: '@{prefix}.*:example\\.com'}}\n" for prefix in prefixes)
    tokens = f"as_token: as-token-of-{id_}-0123456789\nhs_token: hs-token-of-{id_}-0123456789\n"
    return f"id: {id_}\nurl: null\n{tokens}sender_localpart: {id_}-bot\nnamespaces:\n  users:\n{entries}".encode()


class Stage:
    """A database, and what is started beside it."""

    def __init__(self, megabytes: int = 0) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="bailiwick-store-"))
        self.home.chmod(0o711)
        self.database = Database(self.home / "postgresql", megabytes)
        self.replicas: list[Replica] = []

    def replica(self, *options: str) -> Replica:
        replica = Replica(BINARY, self.database, f"replica-{len(self.replicas)}", *options)
        self.replicas.append(replica)
        return replica

    def tool(self, *words: str | Path) -> tuple[int, str]:
        """`bailiwick store …`: its exit code, and what it says."""
        return self.bailiwick("store", *words)

    def bailiwick(self, *words: str | Path, server_name: str | None = "example.com") -> tuple[int, str]:
        environment = self.database.environment() | {"BAILIWICK_STORE_BY": "try.py"}
        if server_name is not None:
            environment["BAILIWICK_SERVER_NAME"] = server_name
        command = [str(BINARY), *map(str, words)]
        done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=300)
        return done.returncode, done.stdout + done.stderr

    def file(self, name: str, content: bytes) -> Path:
        path = self.home / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return path

    def close(self) -> None:
        for replica in self.replicas:
            replica.kill()
        self.database.close()
        shutil.rmtree(self.home)


@contextlib.contextmanager
def staged(migrated: bool = True, megabytes: int = 0) -> Iterator[Stage]:
    stage = Stage(megabytes)
    try:
        if migrated:
            assert stage.tool("migrate")[0] == 0
        yield stage
    finally:
        stage.close()


def does(what: str, told: tuple[int, str], code: int = 0) -> None:
    """Holds a command's exit code; what it said if it is another."""
    hold(what, told[0] if told[0] == code else told, code)


def put(replica: Replica, id_: str, content: bytes, query: str = "", headers: dict[str, str] | None = None) -> tuple[int, Any]:
    return replica.ask(f"/v1/registrations/{quote(id_, safe='')}{query}", "PUT", content, headers)
