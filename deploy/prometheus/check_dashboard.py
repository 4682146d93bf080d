#!/usr/bin/env python3
"""Runs every query of the dashboard and every alert against a real Prometheus that scrapes a real bailiwick.

    deploy/prometheus/check_dashboard.py [path to bailiwick]

Needs `prometheus` on the PATH, and a built bailiwick (target/debug/bailiwick unless told otherwise). Starts both on free
ports of loopback, with their files in a temporary directory; takes about 20 seconds and never more than 60. The exit
code is 0 when

* every query of a panel or a variable of the dashboard answers with data,
* Prometheus has evaluated every alert without an error, every series that an alert reads exists, and none fires but what
  the examples are meant to raise.
"""

import json
import math
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DASHBOARD = ROOT / "deploy/grafana/bailiwick.json"
EXAMPLES = ROOT / "examples/registrations"

# What Grafana would put in place of its variables.
VARIABLES = {"$__rate_interval": "30s", "$__interval": "15s", "$__range": "15m", "$job": ".*", "$instance": ".*"}

STORE_PANELS = ("Revision", "Since the store was read", "Changes by outcome", "The store's lock")

# Panels that may be empty on a healthy service, by (title, refId), each with the reason.
EMPTY_PANELS = {
    ("Comparison duration", "A"): "nothing is compared anew while no file changes",
    ("Decisions on record", "A"): "absent without --decision-log",
    ("Decisions on record", "B"): "absent without --decision-log",
    ("Requests by token", "A"): "absent without --auth-token-file",
    ("Files and events", "B"): "absent without --auth-token-file",
    ("Files and events", "C"): "absent without --tls-cert",
    **{(title, ref): "absent without --store" for title in STORE_PANELS for ref in "AB"},
}

# Selectors of alerts that may match nothing on a healthy service, each with the reason.
EMPTY_SELECTORS = {
    'bailiwick_http_requests_total{job="bailiwick",route=~"/v1/.*",status=~"5.."}':
        "a counter of a status appears with its first answer, and nothing fails here",
    'bailiwick_decision_log_dropped_total{job="bailiwick"}': "absent without --decision-log",
    'bailiwick_tokens_good{job="bailiwick"}': "absent without --auth-token-file",
    'bailiwick_certificates_good{job="bailiwick"}': "absent without --tls-cert",
    **dict.fromkeys(
        (
            'bailiwick_store_confirmed_timestamp_seconds{job="bailiwick"}',
            'bailiwick_store_revision{job="bailiwick"}',
            'bailiwick_store_changes_total{job="bailiwick",outcome=~"not_compared|busy|behind|unsure|unavailable"}',
            'bailiwick_store_lock_wait_seconds_sum{job="bailiwick"}',
            'bailiwick_store_lock_wait_seconds_count{job="bailiwick"}',
        ),
        "absent without --store",
    ),
}

# Alerts that the examples are meant to raise, each with the reason.
EXPECTED_ALERTS = {"BailiwickConflicts": "two of the examples claim the same users, as the README shows"}

# How long requests are made: two scrapes are the least for a rate, the rest is for slow machines.
TRAFFIC_SECONDS = 15
LIMIT_SECONDS = 55


class Failed(Exception):
    """What keeps the check from going on."""


class TooLate(Failed):
    """The time is up, whatever was being waited for."""


def main() -> int:
    signal.signal(signal.SIGALRM, too_late)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # an exit runs the `finally` below
    signal.alarm(LIMIT_SECONDS)
    bailiwick = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "target/debug/bailiwick"
    children: list[subprocess.Popen] = []
    with tempfile.TemporaryDirectory(prefix="bailiwick-check-") as temporary:
        try:
            problems = check(bailiwick, Path(temporary), children)
        except Failed as failed:
            problems = [str(failed), *logs(Path(temporary))]
        finally:
            stop(children)
    for problem in problems:
        print(f"FAILED: {problem}")
    print("failed" if problems else "passed")
    return 1 if problems else 0


def too_late(*_) -> None:
    raise TooLate(f"not done after {LIMIT_SECONDS} seconds")


def check(bailiwick: Path, temporary: Path, children: list[subprocess.Popen]) -> list[str]:
    target, web = free_ports(2)
    service, prometheus = f"http://127.0.0.1:{target}", f"http://127.0.0.1:{web}"
    # Only what is given here decides, not the caller's environment.
    plain = {name: value for name, value in os.environ.items() if not name.startswith("BAILIWICK_")}
    command = [bailiwick, "serve", EXAMPLES, "--server-name", "example.com", "--listen", f"127.0.0.1:{target}"]
    # Without it there would be no figure of what is kept.
    command += ["--state-dir", temporary / "state"]
    start(command, temporary, children, env=plain)
    until_ready(f"{service}/readyz", children)
    command = [
        "prometheus",
        f"--config.file={configuration(temporary, target)}",
        f"--storage.tsdb.path={temporary / 'data'}",
        f"--web.listen-address=127.0.0.1:{web}",
    ]
    start(command, temporary, children)
    until_ready(f"{prometheus}/-/ready", children)
    make_requests(service)
    problems = check_dashboard(prometheus)
    problems += check_alerts(prometheus)
    return problems


def configuration(temporary: Path, target: int) -> Path:
    """The example configuration, pointed at our bailiwick and made fast, so that the example is checked as well."""
    text = (HERE / "prometheus.yml").read_text()
    changes = [
        (r"(scrape|evaluation)_interval: 15s", r"\1_interval: 1s", 2),
        (r"- alerts\.yml", f"- {json.dumps(str(HERE / 'alerts.yml'))}", 1),
        (r"127\.0\.0\.1:8790", f"127.0.0.1:{target}", 1),
    ]
    for pattern, replacement, expected in changes:
        text, count = re.subn(pattern, replacement, text)
        if count != expected:
            raise Failed(f"prometheus.yml: expected {expected} times {pattern!r}, found {count}")
    path = temporary / "prometheus.yml"
    path.write_text(text)
    return path


def make_requests(service: str) -> None:
    """Asks everything that the dashboard shows, over and over: a rate needs a counter that moves between scrapes."""
    end = time.monotonic() + TRAFFIC_SECONDS
    while time.monotonic() < end:
        ids = ["@irc_alice:example.com", "#irc_rust:example.com", "@alice:example.com"]
        expect(200, f"{service}/v1/owners", {"ids": ids})
        expect(200, f"{service}/v1/may-register", {"localpart": "alice"})
        expect(200, f"{service}/v1/may-register", {"localpart": "irc_alice"})
        expect(200, f"{service}/v1/may-create-alias", {"alias": "#irc_rust:example.com", "user_id": "@alice:example.com"})
        expect(200, f"{service}/v1/registrations")
        status = expect(200, f"{service}/v1/status")
        # As modules in a homeserver that has loaded everything.
        loaded = [file["id"] for file in json.loads(expect(200, f"{service}/v1/registrations"))["registrations"]]
        for mode in ["reserve", "load"]:
            report = {"mode": mode, "snapshot": json.loads(status)["snapshot"], "loaded": loaded}
            expect(200, f"{service}/v1/homeservers/{mode}", report)
        expect(200, f"{service}/-/reload", {})
        expect(400, f"{service}/v1/owners", {"ids": "not a list"})
        expect(404, f"{service}/nothing")
        time.sleep(0.2)


def check_dashboard(prometheus: str) -> list[str]:
    dashboard = json.loads(DASHBOARD.read_text())
    problems = []
    queries = list(dashboard_queries(dashboard))
    for title, ref, query in queries:
        result, error = ask(prometheus, query)
        reason = EMPTY_PANELS.get((title, ref))
        if error:
            problems.append(f"{title} {ref}: {error}: {query}")
        elif not has_data(result) and reason is None:
            problems.append(f"{title} {ref}: no data: {query}")
        else:
            print(f"ok  {title} {ref}: {len(result)} series" + ("" if has_data(result) else f" ({reason})"))
    unknown = EMPTY_PANELS.keys() - {(title, ref) for title, ref, _ in queries}
    problems += [f"EMPTY_PANELS names a query that is not there: {name}" for name in sorted(unknown)]
    return problems


def dashboard_queries(dashboard: dict):
    """Title, refId and query, as Prometheus would get it, of every panel and variable."""
    for variable in dashboard["templating"]["list"]:
        if variable["type"] != "query":
            continue
        found = re.fullmatch(r"label_values\((.+), *(\w+)\)", variable["query"]["query"])
        if found is None:
            raise Failed(f"variable {variable['name']}: not understood: {variable['query']['query']}")
        yield f"${variable['name']}", variable["query"]["refId"], filled(f"group by ({found[2]}) ({found[1]})")
    for panel in dashboard["panels"]:
        # A collapsed row holds its panels itself.
        for shown in [panel, *panel.get("panels", [])]:
            for target in shown.get("targets", []):
                yield shown["title"], target["refId"], filled(target["expr"])


def filled(query: str) -> str:
    # The longest first: one name may begin with another.
    for name in sorted(VARIABLES, key=len, reverse=True):
        query = query.replace(name, VARIABLES[name])
    if "$" in query:
        raise Failed(f"a variable without a value: {query}")
    return query


def check_alerts(prometheus: str) -> list[str]:
    groups = get_json(f"{prometheus}/api/v1/rules")["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    expected = len(re.findall(r"^ *- alert:", (HERE / "alerts.yml").read_text(), re.MULTILINE))
    problems = [] if len(rules) == expected else [f"alerts.yml has {expected} alerts, Prometheus loaded {len(rules)}"]
    used = set()
    for rule in rules:
        name, query = rule["name"], rule["query"]
        before = len(problems)
        result, error = ask(prometheus, query)
        if error or rule["health"] != "ok":
            problems.append(f"{name}: {error or rule.get('lastError') or rule['health']}")
        elif result and name not in EXPECTED_ALERTS:
            problems.append(f"{name} fires on a healthy service: {result}")
        elif not result and name in EXPECTED_ALERTS:
            problems.append(f"{name} is silent: {EXPECTED_ALERTS[name]}")
        # That an alert is silent proves nothing as long as what it reads might not exist.
        for selector in sorted(set(re.findall(r"\b(?:bailiwick_\w+|process_\w+|up)\b(?:\{[^}]*\})?", query))):
            found, error = ask(prometheus, selector)
            used.add(selector)
            if error or (not found and selector not in EMPTY_SELECTORS):
                problems.append(f"{name}: {error or 'nothing matches'}: {selector}")
        if len(problems) == before:
            print(f"ok  {name}: {EXPECTED_ALERTS.get(name, 'silent')}, and what it reads exists")
    problems += [f"EMPTY_SELECTORS names what no alert reads: {name}" for name in sorted(EMPTY_SELECTORS.keys() - used)]
    return problems


def has_data(result: list) -> bool:
    """Whether there is a number: a quantile of nothing is NaN, which a panel does not show."""
    return any(math.isfinite(float(sample["value"][1])) for sample in result)


def ask(prometheus: str, query: str) -> tuple[list, str | None]:
    answer = get_json(f"{prometheus}/api/v1/query?{urllib.parse.urlencode({'query': query})}")
    if answer["status"] != "success":
        return [], answer.get("error", "no success, and no error either")
    return answer["data"]["result"], None


def get_json(url: str) -> dict:
    return json.loads(fetch(url)[1])


def expect(status: int, url: str, body: dict | None = None) -> bytes:
    got, answer = fetch(url, body)
    if got != status:
        raise Failed(f"{url} answered {got} instead of {status}: {answer[:300]!r}")
    return answer


def fetch(url: str, body: dict | None = None) -> tuple[int, bytes]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"} if data else {})
    try:
        with DIRECT.open(request, timeout=5) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()
    except OSError as error:
        raise Failed(f"{url}: {error}") from error


# A proxy of the caller's environment has nothing to do with loopback.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def until_ready(url: str, children: list[subprocess.Popen]) -> None:
    for _ in range(200):
        if children[-1].poll() is not None:
            raise Failed(f"{children[-1].args[0]} ended with {children[-1].returncode}")
        try:
            if fetch(url)[0] == 200:
                return
        except TooLate:
            raise
        except Failed:
            pass
        time.sleep(0.1)
    raise Failed(f"{url} did not become ready")


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, all distinct because all are held at once."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for held in sockets:
            held.bind(("127.0.0.1", 0))
        return [held.getsockname()[1] for held in sockets]
    finally:
        for held in sockets:
            held.close()


def start(command: list, temporary: Path, children: list[subprocess.Popen], env: dict | None = None) -> None:
    try:
        with open(temporary / f"{Path(command[0]).name}.log", "wb") as log:
            children.append(subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=env))
    except OSError as error:
        raise Failed(f"cannot start {command[0]}: {error}") from error


def stop(children: list[subprocess.Popen]) -> None:
    signal.alarm(0)
    for child in children:
        child.terminate()
    for child in children:
        try:
            child.wait(timeout=2)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def logs(temporary: Path) -> list[str]:
    """The last lines that the children wrote."""
    return [f"{log.name}: {line}" for log in sorted(temporary.glob("*.log")) for line in log.read_text().splitlines()[-5:]]


if __name__ == "__main__":
    sys.exit(main())
