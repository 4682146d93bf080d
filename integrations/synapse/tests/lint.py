#!/usr/bin/env python3
"""ruff and mypy, strict, for the module and for everything here, against the types of a real Synapse.

    integrations/synapse/tests/lint.py
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from homeserver import CACHE, MODULE, Release, environment

TOOLS = ["ruff==0.17.6", "mypy==2.4.1", "types-PyYAML==6.0.12.20261113"]


def main() -> int:
    tools = environment(CACHE / "lint", TOOLS, "import mypy, ruff").parent
    synapse = Release().install().python
    commands: list[list[str | Path]] = [
        [tools / "ruff", "check", "."],
        [tools / "mypy", "--python-executable", synapse],
        # By themselves: they import one another, and only some run in Synapse's environment.
        [tools / "mypy", "--python-executable", synapse, *sorted(MODULE.glob("tests/*.py"))],
    ]
    codes = [subprocess.run(command, cwd=MODULE, env=os.environ, check=False).returncode for command in commands]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
