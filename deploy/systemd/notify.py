#!/usr/bin/env python3
"""Runs the unit's own command line as an unprivileged user and shows what it tells systemd.

    sudo deploy/systemd/notify.py target/dist/bailiwick

Takes the part of systemd's notification socket: waits for READY, sends SIGHUP and SIGTERM, and prints each message. The
exit code is 0 when READY, RELOADING with MONOTONIC_USEC, WATCHDOG and STOPPING came. Takes about ten seconds.
"""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parent.parent / "examples/registrations"
NOBODY = 65534


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="bailiwick-notify-") as temporary:
        return run(Path(sys.argv[1]).resolve(), Path(temporary))


def run(bailiwick: Path, temporary: Path) -> int:
    shutil.copytree(EXAMPLES, temporary / "registrations")
    shutil.copy(bailiwick, temporary / "bailiwick")
    (temporary / "state").mkdir()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(str(temporary / "notify"))
    for path in [temporary, temporary / "state", temporary / "notify"]:
        os.chown(path, NOBODY, NOBODY)

    command = re.search(r"^ExecStart=(.+)$", (HERE / "bailiwick.service").read_text(), re.MULTILINE)[1]
    for path, ours in [
        ("/usr/local/bin/bailiwick", "bailiwick"),
        ("/run/bailiwick", "state"),
        ("/var/lib/bailiwick", "state/kept"),
    ]:
        if path not in command:
            raise SystemExit(f"the unit's command line does not name {path}")
        command = command.replace(path, str(temporary / ours))
    print(command)
    environment = {
        "NOTIFY_SOCKET": str(temporary / "notify"),
        "WATCHDOG_USEC": "3000000",  # it is to be told a third of that
        # As in /etc/bailiwick/environment.
        "BAILIWICK_DIRS": str(temporary / "registrations"),
        "BAILIWICK_SERVER_NAME": "example.com",
        "BAILIWICK_LISTEN": "127.0.0.1:0",
        "BAILIWICK_LOG_LEVEL": "error",
    }
    child = subprocess.Popen(shlex.split(command), env=environment, user=NOBODY, group=NOBODY, extra_groups=[])
    began = time.monotonic()
    heard: list[str] = []

    def listen_for(seconds: float, until: str = "") -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            listener.settimeout(max(0.01, end - time.monotonic()))
            try:
                message = listener.recv(4096).decode().strip()
            except TimeoutError:
                return
            heard.append(message)
            print(f"{time.monotonic() - began:6.2f} s  {message.replace(chr(10), ' ')}", flush=True)
            if until and until in message:
                return

    try:
        listen_for(5, "READY=1")
        listen_for(2.5)
        child.send_signal(signal.SIGHUP)
        listen_for(1)
        child.send_signal(signal.SIGTERM)
        listen_for(5, "STOPPING=1")
        code = child.wait(timeout=5)
    finally:
        child.kill()
    print(f"ended with {code}")
    lacking = [
        wanted
        for wanted in ["READY=1", "WATCHDOG=1", r"RELOADING=1\nMONOTONIC_USEC=\d+", "STOPPING=1"]
        if not any(re.search(wanted, message) for message in heard)
    ]
    if lacking:
        print(f"never came: {lacking}")
    return 1 if lacking or code != 0 else 0


if __name__ == "__main__":
    sys.exit(main())
