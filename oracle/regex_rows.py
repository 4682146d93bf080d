"""Asks Python, Go and Rust what they make of one regex and one text, and records it for docs/homeservers.md.

    python3 oracle/regex_rows.py --rust oracle/rust-regex/run.sh --go crates/go-re2/oracle/run.sh --out tests/data/homeservers/regexes.jsonl

Kept is whether the text is matched (from its start on by Python, anywhere by the others, as homeservers ask), or null where the
regex is refused. Python is the one that runs this: Synapse's, CPython 3.11.
"""

import argparse
import json
import re
import subprocess
from pathlib import Path

ROWS = [
    (r"@irc_.*", "@irc_a:b"), (r"irc_.*", "@irc_a:b"), (r"webhook", "@mywebhookfan:b"), (r"@f_{[0-9]+}:b", "@f_{1}:b"), (r"@a{,5}:b", "@aaa:b"),
    (r"@a{2 }", "@aa"), (r"@a{1001}", "@" + "a" * 1001), (r"@(?:a{100}){100}", "@" + "a" * 10_000), (r"@(?:a{1000}){1000}", "@a"),
    (r"@\w{1,255}:b", "@a:b"), (r"@.{1,255}:b", "@a:b"), (r"@\d+:b", "@٣:b"), (r"@\w+:b", "@é:b"), (r"@a\s:b", "@a\u00a0:b"), (r"(?i)@k:b", "@\u212a:b"),
    (r"@a$", "@a\n"), (r"@a\Z", "@a"), (r"@a\z", "@a"), (r"@(?=a)a", "@a"), (r"@(?!b)a", "@a"), (r"@(a)\1", "@aa"), (r"@(?>a)", "@a"), (r"@a(?#c)", "@a"),
    (r"@a++", "@aa"), (r"@a*+b", "@aab"), (r"@a**", "@aa"), (r"@a{2}{3}", "@aaaaaa"), (r"@a(?i)b", "@aB"), (r"(?i:@a)b", "@Ab"), (r"(?x)@ a", "@a"), (r"(?u)@a", "@a"),
    (r"(?U)@a+", "@aa"), (r"@(?P<n>a)", "@a"), (r"@(?<n>a)", "@a"), (r"@(?P<n>a)(?P<n>b)", "@ab"), (r"@\pL", "@é"), (r"@\p{Greek}", "@α"), (r"@\p{Script=Greek}", "@α"),
    (r"@[[:alpha:]]", "@a"), (r"@[a&&b]", "@&"), (r"@[[a]b]", "@b]"), (r"@[a[b]", "@["), (r"@[\w-z]", "@-"), (r"@\Qa.b\E", "@a.b"), (r"@\_\-\:", "@_-:"),
    (r"@\<a", "@<a"), (r"@\é", "@é"), (r"@\x{41}", "@A"), (r"@\u0041", "@A"), (r"@\u{41}", "@A"), (r"@\101", "@A"), (r"@[^\]", "@a"), (r"", "@a:b"), (r"@(", "@a"),
]


def python(regex, text):
    try:
        return re.compile(regex).match(text) is not None
    except (re.error, OverflowError, RecursionError):
        return None


def others(command):
    asked = "".join(json.dumps([regex, [text]], ensure_ascii=False) + "\n" for regex, text in ROWS)
    run = subprocess.run(command, input=asked.encode(), capture_output=True, check=True)
    return [json.loads(line) for line in run.stdout.decode().split("\n") if line]


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rust", required=True)
    arguments.add_argument("--go", required=True)
    arguments.add_argument("--out", type=Path, required=True)
    options = arguments.parse_args()
    go = [answer[2][0][1] if answer[1] is None else None for answer in others([options.go, "answer.go"])]
    rust = [answer[3][0][1] if answer[2] is None else None for answer in others([options.rust, "1.13"])[::2]]
    with options.out.open("w") as out:
        for (regex, text), by_go, by_rust in zip(ROWS, go, rust, strict=True):
            row = {"regex": regex, "text": text, "python": python(regex, text), "go": by_go, "rust": by_rust}
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
