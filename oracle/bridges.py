"""Holds what `check --bridge-config` says against the bridges themselves.

    python3 -m venv /tmp/bridges && /tmp/bridges/bin/pip install heisenbridge==1.15.4 commonmark
    cargo build
    /tmp/bridges/bin/python oracle/bridges.py [--seed 1] [--mautrix 100] [--heisenbridge 40]

* mautrix in Python (mautrix 0.20, which heisenbridge brings): random configurations, of each of which its own code writes the
  registration. Nothing may be found of the two. Then the prefix is changed in the configuration: what the bridge would write of
  that is a second registration, and a name that it claims and the first does not is what must be found.
* heisenbridge: random registrations, with which it is started. If it says why it stops, an error `bridge-namespace` must be found;
  if it goes on (to a homeserver that is not there), none.

It prints what it counted; the exit code is 1 if any differ. Loopback only.
"""

import argparse
import io
import json
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from mautrix.bridge.config import BaseBridgeConfig
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[1]
BINARY = ROOT / "target/debug/bailiwick"
STOPS = ("User namespace", "A single user namespace")


class Config(BaseBridgeConfig):
    """A mautrix bridge's configuration that is in memory alone."""

    def __init__(self, data: dict[str, Any]) -> None:
        super().__init__("", "", "")
        self._data = data


def configuration(rng: random.Random) -> dict[str, Any]:
    """One of those that operators write."""
    network = rng.choice(["telegram", "signal", "line.me", "g-chat", "x_y", "+phone", "2ch"])
    domain = rng.choice(["example.com", "a-b.example.org", "localhost", "xn--e1afmkfd.example", "192.0.2.1:8448"])
    port = rng.randrange(1024, 65536)
    template = rng.choice(
        [f"{network}_{{userid}}", f"{{userid}}_{network}", f"_{network}/{{userid}}", f"{network}{{userid}}.x"]
    )
    bridge = {"username_template": template, "encryption": {}}
    if rng.random() < 0.5:
        bridge["alias_template"] = f"{network}_{{groupname}}"
    return {
        "homeserver": {"address": "http://localhost:8008", "domain": domain},
        "appservice": {
            "address": f"http://{rng.choice(['localhost', 'bridge'])}:{port}",
            "hostname": "0.0.0.0",
            "port": port,
            "id": network,
            "bot_username": f"{network}bot",
            "ephemeral_events": True,
        },
        "bridge": bridge,
    }


def generated(data: dict[str, Any]) -> dict[str, Any]:
    """The registration that the bridge itself writes; it puts the tokens into the configuration."""
    config = Config(data)
    config.generate_registration()
    registration = config._registration
    assert registration is not None
    return dict(registration)


def written(path: Path, data: Any) -> Path:
    """Writes YAML as bridges do."""
    stream = io.StringIO()
    YAML(typ="safe").dump(data, stream)
    path.write_text(stream.getvalue())
    path.chmod(0o600)
    return path


def found(home: Path, domain: str) -> list[dict[str, Any]]:
    """What is found of a configuration beside a registration."""
    command = [str(BINARY), "check", "registration.yaml", "--server-name", domain, "--bridge-config", "config.yaml"]
    run = subprocess.run([*command, "--format", "json"], cwd=home, capture_output=True, text=True, check=False)
    document = json.loads(run.stdout)
    if document["problem"] is not None or any(file["errors"] for file in document["files"]):
        raise SystemExit(f"not checked: {run.stdout}\n{run.stderr}")
    return [one for one in document["findings"] if one["code"].startswith("bridge-")]


def mautrix(rng: random.Random, home: Path, count: int) -> tuple[int, list[str]]:
    """Configurations, and what the bridge writes of them."""
    differing, changed = [], 0
    for _ in range(count):
        data = configuration(rng)
        registration = generated(data)
        written(home / "registration.yaml", registration)
        written(home / "config.yaml", data)
        domain = data["homeserver"]["domain"]
        if findings := found(home, domain):
            differing.append(f"{data}: {findings}")
        data["bridge"]["username_template"] = "new" + data["bridge"]["username_template"]
        written(home / "config.yaml", data)
        tokens = {key: data["appservice"][key] for key in ("as_token", "hs_token")}
        after = generated(data)
        data["appservice"].update(tokens)
        claims = [[re.compile(entry["regex"]) for entry in one["namespaces"]["users"]] for one in (registration, after)]
        findings = [one for one in found(home, domain) if one["code"] == "bridge-namespace"]
        # `{userid}_x` claims what `new{userid}_x` makes.
        for one in findings:
            is_claimed = [any(regex.match(one["witness"]) for regex in regexes) for regexes in claims]
            if is_claimed != [False, True]:
                differing.append(f"{data}: {one['witness']} is claimed {is_claimed}")
        sample = f"@{data['bridge']['username_template'].format(userid='12345')}:{domain}"
        if not findings and not any(regex.match(sample) for regex in claims[0]):
            differing.append(f"{data}: {sample} is not claimed, and nothing is found")
        changed += bool(findings)
    return changed, differing


def started(home: Path) -> tuple[bool, str]:
    """Whether heisenbridge stops at the start, and what it says. One that does not would wait for its homeserver."""
    command = [sys.executable, "-m", "heisenbridge", "-c", "config.yaml", "-p", "0", "http://127.0.0.1:9"]
    with subprocess.Popen(command, cwd=home, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if line.startswith(STOPS) or "Heisenbridge v" in line:
                process.terminate()
                return line.startswith(STOPS), line.strip()
    raise SystemExit(f"neither stopped nor started: {said}")


def heisenbridge(rng: random.Random, home: Path, count: int) -> tuple[int, list[str]]:
    """Registrations with which heisenbridge starts, and others."""
    regexes = [
        "@irc_.*",
        "@irc_.+",
        "@irc/.*",
        "@irc_.*:example\\.com",
        "@a_b_.*",
        "^@irc_.*",
        "@irc.*",
        "@irc_*",
        "@irc_[a-z]+",
        "@irc_.*_.*",
        "@_.*",
        "@irc_bot",
        "@irc_.*|@x_.*",
    ]
    differing, stopped = [], 0
    for _ in range(count):
        users = [
            {"regex": rng.choice(regexes), "exclusive": rng.random() < 0.8}
            for _ in range(rng.choice([0, 1, 1, 1, 1, 2]))
        ]
        if rng.random() < 0.5:
            users.insert(
                rng.randrange(len(users) + 1),
                {"regex": rng.choice(["@bot:.*", "@bot:example.com", "@bot"]), "exclusive": True},
            )
        registration = {
            "id": "heisenbridge",
            "url": "http://localhost:9898",
            "as_token": "heisenbridge-as-token-0123456789",
            "hs_token": "heisenbridge-hs-token-0123456789",
            "sender_localpart": "bot",
            "namespaces": {"users": users, "aliases": [], "rooms": []},
        }
        for name in ("registration.yaml", "config.yaml"):
            written(home / name, registration)
        stops, said = started(home)
        findings = [one for one in found(home, "example.com") if one["severity"] == "error"]
        if bool(findings) != stops:
            differing.append(f"{users}: {said!r}, {findings}")
        stopped += stops
    return stopped, differing


def main() -> None:
    """Asks all, and says what differs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mautrix", type=int, default=100)
    parser.add_argument("--heisenbridge", type=int, default=40)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as home:
        changed, differing = mautrix(rng, Path(home), arguments.mautrix)
        stopped, more = heisenbridge(rng, Path(home), arguments.heisenbridge)
    differing += more
    counts = {
        "mautrix": arguments.mautrix,
        "found after a change": changed,
        "heisenbridge": arguments.heisenbridge,
        "stopped": stopped,
    }
    print(json.dumps({**counts, "differing": differing}))
    sys.exit(bool(differing))


if __name__ == "__main__":
    main()
