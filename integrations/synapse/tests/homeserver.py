"""Real Synapses on loopback with bailiwick beside them, for everything here that is tried against the real thing.

    with scratch("example") as home, Bailiwick(home / "bailiwick") as bailiwick:
        with Homeserver(Release().install(), home / "synapse", module=bailiwick.module("reserve")) as homeserver:
            print(homeserver.available("alice"))

* `Release`: a release of Synapse from PyPI in a virtual environment of its own, which installs itself where it is missing.
  They are kept in ~/.cache/bailiwick-tests, or where BAILIWICK_TEST_CACHE says.
* `Homeserver`: a running one, from an empty directory: one process with SQLite, or with `backends` (backends.py) a main
  process, a client worker and a sender for application services, as large homeservers have it.
* `Bailiwick`: the service, from target/debug or from where BAILIWICK says; it can be frozen, killed and started again.

Only Python's standard library is needed outside the virtual environments. All ports are free ones of loopback.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import fcntl
import hashlib
import hmac
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from backends import Backends

MODULE = Path(__file__).resolve().parent.parent
ROOT = MODULE.parent.parent
CACHE = Path(os.environ.get("BAILIWICK_TEST_CACHE", Path.home() / ".cache/bailiwick-tests"))
SERVER = "hs1.test"
# The newest release of which every row of the flow table was seen.
NEWEST = "1.163.2"
# Older releases do not run with what has come since of what they need: for each, packages from before this day.
BEFORE = {
    "1.143.0": "2025-12-05",
    "1.130.0": "2025-06-05",
    "1.98.0": "2024-01-05",
    "1.80.0": "2023-04-15",
    "1.60.0": "2022-06-05",
}
# What every Synapse here is configured with; only loopback reaches any of them.
SHARED_SECRET = "shared-secret-of-the-tests"
MAS_SECRET = "secret-of-the-authentication-service"
PASSWORD = "correct horse battery staple"

Json = Any


class Answer(NamedTuple):
    """What a server said to one request."""

    status: int
    body: Json
    seconds: float

    @property
    def errcode(self) -> str | None:
        return self.body.get("errcode") if isinstance(self.body, dict) else None

    def __str__(self) -> str:
        return f"{self.status} {self.errcode}" if self.errcode else str(self.status)


class Stuck(Exception):
    """Something did not come true, or did not start."""


def until(what: str, is_true: Callable[[], object], seconds: float = 60.0) -> float:
    """Waits until something is true, and says how long that took. The limit is there for what hangs, not for what is slow."""
    begin = time.monotonic()
    while not is_true():
        if time.monotonic() - begin > seconds:
            raise Stuck(f"not within {seconds} s: {what}")
        time.sleep(0.01)
    return time.monotonic() - begin


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


def ask(
    where: int | Path,
    method: str,
    path: str,
    body: Json = None,
    token: str | None = None,
    query: Mapping[str, str] | None = None,
    timeout: float = 60.0,
) -> Answer:
    """One request to a port of loopback or to a Unix socket. Raises an OSError if there is no answer."""
    if query:
        path += "?" + urlencode(query)
    headers = {"Content-Type": "application/json"} if body is not None else {}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if isinstance(where, Path):
        connection: http.client.HTTPConnection = UnixConnection(where, timeout)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", where, timeout=timeout)
    begin = time.monotonic()
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        content = response.read()
    finally:
        connection.close()
    try:
        decoded = json.loads(content)
    except ValueError:
        decoded = content.decode("utf-8", "replace")
    return Answer(response.status, decoded, time.monotonic() - begin)


@dataclasses.dataclass(frozen=True)
class Release:
    """A release of Synapse in a virtual environment of its own."""

    version: str = NEWEST

    @property
    def directory(self) -> Path:
        return CACHE / f"synapse-{self.version}"

    @property
    def python(self) -> Path:
        return self.directory / "bin/python"

    def install(self) -> Release:
        """Does nothing where it is installed. Only one process installs it at a time."""
        # The drivers are for PostgreSQL and Redis.
        wanted = [f"matrix-synapse[redis]=={self.version}", "psycopg2-binary"]
        environment(self.directory, wanted, "import synapse.app.homeserver, psycopg2, txredisapi", BEFORE.get(self.version))
        return self


def environment(directory: Path, wanted: Sequence[str], proof: str, before: str | None = None) -> Path:
    """A virtual environment with these packages, in which `proof` runs. Gives its interpreter."""
    CACHE.mkdir(parents=True, exist_ok=True)
    python = directory / "bin/python"
    with open(CACHE / f"{directory.name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (python.exists() and runs(python, proof)):
            print(f"installing {' '.join(wanted)} into {directory}", file=sys.stderr, flush=True)
            subprocess.run([sys.executable, "-m", "venv", "--clear", directory], check=True)
            pip: list[str | Path] = [python, "-m", "pip", "install", "--quiet"]
            if before:
                # Which of the first pips to know the option comes with Python depends on the Python.
                subprocess.run([*pip, "pip>=26.0"], check=True)
                pip += ["--uploaded-prior-to", f"{before}T00:00:00Z"]
            subprocess.run([*pip, *wanted], check=True)
            subprocess.run([python, "-c", proof], check=True)
    return python


def runs(python: Path, statement: str) -> bool:
    return subprocess.run([python, "-c", statement], check=False, capture_output=True).returncode == 0


def registration(
    as_id: str,
    users: Sequence[str] = (),
    aliases: Sequence[str] = (),
    *,
    url: str | None = None,
    sender: str | None = None,
    token: str | None = None,
    exclusive: bool = True,
    **more: Json,
) -> str:
    """The text of a registration file. JSON is YAML."""
    entries = [[{"regex": regex, "exclusive": exclusive} for regex in kind] for kind in (users, aliases)]
    content = {
        "id": as_id,
        "url": url,
        "as_token": token or f"as_{as_id}_{'0123456789abcdef' * 2}",
        "hs_token": f"hs_{as_id}_{'0123456789abcdef' * 2}",
        "sender_localpart": sender or f"{as_id}bot",
        "rate_limited": False,
        "namespaces": {"users": entries[0], "aliases": entries[1], "rooms": []},
        **more,
    }
    return json.dumps(content, indent=1) + "\n"


def as_token(text: str) -> str:
    return str(json.loads(text)["as_token"])


def put(file: Path, text: str) -> None:
    """Puts a whole file in place at once, as an operator's tools do."""
    beside = file.parent / f".{file.name}.new"
    beside.write_text(text)
    beside.chmod(0o600)
    beside.rename(file)


class Process:
    """A program in the background, ended by its id."""

    def __init__(self, name: str, command: Sequence[str | Path], log: Path, **options: Any) -> None:
        self.name, self.log = name, log
        with open(log, "ab") as output:
            self.popen = subprocess.Popen(command, stdout=output, stderr=output, **options)

    def running(self) -> bool:
        return self.popen.poll() is None

    def until_answers(self, answers: Callable[[], bool], seconds: float = 180.0) -> None:
        def answered() -> bool:
            if not self.running():
                raise Stuck(f"{self.name} ended with {self.popen.returncode}:\n{self.tail()}")
            with contextlib.suppress(OSError, http.client.HTTPException):
                return answers()
            return False

        until(f"{self.name} answers", answered, seconds)

    def tail(self, characters: int = 3_000) -> str:
        return self.log.read_text(errors="replace")[-characters:]

    def send(self, number: int) -> None:
        self.popen.send_signal(number)

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self.running():
            self.popen.send_signal(number)
            # Who was frozen would never see it.
            self.popen.send_signal(signal.SIGCONT)
        try:
            self.popen.wait(30)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()


class Bailiwick:
    """A running bailiwick over the files of a directory, on a Unix socket and, with tokens, on a port."""

    def __init__(self, home: Path, *options: str, server_name: str = SERVER, files: Path | None = None) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.home, self.options, self.server_name = home, options, server_name
        self.files = files or home / "registrations"
        self.files.mkdir(exist_ok=True)
        self.socket, self.port = home / "bailiwick.sock", free_port()
        self.token, self.tokens = secrets.token_hex(32), home / "tokens"
        self.tokens.write_text(f"admin {self.token}\n")
        self.tokens.chmod(0o600)
        self.token_file = home / "token"
        self.token_file.write_text(self.token + "\n")
        self.token_file.chmod(0o600)
        self.process: Process | None = None

    def start(self) -> Bailiwick:
        binary = os.environ.get("BAILIWICK") or ROOT / "target/debug/bailiwick"
        command = [binary, "serve", self.files, "--server-name", self.server_name, "--log-level", "warn"]
        command += ["--unix-socket", self.socket, "--listen", f"127.0.0.1:{self.port}"]
        command += ["--auth-token-file", self.tokens, "--state-dir", self.home / "state", *self.options]
        (self.home / "state").mkdir(mode=0o700, exist_ok=True)
        self.process = Process("bailiwick", command, self.home / "bailiwick.log", env={})
        self.process.until_answers(lambda: self.ask("GET", "/readyz").status == 200)
        return self

    def ask(self, method: str, path: str, body: Json = None, timeout: float = 70.0) -> Answer:
        return ask(self.socket, method, path, body, self.token, timeout=timeout)

    def put(self, name: str, text: str) -> None:
        put(self.files / name, text)

    def remove(self, name: str) -> None:
        """The file is gone, and the operator confirms it."""
        (self.files / name).unlink()
        assert self.ask("POST", "/-/reload").status == 200

    def module(self, mode: str, **more: Json) -> dict[str, Json]:
        """How a Synapse beside it is configured to ask it."""
        config = {"socket": str(self.socket), "token_file": str(self.token_file), "mode": mode}
        return config | ({"directories": [str(self.files)]} if mode == "load" else {}) | more

    def send(self, number: int) -> None:
        assert self.process
        self.process.send(number)

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self.process:
            self.process.stop(number)
            self.process = None

    def __enter__(self) -> Bailiwick:
        return self.start() if self.process is None else self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Homeserver:
    """A Synapse from an empty directory: `main` alone, or with backends `main`, `worker` and `sender`.

    `module` is the configuration of synapse_bailiwick, `settings` what else is to stand in homeserver.yaml; both may be
    changed before a `restart`."""

    def __init__(
        self,
        release: Release,
        home: Path,
        *,
        files: Sequence[Path] = (),
        module: Mapping[str, Json] | None = None,
        settings: Mapping[str, Json] | None = None,
        backends: Backends | None = None,
        mas: str | None = None,
    ) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.release, self.home, self.backends, self.mas = release, home, backends, mas
        self.files, self.module, self.settings = list(files), module, dict(settings or {})
        self.names = ["main", "worker", "sender"] if backends else ["main"]
        self.ports = {name: free_port() for name in self.names}
        self.replication = free_port()
        self.processes: dict[str, Process] = {}

    def config(self) -> dict[str, Json]:
        """homeserver.yaml."""
        fast = {"per_second": 100_000, "burst_count": 100_000}
        config: dict[str, Json] = {
            "server_name": SERVER,
            "public_baseurl": f"http://127.0.0.1:{self.ports['main']}/",
            "pid_file": str(self.home / "main.pid"),
            "listeners": [self.listener("main", ["client"])],
            "database": {"name": "sqlite3", "args": {"database": str(self.home / "homeserver.db")}},
            "log_config": str(self.log_config()),
            "media_store_path": str(self.home / "media"),
            "signing_key_path": str(self.signing_key()),
            "registration_shared_secret": SHARED_SECRET,
            "macaroon_secret_key": "a secret of the tests",
            "form_secret": "a secret of the tests",
            "trusted_key_servers": [],
            "report_stats": False,
            "bcrypt_rounds": 4,
            "require_membership_for_aliases": False,
            "app_service_config_files": [str(file) for file in self.files],
            **{f"rc_{what}": fast for what in ["message", "registration", "registration_token_validity"]},
            "rc_login": dict.fromkeys(["address", "account", "failed_attempts"], fast),
            "rc_joins": {"local": fast, "remote": fast},
            "rc_room_creation": fast,
            "rc_invites": dict.fromkeys(["per_room", "per_user", "per_issuer"], fast),
        }
        if self.mas:
            account = {"enabled": True, "endpoint": self.mas, "secret": MAS_SECRET}
            config |= {"matrix_authentication_service": account, "password_config": {"enabled": False}}
        else:
            config |= {"enable_registration": True, "enable_registration_without_verification": True}
            config |= {"allow_guest_access": True}
        if self.backends:
            config["listeners"].append(self.listener(None, ["replication"], self.replication))
            config |= {
                "database": self.backends.database,
                "redis": {"enabled": True, "host": "127.0.0.1", "port": self.backends.redis_port},
                "worker_replication_secret": "secret-of-the-workers",
                "instance_map": {"main": {"host": "127.0.0.1", "port": self.replication}},
                "notify_appservices_from_worker": "sender",
            }
        if self.module is not None:
            config["modules"] = [{"module": "synapse_bailiwick.Bailiwick", "config": dict(self.module)}]
        return config | self.settings

    def listener(self, name: str | None, resources: list[str], port: int | None = None) -> dict[str, Json]:
        where = {"port": port or self.ports[name or "main"], "bind_addresses": ["127.0.0.1"]}
        return {**where, "type": "http", "resources": [{"names": resources}]}

    def log_config(self) -> Path:
        """Warnings of Synapse and everything that the module says, on standard error."""
        line = {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}
        console = {"class": "logging.StreamHandler", "formatter": "line"}
        config = {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"line": line},
            "handlers": {"console": console},
            "root": {"level": "WARNING", "handlers": ["console"]},
            "loggers": {"synapse_bailiwick": {"level": "DEBUG"}},
        }
        file = self.home / "log.yaml"
        file.write_text(json.dumps(config))
        return file

    def signing_key(self) -> Path:
        file = self.home / "signing.key"
        if not file.exists():
            file.write_text(f"ed25519 a_test {base64.b64encode(secrets.token_bytes(32)).decode().rstrip('=')}\n")
        return file

    def start(self) -> Homeserver:
        """Starts what is not running. Each process answers when this returns."""
        (self.home / "homeserver.yaml").write_text(json.dumps(self.config(), indent=1))
        for name in self.names:
            if name not in self.processes:
                self.start_process(name)
                if name == "main":
                    self.await_process(name)
        for name in self.names[1:]:
            self.await_process(name)
        return self

    def start_process(self, name: str) -> None:
        configs: list[str | Path] = ["-c", self.home / "homeserver.yaml"]
        if name != "main":
            worker: dict[str, Json] = {"worker_app": "synapse.app.generic_worker", "worker_name": name}
            worker |= {"worker_listeners": [self.listener(name, ["client"])], "worker_log_config": str(self.home / "log.yaml")}
            (self.home / f"{name}.yaml").write_text(json.dumps(worker, indent=1))
            configs += ["-c", self.home / f"{name}.yaml"]
        app = "synapse.app.homeserver" if name == "main" else "synapse.app.generic_worker"
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "BAILIWICK"))}
        command = [self.release.python, "-m", app, *configs]
        options = {"cwd": self.home, "env": clean | {"PYTHONPATH": f"{MODULE}:{MODULE / 'tests'}", "PYTHONDONTWRITEBYTECODE": "1"}}
        self.processes[name] = Process(f"Synapse's {name}", command, self.home / f"{name}.log", **options)

    def await_process(self, name: str) -> None:
        healthy = lambda: ask(self.ports[name], "GET", "/health", timeout=5).status == 200  # noqa: E731
        self.processes[name].until_answers(healthy)

    def stop(self) -> None:
        for name in reversed(self.names):
            if process := self.processes.pop(name, None):
                process.stop()

    def restart(self, name: str | None = None) -> None:
        """All of it, or one process, with its configuration written anew."""
        if name is None:
            self.stop()
        elif process := self.processes.pop(name, None):
            process.stop()
        self.start()

    def log(self, name: str = "main") -> str:
        return (self.home / f"{name}.log").read_text(errors="replace")

    def __enter__(self) -> Homeserver:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # What clients ask. `to` is the process that is asked.

    def ask(
        self,
        method: str,
        path: str,
        body: Json = None,
        token: str | None = None,
        query: Mapping[str, str] | None = None,
        to: str = "main",
        timeout: float = 60.0,
    ) -> Answer:
        """A path that does not begin with `/_` is one of the client API, below /_matrix/client/v3."""
        path = path if path.startswith("/_") else "/_matrix/client/v3" + path
        return ask(self.ports[to], method, path, body, token, query, timeout)

    def available(self, localpart: str, to: str = "main") -> Answer:
        return self.ask("GET", "/register/available", query={"username": localpart}, to=to)

    def register_first_step(self, localpart: str, to: str = "main") -> Answer:
        return self.ask("POST", "/register", {"username": localpart, "password": PASSWORD}, to=to)

    def register(self, localpart: str | None, to: str = "main") -> Answer:
        """As a person does, to the end."""
        body = {"password": PASSWORD, "auth": {"type": "m.login.dummy"}}
        return self.ask("POST", "/register", body | ({"username": localpart} if localpart is not None else {}), to=to)

    def register_guest(self, to: str = "main") -> Answer:
        return self.ask("POST", "/register", {}, query={"kind": "guest"}, to=to)

    def register_by_secret(self, localpart: str, admin: bool = False) -> Answer:
        """With the shared secret; only the main process serves it."""
        nonce = self.ask("GET", "/_synapse/admin/v1/register").body["nonce"]
        parts = [nonce, localpart, PASSWORD, "admin" if admin else "notadmin"]
        mac = hmac.new(SHARED_SECRET.encode(), "\0".join(parts).encode(), hashlib.sha1).hexdigest()
        body = {"nonce": nonce, "username": localpart, "password": PASSWORD, "admin": admin, "mac": mac}
        return self.ask("POST", "/_synapse/admin/v1/register", body)

    def register_by_service(self, localpart: str, token: str, to: str = "main") -> Answer:
        body = {"type": "m.login.application_service", "username": localpart, "inhibit_login": True}
        return self.ask("POST", "/register", body, token, to=to)

    def put_user(self, localpart: str, admin_token: str) -> Answer:
        """The admin API's way to make an account."""
        path = f"/_synapse/admin/v2/users/{quote(f'@{localpart}:{SERVER}', safe='')}"
        return self.ask("PUT", path, {"password": PASSWORD}, admin_token)

    def available_to_admin(self, localpart: str, admin_token: str) -> Answer:
        return self.ask("GET", "/_synapse/admin/v1/username_available", None, admin_token, {"username": localpart})

    def create_alias(self, alias: str, room: str, token: str, query: Mapping[str, str] | None = None) -> Answer:
        return self.ask("PUT", f"/directory/room/{quote(alias, safe='')}", {"room_id": room}, token, query)

    def create_room(self, token: str, query: Mapping[str, str] | None = None, to: str = "main", **options: Json) -> Answer:
        return self.ask("POST", "/createRoom", options, token, query, to)

    def ask_as_mas(self, method: str, path: str, body: Json = None, query: Mapping[str, str] | None = None) -> Answer:
        """As the authentication service asks Synapse."""
        return self.ask(method, f"/_synapse/mas/{path}", body, MAS_SECRET, query)


@contextlib.contextmanager
def scratch(name: str) -> Iterator[Path]:
    """A directory for a run, which other users may pass through: PostgreSQL runs as another. It stays if
    BAILIWICK_TEST_KEEP is set."""
    # Below /tmp: the path of a Unix socket may have 107 bytes.
    directory = Path("/tmp") / f"bailiwick-{name}-{secrets.token_hex(4)}"
    directory.mkdir(mode=0o711)
    try:
        yield directory
    finally:
        if "BAILIWICK_TEST_KEEP" in os.environ:
            print(f"kept: {directory}", file=sys.stderr)
        else:
            shutil.rmtree(directory, ignore_errors=True)
