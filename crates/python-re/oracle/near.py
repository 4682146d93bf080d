"""Strings near a regex: members of its language, and near misses of them.

Used by the other scripts in this folder, and by those of the service. Walks the parse tree of CPython's own `re`, so it follows Python's syntax by
construction. Random, from a seeded `random.Random`.
"""

import random
import re._constants as op
import re._parser as parser

ANY = "abz09_-.=/+ AZ!:é\n"
LOCALPARTS = "abcxyz019._=-/+"


def member(rng: random.Random, pattern: str) -> str:
    """A string that `re.match` of the pattern probably accepts."""
    groups = {}
    return _sequence(rng, parser.parse(pattern), groups)


def _sequence(rng, items, groups):
    return "".join(_item(rng, kind, value, groups) for kind, value in items)


def _item(rng, kind, value, groups):
    if kind is op.LITERAL:
        return chr(value)
    if kind is op.NOT_LITERAL:
        return rng.choice([c for c in LOCALPARTS if ord(c) != value])
    if kind is op.ANY:
        return rng.choice(LOCALPARTS) if rng.random() < 0.9 else rng.choice(ANY)
    if kind is op.IN:
        return _class(rng, value)
    if kind is op.BRANCH:
        return _sequence(rng, rng.choice(value[1]), groups)
    if kind is op.SUBPATTERN:
        text = _sequence(rng, value[3], groups)
        groups[value[0]] = text
        return text
    if kind in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
        low, high, body = value
        count = min(int(low) + rng.choice([0, 0, 1, 2, 5, 9]), int(high), int(low) + 12)
        return "".join(_sequence(rng, body, groups) for _ in range(count))
    if kind is op.ATOMIC_GROUP:
        return _sequence(rng, value, groups)
    if kind is op.GROUPREF:
        return groups.get(value, "")
    if kind is op.GROUPREF_EXISTS:
        _, yes, no = value
        return _sequence(rng, rng.choice([yes, no or []]), groups)
    return ""


def _class(rng, items):
    if items and items[0][0] is op.NEGATE:
        return rng.choice(ANY)
    kind, value = rng.choice(items)
    if kind is op.LITERAL:
        return chr(value)
    if kind is op.RANGE:
        return chr(rng.randint(value[0], min(value[1], value[0] + 200)))
    return rng.choice({op.CATEGORY_DIGIT: "0379٣", op.CATEGORY_WORD: "ax_9é", op.CATEGORY_SPACE: " \t\n"}.get(value, ANY))


def near(rng: random.Random, text: str) -> str:
    """The string itself, or one that differs from it a little."""
    for _ in range(rng.choice([0, 0, 0, 1, 1, 2, 3])):
        at = rng.randint(0, len(text))
        what = rng.randrange(9)
        if what == 0:
            text = text[:at] + text[at + 1 :]
        elif what == 1:
            text = text[:at] + rng.choice(ANY) + text[at:]
        elif what == 2:
            text = text[:at]
        elif what == 3:
            text = text + rng.choice(["\n", "x", ".org", "munity", ":8448", " "])
        elif what == 4:
            text = text[:at] + text[at : at + 1].swapcase() + text[at + 1 :]
        elif what == 5:
            text = text.replace(".", rng.choice(["x", "-", ".."]), 1)
        elif what == 6:
            head, _, _ = text.partition(":")
            text = head + ":" + rng.choice(["example.com", "localhost", "example.org", "example.community"])
        elif what == 7:
            text = text[:at] + text[at : at + 3] * 2 + text[at + 3 :]
        else:
            text = rng.choice("@#!") + text[1:]
    return text
