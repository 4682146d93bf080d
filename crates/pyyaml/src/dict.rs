//! Which keys of a mapping are one key to Python.
//!
//! A `dict` holds the first of equal keys, with the value of the last. `1`, `1.0` and `true` are equal, and so are two
//! `.nan`: PyYAML has one object for all of them, and a `dict` looks at that before it asks whether they are equal.

use std::collections::HashMap;

use crate::{Document, NodeId, Value};

/// A key by what it is equal to.
#[derive(PartialEq, Eq, Hash)]
enum Key<'g> {
    None,
    Integer(i128),
    /// A number that is no integer, by its bits.
    Float(u64),
    Nan,
    Str(&'g str, &'g [(usize, u16)]),
    /// What is told apart as it is written: dates, and bytes, of which one value may be written in several ways.
    Written(&'g str),
    /// What is equal to itself alone.
    Node(NodeId),
}

impl Document<'_> {
    /// The pairs of a mapping as a `dict` of Python holds them: of equal keys the first, with the last one's value.
    ///
    /// Dates and times are told apart as they are written, `!!binary` by its node, and numbers beyond 128 bits likewise.
    #[must_use]
    pub fn entries(&self, pairs: &[(NodeId, NodeId)]) -> Vec<(NodeId, NodeId)> {
        let mut entries: Vec<(NodeId, NodeId)> = Vec::with_capacity(pairs.len());
        let mut known = HashMap::with_capacity(pairs.len());
        for &(key, value) in pairs {
            match known.entry(self.key(key)) {
                std::collections::hash_map::Entry::Occupied(at) => {
                    let at: usize = *at.get();
                    entries[at].1 = value;
                }
                std::collections::hash_map::Entry::Vacant(free) => {
                    free.insert(entries.len());
                    entries.push((key, value));
                }
            }
        }
        entries
    }

    fn key(&self, id: NodeId) -> Key<'_> {
        match self.value(id) {
            Value::Null => Key::None,
            Value::Bool(value) => Key::Integer(i128::from(value)),
            Value::Int(number) => number.small().map_or(Key::Node(id), Key::Integer),
            Value::Float(number) => float(number),
            Value::Str(text) => Key::Str(&text.chars, &text.surrogates),
            Value::Timestamp(text) => Key::Written(text),
            _ => Key::Node(id),
        }
    }
}

fn float<'g>(number: f64) -> Key<'g> {
    // Below 2^127 the conversion of a whole number is exact.
    let limit = 2_f64.powi(127);
    if number.is_nan() {
        return Key::Nan;
    }
    #[expect(clippy::cast_possible_truncation, reason = "it is whole, and within the limits")]
    if number.fract() == 0.0 && number.abs() < limit {
        Key::Integer(number as i128)
    } else {
        Key::Float(number.to_bits())
    }
}
