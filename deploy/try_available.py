#!/usr/bin/env python3
"""Runs Caddy and nginx with the committed snippets in front of a real Synapse, which asks bailiwick first whether a name is
to be had.

    deploy/try_available.py [--release 1.163.2]

Only paths, ports and the token are adapted. Synapse has no module and knows of no bridge: each refusal is bailiwick's, passed
on by the proxy. Needs nginx and caddy; loopback only. The exit code is 0 if everything held.
"""

from __future__ import annotations

import argparse
import functools
import http.client
import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integrations/synapse/tests"))

import homeserver as synapse  # noqa: E402
from homeserver import (  # noqa: E402
    NEWEST,
    Bailiwick,
    Homeserver,
    Process,
    Release,
    free_port,
    registration,
    scratch,
    until,
)
from report import Report  # noqa: E402
from try_proxies import adapted  # noqa: E402

PATH = "/_matrix/client/v3/register/available"
REFUSED, FREE, CLOSED = (400, "M_EXCLUSIVE"), (200, None), (502, "M_UNKNOWN")


class Told(NamedTuple):
    status: int
    errcode: str | None
    body: str
    origins: list[str]


def ask(port: int, target: str, headers: dict[str, str] | None = None, method: str = "GET") -> Told:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, target, headers={"Origin": "https://app.example.org"} | (headers or {}))
        response = connection.getresponse()
        body = response.read().decode("utf-8", "replace")
        origins = response.headers.get_all("Access-Control-Allow-Origin") or []
    finally:
        connection.close()
    errcode = body.partition('"errcode":"')[2].partition('"')[0] if body.startswith("{") else None
    return Told(response.status, errcode or None, body, origins)


def check(report: Report, proxy: str, port: int, bailiwick: Bailiwick) -> None:
    def answers(what: str, target: str, should: tuple[int, str | None], headers: dict[str, str] | None = None) -> Told:
        told = ask(port, target, headers)
        report.is_(f"{proxy}: {what}", (told.status, told.errcode), should)
        return told

    told = answers("a reserved name", f"{PATH}?username=telegram_1", REFUSED)
    report.true("    in words for the public", not any(word in told.body for word in ["telegram", "@", "yaml"]), told.body)
    report.is_("    which a page of another origin may read", told.origins, ["*"])
    told = answers("a free one, by Synapse", f"{PATH}?username=alice", FREE)
    report.is_("    which a page of another origin may read", told.origins, ["*"])
    for version in ["r0", "unstable"]:
        path = PATH.replace("v3", version)
        answers(f"reserved, at {version}", f"{path}?username=telegram_1", REFUSED)
    answers("reserved, percent-encoded", f"{PATH}?user%6eame=tele%67ram_1", REFUSED)
    answers("reserved, the path percent-encoded", f"{PATH.replace('available', '%61vailable')}?username=telegram_1", REFUSED)
    answers("reserved, and another name after it", f"{PATH}?username=telegram_1&username=alice", REFUSED)
    answers("reserved, and another before it, which Synapse takes", f"{PATH}?username=alice&username=telegram_1", FREE)
    for header in ["X-Forwarded-Uri", "X-Original-Uri"]:
        hostile = {header: f"{PATH}?username=alice"}
        answers(f"reserved, the client sends {header}", f"{PATH}?username=telegram_1", REFUSED, hostile)
        answers(f"free, the client sends {header}", f"{PATH}?username=bob", FREE, {header: f"{PATH}?username=telegram_1"})
    answers("reserved, with a token of the client's", f"{PATH}?username=telegram_1", REFUSED, {"Authorization": "Bearer mine"})
    answers("reserved, a status asked for", f"{PATH}?status=403&username=telegram_1", REFUSED)
    told = ask(port, f"{PATH}?username=telegram_1", method="OPTIONS")
    report.is_(f"{proxy}: the browser's question beforehand, by Synapse", told.status, 204)
    bailiwick.stop()
    told = answers("bailiwick is gone", f"{PATH}?username=alice", CLOSED)
    report.is_("    which a page of another origin may read", told.origins, ["*"])
    report.is_(f"{proxy}: and the rest of Synapse answers", ask(port, "/_matrix/client/versions").status, 200)
    bailiwick.start()
    until("bailiwick is back", lambda: ask(port, f"{PATH}?username=telegram_1").errcode == "M_EXCLUSIVE")
    answers("bailiwick is back", f"{PATH}?username=alice", FREE)


def passes_on(port: int) -> bool:
    return ask(port, "/_matrix/client/versions").status == 200


def caddy(home: Path, port: int, bailiwick: Bailiwick, token: str, upstream: int) -> list[str]:
    changes = {"/run/bailiwick/bailiwick.sock": str(bailiwick.socket), '# header_up Authorization "Bearer …"': authorization(token)}
    changes |= {"header_up -Authorization\n": "\n"}
    (home / "snippet.caddy").write_text(adapted(HERE / "caddy/register-available.caddy", changes))
    (home / "Caddyfile").write_text(
        "{\n\tadmin off\n\tauto_https off\n}\nimport snippet.caddy\n"
        f"http://127.0.0.1:{port} {{\n\timport bailiwick_available\n\treverse_proxy 127.0.0.1:{upstream}\n}}\n"
    )
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(home / "Caddyfile")]


def authorization(token: str) -> str:
    return f'header_up Authorization "Bearer {token}"'


def nginx(home: Path, port: int, bailiwick: Bailiwick, token: str, upstream: int) -> list[str]:
    snippets = home / "snippets"
    snippets.mkdir()
    ask_changes = {'proxy_set_header Authorization ""': f'proxy_set_header Authorization "Bearer {token}"'}
    for name, changes in {
        "register-available-ask.conf": ask_changes,
        "register-available.conf": {},
        "register-available-pass.conf": {"127.0.0.1:8008": f"127.0.0.1:{upstream}"},
    }.items():
        (snippets / name).write_text(adapted(HERE / "nginx" / name, changes))
    kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    temporary = " ".join(f"{kind}_temp_path {home}/{kind};" for kind in kinds)
    (home / "nginx.conf").write_text(
        f"daemon off; worker_processes 1; pid {home}/nginx.pid; error_log {home}/error.log; events {{}}\n"
        f"http {{ access_log off; {temporary}\n"
        f"upstream bailiwick {{ server unix:{bailiwick.socket}; keepalive 32; keepalive_timeout 60s; }}\n"
        # As Synapse's documentation has it, and before the snippet, which must win.
        f"server {{ listen 127.0.0.1:{port};\n"
        f"location ~ ^(/_matrix|/_synapse/client) {{ proxy_pass http://127.0.0.1:{upstream}; }}\n"
        f"include snippets/register-available.conf; }} }}\n"
    )
    return ["nginx", "-p", str(home), "-c", str(home / "nginx.conf")]


def main() -> int:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--release", default=NEWEST)
    release, report = Release(arguments.parse_args().release).install(), Report()
    environment = {"PATH": f"/usr/sbin:{os.environ['PATH']}"}
    with scratch("available") as home, Bailiwick(home / "b", "--unix-socket-mode", "666") as bailiwick:
        (home / "b").chmod(0o711)
        token = secrets.token_hex(16)
        bailiwick.tokens.write_text(bailiwick.tokens.read_text() + f"register {token}\n")
        bailiwick.put("telegram.yaml", registration("telegram", ["@telegram_.*"]))
        until("it knows the token", lambda: is_reserved(bailiwick, token))
        with Homeserver(release, home / "synapse") as homeserver:
            for name, configure in {"caddy": caddy, "nginx": nginx}.items():
                (home / name).mkdir(mode=0o711)
                if not shutil.which(name, path=environment["PATH"]):
                    report.true(f"{name} is installed", False, f"apt-get install {name}")
                    continue
                port = free_port()
                command = configure(home / name, port, bailiwick, token, homeserver.ports["main"])
                settings = environment | {"HOME": str(home / name)}
                process = Process(name, command, home / f"{name}.log", env=settings, cwd=home / name)
                try:
                    process.until_answers(functools.partial(passes_on, port))
                    check(report, name, port, bailiwick)
                finally:
                    process.stop()
    tidy = subprocess.run(["caddy", "fmt", HERE / "caddy/register-available.caddy"], check=False, capture_output=True, text=True)
    report.is_("caddy fmt changes nothing", tidy.stdout == (HERE / "caddy/register-available.caddy").read_text(), True)
    return report.exit_code()


def is_reserved(bailiwick: Bailiwick, token: str) -> bool:
    return synapse.ask(bailiwick.socket, "GET", f"{PATH}?username=telegram_1", token=token).status == 400


if __name__ == "__main__":
    sys.exit(main())
