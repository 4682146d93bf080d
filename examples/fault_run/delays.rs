//! By how much `--hold` delays what is meant: how long after an edit the answers are those of the edit.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use crate::connection::Connection;
use crate::directory;
use crate::place::{Kind, Place};
use crate::server::Server;

/// Enough that those that are added and removed are few of them.
const SERVICES: usize = 50;

/// What is done, and what is waited for.
#[derive(Clone, Copy, Debug)]
enum Edit {
    Addition,
    Removal,
    /// A removal, and a request for a reload.
    ConfirmedRemoval,
}

/// Measures and prints; whether everything came to be.
pub(crate) fn run(samples: usize) -> bool {
    println!("delays in ms from an edit to its answer, {samples} each: least, median, most");
    let rows = [
        ("an addition, --hold 60s", Edit::Addition, 60),
        ("a removal, --hold 0", Edit::Removal, 0),
        ("a removal, --hold 2s", Edit::Removal, 2),
        ("a removal, --hold 60s, confirmed by POST /-/reload", Edit::ConfirmedRemoval, 60),
    ];
    rows.into_iter().all(|(what, edit, hold)| {
        let mut delays: Vec<Duration> = Vec::new();
        let place = Place::new(Kind::Directory, SERVICES);
        let state = tempfile::tempdir().expect("a temporary directory");
        let server = Server::start(&place.arguments(), Some(state.path()), hold);
        let mut connection = Connection::open(server.address).expect("the service listens");
        for sample in 0..samples {
            match delay(edit, &place, SERVICES + sample, &mut connection) {
                Some(delay) => delays.push(delay),
                None => {
                    println!("{what:<52} did not come to be within {} s", PATIENCE.as_secs());
                    return false;
                }
            }
        }
        delays.sort_unstable();
        let [least, median, most] = [0, samples / 2, samples - 1].map(|at| delays[at].as_millis());
        println!("{what:<52} {least:>6} {median:>6} {most:>6}");
        true
    })
}

const PATIENCE: Duration = Duration::from_secs(20);

fn delay(edit: Edit, place: &Place, service: usize, connection: &mut Connection) -> Option<Duration> {
    let dir = place.files();
    let path = directory::path(&dir, service);
    // As deployments do: written beside, and moved into place.
    let began = Instant::now();
    directory::mend(&dir, service, 0).expect("writable");
    becomes(connection, service, true, began)?;
    let added = began.elapsed();
    if matches!(edit, Edit::Addition) {
        return Some(added);
    }
    // What was written a moment ago is looked at again; then it is quiet.
    thread::sleep(Duration::from_millis(500));
    let began = Instant::now();
    fs::remove_file(path).expect("writable");
    if matches!(edit, Edit::ConfirmedRemoval) {
        connection.ask("POST", "/-/reload", None).ok().filter(|(status, _)| *status == 200)?;
    }
    becomes(connection, service, false, began)?;
    Some(began.elapsed())
}

fn becomes(connection: &mut Connection, service: usize, owned: bool, began: Instant) -> Option<()> {
    let question = format!("/v1/owners?id=%40svc{service}_x%3Aexample.com");
    while began.elapsed() < PATIENCE {
        let (_, answer) = connection.ask("GET", &question, None).ok()?;
        if (answer["owner"] == format!("svc{service}").as_str()) == owned {
            return Some(());
        }
        thread::sleep(Duration::from_millis(1));
    }
    None
}
