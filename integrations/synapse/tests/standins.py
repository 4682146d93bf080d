"""Stand-ins for what a homeserver talks to: a bridge that records what it is sent, and an authentication service that knows
every token."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from homeserver import Json, free_port


class Server:
    """An HTTP server on a port of loopback, which can go away and come back."""

    def __init__(self, port: int | None = None) -> None:
        self.port = port or free_port()
        self.server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, method: str, path: str, token: str, body: bytes) -> tuple[int, Json]:
        raise NotImplementedError

    def __enter__(self) -> Any:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
                status, answer = outer.answer(self.command, self.path, token, body)
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                # A server that is to go away keeps no connection.
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_PUT = do_POST = handle_any  # noqa: N815 (as http.server calls them)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None


class Sent(NamedTuple):
    """An event that a bridge was sent, and when."""

    event: Json
    at: float


class Bridge(Server):
    """Takes transactions from those who have its `hs_token`."""

    def __init__(self, hs_token: str, port: int | None = None) -> None:
        super().__init__(port)
        self.hs_token = hs_token
        self.sent: list[Sent] = []
        self.refused = 0

    def answer(self, method: str, path: str, token: str, body: bytes) -> tuple[int, Json]:
        if token != self.hs_token:
            self.refused += 1
            return 403, {"errcode": "M_FORBIDDEN", "error": "another hs_token"}
        if method == "PUT" and "/transactions/" in path:
            self.sent += [Sent(event, time.monotonic()) for event in json.loads(body).get("events", [])]
            return 200, {}
        return 404, {"errcode": "M_NOT_FOUND", "error": "no such user or room"}

    def got(self, text: str) -> bool:
        """Whether it was sent a message with this text."""
        return any(sent.event.get("content", {}).get("body") == text for sent in self.sent)


class AuthenticationService(Server):
    """Says of every token `user:NAME` that it is NAME's, and of `admin:NAME` that it is that of an administrator."""

    def answer(self, method: str, path: str, token: str, body: bytes) -> tuple[int, Json]:
        asked = parse_qs(body.decode()).get("token", [""])[0]
        role, _, name = asked.partition(":")
        if role not in ("user", "admin"):
            return 200, {"active": False}
        scope = "urn:matrix:client:api:*" + (" urn:synapse:admin:*" if role == "admin" else "")
        return 200, {"active": True, "scope": scope, "username": name, "sub": name, "expires_in": 3600}
