"""Asks Synapse, and the libraries of other homeservers, which of a directory's registrations load, and records it.

    python3 -m venv /tmp/synapse && /tmp/synapse/bin/pip install matrix-synapse==1.163.2
    /tmp/synapse/bin/python oracle/real_files.py --rust … --go … DIR… --out tests/data/homeservers/real.jsonl

The programs are those of `oracle/loaders.py`. The files themselves, collected from public repositories, are not copied here:
of each, what it says is kept, but for its tokens, and which library loads it. What a homeserver then refuses of what its
library loads, a regex for one, is bailiwick's to say when the table of docs/homeservers.md is made.
"""

import argparse
import json
import logging
from pathlib import Path

from loaders import ask
from synapse.config._base import ConfigError
from synapse.config.appservice import load_appservices

LIBRARIES = {"dendrite": "go", "tuwunel": "serde-yaml", "continuwuity": "saphyr-0", "conduit": "serde-yaml-ruma", "palpo": "figment"}


def quietly(path):
    """The service that Synapse makes of a file, or none; what it logs of one that it refuses repeats the file."""
    logging.disable(logging.CRITICAL)
    try:
        return load_appservices("example.com", [str(path)])[0]
    except (ConfigError, ValueError, KeyError, TypeError, AttributeError):
        return None
    except Exception as error:  # Whatever PyYAML raises.
        if "yaml" not in type(error).__module__:
            raise
        return None


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rust", required=True)
    arguments.add_argument("--go", required=True)
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("directories", nargs="+", type=Path)
    options = arguments.parse_args()
    paths = [path for directory in options.directories for path in sorted(directory.glob("*.yaml"))]
    asked = "".join(json.dumps({"hex": path.read_bytes().hex()}) + "\n" for path in paths).encode()
    answers = zip(paths, ask(options.rust, asked), ask(options.go, asked), strict=True)
    with options.out.open("w") as out:
        for path, answer, go in answers:
            answer["go"] = go
            said = {name: answer[library] for name, library in LIBRARIES.items()}
            first = next((one for one in said.values() if one), None)
            says = first and {key: value for key, value in first.items() if key not in ("as_token", "hs_token")}
            loads = {"synapse": quietly(path) is not None} | {name: bool(one) for name, one in said.items()}
            out.write(json.dumps({"file": path.name, "says": says, "loads": loads}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
