#!/usr/bin/env python3
"""ruff and mypy, strict, for the module and for everything here, against the types of a real Synapse.

    integrations/synapse/tests/lint.py
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from homeserver import CACHE, MODULE, ROOT, Release, environment
from unit import UNIT

TOOLS = ["ruff==0.17.6", "mypy==2.4.1", "types-PyYAML==6.0.12.20261113"]

# Both stand on what is here, or on each other.
PROXIES = [ROOT / "deploy/try_available.py", ROOT / "deploy/try_proxies.py"]

# Stands on what is here, too.
STORE = sorted((ROOT / "tests/store").glob("*.py"))


def main() -> int:
    tools = environment(CACHE / "lint", TOOLS, "import mypy, ruff").parent
    synapse = Release().install().python
    typed: list[str | Path] = [tools / "mypy", "--python-executable", synapse]
    commands: list[list[str | Path]] = [
        [tools / "ruff", "check", "."],
        [tools / "ruff", "check", *PROXIES, *STORE],
        typed,
        # By themselves: they import one another, and only some run in Synapse's environment.
        [*typed, *sorted(MODULE.glob("tests/*.py")), *PROXIES],
        [*typed, *STORE],
        # trial's assertions have no types.
        [*typed, "--allow-untyped-calls", "--no-warn-unused-ignores", *sorted(UNIT.glob("*.py"))],
    ]
    environment_of_mypy = os.environ | {"MYPYPATH": f"{UNIT}:{MODULE / 'tests'}"}
    codes = [subprocess.run(command, cwd=MODULE, env=environment_of_mypy, check=False).returncode for command in commands]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
