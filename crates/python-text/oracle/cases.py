"""Records what CPython's `int` and `repr` make of random texts.

    python3.11 oracle/cases.py --seed 1 > tests/cases.jsonl

One JSON list a line: ["int", text, base, number in hexadecimal or null] or ["repr", text, result].
"""

import argparse
import json
import random
import sys

assert sys.version_info[:2] == (3, 11)
DIGITS = list("0123456789") + ["٣", "४", "３", "𝟗", "𑁦", "²", "½"]
AROUND = ["", "", "", " ", "\n", "\x0b", "\x1c", "\x1f", "\x85", "\xa0", "\u2000", "\u3000", "\u200b", "\0"]
SIGNS = ["", "", "", "-", "+", "--", "- ", "−"]
PREFIXES = ["", "", "", "0", "0x", "0X", "0b", "0B", "0o", "0O", "0x_", "0__", "_"]
BETWEEN = ["", "", "", "", "_", "_", "__", " "]
ANY = list("a'\"\\\n\r\t\x00\x1b\x7f\x80\xa0\xad é") + ["ß", "\u0365", "\u1c89", "\u200b", "\u2028", "\ue000", "\ufeff", "中", "𝟗", "🦀", "\U000e0001", "\U0001fae8"]


def number(rng):
    """A number in some base, now and then with a mistake in it."""
    seldom = lambda few, else_: rng.choice(few) if rng.random() < 0.15 else else_
    alphabet = rng.choice([list("01"), list("01234567"), DIGITS[:13], DIGITS[:13], DIGITS, list("09afAF")])
    digits = rng.choice(alphabet)
    for _ in range(rng.choice([0, 1, 2, 3, 10, 40])):
        digits += seldom(BETWEEN, "") + rng.choice(alphabet)
    sign, prefix = seldom(SIGNS, rng.choice(["", "-", "+"])), seldom(PREFIXES, rng.choice(["", "", "0x", "0b", "0o"]))
    return seldom(AROUND, "") + sign + prefix + digits + seldom(["_", "\0"], "") + seldom(AROUND, "")


def read(text, base):
    try:
        return hex(int(text, base))
    except ValueError:
        return None


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seed", type=int, required=True)
    arguments.add_argument("--cases", type=int, default=3000)
    arguments = arguments.parse_args()
    rng = random.Random(arguments.seed)
    texts = ["", "-", "_", "0x", "0" * 4300, "0" * 4301, "1_" * 4299 + "1", str(2**128 - 1), str(-(2**127)), str(2**128)]
    cases = [["int", text, base, read(text, base)] for text in texts for base in (10, 16)]
    for _ in range(arguments.cases):
        text, base = number(rng), rng.choice([10, 10, 2, 8, 16])
        cases.append(["int", text, base, read(text, base)])
        text = "".join(rng.choice(ANY) for _ in range(rng.randint(0, 6)))
        cases.append(["repr", text, repr(text)])
    for case in cases:
        print(json.dumps(case, ensure_ascii=False, separators=(",", ":")))


if __name__ == "__main__":
    main()
