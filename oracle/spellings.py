"""Asks a running Synapse which name it takes from a query, however that is spelled, and records its verdicts.

    python3 oracle/spellings.py [--release 1.163.2] [--out tests/data/ruling]

Writes `spellings.jsonl` below --out: `[query, status, errcode]` for `GET /_matrix/client/v3/register/available?QUERY`, with one
service that holds `@telegram_.*` exclusively. Synapse is installed, started and ended by
`integrations/synapse/tests/homeserver.py`; some three minutes, since Synapse itself delays those who ask this often.
"""

import argparse
import json
import socket
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "integrations/synapse/tests"))

from homeserver import Homeserver, Release, registration

PATH = "/_matrix/client/v3/register/available"

# What stands behind the question mark, as bytes: FREE and HELD are names, of which one service holds the second.
FREE, HELD = "alice", "telegram_1"
QUERIES = [
    f"username={FREE}",
    f"username={HELD}",
    "",
    "username",
    "username=",
    "user=alice",
    # Escapes, as they should be and as they should not.
    "username=telegram%5F1",
    "username=telegram%5f1",
    "username=%74elegram_1",
    "%75sername=telegram_1",
    "user%6eame=telegram_1",
    "username=telegram%255F1",
    "username=telegram_1%",
    "username=telegram_1%5",
    "username=telegram_1%zz",
    "username=alice%zz",
    "username=telegram%u005F1",
    "username=telegram_1%00",
    "username=%00telegram_1",
    "username=alice%00",
    "username=telegram_1%0A",
    "username=alice%20",
    "username=%20alice",
    "username=+telegram_1",
    "username=telegram_1+",
    "username=a+b",
    "username=a%2Bb",
    "username=a%2bb",
    "user+name=telegram_1",
    # Twice, in either order, and with other parameters around it.
    f"username={FREE}&username={HELD}",
    f"username={HELD}&username={FREE}",
    f"username=&username={HELD}",
    f"username&username={HELD}",
    f"x=1&username={HELD}",
    f"x=1&username={FREE}",
    f"username={HELD}&x=1",
    f"&&username={HELD}&&",
    f"=&username={HELD}",
    f"x&username={HELD}",
    f"x;username={HELD}",
    f"x=1;username={HELD}",
    f"x=1;username={FREE}",
    f"username={FREE};username={HELD}",
    f"username={FREE}%26username={HELD}",
    f"username={HELD};",
    f"username={FREE};",
    f"username={FREE}%3B",
    f"username={HELD}%3Bx",
    f"username={HELD}=",
    f"username=={HELD}",
    f"username[]={HELD}",
    f"username%5B%5D={HELD}",
    f"Username={HELD}",
    f"USERNAME={FREE}",
    f"username ={HELD}".replace(" ", "%20"),
    # Capitals, other letters, other forms of the same.
    "username=Telegram_1",
    "username=TELEGRAM_1",
    "username=Alice",
    "username=al%C3%AFce",
    "username=telegram%EF%BC%BF1",
    "username=%EF%BD%94elegram_1",
    "username=telegram_1%CC%81",
    "username=%ff",
    "username=telegram_1%ff",
    "username=alice%ff",
    "username=%C3",
    "username=@telegram_1:hs1.test",
    "username=telegram_1:hs1.test",
    "username=telegram_1%2F..",
    "username=_alice",
    "username=1234",
    "username=" + "a" * 300,
    # Question and number signs.
    f"?username={HELD}",
    f"username={HELD}?",
    f"username={FREE}?x=1",
    f"username={FREE}#",
    f"username={FREE}#{HELD}",
    f"#&username={HELD}",
]


def verdict(port: int, query: str) -> tuple[int, str | None]:
    """Sends the query byte for byte, which no library does."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        target = f"{PATH}?{query}"
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    if b"chunked" in head.lower():
        body = body[body.index(b"{") : body.rindex(b"}") + 1]
    said = json.loads(body) if body.startswith(b"{") else {}
    return int(head.split()[1]), said.get("errcode")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--release", default="1.163.2")
    parser.add_argument("--out", type=Path, default=ROOT / "tests/data/ruling")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        (file := Path(home) / "telegram.yaml").write_text(registration("telegram", users=["@telegram_.*"]))
        with Homeserver(Release(options.release).install(), Path(home) / "synapse", files=[file]) as synapse:
            port = synapse.ports["main"]
            lines = [json.dumps([query, *verdict(port, query)]) for query in QUERIES]
    (options.out / "spellings.jsonl").write_text("\n".join(lines) + "\n")
    print(f"{len(lines)} spellings")


if __name__ == "__main__":
    main()
