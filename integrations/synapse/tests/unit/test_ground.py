"""Synapse's private parts are looked at when it starts: whatever differs is said in a line, and the mode is refused."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any
from unittest import SkipTest, mock

from support import SERVER, WITHOUT_LOAD, Store, TestCase, claims, entry, service
from synapse.appservice import ApplicationService, scheduler
from synapse.config import appservice as config
from synapse.handlers.directory import DirectoryHandler
from synapse.handlers.register import RegistrationHandler
from synapse.module_api.errors import ConfigError
from synapse.storage.databases.main import appservice as storage

import synapse_bailiwick as module


def other(self: object, anything: object, more: object, else_: object) -> None:
    """A function that is not the one that is known."""


RESERVE = [
    (RegistrationHandler, "check_user_id_not_appservice_exclusive"),
    (RegistrationHandler, "check_username"),
    (RegistrationHandler, "register_user"),
    (RegistrationHandler, "appservice_register"),
    (DirectoryHandler, "can_modify_alias"),
    (DirectoryHandler, "create_association"),
    (DirectoryHandler, "delete_association"),
    (ApplicationService, "is_exclusive_user"),
    (config, "_load_appservice"),
]
LOAD = [
    (storage, "_make_exclusive_regex"),
    (Store, "get_appservice_state"),
    (scheduler._TransactionController, "start_recoverer"),
    (scheduler._Recoverer, "force_retry"),
    (scheduler._Recoverer, "recover"),
    (scheduler._Recoverer, "retry"),
]
# What each mode that this Synapse has relies upon.
MODES = {"reserve": RESERVE} if WITHOUT_LOAD else {"reserve": RESERVE, "load": RESERVE + LOAD}
# What an object has: the object, the attribute.
RESERVE_ATTRIBUTES = [("store", "services_cache")]
LOAD_ATTRIBUTES = [
    ("store", "exclusive_user_regex"),
    ("store", "get_app_service_users_in_room"),
    ("transactions", "recoverers"),
    ("handler", "started_scheduler"),
]


class PrivateGround(TestCase):
    def setUp(self) -> None:
        self.store = Store([service(claims("native", [entry("@native_.*")]))])
        self.transactions = SimpleNamespace(recoverers={})
        self.handler = SimpleNamespace(started_scheduler=False)
        registrations, directory = object(), object()
        self.hs: Any = SimpleNamespace(
            hostname=SERVER,
            get_datastores=lambda: SimpleNamespace(main=self.store),
            get_registration_handler=lambda: registrations,
            get_directory_handler=lambda: directory,
            get_application_service_handler=lambda: self.handler,
            get_application_service_scheduler=lambda: SimpleNamespace(txn_ctrl=self.transactions),
        )

    def assert_refused(self, mode: str) -> None:
        error = self.assertRaises(ConfigError, module.check_private_ground, self.hs, mode)
        self.assertRegex(
            error.msg, rf"^synapse_bailiwick: the mode {mode} does not work with this Synapse: \S[^\n]*$"
        )

    def test_this_synapse_is_as_expected(self) -> None:
        for mode in MODES:
            module.check_private_ground(self.hs, mode)

    def test_a_synapse_that_is_too_old_for_load_is_told_so(self) -> None:
        if not WITHOUT_LOAD:
            raise SkipTest("this Synapse has what the mode load needs")
        self.assert_refused("load")

    def test_a_function_that_differs_or_is_missing(self) -> None:
        for mode, functions in MODES.items():
            for owner, name in functions:
                with mock.patch.object(owner, name, other):
                    self.assert_refused(mode)
                kept = getattr(owner, name)
                delattr(owner, name)
                try:
                    self.assert_refused(mode)
                finally:
                    setattr(owner, name, kept)
                module.check_private_ground(self.hs, mode)

    def test_an_attribute_that_differs_or_is_missing(self) -> None:
        for mode, attributes in (("reserve", RESERVE_ATTRIBUTES), ("load", RESERVE_ATTRIBUTES + LOAD_ATTRIBUTES)):
            for owner, name in attributes:
                target = getattr(self, owner)
                for change in ({name: 3}, None):
                    kept = getattr(target, name)
                    setattr(target, name, 3) if change else delattr(target, name)
                    self.assert_refused(mode)
                    setattr(target, name, kept)

    def test_handlers_that_are_made_anew_each_time(self) -> None:
        self.hs.get_registration_handler = object
        self.assert_refused("reserve")

    def test_a_list_of_services_that_is_a_copy(self) -> None:
        with mock.patch.object(Store, "get_app_services", lambda self: list(self.services_cache)):
            module.check_private_ground(self.hs, "reserve")
            self.assert_refused("load")

    def test_services_whose_attributes_are_slots(self) -> None:
        with mock.patch.object(ApplicationService, "__slots__", ("id",), create=True):
            self.assert_refused("load")

    def test_everything_private_that_the_module_names_is_looked_at(self) -> None:
        """Names with an underscore of Synapse's, in the module's own text."""
        with open(module.__file__) as file:
            text = file.read()
        used = set(re.findall(r"(?:import |storage\.|_Recoverer\.|scheduler\.)(_[A-Za-z_]+)", text)) - {"_Recoverer", "__init__"}
        looked_at = {name for _, name in RESERVE + LOAD} | {"_TransactionController", "_backoff"}
        self.assertEqual(used - looked_at, set())
