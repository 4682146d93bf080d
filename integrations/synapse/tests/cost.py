"""What the module costs a Synapse: the look at each name, and registrations and rooms with and without it.

    python3 integrations/synapse/tests/cost.py [--release X] [--registrations N] [--requests N]

The first table is the look itself, for a name that nobody holds and for one that is reserved, beside the walk that Synapse
makes over as many services when it has loaded them. The second compares two running Synapses, one without the module and
one with it in mode `reserve` over so many registrations, asked in turns: what counts is the ratio, not the milliseconds.
Exits with 1 if a look at 100,000 reserved services takes more than a twentieth of what Synapse's walk takes at 10,000, or a
request more than twice as long as without.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence

from homeserver import MODULE, NEWEST, SERVER, Answer, Bailiwick, Homeserver, Release, registration, scratch, until

SIZES = [10, 1_000, 10_000, 100_000]
# Synapse's own walk takes a third of a second at 100,000.
SYNAPSE_SIZES = SIZES[:3]

# Runs in the environment of the release.
LOOKS = f"""
import json, sys, time
import synapse_bailiwick as module
from support import claims, entry, registration_handler, service, Store

def many(n):
    return [claims(f"bridge{{i}}", [entry(f"@bridge{{i}}_.*:hs1\\\\.test")], [entry(f"#bridge{{i}}_.*")]) for i in range(n)]

def milliseconds(look, names):
    look(names[0])
    begin = time.perf_counter()
    for name in names:
        look(name)
    return (time.perf_counter() - begin) * 1_000 / len(names)

for n in {SIZES}:
    several = many(n)
    begin = time.perf_counter()
    reserved = module.Reserved(several)
    built = time.perf_counter() - begin
    free = milliseconds(lambda name: reserved.holder_of_user(name, None), [f"@person{{i}}:hs1.test" for i in range(1_000)])
    names = [f"@bridge{{i * 7 % n}}_x:hs1.test" for i in range(1_000)]
    held = milliseconds(lambda name: reserved.holder_of_user(name, None), names)
    walk = None
    if n in {SYNAPSE_SIZES}:
        handler = registration_handler(Store([service(of) for of in several]))
        names = [f"@person{{i}}:hs1.test" for i in range(20)]
        walk = milliseconds(handler.check_user_id_not_appservice_exclusive, names)
    print(json.dumps([n, built, free, held, walk]), flush=True)
"""


def looks(release: Release) -> bool:
    environment = {"PYTHONPATH": f"{MODULE}:{MODULE / 'tests/unit'}", "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run([release.python, "-c", LOOKS], env=environment, capture_output=True, text=True, check=True)
    print("| services | put together, s | a free name, ms | a reserved name, ms | Synapse's walk over as many, ms |")
    print("|--:|--:|--:|--:|--:|")
    worst, walks = 0.0, [0.0]
    for line in run.stdout.splitlines():
        n, built, free, held, walk = json.loads(line)
        print(f"| {n:,} | {built:.3f} | {free:.4f} | {held:.4f} | {f'{walk:.2f}' if walk is not None else '-'} |", flush=True)
        worst, walks = max(worst, free, held), [*walks, walk or 0.0]
    return bool(worst < max(walks) / 20)


def in_turns(asks: Sequence[Callable[[int], Answer]], times: int) -> list[list[float]]:
    """Seconds of each, so that all see the same machine."""
    seconds: list[list[float]] = [[] for _ in asks]
    for number in range(times):
        turns = list(zip(asks, seconds, strict=True))
        for ask, of_ask in turns if number % 2 else reversed(turns):
            answer = ask(number)
            assert answer.status == 200, answer
            of_ask.append(answer.seconds)
    return seconds


def requests(release: Release, registrations: int, times: int) -> bool:
    with scratch("cost") as home, Bailiwick(home / "bailiwick") as bailiwick:
        for number in range(registrations):
            text = registration(f"bridge{number}", [f"@bridge{number}_.*:{SERVER}"], [f"#bridge{number}_.*"])
            (bailiwick.files / f"{number}.yaml").write_text(text)
        bailiwick.ask("POST", "/-/reload", timeout=600)
        config = {"socket": str(bailiwick.socket), "token_file": str(bailiwick.token_file), "state_directory": str(home / "state")}
        plain = Homeserver(release, home / "plain")
        other = Homeserver(release, home / "other", module=config)
        with plain, other:
            reserved = lambda: other.register_first_step(f"bridge{registrations - 1}_x").errcode == "M_EXCLUSIVE"  # noqa: E731
            until("the names are reserved", reserved, 600)
            tokens = [server.register("alice").body["access_token"] for server in (plain, other)]
            print(f"\n| {times} requests, {registrations:,} registrations | without, ms | with, ms | ratio of medians |")
            print("|---|--:|--:|--:|")
            servers = list(zip((plain, other), tokens, strict=True))
            accounts = [lambda n, server=server: server.register(f"p{n}") for server, _ in servers]
            rooms = [lambda n, server=s, token=t: server.create_room(token, room_alias_name=f"r{n}") for s, t in servers]
            ratios = [compare("POST /register", accounts, times), compare("POST /createRoom with an alias", rooms, times)]
            return max(ratios) < 2.0


def compare(what: str, asks: Sequence[Callable[[int], Answer]], times: int) -> float:
    medians = [statistics.median(seconds) * 1_000 for seconds in in_turns(asks, times)]
    ratio = medians[1] / medians[0]
    print(f"| {what} | {medians[0]:.1f} | {medians[1]:.1f} | {ratio:.2f} |", flush=True)
    return ratio


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--release", default=NEWEST, help=f"of Synapse, from PyPI (default: {NEWEST})")
    parser.add_argument("--registrations", type=int, default=10_000, help="that Synapse has not loaded (default: 10,000)")
    parser.add_argument("--requests", type=int, default=100, help="of each kind to each Synapse (default: 100)")
    arguments = parser.parse_args()
    release = Release(arguments.release).install()
    print(f"Synapse {release.version}\n")
    return 0 if all([looks(release), requests(release, arguments.registrations, arguments.requests)]) else 1


if __name__ == "__main__":
    sys.exit(main())
