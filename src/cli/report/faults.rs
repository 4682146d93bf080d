use std::borrow::Cow;
use std::sync::Arc;

use crate::analysis::unnamed;
use crate::homeserver::{Consequence, Dialect};
use crate::registration::{Fault, FaultCode};
use crate::snapshot::Snapshot;

/// What is wrong with a file, said once for all homeservers on which it is so.
pub(in crate::cli) struct FaultOf<'a> {
    pub(in crate::cli) file: &'a str,
    pub(in crate::cli) fault: Cow<'a, Fault>,
    /// What becomes of the file, on each homeserver of which that is known.
    pub(in crate::cli) so: Vec<String>,
    /// On which homeservers; none where one was asked.
    pub(in crate::cli) homeservers: Vec<&'static str>,
}

/// What makes two faults the same, but for the homeserver's name.
type Same<'a> = (&'a str, FaultCode, Option<u32>, Option<u32>, String);

/// The faults of all files, in load order.
pub(in crate::cli) fn faults(snapshots: &[Arc<Snapshot>]) -> Vec<FaultOf<'_>> {
    if let [only] = snapshots {
        let dialect = only.services().homeserver().dialect;
        let so = |file: &str, fault: &Fault| {
            // Of a file that is named twice it is the fault that says what becomes of it.
            let counts_once = fault.code == FaultCode::DuplicateId && is_in_force(only, file);
            if counts_once { Vec::new() } else { vec![so(dialect)] }
        };
        let of =
            |(file, fault)| FaultOf { file, fault: Cow::Borrowed(fault), so: so(file, fault), homeservers: Vec::new() };
        return each(only).map(of).collect();
    }
    let mut all: Vec<(Same<'_>, FaultOf<'_>)> = Vec::new();
    for snapshot in snapshots {
        let dialect = snapshot.services().homeserver().dialect;
        for (file, fault) in each(snapshot) {
            let (message, consequence) = dialect.without_consequence(&fault.message);
            let so = consequence.map(|consequence| dialect.would(consequence));
            let same = (file, fault.code, fault.line, fault.column, unnamed(dialect, message));
            if let Some((_, known)) = all.iter_mut().find(|(known, _)| *known == same) {
                known.fault.to_mut().message.clone_from(&same.4);
                known.homeservers.push(dialect.name());
                known.so.extend(so);
            } else {
                let fault = Cow::Owned(Fault { message: message.to_owned(), ..fault.clone() });
                let homeservers = vec![dialect.name()];
                all.push((same, FaultOf { file, fault, so: so.into_iter().collect(), homeservers }));
            }
        }
    }
    all.into_iter().map(|(_, fault)| fault).collect()
}

fn each(snapshot: &Snapshot) -> impl Iterator<Item = (&str, &Fault)> {
    snapshot.files().iter().flat_map(|file| file.faults().iter().map(|fault| (file.file(), fault)))
}

fn is_in_force(snapshot: &Snapshot, file: &str) -> bool {
    snapshot.files().iter().any(|record| record.file() == file && record.registration().is_some())
}

/// What becomes of a file that does not load.
fn so(dialect: Dialect) -> String {
    match dialect.set().broken {
        Consequence::RefusesToStart => {
            format!("the file is not loaded, as {} would not start with it", dialect.homeserver())
        }
        // Of others the fault itself says what becomes of the file.
        _ => "the file is not loaded".to_owned(),
    }
}
