"""Records how pairs of regexes lie to each other among the local user IDs, according to interegular.

    python3 -m venv /tmp/v && /tmp/v/bin/pip install interegular
    /tmp/v/bin/python oracle/findings_pairs.py --seed 1 --pairs 600 > tests/data/findings/pairs.jsonl

One JSON list a line: two regexes, and `equal`, `contains`, `contained`, `overlaps` or null for what the first is to the
second among the IDs `@localpart:example.com` of printable ASCII. interegular computes on finite automata of its own, so
the two have nothing in common but the question. Only constructs are used that it reads as Python does.
"""

import argparse
import json
import random

import interegular

PARTS = [".*", ".+", "[ab]+", "[^a]*", "a?", "(a|bb)", "_*", "a{1,2}", "b{2,}", "(ab)*", "[a-c_]{2}", "(a|b_)+", "x", "a", "b", "_"]
ENDS = [r":example\.com$", r":example\.com", "", ":example.com$", "$", ".*:example\\.com$"]
LOCAL = interegular.parse_pattern(r"@[!-9;-~]+:example\.com").to_fsm()


def regex(rng):
    return "@x" + "".join(rng.choice(PARTS) for _ in range(rng.randint(0, 4))) + rng.choice(ENDS)


def claimed(source):
    """What `re.match` accepts, as a language of whole texts. An ID of this universe ends in no line feed."""
    whole = source[:-1] if source.endswith("$") else source + r"(.|\n)*"
    return interegular.parse_pattern(whole).to_fsm() & LOCAL


def relation(a, b):
    if (a & b).empty():
        return None
    contains, contained = (b - a).empty(), (a - b).empty()
    return {(True, True): "equal", (True, False): "contains", (False, True): "contained"}.get((contains, contained), "overlaps")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seed", type=int, required=True)
    arguments.add_argument("--pairs", type=int, required=True)
    arguments = arguments.parse_args()
    rng = random.Random(arguments.seed)
    for _ in range(arguments.pairs):
        a, b = regex(rng), regex(rng)
        print(json.dumps([a, b, relation(claimed(a), claimed(b))]), flush=True)


if __name__ == "__main__":
    main()
