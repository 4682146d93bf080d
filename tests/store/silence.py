#!/usr/bin/env python3
"""A firewall that drops packets without a word: run in a network namespace of its own (`unshare --net`), by try.py."""

from __future__ import annotations

import subprocess
import sys

from database import until
from stage import failures, hold, put, registration, staged


class Firewall:
    """Drops what goes to a port, or comes from it."""

    def __init__(self, port: int) -> None:
        self.port = port
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)

    def drops(self) -> None:
        rules = f"""table inet silence {{
  chain in {{ type filter hook input priority 0; tcp dport {self.port} drop; tcp sport {self.port} drop; }}
}}"""
        subprocess.run(["nft", "-f", "-"], check=True, input=rules, text=True)

    def lets_through(self) -> None:
        subprocess.run(["nft", "delete", "table", "inet", "silence"], check=True)


def main() -> int:
    firewall = Firewall(0)
    with staged() as stage:
        firewall.port = stage.database.port
        one, two = stage.replica("--state-dir", str(stage.home / "state")), stage.replica()
        until("both are ready", lambda: all(replica.ask("/readyz")[0] == 200 for replica in (one, two)))
        hold("a registration is let in", put(one, "irc", registration("irc", "irc_"))[0], 200)
        until("the other has seen it", lambda: two.owner("@irc_x:example.com") == "irc")
        firewall.drops()
        hold("a change is given up", put(one, "tg", registration("tg", "tg_"))[0], 503)
        for replica in (one, two):
            until("the silence is noticed", lambda replica=replica: replica.status()["missing"])
            hold("nothing is free", replica.owner("@irc_x:example.com"), "irc")
        print(f"    {one.status()['missing'][0]}")
        until("that nothing is told is noticed", lambda: "changes of the store are not told" in one.log.read_text(), 120)
        one.end()
        one = stage.replica("--state-dir", str(stage.home / "state"))
        until("what was in force is so after a restart", lambda: one.ask("/readyz")[0] == 200)
        hold("nothing is free then either", one.owner("@irc_x:example.com"), "irc")
        firewall.lets_through()
        until("it is over", lambda: all(replica.status()["complete"] for replica in (one, two)))
        hold("and changes are made again", put(two, "tg", registration("tg", "tg_"))[0], 200)
        until("and seen", lambda: one.owner("@tg_x:example.com") == "tg")
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
