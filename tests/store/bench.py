#!/usr/bin/env python3
"""What a store costs, on a real PostgreSQL on this machine: prints the tables of docs/performance.md.

    cargo build --profile dist && tests/store/bench.py target/dist/bailiwick [--rows 100000] [part ...]

Parts: start, live, gate, questions, restart; all of them without any. Each ends by itself. Needs python3, PostgreSQL's package (it is
unpacked where it is not installed) and, for a million rows, 4 GB of memory and of disk. `questions` keeps every core awake by processes
that run where nobody else wants to, in both of what it compares, for which it has to be root; it says besides what its changes cost the
questions of a service that has none.
"""

# Statements and tables stand as they are said.
# ruff: noqa: E501

from __future__ import annotations

import argparse
import contextlib
import gc
import http.client
import itertools
import multiprocessing
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from database import Database, Replica, until  # which says where `homeserver` is
from workload import Writer, asked, fill, id_of, source

from homeserver import free_port  # isort: skip

WRITERS = 8
# For so long at most it is looked how long changes take until they are live.
CHANGES, LONGEST = 200, 60
SECONDS = 20
TURNS, TURN = 11, 3.0
# A question each so many seconds: as many as leave both cores to the changes for most of the time. One after the other, without a
# pause, kept one of two cores for itself, and of ten changes a second two to five came about.
PAUSE = 0.0005
# Numbers of registrations that no row has at first.
fresh = itertools.count(10_000_000)


def table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    print(f"\n{title}\n\n| {' | '.join(columns)} |\n|---|{'---:|' * (len(columns) - 1)}")
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)


def percentiles(seconds: list[float], *of: float) -> list[str]:
    ordered = sorted(seconds)
    return [milliseconds(ordered[min(len(ordered) - 1, int(len(ordered) * part / 100))]) for part in of]


def milliseconds(seconds: float) -> str:
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1000:.2f} ms" if seconds < 0.1 else f"{seconds * 1000:,.0f} ms"


class Connection:
    """A connection that stays, to ask by as quickly as Python can."""

    def __init__(self, port: int) -> None:
        self.http = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def ask(self, path: str, method: str = "GET", body: bytes | None = None) -> tuple[int, bytes]:
        self.http.request(method, path, body)
        answer = self.http.getresponse()
        return answer.status, answer.read()


class Stage:
    """A database full of rows, and what is started beside it."""

    def __init__(self, binary: Path, rows: int) -> None:
        self.binary, self.rows = binary, rows
        self.home = Path(tempfile.mkdtemp(prefix="bailiwick-bench-"))
        self.home.chmod(0o711)
        self.database = Database(self.home / "postgresql")
        self.replicas: list[Replica] = []
        environment = self.database.environment()
        assert os.spawnve(os.P_WAIT, binary, [str(binary), "store", "migrate"], environment) == 0
        began = time.monotonic()
        fill(self.database, rows)
        size = self.database.sql("select pg_size_pretty(pg_total_relation_size('bailiwick.registration')), "
                                 "pg_size_pretty(pg_total_relation_size('bailiwick.history'))")
        print(f"\n{rows:,} rows, made in {time.monotonic() - began:.0f} s; registration and history: {size.replace('|', ', ')}", flush=True)

    def start(self, *options: str) -> tuple[Replica, float]:
        """A replica, and how long it took to be ready."""
        began = time.monotonic()
        replica = Replica(self.binary, self.database, f"replica-{len(self.replicas)}", *options)
        self.replicas.append(replica)
        until("it is ready", lambda: replica.ask("/readyz")[0] == 200, seconds=600)
        return replica, time.monotonic() - began

    def settled(self, *replicas: Replica) -> None:
        """Waits until what follows a start is done, so that it is not measured with what comes after."""
        for replica in replicas:
            until("findings are there", lambda replica=replica: replica.ask("/v1/conflicts?limit=1")[0] == 200, seconds=600)

    def end(self) -> None:
        for replica in self.replicas:
            if replica.process.poll() is None:
                replica.kill()
        self.replicas = []

    def close(self) -> None:
        self.end()
        with contextlib.suppress(RuntimeError):
            self.database.crash()
        shutil.rmtree(self.home)


@contextlib.contextmanager
def staged(binary: Path, rows: int) -> Iterator[Stage]:
    stage = Stage(binary, rows)
    try:
        yield stage
    finally:
        stage.close()


def memory(replica: Replica) -> tuple[int, int]:
    """Resident now, and at most so far, in bytes."""
    said = Path(f"/proc/{replica.process.pid}/status").read_text()
    of = {name: int(number) << 10 for name, number in re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB", said, re.MULTILINE)}
    return of["VmRSS"], of["VmHWM"]


def metric(replica: Replica, name: str) -> float:
    said = Connection(replica.port).ask("/metrics")[1].decode()
    found = re.search(rf"^{name} (\S+)$", said, re.MULTILINE)
    assert found, name
    return float(found[1])


def start(stage: Stage) -> None:
    replica, took = stage.start()
    ready, most = memory(replica)
    stage.settled(replica)
    each = metric(replica, "bailiwick_registration_bytes")
    later, most_later = memory(replica)
    mebibytes = [f"{size / (1 << 20):,.0f} MiB" for size in (ready, most, later, most_later)]
    table(f"From rows to ready, {stage.rows:,} rows",
          ["ready after", "resident then", "at most", "with findings", "at most", "`bailiwick_registration_bytes`"],
          [[f"{took:.2f} s", *mebibytes, f"{each:,.0f}"]])
    stage.end()


def live(stage: Stage) -> None:
    replicas = [stage.start()[0] for _ in range(2)]
    stage.settled(*replicas)
    connections = [Connection(replica.port) for replica in replicas]
    took: list[float] = []
    writer = Writer(stage.database)
    ids, ends = asked(1), time.monotonic() + LONGEST
    while len(took) < CHANGES and time.monotonic() < ends:
        revision = writer.put(next(fresh))
        committed = time.perf_counter()
        there: dict[int, float] = {}
        while len(there) < len(connections):
            for at, connection in enumerate(connections):
                if at not in there and connection.ask(f"/v1/owners?id={ids}&min_revision={revision}")[0] == 200:
                    there[at] = time.perf_counter() - committed
            # A question a millisecond is nothing to a service that answers thousands.
            time.sleep(0.001)
        took.append(max(there.values()))
        time.sleep(0.05)
    writer.end()
    table(f"From commit to live in both of two replicas, {stage.rows:,} rows, {len(took)} changes, one after the other",
          ["median", "p90", "p99", "most"], [percentiles(took, 50, 90, 99, 100)])
    stage.end()


def through_the_gate(replica: Replica, writers: int) -> list[float]:
    """Puts for some time by so many at once; how long each took."""
    took: list[float] = []
    ends = time.monotonic() + SECONDS

    def write() -> None:
        connection = Connection(replica.port)
        while time.monotonic() < ends:
            number = next(fresh)
            began = time.perf_counter()
            status, told = connection.ask(f"/v1/registrations/{id_of(number)}", "PUT", source(number))
            took.append(time.perf_counter() - began)
            assert status == 200, told

    threads = [threading.Thread(target=write) for _ in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took


BARE = {
    "the same rows, inserted": "insert into bare.registration select 'bare-' || :n, decode(:source, 'hex'), :n, :n;",
    "the gate's statement in its transaction": """begin;
select revision from bare.head for update;
select revision, source from bare.registration where as_id = 'bare-' || :n;
with head as (update bare.head set revision = revision + 1 returning revision),
 noted as (insert into bare.history (revision, as_id, source, changed_by) select revision, 'bare-' || :n, decode(:source, 'hex'), 'bench' from head)
 insert into bare.registration as r (as_id, source, position, revision) select 'bare-' || :n, decode(:source, 'hex'), revision, revision from head;
notify bare;
commit;""",
}


def bare(database: Database, script: str, writers: int) -> list[float]:
    """The same by pgbench, without a service: how long each took."""
    file = database.home / "bare.sql"
    # Of the size of a real one, and another each time.
    file.write_text(f"\\set n random(1000000000000, 1000000000000000)\n{script.replace(':source', repr(source(0).hex()))}\n")
    for log in database.home.glob("pgbench_log*"):
        log.unlink()
    where = ["-h", "127.0.0.1", "-p", str(database.port), "-U", "bailiwick"]
    options = ["-n", "-M", "extended", "-c", str(writers), "-j", "1", "-T", str(SECONDS // 2), "-l", "-f", str(file)]
    database.options["env"] |= {"PGPASSWORD": "of-the-store"}
    database.run("pgbench", *where, *options, "bailiwick")
    lines = [line for log in database.home.glob("pgbench_log*") for line in log.read_text().splitlines()]
    return [int(line.split()[2]) / 1e6 for line in lines]


def gate(stage: Stage) -> None:
    stage.database.sql("""drop schema if exists bare cascade; create schema bare authorization bailiwick; set role bailiwick;
        create table bare.registration (like bailiwick.registration including all);
        create table bare.history (like bailiwick.history including all);
        create table bare.head (like bailiwick.head including all);
        insert into bare.registration select * from bailiwick.registration;
        insert into bare.history select * from bailiwick.history;
        insert into bare.head select * from bailiwick.head""")
    stage.database.sql("vacuum analyze")
    replicas = [stage.start()[0] for _ in range(2)]
    stage.settled(*replicas)
    rows = []
    for writers in (1, WRITERS):
        # Before and after, so that what the machine does besides falls on both.
        halves = [{what: bare(stage.database, script, writers) for what, script in BARE.items()}]
        through = through_the_gate(replicas[0], writers)
        halves.append({what: bare(stage.database, script, writers) for what, script in BARE.items()})
        rows.append([f"{writers}", "PUT through the gate", *percentiles(through, 50, 90, 99), f"{len(through) / SECONDS:,.0f}", "1"])
        for what in BARE:
            took = halves[0][what] + halves[1][what]
            ratio = sorted(through)[len(through) // 2] / sorted(took)[len(took) // 2]
            rows.append([f"{writers}", what, *percentiles(took, 50, 90, 99), f"{len(took) / (SECONDS // 2 * 2):,.0f}", f"{ratio:.1f}"])
    table(f"The gate at {stage.rows:,} registrations, two replicas, {SECONDS} s each",
          ["writers", "what", "p50", "p90", "p99", "changes/s", "p50 of the gate to it"], rows)
    stage.end()


def ask_for(port: int, rows: int, seconds: float, queue: Any) -> None:
    """Asks again and again; how long each question took. A process of its own, so that nothing of ours is in its way."""
    gc.disable()
    server = socket.create_connection(("127.0.0.1", port))
    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    questions = [f"GET /v1/owners?id={asked(at * 7919 % rows)} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() for at in range(10_000)]
    took, ends = [], time.perf_counter() + seconds
    for question in itertools.cycle(questions):
        began = time.perf_counter()
        if began > ends:
            break
        server.sendall(question)
        head, _, body = server.recv(1 << 16).partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        while len(body) < length:
            body += server.recv(1 << 16)
        assert head.startswith(b"HTTP/1.1 200"), (question, head, body)
        ended = time.perf_counter()
        took.append(ended - began)
        time.sleep(max(0.0, began + PAUSE - ended))
    queue.put(took)


def idle_group() -> Path | None:
    """A control group whose processes run where nobody else wants to, if this may make one."""
    for controller in (Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup")):
        group = controller / f"bailiwick-bench-{os.getpid()}"
        with contextlib.suppress(OSError):
            group.mkdir()
            try:
                with (group / "cpu.idle").open("r+") as idle:
                    idle.write("1")
                return group
            except OSError:
                group.rmdir()
    return None


@contextlib.contextmanager
def awake() -> Iterator[None]:
    """No core falls asleep. Who asks and who answers wait for each other, so that without this a core is idle between any two questions, and
    waking a virtual one takes longer than an answer: with changes besides, which keep cores awake, questions were quicker than without.

    A process a core keeps it awake, of the lowest policy and in an idle group: the policy counts only among the processes of a session
    where the kernel groups them by that, and of PostgreSQL's each has one of its own. By the policy alone five changes a second came about
    where ten were to."""
    group = idle_group()
    if group is None:
        print("no idle control group can be made here: what keeps cores awake may be in the way of PostgreSQL")

    def stay(core: int) -> None:
        if group:
            (group / "cgroup.procs").write_text(f"{os.getpid()}")
        os.sched_setaffinity(0, {core})
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        # Whoever is killed leaves none behind.
        while os.getppid() == parent:
            pass

    parent = os.getpid()
    idlers = [multiprocessing.Process(target=stay, args=[core], daemon=True) for core in os.sched_getaffinity(0)]
    try:
        for idler in idlers:
            idler.start()
        yield
    finally:
        for idler in idlers:
            idler.kill()
            idler.join()
        if group:
            group.rmdir()


@contextlib.contextmanager
def bystander(stage: Stage) -> Iterator[int]:
    """The port of a service of the same binary that knows nothing of the store, so that changes are nothing to it but other processes' work."""
    (directory := stage.home / "bystander").mkdir()
    (directory / "one.yaml").write_bytes(source(0))
    port = free_port()
    command = [str(stage.binary), "serve", "--server-name", "example.com", "--listen", f"127.0.0.1:{port}", str(directory)]
    with (stage.home / "bystander.log").open("ab") as log:
        process = subprocess.Popen(command, stderr=log)

    def ready() -> bool:
        with contextlib.suppress(OSError):
            return Connection(port).ask("/readyz")[0] == 200
        return False

    try:
        until("the bystander is ready", ready)
        yield port
    finally:
        process.kill()
        process.wait(60)


def half_a_turn(stage: Stage, asked_of: int, changed_at: Replica | None) -> tuple[list[float], int]:
    """How long each question took while a change a tenth of a second was made there, or none; and how many changes."""
    queue: Any = multiprocessing.Queue()
    asks = multiprocessing.Process(target=ask_for, args=[asked_of, stage.rows, TURN, queue])
    asks.start()
    put, ends = 0, time.monotonic() + TURN
    if changed_at:
        connection = Connection(changed_at.port)
        while time.monotonic() < ends:
            due, number = time.monotonic() + 0.1, next(fresh)
            status, told = connection.ask(f"/v1/registrations/{id_of(number)}", "PUT", source(number))
            assert status == 200, told
            put += 1
            time.sleep(max(0.0, due - time.monotonic()))
    took = queue.get(timeout=120)
    asks.join()
    return took, put


def questions(stage: Stage) -> None:
    replica, _ = stage.start()
    stage.settled(replica)
    rows, said = [], []
    with bystander(stage) as beside, awake():
        for of, port in {"the store": replica.port, "a bystander": beside}.items():
            took: dict[bool, list[float]] = {False: [], True: []}
            p99: dict[bool, list[float]] = {False: [], True: []}
            put = 0
            for _ in range(TURNS):
                for changing in (False, True):
                    some, changes = half_a_turn(stage, port, replica if changing else None)
                    p99[changing].append(sorted(some)[len(some) * 99 // 100])
                    took[changing] += some
                    put += changes
            names = {False: "nothing changes", True: f"{put / (TURNS * TURN):.1f} changes a second"}
            rows += [[f"{of}, {names[changing]}", *percentiles(some, 50, 90, 99, 99.9), f"{len(some):,}"] for changing, some in took.items()]
            ratios = [with_changes / without for without, with_changes in zip(p99[False], p99[True], strict=True)]
            # What others do on the machine makes a half of a turn slow, and never quick.
            quiet = {changing: sorted(all_)[TURNS // 4] for changing, all_ in p99.items()}
            said.append(f"{of}: median of the turns {sorted(ratios)[TURNS // 2]:.2f} ({', '.join(f'{ratio:.2f}' for ratio in ratios)}); "
                        f"of the quietest quarter of each {milliseconds(quiet[True])} / {milliseconds(quiet[False])} = {quiet[True] / quiet[False]:.2f}")
    table(f"A question, {stage.rows:,} registrations, {TURNS} turns of {TURN:.0f} s each", ["asked of", "p50", "p90", "p99", "p99.9", "questions"], rows)
    print("\nratio of the p99 with changes to that without, of\n" + "\n".join(said), flush=True)
    stage.end()


def copies(state: Path) -> int:
    """How many there are: each is a file of its own."""
    with os.scandir(state) as there:
        return sum(entry.name.endswith(".registration") for entry in there)


def restart(stage: Stage) -> None:
    state = stage.home / "state"
    took = stage.start("--state-dir", str(state))[1]
    began = time.monotonic()
    ends = time.monotonic() + 1800
    while copies(state) < stage.rows:
        assert time.monotonic() < ends, "never: all copies are made"
        # Counting them takes longer than making some, and would be most of what is done here.
        time.sleep(1)
    copied = time.monotonic() - began
    stage.end()
    stage.database.stop()
    again, took_again = stage.start("--state-dir", str(state))
    answers = again.ask(f"/v1/owners?id={asked(1)}")[1]["owner"] == id_of(1)
    assert answers and not again.status()["complete"]
    resident, most = (f"{size / (1 << 20):,.0f} MiB" for size in memory(again))
    stage.end()
    stage.database.start()
    table(f"A restart from --state-dir without the database, {stage.rows:,} rows",
          ["first start with it", "all copies made after", "ready again without the database", "resident", "at most"],
          [[f"{took:.2f} s", f"{copied:.0f} s", f"{took_again:.2f} s", resident, most]])
    shutil.rmtree(state)


PARTS: dict[str, Callable[[Stage], None]] = {"start": start, "live": live, "gate": gate, "questions": questions, "restart": restart}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("binary", type=Path)
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(PARTS))
    parser.add_argument("--rows", type=int, action="append", help="how many; may be given more than once")
    options = parser.parse_intermixed_args()
    load = Path("/proc/loadavg").read_text().split()[0]
    print(f"{os.cpu_count()} cores, load {load} at the beginning; {options.binary}", flush=True)
    for rows in options.rows or [100_000]:
        with staged(options.binary.resolve(), rows) as stage:
            for part in options.parts or PARTS:
                PARTS[part](stage)


if __name__ == "__main__":
    sys.setswitchinterval(0.0005)
    # Whoever ends it early leaves no database behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    main()
