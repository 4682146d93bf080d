"""Asking bailiwick: over a Unix socket and over TCP, and every way to get no answer."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import socket
import socketserver
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

from support import TestCase
from twisted.internet import reactor, task
from twisted.internet.defer import ensureDeferred
from twisted.internet.threads import deferToThread

import synapse_bailiwick as module


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, str, bytes, str | None]] = []  # noqa: RUF012
    reply: Callable[[Handler], None]

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.seen.append((self.command, self.path, body, self.headers.get("Authorization")))
        type(self).reply(self)

    do_POST = do_GET  # noqa: N815

    def address_string(self) -> str:
        return "a test"

    def log_message(self, *_: object) -> None:
        pass


def says(status: int, content: bytes, length: int | None = None) -> Callable[[Handler], None]:
    def reply(handler: Handler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(content) if length is None else length))
        handler.end_headers()
        handler.wfile.write(content)
        if length is not None:
            handler.close_connection = True

    return reply


class Asking(TestCase):
    timeout = 30

    def setUp(self) -> None:
        # The path of a Unix socket may have 107 bytes.
        self.directory = Path("/tmp") / f"bailiwick-{os.getpid()}-{self._testMethodName[-40:]}"
        self.directory.mkdir()
        self.addCleanup(shutil.rmtree, self.directory)
        self.path, self.token = str(self.directory / "s"), self.directory / "token"
        self.token.write_text("a token of the tests\n")
        Handler.seen = []
        self.released = threading.Event()

    def serve(self, reply: Callable[[Handler], None], tcp: bool = False) -> module.Client:
        Handler.reply = reply
        server: Any = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) if tcp else UnixServer(self.path, Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()

        def stop() -> None:
            self.released.set()
            server.shutdown()
            server.server_close()

        self.addCleanup(deferToThread, stop)
        return self.client(f"http://127.0.0.1:{server.server_port}" if tcp else None)

    def client(self, url: str | None = None) -> module.Client:
        where = {"url": url} if url else {"socket": self.path}
        client = module.Client(module.Config.parse({**where, "token_file": str(self.token)}))
        pool = client.agent._pool
        self.addCleanup(pool.closeCachedConnections)
        return client

    async def both(self, client: module.Client, path: str = "/v1/status") -> list[Any]:
        """The same from the reactor and as while Synapse starts: the answers, or why there is none."""
        answers = []
        for ask in (lambda: ensureDeferred(client.ask("GET", path, seconds=1)), lambda: deferToThread(client.ask_at_start, path)):
            try:
                answers.append(await ask())
            except module.NoAnswer as error:
                answers.append(error)
        return answers

    async def test_over_a_unix_socket(self) -> None:
        client = self.serve(says(200, b'{"ready": true}'))
        self.assertEqual(await self.both(client), [{"ready": True}] * 2)
        self.assertEqual(Handler.seen, [("GET", "/v1/status", b"", "Bearer a token of the tests")] * 2)
        self.assertEqual(await ensureDeferred(client.ask("POST", "/v1/may-register", {"user_id": "@ä:b"})), {"ready": True})
        self.assertEqual(json.loads(Handler.seen[2][2]), {"user_id": "@ä:b"})

    async def test_over_tcp(self) -> None:
        client = self.serve(says(200, b'{"ready": true}'), tcp=True)
        self.assertEqual(await self.both(client), [{"ready": True}] * 2)

    async def test_a_token_that_is_changed_is_read_anew(self) -> None:
        client = self.serve(says(200, b"{}"))
        await self.both(client)
        self.token.write_text("another")
        await self.both(client)
        self.assertEqual([seen[3] for seen in Handler.seen[2:]], ["Bearer another"] * 2)

    def says_nothing(self, _: Handler) -> None:
        self.released.wait(25)

    async def assert_no_answer(self, client: module.Client, words: str) -> None:
        for error in await self.both(client):
            self.assertIsInstance(error, module.NoAnswer)
            self.assertIn(words, str(error))
            self.assertNotIn("a token of the tests", str(error))

    async def test_nobody_there(self) -> None:
        await self.assert_no_answer(self.client(), "")
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            await self.assert_no_answer(self.client(f"http://127.0.0.1:{held.getsockname()[1]}"), "")

    async def test_a_token_file_that_cannot_be_read(self) -> None:
        client = self.serve(says(200, b"{}"))
        self.token.unlink()
        await self.assert_no_answer(client, "token cannot be read: FileNotFoundError")
        self.token.write_text("one of two\nanother\n")
        await self.assert_no_answer(client, "must hold one token, in one line")

    async def test_an_error_is_told_with_its_words(self) -> None:
        client = self.serve(says(403, b'{"errcode": "M_FORBIDDEN", "error": "the token may not"}'))
        await self.assert_no_answer(client, "status 403: the token may not")

    async def test_what_is_not_an_object_is_no_answer(self) -> None:
        for content in (b"", b"[]", b'{"ready": tr', b"\xff", b"true", b"[" * 100_000):
            client = self.serve(says(200, content))
            await self.assert_no_answer(client, "not a JSON object")
            Path(self.path).unlink()

    async def test_an_answer_that_breaks_off(self) -> None:
        await self.assert_no_answer(self.serve(says(200, b'{"ready": true', length=50)), "")

    async def test_an_answer_that_never_ends(self) -> None:
        def drips(handler: Handler) -> None:
            handler.send_response(200)
            handler.end_headers()
            while not self.released.wait(0.05):
                handler.wfile.write(b" ")

        with mock.patch.object(module, "START_SECONDS", 1.0):
            begin = time.monotonic()
            await self.assert_no_answer(self.serve(drips), "")
        self.assertLess(time.monotonic() - begin, 20)

    async def test_an_answer_that_is_too_large(self) -> None:
        with mock.patch.object(module, "MAX_ANSWER_BYTES", 100):
            self.assertEqual(await self.both(self.serve(says(200, b"{}" + b" " * 98))), [{}, {}])
            Path(self.path).unlink()
            await self.assert_no_answer(self.serve(says(200, b"{}" + b" " * 99)), "larger than")

    async def test_silence_ends_in_time(self) -> None:
        client = self.serve(self.says_nothing)
        begin = time.monotonic()
        first = await self.both(client)
        self.assertTrue(all(isinstance(error, module.NoAnswer) for error in first))
        # Each is given a second; the limit is there for what hangs.
        self.assertLess(time.monotonic() - begin, 20)

    async def test_after_silence_the_next_question_is_answered(self) -> None:
        silent = self.serve(self.says_nothing)
        await self.both(silent)
        Handler.reply = says(200, b"{}")
        self.assertEqual(await self.both(silent), [{}, {}])
        await task.deferLater(reactor, 0, lambda: None)
