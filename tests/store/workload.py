"""Registrations in the shapes of real ones, as `benches/performance/workload.rs` makes them, and a store full of them."""

# Statements and tables stand as they are said.
# ruff: noqa: E501

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

from database import ROOT, Database

SHAPES = ROOT / "tests/data/ruling/namespaces.jsonl"


def named(regex: str, number: int) -> str | None:
    """The regex with a name of its own in front of the one that it has; nothing, if it has none."""
    before, sigil, rest = regex.partition("@")
    name = rest.lstrip("_")
    letters = len(name) - len(name.lstrip("abcdefghijklmnopqrstuvwxyz"))
    if not sigil or letters < 3:
        return None
    return f"{before}@{rest[: len(rest) - len(name)]}n{number}{name}"


def shapes() -> list[str]:
    """The regexes of real namespaces for users, those that begin with a name."""
    namespaces = map(json.loads, SHAPES.read_text().splitlines())
    regexes = [namespace["regex"] for namespace in namespaces if namespace["kind"] == "users"]
    return [regex for regex in regexes if named(regex, 0)]


REAL = shapes()


def id_of(number: int) -> str:
    return f"bridge-{number}"


def source(number: int) -> bytes:
    """A registration as a row holds it."""
    return json.dumps({
        "id": id_of(number), "url": f"http://bridge-{number}:29317",
        "as_token": f"as-{number}-0123456789abcdef0123456789abcdef",
        "hs_token": f"hs-{number}-0123456789abcdef0123456789abcdef",
        "sender_localpart": f"bot-of-bridge-{number}", "rate_limited": False,
        "namespaces": {
            "users": [{"exclusive": True, "regex": named(REAL[number % len(REAL)], number)}],
            "aliases": [], "rooms": [],
        },
    }, separators=(",", ":")).encode()


def asked(number: int) -> str:
    """A user that the registration of this number claims, or nearly."""
    name = (named(REAL[number % len(REAL)], number) or "").partition("@")[2]
    literal = next((at for at, letter in enumerate(name) if not (letter.isascii() and letter.isalnum()) and letter not in "_-=/"), len(name))
    return f"@{name[:literal]}alice{number % 97}:example.com"


def fill(database: Database, count: int) -> None:
    """Puts so many registrations into a store that has none, as if each had been put by itself."""
    with tempfile.NamedTemporaryFile("w", dir=database.home, prefix="rows-") as rows:
        for number in range(count):
            # In PostgreSQL's text format a backslash is doubled, and `\x` begins bytes in hexadecimal.
            rows.write(f"{id_of(number)}\t\\\\x{source(number).hex()}\t{number + 1}\t{number + 1}\n")
        rows.flush()
        Path(rows.name).chmod(0o644)
        database.sql(f"\\copy bailiwick.registration (as_id, source, position, revision) from '{rows.name}'")
    database.sql("insert into bailiwick.history (revision, as_id, source, changed_by) "
                 "select revision, as_id, source, 'bench' from bailiwick.registration order by revision")
    database.sql(f"update bailiwick.head set revision = {count}")
    database.sql("vacuum analyze")
    database.sql("checkpoint")


class Writer:
    """A connection of its own by which rows are put as the gate puts them, without a judgement: so that it is known when each was committed."""

    def __init__(self, database: Database) -> None:
        where = ["-h", "127.0.0.1", "-p", str(database.port), "-U", "bailiwick", "--no-psqlrc", "-qtA", "bailiwick"]
        self.psql = subprocess.Popen(
            ["psql", *where], env=database.environment(), text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )

    def put(self, number: int) -> int:
        """Answers with the revision, when that is committed."""
        assert self.psql.stdin and self.psql.stdout
        id_, content = id_of(number), f"'\\x{source(number).hex()}'::bytea"
        self.psql.stdin.write(
            "begin; with head as (update bailiwick.head set revision = revision + 1 returning revision), "
            f"noted as (insert into bailiwick.history (revision, as_id, source, changed_by) select revision, '{id_}', {content}, 'bench' from head) "
            f"insert into bailiwick.registration as r (as_id, source, position, revision) select '{id_}', {content}, revision, revision from head "
            "on conflict (as_id) do update set source = excluded.source, revision = excluded.revision returning revision; "
            "notify bailiwick; commit;\n\\echo\n"
        )
        said = self.psql.stdout.readline()
        # The empty line comes after the commit.
        assert self.psql.stdout.readline() == "\n"
        return int(said)

    def end(self) -> None:
        self.psql.kill()
        self.psql.wait()
