"""Random YAML, and what PyYAML's `safe_load` makes of it: for `cargo test -p pyyaml` and for a differential run.

    python3.11 -m venv /tmp/yaml-6.0.3 && /tmp/yaml-6.0.3/bin/pip install PyYAML==6.0.3
    python3.11 -m venv /tmp/yaml-6.0.4 && /tmp/yaml-6.0.4/bin/pip install PyYAML==6.0.4
    cd crates/pyyaml
    python3.11 oracle/cases.py --generate 3000 --seed 1 tests/cases.jsonl
    for release in 6.0.3 6.0.4; do /tmp/yaml-$release/bin/python oracle/cases.py --judge tests/cases.jsonl; done

`cargo test -p pyyaml` replays `tests/cases.jsonl`; with `PYYAML_CASES=/tmp/new.jsonl` it replays that file instead.

A line is a JSON object: `hex`, the bytes of a file; and for each release `{"value": …}` or `{"refused": [line, column]}`,
the place null where PyYAML names none. Where both releases say the same it stands once, under `all`.
"""

import argparse
import datetime
import io
import json
import random
import struct
import sys

import pieces

MAX_VALUES = 400


class TooLarge(Exception):
    """More values than a recorded case should have."""


def escaped(text):
    """A string with its lone surrogates as \\udXXX."""
    return "".join("\\u%04x" % ord(c) if 0xD800 <= ord(c) < 0xE000 else c for c in text)


class Canon:
    """A Python object as JSON that keeps types apart."""

    def __init__(self):
        self.left = MAX_VALUES

    def of(self, value, depth=0):
        self.left -= 1
        if self.left < 0:
            raise TooLarge
        if depth > 12:
            return "…"
        within = lambda value: self.of(value, depth + 1)
        match value:
            case None | True | False:
                return value
            case int():
                return {"int": str(value) if value.bit_length() <= 127 else "large"}
            case float():
                return {"float": "nan" if value != value else struct.pack(">d", value).hex()}
            case str():
                return escaped(value)
            case bytes():
                return {"binary": len(value) == 0}
            case datetime.date():
                return {"timestamp": True}
            case list() if value and all(isinstance(item, tuple) for item in value):
                return {"pairs": [[within(key), within(item)] for key, item in value]}
            case list():
                return [within(item) for item in value]
            case dict():
                return {"dict": [[within(key), within(item)] for key, item in value.items()]}
            case set():
                return {"set": sorted((within(item) for item in value), key=json.dumps)}
        raise TypeError(type(value))


def verdict(data):
    import yaml

    stream = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8")
    try:
        value = yaml.safe_load(stream)
    except Exception as error:
        mark = getattr(error, "problem_mark", None)
        return {"refused": None if mark is None else [mark.line + 1, mark.column + 1]}
    return {"value": Canon().of(value)}


MERGE_KEYS = ["k", "kk", "kk", "long key", "''", "é", "日", "'k'", '"\\x6b"', "? k\n", "!!str 1", "1", "true", "~", "="]


def merging(rng):
    """Mappings that are merged into each other, in lists and alone, where the releases differ."""
    lines = []
    names = []
    for name in "abcd"[: rng.randrange(2, 5)]:
        pairs = [
            f"{key}: {rng.randrange(9)}" for key in rng.choices(MERGE_KEYS, k=rng.randrange(4)) if "\n" not in key
        ]
        for _ in range(rng.choice([0, 0, 1, 1, 2]) if names else 0):
            listed = ", ".join("*" + other for other in rng.choices(names, k=rng.randrange(4)))
            pairs.insert(rng.randrange(len(pairs) + 1), f"<<: {rng.choice([f'[{listed}]', '*' + rng.choice(names)])}")
        lines.append(f"{name}: &{name} {{{', '.join(pairs)}}}")
        names.append(name)
    return "\n".join(lines) + "\n"


def soup(rng):
    letters = rng.choice([pieces.TOKENS, pieces.LETTERS, pieces.LETTERS, pieces.DIGITS])
    return "".join(rng.choices(letters, k=rng.randrange(1, 14)))


def string(rng):
    style = rng.choice(['"{}"', "'{}'", "{}", "\n {}", "|\n {}", ">\n {}", "|-\n  {}", ">+\n   {}", ">2-\n  {}", "[{}]"])
    return "x: " + style.format("".join(rng.choices(pieces.LETTERS, k=rng.randrange(1, 14)))) + "\n"


def tagged(rng):
    tag = rng.choice(["!!int", "!!float", "!!timestamp", "!!bool", "!!binary", "!", ""])
    digits = "".join(rng.choices(pieces.DIGITS if tag != "!!binary" else list("aaaa=="), k=rng.randrange(1, 9)))
    return f'{tag} "{digits}"\n' if tag else digits + "\n"


def mapping(rng):
    lines = [f"{rng.choice(['k', 'kk', '1', 'true', '~', '1.0', 'é'])}: {pieces.any_value(rng)}" for _ in range(3)]
    text = "\n".join(lines) + "\n"
    for _ in range(rng.choice([0, 0, 1, 1, 2])):
        text = pieces.weighted(rng, pieces.TEXT_MUTATIONS)(rng, text)
    return text


def corner(rng):
    return rng.choice(pieces.CORNERS).replace("@", rng.choice(["", "", "a: b\n"]))


def case(rng):
    make = rng.choices([merging, soup, string, tagged, mapping, corner], weights=[16, 18, 16, 10, 25, 15])[0]
    data = make(rng).encode("utf-8", "surrogatepass")
    return pieces.weighted(rng, pieces.BYTE_MUTATIONS)(rng, data) if rng.random() < 0.04 else data


def generate(rng, count, path):
    seen = set()
    while len(seen) < count:
        # What is nested beyond CPython's recursion limit depends on the depth of the caller's stack.
        data = case(rng)
        if data.count(b"[") < 300 and data.count(b"- ") < 300 and data.count(b"{") < 300:
            seen.add(data)
    with open(path, "w") as file:
        for data in sorted(seen):
            file.write(json.dumps({"hex": data.hex()}) + "\n")


def judge(path):
    import yaml

    cases = [json.loads(line) for line in open(path)]
    kept = []
    for case in cases:
        try:
            found = verdict(bytes.fromhex(case["hex"]))
        except TooLarge:
            continue
        others = [value for key, value in case.items() if key != "hex"]
        kept.append({"hex": case["hex"], "all": found} if others == [found] else {**case, yaml.__version__: found})
    with open(path, "w") as file:
        file.writelines(json.dumps(case) + "\n" for case in kept)
    told_apart = sum("all" not in case for case in kept)
    print(f"PyYAML {yaml.__version__}: {len(kept)} cases, {told_apart} not the same under all releases so far")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--generate", type=int, metavar="N", help="write N files without verdicts")
    what.add_argument("--judge", action="store_true", help="add the verdicts of the PyYAML that is installed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("path")
    arguments = parser.parse_args()
    if arguments.judge:
        judge(arguments.path)
    else:
        generate(random.Random(arguments.seed), arguments.generate, arguments.path)


if __name__ == "__main__":
    sys.exit(main())
