"""What comes while a change is judged."""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path

from between import Proxy
from database import Replica, until
from stage import does, hold, put, registration, staged
from upkeep import figures, let_in

# So often it is tried again where a machine was too busy for what is to be seen.
TRIES = 5
# Fewer than are judged at a time (`MAX_JUDGEMENTS`).
DEAR = 3
# Of a second: more than it takes to judge all else that there is here.
A_TENTH = os.sysconf("SC_CLK_TCK") // 10


class Asked(threading.Thread):
    """A change that is asked for beside others, and what was answered."""

    def __init__(self, replica: Replica, id_: str, content: bytes) -> None:
        super().__init__(daemon=True)
        self.replica, self.id_, self.content = replica, id_, content
        self.status, self.told = 0, None
        self.start()

    def run(self) -> None:
        self.status, self.told = put(self.replica, self.id_, self.content)


def what_was_purged_while_a_change_was_judged_is_not_overlooked() -> None:
    with staged() as stage:
        proxy = Proxy(stage.database.port)
        stage.database.port_of_replicas = proxy.port
        one = stage.replica()
        stage.database.port_of_replicas = 0
        other = stage.replica()
        until("both are ready", lambda: all(replica.ask("/readyz")[0] == 200 for replica in (one, other)))
        let_in(one, "irc")
        status = 0
        for attempt in range(TRIES):
            # It collides, and may be edited all the same as long as it is there; as a new one it may not be put.
            forced = registration("x", "irc_x")
            until("it is forced in", lambda forced=forced: put(one, "x", forced, "?force=true")[0] == 200)
            revision = int(stage.database.sql("select revision from bailiwick.head"))
            until("it is in force", lambda revision=revision: one.status()["revision"] == revision)
            proxy.stop_at(b"for update")
            edit = Asked(one, "x", registration("x", "irc_x", f"edit{attempt}_"))
            until("the edit is judged, and wants the lock", proxy.has_stopped.is_set)
            until("it is removed meanwhile", lambda: other.ask("/v1/registrations/x", "DELETE")[0] == 200)
            does("and forgotten", stage.tool("purge", "--older-than", "0"))
            proxy.go_on()
            edit.join()
            status = edit.status
            # The database had not answered in time.
            if status != 503:
                break
        hold("what was judged as an edit is not let in as a new one", status, 409)
        hold("nothing was written", int(stage.database.sql("select revision from bailiwick.head")), revision + 1)
        hold("and nobody has the name that was edited in", other.owner(f"@edit{attempt}_y:example.com"), None)
        proxy.close()


def dear(number: int) -> bytes:
    """A registration that is not compared in the time that there is."""
    entries = "".join(f"    - {{exclusive: true, regex: '@.*a.{{60}}{number}x{at}'}}\n" for at in range(800))
    head, mark, _ = registration(f"dear{number}", "").partition(b"  users:\n")
    return head + mark + entries.encode()


def spent(replica: Replica) -> int:
    """How much the threads that judge ahead have been at work, in ticks."""
    ticks = 0
    for task in Path(f"/proc/{replica.process.pid}/task").iterdir():
        # Others come and go.
        with contextlib.suppress(FileNotFoundError):
            if re.fullmatch(r"judge-\d+\n", (task / "comm").read_text()):
                ticks += int((task / "stat").read_text().rpartition(")")[2].split()[11])
    return ticks


def a_change_that_is_dear_to_judge_holds_up_no_other() -> None:
    with staged() as stage:
        one, other = stage.replica(), stage.replica()
        until("both are ready", lambda: all(replica.ask("/readyz")[0] == 200 for replica in (one, other)))
        for number in range(20):
            let_in(one, f"p{number:02}")
        locks = "lock_held_seconds_count"
        are_overtaken, dears, held = False, list[Asked](), 0.0
        for attempt in range(TRIES):
            before, locked = spent(one), figures(one)[locks]
            dears = [Asked(one, f"dear{number}", dear(number)) for number in range(DEAR)]
            until("they are being judged", lambda before=before: spent(one) - before >= A_TENTH)
            quick = [Asked(replica, f"{name}{attempt}", registration(f"{name}{attempt}", f"{name}{attempt}_"))
                     for name, replica in (("here", one), ("there", other))]
            for change in quick:
                change.join()
            are_overtaken = all(change.is_alive() for change in dears) and all(change.status == 200 for change in quick)
            for change in dears:
                change.join()
            held = figures(one)[locks] - locked
            # Or else the machine was too busy: the quick ones were in none of its hands before the dear ones' time was over.
            if are_overtaken:
                break
        hold("changes that are judged quickly are made before them, here and there", are_overtaken, True)
        hold("they are not, and that is told", {change.status for change in dears}, {503})
        # Nor are they judged behind the lock, which they would come to after some turns.
        hold("each has had the lock once, however far the store had come meanwhile", held, DEAR + 1)


SCENES: list[Callable[[], None]] = [
    what_was_purged_while_a_change_was_judged_is_not_overlooked,
    a_change_that_is_dear_to_judge_holds_up_no_other,
]
