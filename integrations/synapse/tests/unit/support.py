"""What the unit tests share: Synapse's own classes on a store and a clock of ours, and what bailiwick would answer."""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
import re
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from synapse.appservice import ApplicationService, ApplicationServiceState
from synapse.appservice.scheduler import _Recoverer
from synapse.config.appservice import _load_appservice
from synapse.handlers.directory import DirectoryHandler
from synapse.handlers.register import RegistrationHandler
from synapse.types import RoomAlias
from twisted.internet.defer import ensureDeferred
from twisted.trial import unittest

import synapse_bailiwick as module

SERVER = "hs1.test"

# For `skip` of trial: why the mode `load` is not tried on this release, or None.
WITHOUT_LOAD = None if hasattr(_Recoverer, "force_retry") else "too old a Synapse for the mode load: no _Recoverer.force_retry"


def entry(regex: str, exclusive: bool = True) -> module.Entry:
    return module.Entry(regex, exclusive)


def claims(as_id: str, users: Sequence[module.Entry] = (), aliases: Sequence[module.Entry] = (), sender: str = "") -> module.Claims:
    return module.Claims(as_id, f"@{sender or as_id + 'bot'}:{SERVER}", tuple(users), tuple(aliases))


def registration(of: module.Claims, token: str | None = None, **more: Any) -> dict[str, Any]:
    """A registration file with these claims, as data."""
    namespaces = {kind: [e._asdict() for e in entries] for kind, entries in (("users", of.users), ("aliases", of.aliases))}
    return {
        "id": of.as_id,
        "url": None,
        "as_token": token or f"as_{of.as_id}",
        "hs_token": f"hs_{of.as_id}",
        "sender_localpart": of.sender[1:].partition(":")[0],
        "namespaces": namespaces,
        **more,
    }


def service(of: module.Claims, token: str | None = None, **more: Any) -> ApplicationService:
    """As Synapse loads it."""
    return _load_appservice(SERVER, registration(of, token, **more), "a test")


def alias(localpart: str) -> RoomAlias:
    return RoomAlias(localpart, SERVER)


def answer(*files: module.File, complete: bool = True, snapshot: str = "1", **more: Any) -> module.Answer:
    facts = {"unknown": frozenset(), "sources_missing": False, **more}
    return module.Answer(snapshot=snapshot, complete=complete, files=files, **facts)


class TestCase(unittest.TestCase):
    """trial's; older ones, as 22.4, call an asynchronous test, never run what they get, and take it to have passed."""

    def __init_subclass__(cls) -> None:
        for name, test in list(vars(cls).items()):
            if name.startswith("test") and inspect.iscoroutinefunction(test):
                setattr(cls, name, as_deferred(test))


def as_deferred(test: Any) -> Any:
    @functools.wraps(test)
    def run(case: TestCase) -> Any:
        return ensureDeferred(test(case))

    return run


class Store:
    """The parts of Synapse's store that know of application services."""

    def __init__(self, services: list[ApplicationService]) -> None:
        self.services_cache = services
        self.exclusive_user_regex: re.Pattern[str] | None = None
        self.get_app_service_users_in_room = SimpleNamespace(invalidate_all=lambda: None)
        self.down: set[str] = set()
        # By id: what waits to be sent.
        self.unsent: dict[str, list[Any]] = {}

    def get_app_services(self) -> list[ApplicationService]:
        return self.services_cache

    async def get_appservice_state(self, service: ApplicationService) -> ApplicationServiceState:
        return ApplicationServiceState.DOWN if service.id in self.down else ApplicationServiceState.UP

    async def set_appservice_state(self, of: ApplicationService, state: ApplicationServiceState) -> None:
        (self.down.add if state == ApplicationServiceState.DOWN else self.down.discard)(of.id)

    async def get_oldest_unsent_txn(self, of: ApplicationService) -> Any:
        waiting = self.unsent.get(of.id)
        return waiting[0](of) if waiting else None


def registration_handler(store: Store) -> RegistrationHandler:
    """Synapse's, with no more than what its checks of services look at."""
    handler = RegistrationHandler.__new__(RegistrationHandler)
    handler.store = store  # type: ignore[assignment]
    handler._server_notices_mxid = None
    return handler


def directory_handler(store: Store) -> DirectoryHandler:
    handler = DirectoryHandler.__new__(DirectoryHandler)
    handler.store = store  # type: ignore[assignment]
    return handler


class Disk:
    """Registration files, as an operator would have them, and what bailiwick says of each."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o755, parents=True)
        self.directory = directory

    def put(self, of: module.Claims, name: str | None = None, **more: Any) -> module.File:
        path = self.directory / (name or f"{of.as_id}.yaml")
        path.write_text(json.dumps(registration(of, **more)))
        path.chmod(0o600)
        return module.File(of, str(path), hashlib.sha256(path.read_bytes()).hexdigest())
