"""The modes against a bailiwick that answers as it is told to, on Synapse's own handlers."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from support import (
    SERVER,
    WITHOUT_LOAD,
    Disk,
    Store,
    TestCase,
    alias,
    claims,
    directory_handler,
    entry,
    registration_handler,
    service,
)
from synapse.module_api import NOT_SPAM
from synapse.module_api.errors import ConfigError, SynapseError
from synapse.spam_checker_api import RegistrationBehaviour
from synapse.types import RoomAlias
from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred

import synapse_bailiwick as module

TELEGRAM = claims("telegram", [entry("@telegram_.*")], [entry("#telegram_.*")])
IRC = claims("irc", [entry("@irc_.*")], [entry("#irc_.*")])


class Bailiwick:
    """What it answers; it notes what it was asked."""

    def __init__(self) -> None:
        self.snapshot, self.complete, self.server_name = 1, True, SERVER
        self.registrations: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str, Any]] = []
        # By the first part of the path: an answer that is not the usual one.
        self.instead: dict[str, Any] = {}
        self.silent = False
        self.missing: list[Any] = []

    def show(self, *several: module.Claims, complete: bool = True, **files: module.File) -> None:
        self.snapshot, self.complete = self.snapshot + 1, complete
        self.registrations = [{"file": f"/{of.as_id}.yaml", **of.to_json()} for of in several]
        self.registrations += [{"file": file.path, "sha256": file.sha256, **file.claims.to_json()} for file in files.values()]

    def answer(self, method: str, path: str, body: Any = None) -> Any:
        self.asked.append((method, path, body))
        if self.silent:
            raise module.NoAnswer("a test says nothing")
        for beginning, instead in self.instead.items():
            if path.startswith(beginning):
                if isinstance(instead, Exception):
                    raise instead
                return instead
        facts = {"snapshot": str(self.snapshot), "complete": self.complete}
        status = {**facts, "server_name": self.server_name, "ready": True, "missing": self.missing}
        # What was written is what is read.
        return json.loads(json.dumps({**facts, "registrations": self.registrations} if path == "/v1/registrations" else status))

    def paths(self) -> list[str]:
        paths, self.asked = [path for _, path, _ in self.asked], []
        return paths


class ModeTestCase(TestCase):
    def setUp(self) -> None:
        self.bailiwick = Bailiwick()
        self.relay = service(claims("relay", [entry("@.*", False)]))
        self.store = Store([self.relay])
        self.state = Path(self.mktemp())
        # Without it, it is up to the other tests whether trial has ever run the reactor.
        self.patch(reactor, "_stopped", False)
        self.delegated, self.in_thread = False, False
        self.looping: dict[str, Any] = {}
        self.callbacks: dict[str, Any] = {}
        self.started = SimpleNamespace(started_scheduler=False)

    def boot(self, mode: str = "reserve", worker: str | None = None, **config: Any) -> Any:
        """Synapse starts: the module in a process of its own."""
        registrations, directory = registration_handler(self.store), directory_handler(self.store)
        transactions = SimpleNamespace(recoverers={})
        hs = SimpleNamespace(
            hostname=SERVER,
            get_datastores=lambda: SimpleNamespace(main=self.store),
            get_registration_handler=lambda: registrations,
            get_directory_handler=lambda: directory,
            get_application_service_handler=lambda: self.started,
            get_application_service_scheduler=lambda: SimpleNamespace(txn_ctrl=transactions),
        )

        async def in_thread(function: Any, *arguments: Any) -> Any:
            self.in_thread = True
            try:
                return function(*arguments)
            finally:
                self.in_thread = False

        def password_providers(**_: Any) -> None:
            if self.delegated:
                raise ConfigError("not under an authentication service")

        api: Any = SimpleNamespace(
            _hs=hs,
            server_name=SERVER,
            worker_name=worker,
            defer_to_thread=in_thread,
            register_password_auth_provider_callbacks=password_providers,
            register_spam_checker_callbacks=lambda **callbacks: self.callbacks.update(callbacks),
            looping_background_call=self.loop,
        )
        config = {"socket": "/socket", "mode": mode, **config}
        if mode != "guard":
            config.setdefault("state_directory", str(self.state))

        async def ask(method: str, path: str, body: Any = None, seconds: float = 0) -> Any:
            return self.bailiwick.answer(method, path, body)

        async def fetch(method: str, path: str, body: Any = None, seconds: float = 0) -> tuple[int, bytes]:
            return 200, json.dumps(self.bailiwick.answer(method, path, body)).encode()

        with mock.patch.object(module, "Client") as client:
            client.return_value.ask, client.return_value.fetch = ask, fetch
            client.return_value.ask_at_start = lambda path: self.bailiwick.answer("GET", path)
            booted = module.Bailiwick(module.Bailiwick.parse_config(config), api)
        self.registrations, self.directory = registrations, directory
        return booted.mode

    def loop(self, function: Any, milliseconds: float, *, desc: str, run_on_all_instances: bool) -> None:
        self.assertTrue(run_on_all_instances, desc)
        self.looping[desc] = function

    async def passes(self) -> None:
        await self.looping["bailiwick"]()

    def outcome(self, localpart: str, asking: Any = None) -> int:
        try:
            self.registrations.check_user_id_not_appservice_exclusive(f"@{localpart}:{SERVER}", allowed_appservice=asking)
        except SynapseError as error:
            return error.code
        return 200


class Reserving(ModeTestCase):
    async def test_names_are_reserved_from_the_first_request_on(self) -> None:
        self.bailiwick.show(TELEGRAM)
        self.boot()
        self.assertEqual((self.outcome("telegram_1"), self.outcome("alice")), (400, 200))
        self.assertFalse(self.directory.can_modify_alias(alias("telegram_1"), user_id=f"@alice:{SERVER}"))

    def test_a_good_start_is_said_in_a_line(self) -> None:
        self.bailiwick.show(TELEGRAM)
        with self.assertLogs("synapse_bailiwick", "INFO") as logs:
            self.boot()
        line = "mode reserve, from bailiwick at /socket; registrations in force: 1, loaded as they are now: 0"
        self.assertIn(f"INFO:synapse_bailiwick:{line}", logs.output)
        self.bailiwick.silent = True
        with self.assertLogs("synapse_bailiwick", "INFO") as logs:
            self.boot()
        self.assertIn("INFO:synapse_bailiwick:" + line.replace("bailiwick at /socket", "`state_directory`"), logs.output)

    async def test_and_follow_what_bailiwick_has_in_force(self) -> None:
        self.boot()
        self.bailiwick.show(IRC)
        await self.passes()
        self.assertEqual(self.outcome("irc_1"), 400)
        self.bailiwick.show()
        await self.passes()
        self.assertEqual(self.outcome("irc_1"), 200)

    async def test_it_waits_for_changes_and_reads_what_has_changed_alone(self) -> None:
        self.boot()
        self.bailiwick.paths()
        await self.passes()
        # What it has is told before it waits.
        self.assertEqual(self.bailiwick.paths(), ["/v1/homeservers/main", "/v1/changes?since=1&wait=30"])
        await self.passes()
        self.assertEqual(self.bailiwick.paths(), ["/v1/changes?since=1&wait=30"])
        self.bailiwick.show(IRC)
        await self.passes()
        asked = ["/v1/changes?since=1&wait=30", "/v1/status", "/v1/registrations", "/v1/homeservers/main"]
        self.assertEqual(self.bailiwick.paths(), asked)

    async def test_where_bailiwick_cannot_let_it_wait_it_looks(self) -> None:
        for status in (404, 429, 504):
            self.setUp()
            self.boot()
            self.bailiwick.instead["/v1/changes"] = module.Refused(status, None)
            self.bailiwick.show(IRC)
            await self.passes()
            self.assertEqual(self.outcome("irc_1"), 400)

    async def test_completeness_that_comes_back_is_noticed(self) -> None:
        self.bailiwick.show(TELEGRAM)
        self.boot()
        self.bailiwick.show(IRC, complete=False)
        await self.passes()
        self.assertEqual((self.outcome("telegram_1"), self.outcome("irc_1")), (400, 400))
        # The same set; what was missing is known now.
        self.bailiwick.complete = True
        await self.passes()
        self.assertEqual((self.outcome("telegram_1"), self.outcome("irc_1")), (200, 400))

    async def test_one_pass_at_a_time(self) -> None:
        mode = self.boot()
        mode.passing = True
        self.bailiwick.paths()
        await self.passes()
        self.assertEqual(self.bailiwick.paths(), [])

    async def test_a_pending_restart_is_said_once(self) -> None:
        self.bailiwick.show(TELEGRAM)
        with self.assertLogs("synapse_bailiwick", "WARNING") as logs:
            self.boot()
            await self.passes()
            await self.passes()
        self.assertEqual(len([line for line in logs.output if "`app_service_config_files` is pending" in line]), 1)

    async def test_it_tells_what_is_loaded_as_it_is_now(self) -> None:
        self.store.services_cache.append(service(TELEGRAM))
        self.store.services_cache.append(service(claims("irc", [entry("@older_.*")])))
        self.bailiwick.show(TELEGRAM, IRC)
        self.boot(worker="client/1")
        await self.passes()
        told = [body for method, path, body in self.bailiwick.asked if (method, path) == ("POST", "/v1/homeservers/client%2F1")]
        self.assertEqual(told, [{"mode": "reserve", "snapshot": "2", "loaded": ["telegram"]}])

    async def test_what_claims_the_same_and_has_changed_waits_for_a_restart(self) -> None:
        self.store.services_cache.append(service(TELEGRAM))
        self.bailiwick.show(telegram=module.File(TELEGRAM, "/telegram.yaml", "before"))
        mode = self.boot()
        self.assertEqual(mode.loaded(mode.answer), ["telegram"])
        # As with another token or another address.
        self.bailiwick.show(telegram=module.File(TELEGRAM, "/telegram.yaml", "after"))
        with self.assertLogs("synapse_bailiwick", "WARNING") as logs:
            await self.passes()
        self.assertIn("`app_service_config_files` is pending: `telegram`;", logs.output[0])
        told = [body["loaded"] for method, path, body in self.bailiwick.asked if method == "POST"]
        self.assertEqual(told, [["telegram"], []])
        # It is taken back; and who is not told digests goes by the claims.
        for digest in ("before", None):
            self.bailiwick.show(telegram=module.File(TELEGRAM, "/telegram.yaml", digest))
            await self.passes()
            self.assertEqual(mode.loaded(mode.answer), ["telegram"], digest)

    async def test_that_it_may_not_tell_changes_nothing(self) -> None:
        self.bailiwick.instead["/v1/homeservers"] = module.Refused(403, None)
        self.boot()
        self.bailiwick.show(IRC)
        await self.passes()
        self.assertEqual(self.outcome("irc_1"), 400)

    def test_another_homeservers_bailiwick_is_a_mistake(self) -> None:
        self.bailiwick.server_name = "elsewhere.test"
        error = self.assertRaises(ConfigError, self.boot)
        self.assertIn("elsewhere.test", error.msg)

    def test_exclusive_user_regex_is_left_alone(self) -> None:
        """It decides about push and the user directory, where people live already."""
        self.bailiwick.show(TELEGRAM)
        self.boot()
        self.assertIsNone(self.store.exclusive_user_regex)
        self.assertEqual(self.store.services_cache, [self.relay])


class BailiwickIsAway(ModeTestCase):
    """No name is set free by it."""

    async def lose(self, how: Any) -> None:
        if isinstance(how, Exception):
            self.bailiwick.instead = {"/v1/": how}
        else:
            self.bailiwick.instead = {"/v1/changes": {"snapshot": "x", "complete": True}, "/v1/registrations": how}
        await self.passes()

    async def test_what_was_reserved_stays_so_and_it_is_said_once(self) -> None:
        self.bailiwick.show(TELEGRAM)
        self.boot()
        ways = [module.NoAnswer("silence"), module.Refused(401, None), module.Refused(503, None), {}, {"registrations": []}]
        with self.assertLogs("synapse_bailiwick", "ERROR"):
            for how in ways:
                await self.lose(how)
                self.assertEqual((self.outcome("telegram_1"), self.outcome("alice")), (400, 200), how)
        with self.assertNoLogs("synapse_bailiwick", "ERROR"):
            await self.passes()
        self.bailiwick.instead = {}
        self.bailiwick.show(IRC)
        await self.passes()
        self.assertEqual((self.outcome("telegram_1"), self.outcome("irc_1")), (200, 400))

    async def test_another_server_in_its_place_is_no_answer(self) -> None:
        self.bailiwick.show(TELEGRAM)
        self.boot()
        self.bailiwick.server_name = "elsewhere.test"
        self.bailiwick.show()
        await self.passes()
        self.assertEqual(self.outcome("telegram_1"), 400)

    async def test_after_a_restart_of_synapse_the_last_known_set_is_reserved(self) -> None:
        """Also from another service that may share the name, which no callback sees."""
        self.bailiwick.show(TELEGRAM)
        self.boot()
        self.bailiwick.show(IRC)
        await self.passes()
        self.bailiwick.silent = True
        self.boot()
        self.assertEqual((self.outcome("irc_1"), self.outcome("irc_1", self.relay)), (400, 400))
        self.assertEqual((self.outcome("alice"), self.outcome("alice", self.relay)), (200, 200))

    async def test_where_nothing_is_known_nobody_gets_a_name_until_the_first_answer(self) -> None:
        self.bailiwick.silent = True
        self.boot()
        await self.passes()
        self.assertEqual((self.outcome("alice"), self.outcome("irc_1", self.relay)), (503, 503))
        self.bailiwick.silent = False
        self.bailiwick.show(IRC)
        await self.passes()
        self.assertEqual((self.outcome("alice"), self.outcome("irc_1", self.relay)), (200, 400))

    async def test_without_a_state_directory_nothing_is_known_after_a_restart(self) -> None:
        self.bailiwick.show(IRC)
        self.boot(state_directory=None)
        self.bailiwick.silent = True
        self.boot(state_directory=None)
        self.assertEqual(self.outcome("alice"), 503)

    async def test_a_bailiwick_that_forgot_frees_nothing(self) -> None:
        """It was restarted as well, and cannot read a file that it had in force."""
        self.bailiwick.show(TELEGRAM)
        self.boot()
        self.bailiwick.show(complete=False)
        self.boot()
        self.assertEqual(self.outcome("telegram_1"), 400)

    async def test_one_that_has_not_loaded_yet_is_no_answer(self) -> None:
        status = {"snapshot": "0", "complete": False, "server_name": SERVER, "ready": False}
        self.bailiwick.instead["/v1/status"] = status
        self.boot()
        self.assertEqual(self.outcome("alice"), 503)


class Loading(ModeTestCase):
    skip = WITHOUT_LOAD

    def setUp(self) -> None:
        super().setUp()
        self.disk = Disk(Path(self.mktemp()).resolve())

    def boot_loading(self) -> Any:
        return self.boot("load", directories=[str(self.disk.directory)])

    def ids(self) -> list[str]:
        return [one.id for one in self.store.services_cache]

    async def test_a_file_is_taken_up_and_goes(self) -> None:
        self.boot_loading()
        self.bailiwick.show(telegram=self.disk.put(TELEGRAM))
        await self.passes()
        self.assertEqual(self.ids(), ["relay", "telegram"])
        self.assertEqual(self.outcome("telegram_1"), 400)
        self.bailiwick.show()
        await self.passes()
        self.assertEqual(self.ids(), ["relay"])
        self.assertEqual(self.outcome("telegram_1"), 200)

    async def test_what_takes_long_is_done_in_a_thread(self) -> None:
        mode = self.boot_loading()
        self.bailiwick.show(telegram=self.disk.put(TELEGRAM))
        told = self.looping["bailiwick"]
        done: list[tuple[str, bool]] = []

        def noted(name: str, function: Any) -> Any:
            def noting(*arguments: Any) -> Any:
                done.append((name, self.in_thread))
                return function(*arguments)

            return noting

        with (
            mock.patch.object(module.Answer, "read", noted("read", module.Answer.read)),
            mock.patch.object(module, "Reserved", noted("reserve", module.Reserved)),
            mock.patch.object(mode.loader, "make_exclusive_regex", noted("join", mode.loader.make_exclusive_regex)),
        ):
            await told()
        self.assertEqual({name for name, _ in done}, {"read", "reserve", "join"})
        self.assertTrue(all(in_thread for _, in_thread in done), done)

    async def test_what_is_not_taken_up_is_reserved(self) -> None:
        self.boot_loading()
        self.bailiwick.show(telegram=self.disk.put(TELEGRAM)._replace(sha256="0" * 64))
        await self.passes()
        self.assertEqual(self.ids(), ["relay"])
        self.assertEqual((self.outcome("telegram_1"), self.outcome("telegram_1", self.relay)), (400, 400))

    async def test_what_is_mended_on_disk_alone_is_taken_up_in_the_next_pass(self) -> None:
        file = self.disk.put(TELEGRAM)
        Path(file.path).chmod(0o666)
        self.boot_loading()
        self.bailiwick.show(telegram=file)
        await self.passes()
        self.assertEqual(self.ids(), ["relay"])
        Path(file.path).chmod(0o600)
        await self.passes()
        self.assertEqual(self.ids(), ["relay", "telegram"])

    async def test_what_is_gone_while_another_is_broken_is_reserved_and_its_token_is_not_valid(self) -> None:
        self.boot_loading()
        self.bailiwick.show(telegram=self.disk.put(TELEGRAM))
        await self.passes()
        self.bailiwick.show(complete=False)
        await self.passes()
        self.assertEqual(self.ids(), ["relay"])
        self.assertEqual(self.outcome("telegram_1"), 400)

    async def test_what_was_lost_from_sight_and_turns_out_to_be_gone_is_let_go(self) -> None:
        """bailiwick has the same in force before and after, and does not know everything."""
        self.boot_loading()
        self.bailiwick.show(telegram=self.disk.put(TELEGRAM))
        await self.passes()
        self.bailiwick.show(complete=False)
        self.bailiwick.missing = [{"source": str(self.disk.directory)}]
        await self.passes()
        self.assertEqual(self.ids(), ["relay", "telegram"])
        self.bailiwick.missing = []
        await self.passes()
        self.assertEqual(self.ids(), ["relay"])
        self.assertEqual(self.outcome("telegram_1"), 400)

    async def test_after_a_restart_without_bailiwick_the_same_bytes_are_taken_up_and_no_others(self) -> None:
        self.boot_loading()
        self.bailiwick.show(telegram=self.disk.put(TELEGRAM), irc=self.disk.put(IRC))
        await self.passes()
        self.bailiwick.silent = True
        self.disk.put(claims("irc", [entry("@.*")]))
        self.store.services_cache[:] = [self.relay]
        self.boot_loading()
        self.assertEqual(self.ids(), ["relay", "telegram"])
        self.assertEqual((self.outcome("irc_1"), self.outcome("alice")), (400, 200))

    async def test_the_state_has_no_token(self) -> None:
        self.boot_loading()
        self.bailiwick.show(telegram=self.disk.put(TELEGRAM, token="as_token_of_a_test"))
        await self.passes()
        [kept] = self.state.iterdir()
        self.assertIn("@telegram_.*", kept.read_text())
        self.assertNotIn("as_token_of_a_test", kept.read_text())
        self.assertNotIn("hs_telegram", kept.read_text())


class Guarding(ModeTestCase):
    async def register(self, localpart: str | None) -> Any:
        return await self.callbacks["check_registration_for_spam"](None, localpart, [], None)

    async def create_alias(self, name: str, server: str = SERVER) -> Any:
        return await self.callbacks["user_may_create_room_alias"](f"@alice:{SERVER}", RoomAlias(name, server))

    def decide(self, **decision: Any) -> None:
        self.bailiwick.instead["/v1/may-"] = decision

    async def assert_raises(self, code: int, errcode: str) -> None:
        for asked in (self.register("telegram_1"), self.create_alias("telegram_1")):
            error = await self.assertFailure(ensureDeferred(asked), SynapseError)
            self.assertEqual((error.code, error.errcode), (code, errcode))

    async def test_what_is_free(self) -> None:
        self.boot("guard")
        self.decide(allowed=True, reason="unclaimed", errcode=None)
        self.assertEqual(await self.register("alice"), RegistrationBehaviour.ALLOW)
        self.assertEqual(await self.create_alias("garden"), NOT_SPAM)
        asked = [(path, body) for _, path, body in self.bailiwick.asked if path.startswith("/v1/may-")]
        alias_asked = {"alias": f"#garden:{SERVER}", "user_id": f"@alice:{SERVER}"}
        self.assertEqual(asked, [("/v1/may-register", {"user_id": f"@alice:{SERVER}"}), ("/v1/may-create-alias", alias_asked)])

    async def test_what_is_reserved(self) -> None:
        self.boot("guard")
        self.decide(allowed=False, reason="reserved", errcode="M_EXCLUSIVE")
        await self.assert_raises(400, "M_EXCLUSIVE")

    async def test_no_answer_no_decision_and_another_server_are_closed(self) -> None:
        self.boot("guard")
        for decision in (
            {},
            {"allowed": "true"},
            {"allowed": False, "errcode": None},
            {"allowed": False, "errcode": "M_INVALID_PARAM"},
        ):
            self.decide(**decision)
            await self.assert_raises(503, "M_UNKNOWN")
        self.bailiwick.silent = True
        await self.assert_raises(503, "M_UNKNOWN")

    async def test_a_question_is_asked_twice_at_most(self) -> None:
        self.boot("guard")
        self.bailiwick.silent = True
        self.bailiwick.paths()
        await self.assertFailure(ensureDeferred(self.register("alice")), SynapseError)
        self.assertEqual(self.bailiwick.paths(), ["/v1/may-register"] * 2)

    async def test_what_synapse_refuses_itself_is_left_to_it(self) -> None:
        self.boot("guard")
        self.decide(allowed=False, reason="invalid_user_id", errcode="M_INVALID_USERNAME")
        self.assertEqual(await self.register("A b"), RegistrationBehaviour.ALLOW)
        self.bailiwick.silent = True
        self.assertEqual(await self.register("a" * 256), RegistrationBehaviour.ALLOW)
        self.assertEqual(await self.create_alias("garden", "elsewhere.test"), NOT_SPAM)

    async def test_who_has_no_name_is_not_asked_about(self) -> None:
        self.boot("guard")
        self.bailiwick.silent = True
        self.assertEqual(await self.register(None), RegistrationBehaviour.ALLOW)

    def test_beside_an_authentication_service_it_is_refused(self) -> None:
        self.delegated = True
        error = self.assertRaises(ConfigError, self.boot, "guard")
        self.assertIn("use the mode reserve", error.msg)
        self.boot("reserve")

    def test_it_touches_nothing_private(self) -> None:
        self.boot("guard")
        self.assertNotIn("check_user_id_not_appservice_exclusive", vars(self.registrations))
        self.assertNotIn("can_modify_alias", vars(self.directory))
