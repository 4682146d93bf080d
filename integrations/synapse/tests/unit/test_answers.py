"""What bailiwick says, and what of it lasts."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

from support import SERVER, TestCase, answer, claims, entry
from synapse.module_api.errors import ConfigError

import synapse_bailiwick as module

TELEGRAM = claims("telegram", [entry("@telegram_.*")], [entry("#telegram_.*", False)])
NARROWED = claims("telegram", [entry("@telegram_bot.*")])
IRC = claims("irc", [entry("@irc_.*")])


def file(of: module.Claims) -> module.File:
    return module.File(of, f"/registrations/{of.as_id}.yaml", "00")


def holds(of: module.Answer, localpart: str) -> bool:
    return module.Reserved(of.claims()).holder_of_user(f"@{localpart}:{SERVER}", None) is not None


class NoNameIsSetFree(TestCase):
    """By what bailiwick does not know."""

    def test_an_incomplete_answer_only_adds(self) -> None:
        before = answer(file(TELEGRAM))
        now = answer(file(IRC), complete=False).after(before)
        self.assertTrue(holds(now, "telegram_1") and holds(now, "irc_1"))
        now = answer(file(NARROWED), complete=False).after(now)
        self.assertTrue(holds(now, "telegram_1") and holds(now, "irc_1"))

    def test_a_complete_one_is_the_whole_truth(self) -> None:
        now = answer(file(IRC), complete=False).after(answer(file(TELEGRAM)))
        now = answer(file(NARROWED)).after(now)
        self.assertFalse(holds(now, "telegram_1") or holds(now, "irc_1"))
        self.assertTrue(holds(now, "telegram_bot"))

    def test_what_is_kept_does_not_grow_while_nothing_changes(self) -> None:
        now = answer(file(IRC), complete=False).after(answer(file(TELEGRAM)))
        self.assertEqual(answer(file(IRC), complete=False).after(now), now)


class Reading(TestCase):
    SHOWN = {  # noqa: RUF012
        "snapshot": "1",
        "complete": False,
        "registrations": [
            {"file": "broken.yaml", "state": "quarantined", "errors": []},
            {"file": "telegram.yaml", "state": "active", "errors": [], "url": None, "sha256": "00", **TELEGRAM.to_json()},
        ],
    }

    def test_the_list_of_registrations(self) -> None:
        read = module.Answer.read(self.SHOWN, True)
        self.assertEqual(read.files, (module.File(TELEGRAM, "telegram.yaml", "00"),))
        self.assertEqual(read.unknown, {"broken.yaml"})
        self.assertFalse(read.complete)
        self.assertTrue(read.sources_missing)

    def test_anything_else_is_no_answer(self) -> None:
        without = {**self.SHOWN}
        del without["complete"]
        entryless = json.loads(json.dumps(self.SHOWN).replace('"exclusive": true', '"exclusive": "yes"'))
        for shown in [{}, [], without, entryless, {**self.SHOWN, "registrations": [3]}, {**self.SHOWN, "snapshot": 1}]:
            self.assertRaises(module.NoAnswer, module.Answer.read, shown, False)

    def test_the_status_of_one_that_has_no_say_here(self) -> None:
        good = {"server_name": SERVER, "ready": True, "missing": []}
        self.assertFalse(module.sources_missing(SERVER, good))
        self.assertTrue(module.sources_missing(SERVER, {**good, "missing": [{"source": "/x"}]}))
        self.assertRaises(module.OtherServer, module.sources_missing, SERVER, {**good, "server_name": "elsewhere.test"})
        # A proxy's page of maintenance, say: no reason for Synapse not to start.
        with self.assertRaises(module.NoAnswer) as raised:
            module.sources_missing(SERVER, {})
        self.assertNotIsInstance(raised.exception, module.OtherServer)
        self.assertRaises(module.NoAnswer, module.sources_missing, SERVER, {**good, "ready": False})


class TheStateFile(TestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp())
        self.answer = dataclasses.replace(answer(file(TELEGRAM), complete=False), kept=(IRC,))

    def state(self, process: str = "worker/1", server_name: str = SERVER) -> module.State:
        return module.State(self.directory, process, server_name)

    def test_what_was_written_is_read(self) -> None:
        self.assertIsNone(self.state().read())
        self.state().write(self.answer)
        self.assertEqual(self.state().read(), self.answer)

    def test_each_process_has_its_own(self) -> None:
        self.state().write(self.answer)
        self.assertIsNone(self.state("main").read())

    def test_nobody_else_may_read_it_and_nothing_is_left_beside_it(self) -> None:
        self.state().write(self.answer)
        self.state().write(self.answer)
        [written] = self.directory.iterdir()
        self.assertEqual(written.stat().st_mode & 0o777, 0o600)

    def assert_passed_over(self, state: module.State) -> None:
        with self.assertLogs("synapse_bailiwick", "ERROR"):
            self.assertIsNone(state.read())

    def test_what_others_may_have_written_is_passed_over(self) -> None:
        self.state().write(self.answer)
        self.state().file.chmod(0o602)
        self.assert_passed_over(self.state())

    def test_so_is_what_is_cut_off_or_of_another_server(self) -> None:
        self.state().write(self.answer)
        self.assert_passed_over(self.state(server_name="elsewhere.test"))
        written = self.state().file.read_bytes()
        for length in range(0, len(written), 7):
            self.state().file.write_bytes(written[:length])
            self.assert_passed_over(self.state())
        self.state().file.write_bytes(b"[" * 100_000)
        self.assert_passed_over(self.state())

    def test_so_is_a_pipe(self) -> None:
        self.state()
        os.mkfifo(self.state().file, 0o600)
        self.assert_passed_over(self.state())

    def test_a_directory_that_cannot_be_is_said_at_once(self) -> None:
        self.directory.write_text("a file")
        self.assertRaises(ConfigError, self.state)
