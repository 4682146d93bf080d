#!/usr/bin/env python3
"""A PostgreSQL behind a proxy that is told by lines what is to go wrong with it: for the fault run (examples/fault_run).

It says where it is, as JSON, and then `ok`, or what is wrong, for each line. It ends with its input.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from around import fill
from between import Proxy
from database import Database

MEGABYTES = 512


class Driven:
    def __init__(self, home: Path) -> None:
        self.database = Database(home / "postgresql", MEGABYTES if os.geteuid() == 0 else 0)
        # A log of its own size would be the full disk.
        self.database.sql("alter system set max_wal_size = '64MB'")
        self.database.sql("select pg_reload_conf()")
        self.proxy = Proxy(self.database.port)
        self.database.port_of_replicas = self.proxy.port
        self.others: list[threading.Thread] = []

    def backend(self) -> None:
        self.database.sql(ENDED + " order by random() limit 1")

    def backends(self) -> None:
        self.database.sql(ENDED)

    def listeners(self) -> None:
        self.database.sql(ENDED + " and query like '%listen%'")

    def stop(self) -> None:
        self.database.crash()

    def start(self) -> None:
        self.database.start()

    def silence(self) -> None:
        self.proxy.drops.set()

    def speech(self) -> None:
        self.proxy.drops.clear()

    def lock(self) -> None:
        """A writer is frozen while he holds the head."""
        self.aside("begin; select * from bailiwick.head for update; select pg_sleep(7)")

    def migration(self) -> None:
        """One is half-way, and nobody reads the tables meanwhile; then it fails."""
        self.aside("begin; alter table bailiwick.registration add column more int; select pg_sleep(5); select 1 / 0")

    def newer(self) -> None:
        self.database.sql("insert into bailiwick.migration (number) values (99)")

    def known(self) -> None:
        self.database.sql("delete from bailiwick.migration where number = 99")

    def full(self) -> None:
        if self.database.megabytes:
            fill(self.database.data / "filler")

    def room(self) -> None:
        (self.database.data / "filler").unlink(missing_ok=True)

    def mend(self) -> None:
        """Everything, whatever has happened."""
        self.room()
        self.speech()
        self.database.start_again()
        self.known()
        for other in self.others:
            other.join()

    def aside(self, statements: str) -> None:
        def run() -> None:
            # It may be ended with everything else, or be meant to fail.
            with contextlib.suppress(RuntimeError):
                self.database.sql(statements)

        self.others.append(threading.Thread(target=run))
        self.others[-1].start()


ENDED = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'bailiwick'"


def main() -> None:
    # Whoever ends the run with all its processes leaves nothing behind either.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    home = Path(tempfile.mkdtemp(prefix="bailiwick-driven-"))
    home.chmod(0o711)
    driven = Driven(home)
    try:
        print(json.dumps({"url": driven.database.url, "password": "of-the-store"}), flush=True)
        for line in sys.stdin:
            does: Callable[[], None] = getattr(driven, line.strip())
            try:
                does()
                print("ok", flush=True)
            except (RuntimeError, subprocess.CalledProcessError) as error:
                print(" ".join(str(error).split()), flush=True)
    finally:
        driven.database.close()
        shutil.rmtree(home)


if __name__ == "__main__":
    main()
