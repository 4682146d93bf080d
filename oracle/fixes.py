"""Applies every fix that `bailiwick check` knows for real registrations, asks Synapse what comes of it, and records it.

    /tmp/synapse/bin/python oracle/fixes.py --bailiwick target/debug/bailiwick \\
        --files DIR --namespaces FILE.jsonl --out tests/data/findings/fixes.jsonl

Needs matrix-synapse 1.163 (see docs/semantics.md) and `patch`. DIR holds registrations collected from public repositories, FILE
single namespaces. Three sets are looked at: the files as they are; the files with `example.com` for the server that each
names, so that more of them meet; a registration for each service of FILE. Each finding of a set is looked at by itself, as a
set of the one or two services concerned, and recorded, whether there is a fix or not. Synapse says of the edited set that

* the witness is no longer matched by what is edited (or, where nothing was claimed, that something is);
* whatever local ID the service has claimed it claims still, and as it did, but for those that a fix is allowed to leave out:
  what begins like the other's users, and what a glob claimed besides.

Then all fixes of DIR are applied at once, with `--fix=write` to a copy and with `--fix` and `patch -p1` to another. Both must be
the same, differ from DIR in the lines of regexes alone, and load; and whoever claimed a local ID claims it still, but for what
single fixes leave out.
"""

import argparse
import functools
import json
import logging
import random
import re
import shutil
import string
import subprocess
import tempfile
from pathlib import Path

import yaml
from synapse.config.appservice import load_appservices

CODES = {
    "exclusive-conflict", "sender-conflict", "blocked-by-exclusive", "shadowed-entry", "dead-entry", "looks-like-glob",
    "unescaped-dot", "open-end",
}
KINDS = {"user": "users", "alias": "aliases", "room": "rooms"}
SERVER = "example.com"
wrong: list[str] = []


def hold(is_true, case, what):
    if not is_true:
        wrong.append(f"{what}: {json.dumps(case)}")


def load(paths):
    logging.disable(logging.CRITICAL)
    return {service.id: service for service in load_appservices(SERVER, [str(path) for path in paths])}


def check(bailiwick, directory, *options):
    command = [bailiwick, "check", str(directory), "--server-name", SERVER, *options]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def findings(bailiwick, directory):
    found = json.loads(check(bailiwick, directory, "--format", "json"))["findings"]
    return [one for one in found if one["code"] in CODES and one["kind"] != "room"]


def written(directory, services):
    """The services as files of a directory."""
    for at, service in enumerate(services):
        file = {
            **service, "url": None, "as_token": f"as-token-{at}-0123456789abcdef", "hs_token": f"hs-token-{at}-0123456789abcdef",
        }
        # A line for each value, so that places tell entries apart.
        Path(directory, f"{at}.yaml").write_text(json.dumps(file, indent=1))
    return sorted(Path(directory).glob("*.yaml"))


def said(path):
    """What a file says, without its tokens."""
    file = yaml.safe_load(path.read_text())
    entries = {
        kind: [{"regex": entry["regex"], "exclusive": entry["exclusive"]} for entry in file["namespaces"].get(kind, [])]
        for kind in KINDS.values()
    }
    return {"id": file["id"], "sender_localpart": file["sender_localpart"], "namespaces": entries}


def beginning(regex):
    """The literal text with which a regex begins, about."""
    plain = re.match(r"^(?:\^|\\A)?((?:\\\W|[^.^$*+?{}\[\]|()\\])*)(?![*+?{])", regex)
    return re.sub(r"\\(\W)", r"\1", plain[1]) if plain else ""


def samples(rng, services, kind, finding):
    """IDs near to what entries claim: of this server and of others."""
    sigil = {"user": "@", "alias": "#"}[kind]
    begins = {beginning(entry["regex"]).split(":")[0] or sigil for one in services for entry in one["namespaces"][KINDS[kind]]}
    begins |= {sigil + one["sender_localpart"] for one in services if kind == "user"}
    begins |= {beginning(finding["fix"]["with"]).split(":")[0]} if "fix" in finding else set()
    letters = string.ascii_lowercase + string.digits + "_-."
    ids = {finding["witness"]} - {None}
    for begin in sorted(one if one.startswith(sigil) else sigil + one for one in begins):
        for server in [SERVER, SERVER, SERVER, "example.org", "exampleacom", "example.community"]:
            for length in [0, 1, 7]:
                ids.add(f"{begin}{''.join(rng.choices(letters, k=length))}:{server}")
    return sorted(ids)


def answers(services, kind, ids):
    """Who claims each ID, and who exclusively."""
    says = {}
    for one in ids:
        matched = {name: service._matches_regex(KINDS[kind], one) for name, service in services.items()}
        own = {name for name, service in services.items() if kind == "user" and service.sender.to_string() == one}
        claims = sorted({name for name, entry in matched.items() if entry} | own)
        exclusive = {name for name, entry in matched.items() if entry and entry.exclusive}
        says[one] = [claims, sorted(exclusive | own)]
    return says


def may_be_left_out(finding, fix, one):
    """Whether a fix may leave out an ID of this server."""
    lost = re.search(r"\(\?!((?:\\.|[^)\\])*)\)", fix["with"])
    if lost and finding["code"] != "shadowed-entry" and fix["with"] != fix["replace"]:
        theirs = beginning(fix["with"][: lost.start()]) + re.sub(r"\\(.)", r"\1", lost[1])
        return one.startswith(theirs)
    is_glob = re.search(r"(.)\*", fix["replace"]) and ".*" not in fix["replace"]
    return bool(is_glob) and not one.startswith(beginning(fix["with"]))


def confirm(case, finding, fix, before, after, services):
    """Holds what Synapse says against what a fix promises."""
    edited = fix["as_id"]
    for one, (claims, exclusive) in before.items():
        is_local = one.split(":", 1)[1] == SERVER
        for name in services:
            had = (name in claims, name in exclusive)
            has = (name in after[one][0], name in after[one][1])
            if name != edited:
                hold(had == has, case, f"{name} is not edited, and answers otherwise about {one}")
            elif is_local and had[0] and had != has:
                hold(may_be_left_out(finding, fix, one), case, f"{one} is lost")
            elif is_local and has[0] and not had[0] and finding["code"] not in ("dead-entry", "looks-like-glob"):
                hold(may_be_left_out(finding, fix, one) or ".*" in fix["with"], case, f"{one} is gained")
    witness, code = finding["witness"], finding["code"]
    entry = services[edited].namespaces[KINDS[fix["kind"]]][fix["index"]]
    matches = bool(entry.regex.match(witness)) if witness else None
    if code == "dead-entry":
        gained = [one for one in after if edited in after[one][0] and edited not in before[one][0]]
        hold(gained, case, "nothing is claimed still")
    elif code == "looks-like-glob":
        hold(any(edited in claims for claims, _ in after.values()), case, "nothing is claimed")
    else:
        hold(matches is False, case, f"{witness} is matched still")


def case_of(bailiwick, rng, origin, finding, by_id):
    concerned = list(dict.fromkeys(place["as_id"] for place in finding["places"]))
    services = [by_id[name] for name in concerned]
    key = [[place["as_id"], place["index"]] for place in finding["places"]]
    with tempfile.TemporaryDirectory() as directory:
        paths = written(directory, services)
        same = [
            one for one in findings(bailiwick, directory)
            if one["code"] == finding["code"] and [[place["as_id"], place["index"]] for place in one["places"]] == key
            and one["kind"] == finding["kind"]
        ]
        case = {"origin": origin, "code": finding["code"], "kind": finding["kind"], "places": key, "services": services}
        hold(len(same) == 1, case, "the finding is not that of the two alone")
        if len(same) != 1:
            return None
        finding, fix = same[0], same[0].get("fix")
        case["fix"] = fix and {part: fix[part] for part in ("as_id", "kind", "index", "replace", "with")}
        if fix is None:
            return case
        ids = samples(rng, services, finding["kind"], finding)
        before = answers(load(paths), finding["kind"], ids)
        for at, service in enumerate(services):
            if service["id"] == fix["as_id"]:
                changed = json.loads(json.dumps(service))
                changed["namespaces"][KINDS[fix["kind"]]][fix["index"]]["regex"] = fix["with"]
                services = [*services[:at], changed, *services[at + 1 :]]
        loaded = load(written(directory, services))
        after = answers(loaded, finding["kind"], ids)
        confirm(case, finding, case["fix"], before, after, loaded)
        case["answers"] = {one: after[one] for one in ids if before[one] != after[one] or rng.random() < 0.2}
        return case


def distinct(directory):
    """The services of a directory that load together: of those with one id the first."""
    by_id = {}
    for path in sorted(Path(directory).glob("*.yaml")):
        service = said(path)
        by_id.setdefault(service["id"], service)
    return by_id


def renamed(bailiwick, source, target):
    """The files with this server for the one that each names."""
    others = {}
    for one in findings(bailiwick, source):
        server = re.search(r"IDs of (?:another server \()?`([^`]+)`", one["message"])
        if one["code"] == "dead-entry" and server:
            others.setdefault(Path(one["places"][0]["file"]).name, set()).add(server[1])
    for path in sorted(Path(source).glob("*.yaml")):
        text = path.read_text()
        for server in sorted(others.get(path.name, ()), key=len, reverse=True):
            # As it may be written: with a dot escaped in double quotes, escaped, and not.
            for dot in (r"\\.", r"\.", ".") if "." in server else (".",):
                text = text.replace(":" + server.replace(".", dot), ":" + SERVER.replace(".", dot))
        Path(target, path.name).write_text(text)


def single(file, target):
    """A registration for each service of a file of namespaces."""
    services = {}
    for line in Path(file).read_text().splitlines():
        one = json.loads(line)
        service = services.setdefault(one["as"], {"id": one["as"], "sender_localpart": f"bot-of-{len(services)}", "namespaces": {}})
        service["namespaces"].setdefault(one["kind"], []).append({"regex": one["regex"], "exclusive": one["exclusive"]})
    written(target, services.values())


def all_at_once(bailiwick, source):
    """Applies all fixes of a directory in both ways; returns how many lines they change."""
    case = {"origin": str(source)}
    with tempfile.TemporaryDirectory() as home:
        copies = {}
        for way in ("write", "diff"):
            copies[way] = Path(home, way, "files")
            copies[way].mkdir(parents=True)
            for path in Path(source).glob("*.yaml"):
                shutil.copy(path, copies[way])
        run = functools.partial(subprocess.run, cwd=copies["diff"].parent, capture_output=True, text=True, check=False)
        patch = run([bailiwick, "check", "files", "--server-name", SERVER, "--fix", "--all"]).stdout
        applied = run(["patch", "-p1", "--fuzz=0"], input=patch)
        hold(applied.returncode == 0, case, f"patch: {applied.stdout}{applied.stderr}")
        hold("token" not in patch, case, "a token stands in the patch")
        check(bailiwick, copies["write"], "--fix=write", "--all")
        changed = 0
        for path in sorted(Path(source).glob("*.yaml")):
            old, new = path.read_text().splitlines(), (copies["write"] / path.name).read_text().splitlines()
            lines = [(a, b) for a, b in zip(old, new, strict=True) if a != b]
            changed += len(lines)
            hold(all("regex" in a for a, _ in lines), case, f"{path.name}: another line is changed")
            patched = (copies["diff"] / path.name).read_text().splitlines()
            # What stands beside a comment, or in a file of one line, is not printed: it may hold a token.
            unsaid = [at for at, (a, b) in enumerate(zip(new, patched, strict=True)) if a != b]
            hold(all(len(old) == 1 or " #" in old[at] for at in unsaid), case, f"{path.name}: the patch says otherwise")
        left = [one for one in findings(bailiwick, copies["write"]) if "fix" in one]
        hold(not left, case, f"there are fixes still: {left[:1]}")
        ids = distinct(source)
        first = {}
        for path in sorted(Path(source).glob("*.yaml")):
            first.setdefault(said(path)["id"], path.name)
        before, after = (load([Path(where) / name for name in first.values()]) for where in (source, copies["write"]))
        hold(before.keys() == after.keys() == ids.keys(), case, "not the same load")
        return changed


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--bailiwick", required=True, type=Path)
    arguments.add_argument("--files", required=True, type=Path)
    arguments.add_argument("--namespaces", required=True, type=Path)
    arguments.add_argument("--out", type=Path)
    options = arguments.parse_args()
    bailiwick, rng, cases = str(options.bailiwick.resolve()), random.Random(15), []
    with tempfile.TemporaryDirectory() as home:
        sets = {"files": options.files, "one server": Path(home, "one"), "namespaces": Path(home, "many")}
        for directory in (sets["one server"], sets["namespaces"]):
            directory.mkdir()
        renamed(bailiwick, options.files, sets["one server"])
        single(options.namespaces, sets["namespaces"])
        for origin, directory in sets.items():
            by_id = distinct(directory)
            found = findings(bailiwick, directory)
            of_set = [case for one in found if (case := case_of(bailiwick, rng, origin, one, by_id))]
            fixed = sum(case["fix"] is not None for case in of_set)
            print(f"{origin}: {len(by_id)} services, {len(found)} findings, {fixed} with a fix", flush=True)
            cases += of_set
        for origin in ("files", "one server"):
            print(f"{origin}: all at once, {all_at_once(bailiwick, sets[origin])} lines changed")
    asked = sum(len(case.get("answers", ())) for case in cases)
    print(f"{len(cases)} cases, {asked} answers recorded, {len(wrong)} wrong")
    print("\n".join(wrong[:20]))
    if options.out and not wrong:
        known = {json.dumps({key: value for key, value in case.items() if key != "origin"}, sort_keys=True): case for case in cases}
        options.out.write_text("".join(json.dumps(case) + "\n" for case in known.values()))
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
