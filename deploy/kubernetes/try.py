#!/usr/bin/env python3
"""Runs the pod of `base/bailiwick.yaml` as far as one machine without Kubernetes can: with crun, from the image's files.

    sudo deploy/kubernetes/try.py "$(buildah mount "$(buildah from bailiwick)")"

Arguments, environment, user, read-only root, mounts and probes are taken from the manifest; no capabilities. The
Secrets are laid out and replaced as the kubelet does it (`..data`). The network is the container's own. Needs root,
crun and PyYAML; takes about twenty seconds. The exit code is 0 if everything held. Where crun refuses "hybrid mode" of
cgroups, run it inside `unshare --mount sh -c 'mount -t cgroup2 cgroup2 /sys/fs/cgroup && …'`.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parent.parent / "examples/registrations"
READ, ADMIN, NEXT = "read-token-of-this-try", "admin-token-of-this-try", "the-token-after-that-one"
failed = False


def hold(what: str, is_: object, should: object) -> None:
    global failed
    failed |= is_ != should
    print(f"ok  {what}: {is_}" if is_ == should else f"FAILED  {what}: {is_!r} instead of {should!r}", flush=True)


def until(read, should, seconds: float = 10):
    end = time.monotonic() + seconds
    while (is_ := read()) != should and time.monotonic() < end:
        time.sleep(0.1)
    return is_


class Secret:
    """A Secret's volume as the kubelet writes it: a directory of links through `..data`, which is swapped at once."""

    def __init__(self, directory: Path, mode: int, group: int):
        self.directory, self.mode, self.group, self.version = directory, mode, group, 0
        directory.mkdir()

    def put(self, files: dict[str, str]) -> None:
        self.version += 1
        real = self.directory / f"..version_{self.version}"
        real.mkdir()
        for name, text in files.items():
            (real / name).write_text(text)
            os.chown(real / name, 0, self.group)
            (real / name).chmod(self.mode)
            if not (self.directory / name).is_symlink():
                (self.directory / name).symlink_to(f"..data/{name}")
        (self.directory / "..data_tmp").symlink_to(real.name)
        (self.directory / "..data_tmp").rename(self.directory / "..data")
        for old in self.directory.glob("..version_*"):
            if old != real:
                shutil.rmtree(old)


def main() -> int:
    root = Path(sys.argv[1])
    documents = list(yaml.safe_load_all((HERE / "base/bailiwick.yaml").read_text()))
    pod = next(each for each in documents if each["kind"] == "Deployment")["spec"]["template"]["spec"]
    with tempfile.TemporaryDirectory(prefix="bailiwick-pod-") as temporary:
        bundle = Path(temporary)
        bundle.chmod(0o755)
        try:
            check(bundle, root, pod)
        finally:
            subprocess.run(["crun", "delete", "--force", "bailiwick-try"], capture_output=True)
        if failed:
            print((bundle / "log").read_text()[-3000:])
    return 1 if failed else 0


def check(bundle: Path, root: Path, pod: dict) -> None:
    container, security = pod["containers"][0], pod["securityContext"]
    volumes, mounts = {}, []
    for volume in pod["volumes"]:
        name = volume["name"]
        if "secret" in volume:
            volumes[name] = Secret(bundle / name, volume["secret"]["defaultMode"], security["fsGroup"])
        else:
            volumes[name] = None
    for mount in container["volumeMounts"]:
        options = ["ro" if mount.get("readOnly") else "rw", "nosuid", "nodev"]
        if volumes[mount["name"]] is None:
            source, kind = "tmpfs", {"type": "tmpfs", "options": [*options, "size=8m", "mode=0777"]}
        else:
            source, kind = str(bundle / mount["name"]), {"type": "bind", "options": ["bind", *options]}
        mounts.append({"destination": mount["mountPath"], "source": source, **kind})

    registrations = {path.name: path.read_text() for path in EXAMPLES.glob("*.yaml")}
    volumes["registrations"].put(registrations)
    volumes["tokens"].put({"tokens": f"read {READ}\nadmin {ADMIN}\n"})

    subprocess.run(["crun", "spec"], cwd=bundle, check=True)
    spec = json.loads((bundle / "config.json").read_text())
    # A container's environment: the image's (see the Dockerfile), then the manifest's.
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "BAILIWICK_LISTEN": "0.0.0.0:8790"}
    environment |= {each["name"]: each["value"] for each in container["env"]}
    spec["root"] = {"path": str(root), "readonly": container["securityContext"]["readOnlyRootFilesystem"]}
    spec["process"] |= {
        "terminal": False,
        "args": ["bailiwick", *container["args"]],
        "env": [f"{name}={value}" for name, value in environment.items()],
        "user": {"uid": security["runAsUser"], "gid": security["runAsGroup"], "additionalGids": [security["fsGroup"]]},
        "capabilities": {},
        "noNewPrivileges": not container["securityContext"]["allowPrivilegeEscalation"],
    }
    spec["mounts"] = [mount for mount in spec["mounts"] if mount["type"] != "cgroup"] + mounts
    (bundle / "config.json").write_text(json.dumps(spec))
    with open(bundle / "log", "wb") as log:
        command = ["crun", "--cgroup-manager=disabled", "run", "--bundle", str(bundle), "bailiwick-try"]
        run = subprocess.Popen(command, stdout=log, stderr=log)

    def inside(*command: str) -> subprocess.CompletedProcess:
        return subprocess.run(["crun", "exec", "bailiwick-try", *command], capture_output=True, text=True)

    ports = {each["name"]: each["containerPort"] for each in container["ports"]}

    def get(path: str, token: str = "", body: str | None = None, port: str = "http") -> tuple[int, dict]:
        # curl from outside, in the container's network.
        state = subprocess.run(["crun", "state", "bailiwick-try"], capture_output=True, text=True)
        if state.returncode != 0:
            return 0, {}
        command = ["nsenter", "-t", str(json.loads(state.stdout)["pid"]), "-n", "curl", "-s", "--max-time", "3"]
        command += ["-w", "\n%{http_code}", f"http://127.0.0.1:{ports[port]}{path}"]
        command += ["-H", f"Authorization: Bearer {token}"] if token else []
        command += ["-H", "Content-Type: application/json", "-d", body] if body is not None else []
        text, _, status = subprocess.run(command, capture_output=True, text=True).stdout.rpartition("\n")
        return int(status or 0), json.loads(text) if text.startswith("{") else {}

    if until(lambda: run.poll() is not None or get("/healthz", port="admin")[0] == 200, True) and run.poll() is not None:
        raise SystemExit(f"it did not start: {(bundle / 'log').read_text()}")
    for probe in ["startupProbe", "livenessProbe", "readinessProbe"]:
        path, port = container[probe]["httpGet"]["path"], container[probe]["httpGet"]["port"]
        hold(f"{probe} {path}", until(lambda: get(path, port=port)[0], 200), 200)
    hold("the image's health check", inside("bailiwick", "health").returncode, 0)
    hold("the root is read-only", "Read-only" in inside("touch", "/x").stderr, True)
    hold("metrics need no token", get("/metrics", port="admin")[0], 200)
    hold("a question does", get("/v1/status")[0], 401)
    hold("with it", get("/v1/status", READ)[1].get("registrations"), {"active": 8, "stale": 0, "quarantined": 0})
    hold("a reload needs the other", get("/-/reload", READ, "{}", "admin")[0], 403)
    hold("with that", get("/-/reload", ADMIN, "{}", "admin")[0], 200)
    hold("and nobody operates it where clients ask", get("/-/reload", ADMIN, "{}")[0], 404)
    answer = get("/v1/may-register", READ, '{"localpart": "telegram_4711"}')[1]
    hold("a question", (answer.get("allowed"), answer.get("errcode")), (False, "M_EXCLUSIVE"))

    def states():
        return tuple(get("/v1/status", READ)[1].get("registrations", {}).values())

    volumes["registrations"].put(registrations | {"hookshot.yaml": "id: ["})
    hold("a Secret with a broken file arrives", until(states, (7, 1, 0)), (7, 1, 0))
    volumes["registrations"].put(registrations)
    hold("and one that is mended", until(states, (8, 0, 0)), (8, 0, 0))
    volumes["tokens"].put({"tokens": f"read {NEXT}\n"})
    hold("so does a new token", until(lambda: get("/v1/status", NEXT)[0], 200), 200)
    hold("and the old one is worth nothing", get("/v1/status", READ)[0], 401)

    pause = container["lifecycle"]["preStop"]["exec"]["command"]
    began = time.monotonic()
    hold("the pause before the signal", inside(*pause).returncode, 0)
    hold("it takes its time", time.monotonic() - began >= float(pause[1]), True)
    subprocess.run(["crun", "kill", "bailiwick-try", "TERM"], check=True)
    hold("it stops when told", run.wait(timeout=pod["terminationGracePeriodSeconds"]), 0)


if __name__ == "__main__":
    sys.exit(main())
