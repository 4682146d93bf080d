"""Who holds a name: as Synapse says of the same registrations, had it loaded them."""

from __future__ import annotations

import random
import re

from support import SERVER, Store, TestCase, alias, claims, directory_handler, entry, registration_handler, service
from synapse.module_api.errors import SynapseError

import synapse_bailiwick as module

# Pieces of regexes that bridges use, and of those that nobody should.
PIECES = [
    "a",
    "ab",
    "_",
    r"\.",
    r"\-",
    "b*",
    "a?",
    "c+",
    "[ab]",
    "[^a]",
    "[]b]",
    "(a|b)",
    "(?:c)",
    "(?i:a)",
    "a{1,2}",
    ".*",
    ".",
    "^",
    "$",
]
TOPS = ["", "", "", "", "|@c", "|", "(?i)"]
LETTERS = "@abcAB_.-"


def random_regex(random: random.Random, sigil: str) -> str:
    body = "".join(random.choice(PIECES) for _ in range(random.randrange(4)))
    top = random.choice(TOPS)
    regex = top + sigil + body if top == "(?i)" else sigil + body + top
    try:
        re.compile(regex)
    except re.error:
        return random_regex(random, sigil)
    return regex


def random_id(random: random.Random, sigil: str) -> str:
    return sigil + "".join(random.choice(LETTERS[1:]) for _ in range(random.randrange(4))) + f":{SERVER}"


class LiteralPrefixes(TestCase):
    def test_everything_that_matches_begins_with_the_prefix(self) -> None:
        chance, matched = random.Random(1), 0
        for _ in range(20_000):
            regex, matrix_id = random_regex(chance, "@"), random_id(chance, "@")
            if re.match(regex, matrix_id):
                matched += 1
                self.assertTrue(matrix_id.startswith(module.literal_prefix(regex)), (regex, matrix_id))
        self.assertGreater(matched, 3_000)

    def test_what_bridges_write_has_a_long_one(self) -> None:
        for regex, prefix in [
            (r"^@telegram_.+:example\.com$", "@telegram_"),
            (r"@irc_.*", "@irc_"),
            (r"@signal\-bot:example\.com", "@signal-bot:example.com"),
            (r"@slack_(a|b)_.*", "@slack_"),
            (r"@what[|]s_.*", "@what"),
            (r"@x+y", "@x"),
            (r"@xy?", "@x"),
            (r"@xy{0,1}", "@x"),
        ]:
            self.assertEqual(module.literal_prefix(regex), prefix)

    def test_where_it_is_not_plain_there_is_none(self) -> None:
        for regex in ["@a|@b", "(?i)@a", "(?x)@a b", "(@a)", ".*", "", "@(?#)a)", "[@]a"]:
            self.assertIn(module.literal_prefix(regex), ("", "@"), regex)
        self.assertEqual(module.literal_prefix("@a|@b"), "")

    def test_brackets_in_comments_hide_no_alternative(self) -> None:
        for regex in ["@a(?x:# (\n)|@b.*", "@a(?x:# [\n)|@b.*", "@a(?ix-s:# (\n)|@b.*"]:
            reserved = module.Reserved([claims("commented", [entry(regex)])])
            self.assertEqual(reserved.holder_of_user("@bob:hs1.test", None), "commented", regex)


class AsSynapseSays(TestCase):
    """Both are asked about the same random sets."""

    def random_claims(self, chance: random.Random) -> list[module.Claims]:
        def entries(sigil: str) -> list[module.Entry]:
            return [entry(random_regex(chance, sigil), chance.random() < 0.6) for _ in range(chance.randrange(3))]

        return [
            claims(f"as{n}", entries("@"), entries("#"), chance.choice(["a", "b", f"bot{n}"]))
            for n in range(chance.randrange(1, 5))
        ]

    def test_of_user_ids(self) -> None:
        chance, refused = random.Random(2), 0
        for _ in range(400):
            several = self.random_claims(chance)
            reserved, services = module.Reserved(several), [service(of) for of in several]
            handler = registration_handler(Store(services))
            for _ in range(20):
                user_id, asking = random_id(chance, "@"), chance.choice([None, *services])
                try:
                    handler.check_user_id_not_appservice_exclusive(user_id, allowed_appservice=asking)
                    theirs = False
                except SynapseError:
                    theirs = True
                ours = reserved.holder_of_user(user_id, asking.id if asking else None) is not None
                self.assertEqual(ours, theirs, (several, user_id, asking and asking.id))
                refused += theirs
        self.assertGreater(refused, 1_000)

    def test_of_aliases(self) -> None:
        chance, refused = random.Random(3), 0
        for _ in range(400):
            several = self.random_claims(chance)
            reserved, handler = module.Reserved(several), directory_handler(Store([service(of) for of in several]))
            for _ in range(20):
                localpart = random_id(chance, "").partition(":")[0]
                user_id = chance.choice([f"@alice:{SERVER}", *(of.sender for of in several)])
                theirs = not handler.can_modify_alias(alias(localpart), user_id=user_id)
                ours = reserved.holder_of_alias(alias(localpart).to_string(), user_id) is not None
                self.assertEqual(ours, theirs, (several, localpart, user_id))
                refused += theirs
        self.assertGreater(refused, 500)

    def test_a_service_is_not_refused_by_its_own_registration(self) -> None:
        reserved = module.Reserved([claims("telegram", [entry("@telegram_.*")])])
        self.assertIsNone(reserved.holder_of_user("@telegram_1:hs1.test", "telegram"))
        self.assertEqual(reserved.holder_of_user("@telegram_1:hs1.test", "relay"), "telegram")
        self.assertEqual(reserved.holder_of_user("@telegram_1:hs1.test", None), "telegram")
        self.assertIsNone(reserved.holder_of_user("@telegrambot:hs1.test", "telegram"))
        self.assertEqual(reserved.holder_of_user("@telegrambot:hs1.test", None), "telegram")

    def test_a_regex_that_this_python_cannot_read_reserves_what_begins_like_it(self) -> None:
        reserved = module.Reserved([claims("future", [entry("@future_(?<new>.*)")])])
        self.assertEqual(reserved.holder_of_user("@future_1:hs1.test", None), "future")
        self.assertIsNone(reserved.holder_of_user("@past_1:hs1.test", None))
