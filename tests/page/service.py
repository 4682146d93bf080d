"""The real binary, on loopback, stopped at the end."""

import json
import os
import re
import subprocess
import time
import urllib.request
from pathlib import Path

# Only a hang takes so long, in seconds.
PATIENCE = 180


class Service:
    def __init__(self, binary: Path, registrations: Path, *arguments: str, listen: str = "127.0.0.1:0", token: str = ""):
        self.log = registrations.parent / f"{registrations.name}.log"
        self.token = token
        # Beside the directory, so that it is named as people name it, and not by where this test has put it.
        command = [binary, "serve", registrations.name, "--server-name", "example.com", "--listen", listen, "--hold", "0"]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*map(str, command), *arguments], stdout=log, stderr=log, env={"PATH": os.environ["PATH"]}, cwd=registrations.parent
            )
        found = wait("the service listens", lambda: re.search(r"listen=\[([\d.:]+)", self.log.read_text()))
        self.address = found.group(1)
        self.base = f"http://{self.address}/"
        wait("all is compared", lambda: self.asks("v1/conflicts?limit=0"))

    def asks(self, path: str) -> dict | None:
        """What is answered; None if that is a refusal, or nothing."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        try:
            with urllib.request.urlopen(urllib.request.Request(self.base + path, headers=headers), timeout=30) as answer:
                return json.load(answer)
        except OSError:
            return None

    def __enter__(self) -> "Service":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE)


def wait(what: str, holds):
    began = time.monotonic()
    while not (held := holds()):
        if time.monotonic() - began > PATIENCE:
            raise TimeoutError(f"waited too long until {what}")
        time.sleep(0.02)
    return held
