"""Records what CPython's `re` makes of random patterns: the verdict of `re.compile`, and `re.match` on random texts.

    python3.11 oracle/cases.py --seed 1 --patterns 1500 --kinds exotic broken real sets > tests/cases.jsonl
    python3.11 oracle/cases.py --seed 3 --patterns 300 --texts 8 --kinds names >> tests/cases.jsonl

One JSON list a line: the pattern, Python's error or null, and a list of [text, whether it matches]. Kinds:

    exotic   every construct of the syntax, nested, flags and Unicode included
    broken   the same with characters lost, doubled and swapped, so that many do not compile
    real     the shapes of real namespaces (tests/data/ruling/namespaces.jsonl), a little changed
    sets     sets that are empty, or without regard to case, and alternatives that Python makes a set of
    names    long lists of names, in and around assertions, word boundaries, loops and groups that are referred to
"""

import argparse
import json
import pathlib
import random
import re
import signal
import sys
import warnings

import near

assert sys.version_info[:2] == (3, 11)
warnings.simplefilter("ignore")
NAMESPACES = pathlib.Path(__file__).parents[3] / "tests/data/ruling/namespaces.jsonl"
LETTERS = ["a", "b", "c", "k", "s", "A", "K", "S", "_", "1", "@", ":", "-", "é", "É", "ſ", "K", "ß", "ı", "İ", "٣", "\n", "𐐀", "𐐨"]
PLAIN = ["a", "b", "c", "A", "_", "1", ":", "@"]
CLASSES = [r"\w", r"\d", r"\s", r"\W", r"\D", r"\S", ".", "[ab]", "[^a]", "[a-c]", "[^\\W1]", r"[\d_]", "[]a]", "[^]a]", "[a-]",
           "[-a]", "[[]", "[a&&b]", "[a||b]", "[^\\n]", r"[\x61-\x63]", "[K-k]", "[ß-é]", "[^a-zA-Z]", r"[\b]", "[.]", "[$^]"]
ESCAPES = [r"\x61", r"\u0061", r"\U00000061", r"\141", r"\0", r"\01", r"\n", r"\t", r"\.", r"\:", r"\@", r"\-", r"\_", r"\<",
           r"\N{LATIN SMALL LETTER A}", r"\N{KELVIN SIGN}", r"\u212a", r"\ud800", r"\é", "]", "}", "{", "{a}", "{,}", "{1", "{1,", "{ 1}"]
# Around the surrogates, which no text holds.
GAP = ["\ud7ff", "\ue000"]
NOTHING = [r"[^\s\S]", r"[^\w\W]", r"[^\W\S]", r"[^\d\D]", r"[^\x00-\U0010ffff]"]
CATEGORIES = [r"\w", r"\W", r"\d", r"\D", r"\s", r"\S"]
# Characters with other cases, within the Basic Multilingual Plane and beyond, and neighbours that have none.
CASED = list("akKiIsSµßåÅÿŉſıİǅιΙςσΣβϐКкⰀⱰꞮɪꙊꙋᲈႠⴀაᲐᏸᏰꭰꜮꜯﬅﬆẛẞΐᾳﬄ") + ["\u0345", "\u1fbe", "\u1fd3", "\u212a", "\u212b", "\u03f4"]
BEYOND = [chr(c) for c in (0x10400, 0x10408, 0x10413, 0x10427, 0x10428, 0x10430, 0x1043B, 0x104B0, 0x104D8, 0x10C80, 0x10CC0, 0x118A0, 0x118C0, 0x16E40, 0x16E60, 0x1D400, 0x1E900, 0x1E922, 0x1F600)]
ANCHORS = ["^", "$", r"\A", r"\Z", r"\b", r"\B"]
QUANTIFIERS = ["*", "+", "?", "{2}", "{1,2}", "{,2}", "{1,}", "{0}", "{0,0}", "{,}", "{3,4}"]


class Exotic:
    """A random pattern of depth-bounded size; keeps count of groups so that most references are valid."""

    def __init__(self, rng):
        self.rng = rng
        self.groups = 0
        self.names = []
        self.depth = 0

    def pattern(self):
        flags = self.rng.choice([""] * 7 + ["(?i)", "(?m)", "(?s)", "(?x)", "(?a)", "(?ai)", "(?im)", "(?u)", "(?#c)(?i)"])
        return flags + self.alternation()

    def alternation(self):
        return "|".join(self.sequence() for _ in range(self.rng.choice([1, 1, 1, 2, 3])))

    def sequence(self):
        return "".join(self.quantified() for _ in range(self.rng.choice([0, 1, 1, 2, 2, 3, 4])))

    def quantified(self):
        atom = self.atom()
        if self.rng.random() < 0.3:
            atom += self.rng.choice(QUANTIFIERS) + self.rng.choice(["", "", "", "?", "+"])
        return atom

    def atom(self):
        rng = self.rng
        kind = rng.random()
        if self.depth > 3 or kind < 0.45:
            return rng.choice(PLAIN) if rng.random() < 0.8 else rng.choice(LETTERS[:-5] + [r"\n"])
        if kind < 0.55:
            return rng.choice(CLASSES)
        if kind < 0.59:
            return rng.choice(ESCAPES)
        if kind < 0.65:
            return rng.choice(ANCHORS)
        if kind < 0.70 and self.groups:
            return self.reference()
        return self.group()

    def reference(self):
        number = self.rng.randint(1, self.groups)
        name = self.rng.choice(self.names) if self.names else None
        return self.rng.choice([f"\\{number}", f"\\{number}", f"(?P={name})" if name else f"\\{number}"])

    def group(self):
        rng = self.rng
        self.depth += 1
        kind = rng.randrange(12)
        if kind < 3:
            self.groups += 1
            text = f"({self.alternation()})"
        elif kind == 3:
            self.groups += 1
            name = f"n{self.groups}"
            text = f"(?P<{name}>{self.alternation()})"
            self.names.append(name)
        elif kind < 6:
            text = f"(?:{self.alternation()})"
        elif kind == 6:
            text = f"(?>{self.alternation()})"
        elif kind == 7:
            text = f"(?={self.alternation()})" if rng.random() < 0.6 else f"(?!{self.alternation()})"
        elif kind == 8:
            body = "".join(rng.choice(PLAIN + [".", r"\w"]) for _ in range(rng.randint(0, 2)))
            body = body if rng.random() < 0.8 else self.sequence()
            text = f"(?<{rng.choice('=!')}{body})"
        elif kind == 9 and self.groups:
            no = "|" + self.sequence() if rng.random() < 0.7 else ""
            text = f"(?({rng.randint(1, self.groups)}){self.sequence()}{no})"
        elif kind == 10:
            flags = rng.choice(["i", "s", "m", "a", "u", "-i", "i-s", "x", "-x", "ai", "u-i", "im-s"])
            text = f"(?{flags}:{self.alternation()})"
        else:
            text = rng.choice(["(?#c)", "()", "(?:)", "(|a)", "(?:a|)"])
        self.depth -= 1
        return text


class Sets(Exotic):
    """A random pattern in which most atoms are sets; flags and alternatives that bear on them are frequent."""

    def pattern(self):
        flags = self.rng.choice(["", "", "(?i)", "(?i)", "(?i)", "(?ai)", "(?is)"])
        return flags + self.rng.choice(["", "@"]) + self.alternation()

    def alternation(self):
        if self.rng.random() < 0.3:
            prefix = self.sequence() if self.rng.random() < 0.4 else self.rng.choice(["", "", self.character(), self.set(), ".", "^"])
            one = lambda: self.rng.choice([self.character, self.character, self.set, lambda: self.rng.choice(CATEGORIES)])()
            ones = [prefix + one() for _ in range(self.rng.choice([2, 2, 3]))]
            if self.rng.random() < 0.2:
                ones[0] = f"(?:{ones[0]})"
            return "|".join(ones)
        return super().alternation()

    def atom(self):
        kind = self.rng.random()
        if kind < 0.1:
            return self.rng.choice(NOTHING)
        if kind < 0.45:
            return self.set()
        if kind < 0.6:
            return self.character()
        return super().atom()

    def character(self):
        return self.rng.choice(GAP if self.rng.random() < 0.06 else self.rng.choice([PLAIN[:5], CASED, BEYOND]))

    def set(self):
        return "[" + self.rng.choice(["", "", "^"]) + "".join(self.member() for _ in range(self.rng.choice([1, 2, 2, 3]))) + "]"

    def member(self):
        kind = self.rng.random()
        if kind < 0.6:
            return self.character()
        if kind < 0.8:
            return self.rng.choice(CATEGORIES)
        low, high = sorted(ord(self.character()) for _ in range(2))
        if self.rng.random() < 0.6:
            high = low + self.rng.choice([0, 1, 8, 40])
        return f"\\U{low:08x}-\\U{high:08x}"


class Names:
    """A random pattern with a list of names in it, and texts that hold some of them."""

    SHAPES = [r"@(?:{})", r"@(?:{}):x", r"@.*(?:{})", r"@.*(?:{}):x", r"@.*\b(?:{})\b", r"@(?:{})\b.*:", r"(?i)@(?:{})", r"(?i)@.*(?:{})\Z",
              r"@(?!(?:{})\b).*:x", r"@.*(?={})[a-c]+_", r"@(?:{})(?=[:_])", r"@.*(?<!_)(?:{})$", r"@.*(?<=ab)(?:{})", r"@(?>{})x?:",
              r"@(?:{})++:", r"@(?:(?:{})_?)*:", r"@(?:(?:{})_?){{2,3}}+x", r"@(?:{}|x\d+):", r"@({})_\1", r"@(?:({})_)?.*(?(1)x|b)", r"@(?:{}|)c",
              r"@(?:{})*?b", r"(?i)@\w(?:{})\B", r"(?s)@.(?:{})\n", r"@[ab](?:{}){{2}}", r"@(?:{}|[a-c]\b)+"]

    def __init__(self, rng, most):
        self.rng = rng
        self.names = [self.name() for _ in range(min(most, rng.choice([4, 8, 30, 30, 200, 3000])))]

    def name(self):
        rng = self.rng
        letters = rng.choice(["ab", "abc", "abc_", "aAbé", "ab1", "abkK"])
        return "".join(rng.choice(letters) for _ in range(rng.choice([0, 1, 2, 3, 4, 6, 9] if rng.random() < 0.1 else [2, 3, 4, 6, 9])))

    def pattern(self):
        written = [name + self.rng.choice(["[ab]", r"\w", "[^a]"]) if self.rng.random() < 0.02 else name for name in self.names]
        return self.rng.choice(self.SHAPES).format("|".join(written))

    def text(self):
        rng = self.rng
        parts = []
        for _ in range(rng.choice([1, 1, 2, 3])):
            parts += [rng.choice(self.names), rng.choice(["", "", "_", ":", ":x", "a", "b", "x", "c", ".", "\n", "x1"])]
        return "@" + rng.choice(["", "", "a", "_", "x"]) + touched(rng, "".join(parts))


def broken(rng, pattern):
    """A few characters of a pattern lost, doubled, swapped or replaced."""
    for _ in range(rng.choice([1, 1, 2, 3])):
        at = rng.randint(0, len(pattern))
        what = rng.randrange(5)
        if what == 0:
            pattern = pattern[:at] + pattern[at + 1 :]
        elif what == 1:
            pattern = pattern[:at] + pattern[at : at + 2] + pattern[at:]
        elif what == 2:
            pattern = pattern[:at]
        elif what == 3:
            pattern = pattern[:at] + rng.choice(list("()[]{}?*+|\\^$-:<>=!PiLaux#&0189,") + ["(?", "\\N{", "(?P<", "(?(", "\\x", "(?L)"]) + pattern[at:]
        else:
            pattern = pattern[:at] + pattern[at : at + 2][::-1] + pattern[at + 2 :]
    return pattern


def real(rng, namespaces):
    """A real namespace, sometimes with another tail, a changed character or as a part of another pattern."""
    pattern = rng.choice(namespaces)
    what = rng.randrange(10)
    if what == 0:
        pattern = pattern.replace(".*", rng.choice([".+", ".{1,5}", "[a-z]*", r"\w+", "[^:]*", ".*?"]))
    elif what == 1:
        pattern += rng.choice(["$", r"\Z", ".*", "?", "\\b", "(?!x)"])
    elif what == 2:
        pattern = rng.choice(["(?i)", "^", "(?s)", "(?a)"]) + pattern
    elif what == 3:
        pattern = f"({pattern})|({rng.choice(namespaces)})"
    elif what == 4:
        pattern = pattern.replace("@", rng.choice(["@(?!bot)", "@(?=[a-z])", "[@]", "@_?", "@(a|b)?"]), 1)
    elif what == 5:
        pattern = broken(rng, pattern)
    return pattern


def text(rng, pattern, kind):
    """A text near the pattern or of its alphabet."""
    if rng.random() < 0.6 or kind == "real":
        try:
            member = near.member(rng, pattern)[:60]
        except Exception:
            member = ""
        if member and kind == "sets":
            return "".join(recased(rng, c) for c in member)
        if member:
            return near.near(rng, member) if kind == "real" else touched(rng, member)
    if kind == "sets":
        return "@" * rng.randint(0, 1) + "".join(rng.choice(rng.choice([PLAIN, CASED, BEYOND, GAP])) for _ in range(rng.randint(0, 4)))
    return "".join(rng.choice(LETTERS if rng.random() < 0.3 else PLAIN[:6]) for _ in range(rng.randint(0, 7)))


def recased(rng, c):
    """A character, or what it is in another case, or what that is in yet another."""
    for _ in range(rng.choice([0, 1, 1, 2])):
        c = rng.choice([c.lower(), c.upper(), c.casefold(), c.title()])[0]
    return c


def touched(rng, member):
    what = rng.randrange(6)
    at = rng.randint(0, len(member))
    if what == 0:
        return member[:at] + rng.choice(LETTERS) + member[at:]
    if what == 1:
        return member[:at] + member[at + 1 :]
    if what == 2:
        return member.swapcase()
    if what == 3:
        return member + rng.choice(["\n", "a", "é"])
    return member


def verdict(compiled, candidate):
    """Whether `re.match` matches; None if that takes too long to wait for, or trips over a bug of CPython's own."""
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        return compiled.match(candidate) is not None
    except (TimeoutError, SystemError):
        return None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def case(rng, kind, namespaces, texts, most):
    if kind == "names":
        names = Names(rng, most)
        pattern = names.pattern()
    elif kind == "real":
        pattern = real(rng, namespaces)
    else:
        pattern = (Sets if kind == "sets" else Exotic)(rng).pattern()
        if kind == "broken":
            pattern = broken(rng, pattern)
    try:
        pattern.encode()
        compiled = re.compile(pattern)
    except UnicodeEncodeError:
        return None
    except Exception as error:
        return [pattern, str(error), []]
    asked = {}
    for _ in range(texts):
        candidate = names.text() if kind == "names" else text(rng, pattern, kind)
        try:
            candidate.encode()
        except UnicodeEncodeError:
            continue
        # An ID is never empty; `\B` in an empty text is a case of its own.
        matched = verdict(compiled, candidate) if candidate else None
        if matched is not None:
            asked[candidate] = matched
    return [pattern, None, list(asked.items())]


def expired(*_):
    raise TimeoutError


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seed", type=int, required=True)
    arguments.add_argument("--patterns", type=int, required=True, help="of each kind")
    arguments.add_argument("--texts", type=int, default=3)
    arguments.add_argument("--kinds", nargs="+", default=["exotic", "broken", "real", "sets", "names"])
    arguments.add_argument("--names", type=int, default=30, help="at most so many names in a list")
    arguments = arguments.parse_args()
    signal.signal(signal.SIGALRM, expired)
    rng = random.Random(arguments.seed)
    namespaces = [json.loads(line)["regex"] for line in NAMESPACES.read_text().splitlines()]
    for kind in arguments.kinds:
        for _ in range(arguments.patterns):
            recorded = case(rng, kind, namespaces, arguments.texts, arguments.names)
            if recorded:
                print(json.dumps(recorded, ensure_ascii=False, separators=(",", ":")))


if __name__ == "__main__":
    main()
