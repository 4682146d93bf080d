"""Confirms what `bailiwick check --homeserver all` says homeservers do not agree on, by the homeservers' own libraries.

    bailiwick check DIR --server-name example.com --homeserver all --format json > found.json
    /tmp/synapse/bin/python oracle/portability.py found.json --server-name example.com \\
        --go-yaml ./go-yaml --go-regex "crates/go-re2/oracle/run.sh answer.go" \\
        --rust-load oracle/rust-dialects/target/debug/load \\
        --rust-regex "oracle/rust-regex/run.sh 1.13" --rust-regex-1.11 "oracle/rust-regex/run.sh 1.11" \\
        [--out tests/data/homeservers/portability.jsonl]

Needs matrix-synapse 1.163 (see docs/semantics.md); oracle/loaders.py says how go-yaml and load are built.

Every witness, each place's own where a finding has several places, is asked of every homeserver that is named: the file is
read by that homeserver's library (yaml.v2, serde_yaml, serde-saphyr, figment; Synapse itself), each regex is tried on the ID by its engine
(Go's regexp, Rust's regex in the release that it is locked to; Synapse itself), and what follows from the matches is put
together here by the rules of docs/homeservers.md: own user, scope, which entry decides, who stands in whose way. Those rules
cannot be run without the whole servers, but for Synapse's. The specification is no program: its two readings are Synapse's engine
and Go's. With --out what was confirmed is recorded, with the entries that it takes.
"""

import argparse
import json
import pathlib
import shlex
import subprocess
import sys

from synapse.config.appservice import load_appservices

LOADERS = {"dendrite": "go", "tuwunel": "serde-yaml", "conduit": "serde-yaml-ruma", "continuwuity": "saphyr-0", "palpo": "figment", "palpo-421": "figment"}
LISTS = {"user": "users", "alias": "aliases", "room": "rooms"}
ANY_SERVER = ("continuwuity", "conduit", "palpo", "palpo-421")
LOCAL_ONLY = ("tuwunel", "spec")


def ask(command, lines):
    asked = "".join(json.dumps(line) + "\n" for line in lines).encode()
    run = subprocess.run(shlex.split(command), input=asked, capture_output=True, check=True)
    return [json.loads(line) for line in run.stdout.decode().split("\n") if line]


class Engines:
    """Whether a regex is found in a text. Asked for all at once, when all is known that is to be asked."""

    def __init__(self, options):
        self.commands = {"go": options.go_regex, "rust": options.rust_regex, "rust-1.11": options.rust_regex_1_11}
        self.wanted = {name: {} for name in self.commands}
        self.said = {}

    def want(self, engine, regex, text):
        self.wanted[engine].setdefault(regex, set()).add(text)

    def run(self):
        for engine, wanted in self.wanted.items():
            for said in ask(self.commands[engine], [[regex, sorted(texts)] for regex, texts in wanted.items()]):
                if engine == "go":
                    said.insert(1, False)
                regex, fold, error, matched = said
                for text in wanted[regex]:
                    self.said[engine, fold, regex, text] = None if error else dict(map(tuple, matched))[text]

    def matches(self, homeserver, kind, regex, text):
        engine, fold = {"dendrite": ("go", False), "spec": ("go", False), "conduit": ("rust-1.11", False)}.get(homeserver, ("rust", False))
        if homeserver == "tuwunel" and kind != "room":
            fold = True
        return self.said[engine, fold, anchored(homeserver, regex), text]


def anchored(homeserver, regex):
    return rf"\A(?:{regex})" if homeserver == "palpo-421" else regex


def local(text, server_name):
    return text.partition(":")[2] == server_name


class Oracles:
    def __init__(self, options, files):
        self.server_name = options.server_name
        self.engines = Engines(options)
        lines = [{"hex": pathlib.Path(file).read_bytes().hex()} for file in files]
        go, rust = ask(options.go_yaml, lines), ask(options.rust_load, lines)
        self.read = {(file, "go"): said for file, said in zip(files, go)}
        for file, said in zip(files, rust):
            self.read.update({(file, library): one for library, one in said.items()})
        self.synapse = {}
        for file in files:
            try:
                [self.synapse[file]] = load_appservices(self.server_name, [file])
            except Exception:
                pass

    def entries(self, homeserver, file, kind):
        """The entries of a list as the homeserver reads them, and the localpart of the service's own user; None if it does not."""
        if homeserver in ("synapse", "spec"):
            service = self.synapse.get(file)
            if service is None:
                return None
            own = service.sender.to_string() if hasattr(service.sender, "to_string") else service.sender
            return [[n.regex.pattern, n.exclusive] for n in service.namespaces[LISTS[kind]]], own[1:].partition(":")[0]
        said = self.read[file, LOADERS[homeserver]]
        return said and (said[LISTS[kind]], said["sender"])

    def want(self, homeserver, file, kind, text):
        read = self.entries(homeserver, file, kind)
        for regex, _ in read[0] if read else []:
            engine = {"dendrite": "go", "spec": "go", "conduit": "rust-1.11"}.get(homeserver, "rust")
            if homeserver != "synapse":
                self.engines.want(engine, anchored(homeserver, regex), text)

    def claim(self, homeserver, file, kind, text):
        """What the service of a file is to an ID."""
        if homeserver == "synapse":
            return self.of_synapse(self.synapse[file], kind, text)
        entries, sender = self.entries(homeserver, file, kind)
        if homeserver == "spec":
            readings = {self.by_rules(homeserver, entries, sender, kind, text, matches) for matches in
                        (lambda regex: python(self.synapse[file], kind, regex, text), lambda regex: self.engines.matches("spec", kind, regex, text))}
            return readings.pop() if len(readings) == 1 else "undefined"
        return self.by_rules(homeserver, entries, sender, kind, text, lambda regex: self.engines.matches(homeserver, kind, regex, text))

    def by_rules(self, homeserver, entries, sender, kind, text, matches):
        own = f"@{sender}:{self.server_name}"
        if kind == "user":
            if text == own or (homeserver in ANY_SERVER and text.startswith(f"@{sender}:")) or (homeserver == "dendrite" and own in text):
                return "exclusive"
            if homeserver in LOCAL_ONLY and not local(text, self.server_name):
                return "unclaimed"
        found = [exclusive for regex, exclusive in entries if matches(regex)]
        return "exclusive" if any(found) else "shared" if found else "unclaimed"

    def of_synapse(self, service, kind, text):
        if kind == "user":
            interested, exclusive = service.is_interested_in_user(text), service.is_exclusive_user(text)
        elif kind == "alias":
            interested, exclusive = service.is_room_alias_in_namespace(text), service.is_exclusive_alias(text)
        else:
            interested, exclusive = service.is_room_id_in_namespace(text), service.is_exclusive_room(text)
        return "exclusive" if exclusive else "shared" if interested else "unclaimed"

    def loads(self, homeserver, file):
        read = [self.entries(homeserver, file, kind) for kind in LISTS]
        if None in read:
            return False
        lists = zip(LISTS, read)
        if homeserver in ("synapse", "spec"):
            return True
        return all(self.engines.matches(homeserver, kind, regex, "") is not None for kind, (entries, _) in lists for regex, _ in entries)


def python(service, kind, regex, text):
    return any(namespace.regex.match(text) for namespace in service.namespaces[LISTS[kind]] if namespace.regex.pattern == regex)


def may(homeserver, kind, asks, own_user, claims, senders):
    """Whether a service, or a person, may have what is claimed so: docs/homeservers.md, each with its source there."""
    exclusive = [as_id for as_id, claim in claims.items() if claim == "exclusive"]
    others = [as_id for as_id in exclusive if as_id != asks]
    inside = asks is not None and claims.get(asks, "unclaimed") != "unclaimed"
    if asks is None:
        return kind == "alias" and homeserver.startswith("palpo") or not exclusive
    if kind == "user":
        stand_in_the_way = {"synapse": bool(others), "spec": bool(others), "dendrite": len(exclusive) >= 2}.get(homeserver, False)
        return inside and not stand_in_the_way
    if homeserver == "dendrite":
        return all(senders[as_id] == own_user for as_id in exclusive)
    if homeserver.startswith("palpo"):
        return True
    return inside and not (homeserver == "spec" and others)


def questions(finding):
    """Each ID that is told, with the places that it is told of."""
    if finding["witness"] is None:
        return []
    grouped = {}
    for place in finding["places"]:
        grouped.setdefault(place.get("witness", finding["witness"]), []).append(place)
    return list(grouped.items())


def asked_by(finding, places):
    """Who asks, by the message of a finding and the places of one of its cases: of two that hold it each is asked."""
    if "whether a person may" in finding["message"]:
        return [None]
    return [places[at]["as_id"] for at in range(0, len(places), 2)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("found", type=pathlib.Path)
    parser.add_argument("--server-name", required=True)
    for program in ("go-yaml", "go-regex", "rust-load", "rust-regex", "rust-regex-1.11"):
        parser.add_argument(f"--{program}", required=True, dest=program.replace("-", "_").replace(".", "_"))
    parser.add_argument("--out", type=pathlib.Path)
    options = parser.parse_args()
    found = json.loads(options.found.read_text())
    findings = [finding for finding in found["findings"] if finding["code"] in ("portability", "undefined")]
    in_force = {one["homeserver"]: [file["file"] for file in one["files"] if file["state"] == "active"] for one in found["homeservers"]}
    files = sorted({file["file"] for one in found["homeservers"] for file in one["files"]})
    oracles = Oracles(options, files)
    for finding in findings:
        of_claims = {answer["says"] for answer in finding["answers"]} & {"exclusive", "shared", "unclaimed", "undefined"}
        for homeserver in in_force:
            for witness, places in questions(finding):
                for file in {place["file"] for place in places} if of_claims else in_force[homeserver]:
                    oracles.want(homeserver, file, finding["kind"], witness)
            for place in finding["places"] if finding["witness"] is None else []:
                for kind in LISTS:
                    oracles.want(homeserver, place["file"], kind, "")
    oracles.engines.run()
    counts, wrong, recorded = {"findings": len(findings), "cases": 0, "answers": 0}, [], []
    for finding in findings:
        for case in confirmed(oracles, finding, in_force):
            counts["cases"] += 1
            counts["answers"] += len(case["says"])
            wrong += [{"message": finding["message"], **case, "theirs": case["theirs"]}] if case["says"] != case["theirs"] else []
            recorded.append(case)
    if options.out:
        record(oracles, recorded, options.out)
    for case in wrong:
        print(json.dumps(case))
    print(f"{counts['findings']} findings, {counts['cases']} cases, {counts['answers']} answers of homeservers confirmed, {len(wrong)} unconfirmed")
    sys.exit(bool(wrong))


def confirmed(oracles, finding, in_force):
    says = {homeserver: answer["says"] for answer in finding["answers"] for homeserver in answer["homeservers"]}
    kind = finding["kind"]
    if finding["witness"] is None:
        file = finding["places"][0]["file"]
        if set(says.values()) <= {"loads", "refuses"}:
            theirs = {homeserver: "loads" if oracles.loads(homeserver, file) else "refuses" for homeserver in says}
            yield {"file": file, "says": says, "theirs": theirs}
        return
    for witness, places in questions(finding):
        if set(says.values()) <= {"allowed", "refused"}:
            for asks in asked_by(finding, places):
                theirs = {}
                for homeserver in says:
                    claims = {oracles.synapse[file].id: oracles.claim(homeserver, file, kind, witness) for file in in_force[homeserver]}
                    senders = {oracles.synapse[file].id: oracles.entries("synapse", file, "user")[1] for file in in_force[homeserver]}
                    theirs[homeserver] = "allowed" if may(homeserver, kind, asks, senders.get(asks), claims, senders) else "refused"
                holders = [file for file in in_force["synapse"] if oracles.claim("synapse", file, kind, witness) == "exclusive" or oracles.synapse[file].id == asks]
                yield {"kind": kind, "witness": witness, "asks": asks, "files": holders, "says": says, "theirs": theirs}
        else:
            for file in sorted({place["file"] for place in places}):
                theirs = {homeserver: oracles.claim(homeserver, file, kind, witness) for homeserver in says}
                yield {"kind": kind, "witness": witness, "files": [file], "says": says, "theirs": theirs}


def record(oracles, cases, out):
    """What was confirmed, with the entries of the list that is asked about, and no file."""
    with out.open("w") as lines:
        for case in cases:
            if "witness" not in case or case["says"] != case["theirs"]:
                continue
            services = []
            for file in case["files"]:
                entries, sender = oracles.entries("synapse", file, case["kind"])
                services.append({"id": oracles.synapse[file].id, "sender": sender, "entries": entries})
            line = {"server_name": oracles.server_name, "kind": case["kind"], "id": case["witness"], "services": services, "says": case["says"]}
            if "asks" in case:
                line["asks"] = case["asks"]
            lines.write(json.dumps(line, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
