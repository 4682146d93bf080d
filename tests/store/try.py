#!/usr/bin/env python3
"""The store on a real PostgreSQL: what it answers, what is let in, and what is lost when things are killed.

    tests/store/try.py target/debug/bailiwick [scene ...]

Each scene starts a PostgreSQL of its own on loopback, from the distribution's package. Needs python3 alone; the package is
unpacked where it is not installed, as PgBouncer's is. As root some scenes have a disk and a network namespace of their own.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import around
import beside
import history
import upkeep
import whose
from between import Proxy
from database import Replica, until
from stage import BINARY, Stage, does, failures, hold, put, registration, staged

PREFIXES, WRITERS, ATTEMPTS = 100, 8, 400


def the_tables_are_made_once_and_others_are_refused() -> None:
    with staged(migrated=False) as stage:
        replica = stage.replica()
        until("the lack of a schema is said", lambda: "holds no store" in replica.log.read_text())
        hold("nothing is answered without tables", replica.ask("/readyz")[0], 503)
        command = [str(BINARY), "store", "migrate"]
        pipe: dict[str, Any] = {"stdout": subprocess.PIPE, "text": True, "env": stage.database.environment()}
        said = [started.communicate()[0] for started in [subprocess.Popen(command, **pipe) for _ in range(4)]]
        hold("of four at a time one makes them", sum("are made" in one for one in said), 1)
        until("the replica sees them", lambda: replica.ask("/readyz")[0] == 200)
        hold("a registration is let in", put(replica, "irc", registration("irc", "irc_"))[0], 200)
        stage.database.sql("update bailiwick.migration set number = 99 where number = 3")
        until("a newer schema is seen", lambda: "needs a newer one" in str(replica.status()["missing"]))
        hold("no name is free under a newer schema", replica.owner("@irc_x:example.com"), "irc")
        hold("nor is anything changed", put(replica, "tg", registration("tg", "tg_"))[0], 503)
        does("nor migrated", stage.tool("migrate"), 70)
        stage.database.sql("update bailiwick.migration set number = 0 where number = 99")
        until("an older schema is seen", lambda: "bailiwick store migrate" in str(replica.status()["missing"]))
        hold("no name is free under an older schema", replica.owner("@irc_x:example.com"), "irc")


def the_gate_says_what_it_does() -> None:
    with staged() as stage:
        one, two = stage.replica(), stage.replica()
        until("both are ready", lambda: all(replica.ask("/readyz")[0] == 200 for replica in (one, two)))
        status, told = put(one, "irc", registration("irc", "irc_"), "?by=alice")
        hold("it is let in", (status, told["changed"], told["revision"], told["in_force"]), (200, True, 1, True))
        hold("and in force where it was asked for", one.owner("@irc_x:example.com"), "irc")
        until("the other has come so far", lambda: two.ask("/v1/owners?id=@irc_x:example.com&min_revision=1")[0] == 200)
        hold("and in force there from its revision on", two.owner("@irc_x:example.com"), "irc")
        hold("a revision that is to come is waited for", two.ask("/v1/owners?id=@irc_x:example.com&min_revision=9")[0], 503)
        again = put(one, "irc", registration("irc", "irc_"))
        hold("asked again, nothing changes", (again[0], again[1]["changed"], again[1]["revision"]), (200, False, 1))

        status, told = put(two, "tg", registration("tg", "irc_r"))
        hold("a collision is refused", (status, told["errcode"]), (409, "M_EXCLUSIVE"))
        hold("with its witness", [finding["code"] for finding in told["findings"]], ["exclusive-conflict"])
        does("by the command as well", stage.tool("put", stage.file("tg.yaml", registration("tg", "irc_r"))), 1)
        same_token = registration("tg", "tg_").replace(b"as-token-of-tg", b"as-token-of-irc")
        status, told = put(two, "tg", same_token)
        hold("another's token is refused", (status, told["errors"][0]["code"]), (409, "duplicate-token"))
        hold("and not repeated", "as-token-of" in json.dumps(told), False)
        status, told = put(two, "tg", b"id: tg\n")
        hold("what cannot be loaded is refused", (status, told["errors"][0]["code"]), (400, "missing-key"))
        hold("another's id is refused", put(two, "tg", registration("slack", "s_"))[0], 400)
        hold("an id that no database keeps is refused for good", put(two, "t\0g", registration("tg", "tg_"))[0], 400)
        hold("as is whoever wants it by such a name", put(two, "tg", registration("tg", "tg_"), "?by=a%00b")[0], 400)
        hold("nor is one removed", two.ask("/v1/registrations/%00", "DELETE")[0], 400)
        long = "".join(map(str, range(2000)))
        hold("an id that is too long is, too", put(two, long, registration(long, "tg_"))[0], 400)
        hold("nothing of that was written", one.status()["revision"], 1)

        edited = registration("irc", "irc_", "chat_")
        hold("an edit of another revision is refused", put(two, "irc", edited, headers={"If-Match": '"7"'})[0], 412)
        hold("one of what is there is taken for new", put(two, "irc", edited, headers={"If-None-Match": "*"})[0], 412)
        status, told = put(two, "irc", edited, headers={"If-Match": '"1"'})
        hold("an edit is let in", (status, told["revision"]), (200, 2))
        hold("also when it is asked for again", put(two, "irc", edited, headers={"If-Match": '"1"'})[0], 200)
        status, told = put(two, "tg", registration("tg", "irc_r"), "?force=true&by=bob")
        hold("a collision can be forced", (status, told["revision"]), (200, 3))
        hold("what collides already may be edited", put(two, "tg", registration("tg", "irc_r", "tg_"))[0], 200)

        status, told = one.ask("/v1/registrations/irc", "DELETE")
        hold("it is removed", (status, told["changed"], told["revision"]), (200, True, 5))
        hold("and its name free at once", one.owner("@chat_x:example.com"), None)
        until("elsewhere, too", lambda: two.status()["revision"] == 5)
        hold("and nothing is held", (two.owner("@chat_x:example.com"), two.status()["complete"]), (None, True))
        again = one.ask("/v1/registrations/irc", "DELETE")
        hold("removed again, nothing changes", (again[0], again[1]["changed"]), (200, False))
        hold("what never was is not there", one.ask("/v1/registrations/nobody", "DELETE")[0], 404)
        hold("digests are equal", one.status()["snapshot"], two.status()["snapshot"])
        said = stage.tool("history")[1].splitlines()
        hold("the history has all of it", len(said), 5)
        hold("and who forced what", "forced  tg by bob (bailiwick)" in said[2], True)
        replica = stage.replica("--auth-token-file", str(stage.file("tokens", b"read r-0123456789abcdef\n")))
        until("it is ready", lambda: replica.ask("/readyz")[0] == 200)
        reader = {"Authorization": "Bearer r-0123456789abcdef"}
        hold("who may read may not write", put(replica, "irc", registration("irc", "irc_"), headers=reader)[0], 403)
        hold("nor remove", replica.ask("/v1/registrations/tg", "DELETE", headers=reader)[0], 403)


def what_goes_in_comes_out() -> None:
    with staged() as stage:
        files = {f"b{number:03}": registration(f"b{number:03}", f"b{number:03}_") for number in range(40)}
        files["b000"] = b"# with a comment, and CRLF\r\n" + files["b000"].replace(b"\n", b"\r\n")
        for id_, content in files.items():
            stage.file(f"in/{id_}.yaml", content)
        does("a directory is imported", stage.tool("import", stage.home / "in"), 0)
        code, said = stage.tool("import", stage.home / "in")
        hold("again, nothing changes", (code, said.split(";")[0]), (0, "0 changed, 40 as they were"))
        replica = stage.replica("--state-dir", str(stage.home / "state"))
        until("it is served", lambda: replica.owner("@b039_x:example.com") == "b039" if replica.ask("/readyz")[0] == 200 else False)
        does("it is exported", stage.tool("export", stage.home / "out"), 0)
        out = {path.stem: path.read_bytes() for path in (stage.home / "out").iterdir()}
        hold("byte for byte", out, files)
        modes = {oct((stage.home / "out" / f"{id_}.yaml").stat().st_mode & 0o777) for id_ in files}
        hold("for its owner alone", modes, {"0o600"})
        collides = stage.file("more/x.yaml", registration("x", "b00"))
        stage.file("more/y.yaml", registration("y", "y_"))
        does("all or none", stage.tool("import", collides.parent), 1)
        hold("none", len(stage.tool("list")[1].splitlines()), 40)
        before = replica.status()["snapshot"]
        does("some are removed", stage.tool("rm", "b001", "b002"), 0)
        does("one is edited", stage.tool("put", stage.file("b003.yaml", registration("b003", "other_"))), 0)
        until("seen", lambda: replica.owner("@other_x:example.com") == "b003")
        does("what was comes back", stage.tool("rollback", "40"), 0)
        until("its names, too", lambda: replica.owner("@b001_x:example.com") == "b001")
        hold("the edited one as it was", replica.owner("@other_x:example.com"), None)
        until("copies are made", lambda: len(list((stage.home / "state").glob("*.registration"))) == 40)
        until("all is as it was, and in the order in which it was", lambda: replica.status()["snapshot"] == before)
        snapshot = replica.status()["snapshot"]
        stage.database.stop()
        replica.end()
        alone = stage.replica("--state-dir", str(stage.home / "state"))
        until("the database is missed", lambda: alone.status()["missing"])
        until("what was in force is so again", lambda: alone.ask("/readyz")[0] == 200)
        hold("nothing is free without the database", alone.owner("@b039_x:example.com"), "b039")
        hold("and that it may not be all is said", alone.status()["complete"], False)
        unknown = stage.replica("--state-dir", str(stage.home / "nothing"))
        until("what knows nothing misses it", lambda: unknown.status()["missing"])
        hold("and answers nothing", unknown.ask("/readyz")[0], 503)
        stage.database.start()
        until("it is back", lambda: alone.status()["complete"] and unknown.ask("/readyz")[0] == 200)
        hold("as it was", {one.status()["snapshot"] for one in (alone, unknown)}, {snapshot})


def faults_free_no_name() -> None:
    with staged() as stage:
        replica = stage.replica()
        until("it is ready", lambda: replica.ask("/readyz")[0] == 200)
        put(replica, "irc", registration("irc", "irc_"))
        sql = stage.database.sql

        def lost(what: str, said: str) -> None:
            until(f"{what}: said", lambda: said in str(replica.status()["missing"]))
            hold(f"{what}: nothing is free", replica.owner("@irc_x:example.com"), "irc")
            hold(f"{what}: nothing is complete", replica.status()["complete"], False)
            hold(f"{what}: nothing is changed", put(replica, "tg", registration("tg", "tg_"))[0], 503)

        def back(what: str) -> None:
            until(f"{what}: over", lambda: replica.status()["complete"])

        def cut() -> None:
            sql("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'bailiwick'")

        sql("alter role bailiwick password 'another'")
        cut()
        lost("a wrong password", "password authentication failed")
        sql("alter role bailiwick password 'of-the-store'")
        back("a wrong password")
        hold("no password is logged", "of-the-store" in replica.log.read_text(), False)
        stage.database.crash()
        lost("a crash", "cannot be reached")
        stage.database.start()
        back("a crash")
        sql("revoke connect on database bailiwick from public")
        cut()
        lost("no right to connect", "permission denied")
        sql("grant connect on database bailiwick to public")
        back("no right to connect")
        sql("alter table bailiwick.registration rename to elsewhere")
        put(replica, "x", registration("x", "x_"))
        hold("without its table nothing is free", replica.owner("@irc_x:example.com"), "irc")
        sql("alter table bailiwick.elsewhere rename to registration")
        back("no table")

        # A hint that nobody hears: it is seen all the same, by whoever looks.
        stage.tool("put", stage.file("a.yaml", registration("a", "a_")))
        until("heard", lambda: replica.owner("@a_x:example.com") == "a")
        sql("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'bailiwick' and query like 'listen%'")
        stage.tool("put", stage.file("b.yaml", registration("b", "b_")))
        until("seen although the listener was cut", lambda: replica.owner("@b_x:example.com") == "b")

        revision = sql("select revision from bailiwick.head")
        sql("update bailiwick.head set revision = 1")
        lost("a backup put back", "put back to an earlier state")
        sql(f"update bailiwick.head set revision = {revision}")
        back("a backup put back")
        mark = sql(f"select mark from bailiwick.history where revision = {revision}")
        sql(f"update bailiwick.history set mark = gen_random_uuid() where revision = {revision}")
        lost("another history", "not the store that was read before")
        sql(f"update bailiwick.history set mark = '{mark}' where revision = {revision}")
        back("another history")
        hold("and all is as it was", replica.owner("@irc_x:example.com"), "irc")


class Ledger:
    """What writers were told, and what was seen."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.accepted: dict[str, tuple[int, str]] = {}
        self.answers: Counter[int] = Counter()
        self.wrong: list[str] = []
        self.kills = 0
        self.digests: dict[int, set[str]] = {}

    def note(self, id_: str, prefix: str, status: int, told: Any) -> None:
        with self.lock:
            self.answers[status] += 1
            if status == 200:
                self.accepted[id_] = (told["revision"], prefix)

    def saw(self, status: dict[str, Any]) -> None:
        with self.lock:
            if status.get("complete") and status.get("revision") is not None:
                self.digests.setdefault(status["revision"], set()).add(status["snapshot"])


def written(stage: Stage, replicas: list[Replica]) -> Ledger:
    """400 attempts of eight writers on 100 prefixes; a backend is killed every second, PostgreSQL twice."""
    ledger, over = Ledger(), threading.Event()

    def write(writer: int) -> None:
        random_ = random.Random(writer)
        for attempt in range(writer, ATTEMPTS, WRITERS):
            # Four ask for each prefix, at about the same time; one of them for a longer one that overlaps the others.
            number, side = divmod(attempt, 4)
            id_, prefix = f"w{attempt}", f"p{number:03}_" + ("x" if side == 3 else "")
            while True:
                status, told = put(replicas[random_.randrange(2)], id_, registration(id_, prefix))
                ledger.note(id_, prefix, status, told)
                if status == 200 or (status == 409 and not is_undecided(told)):
                    break
                time.sleep(random_.uniform(0.05, 0.3))

    def watch(replica: Replica) -> None:
        while not over.wait(0.01):
            ledger.saw(replica.status())
            with ledger.lock:
                known = list(ledger.accepted.items())
            if known:
                # What was accepted is guarded from its revision on, whatever happens.
                id_, (revision, prefix) = random.choice(known)
                status, told = replica.ask(f"/v1/owners?id=@{prefix}y:example.com&min_revision={revision}")
                if status == 200 and told["owner"] != id_:
                    with ledger.lock:
                        ledger.wrong.append(f"{prefix}: {told['owner']} instead of {id_}")

    def kill() -> None:
        done = 0
        while not over.wait(1):
            done += 1
            with contextlib.suppress(RuntimeError):
                if done in (3, 7):
                    stage.database.crash()
                    stage.database.start()
                else:
                    stage.database.sql(
                        "select pg_terminate_backend(pid) from pg_stat_activity"
                        " where usename = 'bailiwick' order by random() limit 1"
                    )
        ledger.kills = done

    writers = [threading.Thread(target=write, args=[writer]) for writer in range(WRITERS)]
    others = [threading.Thread(target=watch, args=[replica]) for replica in replicas]
    others.append(threading.Thread(target=kill))
    for thread in writers + others:
        thread.start()
    for thread in writers:
        thread.join()
    over.set()
    for thread in others:
        thread.join()
    return ledger


def is_undecided(told: Any) -> bool:
    """Whether a machine that was busy had no time to compare, so that it is asked again."""
    return all(finding["code"] == "not-compared" for finding in told["findings"]) and not told["errors"]


def overlapping(ledger: Ledger) -> list[tuple[str, str]]:
    taken = sorted(prefix for _, prefix in ledger.accepted.values())
    return [(one, next_) for one, next_ in itertools.pairwise(taken) if next_.startswith(one)]


def many_writers_while_things_are_killed() -> None:
    with staged() as stage:
        replicas = [stage.replica(), stage.replica()]
        until("both are ready", lambda: all(replica.ask("/readyz")[0] == 200 for replica in replicas))
        ledger = written(stage, replicas)
        rows = stage.database.sql("select as_id from bailiwick.registration where source is not null").split()
        hold("none that was accepted is lost, and none is there that was not", sorted(rows), sorted(ledger.accepted))
        hold("no two overlap", overlapping(ledger), [])
        hold("each prefix has one", len({prefix[:5] for _, prefix in ledger.accepted.values()}), PREFIXES)
        hold("no answer was wrong", ledger.wrong, [])
        revisions = sorted(revision for revision, _ in ledger.accepted.values())
        hold("revisions have no gaps", revisions, list(range(1, len(revisions) + 1)))
        last = revisions[-1]
        until("both are there", lambda: all(r.status()["revision"] == last and r.status()["complete"] for r in replicas))
        for replica in replicas:
            ledger.saw(replica.status())
        torn = {revision: digests for revision, digests in ledger.digests.items() if len(digests) != 1}
        hold(f"digests are equal at equal revisions ({len(ledger.digests)} seen)", torn, {})
        until("they are compared", lambda: replicas[0].ask("/v1/conflicts")[0] == 200)
        hold("no collision is found", replicas[0].ask("/v1/conflicts?severity=error")[1]["findings"], [])
        print(f"    {ledger.kills} kills; answers: {dict(ledger.answers)}")


def without_the_lock_two_win() -> None:
    """The same with the words that take the lock cut out on their way to the database: what the lock is for."""
    with staged() as stage:
        proxy = Proxy(stage.database.port)
        proxy.cut = b"for update"
        stage.database.port_of_replicas = proxy.port
        replicas = [stage.replica(), stage.replica()]
        until("both are ready", lambda: all(replica.ask("/readyz")[0] == 200 for replica in replicas))
        ledger = Ledger()

        def attempt(side: int, number: int) -> None:
            id_, prefix = f"w{number}-{side}", f"p{number:03}_" + "x" * side
            ledger.note(id_, prefix, *put(replicas[side], id_, registration(id_, prefix)))

        # Two at the same moment, each to a replica of its own, until both have won; as many times as there are prefixes above.
        for number in range(PREFIXES):
            both = [threading.Thread(target=attempt, args=[side, number]) for side in range(2)]
            for thread in both:
                thread.start()
            for thread in both:
                thread.join()
            if overlapping(ledger):
                break
        hold("without the lock what overlaps is let in", bool(overlapping(ledger)), True)
        print(f"    at attempt {number + 1}")
        proxy.close()


SCENES: list[Callable[[], None]] = [
    the_tables_are_made_once_and_others_are_refused,
    the_gate_says_what_it_does,
    what_goes_in_comes_out,
    faults_free_no_name,
    *history.SCENES,
    *beside.SCENES,
    *around.SCENES,
    *upkeep.SCENES,
    *whose.SCENES,
    without_the_lock_two_win,
    many_writers_while_things_are_killed,
]


def main() -> int:
    wanted = sys.argv[2:]
    for scene in SCENES:
        if not wanted or scene.__name__ in wanted:
            print(f"{scene.__name__}:", flush=True)
            began = time.monotonic()
            scene()
            print(f"    {time.monotonic() - began:.0f} s", flush=True)
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
