//! Those who ask replicas that come and go, and those who change what is in the store through them.

use std::net::SocketAddr;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Accepted, PATIENCE, Replica};
use crate::clients::{Random, Totals, observe};
use crate::connection::Connection;
use crate::directory::{self, is_permanent};
use crate::ledger::Ledger;

/// Asks by one connection after the other.
pub(crate) struct Asker {
    address: SocketAddr,
    connection: Option<Connection>,
}

impl Asker {
    pub(crate) fn of(replica: &Replica) -> Self {
        Self { address: replica.address, connection: None }
    }

    /// What is answered; nothing, if nobody answers, or not to the end.
    pub(crate) fn ask_raw(&mut self, method: &str, path: &str, body: Option<&Value>) -> Option<(u16, Vec<u8>)> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(self.address).ok()?,
        };
        // What was given up on is not to be taken for the answer to something else.
        let answer = connection.ask_raw(method, path, body).ok()?;
        self.connection = Some(connection);
        Some(answer)
    }

    pub(crate) fn ask(&mut self, method: &str, path: &str, body: Option<&Value>) -> Option<(u16, Value)> {
        let (status, body) = self.ask_raw(method, path, body)?;
        Some((status, serde_json::from_slice(&body).ok()?))
    }
}

/// Notes each set while it is in force.
pub(crate) fn note(replica: &Replica, ledger: &Ledger, stop: &AtomicBool, totals: &Totals) {
    let mut asker = Asker::of(replica);
    let mut last = Value::Null;
    while !stop.load(Ordering::Relaxed) {
        match asker.ask("GET", "/v1/status", None) {
            Some((200, mut status)) if status["ready"] == true && status["snapshot"] != last => {
                if let Some((200, registrations)) = asker.ask_raw("GET", "/v1/registrations", None) {
                    totals.story.answered(&registrations);
                    ledger.note(registrations);
                    last = status["snapshot"].take();
                }
            }
            Some(_) => thread::sleep(Duration::from_micros(500)),
            None => thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// Asks who owns a name, again and again. A replica that is there and remembers answers always; one that does not says that
/// nothing is loaded, if it has been started while the database is away.
pub(crate) fn ask(replica: &Replica, services: usize, ledger: &Ledger, stop: &AtomicBool, totals: &Totals) {
    let mut random = Random::new(u64::from(replica.address.port()));
    let mut asker = Asker::of(replica);
    while !stop.load(Ordering::Relaxed) {
        let service = random.below(services);
        let path = format!("/v1/owners?id=%40svc{service}_x%3Aexample.com");
        match asker.ask("GET", &path, None) {
            Some((200, answer)) => {
                observe(&answer, &answer["snapshot"], service, services, ledger, totals);
                totals.asked();
            }
            // It listens before it has read its copies.
            Some((503, _)) if !replica.remembers() || replica.is_young() => thread::sleep(Duration::from_millis(20)),
            Some(other) => totals.failed("ask", &other),
            None => thread::sleep(Duration::from_millis(20)),
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Changes those services that are this writer's, through either replica, each until somebody says that it was made. `who`: which
/// writer, of how many, and how many services there are.
pub(crate) fn write(
    replicas: &[Replica; 2],
    who: (usize, usize, usize),
    accepted: &Accepted,
    stop: &AtomicBool,
    totals: &Totals,
) {
    let (writer, writers, services) = who;
    let mut random = Random::new(100 + writer as u64);
    let mut askers = replicas.each_ref().map(Asker::of);
    for revision in 1.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let service = writer + writers * random.below(services / writers);
        // Who is removed now and then is put again at another time.
        let removed = !is_permanent(service, services) && random.below(2) == 0;
        let began = Instant::now();
        // Whatever is asked for when the run ends is asked for until it is answered: what it is would not be known otherwise.
        while !change(&mut askers, &mut random, (service, revision, removed), accepted, totals) {
            assert!(began.elapsed() < PATIENCE * 4, "svc{service} is never changed");
            thread::sleep(Duration::from_millis(100));
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// Asks for a change once; whether it was made.
fn change(
    askers: &mut [Asker; 2],
    random: &mut Random,
    what: (usize, usize, bool),
    accepted: &Accepted,
    totals: &Totals,
) -> bool {
    let (service, revision, removed) = what;
    let id = format!("svc{service}");
    let path = format!("/v1/registrations/{id}?by=fault-run");
    let at = random.below(2);
    let asked = if removed {
        askers[at].ask("DELETE", &path, None)
    } else {
        askers[at].ask("PUT", &path, Some(&registration(service, revision)))
    };
    let made = match asked {
        Some((200, told)) => told["revision"].as_u64(),
        // It never was there, or was removed before.
        Some((404, _)) if removed => None,
        Some((503, told)) => {
            accepted.refused(told["error"].as_str().unwrap_or_default());
            return false;
        }
        None => {
            accepted.refused("no answer");
            return false;
        }
        other => {
            totals.failed("write", &other);
            return false;
        }
    };
    let mut set = accepted.set.lock().unwrap_or_else(PoisonError::into_inner);
    if removed {
        set.remove(&id);
    } else {
        set.insert(id.clone(), directory::regex(service, revision));
    }
    drop(set);
    accepted.made.fetch_add(1, Ordering::Relaxed);
    if let Some(made) = made {
        is_there(askers, &id, made, removed, accepted);
    }
    true
}

/// Asks both replicas for what was made, from its revision on. Nobody else changes it meanwhile.
fn is_there(askers: &mut [Asker; 2], id: &str, revision: u64, removed: bool, accepted: &Accepted) {
    let path = format!("/v1/owners?id=%40{id}_x%3Aexample.com&min_revision={revision}");
    for asker in askers {
        if let Some((200, answer)) = asker.ask("GET", &path, None)
            && (answer["owner"] == id) == removed
        {
            eprintln!("{id} at revision {revision}, removed: {removed}: {answer}");
            accepted.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn registration(service: usize, revision: usize) -> Value {
    json!({
        "id": format!("svc{service}"),
        "url": format!("http://localhost:{}", 9_000 + service % 1_000),
        "as_token": format!("as-token-of-{service}"),
        "hs_token": format!("hs-token-of-{service}"),
        "sender_localpart": format!("svc{service}-bot"),
        "namespaces": { "users": [{ "exclusive": true, "regex": directory::regex(service, revision) }] },
    })
}
