#!/usr/bin/env python3
"""Shows that a static binary needs nothing but itself, and what its C library costs.

    sudo deploy/try_static.py target/x86_64-unknown-linux-musl/dist/bailiwick [target/dist/bailiwick]

Looks for whatever else the binary would have loaded, runs it in a root that holds it and some registrations and nothing else, as a
user without rights, and asks it. With a second binary, linked to this machine's C library, both are asked the same in turns, and
how long each takes is told: one ID, many at once, a start with 1,000 registrations. musl brings an allocator of its own, which is
what may differ. Needs root; takes half a minute. The exit code is 0 if everything held; times are not judged.
"""

import http.client
import json
import os
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent.parent / "examples/registrations"
NOBODY = 65534
# Only what hangs takes so long, in seconds.
PATIENCE = 60
REGISTRATION = """id: bridge{0}
url: null
as_token: as-token-of-bridge-{0}-0123456789
hs_token: hs-token-of-bridge-{0}-0123456789
sender_localpart: bridge{0}bot
namespaces: {{users: [{{exclusive: true, regex: '@network{0}_.+:example\\.com'}}]}}
"""
failed = False


def hold(what: str, is_: object, should: object) -> None:
    global failed
    failed |= is_ != should
    print(f"ok  {what}: {is_}" if is_ == should else f"FAILED  {what}: {is_!r} instead of {should!r}", flush=True)


def loads(binary: Path) -> list[str]:
    """What ELF says is to be loaded before a program starts: an interpreter, and libraries."""
    content = binary.read_bytes()
    at, size, count = (struct.unpack_from(form, content, place)[0] for form, place in (("<Q", 32), ("<H", 54), ("<H", 56)))
    wanted = []
    for header in range(at, at + size * count, size):
        kind, offset, length = (
            struct.unpack_from(form, content, header + place)[0] for form, place in (("<I", 0), ("<Q", 8), ("<Q", 32))
        )
        if kind == 3:
            wanted.append(content[offset : offset + length].rstrip(b"\0").decode())
        if kind == 2:
            entries = struct.iter_unpack("<QQ", content[offset : offset + length - length % 16])
            wanted += [f"a library, at {value} of the strings" for tag, value in entries if tag == 1]
    return wanted


class Service:
    """The binary in a root of its own, or as it is."""

    def __init__(self, command: list[str | Path], directory: Path, **process: object):
        began = time.monotonic()
        self.socket = directory / "socket"
        arguments = [
            "serve",
            "registrations",
            "--server-name",
            "example.com",
            "--listen",
            "127.0.0.1:0",
            "--unix-socket",
            "socket",
        ]
        self.process = subprocess.Popen(
            [*command, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=directory, env={}, **process
        )
        while not self.ready():
            if time.monotonic() - began > PATIENCE or self.process.poll() is not None:
                raise SystemExit(f"FAILED  {command} does not become ready")
            time.sleep(0.005)
        self.start = time.monotonic() - began
        self.connection = self.connect()

    def connect(self) -> http.client.HTTPConnection:
        import socket

        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self.socket))
        return connection

    def ready(self) -> bool:
        try:
            connection = self.connect()
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False

    def ask(self, body: str) -> dict:
        self.connection.request("POST", "/v1/owners", body, {"Content-Type": "application/json"})
        return json.loads(self.connection.getresponse().read())

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(PATIENCE)


def alone(binary: Path) -> None:
    """In a root with nothing else."""
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        shutil.copy(binary, root / "bailiwick")
        shutil.copytree(EXAMPLES, root / "registrations")
        for each in [root, *root.rglob("*")]:
            os.chown(each, NOBODY, NOBODY)
        chroot = [shutil.which("chroot") or "/usr/sbin/chroot", f"--userspec={NOBODY}:{NOBODY}", root, "/bailiwick"]

        def run(*words: str) -> subprocess.CompletedProcess:
            return subprocess.run([*chroot, *words], capture_output=True, text=True, env={}, check=False)

        hold("it says its version", run("--version").stdout.split()[:1], ["bailiwick"])
        checked = run("check", "registrations", "--server-name", "example.com")
        hold("it checks", (checked.returncode, "exclusive-conflict" in checked.stdout), (1, True))
        service = Service(chroot, root)
        answer = service.ask(json.dumps({"ids": ["@telegram_1:example.com"]}))["results"][0]
        hold("it answers", (answer["status"], answer["owner"]), ("exclusive", "telegram"))
        hold("its health check asks it", run("health", "--unix-socket", "/socket").returncode, 0)
        hold("it stops when told", service.stop(), 0)


def beside(binaries: dict[str, Path]) -> None:
    """Times of both, in turns, so that whatever else this machine does meets both alike."""
    one = json.dumps({"ids": ["@network700_alice:example.com"]})
    many = json.dumps({"ids": [f"@network{at % 1000}_user{at}:example.com" for at in range(10_000)]})
    times: dict[str, dict[str, list[float]]] = {name: {"one": [], "many": [], "start": []} for name in binaries}
    with tempfile.TemporaryDirectory() as temporary:
        directories = {name: Path(temporary) / name for name in binaries}
        for directory in directories.values():
            (directory / "registrations").mkdir(parents=True)
            for at in range(1_000):
                (directory / f"registrations/{at}.yaml").write_text(REGISTRATION.format(at))
        for _ in range(5):
            services = {name: Service([binary], directories[name]) for name, binary in binaries.items()}
            for name, service in services.items():
                times[name]["start"].append(service.start)
            for what, body, rounds in (("one", one, 400), ("many", many, 10)):
                for _ in range(rounds):
                    for name, service in services.items():
                        began = time.perf_counter()
                        service.ask(body)
                        times[name][what].append(time.perf_counter() - began)
            for service in services.values():
                service.stop()
    for what, said in (
        ("one", "one ID"),
        ("many", "10,000 IDs in one question"),
        ("start", "from its start until it is ready"),
    ):
        medians = {name: statistics.median(by[what]) for name, by in times.items()}
        told = ", ".join(f"{name} {1000 * median:.2f} ms" for name, median in medians.items())
        print(f"    {said}: {told} ({medians['static'] / medians['beside it']:.2f} times)", flush=True)


def main() -> int:
    static = Path(sys.argv[1]).resolve()
    hold("it loads nothing", loads(static), [])
    alone(static)
    if len(sys.argv) > 2:
        other = Path(sys.argv[2]).resolve()
        hold("the other does", bool(loads(other)), True)
        beside({"static": static, "beside it": other})
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main() if len(sys.argv) > 1 else __doc__)
