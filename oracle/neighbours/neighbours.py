"""Holds the exported names against what their readers make of them, and against Synapse.

    python3 -m venv /tmp/neighbours && /tmp/neighbours/bin/pip install matrix-synapse==1.163.2 google-re2
    cargo build && cargo build --manifest-path oracle/neighbours/rego/Cargo.toml --target-dir target
    /tmp/neighbours/bin/python oracle/neighbours/neighbours.py [--seed 1] [--sets 40] [--names 100000]

For random sets of services with real namespaces (`tests/data/ruling/near`), and for names near those, this asks whether a
name is reserved:

* bailiwick: `POST /v1/owners` of a running service;
* Synapse: `RegistrationHandler.check_username`, on the stand-ins of `oracle/rulings.py`; what that refuses before it looks at
  claims (a `_` in front) is asked of `check_user_id_not_appservice_exclusive`;
* `--format mas`: a policy of our own in regorus (`rego/`), and RE2 (google-re2) for its regexes;
* `--format regex`: RE2;
* `--format ketesa`: JavaScript's engine in node, and RE2.

It prints what it counted; the exit code is 1 if any two differ. Needs node. Loopback only.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "oracle"), str(ROOT / "crates/python-re/oracle")]

import re2  # noqa: E402
from near import LOCALPARTS, member, near  # noqa: E402
from rulings import SERVER, Homeserver, load  # noqa: E402
from synapse.api.errors import SynapseError  # noqa: E402
from synapse.handlers.register import RegistrationHandler  # noqa: E402

LETTERS = set("abcdefghijklmnopqrstuvwxyz0123456789._=/+-")
NODE = """
const lines = require("fs").readFileSync(0, "utf8").trim().split("\\n").map(line => JSON.parse(line));
for (const {regexes, ids} of lines) {
  const compiled = regexes.map(regex => new RegExp(regex));
  console.log(JSON.stringify(ids.map(id => compiled.some(regex => regex.test(id)))));
}
"""


def names_near(rng, services, count):
    """Names of today's grammar, near what the services claim."""
    patterns = [entry.regex.pattern for service in services for entry in service.namespaces["users"]]
    senders = [service.sender.localpart for service in services]
    names = set()
    while len(names) < count:
        roll = rng.random()
        if roll < 0.1:
            text = near(rng, rng.choice(senders))
        elif roll < 0.2 or not patterns:
            text = "".join(rng.choice(LOCALPARTS) for _ in range(rng.randint(1, 8)))
        else:
            text = near(rng, member(rng, rng.choice(patterns))).removeprefix("@").partition(":")[0]
        text = "".join(c for c in text.lower() if c in LETTERS)
        if text and len(text) < 200:
            names.add(text)
    return sorted(names)


def synapse_says(homeserver, name):
    try:
        # Nothing in it waits for anything, so that it needs no loop.
        RegistrationHandler.check_username(homeserver, name).send(None)
    except StopIteration:
        return False
    except SynapseError as error:
        if error.errcode == "M_EXCLUSIVE":
            return True
    try:
        RegistrationHandler.check_user_id_not_appservice_exclusive(homeserver, f"@{name}:{SERVER}")
        return False
    except SynapseError:
        return True


def export(binary, directory, format_):
    run = subprocess.run(
        [binary, "export", directory, "--server-name", SERVER, "--format", format_], capture_output=True, text=True
    )
    assert run.returncode in (0, 3), run.stderr
    return run.stdout, run.stderr.splitlines()


class Service:
    def __init__(self, binary, directory, home):
        self.log = open(home / "log", "w+")
        command = [binary, "serve", directory, "--server-name", SERVER, "--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)

    def address(self):
        while True:
            text = Path(self.log.name).read_text()
            for word in text.replace('"', " ").replace("[", " ").replace("]", " ").split():
                if word.startswith("127.0.0.1:") and not word.endswith(":0"):
                    return word.rstrip(",")
            assert self.process.poll() is None, text

    def held(self, names):
        base = f"http://{self.address()}"
        while True:
            try:
                urllib.request.urlopen(f"{base}/readyz")
                break
            except OSError:
                assert self.process.poll() is None
        body = json.dumps({"ids": [f"@{name}:{SERVER}" for name in names]}).encode()
        answer = json.load(urllib.request.urlopen(f"{base}/v1/owners", body))
        return [any(claim["exclusive"] for claim in one["claims"]) for one in answer["results"]]

    def stop(self):
        self.process.terminate()
        self.process.wait()


def in_policy(banned, name):
    """The same five, of which the regexes are RE2's."""
    return (
        name in banned.get("literals", [])
        or any(name.startswith(text) for text in banned.get("prefixes", []))
        or any(name.endswith(text) for text in banned.get("suffixes", []))
        or any(text in name for text in banned.get("substrings", []))
        or any(re2.search(regex, name) for regex in banned.get("regexes", []))
    )


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--sets", type=int, default=40)
    arguments.add_argument("--names", type=int, default=100_000)
    arguments.add_argument("--bailiwick", default=str(ROOT / "target/debug/bailiwick"))
    arguments.add_argument("--rego", default=str(ROOT / "target/debug/rego"))
    options = arguments.parse_args()
    rng = random.Random(options.seed)
    files = sorted((ROOT / "tests/data/ruling/near").iterdir())
    asked, reserved, differing, left_out = 0, 0, 0, []
    node, rego, sets = [], [], []
    for number in range(options.sets):
        with tempfile.TemporaryDirectory() as home:
            home = Path(home)
            (directory := home / "registrations").mkdir()
            for file in rng.sample(files, rng.randint(1, 8)):
                shutil.copy(file, directory)
            services = load(directory)
            homeserver = Homeserver(services)
            names = names_near(rng, services, options.names // options.sets)
            service = Service(options.bailiwick, directory, home)
            held = service.held(names)
            service.stop()
            mas, said = export(options.bailiwick, directory, "mas")
            left_out += said
            lines = [re2.compile(line) for line in export(options.bailiwick, directory, "regex")[0].splitlines()]
            ids = [f"@{name}:{SERVER}" for name in names]
            ketesa = json.loads(export(options.bailiwick, directory, "ketesa")[0])["asManagedUsers"]
            of_ketesa = [re2.compile(regex) for regex in ketesa]
            node.append({"regexes": ketesa, "ids": ids})
            rego.append({"data": json.loads(mas), "names": names})
            banned = json.loads(mas)["registration"]["banned_usernames"]
            verdicts = {
                "Synapse": [synapse_says(homeserver, name) for name in names],
                "MAS lists with RE2": [in_policy(banned, name) for name in names],
                "regexes with RE2": [any(regex.search(name) for regex in lines) for name in names],
                "Ketesa with RE2": [any(regex.search(id_) for regex in of_ketesa) for id_ in ids],
            }
            sets.append((names, held, verdicts))
            print(f"set {number}: {len(services)} services, {sum(held)} of {len(names)} reserved", file=sys.stderr)
    runs = {"Ketesa in node": (["node", "-e", NODE], node), "MAS policy in regorus": ([options.rego], rego)}
    for who, (command, questions) in runs.items():
        lines = "".join(json.dumps(one) + "\n" for one in questions)
        run = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
        for (_, _, verdicts), line in zip(sets, run.stdout.splitlines(), strict=True):
            verdicts[who] = json.loads(line)
    for names, held, verdicts in sets:
        asked += len(names)
        reserved += sum(held)
        for who, said in verdicts.items():
            for name, ours, theirs in zip(names, held, said, strict=True):
                if ours != theirs:
                    differing += 1
                    print(f"{name}: bailiwick {ours}, {who} {theirs}")
    print(json.dumps({"names": asked, "reserved": reserved, "asked": list(sets[0][2]), "differing": differing, "left out": left_out}))
    sys.exit(1 if differing else 0)


if __name__ == "__main__":
    main()
