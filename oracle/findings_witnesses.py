"""Asks the real Synapse about every witness that `bailiwick check` gives for random sets of registrations.

    /tmp/synapse/bin/python oracle/findings_witnesses.py --bailiwick target/release/bailiwick --sets 300 --seed 1

Needs matrix-synapse 1.163 (see docs/semantics.md). A witness of an exclusive conflict must be exclusively claimed by both
services in Synapse; one of `blocked-by-exclusive`, by the second and not by the first, which is interested in it.
"""

import argparse
import json
import pathlib
import random
import subprocess
import tempfile

from synapse.config.appservice import load_appservices

PARTS = [".*", ".+", "[ab]+", "[^a]*", "a?", "(a|bb)", "(?!a)", "(?=.b)", "_*", "a{1,2}", "(?<!a)", "b++", "a", "b", "_", "ab"]
ENDS = [r":example\.com", "", "$", r":example\.com$", ":example.com"]


def registration(rng, number):
    def entry():
        regex = "@x" + "".join(rng.choice(PARTS) for _ in range(rng.randint(0, 4))) + rng.choice(ENDS)
        return {"regex": regex, "exclusive": rng.random() < 0.6}

    return {
        "id": f"as{number}", "url": None, "as_token": f"as-token-{number}-0123456789", "hs_token": f"hs-token-{number}-0123456789",
        "sender_localpart": f"sender{number}", "namespaces": {"users": [entry() for _ in range(rng.randint(1, 3))]},
    }


def true_of(services, finding):
    witness, places = finding["witness"], finding["places"]
    if witness is None or len(places) != 2 or places[0]["as_id"] == places[1]["as_id"]:
        return True
    first, second = (services[place["as_id"]] for place in places)
    if finding["code"] == "exclusive-conflict":
        return first.is_exclusive_user(witness) and second.is_exclusive_user(witness)
    if finding["code"] == "blocked-by-exclusive":
        return first.is_interested_in_user(witness) and not first.is_exclusive_user(witness) and second.is_exclusive_user(witness)
    return True


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--bailiwick", required=True)
    arguments.add_argument("--sets", type=int, default=300)
    arguments.add_argument("--seed", type=int, default=1)
    arguments = arguments.parse_args()
    rng = random.Random(arguments.seed)
    asked, wrong = 0, []
    for _ in range(arguments.sets):
        with tempfile.TemporaryDirectory() as directory:
            files = []
            for number in range(rng.randint(2, 5)):
                path = pathlib.Path(directory, f"{number}.yaml")
                path.write_text(json.dumps(registration(rng, number)))
                files.append(str(path))
            services = {service.id: service for service in load_appservices("example.com", files)}
            command = [arguments.bailiwick, "check", directory, "--server-name", "example.com", "--format", "json"]
            found = json.loads(subprocess.run(command, capture_output=True, check=False).stdout)["findings"]
            for finding in found:
                asked += finding["witness"] is not None and len(finding["places"]) == 2
                if not true_of(services, finding):
                    wrong.append(finding)
    print(f"{arguments.sets} sets, {asked} witnesses of two entries asked, {len(wrong)} wrong")
    for finding in wrong[:20]:
        print(json.dumps(finding))
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
