"""What a store has been: backups that are put back, what was removed long ago."""

from __future__ import annotations

from collections.abc import Callable

from database import Replica, until
from stage import Stage, hold, put, registration, staged


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


SCENES: list[Callable[[], None]] = [a_backup_is_not_believed_before_somebody_means_it]
