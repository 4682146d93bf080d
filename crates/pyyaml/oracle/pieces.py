"""Pieces of YAML from which random files are made: values of each type, mutations of text and bytes, hand-made corners."""

import re

BOOLEANS = [
    "true", "false", "True", "FALSE", "yes", "no", "Yes", "NO", "on", "off", "On", "OFF", "y", "n", "Y", "N", "tRue",
    "yES", '"true"', "'yes'", "1", "0", "!!bool yes", '!!bool "on"', "!!bool y", "!!bool 1", "!!str true", "true # why",
    "true#", "- true", "[true]",
]
NUMBERS = [
    "0", "1", "-1", "+1", "007", "08", "0o17", "0x1F", "0xg", "0b101", "0b2", "1_000", "_1", "1_", "1:30", "1:60",
    "1:30.5", "1e3", "1.e3", "1.0e+3", "1.5e3", "1.", ".5", "-.5", "+.5", ".", "._", "-.inf", ".inf", ".Inf", ".iNF",
    ".nan", "0.0", "-0.0", "190:20:30", "1,000", "12e03", "!!int 0o17", '!!int "12"', "!!int ''", "!!int 1:70",
    "!!int _", "!!int 0x", "!!int '-'", "!!float 1e3", "!!float inf", "!!float x", "!!float ''", "!!float 1:2",
    "!!int ٣", "!!int 0b", "!!int 1.5", "!!float .", "!!int 09", "99999999999999999999999999999999999999999",
]
DATES = [
    "2020-01-01", "2020-1-1", "2020-02-30", "2020-13-01", "0000-01-01", "2020-01-01 10:00:00", "2020-01-01T10:00:00Z",
    "2020-01-01 25:00:00", "2020-01-01T10:00:00.5+01:30", "2020-01-01 10:00:00 -24:00", "2020-01-01 1:00:00 Z",
    '"2020-01-01"', "!!timestamp 2020-1-1", "!!timestamp x", "!!timestamp '2020-01-01'", "2020-01-0",
    "2020-01-01t1:00:00+5", "2020-01-01 10:00:00+24", "2021-02-29",
]
NULLS = [
    "", "~", "null", "Null", "NULL", "nULL", "!!null x", "!!null", "''", '""', "# nothing", "!", "! ''", "!!str",
    "!!str ~", "!!str null", "&a", "!!null ''",
]
STRINGS = [
    "plain", "two words", "a: b", "a:b", "a #b", "a# b", "#a", "'it''s'", "'it's'", '"a\\tb"', '"a\\qb"', '"\\x41"',
    '"\\x4"', '"\\u00e9"', '"\\ud800"', '"\\ud83d\\ude00"', '"\\U0001F600"', '"\\U00110000"', '"\\/"', '"\\e\\a\\0"',
    '"\\L\\P\\N\\_"', "'\\n'", '"a\nb"', '"a\n\n b"', '"a\\\n  b"', "'a\n  b'", "a\n  b", "a\n\n  b", "a\nb", '"open',
    "'open", '"a" b', "'a' 'b'", "%a", "@a", "`a", "!a", "&a b", "*a", "|", ">", "- a", "? a", ": a", "-a", "?a", ":a",
    ",a", "[a", "]a", "{a", "}a", "a, b", "a]", "a}", "=", "<<", "!!str =", "!!str <<", "é", "日本", "😀", "a\u0085b",
    "a\u2028b", "a\u00a0b", "\ufeffa", "a\tb", "a \t", "\ta", "a\n\tb", "---", "--- a", "...", "!!binary aGk=",
    "!!binary a", "!!binary ''", "!!binary é", "!<tag:yaml.org,2002:str> a", "!<tag:yaml.org,2002:str a", "!!unknown a",
    "!local a", "!!python/name:os.system", "! a", "! 12", "!!str 12", "!!%73tr a", "!!st%zz a", "!!str &x a",
    "&x !!str a", "!!str !!str a", "&x &y a", "&x *x", "!!value a", "!!merge a", "!!map a", "!!seq a", "!!set a",
    "!!omap a", "!e!str a", "a\n  # b\n  c", "a # b\n  c",
]
COLLECTIONS = [
    "[]", "{}", "[a]", "[a, b]", "[a, b, ]", "[a,,b]", "[,]", "[a b]", "[a: b]", "[a:b]", "[? a]", "[a, 1]", "[~]",
    "[[a]]", "[{}]", "[a", "{a}", "{a, b}", "{a: b}", "{a:b}", "{a:}", "{? a}", "{a: b, a: c}", "{[a]: b}",
    "{{a: b}: c}", "{? [a] : b}", '{"a":b}', "{'a': b", "{a: b}}", "!!set {a, b}", "!!set {}", "!!set []", "!!omap []",
    "!!omap [a: b]", "!!omap {}", "!!omap [a]", "!!pairs []", "!!pairs [a: b, a: c]", "!!map {}", "!!map []",
    "!!seq []", "!!seq {}", "!!str []", "!!str {}", "!!str {=: a}", "!!int {=: 1}", "!!bool {=: yes}", "{<<: {a: b}}",
    "{<<: [{a: b}]}", "{<<: a}", "{<<: [a]}", "{<<: }", "{=: a}", "&r [*r]", "&r {a: *r}", "&r {<<: *r}",
    "&r {<<: [*r, *r], a: b}", "{*q : a}", "\n- a\n- b", "\n  - a\n  - b", "\n  - a\n - b", "\n  -a",
    "\n  - - a\n    - b", "\n  a: b", "\n  a: b\n   c: d", "\n  ? a\n  : b", "\n  ? a", "\n  : b",
    "\n  - a: b\n    c: d", "\n  - a: b\n   c: d", "\n-", "\n  -\n  - a", "\n  -\ta", "\n\t- a", "[a\n]", "[a,\n  b]",
    "[a\n, b]", "[\n\ta]", "[a #b\n  ]", "[a, b]: c", "[1:2]", "{a: [b, {c: d}]}", "[a]b", "[a] b", "{a: b} # c",
    "[a]# c", "[*u]", "[!!str 1]", "['a':b]", '["a":b, c]', "[a: b: c]", "[ : b]", "{ : b}", "{a: , b}", "[a?b]",
    "[?b]", "{a?: b}",
]
ANY = [BOOLEANS, NUMBERS, DATES, NULLS, STRINGS, COLLECTIONS]

# Characters that mean something to YAML, to Python's text mode or to Unicode.
CHARACTERS = list(" \t\n\r:-#'\"[]{},?|>&*!%@`\\=~<.0aé") + [
    "\r\n", "\u0085", "\u2028", "\u2029", "\ufeff", "\u00a0", "\ud7ff", "\ufffd", "\U0001f600", ": ", " #", "- ",
    "\n\n", "\n  ", "''", '""', "---\n", "\n---\n", "\n...\n", "\n--- ", "&a ", "*a", "!!str ", "<<: ",
]
RAW = [
    b"\x00", b"\x01", b"\x07", b"\x1b", b"\x7f", b"\xc2\x80", b"\xc2\x85", b"\xff", b"\xfe\xff", b"\xc3", b"\xc0\x80",
    b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xef\xbf\xbe", b"\xef\xbf\xbf", b"\xe2\x80", b"\xf0\x9f\x98\x80", b"\x0c",
    b"\x0b", b"\xef\xbb\xbf", b"\r", b"\x1c",
]



def any_value(rng):
    return rng.choice(rng.choice(ANY))


# Mutations of the text.


def lines_of(text):
    return text.splitlines(keepends=True) or [""]


def one_line(change):
    """A mutation of one line."""

    def mutation(rng, text):
        lines = lines_of(text)
        at = rng.randrange(len(lines))
        lines[at : at + 1] = change(rng, lines[at])
        return "".join(lines)

    mutation.__name__ = change.__name__
    return mutation


@one_line
def repeated_line(_rng, line):
    return [line, line]


@one_line
def lost_line(_rng, _line):
    return []


@one_line
def other_indentation(rng, line):
    return [rng.choice([" ", "  ", "\t", " \t"]) + line] if rng.random() < 0.6 else [line.removeprefix(" ")]


@one_line
def comment(rng, line):
    return [rng.choice(["# c\n", "  # c\n", "\t# c\n", "\n", "   \n", "\t\n", "#\n"]), line]


@one_line
def trailing(rng, line):
    return [line.rstrip("\n") + rng.choice([" ", "\t", " # c", "# c", " #", "  \t ", "\t# c", ",", ":", " x"]) + "\n"]


@one_line
def inserted_line(rng, line):
    return [
        line,
        rng.choice([
            "---\n", "...\n", "--- \n", "---x\n", "--- # c\n", "%YAML 1.1\n", "x\n", "x:\n", "- x\n", ": x\n", "? x\n",
            "? x\n: y\n", "x: y: z\n", "'x': y\n", "{}\n", "*a\n", "\"x\":y\n", "x :y\n", "x : y\n", "[a]: b\n",
            "k" * 1024 + ": v\n", "k" * 1025 + ": v\n", "'" + "k" * 1022 + "': v\n", "'" + "k" * 1023 + "': v\n",
        ]),
    ]


def swapped_lines(rng, text):
    lines = lines_of(text)
    first, second = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[first], lines[second] = lines[second], lines[first]
    return "".join(lines)


def inserted_character(rng, text):
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice(CHARACTERS) + text[at:]


def lost_character(rng, text):
    at = rng.randrange(len(text) + 1)
    return text[:at] + text[at + rng.choice([1, 1, 1, 2, 3]) :]


def changed_punctuation(rng, text):
    """Where YAML is decided: next to quotes, colons, dashes and line breaks."""
    places = [match.start() for match in re.finditer(r"[:\-'\"\n\[\]{},#\\|>&*!]", text)]
    if not places:
        return text
    at = rng.choice(places)
    return rng.choice([
        text[:at] + text[at + 1 :], text[:at] + rng.choice(CHARACTERS) + text[at + 1 :],
        text[:at] + rng.choice(CHARACTERS) + text[at:], text[: at + 1] + rng.choice(CHARACTERS) + text[at + 1 :],
    ])


def truncated(rng, text):
    return text[: rng.randrange(len(text) + 1)]


def no_final_newline(_rng, text):
    return text.rstrip("\n")


def carriage_returns(rng, text):
    return text.replace("\n", rng.choice(["\r\n", "\r\n", "\r", "\n\r", "\u0085", "\u2028"]))


def byte_order_mark(rng, text):
    return rng.choice(["\ufeff", "\ufeff", "\ufeff\ufeff", " \ufeff", "\ufeff# c\n", "\n\ufeff", "\ufeff---\n"]) + text


def documents(rng, text):
    before = rng.choice([
        "---\n", "---\n", "--- # c\n", "%YAML 1.1\n---\n", "%YAML 1.2\n---\n", "%YAML 2.0\n---\n",
        "%TAG !e! tag:yaml.org,2002:\n---\n", "%FOO bar\n---\n", "%YAML 1.1\n", "---\n---\n", "\n---\n", "# c\n---\n",
        "... \n", "---\t\n", "%YAML 1.1 # c\n---\n", "%YAML 1\n---\n", "%TAG ! tag:x:\n---\n", "%TAG !! tag:x:\n---\n",
        "", "",
    ])
    after = rng.choice([
        "", "", "...\n", "---\n", "...\n---\n", "...\n...\n", "...\n# c\n", "... # c\n", "...x\n", "--- x\n",
        "...\nx\n", "---", "...", "...\n%YAML 1.1\n", "\n\n", "   \n", "\t\n", "  # c",
    ])
    return before + text + after


def shifted(rng, text):
    """Every line further in, which changes nothing but within flow and block scalars."""
    by = rng.choice([" ", "  ", "\t"])
    return "".join(by + line for line in lines_of(text))


TEXT_MUTATIONS = {
    repeated_line: 5, lost_line: 3, other_indentation: 5, comment: 5, trailing: 5, inserted_line: 5, swapped_lines: 3,
    inserted_character: 9, lost_character: 6, changed_punctuation: 9, truncated: 3, no_final_newline: 3,
    carriage_returns: 3, byte_order_mark: 2, documents: 6, shifted: 1,
}


# Mutations of the bytes.


def raw_bytes(rng, data):
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice(RAW) + data[at:]


def lost_byte(rng, data):
    at = rng.randrange(len(data) + 1)
    return data[:at] + data[at + 1 :]


def flipped_bit(rng, data):
    if not data:
        return data
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]


def other_encoding(rng, data):
    return data.decode("utf-8", "surrogateescape").encode(rng.choice(["utf-16", "latin-1", "utf-8-sig"]), "replace")


BYTE_MUTATIONS = {raw_bytes: 5, lost_byte: 2, flipped_bit: 5, other_encoding: 1}

def weighted(rng, mutations):
    return rng.choices(list(mutations), weights=list(mutations.values()))[0]


# What no mutation is likely to hit. `@` stands for what is to precede.
CORNERS = [
    "", "\n", "# c\n", "~", "[]", "{}", "x", "---", "...", "!!map", "!!set {id}", "!!omap [id: a]", "\ufeff", "@", "@@",
    "{@}", "- @", "? @", "@x: &r {a: *r}\n", "@x: &r [*r, *r]\n",
    # Merges of itself, of each other, and of what is not made yet.
    "&top\n@<<: *top\n", "@x: &r {<<: *r, a: b}\n", "@x: &r {<<: {<<: *r, a: b}}\n", "@x: {<<: &y {a: b}, <<: *y}\n",
    "@x: &r {a: b, <<: [*r, {c: d}]}\n", "@<<: {url: x}\n", "<<: {url: x}\n@",
    "@<<: [{id: b}, {id: c, rate_limited: no}]\n", "<<: {id: 1}\n@", "@<<: {<<: {rate_limited: false}}\n",
    "@<<: [{rate_limited: false}, {rate_limited: true}]\n", "@<<: [{rate_limited: true}, {rate_limited: false}]\n",
    "@<<: {rate_limited: true}\n<<: {rate_limited: false}\n", "@<<: {[a]: b}\n", "@<<: {}\n", "@<<: []\n",
    "@<<: [[]]\n", "@<<: [~]\n", "@<<:\n", "@<<: !!set {rate_limited}\n", "@<<: !!omap [a: b]\n",
    "@<<: !!str {rate_limited: no}\n", "@!!merge x: {rate_limited: no}\n", "@! <<: {rate_limited: no}\n",
    "@'<<': {rate_limited: no}\n", "@!!str <<: {rate_limited: no}\n", "@x: [<<]\n", "@x: <<\n", "@x: =\n", "@=: x\n",
    "@x: {=: y}\n", "@x: !!str {=: y}\n", "@x: !!str {a: b, =: y, =: z}\n", "@x: !!str {=: {=: y}}\n",
    "@x: !!str {=: []}\n", "@x: !!int {=: 5}\n", "@x: !!timestamp {=: 2020-01-01}\n",
    "@? !!str {=: rate_limited}\n: false\n", "@? {=: rate_limited}\n: false\n", "@x: &r !!str {=: *r}\n",
    "@x: !!set [a]\n", "@x: !!set {a: b}\n", "@x: !!set {a, [b]}\n", "@x: !!omap [a: b, c: d]\n",
    "@x: !!omap [{a: b, c: d}]\n", "@x: !!omap [[a]]\n", "@x: !!pairs [{}]\n", "@x: !!pairs\n", "@x: !!omap {a: b}\n",
    "@x: !!pairs [[a]: b]\n", "@x: !!pairs [!!x a: b]\n", "@x: !!omap [<<: {a: b}]\n", "@x: !!omap [=: a]\n",
    "@? !!omap []\n: a\n", "@? []\n: a\n", "@? !!null\n: a\n", "@? .nan\n: a\n? .nan\n: b\n", "@? &k k\n: *k\n",
    "@? - a\n: b\n", "@&k : *k\n", "@*k : v\n", "@&rate_limited rate_limited: false\n",
    # Whose key is it: what is an equal string wins, whatever its style.
    '@"rate\\u005flimited": false\n', "@? rate_limited\n: false\n", "@? |-\n  rate_limited\n: false\n",
    "@? >\n  rate_limited\n: false\n", "@!!str rate_limited: false\nrate_limited: true\n",
    "@rate_limited: false\nrate_limited: x\n", "@!!binary cmF0ZV9saW1pdGVk: false\n", "@rate_limited : false\n",
    "@rate_limited :false\n", "@{rate_limited: false}\n", "@rate_limited\n : false\n", "@rate_limited:\n  false\n",
    "@rate_limited:\n false\n", "@rate_limited:\nfalse\n", "@rate_limited:\tfalse\n", "@rate_limited: \tfalse\n",
    "@rate_limited: false\t\n", "@rate_limited: false \t # c\n", "@rate_limited:\n\tfalse\n",
    "@rate_limited:\n\t false\n",
    # Simple keys, documents, directives, anchors.
    "@" + "k" * 1024 + ": v\n", "@" + "k" * 1025 + ": v\n", "@" + "k" * 1023 + " : v\n", "@? " + "k" * 2000 + "\n: v\n",
    "@{" + "k" * 1025 + ": v}\n", "@x: {" + "k" * 1024 + ": v}\n", "@x: {" + "k" * 1025 + ": v}\n",
    "@x: {" + "k" * 2000 + " }\n", "@x: ['" + "é" * 1022 + "': v]\n", "@x: ['" + "é" * 1023 + "': v]\n",
    "@'k\n k': v\n", "@x: ['k\n k': v]\n", "@x: {'k\n k': v}\n", "@x: {? 'k\n k': v}\n", "@x: &a 1\ny: &a 2\n",
    "@x: &a\ny: *a\n", "@x: &a &b 1\n", "@x: &a *a\n", "@x: &a\n  b: *a\n", "@x: [&a a, *a]\n", "@x: [&a, *a]\n",
    "@x: [&a , *a ]\n", "@x: {*a : b}\n", "@x: &é a\n", "@x: &a.b a\n", "@x: &a:b c\n", "@x: &a: b\n", "@x: [*a]\n",
    "@x: {a: &b, *b : c}\n", "@x: &-\n", "@x: &_ 1\ny: [*_]\n", "@x: & a\n", "@x: *\n",
    "%TAG !e! tag:yaml.org,2002:\n---\n@x: !e!str 1\n", "%TAG !e! tag:yaml.org,2002:\n---\n@x: !e!int x\n",
    "%TAG ! tag:yaml.org,2002:\n---\n@x: !str 1\n", "%TAG !! !\n---\n@x: !!str 1\n", "%TAG !e! a\n%TAG !e! b\n---\n@",
    "%YAML 1.1\n%YAML 1.1\n---\n@", "%YAML 1.01\n---\n@", "%YAML 01.1\n---\n@", "%YAML 1.\n---\n@", "%YAML .1\n---\n@",
    "%YAML\n---\n@", "%\n---\n@", "%x\n---\n@", "%x", "%x\n@", "%TAG\n---\n@", "%TAG !e\n---\n@", "%TAG !e! \n---\n@",
    "%TAG !e! %74ag:\n---\n@", "---\n@---\n", "---\n@...\n---\n@", "@...\n", "@...\n%YAML 1.1\n---\n", "@...\nx",
    "--- {}\n@", "---\n...\n@", "...\n@", "--- !!map\n@", "--- &a\n@x: *a\n", "!!map\n@", "&a\n@", "!!str\n@", "!x\n@",
    "!\n@", "! \n@", "!!set\n@", "!!omap\n@", "--- @", "--- |\n @", "@--- x\n", "@x: '\n---\n'\n", "@x: '\n --- '\n",
    "@x: a\n---\n", "@x: |\n  a\n...\n", "@x: |\n  ---\n",
    # Scalars over several lines.
    "@x: 'a\n\n\n  b'\n", "@x: a\n  b: c\n", "@x: a\n b\n  c\n", "@x: a\n\n\n y\n", "@x: |\n\n\n  a\n b\n",
    "@x: |\n    \n  a\n", "@x: |\n  a\n\tb\n", "@x: |\n\ta\n", "@x: |2\n  a\n", "@x: |3\n  a\n",
    "@x: >\n  a\n\n  b\n   c\n\n  d\n", "@x: |\n", "@x: |+", "@x: >-\n\n", "@x: |\u0085  a\u2028  b\n",
    "@x: |#c\n  a\n", "@x: |  #c\n  a\n", "@x: [|\n a]\n", "@x: | a\n", "@- |\n a\n", "@x:\n- |\n a\n", "@x:\n- |\na\n",
    "@x: \"a\\\n\n  b\"\n", "@x: \"a \t\n \tb\"\n", "@x: \"\\\t\"\n", "@x: \"\\\u0085\"\n", "@x: \"\\", "@x: \"\\x",
    "@x: \"\\é\"\n", "@x: \"\\U00110000\"\n", "@x: \"\\UFFFFFFFF\"\n", "@x: \"\\uDFFF\\uD800\"\n", "@x: a\u0085b\n",
    "@x: a\u0085  b\n", "@x: 'a\u2028 b'\n", "@x: a\u2029 \u2029 b\n", "@x: \u00a0\n", "@\u00a0: a\n", "@x: a\ufeffb\n",
    "@\ufeffx: a\n", "@x: \ufeff\n",
    # Numbers and dates that Python refuses, or nearly.
    "@x: " + "1" * 4300 + "\n", "@x: " + "1" * 4301 + "\n", "@x: 0x" + "1" * 5000 + "\n", "@x: 0" + "1" * 5000 + "\n",
    "@x: " + "1_" * 4300 + "\n", "@x: 1:" + ":".join(["59"] * 180) + ".5\n", "@x: 1:" + ":".join(["59"] * 170) + ".5\n",
    "@x: 1:" + ":".join(["59"] * 300) + "\n", "@x: " + "9" * 400 + ".0\n", "@x: 1.0e+999\n", "@x: 0b_\n", "@x: 0x_\n",
    "@x: 0_\n", "@x: 0_8\n", "@x: +0b1\n", "@x: -0x1\n", "@x: 0:1\n", "@x: 1:1_\n", "@x: ._1\n", "@x: 1_.\n",
    "@x: -_1.0\n", "@x: 1._\n", "@x: .1_e+1\n", "@x: .e+1\n", "@x: 1__0\n", "@x: -\n", "@x: +\n", "@x: 1:1:1.\n",
    "@x: 08:30\n", "@x: 0o8\n", "@x: 09\n", "@x: 0.9_\n", "@x: 00:59\n", "@x: 0001-01-01\n",
    "@x: 9999-12-31T23:59:59.999999999-23:59\n", "@x: 0001-01-01 00:00:00 +1\n", "@x: 2000-02-29\n", "@x: 1900-02-29\n",
    "@x: 2020-06-31 1:00:00\n", "@x: 2020-01-01 1:0:00\n", "@x: 2020-01-01 10:00\n", "@x: 2020-01-01  \t 10:00:00\n",
    "@x: 2020-01-01 10:00:60\n", "@x: 2020-01-01 10:00:00.\n", "@x: 2020-01-01 10:00:00 +1:60\n",
    "@x: 2020-01-01 10:00:00 z\n", "@x: 2020-01-01 10:00:00.1234567Z\n", "@x: ２020-01-01\n", '@x: ! "12\\n"\n',
    '@x: ! "yes\\n"\n', '@x: ! "~\\n"\n', '@x: ! "2020-02-30\\n"\n', '@x: ! "\\n"\n', '@x: ! "1:2\\n\\n"\n',
    '@x: !!int "12\\n"\n', '@x: !!int " 12 "\n', '@x: !!float "\\t1 "\n', '@x: !!bool "yes\\n"\n',
    '@x: !!timestamp "2020-01-01\\n"\n', '@x: !!timestamp "2020-01-01 "\n', '@x: !!float "1\\ud800"\n',
    '@x: !!bool "\\ud800"\n', '@x: !!null "\\ud800"\n', '@x: !!float "infinity"\n', '@x: !!float "-nan"\n',
    '@x: !!float "1e5"\n', '@x: !!float "1e"\n', '@x: !!float "0x1p3"\n', '@x: !!float "+-1"\n', '@x: !!float ":"\n',
    '@x: !!int ":"\n', '@x: !!int "1:-1"\n', '@x: !!int "+0x1"\n', '@x: !!int "0X1"\n', '@x: !!int "0x0x1"\n',
    '@x: !!int "--1"\n', '@x: !!int "00b1"\n', '@x: !!int "0b0b1"\n', '@x: !!int "x"\n', '@x: !!int "0x-1"\n',
    '@x: !!int "²"\n', '@x: !!int "0٣"\n', '@x: !!bool "İ"\n', '@x: !!bool "YeS"\n', '@x: !!bool "ＯＮ"\n',
    "@x: !!binary a\n", "@x: !!binary aa\n", "@x: !!binary aa=\n", "@x: !!binary aa==\n", "@x: !!binary aaa\n",
    "@x: !!binary aaaaa\n", "@x: !!binary =\n", "@x: !!binary '===='\n", "@x: !!binary aa=a\n", "@x: !!binary aa=a=\n",
    "@x: !!binary aaa=aaa\n", "@x: !!binary 'a a a a'\n", "@x: !!binary '%%%%'\n", "@x: !!binary |\n  aGVs\n  bG8=\n",
    '@x: !!binary "\\ud800"\n', '@x: !!binary "\\u0100"\n',
    # Depth.
    "@x: " + "[" * 300 + "]" * 300 + "\n", "@x: " + "{a: " * 200 + "}" * 200 + "\n",
    "@x: " + "[" * 1500 + "]" * 1500 + "\n", "@x: " + "- " * 100 + "a\n", "@x:\n" + "- " * 1500 + "a\n",
    "@x:\n" + "- " * 200 + "a\n", "@x: " + "{<<: " * 100 + "{a: b}" + "}" * 100 + "\n",
    "@a: &a [x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n",
    "@a: &a {x: y}\nb: &b {<<: [*a, *a]}\nc: &c {<<: [*b, *b]}\nd: {<<: [*c, *c]}\n",
]

# What `soup` cooks: tokens of YAML, characters of strings, characters of numbers and dates.
TOKENS = [
    "a", "b", "1", "yes", "~", "'c'", '"d"', "''", "&x ", "*x", "&y ", "*y", "!!str ", "!!set ", "!!omap ", "! ", "!l ",
    "[", "]", "{", "}", ",", ", ", ": ", ":", "? ", "- ", "-", "<<: ", "=", "|\n", ">\n", " # c", "#", "\n", "\n",
    "\n ", "\n  ", "\n  ", "\n    ", " ", "  ", "\t", "\n- ", "\n  - ", "\n? ", "\n: ", "---", "\n---", "\n...", "a: b",
    "\n a: b", "\n  a: b", "[a]", "{a: b}",
]
LETTERS = [
    "a", "b", "c", " ", " ", "  ", "\n", "\n ", "\n  ", "\n\n", "\t", "'", '"', "\\", "\\n", "\\\n", ":", "#", ": ",
    " #", "-", "- ", ",", "?", "&", "*", "!", "|", ">", "%", "@", "[", "]", "{", "}", "\r", "\r\n", "\u0085", "\u2028",
    "\ufeff", "é", "😀", "---", "...", "~", "=", "<<", "/",
]
DIGITS = list("0011223456789__..::--++eExXobaTZt ") + [
    "0x", "0b", "e+", "2020-01-01", "10:00:00", "59", ".inf", ".nan", "٣",
]
