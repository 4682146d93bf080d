#!/usr/bin/env python3
"""Asks every operation of the contract with clients that other people's generators make of it, and has what `check` writes
read by others.

    tests/clients/try.py target/debug/bailiwick

Generates a client with openapi-typescript (asked through openapi-fetch, with its settings as they are, and checked by
the TypeScript compiler) and one with openapi-python-client, starts the service with the example registrations, and has
each ask everything that `openapi/bailiwick.json` lists. Fails if an operation is not generated, not asked, or not
answered as it should be. Needs python3 with venv; takes the generators from PyPI and npm, in the versions that stand
beside this file, and Node.js from PyPI too where there is none; some thirty seconds with a warm cache.

SARIF is held against its schema, and the rules of its standard, by the validator of those who wrote it.
"""

import atexit
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CONTRACT = ROOT / "openapi/bailiwick.json"
failed = False


def hold(what: str, is_: object, should: object) -> None:
    global failed
    failed |= is_ != should
    print(f"ok  {what}" if is_ == should else f"FAILED  {what}: {is_!r} instead of {should!r}", flush=True)


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"FAILED  {' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def operations() -> set[str]:
    paths = json.loads(CONTRACT.read_text())["paths"]
    return {f"{method.upper()} {path}" for path, item in paths.items() for method in item}


def answered(client: str, said: str) -> None:
    """Each line that a client prints is an operation, a status, and whether the answer was what it should be."""
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    for line in lines:
        # What changes a store is asked of a service without one, which says so; with one: tests/store/try.py.
        status = 501 if line["operation"].startswith(("PUT", "DELETE")) else 200
        hold(f"{client}: {line['operation']}", (line["status"], line["right"]), (status, True))
    hold(f"{client} asks everything", {line["operation"] for line in lines}, operations())


def node() -> None:
    """Puts Node.js on the path, if it is not there."""
    if shutil.which("npm") and shutil.which("node"):
        return
    home = Path(tempfile.mkdtemp(prefix="node-"))
    atexit.register(shutil.rmtree, home)
    run(sys.executable, "-m", "venv", "venv", cwd=home)
    run("venv/bin/pip", "install", "--quiet", "--requirement", HERE / "node.txt", cwd=home)
    os.environ["PATH"] = f"{home}/venv/bin:{os.environ['PATH']}"


def typescript(home: Path, base: str) -> None:
    node()
    for name in ("package.json", "tsconfig.json", "ask.ts"):
        (home / name).write_text((HERE / name).read_text())
    run("npm", "install", "--silent", "--no-audit", "--no-fund", cwd=home)
    run("npx", "openapi-typescript", CONTRACT, "--output", "contract.d.ts", cwd=home)
    run("npx", "tsc", cwd=home)
    answered("openapi-fetch", run("node", "ask.js", base, cwd=home))


def python(home: Path, base: str) -> None:
    run(sys.executable, "-m", "venv", "venv", cwd=home)
    run("venv/bin/pip", "install", "--quiet", "--requirement", HERE / "requirements.txt", cwd=home)
    said = run("venv/bin/openapi-python-client", "generate", "--path", CONTRACT, "--output-path", "generated",
               "--meta", "none", cwd=home)
    # It leaves out what it does not understand, and says so. YAML beside JSON is all that it may leave out.
    left_out = re.findall(r"(?m)^(?:Unsupported|Cannot|Unable|ERROR|WARNING).*$", said)
    operations_with_yaml = ["POST /v1/check within questions", "PUT /v1/registrations/{id} within state"]
    leaves_out = "Unsupported content type application/yaml"
    yaml = [line for named in operations_with_yaml for line in (f"WARNING parsing {named}.", leaves_out)]
    hold("openapi-python-client understands the contract", left_out, yaml)
    answered("openapi-python-client", run("venv/bin/python", HERE / "ask.py", base, cwd=home))


# Of what the validator recommends, what is not followed, each with the reason.
NOT_FOLLOWED = {"SARIF2005": "there is no address to give for the tool"}


def sarif(home: Path, binary: Path) -> None:
    """Each document that `check --format sarif` writes: with findings, faults, nothing, and where it could not be done."""
    registrations = home / "registrations"
    shutil.copytree(ROOT / "examples/registrations", registrations)
    (registrations / "broken, 100%.yaml").write_text("id: [")
    (home / "empty").mkdir()
    configuration = home / "homeserver.yaml"
    configuration.write_text("server_name: example.com\napp_service_config_files: telegram.yaml\n")
    name = ["--server-name", "example.com"]
    checks = {
        "findings": [registrations, *name],
        "notes": [registrations, *name, "--all"],
        "suppressed": [registrations, *name, "--all", "--allow", "exclusive-conflict,readable-by-all"],
        "nothing": [home / "empty", *name],
        "refused": ["--synapse-config", configuration],
        "not-done": [home / "nowhere", *name],
    }
    shutil.copy(HERE / "package.json", home)
    run("npm", "install", "--silent", "--no-audit", "--no-fund", cwd=home)
    for what, arguments in checks.items():
        document, verdict = home / f"{what}.sarif", home / f"{what}.verdict"
        with document.open("w") as out:
            subprocess.run([binary, "check", "--format", "sarif", *arguments], stdout=out, stderr=subprocess.DEVNULL)
        run("npx", "sarif-multitool", "validate", document, "--output", verdict, cwd=home)
        results = json.loads(verdict.read_text())["runs"][0]["results"]
        said = sorted({result["ruleId"] for result in results} - NOT_FOLLOWED.keys())
        hold(f"sarif-multitool accepts what is said of {what}", said, [])


def serve(binary: Path, home: Path) -> tuple[subprocess.Popen, str]:
    log = home / "log"
    service = subprocess.Popen(
        [binary, "serve", ROOT / "examples/registrations", "--server-name", "example.com", "--listen", "127.0.0.1:0"],
        stdout=subprocess.DEVNULL,
        stderr=log.open("w"),
    )
    for _ in range(300):
        text = re.sub(r"\x1b\[[0-9;]*m", "", log.read_text())
        if (address := re.search(r"bailiwick serves.*?(127\.0\.0\.1:\d+)", text)) and "compared" in text:
            return service, f"http://{address[1]}"
        time.sleep(0.1)
    service.kill()
    sys.exit(f"FAILED  to start\n{log.read_text()}")


def main() -> None:
    binary = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        service, base = serve(binary, home)
        try:
            for client in (typescript, python):
                (directory := home / client.__name__).mkdir()
                client(directory, base)
            (directory := home / "sarif").mkdir()
            sarif(directory, binary)
        finally:
            service.terminate()
            service.wait(30)
    sys.exit(failed)


if __name__ == "__main__":
    os.environ.pop("NODE_OPTIONS", None)
    main()
