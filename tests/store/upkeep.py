"""What is done to a store besides changing it: taken out and in, purged, measured, and left behind."""

# Statements and tables stand as they are said.
# ruff: noqa: E501

from __future__ import annotations

import os
import subprocess
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import history
from between import Proxy
from database import Replica, until
from stage import BINARY, Stage, does, hold, put, registration, staged

# Not longer than a store keeps, and three bytes for each slash in the name of a file.
LONG = "a" + "/" * 100


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def a_name_that_no_file_can_have_stops_no_export() -> None:
    with staged() as stage:
        replica = stage.replica()
        until("it is ready", lambda: replica.ask("/readyz")[0] == 200)
        ids = ["irc", LONG, "tg"]
        said = [put(replica, id_, registration(id_, f"p{at}_"))[0] for at, id_ in enumerate(ids)]
        hold("all are let in", said, [200, 200, 200])
        code, told = stage.tool("export", stage.home / "out")
        hold("one cannot be written, and that is said", (code, told.count("is not in"), LONG in told), (1, 1, True))
        hold("those before and behind it are", names(stage.home / "out"), ["irc.yaml", "tg.yaml"])
        hold("no token is told", "as-token-of" in told, False)
        (stage.home / "pipes").mkdir()
        os.mkfifo(stage.home / "pipes/irc.yaml")
        code, told = stage.tool("export", stage.home / "pipes")
        hold("nobody waits for a pipe in its place", (code, told.count("is not in"), "not a regular file" in told), (1, 2, True))
        does("without it all is well", stage.tool("rm", LONG, LONG))
        does("as often as one likes", stage.tool("export", stage.home / "out"))


def what_is_asked_for_wrongly_is_told() -> None:
    with staged() as stage:
        replica = stage.replica()
        until("it is ready", lambda: replica.ask("/readyz")[0] == 200)
        let_in(replica, "irc")
        let_in(replica, "tg")
        code, told = stage.tool("rm", "irc", "heisenbrige")
        hold("who is not there is named, and the rest goes", (code, "`heisenbrige`" in told, "1 changed" in told), (1, True, True))
        does("what has gone already has gone", stage.tool("rm", "irc"))
        does("who never was is no error for whoever says so", stage.tool("rm", "--ignore-not-found", "heisenbrige"))
        code, told = stage.tool("put", stage.file("zero.yaml", registration("x", "x_").replace(b"id: x", b'id: "a\\0b"')))
        hold("an id that no database keeps is a fault of the file", (code, "U+0000" in told), (1, True))
        edited = registration("tg", "tele_")
        for headers in ({"If-Match": '"2"', "If-None-Match": "*"}, {"If-Match": '"+2"'}, {"If-Match": '"02"'}):
            hold(f"{headers} is not guessed at", put(replica, "tg", edited, headers=headers)[0], 400)
        hold("nor is a long name kept", put(replica, "tg", edited, "?by=" + "a" * 251)[0], 400)
        does("by the command neither", stage.tool("rm", "tg", "--by", "a" * 251), 64)
        hold("nothing of that was done", replica.owner("@tg_x:example.com"), "tg")
        hold("a name may be as long as is said", put(replica, "tg", edited, "?by=" + "a" * 250)[0], 200)


def a_session_that_was_idle_for_too_long_costs_nobody_a_change() -> None:
    with staged() as stage:
        sql = stage.database.sql
        replica = stage.replica()
        until("it is ready", lambda: replica.ask("/readyz")[0] == 200)
        sql("alter role bailiwick set idle_session_timeout = '1s'")
        let_in(replica, "irc")
        changing = "select count(*) from pg_stat_activity where usename = 'bailiwick' and query like '%notify%'"
        until("the session of the change is ended", lambda: sql(changing) == "0")
        hold("the next one is made all the same", put(replica, "tg", registration("tg", "tg_"))[0], 200)


def who_waits_for_a_migration_is_told_so_and_not_for_ever() -> None:
    with staged(migrated=False) as stage:
        lock = int.from_bytes(b"bailiwic", "big")
        held = frozen_after(stage, f"begin; select pg_advisory_xact_lock({lock});")
        waiting = start(stage, "migrate")
        assert waiting.stdout is not None
        hold("it says that it waits", "is waited for" in waiting.stdout.readline(), True)
        held.kill()
        held.wait()
        told, _ = waiting.communicate(timeout=60)
        hold("and goes on when that has ended", (waiting.returncode, "are made" in told), (0, True))
        held = frozen_after(stage, f"begin; select pg_advisory_xact_lock({lock});")
        code, told = stage.tool("migrate")
        hold("whoever keeps the lock is not waited for longer than a minute", (code, "within 60 s" in told), (70, True))
        held.kill()
        held.wait()
        does("and again, all is as it was", stage.tool("migrate"))


def frozen_after(stage: Stage, statement: str) -> subprocess.Popen[str]:
    """A session in which something has been done and that says nothing more, until it is killed."""
    database = stage.database
    where = ["-h", str(database.home), "-p", str(database.port), "-U", database.owner, "--no-psqlrc", "-qtA", "bailiwick"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    psql = subprocess.Popen([str(database.programs / "psql"), *where], **pipes, **database.options)
    assert psql.stdin is not None and psql.stdout is not None
    psql.stdin.write(f"{statement}\n\\echo done\n")
    psql.stdin.flush()
    while psql.stdout.readline().strip() != "done":
        assert psql.poll() is None
    return psql


def statements(stage: Stage, words: str) -> int:
    return (stage.database.home / "log").read_text(errors="replace").count(words)


def many_go_in_together_or_not_at_all() -> None:
    with staged() as stage:
        for number in range(1_500):
            stage.file(f"in/m{number:04}.yaml", registration(f"m{number:04}", f"m{number:04}_"))
        sql = stage.database.sql
        sql("alter system set log_statement = 'all'")
        sql("select pg_reload_conf()")
        # Whoever writes waits behind this, with the head's lock in his hands.
        held = frozen_after(stage, "begin; lock table bailiwick.registration in share mode;")
        importing = start(stage, "import", stage.home / "in")
        waits = "from pg_stat_activity where wait_event_type = 'Lock' and query like '%bailiwick.history%'"
        until("the first of them are being written", lambda: sql(f"select count(*) {waits}") == "1")
        sql(f"select pg_terminate_backend(pid) {waits}")
        told, _ = importing.communicate(timeout=300)
        hold("killed while it writes, it says so", importing.returncode, 70)
        hold("no token is told", "as-token-of" in told, False)
        held.kill()
        held.wait()
        hold("nothing was written", sql("select (select revision from bailiwick.head), count(*) from bailiwick.registration"), "0|0")

        before = statements(stage, "insert into bailiwick.history")
        does("again, all of them are", stage.tool("import", stage.home / "in"))
        hold("by two statements", statements(stage, "insert into bailiwick.history") - before, 2)
        rows = "count(*), count(distinct position), min(revision), max(revision)"
        hold("each as a revision of its own", sql(f"select {rows} from bailiwick.registration"), "1500|1500|1|1500")
        in_order = "select bool_and(as_id = 'm' || lpad((revision - 1)::text, 4, '0')) from bailiwick.history"
        hold("in load order", sql(in_order), "t")
        changed = stage.file("in/m0003.yaml", registration("m0003", "other_"))
        collides = stage.file("in/x.yaml", registration("x", "m14"))
        code, told = stage.tool("import", stage.home / "in")
        hold("with one that collides nothing is", (code, "exclusive-conflict" in told), (1, True))
        hold("not the edit that came with it", sql("select revision from bailiwick.head"), "1500")
        collides.unlink()
        code, told = stage.tool("import", changed.parent)
        hold("without it the edit is", (code, told.split(";")[0]), (0, "1 changed, 1499 as they were"))
        hold("and it keeps its place", sql("select position, revision from bailiwick.registration where as_id = 'm0003'"), "4|1501")


def start(stage: Stage, *words: str | Path) -> subprocess.Popen[str]:
    environment = stage.database.environment() | {"BAILIWICK_SERVER_NAME": "example.com", "BAILIWICK_STORE_BY": "try.py"}
    pipe: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen([str(BINARY), "store", *map(str, words)], env=environment, **pipe)


def whoever_stops_waits_for_no_frozen_database() -> None:
    with staged() as stage:
        proxy = Proxy(stage.database.port)
        stage.database.port_of_replicas = proxy.port
        waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like '%for update%'"
        for what in ("silent", "locked"):
            replica = stage.replica()
            until("it is ready", lambda replica=replica: replica.ask("/readyz")[0] == 200)
            until(f"{what}: one is let in", lambda replica=replica: put(replica, "irc", registration("irc", "irc_"))[0] == 200)
            held = frozen_after(stage, "begin; select 1 from bailiwick.head for update;")
            answers: list[tuple[int, Any]] = []

            def change(replica: Any = replica, answers: list[tuple[int, Any]] = answers) -> None:
                answers.append(put(replica, "tg", registration("tg", "tg_")))

            asks = [threading.Thread(target=change) for _ in range(3)]
            for thread in asks:
                thread.start()
            until("the change waits", lambda: stage.database.sql(waiting) == "1")
            if what == "silent":
                proxy.drops.set()
            replica.process.terminate()
            for thread in asks:
                thread.join()
            # Not that it has not answered within ten seconds, nor that others keep the lock for five: it was not waited for.
            told = {(status, str(told.get("error", ""))[:21]) for status, told in answers}
            hold(f"{what}: who waits is told why", told, {(503, "bailiwick is stopping")})
            hold(f"{what}: and the service ends", replica.process.wait(60), 0)
            held.kill()
            held.wait()
            proxy.drops.clear()
            hold(f"{what}: nothing was written", stage.database.sql("select revision from bailiwick.head"), "1")
        proxy.close()


SCHEMA_1 = """
    alter table bailiwick.head drop column purged, drop column server_name, drop column homeserver;
    alter table bailiwick.history drop column position;
    alter table bailiwick.history alter as_id set not null, alter changed_by set not null, alter role set not null;
    delete from bailiwick.migration where number > 1
"""


def tables_of_before_are_brought_up_to_date(stage: Stage, replica: Replica) -> None:
    stage.database.sql(SCHEMA_1)
    until("older tables are seen", lambda: "`bailiwick store migrate`" in str(replica.status()["missing"]))
    hold("nothing is free under older tables", replica.owner("@irc_x:example.com"), "irc")
    hold("nor is anything changed", put(replica, "new", registration("new", "new_"))[0], 503)
    does("nor purged", stage.tool("purge", "--older-than", "0"), 70)
    does("they are brought up to date", stage.tool("migrate"))
    until("and read again", lambda: replica.status()["complete"])


def purged(stage: Stage) -> str:
    return stage.database.sql("select purged from bailiwick.head")


def holding(stage: Stage, token: str) -> str:
    """How many rows hold a token."""
    rows = "select source from bailiwick.history union all select source from bailiwick.registration"
    return stage.database.sql(f"select count(*) from ({rows}) as all_there where position('{token}'::bytea in source) > 0")


def let_in(replica: Replica, id_: str) -> None:
    """Asks until it is let in, as often as it is told to come again: a machine that is busy may have no time to compare, and its database
    may be late. How long that goes on is for the machine to say; what is told otherwise is said at once, and what is told in the end."""
    last: list[Any] = []

    def is_let_in() -> bool:
        last[:] = put(replica, id_, registration(id_, f"{id_}_"))
        if last[0] not in (0, 200, 408, 503):
            raise RuntimeError(f"{id_} is not let in: {last}")
        return bool(last[0] == 200)

    try:
        until(f"{id_} is let in", is_let_in, seconds=300)
    except AssertionError as never:
        raise AssertionError(f"{never}; {last}") from None


def what_is_purged_frees_nothing_by_itself() -> None:
    with staged() as stage:
        database, state = stage.database, str(stage.home / "state")
        one = stage.replica("--state-dir", state)
        proxy = Proxy(database.port)
        database.port_of_replicas = proxy.port
        other = stage.replica()
        database.port_of_replicas = 0
        until("both are ready", lambda: all(replica.ask("/readyz")[0] == 200 for replica in (one, other)))
        let_in(one, "irc")
        backup = database.dump()
        for id_ in ("tg", "slack", "x"):
            let_in(one, id_)
        until("both have all", lambda: all(replica.status()["revision"] == 4 for replica in (one, other)))
        tables_of_before_are_brought_up_to_date(stage, one)
        until("there are copies", lambda: len(list((stage.home / "state").glob("*.registration"))) == 4)

        # One is down and the other hears nothing while things happen, and are purged.
        one.end()
        proxy.drops.set()
        does("one is removed", stage.tool("rm", "tg"))
        edited = registration("irc", "chat_").replace(b"as-token-of-irc", b"as-token-new-irc")
        does("one is edited, and its token is another", stage.tool("put", stage.file("irc.yaml", edited)))
        does("one is removed", stage.tool("rm", "x"))
        does("and put again", stage.tool("put", stage.file("x.yaml", registration("x", "x_"))))
        by_hand = "delete from bailiwick.registration where as_id = 'slack'"
        database.sql(f"create table kept as select * from bailiwick.registration where as_id = 'slack'; {by_hand}")
        code, told = stage.tool("purge", "--older-than", "0")
        hold("what somebody deletes by hand is not covered up", (code, "`slack` is not what" in told, purged(stage)), (1, True, "0"))
        database.sql("insert into bailiwick.registration select * from kept; drop table kept")
        # The clock had jumped: what is told to be so old says nothing of what came before it.
        stage.database.sql("update bailiwick.history set changed_at = '2020-01-01' where revision = 8")
        does("nothing is so old", stage.tool("purge", "--older-than", "1h"))
        hold("nothing is purged", (purged(stage), holding(stage, "as-token-of-tg")), ("0", "1"))
        before = stage.tool("list")[1]
        does("all that is past is purged", stage.tool("purge", "--older-than", "0"))
        hold("up to now", purged(stage), "8")
        tokens = [holding(stage, token) for token in ("as-token-of-tg", "as-token-of-irc", "as-token-new-irc")]
        hold("tokens of before have gone, and those in force have not", tokens, ["0", "0", "2"])
        hold("what is there is as it was", stage.tool("list")[1], before)
        code, told = stage.tool("history")
        hold("the history has what is in force", (code, told.count(" put "), "up to revision 8" in told), (0, 3, True))
        does("nobody goes back to before", stage.tool("rollback", "5"), 64)
        does("but to there", stage.tool("rollback", "8"))
        does("what was purged is not removed again", stage.tool("rm", "tg"), 1)
        does("which is no error for whoever says so", stage.tool("rm", "--ignore-not-found", "tg"))
        database.sql(by_hand)

        # Both read all again: what was decided is so at once, and what has gone by accident is held.
        proxy.drops.clear()
        one = stage.replica("--state-dir", state)
        for what, replica in (("whoever was down", one), ("whoever heard nothing", other)):
            until(f"{what} catches up", lambda replica=replica: replica.status().get("revision") == 8)
            owners = [replica.owner(f"@{name}_y:example.com") for name in ("tg", "irc", "chat", "x", "slack")]
            hold(f"{what} knows what was removed from what has gone", owners, [None, None, "irc", "x", "slack"])
            hold(f"{what} says that something is held", replica.status()["complete"], False)

        # A store that went on from a backup, further than what was read, and is purged, is another all the same.
        database.restore(backup)
        for number in range(10):
            file = stage.file("n.yaml", registration(f"n{number}", f"n{number}_"))
            until("it goes on", lambda file=file: stage.tool("put", file)[0] == 0)
        does("it is purged", stage.tool("purge", "--older-than", "0"))
        for replica in (one, other):
            until("it is not believed", lambda replica=replica: history.is_doubted(replica))
            hold("nothing is free", replica.owner("@chat_y:example.com"), "irc")
        proxy.close()


def figures(replica: Replica) -> dict[str, float]:
    """What is measured of the store: each metric with its labels, and its value."""
    with urllib.request.urlopen(f"http://127.0.0.1:{replica.port}/metrics", timeout=60) as answer:
        lines = answer.read().decode().splitlines()
    told = (line.rpartition(" ") for line in lines if line.startswith("bailiwick_store_"))
    return {name.removeprefix("bailiwick_store_"): float(value) for name, _, value in told}


def what_goes_on_is_measured() -> None:
    with staged() as stage:
        replica = stage.replica()
        until("it is ready", lambda: replica.ask("/readyz")[0] == 200)
        let_in(replica, "irc")
        before = figures(replica)
        hold("it is connected", before["connected"], 1)
        there = (before["revision"], before["registrations"], before["purged_revision"])
        hold("revision, registrations, and how much is purged", there, (1, 1, 0))
        until("it asks again and again", lambda: figures(replica)["confirmed_timestamp_seconds"] > before["confirmed_timestamp_seconds"])
        hold("each that was let in is counted", before['changes_total{outcome="made"}'], 1)
        hold("each has had the lock", (before["lock_wait_seconds_count"] >= 1, before["lock_held_seconds_count"] >= 1), (True, True))
        expected = {"unchanged": 200, "collides": 409, "unloadable": 400, "not_there": 404, "elsewhere": 412, "in_the_way": 409}
        same_token = registration("new", "new_").replace(b"as-token-of-new", b"as-token-of-irc")
        asks: dict[str, Callable[[], tuple[int, Any]]] = {
            "unchanged": lambda: put(replica, "irc", registration("irc", "irc_")),
            "collides": lambda: put(replica, "new", registration("new", "irc_x")),
            "unloadable": lambda: put(replica, "new", b"id: new"),
            "not_there": lambda: replica.ask("/v1/registrations/new", "DELETE"),
            "elsewhere": lambda: put(replica, "irc", registration("irc", "i_"), headers={"If-Match": '"9"'}),
            "in_the_way": lambda: put(replica, "new", same_token),
        }
        for outcome, ask in asks.items():
            counted = f'changes_total{{outcome="{outcome}"}}'
            until(f"{outcome} is answered", lambda ask=ask, outcome=outcome: ask()[0] == expected[outcome])
            hold(f"{outcome} is counted", figures(replica)[counted] >= 1, True)
        does("what was is purged", stage.tool("purge", "--older-than", "0"))
        until("that is measured", lambda: figures(replica)["purged_revision"] == 1)
        held = frozen_after(stage, "begin; select 1 from bailiwick.head for update;")
        hold("who finds the lock taken is sent away", put(replica, "new", registration("new", "new_"))[0], 503)
        hold("and counted", figures(replica)['changes_total{outcome="busy"}'] >= 1, True)
        held.kill()
        held.wait()
        stage.database.stop()
        until("it is lost", lambda: figures(replica)["connected"] == 0)
        put(replica, "new", registration("new", "new_"))
        hold("a change that cannot be made is counted", figures(replica)['changes_total{outcome="unavailable"}'] >= 1, True)
        hold("what was read last is shown still", figures(replica)["revision"], 1)


def roles_in_the_docs() -> tuple[str, str]:
    """The statements of docs/store.md that make roles: those before there are tables, and those behind."""
    docs = (Path(__file__).resolve().parent.parent.parent / "docs/store.md").read_text()
    _, _, rest = docs.partition("```sql\n")
    owner, mark, others = rest.partition("```")[0].partition("-- Answers")
    return owner, mark + others


def the_roles_of_the_docs_have_the_rights_that_they_need() -> None:
    with staged(migrated=False) as stage:
        database = stage.database
        owner, others = roles_in_the_docs()

        def by(role: str, *words: str | Path) -> tuple[int, str]:
            url = database.url.replace("bailiwick@", f"{role}@", 1)
            return stage.tool(*words, "--store", url)

        def made(statements: str, *roles: str) -> None:
            passwords = "".join(f"alter role {role} password 'of-the-store';" for role in roles)
            database.sql(statements + passwords)

        made(owner, "bailiwick_owner")
        does("the owner makes the tables", by("bailiwick_owner", "migrate"))
        made(others, "bailiwick_reader", "bailiwick_writer")
        file = stage.file("in/irc.yaml", registration("irc", "irc_"))
        code, told = by("bailiwick_reader", "put", file)
        hold("who reads changes nothing", (code, "permission denied" in told), (70, True))
        does("who writes puts", by("bailiwick_writer", "put", file))
        does("and edits", by("bailiwick_writer", "import", stage.file("in/irc.yaml", registration("irc", "chat_")).parent))
        does("and removes", by("bailiwick_writer", "rm", "irc"))
        does("and goes back", by("bailiwick_writer", "rollback", "1"))
        does("and makes it another homeserver's", by("bailiwick_writer", "assign", "--homeserver", "dendrite"))
        does("and the first one's again", by("bailiwick_writer", "assign"))
        code, told = by("bailiwick_reader", "assign", "--homeserver", "dendrite")
        hold("which nobody does who reads", (code, "permission denied" in told), (70, True))
        for words in (["list"], ["history"], ["export", stage.home / "out"]):
            does(f"who reads may {words[0]}", by("bailiwick_reader", *words))
        hold("all of it", names(stage.home / "out"), ["irc.yaml"])
        for role in ("bailiwick_reader", "bailiwick_writer"):
            code, told = by(role, "purge", "--older-than", "0")
            hold(f"{role} forgets nothing", (code, "permission denied" in told), (70, True))
        hold("nothing is purged", purged(stage), "0")
        does("the owner does", by("bailiwick_owner", "purge", "--older-than", "0"))
        hold("up to now", purged(stage), "4")
        replica = stage.replica("--store", database.url.replace("bailiwick@", "bailiwick_reader@", 1))
        until("who reads answers", lambda: replica.ask("/readyz")[0] == 200)
        hold("by what is there", replica.owner("@irc_x:example.com"), "irc")
        status, told = put(replica, "tg", registration("tg", "tg_"))
        told_which = "permission denied" in told["error"] and "`bailiwick_writer`" in told["error"]
        hold("and changes nothing, is not to be asked again, and says which role may", (status, told_which), (403, True))
        status, told = replica.ask("/v1/registrations/irc", "DELETE")
        hold("nor removes anything", (status, told["errcode"]), (403, "M_FORBIDDEN"))
        hold("which is counted", figures(replica)['changes_total{outcome="not_allowed"}'], 2)


SCENES: list[Callable[[], None]] = [
    a_name_that_no_file_can_have_stops_no_export,
    what_is_asked_for_wrongly_is_told,
    a_session_that_was_idle_for_too_long_costs_nobody_a_change,
    who_waits_for_a_migration_is_told_so_and_not_for_ever,
    many_go_in_together_or_not_at_all,
    whoever_stops_waits_for_no_frozen_database,
    what_is_purged_frees_nothing_by_itself,
    what_goes_on_is_measured,
    the_roles_of_the_docs_have_the_rights_that_they_need,
]
