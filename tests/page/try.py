#!/usr/bin/env python3
"""Looks at the page in a real Chromium, as operators do.

    tests/page/try.py target/debug/bailiwick [--pictures] [SCENE …]

Serves sets of 5, 75 and 10,000 registrations and acts each scene of `scenes.py` on them: what is asked, breaks, is zoomed
into, pasted, signed in with. Whatever is done, nothing is written to the console, no request goes elsewhere, and axe-core
finds no barrier, in light and dark, wide and narrow. `--pictures` writes what it looks like to `docs/images/`.

Needs python3 with venv, and Chromium: that of the machine, or else Debian's by apt-get. Playwright comes from PyPI and
axe-core from npm, in the versions that stand beside this file.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = HERE.parent.parent / "target/page"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def run(*command: str | Path, cwd: Path) -> None:
    done = subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"FAILED  {' '.join(map(str, command))}\n{done.stdout}{done.stderr}")


def install() -> Path:
    """A Python with Playwright, and axe-core beside it; made once."""
    python = CACHE / "venv/bin/python"
    wanted = "".join((HERE / name).read_text() for name in ("requirements.txt", "package.json"))
    stamp = CACHE / "installed"
    if not stamp.exists() or stamp.read_text() != wanted:
        CACHE.mkdir(parents=True, exist_ok=True)
        run(sys.executable, "-m", "venv", "venv", cwd=CACHE)
        run(python, "-m", "pip", "install", "--quiet", "--requirement", HERE / "requirements.txt", cwd=CACHE)
        shutil.copy(HERE / "package.json", CACHE)
        run("npm", "install", "--silent", "--no-audit", "--no-fund", cwd=CACHE)
        stamp.write_text(wanted)
    return python


def browser() -> str:
    if not any(map(shutil.which, BROWSERS)):
        as_root = [] if os.geteuid() == 0 else ["sudo"]
        run(*as_root, "apt-get", "update", "--quiet", cwd=HERE)
        run(*as_root, "apt-get", "install", "--yes", "--no-install-recommends", "chromium", "fonts-dejavu-core", cwd=HERE)
    return next(filter(None, map(shutil.which, BROWSERS)))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    binary = Path(sys.argv[1]).resolve()
    python = install()
    axe = CACHE / "node_modules/axe-core/axe.min.js"
    sys.exit(subprocess.run([python, HERE / "scenes.py", binary, browser(), axe, *sys.argv[2:]]).returncode)
