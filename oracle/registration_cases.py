"""Random registration files, and what the real Synapse makes of them: for `cargo test` and for a differential run.

    python3 -m venv /tmp/synapse && /tmp/synapse/bin/pip install matrix-synapse==1.163.0
    /tmp/synapse/bin/pip install PyYAML==6.0.3
    /tmp/synapse/bin/python oracle/registration_cases.py --record 600
    /tmp/synapse/bin/pip install PyYAML==6.0.4
    /tmp/synapse/bin/python oracle/registration_cases.py --other-release
    /tmp/synapse/bin/python oracle/registration_cases.py --random 5000 --seed 7 --out /tmp/cases.jsonl
    BAILIWICK_CASES=/tmp/cases.jsonl cargo test --test it print_verdicts -- --ignored
    /tmp/synapse/bin/python oracle/registration_cases.py --compare /tmp/cases.jsonl

`--record` writes tests/data/registration/cases.jsonl, which tests/it/registration.rs replays without Python.
`--random` writes the same lines with the names of the mutations, and `--compare` holds bailiwick's verdicts, which
tests/it/registration_verdicts.rs writes beside them, against Synapse's. It exits with 1 when they differ.

A line is a JSON object: `hex`, the bytes of the file; `loads`; and `effective`, what Synapse then works with, or null.
These are recorded with PyYAML 6.0.3, to which Synapse is locked. `--other-release`, run afterwards with PyYAML 6.0.4, adds
`other`, an object of `loads` and `effective`, where the verdict is not the same.
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

# What is about YAML alone stands beside the reader of it.
sys.path.insert(0, str(Path(__file__).parent.parent / "crates/pyyaml/oracle"))

from pieces import (
    BOOLEANS, BYTE_MUTATIONS, CORNERS, DIGITS, LETTERS, TEXT_MUTATIONS, TOKENS, any_value, weighted,
)

# Python warns of a few regexes that it takes.
warnings.simplefilter("ignore")

RECORDED = Path(__file__).parent.parent / "tests/data/registration/cases.jsonl"

BRIDGES = ["irc", "telegram", "signal", "whatsapp", "hookshot", "slack", "xmpp", "discord", "_sms"]
TOKEN_LETTERS = "0123456789abcdef"

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


def merged_lists(sheet):
    """What is common to entries in several mappings, merged as a list: where the releases of PyYAML differ."""
    rng = sheet.rng
    exclusive = ["exclusive: true", "exclusive: false", "exclusive: 'no'"]
    kinds = ["regex: '@m_.*'", "regex: '@n_.*'", "x: 1", "xx: 1"]
    names = ["one", "two", "three"][: rng.randrange(2, 4)]
    for name in reversed(names):
        pairs = rng.choices(exclusive, weights=[4, 4, 1], k=rng.choice([0, 1, 1, 1])) + rng.sample(kinds, rng.randrange(3))
        sheet.pairs.insert(0, [f"x-{name}", f"&{name} {{{', '.join(pairs)}}}"])
    if rng.random() < 0.3:
        sheet.pairs.insert(len(names), ["x-more", "&three {<<: [" + ", ".join("*" + name for name in names) + "]}"])
        names = ["two", "three"] if "three" not in names else names
    for entry in sheet.entries():
        if rng.random() < 0.8:
            entry[:] = [pair for pair in entry if rng.random() < (0.9 if pair[0] == "regex" else 0.2)]
            listed = ", ".join("*" + name for name in rng.choices(names, k=rng.randrange(1, 4)))
            entry.insert(rng.randrange(len(entry) + 1), ["<<", f"[{listed}]"])


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
    merged: 6, merged_lists: 3, tagged: 4, block_scalar: 5, flow_style: 2,
}


REST = "id: a\nurl: null\nas_token: aaaa\nhs_token: bbbb\nsender_localpart: a\nnamespaces: {}\n"

# What is about registrations.
OWN_CORNERS = [
    # Null and sound in one: the order of the checks.
    "id: a\n", "url: null\nas_token: a\nhs_token: b\nsender_localpart: a\nnamespaces: {}\n",
    "id: a\nas_token: a\nhs_token: b\nsender_localpart: a\nnamespaces: {}\n",
    "id: a\nurl: 1\nas_token: a\nhs_token: b\nsender_localpart: a\nnamespaces: {}\n",
    "id: a\nurl:\nas_token: a\nhs_token: a\nsender_localpart: a\nnamespaces:\n  users:\n",
    "id: a\nurl:\nas_token: a\nhs_token: a\nsender_localpart: a\nnamespaces:\n",
]


def corner(rng):
    return "corner", REST.join(rng.choice(CORNERS + OWN_CORNERS).split("@"))


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


def merging(rng):
    """A sound registration but for what is merged into its entries."""
    sheet = Sheet(rng)
    while not sheet.entries():
        sheet = Sheet(rng)
    merged_lists(sheet)
    return "merging", sheet.text()


def case(rng):
    """The names of the mutations of a file, and its bytes."""
    names, text = rng.choices([mutated, corner, soup, merging], weights=[50, 13, 13, 24])[0](rng)
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


def other_release():
    """Adds the verdicts of the PyYAML that is installed, where they are not the recorded ones."""
    cases = [json.loads(line) for line in RECORDED.open()]
    with RECORDED.open("w") as file:
        for case in cases:
            found = verdict(bytes.fromhex(case["hex"]))
            effective = found.get("effective")
            if effective:
                effective["url"] = shown(effective["url"])
            other = {"loads": found["loads"], "effective": effective}
            same = all(case[key] == other[key] for key in other)
            file.write(json.dumps(case if same else {**case, "other": other}) + "\n")
    print(f"{RECORDED}: {sum('other' in json.loads(line) for line in RECORDED.open())} that this release reads otherwise")


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
    what.add_argument("--other-release", action="store_true", help="add to the recorded cases what this PyYAML makes of them")
    what.add_argument("--compare", metavar="CASES", help="compare bailiwick's verdicts on cases with Synapse's")
    parser.add_argument("--out", default="/tmp/cases.jsonl")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    if arguments.record:
        record(rng, arguments.record)
    elif arguments.other_release:
        other_release()
    elif arguments.random:
        write(rng, arguments.random, arguments.out)
    else:
        sys.exit(1 if compare(arguments.compare) else 0)


if __name__ == "__main__":
    main()
