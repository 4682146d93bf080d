//! Values that are read by a function, and that a shell can complete.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Arg, Command, Error};

/// Reads a value in its own way, of which clap knows for completions what it may be. Where the sentence about a wrong value lists
/// them, an option hides them in its help.
#[derive(Clone)]
pub(super) struct Completed<P> {
    read: P,
    values: Vec<&'static str>,
}

impl<P> Completed<P> {
    pub(super) fn new(read: P, values: impl IntoIterator<Item = &'static str>) -> Self {
        Self { read, values: values.into_iter().collect() }
    }
}

impl<P: TypedValueParser> TypedValueParser for Completed<P> {
    type Value = P::Value;

    fn parse_ref(&self, command: &Command, argument: Option<&Arg>, value: &OsStr) -> Result<Self::Value, Error> {
        self.read.parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.values.iter().copied().map(PossibleValue::new)))
    }
}
