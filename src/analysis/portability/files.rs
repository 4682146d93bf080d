//! What homeservers make of a file as such: whether they load it, and what they read in it.

use super::shape::Shapes;
use super::{Read, Reading};
use crate::analysis::Code;
use crate::analysis::finding::{Finding, FindingPlace, Says, Severity, shown};
use crate::registration::{Fault, Registration};

/// Tells whether some load a file that others refuse, and whether those that load it read another service in it.
pub(super) fn compare(readings: &[Reading<'_>], reads: &[Option<Read<'_>>], shapes: &mut Shapes) {
    let loaded: Vec<&Registration> = reads.iter().filter_map(|read| read.and_then(Result::ok)).collect();
    let Some(first) = loaded.first() else { return };
    if let Some(faults) = reads.iter().find_map(|read| read.and_then(Result::err)) {
        let says = readings.iter().zip(reads).map(|(reading, read)| read.map(|read| said(reading, read)));
        let message = format!("some homeservers load the file of `{}`, and others refuse it", shown(first.id()));
        let finding = Finding::new(Code::Portability, Severity::Warning, message).at(place(first, faults));
        let answers = shapes.answers(says);
        shapes.tell(Finding { answers, ..finding });
    }
    for (what, read) in [("id", id as fn(&Registration) -> &str), ("sender_localpart", sender)] {
        if loaded.iter().all(|registration| read(registration) == read(first)) {
            continue;
        }
        let says =
            reads.iter().map(|of| of.and_then(Result::ok).map(|one| (Says::Reads, format!("`{}`", shown(read(one))))));
        let answers = shapes.answers(says);
        let message = format!("homeservers read another `{what}` in the file of `{}`", shown(first.id()));
        let finding = Finding::new(Code::Portability, Severity::Warning, message).at(FindingPlace::file(first));
        shapes.tell(Finding { answers, ..finding });
    }
    if loaded.iter().any(|registration| registration.as_token() != first.as_token()) {
        let said = |one: &Registration| {
            let same = if one.as_token() == first.as_token() { "the one" } else { "another" };
            (Says::Reads, same.to_owned())
        };
        let answers = shapes.answers(reads.iter().map(|of| of.and_then(Result::ok).map(said)));
        let message = format!("homeservers read another `as_token` in the file of `{}`", shown(first.id()));
        let finding = Finding::new(Code::Portability, Severity::Warning, message).at(FindingPlace::file(first));
        shapes.tell(Finding { answers, ..finding });
    }
}

fn id(registration: &Registration) -> &str {
    registration.id()
}

fn sender(registration: &Registration) -> &str {
    registration.sender_localpart()
}

/// What comes of the file, and of the others. Why it is refused stands in its faults.
fn said(reading: &Reading<'_>, read: Read<'_>) -> (Says, String) {
    match read {
        Ok(_) => (Says::Loads, Says::Loads.to_string()),
        Err(faults) => {
            let dialect = reading.dialect();
            let told = faults.iter().find_map(|fault| dialect.without_consequence(&fault.message).1);
            let consequence = told.unwrap_or(dialect.set().broken);
            (Says::Refuses, format!("{}; it {}", Says::Refuses, consequence.would()))
        }
    }
}

/// Where the first of the faults stands.
fn place(registration: &Registration, faults: &[Fault]) -> FindingPlace {
    let whole = FindingPlace::file(registration);
    let fault = faults.iter().find(|fault| fault.line.is_some());
    let at = |fault: &Fault| (fault.line.unwrap_or(whole.line), fault.column.unwrap_or(whole.column));
    let (line, column) = fault.map_or((whole.line, whole.column), at);
    FindingPlace { line, column, ..whole }
}
