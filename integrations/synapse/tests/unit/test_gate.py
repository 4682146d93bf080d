"""The gate before Synapse's own checks, on Synapse's own handlers."""

from __future__ import annotations

from support import Store, TestCase, alias, claims, directory_handler, entry, registration_handler, service
from synapse.appservice import ApplicationService
from synapse.module_api.errors import SynapseError

import synapse_bailiwick as module

PERSON = "@alice:hs1.test"


class Gates(TestCase):
    def setUp(self) -> None:
        shared = claims("relay", [entry("@.*", False)], [entry("#.*", False)])
        # In an older version than the file has.
        older = claims("telegram", [entry("@telegram_.*"), entry("@tg_.*", False)], [entry("#telegram_.*")])
        self.relay, self.telegram = service(shared), service(older)
        store = Store([self.relay, self.telegram])
        self.registrations, self.directory = registration_handler(store), directory_handler(store)
        self.gate = module.Gate(self.registrations, self.directory)

    def know(self, *several: module.Claims) -> None:
        self.gate.reserved = module.Reserved(several)

    def outcome(self, localpart: str, asking: ApplicationService | None = None) -> int:
        try:
            self.registrations.check_user_id_not_appservice_exclusive(f"@{localpart}:hs1.test", allowed_appservice=asking)
        except SynapseError as error:
            self.assertEqual(error.errcode, "M_EXCLUSIVE" if error.code == 400 else "M_UNKNOWN")
            return error.code
        return 200

    def test_while_nothing_is_known_nobody_gets_a_name(self) -> None:
        self.assertEqual(self.outcome("alice"), 503)
        error = self.assertRaises(SynapseError, self.directory.can_modify_alias, alias("garden"), user_id=PERSON)
        self.assertEqual(error.code, 503)

    def test_nor_does_a_service_on_the_ground_of_what_others_may_share(self) -> None:
        self.assertEqual(self.outcome("irc_1", self.relay), 503)
        self.assertEqual(self.outcome("tg_1", self.telegram), 503)

    def test_but_a_service_does_in_what_is_its_own(self) -> None:
        self.assertEqual(self.outcome("telegram_1", self.telegram), 200)
        self.assertEqual(self.outcome("telegrambot", self.telegram), 200)

    def test_what_synapse_refuses_it_refuses_in_its_own_words(self) -> None:
        self.assertEqual(self.outcome("telegram_1"), 400)
        self.assertEqual(self.outcome("telegram_1", self.relay), 400)
        self.assertFalse(self.directory.can_modify_alias(alias("telegram_1"), user_id=PERSON))
        self.know()
        self.assertEqual(self.outcome("telegram_1"), 400)
        self.assertFalse(self.directory.can_modify_alias(alias("telegram_1"), user_id=PERSON))

    def test_what_is_reserved_nobody_gets(self) -> None:
        self.know(claims("irc", [entry("@irc_.*")], [entry("#irc_.*")]))
        self.assertEqual(self.outcome("irc_1"), 400)
        self.assertEqual(self.outcome("ircbot"), 400)
        self.assertEqual(self.outcome("irc_1", self.relay), 400)
        self.assertFalse(self.directory.can_modify_alias(alias("irc_1"), user_id=PERSON))
        self.assertTrue(self.directory.can_modify_alias(alias("irc_1"), user_id="@ircbot:hs1.test"))

    def test_everything_else_is_free(self) -> None:
        self.know(claims("irc", [entry("@irc_.*")], [entry("#irc_.*")]))
        self.assertEqual(self.outcome("alice"), 200)
        self.assertEqual(self.outcome("alice", self.relay), 200)
        self.assertTrue(self.directory.can_modify_alias(alias("garden"), user_id=PERSON))

    def test_a_service_loaded_in_an_older_version_goes_on_and_the_newer_is_reserved(self) -> None:
        self.know(claims("telegram", [entry("@telegram_.*"), entry("@tg_.*"), entry("@t_.*")]))
        for localpart in ["telegram_1", "tg_1"]:
            self.assertEqual(self.outcome(localpart, self.telegram), 200)
        for localpart in ["telegram_1", "tg_1", "t_1"]:
            self.assertEqual(self.outcome(localpart), 400)
            self.assertEqual(self.outcome(localpart, self.relay), 400)

    def test_a_stranger_reads_neither_service_nor_regex(self) -> None:
        self.know(claims("irc", [entry("@irc_.*")]))
        error = self.assertRaises(SynapseError, self.registrations.check_user_id_not_appservice_exclusive, "@irc_1:hs1.test")
        self.assertEqual(error.msg, "This name is reserved.")
