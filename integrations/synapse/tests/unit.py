"""The module's parts on Synapse's own classes, without a running Synapse.

python3 integrations/synapse/tests/unit.py [--release X ...] [TEST ...]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from homeserver import MODULE, NEWEST, Release

UNIT = Path(__file__).resolve().parent / "unit"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--release", action="append", help=f"of Synapse, from PyPI; may be repeated (default: {NEWEST})")
    parser.add_argument("tests", nargs="*", help="modules, or what trial takes (default: all)")
    arguments = parser.parse_args()
    tests = arguments.tests or sorted(file.stem for file in UNIT.glob("test_*.py"))
    failed = False
    for version in arguments.release or [NEWEST]:
        release = Release(version).install()
        print(f"Synapse {version}", flush=True)
        environment = {**os.environ, "PYTHONPATH": f"{MODULE}:{UNIT}", "PYTHONDONTWRITEBYTECODE": "1"}
        with tempfile.TemporaryDirectory() as scratch:
            command = [release.python, "-m", "twisted.trial", f"--temp-directory={scratch}/trial", *tests]
            failed |= subprocess.run(command, env=environment, cwd=UNIT, check=False).returncode != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
