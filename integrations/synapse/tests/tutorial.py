#!/usr/bin/env python3
"""Runs docs/synapse.md, "Add a bridge without a restart", command by command, in an empty directory.

    integrations/synapse/tests/tutorial.py

Only ports are changed, to free ones. The exit code is 0 if every command succeeded and the bridge has spoken.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from homeserver import ROOT, free_port, scratch
from report import Report

DOCUMENT = ROOT / "docs/synapse.md"
HEADING = "## Add a bridge without a restart"


def commands() -> list[str]:
    section = DOCUMENT.read_text().partition(f"\n{HEADING}\n")[2].partition("\n## ")[0]
    return re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


def script() -> str:
    """Synapse's configuration is generated, so its port is changed there."""
    synapse, bailiwick, bridge = free_port(), free_port(), free_port()
    blocks = commands()
    text = "\n".join(["set -o errexit -o nounset -o pipefail", *blocks]).replace("127.0.0.1:8008", f"127.0.0.1:{synapse}")
    for old, new in {
        "--report-stats=no\n": f"--report-stats=no\nsed -i 's/port: 8008/port: {synapse}/' homeserver.yaml\n",
        "bailiwick serve ": f"bailiwick serve --listen 127.0.0.1:{bailiwick} ",
        "--config heisenbridge.yaml --generate": f"--config heisenbridge.yaml --listen-port {bridge} --generate",
    }.items():
        if old not in text:
            raise SystemExit(f"{DOCUMENT} has no {old!r}")
        text = text.replace(old, new)
    return text


def main() -> int:
    report = Report()
    binary = Path(os.environ.get("BAILIWICK") or ROOT / "target/debug/bailiwick").resolve()
    with scratch("tutorial") as home:
        (home / "path").mkdir()
        (home / "path/bailiwick").symlink_to(binary)
        (home / "work").mkdir()
        (home / "script").write_text(script())
        settings = {"PATH": f"{home / 'path'}:{os.environ['PATH']}", "BAILIWICK_SOURCE": str(ROOT)}
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "BAILIWICK"))}
        command: list[str | Path] = ["bash", "-x", home / "script"]
        with open(home / "output", "wb") as output, open(home / "trace", "wb") as trace:
            # A session of its own, so that what it started can be ended with it.
            process = subprocess.Popen(
                command, cwd=home / "work", env=clean | settings, stdout=output, stderr=trace, start_new_session=True
            )
        try:
            code: object = process.wait(600)
        except subprocess.TimeoutExpired:
            code = "it hangs"
        finally:
            os.killpg(process.pid, signal.SIGTERM)
        said = (home / "output").read_text().splitlines()
        report.is_("every command succeeded", code, 0)
        report.true("the bridge has spoken", any(line.startswith("Howdy, stranger!") for line in said), said[-1:])
        if report.failed:
            for log in [home / "trace", *sorted((home / "work").glob("*.log"))]:
                print(f"--- {log.name}\n{log.read_text(errors='replace')[-2_000:]}", file=sys.stderr)
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
