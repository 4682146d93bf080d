"""Makes random expressions and texts near them, for an engine to say what it makes of them.

    python3 oracle/cases.py --seed 1 --patterns 2000 --kinds constructs broken real > /tmp/asked.jsonl

One JSON list a line: the expression, and a list of texts. Kinds:

    constructs  what the syntaxes of Go, Rust and Python differ in, nested, with flags and Unicode
    broken      the same with characters lost, doubled and swapped, so that many do not compile
    real        real expressions (one a line as the field `regex` of a JSON object, --real FILE), a little changed
    large       repetitions, depth and lists near what Go limits
"""

import argparse
import json
import random
import sys

CHARS = list("abkszAKSZ_019@#:-./ ") + list("éÉßſKıİσςΣǅ٣αΩ") + ["\n", "\r", "\u0345", "\U00010400", "\U00010428", "\ua7dc", "\U00010d50", "\ufffd"]
PLAIN = list("abcks_1") + ["irc_", "@", "#", ":example\\.com", ":example.com", "-", "é"]
# (as written, what it may match)
ATOMS = [
    (".", "a"), (r"\d", "1"), (r"\D", "a"), (r"\w", "a"), (r"\W", "-"), (r"\s", " "), (r"\S", "a"), ("[ab]", "a"), ("[^a]", "b"),
    ("[a-z]", "k"), ("[]a]", "]"), ("[^]a]", "b"), ("[a-]", "-"), ("[-a]", "-"), ("[a&&b]", "a"), ("[a-z&&[^k]]", "a"), ("[a--b]", "a"),
    ("[a~~b]", "b"), ("[[a]b]", "a"), ("[+--]", ","), ("[--a]", "."), ("[a[b]", "["), (r"[\w-z]", "a"), (r"[\w-]", "-"), (r"[\d\s]", "1"),
    ("[[:alpha:]]", "a"), ("[[:^alpha:]]", "1"), ("[[:word:]]", "_"), ("[[:foo:]]", "f"), ("[[:ascii:]_]", "a"), ("[:alpha:]", "a"),
    ("[[:alpha:]", "a"), (r"[\b]", "\b"), (r"[\Qa\E]", "a"), (r"\pL", "a"), (r"\PL", "1"), (r"\pN", "1"), (r"\p{Greek}", "α"), (r"\p{greek}", "σ"),
    (r"\P{Greek}", "a"), (r"\p{^Greek}", "a"), (r"\p{L}", "é"), (r"\p{Letter}", "a"), (r"\p{uppercase letter}", "A"), (r"\p{Lu}", "A"),
    (r"\p{Ll}", "a"), (r"\p{Lt}", "ǅ"), (r"\p{LC}", "a"), (r"\p{M}", "\u0345"), (r"\p{Any}", "a"), (r"\p{ASCII}", "a"), (r"\p{Assigned}", "a"),
    (r"\p{Cn}", "\u0378"), (r"\p{Script=Greek}", "α"), (r"\p{Common}", "1"), (r"\p{Inherited}", "\u0345"), (r"\p{Foo}", "a"), (r"\p{}", "a"),
    (r"[\p{Greek}a]", "a"), (r"[^\p{L}]", "1"), (r"[^\W1]", "a"), (r"[[:^digit:]1]", "1"), (r"[a\]]", "]"), (r"[\x61-\x63]", "b"), (r"[z-a]", "z"),
    ("[Ā-ſ]", "ſ"), ("[^k]", "K"), ("[K-k]", "k"), (r"[\pN&&\d]", "1"), (r"[^\x00-\x{10FFFF}]", ""), (r"\Qa.b\E", "a.b"), (r"\Q(\E", "("), (r"\Qab", "ab"),
    (r"\x41", "A"), (r"\x{41}", "A"), (r"\x{1F600}", "😀"), (r"\x{D800}", "\ufffd"), (r"\x{110000}", "a"), (r"\u0041", "A"), (r"\u{41}", "A"), (r"\0", "\0"),
    (r"\012", "\n"), (r"\12", "\n"), (r"\1", "a"), (r"\8", "8"), (r"\101", "A"), (r"\7777", "ǿ7"), (r"\n", "\n"), (r"\t", "\t"), (r"\a", "\a"), (r"\v", "\v"),
    (r"\_", "_"), (r"\-", "-"), (r"\@", "@"), (r"\#", "#"), (r"\:", ":"), (r"\/", "/"), (r"\"", '"'), (r"\%", "%"), (r"\;", ";"), (r"\ ", " "), (r"\<", "<"),
    (r"\é", "é"), (r"\y", "y"), (r"\C", "a"), (r"\Z", ""), (r"\z", ""), (r"\A", ""), (r"\b", ""), (r"\B", ""), (r"\b{start}", ""), (r"\b{1}", ""), ("^", ""), ("$", ""),
    ("{", "{"), ("}", "}"), ("a{", "a{"), ("a{,5}", "a{,5}"), ("f_{x}", "f_{x}"), ("f_{[0-9]+}", "f_{12}"), ("a{2 }", "a{2 }"), ("a{ 2}", "a{ 2}"), ("a{02}", "a{02}"),
    ("]", "]"), ("(?i)", ""), ("(?-i)", ""), ("(?s)", ""), ("(?m)", ""), ("(?U)", ""), ("(?x)", ""), ("(?a)", ""), ("(?u)", ""), ("(?R)", ""), ("(?i-s)", ""), ("(?-)", ""),
    ("(?im-U)", ""), ("(?)", ""), ("(?#c)", ""), ("(?=a)", ""), ("(?!b)", ""), ("(?<=a)", ""), ("(?P=n)", ""), ("(?P>n)", ""), ("", ""),
    ("ß", "ß"), ("k", "K"), ("s", "ſ"), ("ꟋƛꟜ", "ꟋƛꟜ"), ("İ", "i"), ("σ", "ς"),
]
GROUPS = [("(", ")"), ("(?:", ")"), ("(?i:", ")"), ("(?-i:", ")"), ("(?s:", ")"), ("(?m:", ")"), ("(?U:", ")"), ("(?is-m:", ")"), ("(?P<n>", ")"), ("(?<m>", ")"),
          ("(?P<é>", ")"), ("(?P<1>", ")"), ("(?<>", ")"), ("(?'q'", ")"), ("(?>", ")"), ("(?|", ")"), ("((", "))")]
QUANTIFIERS = ["*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{2,}", "{0}", "{0,0}", "{1}", "{3,2}", "{1001}", "{1000}", "{99999999999}", "**", "*+", "++", "?+", "{2}{3}",
               "{2}?", "{2}*", "{0,3}?"]


class Maker:
    def __init__(self, rng):
        self.rng = rng

    def alternation(self, depth):
        """An expression, and a text that it may match."""
        branches = [self.sequence(depth) for _ in range(self.rng.choice([1, 1, 1, 2, 3]))]
        # Branches that begin alike are what is put together.
        if len(branches) > 1 and self.rng.random() < 0.4:
            first, text = self.piece(0)
            branches = [(first + pattern, text + tail) for pattern, tail in branches]
        return "|".join(pattern for pattern, _ in branches), self.rng.choice(branches)[1]

    def sequence(self, depth):
        pieces = [self.piece(depth) for _ in range(self.rng.choice([0, 1, 1, 2, 2, 3, 4]))]
        return "".join(pattern for pattern, _ in pieces), "".join(text for _, text in pieces)

    def piece(self, depth):
        rng = self.rng
        if depth and rng.random() < 0.35:
            before, after = rng.choice(GROUPS[:8] if rng.random() < 0.85 else GROUPS)
            pattern, text = self.alternation(depth - 1)
            pattern = before + pattern + after
        elif rng.random() < 0.45:
            pattern, text = rng.choice(ATOMS)
        else:
            pattern = rng.choice(PLAIN)
            text = pattern.replace("\\", "")
        if rng.random() < 0.25:
            quantifier = rng.choice(QUANTIFIERS[:12] if rng.random() < 0.85 else QUANTIFIERS)
            pattern += quantifier
            text *= {"*": 2, "+": 1, "?": 1, "{": 2}[quantifier[0]]
        return pattern, text


def broken(rng, pattern):
    pattern = list(pattern)
    for _ in range(rng.choice([1, 1, 2, 3])):
        at = rng.randrange(len(pattern) + 1)
        match rng.randrange(4):
            case 0:
                pattern[at : at + 1] = []
            case 1:
                pattern.insert(at, rng.choice(list("()[]{}*+?|\\^$-,:0P<>&#") + CHARS))
            case 2 if pattern:
                pattern.insert(at, rng.choice(pattern))
            case 3:
                del pattern[at:]
    return "".join(pattern)


def real(rng, maker, regexes):
    """One of them with pieces put in or replaced, and an ID near it."""
    pattern = rng.choice(regexes)
    text = pattern.replace("\\", "").strip("^$")
    for star in (".*", ".+", "[a-z0-9]+", "[0-9]+"):
        text = text.replace(star, rng.choice(["x", "1", "aB_", "", "a@b"]))
    for _ in range(rng.choice([0, 0, 1, 1, 2])):
        piece, matched = maker.piece(1)
        at = rng.choice([0, len(pattern), rng.randrange(len(pattern) + 1)])
        pattern = pattern[:at] + piece + pattern[at:]
        near = min(at, len(text))
        text = text[:near] + matched + text[near:]
    return pattern, text


def large(rng):
    count = rng.choice([50, 167, 300, 999, 1000, 1001, 2000])
    body = rng.choice(["a", "ab", "x" * rng.choice([10, 400, 3354, 3355, 3356, 4000]), "(a)", "[ab]", r"\pL", "a|b|cd", "(?:ab|ac|ad)", "a*b+c?"])
    kind = rng.randrange(7)
    if kind == 0:
        pattern = "(" * count + "a" + ")" * count
    elif kind == 1:
        pattern = "(?:" * count + body + "*)" * count
    elif kind == 2:
        pattern = f"(?:{body}){{{rng.choice([1, 500, 999, 1000])}}}"
    elif kind == 3:
        pattern = f"(?:(?:{body}){{{rng.choice([2, 10, 31, 32, 100])}}}){{{rng.choice([2, 10, 31, 32, 100])}}}"
    elif kind == 4:
        names = [rng.choice(["irc", "telegram", "slack"]) + "_" + "".join(rng.choices("abcdef", k=rng.randrange(1, 8))) for _ in range(count)]
        pattern = f"(?:{'|'.join(names)}){{0,{rng.choice([100, 400, 1000])}}}"
    elif kind == 5:
        pattern = "|".join(["(?:" * (count // 3) + "a" + ("b" + "*)") * (count // 3), "ab", body])
    else:
        pattern = (body + "|") * count + "(" * rng.choice([900, 990, 1000]) + body + ")" * rng.choice([900, 990, 1000])
    return pattern, rng.choice(["a", "ab", "@a:x", body])


def texts(rng, near, count):
    yield near
    for _ in range(count - 1):
        text = list(near)
        for _ in range(rng.randrange(4)):
            at = rng.randrange(len(text) + 1)
            match rng.randrange(5):
                case 0:
                    text[at : at + 1] = []
                case 1:
                    text.insert(at, rng.choice(CHARS))
                case 2 if at < len(text):
                    text[at] = text[at].swapcase()
                case 3:
                    text.insert(rng.choice([0, len(text)]), rng.choice(["x", "@", "\n", " ", "a"]))
                case 4:
                    text[at : at + 1] = [rng.choice(CHARS)]
        yield "".join(text)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--patterns", type=int, default=100)
    arguments.add_argument("--texts", type=int, default=4)
    arguments.add_argument("--kinds", nargs="+", default=["constructs"])
    arguments.add_argument("--real")
    options = arguments.parse_args()
    rng = random.Random(options.seed)
    maker = Maker(rng)
    regexes = [json.loads(line)["regex"] for line in open(options.real)] if options.real else []
    for at in range(options.patterns):
        match options.kinds[at % len(options.kinds)]:
            case "constructs":
                pattern, near = maker.alternation(2)
            case "broken":
                pattern, near = maker.alternation(2)
                pattern = broken(rng, pattern)
            case "real":
                pattern, near = real(rng, maker, regexes)
            case "large":
                pattern, near = large(rng)
        if rng.random() < 0.15:
            pattern = rng.choice(["(?i)", "(?i)", "(?m)", "(?s)", "(?is)", "(?U)"]) + pattern
        json.dump([pattern, list(texts(rng, near, options.texts))], sys.stdout, ensure_ascii=False)
        print()


if __name__ == "__main__":
    main()
