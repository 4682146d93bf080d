"""What goes wrong around a store: what stands between, the disk, the certificate."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from between import Bouncer, Proxy
from database import until
from stage import BINARY, Stage, does, hold, put, registration, staged


def through_pgbouncer_in_transaction_mode() -> None:
    """No session outlasts a transaction, and what is listened to is lost."""
    with staged(migrated=False) as stage:
        bouncer = Bouncer(stage.database)
        stage.database.port_of_replicas = bouncer.port
        does("the tables are made through it", stage.tool("migrate"))
        replicas = [stage.replica(), stage.replica()]
        until("both are ready", lambda: all(replica.ask("/readyz")[0] == 200 for replica in replicas))
        for replica in replicas:
            until("that nothing is told is said", lambda replica=replica: "as through PgBouncer" in replica.log.read_text())
        hold("a registration is let in", put(replicas[0], "irc", registration("irc", "irc_"))[0], 200)
        until("the other sees it by looking", lambda: replicas[1].owner("@irc_x:example.com") == "irc")
        accepted: dict[str, int] = {}

        def write(number: int) -> None:
            id_ = f"b{number:02}"
            while True:
                status, told = put(replicas[number % 2], id_, registration(id_, f"{id_}_"))
                if status == 200:
                    accepted[id_] = told["revision"]
                if status != 503:
                    return

        writers = [threading.Thread(target=write, args=[number]) for number in range(16)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        hold("sixteen at a time are let in, each as a revision", sorted(accepted.values()), list(range(2, 18)))
        until("both have them", lambda: all(replica.status()["revision"] == 17 for replica in replicas))
        hold("and agree", len({replica.status()["snapshot"] for replica in replicas}), 1)
        hold("a collision is refused", put(replicas[1], "x", registration("x", "b00"))[0], 409)
        does("a command changes something", stage.tool("rm", "b15"))
        until("both see it", lambda: all(replica.owner("@b15_x:example.com") is None for replica in replicas))
        does("and exports", stage.tool("export", stage.home / "out"))

        bouncer.close()
        until("it is missed", lambda: "cannot be reached" in str(replicas[0].status()["missing"]))
        hold("nothing is free", replicas[0].owner("@irc_x:example.com"), "irc")
        hold("nothing is changed", put(replicas[0], "y", registration("y", "y_"))[0], 503)
        bouncer.start()
        until("it is back", lambda: all(replica.status()["complete"] for replica in replicas))
        hold("and changes are made again", put(replicas[0], "y", registration("y", "y_"))[0], 200)
        bouncer.close()


def through_pgbouncer_with_too_few_connections() -> None:
    """One is held by whoever changes something, while what is there is read by another."""
    for pool in (2, 1):
        with staged() as stage:
            bouncer = Bouncer(stage.database, pool)
            stage.database.port_of_replicas = bouncer.port
            replica = stage.replica()
            until(f"{pool}: it is ready", lambda replica=replica: replica.ask("/readyz")[0] == 200)
            status, told = put(replica, "irc", registration("irc", "irc_"))
            if pool == 2:
                hold("with two connections a change is made", (status, told["in_force"]), (200, True))
            elif status != 200:
                hold("with one it is not, which is said", (status, "a pool of one" in told["error"]), (503, True))
                hold("and nothing is let in", stage.database.sql("select revision from bailiwick.head"), "0")
            until("and answers go on", lambda replica=replica: replica.status()["complete"])
            bouncer.close()


def the_disk_of_the_database_is_full() -> None:
    if os.geteuid() != 0:
        print("    not tried: only root may mount a small disk")
        return
    with staged(megabytes=128) as stage:
        replica = stage.replica("--state-dir", str(stage.home / "state"))
        until("it is ready", lambda: replica.ask("/readyz")[0] == 200)
        hold("a registration is let in", put(replica, "irc", registration("irc", "irc_"))[0], 200)
        filler = stage.database.data / "filler"
        fill(filler)
        # Some are let in while there is room in what has been allocated before.
        said = None
        for number in range(100):
            status, told = put(replica, f"b{number}", large(f"b{number}"))
            if status != 200:
                said = (status, told["error"])
                break
        hold("a change is refused", said and said[0], 503)
        print(f"    {said and said[1]}")
        hold("nothing is free", replica.owner("@irc_x:example.com"), "irc")
        hold("none that was accepted is lost", replica.owner(f"@b{number - 1}_x:example.com"), f"b{number - 1}" if number else None)
        hold("nor is one there that was not", replica.owner(f"@b{number}_x:example.com"), None)
        filler.unlink()
        until("with room it is let in", lambda: put(replica, f"b{number}", large(f"b{number}"))[0] == 200)

        # The log of the database itself has no room: it stops, and cannot start again.
        fill(filler)
        without_log(stage)
        until("it is missed", lambda: replica.status()["missing"], 120)
        hold("nothing is free without its log", replica.owner("@irc_x:example.com"), "irc")
        hold("nothing is changed", put(replica, "y", registration("y", "y_"))[0], 503)
        print(f"    {replica.status()['missing'][0]}")
        replica.end()
        replica = stage.replica("--state-dir", str(stage.home / "state"))
        until("what was in force is so after a restart", lambda: replica.ask("/readyz")[0] == 200)
        hold("nothing is free then either", replica.owner("@irc_x:example.com"), "irc")
        filler.unlink()
        stage.database.start_again()
        until("with room it goes on", lambda: replica.status()["complete"])
        hold("all is there", replica.owner(f"@b{number}_x:example.com"), f"b{number}")
        hold("and changes are made", put(replica, "y", registration("y", "y_"))[0], 200)


def large(id_: str) -> bytes:
    """One that cannot be kept in what is left of a page."""
    return registration(id_, f"{id_}_") + b"# " + os.urandom(20_000).hex().encode() + b"\n"


def fill(filler: os.PathLike[str]) -> None:
    with open(filler, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 16))
        except OSError:
            pass


def without_log(stage: Stage) -> None:
    """Has the database need another segment of its log, for which there is no room."""
    try:
        for _ in range(4):
            stage.database.sql("select pg_switch_wal(); create table if not exists room (a int); insert into room values (1)")
    except RuntimeError:
        return
    raise AssertionError("there was room for the log")


def a_firewall_says_nothing() -> None:
    """Packets are dropped in a network namespace of its own, where the whole scene is: nobody is told that anything has ended."""
    if os.geteuid() != 0 or shutil.which("nft") is None:
        print("    needs root and nft: a proxy that drops bytes stands for it")
        a_proxy_says_nothing()
        return
    script = Path(__file__).with_name("silence.py")
    done = subprocess.run(["unshare", "--net", sys.executable, script, BINARY], check=False, timeout=300)
    hold("all of it", done.returncode, 0)


def a_proxy_says_nothing() -> None:
    """Connections stay, and nothing comes through any more."""
    with staged() as stage:
        proxy = Proxy(stage.database.port)
        stage.database.port_of_replicas = proxy.port
        replica = stage.replica()
        until("it is ready", lambda: replica.ask("/readyz")[0] == 200)
        put(replica, "irc", registration("irc", "irc_"))
        proxy.drops.set()
        status, _ = put(replica, "tg", registration("tg", "tg_"))
        hold("a change is given up", status, 503)
        until("the silence is noticed", lambda: "not answered within" in str(replica.status()["missing"]))
        hold("nothing is free", replica.owner("@irc_x:example.com"), "irc")
        proxy.drops.clear()
        until("it is over", lambda: replica.status()["complete"])
        hold("and changes are made again", put(replica, "tg", registration("tg", "tg_"))[0], 200)
        proxy.close()


def tls(stage: Stage, name: str, *subjects: str) -> Path:
    """An authority of our own, and a certificate of it for a database; where both are."""
    home = stage.database.home / name
    home.mkdir()
    openssl = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]

    def made(*words: str) -> None:
        subprocess.run([*openssl, *words], cwd=home, check=True, capture_output=True)

    made("-subj", f"/CN=authority {name}", "-keyout", "ca.key", "-out", "ca.pem")
    extensions = ["-addext", "basicConstraints=critical,CA:FALSE", "-addext", "subjectAltName=" + ",".join(subjects)]
    made("-subj", "/CN=database", "-CA", "ca.pem", "-CAkey", "ca.key", *extensions, "-keyout", "key.pem", "-out", "certificate.pem")
    return home


def by_tls_and_by_nothing_else() -> None:
    with staged(migrated=False) as stage:
        database = stage.database

        def serves(on: bool) -> None:
            database.sql(f"alter system set ssl = {'on' if on else 'off'}")
            database.sql("select pg_reload_conf(), pg_sleep(0.1)")
            until("the setting is read", lambda: database.sql("show ssl") == ("on" if on else "off"))
            database.sql("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'bailiwick'")

        database.sql("alter system set ssl_cert_file = 'certificate.pem'")
        database.sql("alter system set ssl_key_file = 'key.pem'")
        made = tls(stage, "right", "DNS:localhost")
        for file in ("key.pem", "certificate.pem"):
            (database.data / file).write_bytes((made / file).read_bytes())
            (database.data / file).chmod(0o600)
            if os.geteuid() == 0:
                os.chown(database.data / file, database.options["user"], database.options["group"])
        authority = made / "ca.pem"
        serves(True)
        where = f"{database.port}/bailiwick"
        right, by_address = f"postgres://bailiwick@localhost:{where}", f"postgres://bailiwick@127.0.0.1:{where}"
        database.address = right
        does("by TLS", stage.tool("migrate", "--store-ca", authority))
        replica = stage.replica("--store-ca", str(authority))
        until("it is ready", lambda: replica.ask("/readyz")[0] == 200)
        hold("a registration is let in", put(replica, "irc", registration("irc", "irc_"))[0], 200)
        ciphers = database.sql("select distinct ssl from pg_stat_ssl join pg_stat_activity using (pid) where usename = 'bailiwick'")
        hold("each connection is encrypted, that on which is listened, too", ciphers, "t")

        database.address = by_address
        refused(stage, "the name is another", authority, "not valid for name")
        database.address = f"postgres://bailiwick@/bailiwick?hostaddr=127.0.0.1&port={database.port}"
        refused(stage, "there is no name", authority, "say host beside it", 64)
        database.address = f"postgres://bailiwick@localhost:{where}?hostaddr=127.0.0.1"
        does("a name beside an address is the one that counts", stage.tool("list", "--store-ca", authority))
        database.address = right
        refused(stage, "the authority is not its own", tls(stage, "other", "DNS:localhost") / "ca.pem", "UnknownIssuer")

        serves(False)
        until("it is missed", lambda: replica.status()["missing"])
        hold("without TLS nothing is free", replica.owner("@irc_x:example.com"), "irc")
        hold("nor is anything sent in clear", put(replica, "tg", registration("tg", "tg_"))[0], 503)
        print(f"    {replica.status()['missing'][0]}")
        refused(stage, "nobody speaks TLS", authority, "TLS")
        serves(True)
        until("it is back", lambda: replica.status()["complete"])
        hold("and changes are made", put(replica, "tg", registration("tg", "tg_"))[0], 200)
        hold("no password was logged", "of-the-store" in replica.log.read_text(), False)


def refused(stage: Stage, what: str, authority: Path, why: str, code: int = 70) -> None:
    told, said = stage.tool("list", "--store-ca", authority)
    hold(f"{what}: nothing is said to it", told, code)
    hold(f"{what}: why", why if why in said else said, why)


SCENES: list[Callable[[], None]] = [
    through_pgbouncer_in_transaction_mode,
    through_pgbouncer_with_too_few_connections,
    the_disk_of_the_database_is_full,
    by_tls_and_by_nothing_else,
    a_firewall_says_nothing,
]
