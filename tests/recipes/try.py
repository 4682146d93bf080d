#!/usr/bin/env python3
"""Tries what docs/ci.md says as somebody would who follows it.

    tests/recipes/try.py target/debug/bailiwick

Takes each recipe from the page, holds it against the schema of the service that reads it, and runs its commands in a
repository of its own: where registrations collide, where they do not, and, with real git commits, through pre-commit. Needs
git and python3 with venv; takes pre-commit and the schemas (check-jsonschema, which brings them along) from PyPI.
"""

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
failed = False


def hold(what: str, is_: object, should: object) -> None:
    global failed
    failed |= is_ != should
    print(f"ok  {what}" if is_ == should else f"FAILED  {what}: {is_!r} instead of {should!r}", flush=True)


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess:
    return subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True)


def must(*command: str | Path, cwd: Path) -> str:
    done = run(*command, cwd=cwd)
    if done.returncode != 0:
        sys.exit(f"FAILED  {' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def recipes() -> dict[str, str]:
    """The blocks of the page that say in their first line which file they are."""
    page = (ROOT / "docs/ci.md").read_text()
    blocks = re.findall(r"```yaml\n# (\S+).*\n((?:.*\n)*?)```", page)
    return dict(blocks)


class Repository:
    """A repository with the example registrations."""

    def __init__(self, home: Path):
        self.home = home
        shutil.copytree(ROOT / "examples/registrations", home / "registrations")
        # One of the two that collide.
        self.collides = home / "registrations/heisenbridge.yaml"
        self.text = self.collides.read_text()
        self.collide(False)
        self.git("init", "--quiet")
        self.git("config", "user.name", "somebody")
        self.git("config", "user.email", "somebody@example.com")

    def collide(self, yes: bool) -> None:
        self.collides.write_text(self.text if yes else self.text.replace("@irc_", "@heisenbridge_"))

    def git(self, *words: str) -> int:
        return run("git", *words, cwd=self.home).returncode


def pre_commit(repository: Repository, venv: Path, config: str, how: str) -> None:
    (repository.home / ".pre-commit-config.yaml").write_text(config)
    repository.collide(False)
    repository.git("add", ".")
    must(venv / "pre-commit", "validate-config", cwd=repository.home)
    must(venv / "pre-commit", "install", cwd=repository.home)
    hold(f"{how}: what is in order is committed", repository.git("commit", "--allow-empty", "-qm", "In order"), 0)
    repository.collide(True)
    done = run("git", "commit", "-qam", "Collides", cwd=repository.home)
    hold(f"{how}: what collides is not", done.returncode, 1)
    said = done.stdout + done.stderr
    hold(f"{how}: and it is said why", "error[exclusive-conflict]" in said, True)
    repository.git("checkout", "-q", "--", ".")
    repository.git("reset", "-q", "--hard")
    (repository.home / "README").write_text(how)
    repository.git("add", "README")
    done = run("git", "commit", "-qm", "Something else", cwd=repository.home)
    hold(f"{how}: what is no registration is not checked", "no files to check" in done.stdout + done.stderr, True)


def hook_of_this_repository(home: Path) -> str:
    """A configuration that names a repository with our hooks; the program is the one on the path, and not built."""
    hooks = home / "hooks"
    hooks.mkdir()
    shutil.copy(ROOT / ".pre-commit-hooks.yaml", hooks)
    for words in (["init", "--quiet"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "Hooks"]):
        must("git", *words, cwd=hooks)
    revision = must("git", "rev-parse", "HEAD", cwd=hooks).strip()
    arguments = re.search(r"`args: (\[.*?\])`", (ROOT / "docs/ci.md").read_text().replace("\n", " "))
    return (f"repos:\n  - repo: {hooks}\n    rev: {revision}\n    hooks:\n      - id: bailiwick-check\n"
            f"        language: system\n        args: {arguments[1]}\n")


def github(repository: Repository, workflow: str, yaml) -> None:
    steps = yaml.safe_load(workflow)["jobs"]["check"]["steps"]
    commands = [step["run"] for step in steps if "run" in step]
    for collides, code, found in ((False, 0, []), (True, 1, ["exclusive-conflict"])):
        repository.collide(collides)
        hold("GitHub: the exit code", run("sh", "-ec", *commands, cwd=repository.home).returncode, code)
        document = json.loads((repository.home / steps[-1]["with"]["sarif_file"]).read_text())
        results = document["runs"][0]["results"]
        hold("GitHub: the results", [result["ruleId"] for result in results], found)
        for result in results:
            uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
            hold("GitHub: a file of the repository", (repository.home / uri).is_file(), True)


def gitlab(repository: Repository, pipeline: str, yaml) -> None:
    job = yaml.safe_load(pipeline)["registrations"]
    for collides, code, found in ((False, 0, []), (True, 1, ["exclusive-conflict"])):
        repository.collide(collides)
        hold("GitLab: the exit code", run("sh", "-ec", "\n".join(job["script"]), cwd=repository.home).returncode, code)
        report = json.loads((repository.home / job["artifacts"]["reports"]["codequality"]).read_text())
        hold("GitLab: the issues", [issue["check_name"] for issue in report], found)
        for issue in report:
            hold("GitLab: a file of the repository", (repository.home / issue["location"]["path"]).is_file(), True)


def allow_list(repository: Repository, text: str) -> None:
    (repository.home / "allow.yaml").write_text(text)
    repository.collide(True)
    done = run("bailiwick", "check", "registrations", "--server-name", "example.com", "--allow", "readable-by-all",
               "--allow-list", "allow.yaml", cwd=repository.home)
    hold("the list allows what it says", (done.returncode, "(of which 1 error)" in done.stdout), (0, True))


def main() -> None:
    binary = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        must(sys.executable, "-m", "venv", "venv", cwd=home)
        venv = home / "venv/bin"
        must(venv / "pip", "install", "--quiet", "--requirement", HERE / "requirements.txt", cwd=home)
        sys.path.append(must(venv / "python", "-c", "import yaml; print(yaml.__path__[0])", cwd=home).strip().removesuffix("yaml"))
        yaml = importlib.import_module("yaml")
        (home / "bin").mkdir()
        (home / "bin/bailiwick").symlink_to(binary)
        os.environ.update(PATH=f"{home / 'bin'}:{venv}:{os.environ['PATH']}", PRE_COMMIT_HOME=str(home / "pre-commit"))
        found = recipes()
        hold("the page has its recipes", sorted(found), [*sorted([*SCHEMAS, ".pre-commit-config.yaml"]), "bailiwick"])
        for file, schema in SCHEMAS.items():
            (written := home / Path(file).name).write_text(found[file])
            done = run(venv / "check-jsonschema", "--builtin-schema", schema, written, cwd=home)
            hold(f"{file} is as {schema} has it", (done.returncode, done.stderr), (0, ""))
        must(venv / "pre-commit", "validate-manifest", ROOT / ".pre-commit-hooks.yaml", cwd=home)
        (home / "repository").mkdir()
        repository = Repository(home / "repository")
        pre_commit(repository, venv, found[".pre-commit-config.yaml"], "pre-commit")
        pre_commit(repository, venv, hook_of_this_repository(home), "our hook")
        github(repository, found[".github/workflows/registrations.yml"], yaml)
        gitlab(repository, found[".gitlab-ci.yml"], yaml)
        allow_list(repository, found["bailiwick"])
    sys.exit(failed)


SCHEMAS = {
    ".github/workflows/registrations.yml": "vendor.github-workflows",
    ".gitlab-ci.yml": "vendor.gitlab-ci",
}

if __name__ == "__main__":
    main()
