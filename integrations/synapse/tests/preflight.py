"""Asks a real Synapse who lives in the names that a registration would take.

    python3 integrations/synapse/tests/preflight.py [--release 1.163.2] [--people 20]

With `--people 1050` there is more than one page; Synapse takes some minutes to make so many.

`tests/it/preflight.rs` asks a stand-in all that can go wrong; here it is shown that Synapse answers as that does: pages,
people, ghosts of the service itself and of another, deactivated and locked accounts, guests, a token that is none, and one
of somebody who is no admin. The binary is `$BAILIWICK`, or target/debug/bailiwick.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from homeserver import SERVER, Homeserver, Release, as_token, registration, scratch

ROOT = Path(__file__).resolve().parents[3]
BINARY = os.environ.get("BAILIWICK", str(ROOT / "target/debug/bailiwick"))


def preflight(home: Path, synapse: Homeserver, token: str, *more: str) -> tuple[int, str, str]:
    (home / "token").write_text(token)
    command = [BINARY, "preflight", str(home / "telegram.yaml"), "--server-name", SERVER, *more]
    command += ["--synapse-admin", f"http://127.0.0.1:{synapse.ports['main']}", "--token-file", str(home / "token")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--release", default="1.163.2")
    parser.add_argument("--people", type=int, default=20)
    options = parser.parse_args()
    release = Release(options.release).install()
    wrong = 0

    def hold(what: str, found: object, expected: object) -> None:
        nonlocal wrong
        wrong += found != expected
        print(f"{'ok' if found == expected else 'WRONG'}  {what}" + ("" if found == expected else f": {found!r}, not {expected!r}"))

    with scratch("preflight") as home:
        # The service is there already, with a smaller namespace than the one that it would have.
        (telegram := home / "old" / "telegram.yaml").parent.mkdir()
        telegram.write_text(registration("telegram", users=["@telegram_ghost.*"], sender="telegrambot"))
        other = home / "old" / "other.yaml"
        other.write_text(registration("other", users=["@telegram_other.*"], sender="otherbot"))
        (home / "telegram.yaml").write_text(registration("telegram", users=["@telegram_.*"], sender="telegrambot"))
        with Homeserver(release, home / "synapse", files=[telegram, other]) as synapse:
            admin = synapse.register_by_secret("root", admin=True).body["access_token"]
            person = synapse.register_by_secret("telegram_person").body["access_token"]
            for name in ("telegram_gone", "telegram_locked"):
                synapse.register_by_secret(name)
            for text, name in ((telegram.read_text(), "telegram_ghost1"), (other.read_text(), "telegram_other1")):
                hold(f"a service registers {name}", synapse.register_by_service(name, as_token(text)).status, 200)
            synapse.ask("PUT", f"/_synapse/admin/v2/users/@telegram_gone:{SERVER}", {"deactivated": True}, token=admin)
            synapse.ask("PUT", f"/_synapse/admin/v2/users/@telegram_locked:{SERVER}", {"locked": True}, token=admin)
            synapse.register_guest()
            for number in range(options.people):
                synapse.register_by_secret(f"person{number:05}")
            code, out, said = preflight(home, synapse, admin, "--format", "json")
            report = json.loads(out or "{}")
            found = [(one["user_id"].split(":")[0], one["deactivated"], one["appservice_id"]) for one in report.get("captured", [])]
            expected = [
                ("@telegram_gone", True, None),
                ("@telegram_locked", False, None),
                ("@telegram_other1", False, "other"),
                ("@telegram_person", False, None),
            ]
            hold("who lives there", found, expected)
            hold("the exit code", code, 1)
            hold("all accounts are looked at", report.get("accounts", 0) >= options.people + 7, True)
            hold("a token that is none", preflight(home, synapse, "nonsense")[0], 64)
            code, _, said = preflight(home, synapse, person)
            hold("a token of no admin", (code, "server admin" in said), (64, True))
            print(preflight(home, synapse, admin)[1])
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
