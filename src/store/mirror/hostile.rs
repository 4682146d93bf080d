//! Whatever a database says of its rows: what it cannot be is not taken over, and of what can be nothing is lost.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::super::lately::Lately;
use super::reads::{Read, Reads};
use super::{Changed, Mirror, Revision, contradiction, id_of, name_of};
use crate::store::StoreError;

/// An answer: whether it is said to be all that there is, which of what is known is said to be forgotten, and its rows.
type Answer = (bool, Option<Index>, Vec<Row>);

/// A row as a database says it.
#[derive(Clone, Debug)]
struct Row {
    name: Arc<str>,
    place: i64,
    revision: i64,
    removed: bool,
    source: Option<Vec<u8>>,
}

fn reads(rows: &[Row]) -> Reads {
    let read = rows.iter().map(|row| {
        let Row { name, place, revision, removed, source } = row;
        let id = id_of(name).expect("the name of a row");
        Read { id, place: *place, revision: *revision, removed: *removed, source: source.as_deref() }
    });
    read.collect()
}

/// Few ids and places, so that they come again, and the ends of what can be said.
fn row() -> impl Strategy<Value = Row> {
    let id = prop_oneof![8 => "[a-f]", 1 => Just(String::new()), 1 => "store:[a-f]", 1 => "\\PC{0,8}"];
    let number = || prop_oneof![8 => -1..9_i64, 1 => Just(i64::MIN), 1 => Just(i64::MAX)];
    let source = prop_oneof![8 => vec(any::<u8>(), 0..4).prop_map(Some), 1 => Just(None)];
    (id, number(), number(), prop::bool::weighted(0.2), source).prop_map(|(id, place, revision, removed, source)| Row {
        name: name_of(&id),
        place,
        revision,
        removed,
        source,
    })
}

/// Mostly in the order that was asked for, since else it is not taken over, and nothing is seen.
fn answer() -> impl Strategy<Value = Answer> {
    let rows = (vec(row(), 0..6), prop::bool::weighted(0.9)).prop_map(|(mut rows, sorts)| {
        if sorts {
            rows.sort_by_key(|row| row.place);
        }
        rows
    });
    (prop::bool::weighted(0.2), prop::option::weighted(0.1, any::<Index>()), rows)
}

/// What is there by the answers alone: the places and revisions of rows, by their names.
type There = HashMap<Arc<str>, (i64, i64)>;

fn after(there: &There, (are_all, _, rows): &Answer) -> There {
    let mut after = if *are_all { There::new() } else { there.clone() };
    for row in rows {
        if row.removed {
            after.remove(&row.name);
        } else {
            after.insert(Arc::clone(&row.name), (row.place, row.revision));
        }
    }
    after
}

fn listed(mirror: &Mirror) -> Vec<(Arc<str>, i64, i64)> {
    mirror.rows.values().map(|row| (name_of(row.id), row.place, row.revision)).collect()
}

/// By place, if no two have one and no two rows are of one name.
fn in_order(there: &There, rows: &[Row]) -> Option<Vec<(Arc<str>, i64, i64)>> {
    let places: BTreeMap<i64, (&Arc<str>, i64)> =
        there.iter().map(|(name, (place, revision))| (*place, (name, *revision))).collect();
    let names: HashSet<&str> = rows.iter().map(|row| &*row.name).collect();
    let listed = rows.iter().filter(|row| !row.removed);
    let are_sorted = listed.is_sorted_by(|one, next| one.place < next.place);
    let can_be = are_sorted && names.len() == rows.len() && places.len() == there.len();
    can_be.then(|| places.into_iter().map(|(place, (name, revision))| (Arc::clone(name), place, revision)).collect())
}

proptest! {
    /// Answer by answer: it is taken over if and only if it can be, and then what is listed is what is there, in load order.
    #[test]
    fn what_can_be_is_taken_over_and_nothing_else(answers in vec(answer(), 1..12)) {
        let at = |number: usize| Revision::of("store", i64::try_from(number).expect("few"), &number.to_string());
        let (mut mirror, mut there): (Option<Mirror>, There) = Default::default();
        let mut removed: HashSet<Arc<str>> = HashSet::new();
        for (number, answer) in answers.into_iter().enumerate() {
            let after = after(&there, &answer);
            let expected = in_order(&after, &answer.2);
            let (are_all, forgotten, rows) = answer;
            let is_one = contradiction::check(mirror.as_ref().filter(|_| !are_all), &reads(&rows));
            let Some(expected) = expected else {
                prop_assert!(matches!(is_one, Err(StoreError::Contradiction(_))));
                continue;
            };
            prop_assert!(is_one.is_ok(), "{:?}", is_one);
            // What is forgotten is known and not there, as it is asked for.
            let gone: Vec<Arc<str>> = there.keys().filter(|name| are_all && !after.contains_key(*name)).cloned().collect();
            let forgotten: HashSet<Arc<str>> =
                forgotten.filter(|_| !gone.is_empty()).map(|index| Arc::clone(index.get(&gone))).into_iter().collect();
            removed.extend(forgotten.iter().cloned());
            removed.extend(rows.iter().filter(|row| row.removed).map(|row| Arc::clone(&row.name)));
            removed.retain(|name| !after.contains_key(name));
            let said: HashMap<Arc<str>, Vec<u8>> = (rows.iter().filter(|row| !row.removed))
                .filter_map(|row| Some((Arc::clone(&row.name), row.source.clone()?)))
                .collect();
            let changed = Changed { at: at(number), rows: reads(&rows), are_all, forgotten, purged: 0 };
            let lately = mirror.as_ref().map(|mirror| (Lately::nothing_since(mirror).and(mirror, &changed), listed(mirror)));

            let (now, sources) = Mirror::after(mirror.take(), changed);
            prop_assert_eq!(listed(&now), expected);
            prop_assert_eq!(&*now.removed, &removed);
            prop_assert!(now.rows.values().all(|row| !now.removed.contains(&name_of(row.id))), "what was removed is not in force");
            for (name, (place, revision)) in &after {
                prop_assert_eq!(now.rows.find(id_of(name).expect("the name of a row")).map(|(_, row)| (row.place, row.revision)), Some((*place, *revision)));
            }
            let is_of = |(id, (revision, _)): (&Arc<str>, &(i64, _))| after.get(&name_of(id)).is_some_and(|row| row.1 == *revision);
            prop_assert!(sources.iter().all(is_of), "what is said is what made it so");
            let sources: HashMap<Arc<str>, Vec<u8>> =
                sources.into_iter().map(|(id, (_, source))| (name_of(&id), source.to_vec())).collect();
            prop_assert_eq!(sources, said);
            // And if only that is told, it is the same.
            if let Some((Some(lately), mut before)) = lately {
                for at in lately.gone().collect::<Vec<_>>().into_iter().rev() {
                    before.remove(at);
                }
                let mut put: Vec<_> = lately.put().iter().filter_map(|id| now.rows.find(id)).collect();
                put.sort_unstable_by_key(|(at, _)| *at);
                for (at, row) in put {
                    let row = (name_of(row.id), row.place, row.revision);
                    if at == before.len() { before.push(row) } else { before[at] = row }
                }
                prop_assert_eq!(before, listed(&now));
            }
            (mirror, there) = (Some(now), after);
        }
    }

    /// Also where nobody has looked whether it can be.
    #[test]
    fn whatever_is_taken_over_is_in_load_order(answers in vec(answer(), 1..12)) {
        let mut mirror = None;
        for (number, (are_all, _, rows)) in (0..).zip(answers) {
            let at = Revision::of("store", number, "mark");
            let changed = Changed { at, rows: reads(&rows), are_all, forgotten: HashSet::new(), purged: 0 };
            let (now, _) = Mirror::after(mirror.take(), changed);
            let places: Vec<i64> = now.rows.values().map(|row| row.place).collect();
            prop_assert!(places.is_sorted_by(|one, next| one < next), "{places:?}");
            mirror = Some(now);
        }
    }
}
