//! The directory of registrations, and what happens to it.

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::clients::{Random, Totals};
use crate::place::{Place, beside};

/// The first half of the services is injured and never removed: their names must stay theirs. The second half is
/// removed and added again on purpose.
pub(crate) fn is_permanent(service: usize, services: usize) -> bool {
    service < services / 2
}

pub(crate) fn fill(directory: &Path, services: usize) {
    for service in 0..services {
        fs::write(path(directory, service), content(service, 0)).expect("writable");
    }
}

pub(crate) fn path(directory: &Path, service: usize) -> PathBuf {
    directory.join(format!("svc{service:04}.yaml"))
}

pub(crate) fn content(service: usize, revision: usize) -> String {
    let regex = regex(service, revision);
    format!(
        "id: svc{service}\nurl: http://localhost:{port}\nas_token: as-token-of-{service}\nhs_token: hs-token-of-{service}\n\
         sender_localpart: svc{service}-bot\nnamespaces:\n  users:\n    - exclusive: true\n      \
         regex: '{regex}'\n",
        port = 9000 + service % 1000
    )
}

/// What a service claims, another regex in each revision.
pub(crate) fn regex(service: usize, revision: usize) -> String {
    format!("@svc{service}_(?:x|r{revision}).*:example\\.com")
}

/// What each fault is, to those that are never removed.
const FAULTS: [&str; 12] = [
    "cannot be read as YAML",
    "cut in half",
    "neither exclusive nor not",
    "no text",
    "no regex",
    "written slowly",
    "a directory in its place",
    "emptied",
    "taken away for a moment",
    "written through a hard link",
    "changes names with the next",
    "the next one's pasted over it",
];

/// The fault in which two files change names.
const STORM: usize = 10;

/// How long the two are left alone then: until it has been seen that each is back, for to write one's id into the other's file
/// while it is seen there already is to move it, and no fault.
const SEEN_AFTER: Duration = Duration::from_secs(3);

/// Another service that is never removed.
fn neighbour(service: usize, services: usize) -> usize {
    (service + 1) % (services / 2)
}

/// One random fault or repair every few milliseconds; now and then, if `place` is given, one that befalls all files at once.
pub(crate) fn injure_and_mend(
    directory: &Path,
    services: usize,
    place: Option<&Place>,
    stop: &AtomicBool,
    totals: &Totals,
) {
    let mut random = Random::new(7);
    let mut revision = 1;
    let mut stormed: HashMap<usize, Instant> = HashMap::new();
    while !stop.load(Ordering::Relaxed) {
        let service = random.below(services);
        revision += 1;
        if stormed.get(&service).is_some_and(|stormed| stormed.elapsed() < SEEN_AFTER) {
            continue;
        }
        let fault = random.below(FAULTS.len());
        if fault == STORM && is_permanent(service, services) {
            let now = Instant::now();
            stormed.extend([(service, now), (neighbour(service, services), now)]);
        }
        let done = if let Some(place) = place
            && random.below(200) == 0
        {
            totals.story.begins(None, "a fault of all");
            place.injure_and_mend_all(&mut random)
        } else if random.below(3) == 0 {
            totals.story.begins(Some(service), "mended");
            mend(directory, service, revision)
        } else {
            totals.story.begins(Some(service), FAULTS[fault]);
            injure(directory, service, services, revision, fault, &mut random)
        };
        done.expect("the run's own directory is writable");
        totals.faults.fetch_add(1, Ordering::Relaxed);
        thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn mend(directory: &Path, service: usize, revision: usize) -> std::io::Result<()> {
    let target = path(directory, service);
    if target.is_dir() {
        fs::remove_dir(&target)?;
    }
    let temporary = directory.join(format!(".svc{service:04}.new"));
    fs::write(&temporary, content(service, revision))?;
    fs::rename(temporary, target)
}

fn injure(
    directory: &Path,
    service: usize,
    services: usize,
    revision: usize,
    fault: usize,
    random: &mut Random,
) -> std::io::Result<()> {
    let target = path(directory, service);
    if target.is_dir() {
        return Ok(());
    }
    let text = content(service, revision);
    match fault {
        0 => fs::write(target, "id: [unclosed"),
        1 => fs::write(target, &text.as_bytes()[..text.len() / 2]),
        2 => fs::write(target, text.replace("exclusive: true", "exclusive: maybe")),
        3 => fs::write(target, [0xff, 0xfe, 0x00]),
        4 => fs::write(target, text.replace("@svc", "@(svc")),
        5 => write_slowly(&target, &text),
        // The other half stays as it is: what is written over it collides, or is held.
        9 if is_permanent(service, services) => write_through_a_hard_link(&target, &text, random),
        STORM if is_permanent(service, services) => storm(&target, service, services, random),
        // Another bridge's file, pasted over it, while that has its own.
        11 if is_permanent(service, services) => fs::write(target, content(neighbour(service, services), revision)),
        8 if is_permanent(service, services) => take_away_for_a_moment(&target, &text, random),
        6 if is_permanent(service, services) => {
            // Replaced by a directory of the same name.
            let _ = fs::remove_file(&target);
            fs::create_dir(target)
        }
        _ if is_permanent(service, services) => fs::write(target, ""),
        _ => match fs::remove_file(target) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        },
    }
}

/// As editors and deployment tools do: what is there for a moment is nothing, or a registration with fewer names. Shorter
/// than what counts as confirmed, since this run asks for reloads all the time.
fn take_away_for_a_moment(target: &Path, text: &str, random: &mut Random) -> std::io::Result<()> {
    match random.below(4) {
        0 => fs::remove_file(target)?,
        1 => fs::rename(target, target.with_extension("bak"))?,
        // Closed, so that nobody can tell that there is more to come.
        2 => fs::write(target, text[..text.find("    - exclusive").unwrap_or(0)].replace("users:", "users: []"))?,
        _ => fs::write(target, text.replace("exclusive: true", "exclusive: false"))?,
    }
    thread::sleep(Duration::from_millis(u64::try_from(random.below(600)).unwrap_or(0)));
    fs::write(target, text)
}

/// As over NFS, where no event tells who writes: a part that is a registration, and after a while the rest.
fn write_through_a_hard_link(target: &Path, text: &str, random: &mut Random) -> std::io::Result<()> {
    let link = beside(target);
    let _ = fs::remove_file(&link);
    if fs::hard_link(target, &link).is_err() {
        // What is there is not a file just now.
        return Ok(());
    }
    let head = &text[..text.find("    - exclusive").unwrap_or(0)];
    fs::write(&link, head.replace("users:", "users: []"))?;
    thread::sleep(Duration::from_millis(u64::try_from(random.below(600)).unwrap_or(0)));
    fs::write(&link, text)
}

/// Two files change names, and back, again and again.
fn storm(target: &Path, service: usize, services: usize, random: &mut Random) -> std::io::Result<()> {
    let other = path(target.parent().expect("a directory"), neighbour(service, services));
    let between = beside(target);
    for _ in 0..random.below(400) {
        for _ in 0..2 {
            if fs::rename(target, &between).is_ok() {
                // A directory is in the place of one of them just now.
                if fs::rename(&other, target).is_ok() {
                    fs::rename(&between, &other)?;
                } else {
                    fs::rename(&between, target)?;
                }
            }
        }
    }
    Ok(())
}

fn write_slowly(target: &Path, text: &str) -> std::io::Result<()> {
    let mut file = fs::File::create(target)?;
    for piece in text.as_bytes().chunks(40) {
        file.write_all(piece)?;
        thread::sleep(Duration::from_millis(4));
    }
    Ok(())
}
