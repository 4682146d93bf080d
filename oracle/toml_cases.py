"""Asks the library that Palpo and Tuwunel read TOML with, and records what it makes of files.

    cargo build --manifest-path oracle/rust-dialects/Cargo.toml
    python3 oracle/toml_cases.py --rust oracle/rust-dialects/target/debug/load [--seed 1] [--files 3000] [--keep 800]
                                 --out tests/data/homeservers/toml.jsonl

Each file is a real registration written as TOML, as Palpo's file or as a table of Tuwunel's configuration, with headers, in
brackets or in braces, changed in a few places: values of other types, keys that are missing or stand twice, tables where
lists are wanted, profiles, comments, escapes, dates, broken text. Those that load are kept first, half of all.
"""

import argparse
import json
import random
import subprocess
from pathlib import Path

import yaml

REAL = Path(__file__).parent.parent / "tests" / "data" / "ruling" / "near"

VALUES = ["true", "false", "'true'", '""', "1", "0x1F", "1_000", "1.5", "inf", "nan", "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", "[]", "{}",
          "['a']", "[1]", "['a', 1]", "[['a']]", "[{regex = 'a'}]", "[{exclusive = true, regex = '@a.*'}]", "[[true, '@a.*']]", "[[true]]", "{a = 1}",
          '"\\u0041"', '"\\x41"', "'''a'''", '"""\na\\\n  b"""', "'a' # comment", '"é"', "yes", "null", "", "'a", "\"\\.\"", "+1", "01", "-0", "{regex = 'a',}",
          "[['@a.*', true]]", "[{exclusive = 'true', regex = 'a'}]", "[{exclusive = true}]", "[[], []]", "[[[true, '@a']], [], []]", '"\\/"', "'a\tb'", "9223372036854775808"]
KEYS = ["id", "url", "as_token", "hs_token", "sender_localpart", "namespaces", "users", "aliases", "rooms", "regex", "exclusive", "rate_limited", "protocols",
        "receive_ephemeral", "device_management", "msc3202_transaction_extensions", "'io.element.msc4190'", "other", "namespaces.users", '"id"', "'as_token'", "a.b"]
LINES = ["[global]", "[GLOBAL]", "[other]", "[namespaces]", "[[namespaces.users]]", "[[users]]", "[global.appservice]", "[global.appservice.'a b']", "x = 1", "# c", "", "\ufeff",
         "[global.appservice.irc]", "[[global.appservice.irc.users]]", "[appservice.irc]", "[debug]", "[", "=", "'", "\r", "\x07", "[a.b.c]", "global = 1", "appservice = []", "[global.appservice.irc.users]"]


def text(value, rng):
    if isinstance(value, bool):
        return "true" if value else "false"
    if "'" in value or "\n" in value or rng.random() < 0.3:
        return json.dumps(value, ensure_ascii=False)
    return f"'{value}'"


def entries(found, rng):
    pairs = [f"{{exclusive = {text(entry['exclusive'], rng)}, regex = {text(entry['regex'], rng)}}}" for entry in found]
    return "[" + ", ".join(pairs) + "]"


def scalars(real, rng, keys):
    return [f"{key} = {text(real[key], rng)}" for key in keys if isinstance(real.get(key), (str, bool))]


def lists(real, rng, header):
    """The namespaces, with headers or without, below a table."""
    found = {kind: real["namespaces"].get(kind) or [] for kind in ("users", "aliases", "rooms")}
    if rng.random() < 0.5:
        return [f"{kind} = {entries(found[kind], rng)}" for kind in found], []
    below = []
    for kind, all_of_kind in found.items():
        for entry in all_of_kind:
            below += [f"[[{header}{kind}]]", f"exclusive = {text(entry['exclusive'], rng)}", f"regex = {text(entry['regex'], rng)}"]
    return [], below


TOP = ["id", "url", "as_token", "hs_token", "sender_localpart", "rate_limited"]


def palpo(real, rng):
    inside, below = lists(real, rng, "namespaces.")
    return scalars(real, rng, TOP) + ["[namespaces]"] * bool(inside or rng.random() < 0.5) + inside + below


def tuwunel(reals, rng):
    lines, profile = [], rng.choice(["global.", "global.", "global.", "Global.", "default.", ""])
    if not profile:
        lines.append("server_name = 'example.com'")
    elif rng.random() < 0.7:
        lines += [f"[{profile[:-1]}]", "server_name = 'example.com'"]
    for real in reals:
        name = rng.choice([real["id"], "irc", "irc", "a b", "0"])
        key = name if name.isalnum() else f'"{name}"'
        keys = [key for key in TOP if key not in ("id", "sender_localpart") or rng.random() < 0.4]
        header = f"{profile}appservice.{key}"
        inside, below = lists(real, rng, header + ".")
        lines += [f"[{header}]", *scalars({**real, "id": rng.choice([name, name, real["id"], ""])}, rng, keys), *inside, *below]
    return lines


def change(lines, rng):
    at = rng.randrange(len(lines) + 1)
    kind = rng.randrange(8)
    if kind == 0:
        lines.insert(at, rng.choice(LINES))
    elif kind == 1 and lines:
        del lines[min(at, len(lines) - 1)]
    elif kind == 2 and lines:
        lines.insert(at, rng.choice(lines))
    elif kind < 5 and at < len(lines) and "=" in lines[at]:
        lines[at] = lines[at].split("=")[0] + "= " + rng.choice(VALUES)
    elif kind == 5:
        lines.insert(at, f"{rng.choice(KEYS)} = {rng.choice(VALUES)}")
    elif kind == 6 and at < len(lines):
        cut = rng.randrange(len(lines[at]) + 1)
        lines[at] = lines[at][:cut] + rng.choice(["'", '"', "]", "[", "{", "}", "#", "=", ",", ".", " ", "\\", "\t"]) + lines[at][cut + (rng.random() < 0.5):]
    elif at < len(lines) and "exclusive" in lines[at]:
        lines[at] = lines[at].replace("exclusive", rng.choice(["regex", "other", "'exclusive'"]), 1)
    return lines


def files(count, rng):
    real = [yaml.safe_load(path.read_text()) for path in sorted(REAL.glob("*.yaml"))]
    for _ in range(count):
        if rng.random() < 0.5:
            lines = palpo(rng.choice(real), rng)
        else:
            lines = tuwunel([rng.choice(real) for _ in range(rng.choice([1, 1, 2, 3]))], rng)
        for _ in range(rng.choice([0, 1, 1, 2, 3])):
            lines = change(lines, rng)
        yield rng.choice(["\n", "\n", "\n", "\r\n"]).join(lines).encode()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rust", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--files", type=int, default=3000)
    parser.add_argument("--keep", type=int, default=800)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    made = list(files(options.files, rng))
    asked = "".join(json.dumps({"hex": file.hex()}) + "\n" for file in made).encode()
    run = subprocess.run([options.rust], input=asked, capture_output=True, check=True)
    answers = [json.loads(line) for line in run.stdout.decode().split("\n") if line]
    cases = [{"hex": file.hex(), "palpo": said["figment-toml"], "tuwunel": said["tuwunel-toml"]} for file, said in zip(made, answers, strict=True)]
    loads = [case for case in cases if case["palpo"] or case["tuwunel"]]
    others = [case for case in cases if not (case["palpo"] or case["tuwunel"])]
    with options.out.open("w") as out:
        for case in loads[: options.keep // 2] + others[: options.keep - min(len(loads), options.keep // 2)]:
            out.write(json.dumps(case, ensure_ascii=False) + "\n")
    print(json.dumps({"files": len(made), "palpo": sum(bool(case["palpo"]) for case in cases), "tuwunel": sum(bool(case["tuwunel"]) for case in cases)}))


if __name__ == "__main__":
    main()
