"""Asks Synapse, and the libraries of other homeservers, what they make of one value, and records it for docs/homeservers.md.

    /tmp/synapse/bin/python oracle/scalar_rows.py --rust … --go … --out tests/data/homeservers/scalars.jsonl

The programs are those of `oracle/loaders.py`. Each row is a small registration in which one thing is written as the row says;
what comes of that thing is kept, or null where the file is refused.
"""

import argparse
import json
import tempfile
from pathlib import Path

from loaders import ask
from real_files import LIBRARIES, quietly

TOP = {"id": "a", "url": "null", "as_token": "t", "hs_token": "h", "sender_localpart": "s"}
ENTRY = {"exclusive": "true", "regex": "'@a.*'"}


def file(top=(), entry=(), namespaces=None, before="", after=""):
    lines = [f"{key}: {value}" for key, value in {**TOP, **dict(top)}.items() if value is not None]
    pairs = [f"{key}: {value}" for key, value in {**ENTRY, **dict(entry)}.items() if value is not None]
    namespaces = namespaces or "namespaces:\n  users:\n  - " + "\n    ".join(pairs)
    return before + "\n".join([*lines, namespaces]) + "\n" + after


def rows():
    """What is written, the file, and what is looked at."""
    for value in ("yes", "on", "y", '"true"', "True", "TRUE", "1", "", "null"):
        yield f"exclusive: {value}".strip(), file(entry={"exclusive": value}), "exclusive"
    yield "no `exclusive`", file(entry={"exclusive": None}), "exclusive"
    for value in ("null", "~", "", "123", "true", '"\\/"'):
        yield f"regex: {value}".strip(), file(entry={"regex": value}), "regex"
    yield "no `regex`", file(entry={"regex": None}), "regex"
    for value in ("123", "0x1F", "true", "0123", "1e3", "2024-01-01", "null", '""', "!!binary aGk=", "!foo bar"):
        yield f"id: {value}", file({"id": value}), "id"
    yield "as_token: #token", file({"as_token": "#token"}), "as_token"
    for value in ("", "5", "true", None):
        yield "no `url`" if value is None else f"url: {value}".strip(), file({"url": value}), "url"
    for value in ("null", "[]", "{}"):
        yield f"namespaces: {value}", file(namespaces=f"namespaces: {value}"), "users"
    for value in ("null", "", "[null]", "[[true, a]]"):
        yield f"users: {value}".strip(), file(namespaces=f"namespaces:\n  users: {value}"), "users"
    for value in ("yes", '"no"', "null"):
        yield f"rate_limited: {value}", file({"rate_limited": value}), "loads"
    yield "protocols: irc", file({"protocols": "irc"}), "loads"
    yield "protocols: [1]", file({"protocols": "[1]"}), "loads"
    yield "`id` twice", file(after="id: b\n"), "id"
    yield "an unknown key twice", file(after="other: 1\nother: 2\n"), "loads"
    yield "<<: *name", file({"id": None}, before="other: &name {id: merged}\n", after="<<: *name\n"), "id"
    yield "a second document", file(after="---\nid: b\n"), "loads"
    yield "a byte order mark", file(before="\ufeff"), "loads"
    yield "%YAML 1.2", file(before="%YAML 1.2\n---\n"), "loads"
    yield "a tab that indents", file(after="other:\n\ta: 1\n"), "loads"


def looked_at(said, what):
    if said is None:
        return None
    if what in ("exclusive", "regex"):
        regex, exclusive = said["users"][0]
        return exclusive if what == "exclusive" else regex
    return {"loads": True, "url": said["url"] or "none"}.get(what, said.get(what))


def synapse(text):
    with tempfile.TemporaryDirectory() as home:
        path = Path(home) / "a.yaml"
        path.write_text(text)
        service = quietly(path)
    if service is None:
        return None
    users = [[entry.regex.pattern, entry.exclusive] for entry in service.namespaces["users"]]
    return {"id": service.id, "url": service.url, "as_token": service.token, "users": users}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rust", required=True)
    arguments.add_argument("--go", required=True)
    arguments.add_argument("--out", type=Path, required=True)
    options = arguments.parse_args()
    all_rows = list(rows())
    asked = "".join(json.dumps({"hex": text.encode().hex()}) + "\n" for _, text, _ in all_rows).encode()
    answers = zip(all_rows, ask(options.rust, asked), ask(options.go, asked), strict=True)
    with options.out.open("w") as out:
        for (written, text, what), answer, go in answers:
            answer["go"] = go
            says = {"synapse": looked_at(synapse(text), what)}
            says |= {name: looked_at(answer[library], what) for name, library in LIBRARIES.items()}
            row = {"written": written, "file": text, "looked_at": what, "says": says}
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
