"""Of which homeserver a store is: whoever says another would see nothing collide."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from database import until
from stage import Stage, does, hold, put, registration, staged

SCHEMA_2 = """
    alter table bailiwick.head drop column server_name, drop column homeserver;
    alter table bailiwick.history drop column position;
    delete from bailiwick.migration where number = 3
"""


def belongs(stage: Stage) -> str:
    return stage.database.sql("select server_name || ' ' || homeserver from bailiwick.head")


def revision(stage: Stage) -> str:
    return stage.database.sql("select revision from bailiwick.head")


def is_refused(what: str, told: tuple[int, str], *words: str) -> None:
    hold(f"{what} is refused", (told[0], [word for word in words if word not in told[1]]), (70, []))


def whoever_says_another_homeserver_lets_nothing_in() -> None:
    with staged() as stage:
        hold("a store is that of the name by which it was made", belongs(stage), "example.com synapse")
        replica = stage.replica()
        until("it is ready", lambda: replica.ask("/readyz")[0] == 200)
        hold("a registration is let in", put(replica, "irc", registration("irc", "irc_"))[0], 200)
        collides = stage.file("tg.yaml", registration("tg", "irc_t"))
        does("what collides is refused", stage.tool("put", collides), 1)
        wrong = ("--server-name", "exmaple.com")
        said = ("`example.com` (synapse)", "`exmaple.com` (synapse)", "bailiwick store assign")
        is_refused("by another name it", stage.tool("put", collides, *wrong), *said)
        is_refused("nor is it forced: it", stage.tool("put", collides, "--force", *wrong), *said)
        is_refused("a directory by another name", stage.tool("import", stage.home, *wrong), *said)
        is_refused("going back by another name", stage.tool("rollback", "0", *wrong), *said)
        other = ("--homeserver", "tuwunel")
        is_refused("by another's rules it", stage.tool("put", collides, *other), "(synapse)", "(tuwunel)")
        is_refused("a migration by another name", stage.tool("migrate", *wrong), *said)
        hold("nothing of that was done", (revision(stage), belongs(stage)), ("1", "example.com synapse"))

        for what, options in (("another name", wrong), ("another's rules", other)):
            odd = stage.replica(*options)
            until(f"a service with {what} says so", lambda odd=odd: "the store is that of" in str(odd.status().get("missing")))
            hold(f"by {what} nothing is answered", odd.ask("/readyz")[0], 503)
            hold(f"by {what} nothing is changed", put(odd, "tg", registration("tg", "irc_t"))[0], 503)
            odd.end()
        code, told = stage.bailiwick("check", "--server-name", "exmaple.com")
        hold("nor is it looked at by another name", (code != 0, "`exmaple.com`" in told), (True, True))
        does("but by another's rules", stage.bailiwick("check", "--homeserver", "dendrite"), 0)
        is_made_anothers(stage)


def is_made_anothers(stage: Stage) -> None:
    """While a service answers by it."""
    replica = stage.replica()
    until("it is ready", lambda: replica.ask("/readyz")[0] == 200)
    does("it is made another's, since somebody means it", stage.tool("assign", "--server-name", "example.org"))
    hold("so it is", belongs(stage), "example.org synapse")
    status, told = put(replica, "new", registration("new", "new_"))
    hold("a service of before changes nothing, and is not to be asked again", (status, "example.org" in told["error"]), (403, True))
    until("it says so", lambda: "example.org" in str(replica.status()["missing"]))
    hold("and frees nothing", (replica.owner("@irc_x:example.com"), replica.status()["complete"]), ("irc", False))
    removed = stage.bailiwick("store", "rm", "nobody", "--ignore-not-found", server_name=None)
    does("what goes collides with nothing, whosever it is", removed)
    does("it is made the first one's again", stage.tool("assign"))
    until("which goes on", lambda: replica.status()["complete"])
    hold("and changes are made", put(replica, "new", registration("new", "new_"))[0], 200)
    does("what collides is forced in", stage.tool("put", stage.file("tg.yaml", registration("tg", "irc_t")), "--force"))
    code, told = stage.tool("assign", "--homeserver", "dendrite")
    hold("a store in which something collides is nobody else's by accident", (code, "exclusive-conflict" in told), (1, True))
    hold("it is as it was", belongs(stage), "example.com synapse")
    does("unless that is meant", stage.tool("assign", "--homeserver", "dendrite", "--force"))
    hold("so it is another's", belongs(stage), "example.com dendrite")


def of_before(stage: Stage) -> None:
    """Tables of before anybody wrote down whose they are, and brought up to date by somebody who does not say it."""
    stage.database.sql(SCHEMA_2)
    does("older tables are not changed", stage.tool("put", file(stage)), 70)
    code, told = stage.bailiwick("store", "migrate", server_name=None)
    hold("they are brought up to date, and are nobody's", (code, "nobody's yet" in told, belongs(stage)), (0, True, ""))


def file(stage: Stage) -> Path:
    return stage.file("tg.yaml", registration("tg", "tg_"))


def a_store_of_before_is_that_of_whoever_is_first() -> None:
    with staged() as stage:
        replica = stage.replica()
        until("it is ready", lambda: replica.ask("/readyz")[0] == 200)
        hold("a registration is let in", put(replica, "irc", registration("irc", "irc_"))[0], 200)
        of_before(stage)
        until("a service that runs makes it its homeserver's", lambda: belongs(stage) == "example.com synapse")
        until("and says so", lambda: "the store is that of `example.com` (synapse) from now on" in replica.log.read_text())
        wrong = stage.file("wrong.yaml", registration("wrong", "irc_t"))
        told = stage.tool("put", wrong, "--server-name", "exmaple.com")
        is_refused("whoever comes second with another name", told, "`exmaple.com`")
        replica.end()

        of_before(stage)
        sql = stage.database.sql
        sql("create role looks login password 'of-the-store'; grant usage on schema bailiwick to looks")
        sql("grant select on all tables in schema bailiwick to looks")
        looks = stage.replica("--store", stage.database.url.replace("bailiwick@", "looks@", 1))
        until("whoever may only read answers", lambda: looks.ask("/readyz")[0] == 200)
        hold("by what is there", looks.owner("@irc_x:example.com"), "irc")
        does("whoever has a look does", stage.bailiwick("check"), 0)
        hold("neither makes it anybody's", belongs(stage), "")
        does("nor does whoever is refused", stage.tool("put", wrong), 1)
        hold("it is nobody's", belongs(stage), "")
        does("whoever changes something does", stage.tool("put", file(stage)))
        hold("it is his homeserver's", belongs(stage), "example.com synapse")
        until("and is read on by those who answered", lambda: looks.owner("@tg_x:example.com") == "tg")
        until("all of it", lambda: looks.status()["complete"])
        code, said = stage.tool("migrate")
        hold("a second migration says whose it is", (code, "`example.com` (synapse)" in said), (0, True))


SCENES: list[Callable[[], None]] = [
    whoever_says_another_homeserver_lets_nothing_in,
    a_store_of_before_is_that_of_whoever_is_first,
]
