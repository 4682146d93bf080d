#!/usr/bin/env python3
"""Runs nginx and Caddy with the committed snippets in front of a bailiwick on a Unix socket, and asks through them.

    deploy/try_proxies.py target/dist/bailiwick

Only paths and ports are adapted. Each is asked the README's calls, made to answer errors itself, asked by many clients
while bailiwick reloads (no request may fail) and restarts (each must be answered, rightly or with an error of Matrix).
Needs nginx, caddy, curl and jq; loopback only, about a minute. The exit code is 0 if everything held.
"""

import collections
import http.client
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
# What did not hold.
failed: list[str] = []


def hold(what: str, is_: object, should: object) -> None:
    if is_ != should:
        failed.append(what)
    print(f"ok  {what}: {is_}" if is_ == should else f"FAILED  {what}: {is_!r} instead of {should!r}", flush=True)


def main() -> int:
    bailiwick = Path(sys.argv[1]).resolve()
    for name in ["nginx", "caddy"]:
        with tempfile.TemporaryDirectory(prefix=f"bailiwick-{name}-") as temporary:
            work, proxy = Path(temporary), None
            work.chmod(0o755)
            service = Service(bailiwick, work)
            try:
                inside, public = free_port(), free_port()
                command = {"nginx": nginx, "caddy": caddy}[name](work, inside, public)
                with open(work / "log", "wb") as log:
                    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": temporary}
                    proxy = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
                until_answered(inside)
                check(name, inside, public, service)
            finally:
                service.stop()
                if proxy:
                    proxy.terminate()
                    proxy.wait()
    return 1 if failed else 0


class Service:
    def __init__(self, bailiwick: Path, work: Path):
        shutil.copytree(ROOT / "examples/registrations", work / "examples/registrations")
        shutil.copy(bailiwick, work / "bailiwick")
        self.work = work
        self.start()

    def start(self) -> None:
        # The directory as in the README, whose answers name it.
        command = ["./bailiwick", "serve", "examples/registrations", "--server-name", "example.com"]
        command += ["--unix-socket", str(self.work / "bailiwick.sock"), "--unix-socket-mode", "666"]
        command += ["--listen", "127.0.0.1:0", "--log-level", "error"]
        self.process = subprocess.Popen(command, cwd=self.work, env={})

    def stop(self, how: int = signal.SIGTERM) -> None:
        self.process.send_signal(how)
        self.process.wait()


def nginx(work: Path, inside: int, public: int) -> list[str]:
    (work / "snippets").mkdir()
    shutil.copy(HERE / "nginx/bailiwick-server.conf", work / "snippets")
    changes = {"/run/bailiwick": str(work), ":8791": f":{inside}", ":8792": f":{public}"}
    (work / "bailiwick.conf").write_text(adapted(HERE / "nginx/bailiwick.conf", changes))
    kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    temporary = " ".join(f"{kind}_temp_path {work}/{kind};" for kind in kinds)
    (work / "nginx.conf").write_text(
        f"daemon off; worker_processes 2; pid {work}/nginx.pid; error_log {work}/error.log; events {{}}\n"
        f"http {{ access_log off; {temporary} include {work}/bailiwick.conf; }}\n"
    )
    return ["nginx", "-p", str(work), "-c", str(work / "nginx.conf")]


def caddy(work: Path, inside: int, public: int) -> list[str]:
    committed = HERE / "caddy/Caddyfile"
    tidy = subprocess.run(["caddy", "fmt", str(committed)], check=False, capture_output=True, text=True).stdout
    hold("caddy fmt changes nothing", tidy == committed.read_text(), True)
    valid = ["caddy", "validate", "--adapter", "caddyfile", "--config", str(committed)]
    validated = subprocess.run(valid, check=False, capture_output=True, env={"PATH": "/usr/bin", "HOME": str(work)})
    hold("caddy validate", validated.returncode, 0)
    # The public site without its name: a certificate for that one cannot be had here.
    changes = {"/run/bailiwick": str(work), ":8791": f":{inside}"}
    changes["\nnames.example.com"] = f"\nhttp://127.0.0.1:{public}"
    (work / "Caddyfile").write_text("{\n\tadmin off\n\tauto_https off\n}\n" + adapted(committed, changes))
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(work / "Caddyfile")]


def adapted(file: Path, changes: dict[str, str]) -> str:
    text = file.read_text()
    for old, new in changes.items():
        if old not in text:
            raise SystemExit(f"{file} does not hold {old!r}")
        text = text.replace(old, new)
    return text


def check(name: str, inside: int, public: int, service: Service) -> None:
    readme = (ROOT / "README.md").read_text()
    calls = re.findall(r"^\$ (curl .+)\n((?:(?!\$ |```).*\n)+)", readme, re.MULTILINE)
    right = 0
    for call, expected in calls:
        command = call.replace("127.0.0.1:8790", f"127.0.0.1:{inside}")
        got = subprocess.run(command, shell=True, check=False, capture_output=True, text=True, timeout=10).stdout
        right += got.strip() == expected.strip()
    hold(f"{name}: the README's calls", f"{right} of {len(calls)}", "7 of 7")

    batch = json.dumps({"ids": [f"@{number:06}{'x' * 236}:example.com" for number in range(10_000)]})
    snapshot = ask(inside, "GET", "/v1/status")[1]["snapshot"]
    waited = ask(inside, "GET", f"/v1/changes?since={snapshot}&wait=12")
    hold("who waits for longer than an answer may take", (waited[0], waited[1].get("changes")), (200, []))
    hold("the largest batch", ask(inside, "POST", "/v1/owners", batch)[0], 200)
    for what, port, method, path, body, status, errcode in [
        ("a larger body", inside, "POST", "/v1/owners", "x" * 5_000_000, 413, "M_TOO_LARGE"),
        ("metrics", inside, "GET", "/metrics", None, 404, "M_UNRECOGNIZED"),
        ("a reload", inside, "POST", "/-/reload", "", 404, "M_UNRECOGNIZED"),
        ("a reload by a detour", inside, "POST", "/v1/../-/reload", "", 404, "M_UNRECOGNIZED"),
        ("metrics by a detour", inside, "GET", "/v1/%2e%2e/metrics", None, 404, "M_UNRECOGNIZED"),
        ("bailiwick's own error", inside, "DELETE", "/v1/owners", None, 405, "M_UNRECOGNIZED"),
        ("the public asks", public, "POST", "/v1/may-register", '{"localpart": "alice"}', 200, None),
        ("the public asks too much", public, "POST", "/v1/may-register", "x" * 5_000, 413, "M_TOO_LARGE"),
        ("the public looks around", public, "GET", "/v1/registrations", None, 404, "M_UNRECOGNIZED"),
        ("the public makes work", public, "POST", "/v1/check", "x", 404, "M_UNRECOGNIZED"),
    ]:
        answered, answer = ask(port, method, path, body)
        hold(what, (answered, answer.get("errcode")), (status, errcode))

    stop = threading.Event()
    answers = crowd(inside, stop)
    for _ in range(20):
        service.process.send_signal(signal.SIGHUP)
        time.sleep(0.2)
    stop.set()
    hold("statuses while it reloads", sorted(answers()), [200])

    stop = threading.Event()
    answers = crowd(inside, stop)
    for how in [signal.SIGTERM, signal.SIGKILL, signal.SIGTERM]:
        time.sleep(1.5)
        service.stop(how)
        service.start()
    time.sleep(1.5)
    stop.set()
    counted = answers()
    hold("statuses while it restarts, beyond 200, 502 and 503", sorted(counted.keys() - {200, 502, 503}), [])
    print(f"    {dict(counted)}")
    hold("and after that", ask(inside, "GET", "/readyz")[1], {"ready": True, "missing": []})

    service.stop()
    hold("when it is gone", ask(inside, "GET", "/v1/status"), (502, UNAVAILABLE))
    hung = socket.socket(socket.AF_UNIX)
    hung.bind(str(service.work / "bailiwick.sock"))
    (service.work / "bailiwick.sock").chmod(0o666)
    hung.listen()
    hold("when it hangs", ask(inside, "GET", "/v1/status"), (504, UNAVAILABLE))
    hung.close()
    (service.work / "bailiwick.sock").unlink()
    service.start()


JSON = {"Content-Type": "application/json"}
UNAVAILABLE = {"errcode": "M_UNKNOWN", "error": "bailiwick does not answer; ask again later"}


def crowd(port: int, stop: threading.Event) -> Callable[[], collections.Counter[int | str]]:
    """Sixteen clients, each on one connection; what is returned waits for them and counts their answers by status."""
    counted: collections.Counter[int | str] = collections.Counter()

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
        while not stop.is_set():
            connection.request("POST", "/v1/may-register", '{"localpart": "telegram_1"}', JSON)
            response = connection.getresponse()
            answer = json.load(response)
            right = answer.get("allowed") is False if response.status == 200 else "errcode" in answer
            counted[response.status if right else f"{response.status}, wrong: {answer}"] += 1
            time.sleep(0.002)
        connection.close()

    threads = [threading.Thread(target=client) for _ in range(16)]
    for thread in threads:
        thread.start()

    def wait() -> collections.Counter[int | str]:
        for thread in threads:
            thread.join()
        return counted

    return wait


def ask(port: int, method: str, path: str, body: str | None = None) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
    try:
        connection.request(method, path, body, JSON if body else {})
    except OSError:
        if connection.sock is None:
            raise
        # Else it answered before it had read everything.
    response = connection.getresponse()
    try:
        return response.status, json.load(response)
    finally:
        connection.close()


def until_answered(port: int) -> None:
    for _ in range(100):
        try:
            if ask(port, "GET", "/readyz")[0] == 200:
                return
        except (OSError, ValueError, http.client.HTTPException):
            pass
        time.sleep(0.1)
    raise SystemExit("the proxy does not answer")


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main())
