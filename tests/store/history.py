"""What a store has been: backups that are put back, what was removed long ago."""

from __future__ import annotations

import threading
from collections.abc import Callable

from database import Replica, until
from stage import Stage, does, hold, put, registration, staged


def confirms(replica: Replica, everything: bool) -> None:
    body = b'{"allow_empty": true}' if everything else b"{}"
    replica.ask("/-/reload", "POST", body, {"Content-Type": "application/json"})


def is_doubted(replica: Replica) -> bool:
    return "put back to an earlier state" in str(replica.status().get("missing"))


def a_backup_is_not_believed_before_somebody_means_it() -> None:
    with staged() as stage:
        keeping, without = stage.replica("--state-dir", str(stage.home / "state")), stage.replica()
        until("both are ready", lambda: all(replica.ask("/readyz")[0] == 200 for replica in (keeping, without)))
        put(keeping, "irc", registration("irc", "irc_"))
        backup = stage.database.dump()
        hold("more is let in after the backup", put(keeping, "tg", registration("tg", "tg_"))[0], 200)
        until("the other has seen it", lambda: without.owner("@tg_x:example.com") == "tg")
        keeping.end()
        stage.database.restore(backup)
        keeping = stage.replica("--state-dir", str(stage.home / "state"))
        for what, replica in (("one that runs", without), ("one that was down meanwhile", keeping)):
            until(f"{what} sees it", lambda replica=replica: is_doubted(replica))
            hold(f"{what} frees nothing", replica.owner("@tg_x:example.com"), "tg")
            asked = replica.ask("/v1/owners?id=@irc_x:example.com&min_revision=1")[0]
            hold(f"{what} does not count by the numbers of what was before", asked, 503)
            hold(f"{what} changes nothing", put(replica, "new", registration("new", "new_"))[0], 503)
            confirms(replica, everything=False)
            hold(f"{what} is not told so by a plain reload", replica.owner("@tg_x:example.com"), "tg")
            hold(f"{what} says that it may not be all", replica.status()["complete"], False)
            confirms(replica, everything=True)
            until(f"{what} takes it, since somebody means it", lambda replica=replica: replica.status()["complete"])
            hold(f"{what} has what the backup has", (replica.owner("@irc_x:example.com"), replica.status()["revision"]), ("irc", 1))
            hold(f"{what} has let go what it lacks", replica.owner("@tg_x:example.com"), None)
        hold("both agree", keeping.status()["snapshot"], without.status()["snapshot"])
        status, told = put(keeping, "other", registration("other", "other_"))
        hold("it goes on from there", (status, told.get("revision")), (200, 2))
        until("elsewhere, too", lambda: without.owner("@other_x:example.com") == "other")
        keeping.end()
        keeping = stage.replica("--state-dir", str(stage.home / "state"))
        until("it is believed at the next start", lambda: keeping.status().get("complete"))
        hold("with what was put since", keeping.owner("@other_x:example.com"), "other")
        nothing_left(stage, keeping)


def nothing_left(stage: Stage, keeping: Replica) -> None:
    """Another, empty store in the place of the one that a replica has seen."""
    keeping.end()
    stage.database.sql("drop schema bailiwick cascade")
    assert stage.tool("migrate")[0] == 0
    keeping = stage.replica("--state-dir", str(stage.home / "state"))
    until("another store is not believed", lambda: is_doubted(keeping))
    hold("nothing is free", keeping.owner("@irc_x:example.com"), "irc")


ROWS = 6_000
# A row and what the history says of it, each as a revision of its own, as the gate writes them.
LET_IN = """
create function let_in(bailiwick_id text, said bytea) returns void language sql as $$
  with head as (update bailiwick.head set revision = revision + 1 returning revision),
       noted as (insert into bailiwick.history (revision, as_id, source, changed_by)
                 select revision, bailiwick_id, said, 'history.py' from head)
  insert into bailiwick.registration as r (as_id, source, position, revision)
    select bailiwick_id, said, revision, revision from head
  on conflict (as_id) do update set source = excluded.source, revision = excluded.revision
$$"""


def let_in(stage: Stage, version: str, rows: int) -> None:
    """Many rows in one transaction."""
    content = registration("b%1$s", "b%1$s_" + version).decode().replace("'", "''").replace("\n", "\\n")
    said = f"convert_to(format(E'{content}', to_char(n, 'FM00000')), 'UTF8')"
    stage.database.sql(f"select let_in('b' || to_char(n, 'FM00000'), {said}) from generate_series(1, {rows}) n")


def what_is_not_in_force_here_is_not_judged() -> None:
    with staged() as stage, staged(migrated=False) as promoted:
        does("a registration is put", stage.tool("put", stage.file("irc.yaml", registration("irc", "irc_"))))
        dump = promoted.home / "copy.sql"
        dump.write_text(stage.database.dump().read_text())
        promoted.database.restore(dump)
        here, there = (one.database.port for one in (stage, promoted))
        stage.database.address = f"postgres://bailiwick@127.0.0.1:{here},127.0.0.1:{there}/bailiwick"
        replica = stage.replica()
        until("it is ready", lambda: replica.ask("/readyz")[0] == 200)
        hold("a change is made here", put(replica, "a", registration("a", "a_"))[0], 200)
        does("and another there", promoted.tool("put", promoted.file("b.yaml", registration("b", "shared_"))))
        # What reads has its connection still, and what changes finds its way to the other.
        stage.database.sql("alter role bailiwick connection limit 0")
        stage.database.sql(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where usename = 'bailiwick' and query like 'notify%'"
        )
        status, told = put(replica, "c", registration("c", "shared_"))
        hold("what collides there is not let in", (status, "another store" in told["error"]), (503, True))
        hold("nor is anything changed", promoted.database.sql("select max(revision) from bailiwick.head").strip(), "2")

    with staged() as stage:
        stage.file("d/irc.yaml", registration("irc", "irc_"))
        one, other = stage.replica(str(stage.home / "d")), stage.replica()
        until("both are ready", lambda: all(replica.ask("/readyz")[0] == 200 for replica in (one, other)))
        hold("the id of a file elsewhere is let in", put(other, "irc", registration("irc", "chat_"))[0], 200)
        status, told = put(one, "y", registration("y", "chat_"))
        said = "`store:irc`" in told["error"] and "d/irc.yaml" in told["error"]
        hold("beside the file nothing is judged, which is said of both", (status, said), (503, True))
        told = put(one, "irc", registration("irc", "chat_"))[1]
        hold("what is in the store is not said to be in force here", (told["changed"], told["in_force"]), (False, False))
        hold("elsewhere it collides", put(other, "y", registration("y", "chat_"))[0], 409)
        hold("what goes is no question", one.ask("/v1/registrations/irc", "DELETE")[0], 200)
        hold("and then it is judged", put(one, "y", registration("y", "chat_"))[0], 200)


def rows_that_do_not_load_can_be_mended_one_by_one() -> None:
    with staged() as stage:
        stage.database.sql(LET_IN)
        for id_ in ("a", "b"):
            stage.database.sql(f"select let_in('{id_}', 'id: {id_}')")
        replica = stage.replica()
        until("it is ready", lambda: replica.ask("/readyz")[0] == 200)
        hold("neither is in force", replica.status()["registrations"]["quarantined"], 2)
        status, told = put(replica, "new", registration("new", "new_"))
        hold("nothing else is let in meanwhile, which is said of one", (status, "`store:a`" in told["error"]), (503, True))
        does("by the command neither", stage.tool("put", stage.file("new.yaml", registration("new", "new_"))), 70)
        hold("one of them is mended", put(replica, "a", registration("a", "a_"))[0], 200)
        hold("and in force", replica.owner("@a_x:example.com"), "a")
        hold("the other must not collide with it", put(replica, "b", registration("b", "a_x"))[0], 409)
        does("nor by the command", stage.tool("put", stage.file("b.yaml", registration("b", "a_x"))), 1)
        does("and is mended by it", stage.tool("put", stage.file("b.yaml", registration("b", "b_"))))
        until("that is in force", lambda: replica.owner("@b_x:example.com") == "b")
        hold("and something else is let in again", put(replica, "new", registration("new", "new_"))[0], 200)

    with staged() as stage:
        # Their tokens are those of files beside this replica, and of nobody elsewhere.
        for id_ in ("c", "d"):
            file = registration(f"file-{id_}", f"file-{id_}_")
            stage.file(f"files/{id_}.yaml", file.replace(b"as-token-of-file-", b"as-token-of-"))
        one, other = stage.replica(str(stage.home / "files")), stage.replica()
        until("both are ready", lambda: all(replica.ask("/readyz")[0] == 200 for replica in (one, other)))
        for id_ in ("c", "d"):
            hold(f"{id_} is let in elsewhere", put(other, id_, registration(id_, f"{id_}_"))[0], 200)
        until("both are kept out here", lambda: one.status()["registrations"].get("quarantined") == 2)

        def mended(*prefixes: str) -> bytes:
            return registration("c", *prefixes).replace(b"as-token-of-c", b"as-token-other-c")

        hold("what mends one must not collide with the other, which is in force elsewhere", put(one, "c", mended("d_x"))[0], 409)
        same_token = mended("c_").replace(b"as-token-other-c", b"as-token-of-d")
        hold("nor take what it has", put(one, "c", same_token)[0], 409)
        hold("else it is let in", put(one, "c", mended("c_"))[0], 200)
        hold("and in force", one.owner("@c_x:example.com"), "c")
        until("nothing collides elsewhere", lambda: other.ask("/v1/conflicts?severity=error")[0] == 200)
        hold("nothing", other.ask("/v1/conflicts?severity=error")[1]["findings"], [])


def going_back_goes_back_to_the_order_of_then() -> None:
    with staged() as stage:
        replica = stage.replica()
        until("it is ready", lambda: replica.ask("/readyz")[0] == 200)

        def is_let_in(id_: str, content: bytes) -> None:
            until(f"{id_} is let in", lambda: put(replica, id_, content)[0] == 200)

        def removes(id_: str) -> None:
            until(f"{id_} goes", lambda: replica.ask(f"/v1/registrations/{id_}", "DELETE")[0] == 200)

        def snapshot(revision: int) -> str:
            until(f"revision {revision}", lambda: replica.status()["revision"] == revision)
            said: str = replica.status()["snapshot"]
            return said

        # Which of the first two is first decides who is told of the other.
        is_let_in("first", registration("first", "one_", "both_"))
        second = registration("second", "both_")
        until("what collides is forced in", lambda: put(replica, "second", second, "?force=true")[0] == 200)
        is_let_in("third", registration("third", "three_"))
        then = snapshot(3)
        removes("first")
        until("it is put again", lambda: put(replica, "first", registration("first", "one_", "both_"), "?force=true")[0] == 200)
        later = snapshot(5)
        hold("what is put again is last", later == then, False)
        does("going back puts it where it was", stage.tool("rollback", "3", "--force"))
        hold("though it says the same as before", snapshot(6), then)
        does("which it is", stage.tool("rollback", "3"))
        hold("so that nothing more is changed", stage.database.sql("select revision from bailiwick.head"), "6")
        does("and back to last again", stage.tool("rollback", "5", "--force"))
        hold("as it was", snapshot(7), later)
        fresh = stage.replica()
        until("another is ready", lambda: fresh.ask("/readyz")[0] == 200)
        hold("whoever has not seen it come says the same", fresh.status()["snapshot"], later)

        # An edit keeps its place, also where what was before it has been purged.
        is_let_in("third", registration("third", "drei_"))
        does("the past is purged", stage.tool("purge", "--older-than", "0"))
        edited = snapshot(8)
        removes("third")
        is_let_in("third", registration("third", "drei_"))
        is_let_in("fourth", registration("fourth", "four_"))
        does("going back to behind a purge", stage.tool("rollback", "8"))
        until("the order is that of then", lambda: replica.status()["snapshot"] == edited)
        of_before_positions(stage)


def of_before_positions(stage: Stage) -> None:
    """Tables in which the history says nothing of places, brought up to date: as it would be said now."""
    said = "select string_agg(revision || ' ' || position, ',' order by revision) from bailiwick.history where source is not null"
    before = stage.database.sql(said)
    stage.database.sql(
        "alter table bailiwick.head drop column server_name, drop column homeserver;"
        "alter table bailiwick.history drop column position; delete from bailiwick.migration where number = 3"
    )
    does("tables of before are brought up to date", stage.tool("migrate"))
    # Nobody can tell that `third` was put as revision 3, since that has been purged; and that it was elsewhere as 10 before it
    # was put back to where it had been, as 12, is what could not be before places were noted.
    hold("places were noted", before, "2 2,7 5,8 3,10 10,11 11,12 3")
    hold("and are made out from what was changed", stage.database.sql(said), "2 2,7 5,8 8,10 3,11 11,12 3")


def many_rows_are_read_a_few_thousand_at_a_time() -> None:
    with staged() as stage:
        stage.database.sql(LET_IN)
        let_in(stage, "first", ROWS)
        over = threading.Event()

        def edits() -> None:
            while not over.is_set():
                let_in(stage, "edited", 50)

        # What is listed is changed by somebody before it is read.
        editor = threading.Thread(target=edits)
        editor.start()
        replica = stage.replica("--state-dir", str(stage.home / "state"))
        until("it is ready", lambda: replica.ask("/readyz")[0] == 200)
        first = replica.status()["registrations"]
        over.set()
        editor.join()
        hold("all rows are in force at once", (first["active"], first["quarantined"]), (ROWS, 0))
        let_in(stage, "last", ROWS // 2)
        until("a change of many is seen", lambda: replica.owner(f"@b{ROWS // 2:05}_last:example.com") == f"b{ROWS // 2:05}", 300)
        told = replica.status()
        hold("none is missing", (told["registrations"]["active"], told["complete"]), (ROWS, True))
        hold("the others are as they were", replica.owner(f"@b{ROWS:05}_first:example.com"), f"b{ROWS:05}")


def contradicts_itself(replica: Replica) -> bool:
    return "contradicts itself" in str(replica.status().get("missing"))


PUT_BY_HAND = """
with head as (update bailiwick.head set revision = revision + 1 returning revision),
     noted as (insert into bailiwick.history (revision, as_id, source, position, changed_by)
               select revision, 'dup', convert_to($source${source}$source$, 'UTF8'), 1, 'history.py' from head)
insert into bailiwick.registration (as_id, source, position, revision)
select 'dup', convert_to($source${source}$source$, 'UTF8'), 1, revision from head"""


def what_was_removed_is_in_nobodys_place() -> None:
    with staged() as stage:
        running = stage.replica()
        until("it is ready", lambda: running.ask("/readyz")[0] == 200)
        for id_ in ("irc", "tg"):
            until(f"{id_} is let in", lambda id_=id_: put(running, id_, registration(id_, f"{id_}_"))[0] == 200)
        stage.database.sql("alter table bailiwick.registration drop constraint registration_position_key")
        stage.database.sql(PUT_BY_HAND.format(source=registration("dup", "dup_").decode()))
        until("two at one place are seen", lambda: contradicts_itself(running))
        hold("one of them can be removed", stage.tool("rm", "dup")[0], 0)
        until("and all is complete", lambda: running.status()["complete"])
        fresh = stage.replica()
        until("whoever starts then is ready", lambda: fresh.ask("/readyz")[0] == 200)
        hold("with the same set", fresh.status()["snapshot"], running.status()["snapshot"])
        hold("of which both are", [fresh.owner(f"@{name}_x:example.com") for name in ("irc", "tg")], ["irc", "tg"])
        # What is said of both at once is no contradiction either.
        hold("the other is edited", put(running, "irc", registration("irc", "irc_", "more_"))[0], 200)
        until("and whoever started has it", lambda: fresh.owner("@more_x:example.com") == "irc")


EDITED_BY_HAND = """
with head as (update bailiwick.head set revision = revision + 1 returning revision),
     noted as (insert into bailiwick.history (revision, as_id, source, changed_by)
               select head.revision, as_id, source, 'history.py' from head, bailiwick.registration where as_id = 'tg')
update bailiwick.registration set revision = head.revision, position = 1 from head where as_id = 'tg'"""


def what_contradicts_itself_is_not_believed() -> None:
    with staged() as stage:
        sql = stage.database.sql
        running = stage.replica()
        until("it is ready", lambda: running.ask("/readyz")[0] == 200)
        for id_ in ("irc", "tg"):
            until(f"{id_} is let in", lambda id_=id_: put(running, id_, registration(id_, f"{id_}_"))[0] == 200)

        def owners(replica: Replica) -> list[str | None]:
            return [replica.owner(f"@{name}_x:example.com") for name in ("irc", "tg")]

        # Of two at one place one would be seen.
        sql("alter table bailiwick.registration drop constraint registration_position_key")
        sql(EDITED_BY_HAND)
        fresh = stage.replica()
        for what, replica in (("whoever starts", fresh), ("whoever runs", running)):
            until(f"{what} sees it", lambda replica=replica: contradicts_itself(replica))
        hold("who has read nothing before answers nothing", fresh.ask("/readyz")[0], 503)
        hold("who has keeps all names", (owners(running), running.status()["complete"]), (["irc", "tg"], False))
        hold("and changes nothing", put(running, "new", registration("new", "new_"))[0], 503)
        sql("update bailiwick.registration set position = 2 where as_id = 'tg'")
        for what, replica in (("whoever started", fresh), ("whoever ran", running)):
            until(f"{what} takes what was mended", lambda replica=replica: replica.status().get("complete"))
            hold(f"{what} has both", owners(replica), ["irc", "tg"])

        # As where an index on which the tables' key stands is out of order.
        sql("alter table bailiwick.registration drop constraint registration_pkey")
        sql("insert into bailiwick.registration select as_id, source, 9, 9 from bailiwick.registration where as_id = 'tg'")
        fresh = stage.replica()
        until("two of one id are seen", lambda: contradicts_itself(fresh))
        hold("and not chosen from", fresh.ask("/readyz")[0], 503)
        sql("delete from bailiwick.registration where revision = 9")
        until("what was mended is taken", lambda: fresh.ask("/readyz")[0] == 200)
        hold("and all is as it was", owners(fresh), ["irc", "tg"])


SCENES: list[Callable[[], None]] = [
    a_backup_is_not_believed_before_somebody_means_it,
    what_is_not_in_force_here_is_not_judged,
    rows_that_do_not_load_can_be_mended_one_by_one,
    going_back_goes_back_to_the_order_of_then,
    many_rows_are_read_a_few_thousand_at_a_time,
    what_contradicts_itself_is_not_believed,
    what_was_removed_is_in_nobodys_place,
]
