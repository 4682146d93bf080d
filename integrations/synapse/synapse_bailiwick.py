"""A Synapse module that acts on what bailiwick knows: the names of application services are reserved at once.

Synapse reads the registrations of application services once, when it starts. Until somebody restarts it, it goes on giving
away the names of a bridge whose file has been there for weeks. bailiwick knows such a file within a second; this module
carries the word into a running Synapse, in one of three modes:

* `reserve` (the default) refuses, wherever Synapse itself would, the names of registrations that Synapse has not loaded.
* `load` does that, and takes the registrations up: a bridge works without a restart, on every worker.
* `guard` asks bailiwick about each registration and each alias, by Synapse's public callbacks alone. It covers less.

How a name is reserved. All flows that ask whether a user ID is free of application services come through one function of
Synapse's, `RegistrationHandler.check_user_id_not_appservice_exclusive`: people, administrators, the shared secret, the
authentication service, first sign-ons, and other application services, for which no callback exists. Aliases come through
`DirectoryHandler.can_modify_alias`. `Gate` stands before these two, in each process: what Synapse refuses stays refused, and
what it would allow is refused as well if some registration in bailiwick's answer holds it exclusively. Matching is
Synapse's own: Python's `re.match`, and of each registration the first entry that matches decides. A service is never
refused on account of its own registration, so that one that Synapse has loaded in an older version goes on as before.

Neither function is part of Synapse's module API, nor is what `load` touches. Everything private that a mode relies upon is
listed in `private_ground` and looked at when Synapse starts; where anything differs, Synapse does not start in that mode and
says why.

What happens when bailiwick does not answer is one rule: *no name is ever set free by a fault of bailiwick*. What was
reserved stays reserved. After a restart of Synapse the last known set is read from `state_directory`; where nothing is
known at all, nobody gets a name (503) until bailiwick has answered once, save a service that registers in the namespace
which it already holds in Synapse.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import hashlib
import http.client
import inspect
import io
import json
import logging
import os
import re
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, urlsplit

import yaml
from synapse.appservice import ApplicationService
from synapse.module_api import NOT_SPAM, ModuleApi, make_deferred_yieldable, run_in_background
from synapse.module_api.errors import Codes, ConfigError, SynapseError
from twisted.internet import defer, reactor
from twisted.internet.endpoints import UNIXClientEndpoint
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import Agent, FileBodyProducer, HTTPConnectionPool, ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgentEndpointFactory
from zope.interface import implementer  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from synapse.handlers.directory import DirectoryHandler
    from synapse.handlers.register import RegistrationHandler
    from synapse.server import HomeServer
    from synapse.types import RoomAlias

__version__ = "0.1.0"

logger = logging.getLogger(__name__)

Json = Any

RESERVE: Final = "reserve"
LOAD: Final = "load"
GUARD: Final = "guard"

# A decision takes bailiwick well under a millisecond; a person waits for two tries of this at most (docs/clients.md).
DECISION_SECONDS: Final = 1.0
# An answer with 10,000 registrations has some 5 MB, which a loaded machine takes a second or two to write and read.
READ_SECONDS: Final = 30.0
# How long bailiwick is asked to keep a question for changes; the default of proxies, 60 s, leaves room.
WAIT_SECONDS: Final = 30
# Between two looks where nothing is waited for, so that a change is in force in every process within a second.
PASS_MILLISECONDS: Final = 250
# bailiwick forgets a worker after five minutes.
REPORT_SECONDS: Final = 60.0
# Recoverers that Synapse made from an object which has left the set meanwhile are found as often.
TEND_MILLISECONDS: Final = 1_000
# While Synapse starts, an answer that has begun must have ended within this; and none may be larger, ever.
START_SECONDS: Final = 10.0
MAX_ANSWER_BYTES: Final = 256 << 20
# As bailiwick has it: the largest registration met with in public repositories has 60 KB.
MAX_FILE_BYTES: Final = 16 << 20
# No user ID is longer, with its server; bailiwick decides on twice as much.
MAX_LOCALPART: Final = 255
# Of the layout of the state file.
STATE_FORMAT: Final = 1


# --- Configuration ---------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Config:
    """What stands below `config:` in homeserver.yaml, checked."""

    mode: str
    socket: str | None
    url: str | None
    token_file: str | None
    state_directory: Path | None
    # As bailiwick names them -> as this process sees them.
    directories: Mapping[str, Path]
    trusted_owners: frozenset[int]

    @property
    def where(self) -> str:
        """How bailiwick is reached."""
        return self.socket or self.url or ""

    @staticmethod
    def parse(config: Json) -> Config:
        if not isinstance(config, Mapping):
            raise ConfigError("synapse_bailiwick: `config` must be a mapping")
        known = {field.name for field in dataclasses.fields(Config)}
        if unknown := sorted(str(key) for key in config if key not in known):
            raise ConfigError(f"synapse_bailiwick: unknown option: {', '.join(unknown)} (there are {', '.join(sorted(known))})")
        mode = config.get("mode", RESERVE)
        if mode not in (RESERVE, LOAD, GUARD):
            raise ConfigError(f"synapse_bailiwick: `mode` must be {RESERVE}, {LOAD} or {GUARD}, not {mode!r}")
        where = {name: text_or_none(config, name) for name in ("socket", "url", "token_file", "state_directory")}
        if (where["socket"] is None) == (where["url"] is None):
            raise ConfigError("synapse_bailiwick: say either `socket` or `url`, where bailiwick is reached")
        if where["socket"] is not None and not where["socket"].startswith("/"):
            raise ConfigError("synapse_bailiwick: `socket` must be an absolute path")
        if where["url"] is not None and not re.fullmatch(r"https?://[^/?#@\s]+(?:/[^?#\s]*)?", where["url"]):
            raise ConfigError("synapse_bailiwick: `url` must be http://HOST:PORT or https://HOST:PORT, without user and query")
        if where["url"] is not None and not has_port_or_none(where["url"]):
            raise ConfigError("synapse_bailiwick: `url`: its port is not a number")
        for name in ("state_directory",):
            if mode == GUARD and where[name] is not None:
                raise ConfigError(f"synapse_bailiwick: `{name}` is for the modes {RESERVE} and {LOAD}")
        for name in ("directories", "trusted_owners"):
            if mode != LOAD and name in config:
                raise ConfigError(f"synapse_bailiwick: `{name}` is for the mode {LOAD}")
        directories = parse_directories(config.get("directories"))
        if mode == LOAD and not directories:
            raise ConfigError(f"synapse_bailiwick: the mode {LOAD} needs `directories`: registrations are read below these alone")
        state = where["state_directory"]
        return Config(
            mode=mode,
            socket=where["socket"],
            url=where["url"].rstrip("/") if where["url"] is not None else None,
            token_file=where["token_file"],
            state_directory=Path(state) if state is not None else None,
            directories=directories,
            trusted_owners=parse_owners(config.get("trusted_owners", [])),
        )


def has_port_or_none(url: str) -> bool:
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def text_or_none(config: Mapping[str, Json], name: str) -> str | None:
    value = config.get(name)
    if value is not None and (not isinstance(value, str) or not value):
        raise ConfigError(f"synapse_bailiwick: `{name}` must be a string that is not empty")
    return value


def parse_directories(value: Json) -> dict[str, Path]:
    """A list where bailiwick and Synapse see the same paths, else a mapping from its paths to ours."""
    if value is None:
        return {}
    pairs = {path: path for path in value if isinstance(path, str)} if isinstance(value, list) else value
    if not isinstance(pairs, Mapping) or not all(isinstance(path, str) and path for pair in pairs.items() for path in pair):
        raise ConfigError("synapse_bailiwick: `directories` must list paths, or map bailiwick's paths to Synapse's")
    if relative := [ours for ours in pairs.values() if not ours.startswith("/")]:
        raise ConfigError(f"synapse_bailiwick: `directories`: {relative[0]} must be an absolute path")
    return {theirs: Path(ours) for theirs, ours in pairs.items()}


def parse_owners(value: Json) -> frozenset[int]:
    if not isinstance(value, list) or not all(isinstance(uid, int) and not isinstance(uid, bool) and uid >= 0 for uid in value):
        raise ConfigError("synapse_bailiwick: `trusted_owners` must be a list of numeric user ids")
    return frozenset(value)


# --- What bailiwick says ---------------------------------------------------------------------------------------------


class NoAnswer(Exception):
    """bailiwick gave no answer that can be acted upon."""


class OtherServer(NoAnswer):
    """It answers for another homeserver, which waiting does not mend."""


class Entry(NamedTuple):
    """One entry of a namespace."""

    regex: str
    exclusive: bool


class Claims(NamedTuple):
    """What a registration claims, as far as Synapse's decisions on names go."""

    as_id: str
    sender: str
    users: tuple[Entry, ...]
    aliases: tuple[Entry, ...]

    @staticmethod
    def read(shown: Mapping[str, Json]) -> Claims:
        namespaces = shown["namespaces"]
        return Claims(text(shown["id"]), text(shown["sender"]), entries(namespaces["users"]), entries(namespaces["aliases"]))

    def to_json(self) -> Json:
        namespaces = {
            kind: [entry._asdict() for entry in of_kind] for kind, of_kind in (("users", self.users), ("aliases", self.aliases))
        }
        return {"id": self.as_id, "sender": self.sender, "namespaces": namespaces}


class File(NamedTuple):
    """A registration file that is in force, and the digest of the bytes that bailiwick judged, for who may know it."""

    claims: Claims
    path: str
    sha256: str | None


@dataclasses.dataclass(frozen=True)
class Answer:
    """What bailiwick has in force."""

    snapshot: str
    # False while something that stands on disk is not in force, or is held though it is gone.
    complete: bool
    # Paths of files of which nothing is known, and whether some source cannot be read at all.
    unknown: frozenset[str]
    sources_missing: bool
    # In load order.
    files: tuple[File, ...]
    # What must stay reserved besides (`after`).
    kept: tuple[Claims, ...] = ()

    @staticmethod
    def read(answer: Json, sources_missing: bool) -> Answer:
        try:
            shown = answer["registrations"]
            in_force = [file for file in shown if "id" in file]
            return Answer(
                snapshot=text(answer["snapshot"]),
                complete=truth(answer["complete"]),
                unknown=frozenset(text(file["file"]) for file in shown if "id" not in file),
                sources_missing=sources_missing,
                files=tuple(File(Claims.read(file), text(file["file"]), file.get("sha256")) for file in in_force),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise NoAnswer(f"its list of registrations is not understood ({type(error).__name__}: {error})") from None

    def claims(self) -> Iterator[Claims]:
        for file in self.files:
            yield file.claims
        yield from self.kept

    def after(self, before: Answer | None) -> Answer:
        """While bailiwick does not know everything, what was reserved before stays so: names are only ever added."""
        if before is None or self.complete:
            return self
        known = set(self.claims())
        return dataclasses.replace(self, kept=self.kept + tuple(claims for claims in before.claims() if claims not in known))

    def to_json(self) -> Json:
        files = [{"file": file.path, "sha256": file.sha256, **file.claims.to_json()} for file in self.files]
        kept = [claims.to_json() for claims in self.kept]
        return {"snapshot": self.snapshot, "complete": self.complete, "registrations": files, "kept": kept}

    @staticmethod
    def from_json(kept: Json) -> Answer:
        answer = Answer.read(kept, False)
        return dataclasses.replace(answer, kept=tuple(Claims.read(claims) for claims in kept["kept"]))


def text(value: Json) -> str:
    if not isinstance(value, str):
        raise TypeError("a string was expected")
    return value


def truth(value: Json) -> bool:
    if not isinstance(value, bool):
        raise TypeError("true or false was expected")
    return value


def entries(shown: Json) -> tuple[Entry, ...]:
    return tuple(Entry(text(entry["regex"]), truth(entry["exclusive"])) for entry in shown)


# --- Who holds a name ------------------------------------------------------------------------------------------------

# What stands for itself at the start of a regex: characters without meaning, and punctuation behind a backslash.
LITERAL = re.compile(r"[^\\.^$*+?{}\[\]|()\s]|\\[^\w\s]")


def literal_prefix(regex: str) -> str:
    """A string with which everything begins that the regex matches with `re.match`; empty where that is not plain to see."""
    # Flags may be set for the whole regex from within, and an alternative at the top may begin with anything. Where comments
    # are, as behind the flag `x` for a group alone, brackets in them are none.
    if ("(?" in regex and re.search(r"\(\?(?:[aiLmsux]+\)|[aiLmsu]*x|#)", regex)) or ("|" in regex and has_alternatives(regex)):
        return ""
    literals, position = [], 1 if regex.startswith("^") else 0
    while found := LITERAL.match(regex, position):
        literals.append(found[0][-1])
        position = found.end()
    if regex[position : position + 1] in ("*", "?", "{"):
        # The last one may be absent.
        literals = literals[:-1]
    return "".join(literals)


def has_alternatives(regex: str) -> bool:
    """Whether a `|` stands outside of all groups and classes."""
    depth, position = 0, 0
    while position < len(regex):
        character = regex[position]
        if character == "\\":
            position += 1
        elif character == "[":
            position = end_of_class(regex, position)
        elif character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
        elif character == "|" and depth == 0:
            return True
        position += 1
    return False


def end_of_class(regex: str, position: int) -> int:
    """The position of the `]` that ends the class which begins here."""
    position += 2 if regex[position + 1 : position + 2] == "^" else 1
    if regex[position : position + 1] == "]":
        position += 1
    while position < len(regex) and regex[position] != "]":
        position += 2 if regex[position] == "\\" else 1
    return position


# What `re.compile` raises.
UNREADABLE: Final = (re.error, RecursionError, OverflowError)


class Rule:
    """An entry in its place among all. It is compiled when an ID comes near it for the first time: at 100,000 registrations
    compiling takes ten times as long as everything else."""

    __slots__ = ("exclusive", "pattern", "position", "rank", "regex")

    def __init__(self, position: int, rank: int, entry: Entry) -> None:
        self.position, self.rank = position, rank
        self.regex, self.exclusive = entry
        self.pattern: re.Pattern[str] | None = None

    def matches(self, matrix_id: str) -> bool:
        if self.pattern is None:
            try:
                self.pattern = re.compile(self.regex)
            except UNREADABLE as error:
                # bailiwick reads regexes as the newest Python does. What this one cannot read may claim all of its prefix.
                logger.error("this Python cannot read the regex %r (%s); all that begins like it is reserved", self.regex, error)
                self.pattern = re.compile("")
        return self.pattern.match(matrix_id) is not None


class Table:
    """The rules of one kind by literal prefix: an ID meets those whose prefix it begins with, and no others."""

    def __init__(self, namespaces: Iterable[Sequence[Entry]]) -> None:
        self.rules: dict[str, list[Rule]] = {}
        for position, of_service in enumerate(namespaces):
            for rank, entry in enumerate(of_service):
                self.rules.setdefault(literal_prefix(entry.regex), []).append(Rule(position, rank, entry))
        self.lengths = sorted({len(prefix) for prefix in self.rules})

    def deciding(self, matrix_id: str) -> dict[int, Rule]:
        """For each service that is interested, by position: the first of its entries that matches."""
        first: dict[int, Rule] = {}
        for length in self.lengths:
            if length > len(matrix_id):
                break
            for rule in self.rules.get(matrix_id[:length], ()):
                best = first.get(rule.position)
                if (best is None or rule.rank < best.rank) and rule.matches(matrix_id):
                    first[rule.position] = rule
        return first


class Reserved:
    """Who holds a name, by the registrations in bailiwick's answer."""

    def __init__(self, claims: Iterable[Claims]) -> None:
        self.claims = tuple(claims)
        self.users = Table(claims.users for claims in self.claims)
        self.aliases = Table(claims.aliases for claims in self.claims)
        self.by_sender: dict[str, list[int]] = {}
        for position, of_service in enumerate(self.claims):
            self.by_sender.setdefault(of_service.sender, []).append(position)

    def holder_of_user(self, user_id: str, asking: str | None) -> str | None:
        """The id of a service that holds the ID exclusively; not of the one that asks."""
        holding = [position for position, rule in self.users.deciding(user_id).items() if rule.exclusive]
        for position in sorted(holding + self.by_sender.get(user_id, [])):
            if self.claims[position].as_id != asking:
                return self.claims[position].as_id
        return None

    def holder_of_alias(self, alias: str, user_id: str | None) -> str | None:
        """The id of the service on whose account a person may not have the alias. In load order, the user of a service that
        is interested may have it, whoever comes later."""
        for position, rule in sorted(self.aliases.deciding(alias).items()):
            if user_id == self.claims[position].sender:
                return None
            if rule.exclusive:
                return self.claims[position].as_id
        return None


# --- The gate --------------------------------------------------------------------------------------------------------


def nothing_known() -> SynapseError:
    return SynapseError(503, "It is not known yet which names are reserved. Try again in a moment.", Codes.UNKNOWN)


def is_reserved() -> SynapseError:
    # For a stranger's eyes: neither the service nor its regex.
    return SynapseError(400, "This name is reserved.", Codes.EXCLUSIVE)


class Gate:
    """Stands before Synapse's own two functions. `reserved` is None until something is known."""

    def __init__(self, registrations: RegistrationHandler, directory: DirectoryHandler) -> None:
        self.reserved: Reserved | None = None
        self.synapse_checks_user = registrations.check_user_id_not_appservice_exclusive
        self.synapse_allows_alias = directory.can_modify_alias
        registrations.check_user_id_not_appservice_exclusive = self.check_user  # type: ignore[method-assign]
        directory.can_modify_alias = self.allows_alias  # type: ignore[method-assign]

    def check_user(self, user_id: str, allowed_appservice: ApplicationService | None = None) -> None:
        self.synapse_checks_user(user_id, allowed_appservice=allowed_appservice)
        if self.reserved is None:
            # A bridge goes on in what it holds already; with a claim that others may share, it could take anybody's name.
            if allowed_appservice is not None and allowed_appservice.is_exclusive_user(user_id):
                return
            raise nothing_known()
        asking = allowed_appservice.id if allowed_appservice is not None else None
        if holder := self.reserved.holder_of_user(user_id, asking):
            logger.info("%s is reserved for `%s`", user_id, holder)
            raise is_reserved()

    def allows_alias(self, alias: RoomAlias, user_id: str | None = None) -> bool:
        if not self.synapse_allows_alias(alias, user_id=user_id):
            return False
        if self.reserved is None:
            raise nothing_known()
        if holder := self.reserved.holder_of_alias(alias.to_string(), user_id):
            logger.info("%s is reserved for `%s`", alias.to_string(), holder)
            return False
        return True


# --- Asking bailiwick ------------------------------------------------------------------------------------------------


class Refused(NoAnswer):
    """An answer with an error status."""

    def __init__(self, status: int, body: Json) -> None:
        error = body.get("error") if isinstance(body, dict) else None
        super().__init__(f"status {status}" + (f": {error}" if error else ""))
        self.status = status


@implementer(IAgentEndpointFactory)
class UnixEndpoints:
    def __init__(self, path: str) -> None:
        self.path = path

    def endpointForURI(self, uri: object) -> UNIXClientEndpoint:  # noqa: N802 (Twisted's name)
        return UNIXClientEndpoint(reactor, self.path)  # type: ignore[no-untyped-call]


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("bailiwick", timeout=timeout)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Collector(Protocol):
    """The body of an answer, as `readBody` has it, and no more than a limit of it."""

    def __init__(self, content: defer.Deferred[bytes]) -> None:
        self.content, self.parts, self.size = content, list[bytes](), 0

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 (Twisted's name)
        self.size += len(data)
        if self.size <= MAX_ANSWER_BYTES:
            self.parts.append(data)
        else:
            self.parts.clear()
            self.hang_up()

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802
        if self.content.called:
            return
        if self.size > MAX_ANSWER_BYTES:
            self.content.errback(too_large())
        elif isinstance(reason.value, (ResponseDone, PotentialDataLoss)):
            self.content.callback(b"".join(self.parts))
        else:
            self.content.errback(reason)

    def hang_up(self) -> None:
        # What `readBody` looks for, `abortConnection`, is not there; it would leave the connection open, and go on reading.
        if self.transport is not None:
            self.transport.loseConnection()  # type: ignore[misc]


class Client:
    """Asks bailiwick over its Unix socket or over HTTP: from Synapse's reactor, or once while Synapse starts."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.base = config.url or "http://bailiwick"
        # One question for changes, and decisions for several people at once.
        pool = HTTPConnectionPool(reactor)  # type: ignore[no-untyped-call]
        pool.maxPersistentPerHost = 4
        if config.socket is not None:
            self.agent = Agent.usingEndpointFactory(reactor, UnixEndpoints(config.socket), pool)  # type: ignore[no-untyped-call]
        else:
            self.agent = Agent(reactor, pool=pool)  # type: ignore[no-untyped-call]

    def headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "User-Agent": f"synapse-bailiwick/{__version__}"}
        if self.config.token_file is not None:
            try:
                # Read each time, so that a token can be changed while Synapse runs.
                token = Path(self.config.token_file).read_text("ascii").strip()
            except (OSError, ValueError) as error:
                raise NoAnswer(f"{self.config.token_file} cannot be read: {type(error).__name__}") from None
            if not token.isprintable():
                raise NoAnswer(f"{self.config.token_file} must hold one token, in one line")
            headers["Authorization"] = f"Bearer {token}"
        return headers

    async def ask(self, method: str, path: str, body: Json = None, seconds: float = READ_SECONDS) -> Json:
        """From the reactor, what has a short answer. Raises NoAnswer, within this time."""
        return understood(*await self.fetch(method, path, body, seconds))

    async def fetch(self, method: str, path: str, body: Json = None, seconds: float = READ_SECONDS) -> tuple[int, bytes]:
        """The same, not yet parsed: the list of registrations is parsed in a thread."""
        exchange = run_in_background(self.exchange, method, path, body, self.headers())
        exchange.addTimeout(seconds, reactor)
        try:
            return await make_deferred_yieldable(exchange)
        except defer.TimeoutError:
            raise NoAnswer(f"no answer within {seconds:g} s") from None
        except Exception as error:
            raise NoAnswer(f"{type(error).__name__}: {error}") from None

    async def exchange(self, method: str, path: str, body: Json, headers: Mapping[str, str]) -> tuple[int, bytes]:
        producer = None if body is None else FileBodyProducer(io.BytesIO(json.dumps(body).encode()))  # type: ignore[no-untyped-call]
        response = await make_deferred_yieldable(
            self.agent.request(
                method.encode(),
                (self.base + path).encode(),
                Headers({name: [value] for name, value in headers.items()}),
                producer,
            )
        )
        content: defer.Deferred[bytes] = defer.Deferred(lambda _: collector.hang_up())
        response.deliverBody(collector := Collector(content))
        return response.code, await make_deferred_yieldable(content)

    def ask_at_start(self, path: str) -> Json:
        """While Synapse starts, when nobody waits for the reactor yet. Raises NoAnswer."""
        headers = self.headers()
        where = urlsplit(self.base)
        if self.config.socket is not None:
            connection: http.client.HTTPConnection = UnixConnection(self.config.socket, DECISION_SECONDS)
        elif where.scheme == "https":
            connection = http.client.HTTPSConnection(where.netloc, timeout=DECISION_SECONDS)
        else:
            connection = http.client.HTTPConnection(where.netloc, timeout=DECISION_SECONDS)
        # Who sends a byte now and then would keep each time-out of the connection from ending.
        timer = threading.Timer(START_SECONDS, lambda: hang_up(connected))
        try:
            connection.connect()
            connected = connection.sock
            timer.start()
            connection.request("GET", where.path + path, headers=headers)
            response = connection.getresponse()
            content = response.read(MAX_ANSWER_BYTES + 1)
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer(f"{type(error).__name__}: {error}") from None
        finally:
            timer.cancel()
            connection.close()
        if len(content) > MAX_ANSWER_BYTES:
            raise too_large()
        return understood(response.status, content)


def hang_up(connected: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)


def too_large() -> NoAnswer:
    return NoAnswer(f"its answer is larger than {MAX_ANSWER_BYTES >> 20} MiB")


def understood(status: int, content: bytes) -> Json:
    try:
        body = json.loads(content, object_hook=unchanged)
    except (ValueError, RecursionError):
        body = None
    if status != 200:
        raise Refused(status, body)
    if not isinstance(body, dict):
        raise NoAnswer("not a JSON object")
    return body


def unchanged(parsed: Json) -> Json:
    """Python's parser is C and lets no other thread run until it ends; at a call of ours, the reactor has its turn."""
    return parsed


def sources_missing(server_name: str, status: Mapping[str, Json]) -> bool:
    """Whether bailiwick cannot read some source, by its status. Raises NoAnswer where it has no say on this homeserver."""
    if not isinstance(theirs := status.get("server_name"), str):
        raise NoAnswer("what answers is not bailiwick: it names no server")
    if theirs != server_name:
        raise OtherServer(f"it answers for {theirs}, and this homeserver is {server_name}")
    if status.get("ready") is not True:
        raise NoAnswer("it has not loaded its registrations yet")
    return bool(status.get("missing"))


# --- What lasts across a restart -------------------------------------------------------------------------------------


class State:
    """The last answer, kept in a file of each process: ids, senders, regexes and digests, no tokens."""

    def __init__(self, directory: Path, process: str, server_name: str) -> None:
        self.server_name = server_name
        self.file = directory / f"{quote(process, safe='')}.json"
        try:
            directory.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"synapse_bailiwick: `state_directory`: {error}") from None
        if not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
            raise ConfigError(f"synapse_bailiwick: `state_directory`: {directory} cannot be written to")

    def read(self) -> Answer | None:
        """None where there is nothing, or nothing that can be believed."""
        try:
            content, about = read_file(self.file)
            if about.st_uid not in (0, os.geteuid()) or about.st_mode & 0o022:
                raise ValueError("others may write to it")
            kept = json.loads(content)
            if kept["format"] != STATE_FORMAT or kept["server_name"] != self.server_name:
                raise ValueError("it is of another version or another server")
            return Answer.from_json(kept["answer"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, RecursionError, NoAnswer) as error:
            logger.error("%s is passed over: %s", self.file, error)
            return None

    def write(self, answer: Answer) -> None:
        kept = {"format": STATE_FORMAT, "server_name": self.server_name, "answer": answer.to_json()}
        beside = self.file.with_suffix(".new")
        beside.unlink(missing_ok=True)
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(kept, file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.file)


def read_file(path: Path) -> tuple[bytes, os.stat_result]:
    """The bytes of a regular file, and what the system says of the file that they come from."""
    # A pipe would wait for a writer.
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise ValueError("it is not a regular file")
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise ValueError(f"it is larger than {MAX_FILE_BYTES >> 20} MiB")
    return content, about


# --- Taking registrations up -----------------------------------------------------------------------------------------


class Unfit(Exception):
    """Why a file is not taken up."""


class Prepared(NamedTuple):
    """What is to be done for an answer, before anything is touched."""

    # By id: those that are taken up or changed, made from bytes that the object in Synapse was not made from.
    accepted: dict[str, ApplicationService]
    # By path: why not.
    problems: dict[str, str]
    # The ids of those that are let go.
    gone: list[str]
    # All that there are then, in order, and the pattern that Synapse makes of their exclusive regexes.
    services: list[ApplicationService]
    exclusive: re.Pattern[str] | None


UNJOINABLE: Final = "Synapse cannot join its regexes with those of the others"


class Joined(NamedTuple):
    """Those that are taken up, by id, and the pattern that Synapse makes of the exclusive regexes of all that there are then."""

    accepted: dict[str, ApplicationService]
    exclusive: re.Pattern[str] | None


class Loader:
    """Brings Synapse's own list of application services in line with what bailiwick has in force.

    * Everything that can fail happens before anything is touched. A file that does not fit is passed over: what Synapse has
      of it stays as it was, and its names are reserved by the gate.
    * An object stays the same object for as long as its id is there, also when its file changes: it is given the new
      content. Synapse compares and keeps these objects (in caches, in queues, in whoever retries for a service that is
      down), so that nobody goes on with an old address or token.
    * A service of which bailiwick has never said a word, as one that stands in `app_service_config_files` alone, is left alone.
    """

    def __init__(self, hs: HomeServer, config: Config, delegated: bool) -> None:
        # Not the module API: see `private_ground`.
        from synapse.config.appservice import _load_appservice
        from synapse.storage.databases.main import appservice as storage

        self.load_appservice, self.make_exclusive_regex = _load_appservice, storage._make_exclusive_regex
        self.hs, self.config = hs, config
        self.store = hs.get_datastores().main
        self.handler = hs.get_application_service_handler()
        self.transactions = hs.get_application_service_scheduler().txn_ctrl
        # Under an authentication service, Synapse switches this on for all that it loads itself.
        self.forces_device_management = delegated and calls(
            storage.ApplicationServiceWorkerStore.__init__, "msc4190_device_management"
        )
        # Synapse routes these when it starts.
        self.routed = {prefix_of(service) for service in self.store.services_cache}
        # By id: the digest of the bytes that the object was made from, and the path that bailiwick gives.
        self.judged: dict[str, str] = {}
        self.managed: dict[str, str] = {}
        self.problems: dict[str, str] = {}

    # Reading: touches nothing, and runs in a thread. Nobody but `switch` changes Synapse's list, and one pass comes after another.

    def prepare(self, answer: Answer) -> Prepared:
        present = list(self.store.services_cache)
        listed = {file.claims.as_id: file for file in answer.files}
        made, problems = self.make_all(answer)
        ids = {service.id for service in present}
        gone = [as_id for as_id, path in self.managed.items() if as_id in ids and as_id not in listed and is_gone(path, answer)]
        staying = [service for service in present if service.id not in gone]
        joined, reasons = self.accept(staying, listed, made)
        problems |= {listed[as_id].path: reason for as_id, reason in reasons.items()}
        services, exclusive = in_order(staying, joined.accepted, listed), joined.exclusive
        if gone and not joined.accepted:
            try:
                exclusive = self.make_exclusive_regex(services)
            except UNREADABLE:
                # Synapse itself loaded one that refers to a group of another's, which is gone. Its token must go all the same.
                logger.error("Synapse cannot join the regexes that are left: push and user directory go by those before")
        return Prepared(joined.accepted, problems, gone, services, exclusive)

    def make_all(self, answer: Answer) -> tuple[dict[str, ApplicationService], dict[str, str]]:
        """By id, those whose bytes are not what the object in Synapse was made from; by path, why not."""
        made, problems = dict[str, ApplicationService](), dict[str, str]()
        for file in answer.files:
            if file.sha256 is not None and self.judged.get(file.claims.as_id) == file.sha256:
                continue
            try:
                made[file.claims.as_id] = self.make(file)
            except Unfit as problem:
                problems[file.path] = str(problem)
            except OSError as error:
                problems[file.path] = error.strerror or type(error).__name__
            except Exception as error:
                # As links in a circle: never at the cost of the other files, or of what is reserved.
                problems[file.path] = f"it cannot be read ({type(error).__name__})"
        return made, problems

    def make(self, file: File) -> ApplicationService:
        """An object of Synapse's from the bytes that bailiwick has judged, and from no others."""
        if file.sha256 is None:
            raise Unfit("bailiwick does not tell the digest of its bytes: `token_file` must hold a token of the role admin")
        path = self.local_path(file.path)
        self.check_who_may_write(path)
        try:
            content, about = read_file(path)
        except ValueError as error:
            raise Unfit(str(error)) from None
        self.check_owner(path, about)
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise Unfit("its bytes are not those that bailiwick has in force")
        try:
            service = self.load_appservice(self.hs.hostname, yaml.safe_load(content.decode()), str(path))
        except Exception as error:
            # The text of some of these quotes the file.
            raise Unfit(f"Synapse does not load it ({type(error).__name__})") from None
        if service.id != file.claims.as_id:
            raise Unfit("its id is another than bailiwick reports")
        if self.forces_device_management:
            service.msc4190_device_management = True
        return service

    def local_path(self, theirs: str) -> Path:
        """Where this process sees a file, with all links followed. Never outside of `directories`."""
        for prefix, ours in self.config.directories.items():
            if PurePosixPath(theirs).is_relative_to(prefix):
                path = (ours / PurePosixPath(theirs).relative_to(prefix)).resolve()
                if any(path.is_relative_to(root.resolve()) for root in self.config.directories.values()):
                    return path
                raise Unfit(f"it leads to {path}, which is not below `directories`")
        if not theirs.startswith("/"):
            raise Unfit(
                "it is not below `directories`: bailiwick names it by a relative path; start bailiwick with absolute ones, or map"
                f" {PurePosixPath(theirs).parent} in `directories`"
            )
        raise Unfit("it is not below `directories`")

    def check_who_may_write(self, path: Path) -> None:
        """Who may write to a directory may put a file there."""
        roots = {root.resolve() for root in self.config.directories.values()}
        for directory in path.parents:
            self.check_owner(directory, directory.stat())
            if directory in roots:
                return

    def check_owner(self, path: Path, about: os.stat_result) -> None:
        """A registration says who Synapse believes: nobody else may write it."""
        if os.statvfs(path).f_flag & os.ST_RDONLY:
            # As Kubernetes mounts what it hands out, writable by all on paper.
            return
        if about.st_uid not in {0, os.geteuid()} | self.config.trusted_owners:
            raise Unfit(f"{path} belongs to user {about.st_uid}, not to root, to Synapse's user or to one of `trusted_owners`")
        if about.st_mode & 0o022:
            raise Unfit(f"{path} can be written by others than its owner (chmod go-w)")

    def accept(
        self, staying: Sequence[ApplicationService], listed: Mapping[str, File], made: Mapping[str, ApplicationService]
    ) -> tuple[Joined, dict[str, str]]:
        """What of it can stand beside the others, and why not, of the rest: by id."""
        # By itself, too: one that refers to another's group would hinder that one's removal.
        accepted = {as_id: service for as_id, service in made.items() if self.is_readable(service)}
        reasons = dict.fromkeys(made.keys() - accepted.keys(), UNJOINABLE)
        while True:
            # Two may have exchanged their tokens. Whoever is refused, for whatever reason, keeps the former one, which may then be
            # another's.
            while others := self.with_token_of_another(staying, accepted):
                for as_id, other in others.items():
                    reasons[as_id] = f"its as_token is also that of `{other}`"
                    del accepted[as_id]
            joined = self.join(staying, listed, Joined({}, self.store.exclusive_user_regex), list(accepted.items()))
            reasons |= dict.fromkeys(accepted.keys() - joined.accepted.keys(), UNJOINABLE)
            if not self.with_token_of_another(staying, joined.accepted):
                return joined, reasons
            accepted = joined.accepted

    def join(
        self,
        staying: Sequence[ApplicationService],
        listed: Mapping[str, File],
        joined: Joined,
        more: Sequence[tuple[str, ApplicationService]],
    ) -> Joined:
        """Those of which Synapse can join the regexes with those of all the others, the first of them first: some do not bear
        it, as with a group's name that another uses. By halves, since each try compiles the regexes of all services."""
        if not more:
            return joined
        together = joined.accepted | dict(more)
        with contextlib.suppress(*UNREADABLE):
            return Joined(together, self.make_exclusive_regex(in_order(staying, together, listed)))
        if len(more) == 1:
            return joined
        half = len(more) // 2
        return self.join(staying, listed, self.join(staying, listed, joined, more[:half]), more[half:])

    def with_token_of_another(
        self, staying: Sequence[ApplicationService], accepted: Mapping[str, ApplicationService]
    ) -> dict[str, str]:
        """Those that cannot be taken up beside what would be there then, and who has their token."""
        by_token = {service.token: service.id for service in staying if service.id not in accepted}
        holders = {as_id: by_token.setdefault(service.token, as_id) for as_id, service in accepted.items()}
        return {as_id: other for as_id, other in holders.items() if other != as_id}

    def is_readable(self, service: ApplicationService) -> bool:
        try:
            self.make_exclusive_regex([service])
        except UNREADABLE:
            return False
        return True

    # Applying: on the reactor, all at once.

    def apply(self, answer: Answer, prepared: Prepared) -> None:
        present = {service.id: service for service in self.store.services_cache}
        listed = {file.claims.as_id: file for file in answer.files}
        self.switch(present, prepared)
        for as_id in prepared.gone:
            self.judged.pop(as_id, None)
            self.managed.pop(as_id, None)
            self.drop_recoverer(as_id)
            logger.warning("`%s` is gone: its token is no longer valid", as_id)
        for as_id, service in prepared.accepted.items():
            self.judged[as_id] = listed[as_id].sha256 or ""
            logger.info("`%s` is taken up from %s", as_id, listed[as_id].path)
            if prefix_of(service) not in (None, *self.routed):
                logger.warning("`%s` asks for a proxy prefix, which Synapse routes after a restart only", as_id)
            if as_id in present:
                self.hurry_recoverer(as_id)
            else:
                run_in_background(self.recover_if_down, service)
        self.managed |= {as_id: file.path for as_id, file in listed.items()}
        self.tell_problems(prepared.problems)

    def switch(self, present: Mapping[str, ApplicationService], prepared: Prepared) -> None:
        """The one place where Synapse is changed. Nothing here waits or fails."""
        for as_id, service in prepared.accepted.items():
            if as_id in present:
                # All of it, with what was cached about it, in one step: threads of the database read these too.
                present[as_id].__dict__ = service.__dict__
        self.store.services_cache[:] = [present.get(service.id, service) for service in prepared.services]
        self.store.exclusive_user_regex = prepared.exclusive
        self.store.get_app_service_users_in_room.invalidate_all()

    def tell_problems(self, problems: dict[str, str]) -> None:
        """Each once."""
        for path, problem in problems.items():
            if self.problems.get(path) != problem:
                logger.error("%s is not taken up: %s. Its names are reserved", path, problem)
        self.problems = problems

    def loaded(self, answer: Answer) -> list[str]:
        """The ids of the registrations that Synapse has just as bailiwick has them."""
        return [file.claims.as_id for file in answer.files if file.sha256 and file.sha256 == self.judged.get(file.claims.as_id)]

    # Services that are down. Whoever retries for one (`_Recoverer`) waits up to eight and a half minutes between two tries.

    def hurry_recoverer(self, as_id: str) -> None:
        """What made it fail may have been what has changed."""
        if recoverer := self.transactions.recoverers.get(as_id):
            recoverer.backoff_counter = 1
            # A try that is under way ends by itself, and then waits no longer than for a first failure.
            if recoverer.scheduled_recovery is not None and recoverer.scheduled_recovery.active():
                recoverer.force_retry()

    def drop_recoverer(self, as_id: str) -> None:
        if recoverer := self.transactions.recoverers.pop(as_id, None):
            if recoverer.scheduled_recovery is not None and recoverer.scheduled_recovery.active():
                recoverer.scheduled_recovery.cancel()
            # A try that is under way finds nothing more to send, and leaves it at that.
            recoverer.service = copy.copy(recoverer.service)
            recoverer.service.id = ""
            recoverer.recover = lambda: None  # type: ignore[method-assign]
            recoverer.callback = ignore

    async def recover_if_down(self, service: ApplicationService) -> None:
        """One that was down when it was removed is down when it comes back, and nobody would ever try again."""
        from synapse.appservice import ApplicationServiceState

        # Who has not started yet will find all that are down when it does.
        if not self.handler.started_scheduler:
            return
        state = await self.store.get_appservice_state(service)
        there = any(service is other for other in self.store.services_cache)
        if there and state == ApplicationServiceState.DOWN and service.id not in self.transactions.recoverers:
            self.transactions.start_recoverer(service)

    def tend(self) -> None:
        """A transaction that was under way when its service left may fail afterwards, and then someone retries for it."""
        services = {service.id: service for service in self.store.services_cache}
        for as_id, recoverer in list(self.transactions.recoverers.items()):
            if as_id not in services:
                self.drop_recoverer(as_id)
            elif recoverer.service is not services[as_id]:
                recoverer.service = services[as_id]
                self.hurry_recoverer(as_id)


async def ignore(_: object) -> None:
    pass


def is_gone(path: str, answer: Answer) -> bool:
    """Whether a registration that is no longer listed was taken away, and not merely lost from sight."""
    return answer.complete or not (answer.sources_missing or path in answer.unknown)


def in_order(
    staying: Sequence[ApplicationService], accepted: Mapping[str, ApplicationService], listed: Mapping[str, File]
) -> list[ApplicationService]:
    """What Synapse knows besides, and then bailiwick's load order."""
    services = {service.id: service for service in staying} | dict(accepted)
    return [service for service in staying if service.id not in listed] + [services[as_id] for as_id in listed if as_id in services]


def prefix_of(service: ApplicationService) -> str | None:
    return getattr(service, "proxy_prefix", None)


def claims_of(service: ApplicationService) -> Claims:
    """What a service that Synapse has loaded claims."""

    def claimed(kind: str) -> tuple[Entry, ...]:
        return tuple(Entry(namespace.regex.pattern, namespace.exclusive) for namespace in service.namespaces[kind])

    return Claims(service.id, str(service.sender), claimed("users"), claimed("aliases"))


# --- Private ground --------------------------------------------------------------------------------------------------


def private_ground(hs: HomeServer) -> Iterator[tuple[str, Callable[[], bool]]]:
    """Everything outside of the module API that `reserve` relies upon: what it is, and whether this Synapse has it so."""
    from synapse.handlers.directory import DirectoryHandler
    from synapse.handlers.register import RegistrationHandler

    check = RegistrationHandler.check_user_id_not_appservice_exclusive
    allows = DirectoryHandler.can_modify_alias
    store = hs.get_datastores().main
    yield check.__qualname__, lambda: takes(check, "user_id", "allowed_appservice")
    yield allows.__qualname__, lambda: takes(allows, "alias", "user_id")
    yield "how user IDs are checked for people", lambda: calls(RegistrationHandler.check_username, check.__name__)
    yield "how accounts are made", lambda: calls(RegistrationHandler.register_user, RegistrationHandler.check_username.__name__)
    yield "how user IDs are checked for services", lambda: calls(RegistrationHandler.appservice_register, check.__name__)
    yield "how aliases are made", lambda: calls(DirectoryHandler.create_association, allows.__name__)
    yield "how aliases are removed", lambda: calls(DirectoryHandler.delete_association, allows.__name__)
    yield "get_registration_handler()", lambda: hs.get_registration_handler() is hs.get_registration_handler()
    yield "get_directory_handler()", lambda: hs.get_directory_handler() is hs.get_directory_handler()
    yield "ApplicationService.is_exclusive_user", lambda: takes(ApplicationService.is_exclusive_user, "user_id")
    yield "what an ApplicationService consists of", lambda: claims_of(sample(hs)) == claims_of_sample(hs)
    yield "DataStore.services_cache", lambda: all(claims_of(service) for service in store.services_cache)


def private_ground_of_load(hs: HomeServer) -> Iterator[tuple[str, Callable[[], bool]]]:
    """What `load` relies upon besides."""
    from synapse.appservice import ApplicationServiceState
    from synapse.appservice.scheduler import _Recoverer, _TransactionController
    from synapse.config.appservice import _load_appservice
    from synapse.storage.databases.main import appservice as storage

    store, kinds = hs.get_datastores().main, ApplicationService.__mro__[:-1]
    users_in_room = store.get_app_service_users_in_room
    exclusive = store.exclusive_user_regex
    make_exclusive = storage._make_exclusive_regex
    transactions = hs.get_application_service_scheduler().txn_ctrl
    started = hs.get_application_service_handler().started_scheduler
    made, tries = set(_Recoverer.__init__.__code__.co_names), set(_Recoverer.retry.__code__.co_names)
    yield "_load_appservice", lambda: takes(_load_appservice, "hostname", "as_info", "config_filename", bound=False)
    yield "_make_exclusive_regex", lambda: takes(make_exclusive, "services_cache", bound=False)
    yield "DataStore.services_cache", lambda: isinstance(store.services_cache, list)
    yield "DataStore.get_app_services", lambda: store.get_app_services() is store.services_cache
    yield "DataStore.exclusive_user_regex", lambda: exclusive is None or isinstance(exclusive, re.Pattern)
    yield "DataStore.get_app_service_users_in_room", lambda: callable(users_in_room.invalidate_all)
    yield "DataStore.get_appservice_state", lambda: takes(type(store).get_appservice_state, "service")
    yield "ApplicationServiceState.DOWN", lambda: isinstance(ApplicationServiceState.DOWN.value, str)
    yield "ApplicationService.token", lambda: sample(hs).token == "sample"
    yield "where an ApplicationService has its attributes", lambda: not any("__slots__" in vars(kind) for kind in kinds)
    yield "ApplicationServicesHandler.started_scheduler", lambda: isinstance(started, bool)
    yield "_TransactionController.recoverers", lambda: isinstance(transactions.recoverers, dict)
    yield "_TransactionController.start_recoverer", lambda: takes(_TransactionController.start_recoverer, "service")
    yield "_Recoverer.force_retry", lambda: takes(_Recoverer.force_retry)
    yield "_Recoverer.recover", lambda: takes(_Recoverer.recover)
    yield "_Recoverer._backoff", lambda: calls(_Recoverer._backoff, "recover")
    yield "the attributes of _Recoverer", lambda: {"service", "callback", "backoff_counter", "scheduled_recovery"} <= made
    yield "how _Recoverer tries", lambda: {"service", "callback", "_backoff"} <= tries


def sample(hs: HomeServer) -> ApplicationService:
    """An application service as this Synapse makes them; it is kept nowhere."""
    from synapse.config.appservice import _load_appservice

    tokens = {"as_token": "sample", "hs_token": "sample"}
    namespaces = {"users": [{"regex": "@a", "exclusive": True}], "aliases": [{"regex": "#b", "exclusive": False}]}
    return _load_appservice(
        hs.hostname, {"id": "sample", "url": None, "sender_localpart": "c", "namespaces": namespaces, **tokens}, "sample"
    )


def claims_of_sample(hs: HomeServer) -> Claims:
    return Claims("sample", f"@c:{hs.hostname}", (Entry("@a", True),), (Entry("#b", False),))


def takes(function: Callable[..., object], *names: str, bound: bool = True) -> bool:
    """Whether these are its parameters, all of them."""
    parameters = list(inspect.signature(function).parameters)
    return parameters[1 if bound else 0 :] == list(names)


def calls(function: Callable[..., object], name: str) -> bool:
    """Whether the name stands in its code."""
    return name in inspect.unwrap(function).__code__.co_names


def check_private_ground(hs: HomeServer, mode: str) -> None:
    """Refuses the mode where this Synapse differs in anything; what is missing altogether shows by its name."""
    reason = None
    try:
        grounds = [private_ground(hs)] + ([private_ground_of_load(hs)] if mode == LOAD else [])
        reason = next((f"{what} differs" for ground in grounds for what, as_expected in ground if not as_expected()), None)
    except Exception as error:
        reason = str(error)
    if reason is not None:
        raise ConfigError(f"synapse_bailiwick: the mode {mode} does not work with this Synapse: {reason}")


def delegates_authentication(api: ModuleApi) -> bool:
    """Whether Synapse leaves accounts to an authentication service: it takes no password providers then, not even none."""
    try:
        api.register_password_auth_provider_callbacks()
    except ConfigError:
        return True
    return False


# --- The modes -------------------------------------------------------------------------------------------------------


STAYS_RESERVED: Final = "bailiwick gives no answer: what was reserved stays so"
NOTHING_KNOWN: Final = "bailiwick gives no answer, and nothing is known yet: names are given to nobody"


class Follower:
    """The modes `reserve` and `load`: follows what bailiwick has in force, in each process by itself."""

    def __init__(self, config: Config, api: ModuleApi, client: Client) -> None:
        hs: HomeServer = api._hs
        check_private_ground(hs, config.mode)
        self.config, self.api, self.client = config, api, client
        self.store = hs.get_datastores().main
        self.process = api.worker_name or "main"
        self.state = State(config.state_directory, self.process, api.server_name) if config.state_directory else None
        self.loader = Loader(hs, config, delegates_authentication(api)) if config.mode == LOAD else None
        self.gate = Gate(hs.get_registration_handler(), hs.get_directory_handler())
        # What is in force here; and whether it is bailiwick's word, rather than what was kept of it.
        self.answer: Answer | None = None
        self.heard = False
        self.passing = False
        self.said: dict[str, str] = {}
        # By id: the digest of the bytes that Synapse read when it started. The claims do not have all of it: tokens, the address.
        self.read_by_synapse: dict[str, str] = {}
        self.reported: tuple[float, Json] = (0.0, None)
        self.start()
        api.looping_background_call(self.run_pass, PASS_MILLISECONDS, desc="bailiwick", run_on_all_instances=True)
        if self.loader:
            api.looping_background_call(self.loader.tend, TEND_MILLISECONDS, desc="bailiwick_tend", run_on_all_instances=True)

    def start(self) -> None:
        """Before Synapse listens: asks once, so that names are reserved from the first request on."""
        kept = self.state.read() if self.state else None
        try:
            missing = sources_missing(self.api.server_name, self.client.ask_at_start("/v1/status"))
            answer = Answer.read(self.client.ask_at_start("/v1/registrations"), missing).after(kept)
            self.heard = True
            self.note_what_synapse_read(answer)
        except OtherServer as error:
            raise ConfigError(f"synapse_bailiwick: {error}") from None
        except NoAnswer as error:
            if kept is None:
                self.say("answer", logging.ERROR, f"{NOTHING_KNOWN} ({error})")
                return
            self.say("answer", logging.ERROR, f"{STAYS_RESERVED} ({error})")
            answer = kept
        self.put_in_force(answer, Reserved(answer.claims()), self.loader.prepare(answer) if self.loader else None)
        self.keep(answer)
        whence = f"bailiwick at {self.config.where}" if self.heard else "`state_directory`"
        counts = f"registrations in force: {len(answer.files)}, loaded as they are now: {len(self.loaded(answer))}"
        logger.info("mode %s, from %s; %s", self.config.mode, whence, counts)

    async def run_pass(self) -> None:
        # Most of a pass is waiting for bailiwick; one that waits is enough.
        if self.passing:
            return
        self.passing = True
        try:
            await self.look()
        finally:
            self.passing = False

    async def look(self) -> None:
        # What was put in force while Synapse started is told before half a minute is spent on waiting.
        await self.report()
        try:
            if self.answer is None or not self.heard or await self.has_changed(self.answer):
                await self.follow()
            if self.answer is not None and self.loader and self.loader.problems:
                # The operator may have mended what bailiwick does not look at.
                self.put_in_force(self.answer, None, await self.api.defer_to_thread(self.loader.prepare, self.answer))
            self.say("answer", logging.INFO, "bailiwick answers")
        except NoAnswer as error:
            # While Synapse stops, it is Synapse that hangs up.
            if not getattr(reactor, "_stopped", False):
                self.say("answer", logging.ERROR, f"{STAYS_RESERVED if self.answer else NOTHING_KNOWN} ({error})")
            return
        await self.report()

    async def has_changed(self, answer: Answer) -> bool:
        """Waits until bailiwick has something else in force, for a while; where it cannot wait, looks."""
        try:
            path = f"/v1/changes?since={quote(answer.snapshot, safe='')}&wait={WAIT_SECONDS}"
            now = await self.client.ask("GET", path, seconds=WAIT_SECONDS + READ_SECONDS)
            if now.get("complete") is False:
                # Which files are out of sight may change without anything else in force.
                return True
        except Refused as refused:
            # An older bailiwick, too many that wait, or a proxy that does not wait for as long.
            if refused.status not in (404, 429, 504):
                raise
            now = await self.client.ask("GET", "/v1/status")
        return (now.get("snapshot"), now.get("complete")) != (answer.snapshot, answer.complete)

    async def follow(self) -> None:
        missing = sources_missing(self.api.server_name, await self.client.ask("GET", "/v1/status"))
        status, content = await self.client.fetch("GET", "/v1/registrations")
        news = await self.api.defer_to_thread(self.understand, status, content, missing)
        if news is None:
            return
        answer, reserved, prepared = news
        if not self.heard:
            self.note_what_synapse_read(answer)
        self.put_in_force(answer, reserved, prepared)
        self.heard = True
        await self.api.defer_to_thread(self.keep, answer)

    def understand(self, status: int, content: bytes, missing: bool) -> tuple[Answer, Reserved, Prepared | None] | None:
        """All of a change but the swap, in a thread: at 10,000 registrations people would wait for it. None if nothing is new."""
        answer = Answer.read(understood(status, content), missing).after(self.answer)
        if answer == self.answer and self.heard:
            return None
        return answer, Reserved(answer.claims()), self.loader.prepare(answer) if self.loader else None

    def put_in_force(self, answer: Answer, reserved: Reserved | None, prepared: Prepared | None) -> None:
        """On the reactor, all at once: no request sees one without the other."""
        if reserved is not None:
            self.gate.reserved = reserved
        self.answer = answer
        if self.loader and prepared is not None:
            self.loader.apply(answer, prepared)
        elif waiting := sorted({file.claims.as_id for file in answer.files} - set(self.loaded(answer))):
            names = ", ".join(f"`{as_id}`" for as_id in waiting)
            what = f"a restart of Synapse with these in `app_service_config_files` is pending: {names}; their names are reserved"
            self.say("waiting", logging.WARNING, what)
        else:
            self.said.pop("waiting", None)

    def loaded(self, answer: Answer) -> list[str]:
        """The ids of the registrations that Synapse has as they are now."""
        if self.loader:
            return self.loader.loaded(answer)
        read = self.read_by_synapse
        same = self.claiming_the_same(answer)
        return [file.claims.as_id for file in same if file.sha256 in (None, read.get(file.claims.as_id, file.sha256))]

    def claiming_the_same(self, answer: Answer) -> Iterator[File]:
        """The files that claim what Synapse has loaded of them."""
        services = {service.id: service for service in self.store.services_cache}
        for file in answer.files:
            service = services.get(file.claims.as_id)
            if service is not None and claims_of(service) == file.claims:
                yield file

    def note_what_synapse_read(self, answer: Answer) -> None:
        """With the first answer, as far as digests are told: nobody else remembers it."""
        same = self.claiming_the_same(answer)
        self.read_by_synapse = {file.claims.as_id: file.sha256 for file in same if file.sha256 is not None}

    def keep(self, answer: Answer) -> None:
        if self.state:
            try:
                self.state.write(answer)
            except OSError as error:
                self.say("state", logging.ERROR, f"what is reserved cannot be kept for the next start: {error}")

    async def report(self) -> None:
        """Tells bailiwick what this process has, so that its status and its metrics show who is behind."""
        if self.answer is None or not self.heard:
            return
        body = {"mode": self.config.mode, "snapshot": self.answer.snapshot, "loaded": self.loaded(self.answer)}
        then, reported = self.reported
        if body == reported and time.monotonic() - then < REPORT_SECONDS:
            return
        self.reported = (time.monotonic(), body)
        try:
            await self.client.ask("POST", f"/v1/homeservers/{quote(self.process, safe='')}", body, DECISION_SECONDS)
        except NoAnswer as error:
            self.say("report", logging.INFO, f"bailiwick is not told what this process has loaded: {error}")

    def say(self, about: str, level: int, what: str) -> None:
        """Once, until there is something else to say about it."""
        if self.said.get(about) != what:
            self.said[about] = what
            logger.log(level, "%s", what)


class Guard:
    """The mode `guard`: asks about each name, by public callbacks alone."""

    def __init__(self, config: Config, api: ModuleApi, client: Client) -> None:
        if delegates_authentication(api):
            raise ConfigError(
                f"synapse_bailiwick: the mode {GUARD} does not work beside an authentication service, which would make the account"
                f" before Synapse is asked: use the mode {RESERVE}"
            )
        self.api, self.client = api, client
        try:
            sources_missing(api.server_name, client.ask_at_start("/v1/status"))
            logger.info("mode %s, from bailiwick at %s, which is asked about each name", config.mode, config.where)
        except OtherServer as error:
            raise ConfigError(f"synapse_bailiwick: {error}") from None
        except NoAnswer as error:
            # A token of the role `register` may not ask this, and may ask all that is asked from here on.
            if not (isinstance(error, Refused) and error.status == 403):
                logger.error("bailiwick gives no answer: names are given to nobody until it does (%s)", error)
        api.register_spam_checker_callbacks(
            check_registration_for_spam=self.check_registration,
            user_may_create_room_alias=self.check_alias,
        )

    async def check_registration(
        self, email_threepid: object, username: str | None, request_info: object, auth_provider_id: str | None = None
    ) -> Any:
        from synapse.spam_checker_api import RegistrationBehaviour

        # Without a name: a guest, or a person who leaves the choice to Synapse. Longer than any user ID: Synapse refuses it.
        if username is not None and len(username) <= MAX_LOCALPART:
            await self.check("/v1/may-register", {"user_id": f"@{username}:{self.api.server_name}"})
        return RegistrationBehaviour.ALLOW

    async def check_alias(self, user_id: str, alias: RoomAlias) -> Any:
        # Synapse itself refuses aliases of other servers, right after.
        if alias.domain == self.api.server_name:
            await self.check("/v1/may-create-alias", {"alias": alias.to_string(), "user_id": user_id})
        return NOT_SPAM

    async def check(self, path: str, question: Json) -> None:
        """Returns if the name may be had, or if Synapse refuses it anyhow; raises what the client is told otherwise."""
        try:
            decision = await self.decide(path, question)
        except NoAnswer as error:
            logger.error("refused, since bailiwick gives no answer: %s", error)
            raise nothing_known() from None
        if decision.get("allowed") is True or decision.get("errcode") == Codes.INVALID_USERNAME:
            return
        if decision.get("errcode") == Codes.EXCLUSIVE:
            raise is_reserved()
        logger.error("refused, since bailiwick gives no decision: %s", decision.get("reason"))
        raise nothing_known()

    async def decide(self, path: str, question: Json) -> Json:
        try:
            return await self.client.ask("POST", path, question, DECISION_SECONDS)
        except NoAnswer:
            # Once more, on a new connection: a question changes nothing.
            return await self.client.ask("POST", path, question, DECISION_SECONDS)


class Bailiwick:
    """What stands in homeserver.yaml as `module: synapse_bailiwick.Bailiwick`."""

    def __init__(self, config: Config, api: ModuleApi) -> None:
        client = Client(config)
        self.mode: Follower | Guard = Guard(config, api, client) if config.mode == GUARD else Follower(config, api, client)

    @staticmethod
    def parse_config(config: Json) -> Config:
        return Config.parse(config)
