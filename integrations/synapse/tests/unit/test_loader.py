"""Taking registrations up, on Synapse's own services, scheduler and recoverers."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import SkipTest, mock

from support import SERVER, WITHOUT_LOAD, Disk, Store, TestCase, answer, claims, entry, registration, service
from synapse.appservice.scheduler import _TransactionController
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.testing import MemoryReactorClock

import synapse_bailiwick as module

TELEGRAM = claims("telegram", [entry("@telegram_.*")], [entry("#telegram_.*")])
WIDER = claims("telegram", [entry("@telegram_.*"), entry("@tg_.*")], [entry("#telegram_.*")])
IRC = claims("irc", [entry("@irc_.*")])
NATIVE = claims("native", [entry("@native_.*")])


class LoaderTestCase(TestCase):
    skip = WITHOUT_LOAD

    def setUp(self) -> None:
        self.root = Path(self.mktemp()).resolve()
        self.disk = Disk(self.root / "registrations")
        self.native = service(NATIVE)
        self.store = Store([self.native])
        self.reactor = MemoryReactorClock()
        self.started = SimpleNamespace(started_scheduler=True)
        self.loader = self.make_loader({str(self.disk.directory): self.disk.directory})

    def make_loader(
        self, directories: dict[str, Path], delegated: bool = False, owners: frozenset[int] = frozenset()
    ) -> module.Loader:
        from synapse.util.clock import Clock

        clock = Clock(self.reactor, server_name=SERVER)  # type: ignore[arg-type]
        hs: Any = SimpleNamespace(
            hostname=SERVER,
            get_datastores=lambda: SimpleNamespace(main=self.store),
            get_clock=lambda: clock,
            get_application_service_api=lambda: None,
            get_application_service_handler=lambda: self.started,
            run_as_background_process=lambda _, function, *arguments: ensureDeferred(function(*arguments)),
        )
        self.transactions = _TransactionController(hs)
        hs.get_application_service_scheduler = lambda: SimpleNamespace(txn_ctrl=self.transactions)
        config = module.Config("load", "/socket", None, None, None, directories, owners)
        return module.Loader(hs, config, delegated)

    def apply(self, *files: module.File, **facts: Any) -> None:
        now = answer(*files, **facts)
        self.loader.apply(now, self.loader.prepare(now))

    def assert_refused(self, words: str, *files: module.File, **facts: Any) -> None:
        """Nothing is changed, and the operator is told why, once and without a token."""
        before, contents = list(self.store.services_cache), [dict(vars(one)) for one in self.store.services_cache]
        with self.assertLogs("synapse_bailiwick", "ERROR") as logs:
            self.apply(*files, **facts)
        [line] = logs.output
        self.assertIn(words, line)
        self.assertNotIn("as_", line.replace("as_token", ""))
        self.assertEqual(self.store.services_cache, before)
        self.assertEqual([dict(vars(one)) for one in self.store.services_cache], contents)
        with self.assertNoLogs("synapse_bailiwick", "ERROR"):
            self.apply(*files, **facts)

    def ids(self) -> list[str]:
        return [one.id for one in self.store.services_cache]

    def get(self, as_id: str) -> Any:
        return next(one for one in self.store.services_cache if one.id == as_id)


class Lists(LoaderTestCase):
    def test_what_is_new_comes_after_the_others_in_load_order(self) -> None:
        cache = self.store.services_cache
        self.apply(self.disk.put(TELEGRAM), self.disk.put(IRC))
        self.assertEqual(self.ids(), ["native", "telegram", "irc"])
        self.assertIs(self.store.services_cache, cache)
        self.assertIs(self.get("native"), self.native)
        self.apply(self.disk.put(IRC), self.disk.put(TELEGRAM))
        self.assertEqual(self.ids(), ["native", "irc", "telegram"])

    def test_push_and_directory_know_its_users(self) -> None:
        self.apply(self.disk.put(TELEGRAM))
        self.assertTrue(self.store.exclusive_user_regex and self.store.exclusive_user_regex.match("@telegram_1:hs1.test"))

    def test_what_is_unchanged_is_the_same_object_and_is_not_read_again(self) -> None:
        file = self.disk.put(TELEGRAM)
        self.apply(file)
        before, contents = self.get("telegram"), vars(self.get("telegram"))
        self.disk.directory.joinpath("telegram.yaml").unlink()
        self.apply(file)
        self.assertIs(self.get("telegram"), before)
        self.assertIs(vars(self.get("telegram")), contents)

    def test_what_has_changed_is_the_same_object_with_other_content(self) -> None:
        """Whoever holds it, as a queue or a recoverer, goes on with the new address and tokens."""
        self.apply(self.disk.put(TELEGRAM))
        before = self.get("telegram")
        # As Synapse keeps what it has found out about a room.
        before.__dict__["is_interested_in_room"] = "a cache"
        self.apply(self.disk.put(WIDER, url="http://127.0.0.1:1/", token="as_other"))
        self.assertIs(self.get("telegram"), before)
        self.assertEqual((before.url, before.token), ("http://127.0.0.1:1", "as_other"))
        self.assertTrue(before.is_exclusive_user("@tg_1:hs1.test"))
        self.assertNotIn("is_interested_in_room", vars(before))

    def test_what_synapse_loaded_itself_is_brought_up_to_date(self) -> None:
        loaded = service(TELEGRAM)
        self.store.services_cache.append(loaded)
        self.apply(self.disk.put(WIDER))
        self.assertIs(self.get("telegram"), loaded)
        self.assertTrue(loaded.is_exclusive_user("@tg_1:hs1.test"))

    def test_two_that_exchange_their_tokens(self) -> None:
        self.apply(self.disk.put(TELEGRAM), self.disk.put(IRC))
        self.apply(self.disk.put(TELEGRAM, token="as_irc"), self.disk.put(IRC, token="as_telegram"))
        self.assertEqual([self.get(as_id).token for as_id in ("telegram", "irc")], ["as_irc", "as_telegram"])
        # Not where one of the two keeps what the other wants: then both stay as they were.
        irc = self.disk.put(IRC, token="as_native")
        with self.assertLogs("synapse_bailiwick", "ERROR") as logs:
            self.apply(self.disk.put(TELEGRAM, token="as_telegram"), irc)
        self.assertEqual([self.get(as_id).token for as_id in ("telegram", "irc")], ["as_irc", "as_telegram"])
        self.assertEqual(len(logs.output), 2)

    def test_what_is_removed_is_gone_and_others_stay(self) -> None:
        irc = self.disk.put(IRC)
        self.apply(self.disk.put(TELEGRAM), irc)
        with self.assertLogs("synapse_bailiwick", "WARNING"):
            self.apply(irc)
        self.assertEqual(self.ids(), ["native", "irc"])
        self.assertFalse(self.store.exclusive_user_regex and self.store.exclusive_user_regex.match("@telegram_1:hs1.test"))
        self.apply(irc, self.disk.put(TELEGRAM))
        self.assertEqual(self.ids(), ["native", "irc", "telegram"])

    def test_what_is_lost_from_sight_stays(self) -> None:
        file = self.disk.put(TELEGRAM)
        self.apply(file)
        for facts in ({"sources_missing": True}, {"unknown": frozenset({file.path})}):
            self.apply(complete=False, **facts)
            self.assertEqual(self.ids(), ["native", "telegram"])
        # Another file is broken; this one is not there any more.
        self.apply(complete=False, unknown=frozenset({"/registrations/irc.yaml"}))
        self.assertEqual(self.ids(), ["native"])

    def test_bailiwick_is_told_what_is_loaded_as_it_is_now(self) -> None:
        telegram, irc = self.disk.put(TELEGRAM), self.disk.put(IRC)
        irc = irc._replace(sha256="0" * 64)
        self.apply(telegram, irc)
        self.assertEqual(self.loader.loaded(answer(telegram, irc)), ["telegram"])

    def test_under_an_authentication_service_devices_are_managed_as_synapse_would_have_it(self) -> None:
        self.apply(self.disk.put(TELEGRAM))
        self.assertFalse(self.get("telegram").msc4190_device_management)
        self.loader = self.make_loader({str(self.disk.directory): self.disk.directory}, delegated=True)
        self.apply(self.disk.put(TELEGRAM))
        self.assertTrue(self.get("telegram").msc4190_device_management)

    def test_a_proxy_prefix_needs_a_restart(self) -> None:
        if not hasattr(service(TELEGRAM), "proxy_prefix"):
            raise SkipTest("this Synapse knows no proxy prefix")
        proxy = {"io.element.msc4512.proxy_prefix": "rtc/livekit", "io.element.msc4512.proxy_url": "http://127.0.0.1:1"}
        with self.assertLogs("synapse_bailiwick", "WARNING") as logs:
            self.apply(self.disk.put(TELEGRAM, **proxy))
        self.assertIn("after a restart only", logs.output[0])
        with self.assertNoLogs("synapse_bailiwick", "WARNING"):
            self.apply(self.disk.put(TELEGRAM), self.disk.put(IRC))


class Refusals(LoaderTestCase):
    def test_bytes_that_were_not_judged(self) -> None:
        file = self.disk.put(TELEGRAM)
        self.assert_refused("its bytes are not those", file._replace(sha256="0" * 64))
        self.apply(file)
        self.assertEqual(self.ids(), ["native", "telegram"])
        # Somebody is quicker than bailiwick: what is loaded stays as it was.
        self.disk.put(WIDER)
        self.assert_refused("its bytes are not those", file._replace(sha256="0" * 64))

    def test_a_digest_that_is_not_told(self) -> None:
        self.assert_refused("a token of the role admin", self.disk.put(TELEGRAM)._replace(sha256=None))

    def test_the_token_of_another(self) -> None:
        self.assert_refused("also that of `native`", self.disk.put(TELEGRAM, token="as_native"))
        self.apply(self.disk.put(IRC), self.disk.put(TELEGRAM))
        self.assert_refused("also that of `irc`", self.disk.put(IRC), self.disk.put(TELEGRAM, token="as_irc"))

    def test_the_id_of_another(self) -> None:
        file = self.disk.put(IRC, name="telegram.yaml")
        self.assert_refused("its id is another", file._replace(claims=TELEGRAM))

    def test_regexes_that_synapse_cannot_join(self) -> None:
        flags = claims("flags", [entry("(?i)@flags_.*")])
        self.assert_refused("cannot join", self.disk.put(flags))
        self.apply(self.disk.put(flags), self.disk.put(TELEGRAM))
        self.assertEqual(self.ids(), ["native", "telegram"])

    def test_a_regex_that_refers_to_a_group_of_another_service(self) -> None:
        """Joined behind it, it could be read; once the other is removed, nothing could be any more."""
        refers = self.disk.put(claims("refers", [entry(r"@r_(x)?\1.*")]))
        self.apply(self.disk.put(TELEGRAM))
        self.assert_refused("cannot join", self.disk.put(TELEGRAM), refers)

    def test_the_name_of_a_group_that_another_uses(self) -> None:
        """Whoever comes first has it, and nobody else is left out, wherever they stand."""
        named = [claims(f"named{i}", [entry(f"@n{i}_(?P<name>.*)")]) for i in (1, 2)]
        others = [claims(f"other{i}", [entry(f"@o{i}_.*")]) for i in range(5)]
        with self.assertLogs("synapse_bailiwick", "ERROR") as logs:
            self.apply(*(self.disk.put(of) for of in [others[0], named[0], *others[1:4], named[1], others[4]]))
        [line] = logs.output
        self.assertIn("named2.yaml is not taken up: Synapse cannot join", line)
        self.assertEqual(self.ids(), ["native", "other0", "named1", "other1", "other2", "other3", "other4"])
        assert self.store.exclusive_user_regex
        self.assertTrue(self.store.exclusive_user_regex.match("@o4_a"))

    def test_the_token_of_one_that_keeps_it_since_its_file_cannot_be_joined(self) -> None:
        named = [claims(as_id, [entry(f"@{as_id}_(?P<name>.*)")]) for as_id in ("irc", "telegram")]
        irc = self.disk.put(named[0])
        self.apply(irc, self.disk.put(TELEGRAM))
        signal = claims("signal", [entry("@signal_.*")])
        with self.assertLogs("synapse_bailiwick", "ERROR") as logs:
            self.apply(irc, self.disk.put(named[1], token="as_new"), self.disk.put(signal, token="as_telegram"))
        self.assertEqual(len(logs.output), 2)
        self.assertEqual((self.ids(), self.get("telegram").token), (["native", "irc", "telegram"], "as_telegram"))

    def test_regexes_are_joined_once_and_not_while_people_wait(self) -> None:
        files = [self.disk.put(claims(f"s{i}", [entry(f"@s{i}_.*")])) for i in range(8)]
        now = answer(*files)
        joins: list[int] = []
        join = self.loader.make_exclusive_regex

        def counted(services: list[Any]) -> Any:
            joins.append(len(services))
            return join(services)

        with mock.patch.object(self.loader, "make_exclusive_regex", counted):
            prepared = self.loader.prepare(now)
            self.assertEqual([size for size in joins if size > 1], [9])
            joins.clear()
            self.loader.apply(now, prepared)
            # Where nothing is new there is nothing to join either.
            self.loader.apply(now, self.loader.prepare(now))
            self.assertEqual(joins, [])

    def test_a_path_that_is_relative_to_where_bailiwick_runs(self) -> None:
        file = self.disk.put(TELEGRAM)._replace(path="registrations/telegram.yaml")
        self.assert_refused("bailiwick names it by a relative path", file)
        self.loader = self.make_loader({"registrations": self.disk.directory})
        self.apply(file)
        self.assertEqual(self.ids(), ["native", "telegram"])

    def test_what_synapse_loaded_and_nothing_can_be_joined_with_keeps_no_token_valid(self) -> None:
        refers = service(claims("refers", [entry(r"@r_(x)?\1.*")]))
        self.apply(self.disk.put(TELEGRAM))
        self.store.services_cache[:] = [self.get("telegram"), refers]
        with self.assertLogs("synapse_bailiwick", "ERROR"):
            self.apply()
        self.assertEqual(self.ids(), ["refers"])

    def test_a_file_that_synapse_does_not_load(self) -> None:
        file = self.disk.put(TELEGRAM, sender_localpart="ä as_secret")
        self.assert_refused("Synapse does not load it (ValueError)", file)

    def test_links_in_a_circle(self) -> None:
        link = self.disk.directory / "circle.yaml"
        link.symlink_to(link)
        self.assert_refused("circle.yaml is not taken up", self.disk.put(IRC)._replace(path=str(link)))

    def test_a_file_that_is_not_there(self) -> None:
        file = self.disk.put(TELEGRAM)
        Path(file.path).unlink()
        self.assert_refused("No such file", file)

    def test_a_pipe(self) -> None:
        file = self.disk.put(TELEGRAM)
        Path(file.path).unlink()
        os.mkfifo(file.path, 0o600)
        self.assert_refused("not a regular file", file)

    def test_a_path_outside_of_the_directories(self) -> None:
        outside = Disk(self.root / "outside").put(TELEGRAM)
        self.assert_refused("not below `directories`", outside)
        up = outside._replace(path=f"{self.disk.directory}/../outside/telegram.yaml")
        self.assert_refused("which is not below `directories`", up)

    def test_a_link_that_leads_out_of_them(self) -> None:
        outside = Disk(self.root / "outside").put(TELEGRAM)
        link = self.disk.directory / "telegram.yaml"
        link.symlink_to(outside.path)
        self.assert_refused("which is not below `directories`", outside._replace(path=str(link)))

    def test_a_link_within_them_is_followed_as_kubernetes_makes_them(self) -> None:
        file = self.disk.put(TELEGRAM, name="..data")
        link = self.disk.directory / "telegram.yaml"
        link.symlink_to("..data")
        self.apply(file._replace(path=str(link)))
        self.assertEqual(self.ids(), ["native", "telegram"])

    def test_paths_are_other_ones_where_bailiwick_runs(self) -> None:
        file = self.disk.put(TELEGRAM)
        self.loader = self.make_loader({"/etc/matrix": self.disk.directory})
        self.apply(file._replace(path="/etc/matrix/telegram.yaml"))
        self.assertEqual(self.ids(), ["native", "telegram"])
        self.assert_refused(
            "not below `directories`", file, self.disk.put(IRC)._replace(path="/etc/matrix2/irc.yaml"), complete=False
        )

    def test_what_others_may_write(self) -> None:
        file = self.disk.put(TELEGRAM)
        for mode in (0o620, 0o602):
            Path(file.path).chmod(mode)
            self.assert_refused("can be written by others", file)
            self.loader.problems.clear()
        Path(file.path).chmod(0o644)
        self.disk.directory.chmod(0o777)
        self.assert_refused("can be written by others", file)
        self.disk.directory.chmod(0o755)
        # Nothing else has changed: it is looked at again at each pass.
        self.apply(file)
        self.assertEqual(self.ids(), ["native", "telegram"])

    def test_what_others_own(self) -> None:
        if os.geteuid() != 0:
            self.skipTest("only root gives files away")
        file = self.disk.put(TELEGRAM)
        os.chown(file.path, 12_345, 12_345)
        self.assert_refused("belongs to user 12345", file)
        self.loader = self.make_loader({str(self.disk.directory): self.disk.directory}, owners=frozenset({12_345}))
        self.apply(file)
        self.assertEqual(self.ids(), ["native", "telegram"])

    def test_a_read_only_mount_is_not_asked_who_may_write(self) -> None:
        file = self.disk.put(TELEGRAM)
        Path(file.path).chmod(0o666)
        with mock.patch.object(os, "statvfs", lambda _: SimpleNamespace(f_flag=os.ST_RDONLY)):
            self.apply(file)
        self.assertEqual(self.ids(), ["native", "telegram"])


class Sent:
    """A transaction that waits; it notes by which address it was sent, and whether it got through."""

    def __init__(self, to: list[str | None], gets_through: Callable[[], bool | Deferred[bool]]) -> None:
        self.to, self.gets_through = to, gets_through

    def __call__(self, of: Any) -> Any:
        async def send(_: object) -> bool:
            self.to.append(of.url)
            result = self.gets_through()
            return result if isinstance(result, bool) else await result

        async def complete(store: Store) -> None:
            store.unsent[of.id].pop(0)

        return SimpleNamespace(id=1, service=of, send=send, complete=complete)


class WhoIsDown(LoaderTestCase):
    """`_Recoverer` tries again after 2 s, 4 s and so on, up to 512 s."""

    def setUp(self) -> None:
        super().setUp()
        self.sent: list[str | None] = []
        self.up: bool | Deferred[bool] = False
        self.store.unsent["telegram"] = [Sent(self.sent, lambda: self.up)]
        self.apply(self.disk.put(TELEGRAM, url="http://old"))
        self.transactions.start_recoverer(self.get("telegram"))

    def test_a_changed_address_is_tried_at_once(self) -> None:
        self.reactor.pump([2, 4, 8, 16])
        self.assertEqual(self.sent, ["http://old"] * 4)
        self.up = True
        self.apply(self.disk.put(TELEGRAM, url="http://new"))
        self.assertEqual(self.sent[4:], ["http://new"])
        self.assertEqual(self.transactions.recoverers, {})

    def test_a_try_that_is_under_way_is_not_doubled(self) -> None:
        under_way: Deferred[bool] = Deferred()
        self.up = under_way
        self.reactor.pump([2])
        self.apply(self.disk.put(TELEGRAM, url="http://new"))
        self.assertEqual(self.sent, ["http://old"])
        self.up = True
        under_way.callback(False)
        self.assertEqual(self.sent, ["http://old"])
        self.reactor.pump([4])
        self.assertEqual(self.sent, ["http://old", "http://new"])

    def test_what_is_gone_is_not_tried_again(self) -> None:
        self.apply()
        self.assertEqual(self.transactions.recoverers, {})
        self.reactor.pump([600])
        self.assertEqual(self.sent, [])

    def test_nor_after_a_try_that_was_under_way(self) -> None:
        for gets_through in (True, False):
            self.setUp()
            self.store.unsent["telegram"].append(Sent(self.sent, lambda: True))
            under_way: Deferred[bool] = Deferred()
            self.up = under_way
            self.reactor.pump([2])
            self.apply()
            under_way.callback(gets_through)
            self.reactor.pump([600])
            self.assertEqual(self.sent, ["http://old"])
            self.assertEqual(self.transactions.recoverers, {})

    def test_a_transaction_that_fails_after_its_service_left_starts_nobody_for_long(self) -> None:
        left = self.get("telegram")
        self.apply()
        self.transactions.start_recoverer(left)
        self.loader.tend()
        self.reactor.pump([600])
        self.assertEqual(self.sent, [])

    def test_nor_one_with_an_object_that_is_no_longer_there(self) -> None:
        left = self.get("telegram")
        self.apply()
        self.apply(self.disk.put(TELEGRAM, url="http://new"))
        self.transactions.start_recoverer(left)
        self.loader.tend()
        self.assertEqual(self.sent, ["http://new"])

    def test_one_that_comes_back_is_tried(self) -> None:
        """Synapse looks for services that are down when it starts, and never again."""
        self.apply()
        self.store.down.add("telegram")
        self.up = True
        self.apply(self.disk.put(TELEGRAM, url="http://new"))
        self.reactor.pump([2])
        self.assertEqual(self.sent, ["http://new"])
        self.assertEqual(self.store.down, set())

    def test_but_not_before_synapse_looks_itself(self) -> None:
        self.apply()
        self.store.down.add("telegram")
        self.started.started_scheduler = False
        self.apply(self.disk.put(TELEGRAM))
        self.assertEqual(self.transactions.recoverers, {})


class Claims(LoaderTestCase):
    def test_what_a_service_claims_is_read_as_bailiwick_shows_it(self) -> None:
        for of in (TELEGRAM, WIDER, claims("a", [entry("@b", False), entry("@a")], sender="c")):
            self.assertEqual(module.claims_of(service(of)), of)
        self.assertEqual(registration(TELEGRAM)["sender_localpart"], "telegrambot")
        self.assertTrue(dataclasses.is_dataclass(answer()))
