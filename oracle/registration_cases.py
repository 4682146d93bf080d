"""Random registration files, and what the real Synapse makes of them: for `cargo test` and for a differential run.

    python3 -m venv /tmp/synapse && /tmp/synapse/bin/pip install matrix-synapse==1.163.0
    /tmp/synapse/bin/python oracle/registration_cases.py --record 600
    /tmp/synapse/bin/python oracle/registration_cases.py --random 5000 --seed 7 --out /tmp/cases.jsonl
    BAILIWICK_CASES=/tmp/cases.jsonl cargo test --test it print_verdicts -- --ignored
    /tmp/synapse/bin/python oracle/registration_cases.py --compare /tmp/cases.jsonl

`--record` writes tests/data/registration/cases.jsonl, which tests/it/registration.rs replays without Python.
`--random` writes the same lines with the names of the mutations, and `--compare` holds bailiwick's verdicts, which
tests/it/registration_verdicts.rs writes beside them, against Synapse's. It exits with 1 when they differ.

A line is a JSON object: `hex`, the bytes of the file; `loads`; and `effective`, what Synapse then works with, or null.
Every file is a sound registration of a real one's shape (`Sheet`) that goes through a few mutations: of its values and
keys, of its YAML, of its text, of its bytes. In place of that one in six is one of the hand-made `CORNERS`, and one in
six a sound file with a `soup` of random YAML in it.
"""

import argparse
import json
import random
import re
import sys
import warnings
from pathlib import Path

from registration_synapse import verdict

# Python warns of a few regexes that it takes.
warnings.simplefilter("ignore")

RECORDED = Path(__file__).parent.parent / "tests/data/registration/cases.jsonl"

BRIDGES = ["irc", "telegram", "signal", "whatsapp", "hookshot", "slack", "xmpp", "discord", "_sms"]
TOKEN_LETTERS = "0123456789abcdef"

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

IDS = [
    "a|b", "'|'", '"\\x7c"', "|", "a/b", "a\\|b", "é", "''", "ａ", "a b", "12", "'12'", '"\\ud800"', "|-\n  a", "|\n  a",
    ">\n  a\n  b",
]
SENDERS = [
    "a b", "'a%20b'", "a/b", "a~b", "é", "'@a'", "a:b", "a+b", "A.b-c_d~e/f", "'a,b'", "''", '"a\\n"', "a=b", "'a!'",
    "(a)", "'*'", '"\\ud800"', "_", "-", "~a", "~", "12", "1.5", "a_1", "'1'", "a'b", "a\"b",
]
URLS = [
    "http://a//", "http://a/b/", "'http://a'", "''", "/", "//", "null", "~", "", "http://u:p@a/",
    "http://a?access_token=x&b=c", "http://a/?b#c", "http://a #b", "http://[::1]:80", "[::1]", "no", "http:",
    "http://a\t", "a@b//c", "http://a/ ", '"http://a/\\n"', "http://é/", "http://a/?q=/", "http://a@b@c/d@e",
    '"http://a/\\ud800/"',
]
REGEXES = [
    "'['", "'('", "')'", "'*'", "'a**'", "'a{2,1}'", "'(?P<n>a)(?P<n>b)'", "'(?<=a*)b'", "'(?<n>a)'", "'a++'",
    "'(?>a)'", "'a*+'", "'(?i)a'", "'a(?i)'", "'(?i:a)'", "'(?-i:a)'", "'[z-a]'", "'[a-\\d]'", "'\\p{L}'", "'\\q'",
    "'\\é'", "'\\x4'", "'\\N{DIGIT ONE}'", "'\\N{NO SUCH}'", "'\\8'", "'\\1'", "'(a)\\1'", "'(?(1)a|b)'",
    "'(a)(?(1)b|c)'", "'(?#'", "'(?#a)'", "'(?L)a'", "'(?au)a'", "'(?z)'", "'\\u12'", "'a|*'", "'{1}'", "'a{1}{2}'",
    "'a{,}'", "'a{99999999999}'", "'^*'", "'(?:)*'", "'[[:alpha:]]'", "'[]'", "'[^]'", "'[]]'", "''",
    "'@.*:example\\.com'", '"@.*:example\\\\.com"', '"@.*:example\\.com"', "@.*:example\\.com", "'.*'", ".*", "*",
    "*.*", "#.*", "'#.*'", "!.*", "'!.*'", "! .*", "'@a\\.b:.+$'", '"@\\\\w+"', '"@\\w+"', "|-\n {i}@a.*",
    "|\n {i}@a.*\n", ">-\n {i}@a\n {i}.*", "|+\n {i}a\n\n", "|1\n {i}a", "|9\n {i}a", "|0\n {i}a", "|-2\n {i}a",
    "|x\n {i}a", "|- # c\n {i}a", "|-#c\n {i}a", "12", "~", '"\\ud800"', '"[\\ud800-\\udfff]"', '"\\\\\\ud800"',
    "(?P<é>a)", "(?P<1>a)", "(?P=n)", "'\\Z'", "'\\z'", "'\\A@a'", "'\\_'", "a\\", "'(?x) a # b'", "{a}", "[a]",
    "[abc]+", "(a|b)", "a|b", "\\@a", "'@[a-z]{1,32}'",
]
PROTOCOLS = [
    "[irc]", "[irc, irc]", "[]", "~", "", "irc", "{irc: 1}", "{}", "[1]", "[irc, ~]", "0", "1", "false", "true", "''",
    "\n- irc", "\n  - irc\n  - xmpp", "!!set {irc}", "!!omap []", "[b, a, B, é, ab]", "!!pairs [irc: x]", "[[irc]]",
    "2020-01-01", "0.0", ".nan", "!!binary ''", "!!binary aGk=", "['']", '["\\ud800", b]', "!!seq [irc]", "!!set {}",
]
SCOPE = "urn:matrix:client:io.element.msc4502:rooms:is_joined"
SCOPES = [
    f"[{SCOPE}]", f'["{SCOPE}"]', f"['{SCOPE}', '{SCOPE}']", "[]", "~", "[urn:x]", SCOPE, f"[{SCOPE}, 1]", "{}",
    "!!omap []", f"\n- {SCOPE}", f"['{SCOPE} ']", "''", "false", "[~]", "[[]]",
]
PREFIXES = [
    "rtc/livekit", "rtc/livekit/", "rtc/livekit//", "rtc/livekit/x", "rtc/livekitx", "rtc", "/rtc/livekit", "''", "~",
    "1", "[rtc/livekit]", "RTC/livekit", '"rtc/livekit/\\ud800"', "rtc/livekit/é", "rtc/livekit/ x/", "no", "{}",
    "!!str",
]
PROXY_URLS = [
    "http://a", "http://a/", "'/'", "'///'", "''", "~", "1", "[]", "no", "' '", "x", "!!str 1", '"\\ud800"', "'/ '",
    "false",
]
ADDRESSES = [
    "['127.0.0.1']", "[10.0.0.0/8]", "['::1/128']", "[10/8]", "[10.0.0.0/33]", "[10.0.0.0/255.0.0.0]",
    "[10.0.0.0/0.0.0.255]", "[10.0.0.0/255.0.255.0]", "['1.2.3']", "[01.2.3.4]", "[1.2.3.4.5]", "[1]", "[-1]", "[true]",
    "[340282366920938463463374607431768211455]", "[340282366920938463463374607431768211456]", "[1.5]", "[~]",
    "127.0.0.1", "5", "~", "[]", "{}", "{10.0.0.1: x}", "{a: b}", "!!set {10.0.0.1}", "['fe80::1%eth0']",
    "['::ffff:1.2.3.4']", "[' 10.0.0.1']", "['10.0.0.1 ']", "['10.0.0.1/ 8']", "['10.0.0.1/+8']", "['10.0.0.1/-1']",
    "['10.0.0.1/']", "['/8']", "['']", "!!binary aGk=", "2020-01-01", "['1:2::/ffff::']", "['::/0']", "[0.0.0.0/0]",
    "!!pairs [1: 2]", "!!pairs [1: 200]", "!!pairs [a: b]", "true", "1.5", "[10.0.0.1-10.0.0.9]", "['10.0.0.*']",
    "['10.0.0.1/1_0']", "['10.0.0.1/8/8']", "[[10.0.0.1]]", "['٣.0.0.1']", "['10.0.0.1/٨']", "[4294967296]", "['1']",
    "['::']", "!!pairs [true: 3]", "!!pairs [4294967296: 100]", "!!pairs [-1: 3]", "['10.0.0.1\\n']", '["10.0.0.1\\n"]',
]
ENTRIES_KEYS = [
    ("group_id", "+irc:example.com"), ("prefix", "'@irc_'"), ("Regex", "a"), ("exclusive ", "true"),
    ("? exclusive\n", "true"), ('"regex"', "'@b'"), ("regex", "'@c'"), ("exclusive", "no"), ("1", "a"), ("[a]", "b"),
    ("~", "a"), ("!!str regex", "'@d'"), ("<<", "{regex: '@e', exclusive: no}"), ("=", "x"), ("*q", "a"),
]
NAMESPACES = [
    "{}", "[]", "~", "", "x", "{users: []}", "{users: ~}", "{users: {}}", "{users: ''}", "{users: x}", "{users: 0}",
    "{users: !!omap []}", "{users: !!set {}}", "{users: [x]}", "{users: [[]]}", "{users: [{}]}", "{rooms: []}",
    "!!set {users}", "!!omap [users: []]", "!!map {users: []}", "{users: [{exclusive: true, regex: a}]}",
    "{users: [{exclusive: true, regex: a}], users: []}", "{users: [exclusive: true, regex: a]}",
    "{users: [!!set {regex}]}", "{user: [{}]}", "{users: [], aliases: [], rooms: [], x: [{}]}", "{users: !!pairs []}",
    "{users: !!binary ''}", "{aliases: [{exclusive: yes, regex: '#a'}, {exclusive: off, regex: '#b', x: y}]}",
    "{rooms: [{regex: '!a', exclusive: 1}]}", "{users: false}",
    "{users: &u [{exclusive: true, regex: a}], aliases: *u}", "{<<: {users: [{exclusive: true, regex: a}]}}",
    "\n  users:\n  - regex: a\n    exclusive: true\n  - *q",
    "\n  users:\n  - regex: a\n    exclusive: true\n  rooms:\n",
    "\n  users: # c\n    - exclusive: true\n      regex: a\n      regex: b",
    "\n  users:\n    - &e\n      exclusive: true\n      regex: a\n    - <<: *e\n      regex: b\n    - *e",
    "\n  users:\n    - <<: [{exclusive: true}, {regex: a, exclusive: false}]",
    "\n  users:\n    - ? exclusive\n      : true\n      ? regex\n      : a",
    "{? users : [{? exclusive : true, ? regex : a}]}", "{'users':[{'exclusive':true,'regex':'a'}]}",
    '{"users":[{"exclusive":true,"regex":"a"}]}', "{users: [{exclusive:true, regex:a}]}", "{=: x}", "{users: {=: []}}",
    "{users: [&s {exclusive: true, regex: a, x: *s}]}",
]
SPECIFIC = {
    "id": IDS, "sender_localpart": SENDERS, "url": URLS, "protocols": PROTOCOLS, "namespaces": NAMESPACES,
    "rate_limited": BOOLEANS, "org.matrix.msc3202": BOOLEANS, "io.element.msc4190": BOOLEANS,
    "io.element.msc4502.scopes": SCOPES, "io.element.msc4512.proxy_prefix": PREFIXES,
    "io.element.msc4512.proxy_url": PROXY_URLS, "ip_range_whitelist": ADDRESSES, "receive_ephemeral": BOOLEANS,
    "as_token": [
        "''", "12", "1e3", "1e+3", "0123", "0o12", "0x1f", "~", "abc", "1_0", "'12'", "no", "deadbeef", "123e45",
        "12.5", "2020-01-01", "0b1", '"\\ud800"',
    ],
}
REQUIRED = ["id", "url", "as_token", "hs_token", "sender_localpart", "namespaces"]
STRANGE_KEYS = [
    "push_ephemeral", "de.sorunome.msc2409.push_ephemeral", "x-note", "1", "~", "true", "[a]", "{a: b}", "? a\n", "<<",
    "=", "!!str y", '"a"', "'b'", "ID", "id ", "&k k", "*k", "2020-01-01", "a b", "!!binary aGk=", ".inf", "é", "😀",
    "\"\\u0069d\"", "%x", "@x", "-x", "x#y", "!!null", "", "!!set {a}", "k\t",
]
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


# What many registrations have beside.
USUAL = {
    "rate_limited": "false",
    "de.sorunome.msc2409.push_ephemeral": "true",
    "receive_ephemeral": "true",
    "protocols": "[irc]",
    "io.element.msc4190": "true",
    "org.matrix.msc3202": "true",
}


class Sheet:
    """A sound registration: YAML text by key, and the namespaces as lists of entries, so that each can be mutated."""

    def __init__(self, rng):
        self.rng = rng
        name = rng.choice(BRIDGES)
        self.pairs = [
            ["id", self.scalar(name)],
            [
                "url",
                self.scalar(f"http://{name.strip('_')}:{rng.randrange(1000, 9999)}") if rng.random() < 0.9 else "null",
            ],
            ["as_token", self.scalar(self.token())],
            ["hs_token", self.scalar(self.token())],
            ["sender_localpart", self.scalar(f"{name}bot")],
        ]
        for key, value in USUAL.items():
            if rng.random() < 0.2:
                self.pairs.append([key, value])
        self.namespaces = {
            kind: [self.entry(sigil, name) for _ in range(rng.choice([0, 1, 1, 2]))]
            for kind, sigil in [("users", "@"), ("aliases", "#"), ("rooms", "!")]
            if kind == "users" or rng.random() < 0.4
        }
        self.pairs.append(["namespaces", None])
        if rng.random() < 0.3:
            rng.shuffle(self.pairs)
        self.indent = rng.choice(["  ", "  ", "    "])
        self.item_indent = rng.choice(["", "  ", "    "])
        self.flow = rng.random() < 0.08

    def token(self):
        return "t" + "".join(self.rng.choices(TOKEN_LETTERS, k=16))

    def scalar(self, text):
        return self.rng.choice([text, text, f'"{text}"', f"'{text}'"])

    def entry(self, sigil, name):
        regex = self.rng.choice([
            f"'{sigil}{name}_.*:example\\.com'", f'"{sigil}{name}_.*"',
            f"'^{sigil}{name}_[a-z0-9]{{1,9}}:example\\.com$'",
        ])
        pairs = [["regex", regex], ["exclusive", self.rng.choice(["true", "true", "false"])]]
        self.rng.shuffle(pairs)
        return pairs

    def index(self, key):
        return next((n for n, (known, _) in enumerate(self.pairs) if known == key), None)

    def set(self, key, value):
        at = self.index(key)
        if at is None:
            self.pairs.insert(self.rng.randrange(len(self.pairs) + 1), [key, value])
        else:
            self.pairs[at][1] = value

    def entries(self):
        return [entry for entries in self.namespaces.values() for entry in entries]

    def namespaces_text(self):
        if self.flow:
            kinds = (
                f"{kind}: [{', '.join('{' + self.flow_pairs(entry) + '}' for entry in entries)}]"
                for kind, entries in self.namespaces.items()
            )
            return " {" + ", ".join(kinds) + "}"
        lines = []
        for kind, entries in self.namespaces.items():
            lines.append(f"{self.indent}{kind}:" + ("" if entries else " []"))
            for entry in entries:
                dash = self.indent + self.item_indent + "- "
                for key, value in entry:
                    # `{i}` is where a block scalar stands that must be deeper than its key.
                    lines.append(dash + f"{key}: {value}".replace("{i}", " " * len(dash)))
                    dash = " " * len(dash)
        return "\n" + "\n".join(lines)

    @staticmethod
    def flow_pairs(pairs):
        return ", ".join(f"{key}: {value}" for key, value in pairs)

    def text(self):
        parts = [f"{key}:{self.namespaces_text() if value is None else ' ' + value}" for key, value in self.pairs]
        return "{" + ",\n".join(parts) + "}\n" if self.flow else "\n".join(parts) + "\n"


def any_value(rng):
    return rng.choice(rng.choice(ANY))


# Mutations of values and keys.


def specific_value(sheet):
    key = sheet.rng.choice(list(SPECIFIC))
    sheet.set(key, sheet.rng.choice(SPECIFIC[key]))
    # These two must be there together.
    partners = {"io.element.msc4512.proxy_prefix": ("io.element.msc4512.proxy_url", "http://a/"),
                "io.element.msc4512.proxy_url": ("io.element.msc4512.proxy_prefix", "rtc/livekit/")}
    if key in partners and sheet.rng.random() < 0.8:
        sheet.set(*partners[key])


def strange_value(sheet):
    key = sheet.rng.choice(list(SPECIFIC) + REQUIRED + ["x-note", "hs_token", "x-other"])
    sheet.set(key, any_value(sheet.rng))


def strange_extra(sheet):
    at = sheet.rng.randrange(len(sheet.pairs) + 1)
    sheet.pairs.insert(at, [sheet.rng.choice(STRANGE_KEYS), any_value(sheet.rng)])


def harmless_extra(sheet):
    sheet.set(sheet.rng.choice(["x-a", "x-b", "push_ephemeral"]), any_value(sheet.rng))


def missing_key(sheet):
    sheet.pairs.pop(sheet.rng.randrange(len(sheet.pairs)))


def doubled_key(sheet):
    key, value = sheet.rng.choice(sheet.pairs)
    value = sheet.rng.choice([value, value, any_value(sheet.rng)])
    sheet.pairs.insert(sheet.rng.randrange(len(sheet.pairs) + 1), [key, value])


def quoted_key(sheet):
    pair = sheet.rng.choice(sheet.pairs)
    pair[0] = sheet.rng.choice([
        "'{}'", '"{}"', "!!str {}", "&k {}", "{} ", "! {}", "? {}\n", "!!int {}", "{}\t", '"{}" ', "!x {}",
    ]).replace("{}", pair[0])


def regex_value(sheet):
    if entries := sheet.entries():
        for pair in sheet.rng.choice(entries):
            if pair[0] == "regex":
                pair[1] = sheet.rng.choice(REGEXES)


def exclusive_value(sheet):
    if entries := sheet.entries():
        for pair in sheet.rng.choice(entries):
            if pair[0] == "exclusive":
                pair[1] = sheet.rng.choice(BOOLEANS)


def entry_value(sheet):
    if entries := sheet.entries():
        sheet.rng.choice(sheet.rng.choice(entries))[1] = any_value(sheet.rng)


def entry_key(sheet):
    if entries := sheet.entries():
        entry = sheet.rng.choice(entries)
        if sheet.rng.random() < 0.25:
            entry.pop()
        else:
            entry.insert(sheet.rng.randrange(len(entry) + 1), list(sheet.rng.choice(ENTRIES_KEYS)))


def namespace_kind(sheet):
    kind = sheet.rng.choice(["users", "aliases", "rooms", "Users", "user", "'users'", "groups", "~", "[a]"])
    sheet.namespaces[kind] = [sheet.entry("@", "x") for _ in range(sheet.rng.randrange(3))]


# Mutations of the YAML.


def anchored(sheet):
    """A value with an anchor, and somewhere below it the alias."""
    rng = sheet.rng
    first, second = sorted(rng.sample(range(len(sheet.pairs)), 2))
    if rng.random() < 0.2:
        first, second = second, first
    if sheet.pairs[first][1] is not None:
        anchor = rng.choice(["&a ", "&a-1_ ", "&a !!str ", "!!str &a ", "&é ", "&a, "])
        sheet.pairs[first][1] = anchor + sheet.pairs[first][1]
        if rng.random() < 0.4:
            sheet.pairs.append(["x-alias", None])
            second = -1
        sheet.pairs[second][1] = rng.choice(["*a", "*a", "*a-1_", "*b", "*a b", "[*a]", "*a ", "*a,"])


COMMON = [
    "{exclusive: true}", "{exclusive: no, regex: '@m'}", "{<<: {exclusive: yes}}",
    "[{exclusive: true}, {regex: '@m'}]", "x", "{regex: '@m', regex: '@n'}", "~", "!!map {exclusive: on}",
    "!!set {exclusive}", "!!omap [exclusive: true]", "&other {exclusive: true}",
    "{url: http://m, id: m, exclusive: true}", "[]", "{}",
]


def merged(sheet):
    """What is common to entries in a mapping of its own, merged."""
    rng = sheet.rng
    sheet.pairs.insert(0, ["x-common", "&common " + rng.choice(COMMON)])
    for entry in sheet.entries():
        if rng.random() < 0.7:
            entry[:] = [pair for pair in entry if pair[0] != "exclusive" or rng.random() < 0.3]
            entry.insert(rng.randrange(len(entry) + 1), [
                rng.choice(["<<", "<<", "<<", "'<<'", "!!merge x", "!!str <<", "! <<", "! '<<'"]),
                rng.choice(["*common", "*common", "[*common]", "[*common, {regex: '@z'}]", "{exclusive: true}"]),
            ])
    if rng.random() < 0.2:
        sheet.pairs.insert(rng.randrange(1, len(sheet.pairs) + 1), [
            "<<",
            rng.choice([
                "*common", "{rate_limited: no}", "[*common, *common]", "{protocols: [irc], url: http://x}", "{}",
            ]),
        ])


def tagged(sheet):
    """A tag in front of a value."""
    tag = sheet.rng.choice([
        "!!str", "!!str", "!!bool", "!!int", "!!float", "!!null", "!!binary", "!!timestamp", "!!map", "!!seq", "!!set",
        "!!omap", "!!pairs", "!x", "!", "!!merge", "!!value", "!<tag:yaml.org,2002:str>", "!<!>", "!!python/object:a.b",
        "!e!x", "!!", "!!str,", "!<x",
    ])
    of_entries = [pair for entry in sheet.entries() for pair in entry]
    pair = sheet.rng.choice([pair for pair in sheet.pairs if pair[1] is not None] + of_entries)
    if tag.startswith("!") and pair[1] is not None:
        pair[1] = f"{tag} {pair[1]}"


def block_scalar(sheet):
    """A string as a block scalar."""
    pair = sheet.rng.choice([pair for pair in sheet.pairs if pair[1] is not None])
    header = sheet.rng.choice([
        "|", "|-", "|-", ">-", "|+", ">", ">-", ">+", "|2", "|2-", ">-1", "| # c", "|\t", "|--", "|10", "> x",
        "!!str |-", "&a |-",
    ])
    indent = sheet.rng.choice(["", " ", "  ", "  ", "  ", "  ", "    ", "\t"])
    body = pair[1].strip("'\"")
    body = sheet.rng.choice([
        body, body, body, body + "\n" + indent + body, "\n" + indent + body, body + "\n\n", "# " + body,
        " " + body + "\n" + indent + body, body + "\n" + indent + " x\n" + indent + "y",
    ])
    pair[1] = f"{header}\n{indent}{body}"


def flow_style(sheet):
    sheet.flow = True


SHEET_MUTATIONS = {
    specific_value: 12, strange_value: 5, strange_extra: 3, harmless_extra: 8, missing_key: 2, doubled_key: 3,
    quoted_key: 3, regex_value: 9, exclusive_value: 5, entry_value: 3, entry_key: 4, namespace_kind: 2, anchored: 4,
    merged: 6, tagged: 4, block_scalar: 5, flow_style: 2,
}


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

REST = "id: a\nurl: null\nas_token: aaaa\nhs_token: bbbb\nsender_localpart: a\nnamespaces: {}\n"

# What no mutation is likely to hit. `@` stands for the keys that are required.
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
    # Null and sound in one: the order of the checks.
    "id: a\n", "url: null\nas_token: a\nhs_token: b\nsender_localpart: a\nnamespaces: {}\n",
    "id: a\nas_token: a\nhs_token: b\nsender_localpart: a\nnamespaces: {}\n",
    "id: a\nurl: 1\nas_token: a\nhs_token: b\nsender_localpart: a\nnamespaces: {}\n",
    "id: a\nurl:\nas_token: a\nhs_token: a\nsender_localpart: a\nnamespaces:\n  users:\n",
    "id: a\nurl:\nas_token: a\nhs_token: a\nsender_localpart: a\nnamespaces:\n",
]


def weighted(rng, mutations):
    return rng.choices(list(mutations), weights=list(mutations.values()))[0]


def corner(rng):
    return "corner", REST.join(rng.choice(CORNERS).split("@"))


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


def soup(rng):
    """YAML of random pieces, where its strings are seen: whatever Synapse takes it for, bailiwick must."""
    pieces = "".join(rng.choices(rng.choice([TOKENS, LETTERS]), k=rng.randrange(1, 12)))
    sort = rng.randrange(6)
    if sort == 0:
        return "token soup", f"{REST}x: {pieces}\n"
    if sort == 1:
        return "token soup", f"{REST}namespaces: {{users: [{{exclusive: yes, regex: {pieces}}}]}}\n"
    if sort == 2:
        style = rng.choice([
            '"{}"', "'{}'", "{}", "\n {}", "|\n {}", ">\n {}", "|-\n  {}", ">+\n   {}", ">2-\n  {}", "[{}]",
            "{{a: {}}}",
        ])
        letters = "".join(rng.choices(LETTERS, k=rng.randrange(1, 14)))
        return "string soup", f"{REST}protocols:\n- {style.format(letters)}\nrate_limited: false\n"
    if sort == 3:
        style = rng.choice(['"{}"', "'{}'", "{}", "{}", "|\n  {}\n", ">\n  {}\n"])
        letters = "".join(rng.choices(LETTERS[:16], k=rng.randrange(1, 14))).replace("\n", "\n  ")
        text = style.format(letters)
        return "string soup", f"{REST}id: a{text if style == '{}' else ''}\nurl: {text}\n"
    if sort == 4:
        digits = "".join(rng.choices(DIGITS, k=rng.randrange(1, 9)))
        return "number soup", f"{REST}id: {digits}\n"
    tag = rng.choice(["!!int", "!!float", "!!timestamp", "!!bool", "!!binary", "!"])
    digits = "".join(rng.choices(DIGITS if tag != "!!binary" else list("aaaa=="), k=rng.randrange(1, 9)))
    return "number soup", f'{REST}x: {tag} "{digits}"\n'


def mutated(rng):
    """A registration after a few mutations of its values, its YAML and its text."""
    sheet = Sheet(rng)
    names = []
    for _ in range(rng.choice([0, 1, 1, 1, 1, 1, 2, 2, 3])):
        mutation = weighted(rng, SHEET_MUTATIONS)
        mutation(sheet)
        names.append(mutation.__name__)
    text = sheet.text()
    for _ in range(rng.choice([0, 0, 0, 0, 0, 0, 1]) if names else rng.choice([1, 1, 1, 2])):
        mutation = weighted(rng, TEXT_MUTATIONS)
        text = mutation(rng, text)
        names.append(mutation.__name__)
    return "+".join(names), text


def case(rng):
    """The names of the mutations of a file, and its bytes."""
    names, text = rng.choices([mutated, corner, soup], weights=[66, 17, 17])[0](rng)
    data = text.encode("utf-8")
    if rng.random() < 0.04:
        mutation = weighted(rng, BYTE_MUTATIONS)
        data = mutation(rng, data)
        names += "+" + mutation.__name__
    return names, data


SECRET_WORDS = ["token", "secret", "password", "passwd", "passphrase", "key", "auth", "credential", "signature"]


def shown(url):
    """The URL as bailiwick keeps it: without user info and without the values of query parameters that look secret."""
    if url is None:
        return None
    scheme, slashes, rest = url.partition("//")
    if slashes:
        authority = re.match(r"[^/?#]*", rest).group()
        url = scheme + slashes + rest[authority.rfind("@") + 1 :]
    path, mark, query = url.partition("?")
    return path + mark + "&".join(shown_parameter(*parameter.partition("=")) for parameter in query.split("&"))


def shown_parameter(name, equals, value):
    secret = equals and any(word in name.lower() for word in SECRET_WORDS)
    return name + equals + ("<redacted>" if secret else value)


def decided(rng, count):
    """Distinct cases with Synapse's verdict."""
    seen = set()
    while len(seen) < count:
        names, data = case(rng)
        if data in seen:
            continue
        seen.add(data)
        found = verdict(data)
        effective = found.get("effective")
        if effective:
            effective["url"] = shown(effective["url"])
        yield {
            "file": names,
            "hex": data.hex(),
            "loads": found["loads"],
            "effective": effective,
            "error": found.get("error"),
            "mark": found.get("mark"),
        }


def record(rng, count):
    RECORDED.parent.mkdir(parents=True, exist_ok=True)
    loading = 0
    with RECORDED.open("w") as file:
        for found in decided(rng, count):
            loading += found["loads"]
            file.write(json.dumps({key: found[key] for key in ("hex", "loads", "effective")}) + "\n")
    print(f"{RECORDED}: {count} files, {loading} load")


def write(rng, count, out):
    loading = 0
    with open(out, "w") as file:
        for found in decided(rng, count):
            loading += found["loads"]
            file.write(json.dumps(found) + "\n")
    print(f"{out}: {count} files, {loading} load")


def difference(expected, ours):
    """What of bailiwick's verdict is wrong, or None."""
    if expected["loads"] != ours["loads"]:
        why = expected["error"] if ours["loads"] else json.dumps(ours["faults"], ensure_ascii=False)
        return f"Synapse {'loads' if expected['loads'] else 'refuses'} it, bailiwick not: {why}"
    if expected["loads"] and expected["effective"] != ours["effective"]:
        pairs = {key: (value, ours["effective"][key]) for key, value in expected["effective"].items()}
        wrong = {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}
        return f"effective content, Synapse's and bailiwick's: {wrong}"
    return None


def same_place(expected, ours):
    """Whether bailiwick reports a syntax fault where PyYAML does."""
    return any([fault.get("line"), fault.get("column")] == expected["mark"] for fault in ours["faults"])


def compare(path):
    expected = [json.loads(line) for line in open(path)]
    verdicts = [json.loads(line) for line in open(path + ".verdicts")]
    assert len(expected) == len(verdicts), "the verdicts are of another run"
    differences = 0
    for case, ours in zip(expected, verdicts):
        wrong = difference(case, ours)
        if wrong:
            differences += 1
            print(f"--- {case['file']}\n{bytes.fromhex(case['hex'])!r}\n{wrong}")
    marked = [(case, ours) for case, ours in zip(expected, verdicts) if case["mark"] and not ours["loads"]]
    loading = sum(case["loads"] for case in expected)
    print(f"{len(expected)} files, {loading} load in Synapse, {differences} differences")
    print(f"{sum(same_place(*pair) for pair in marked)} of {len(marked)} syntax errors at PyYAML's place")
    return differences


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--record", type=int, metavar="N", help="write the recorded cases")
    what.add_argument("--random", type=int, metavar="N", help="write cases for a differential run")
    what.add_argument("--compare", metavar="CASES", help="compare bailiwick's verdicts on cases with Synapse's")
    parser.add_argument("--out", default="/tmp/cases.jsonl")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    if arguments.record:
        record(rng, arguments.record)
    elif arguments.random:
        write(rng, arguments.random, arguments.out)
    else:
        sys.exit(1 if compare(arguments.compare) else 0)


if __name__ == "__main__":
    main()
