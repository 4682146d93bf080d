//! Homeservers as they are named on the command line: which a shell may complete, and which one was meant.

use clap::builder::TypedValueParser;

use super::completed::Completed;
use crate::homeserver::{Dialect, Several, UnknownDialect};
use crate::registration::nearest;

/// Reads the name of one.
pub(super) fn one() -> impl TypedValueParser<Value = Dialect> {
    Completed::new(read_one, names())
}

/// Reads names with commas between them, or `all`.
pub(super) fn several() -> impl TypedValueParser<Value = Several> {
    Completed::new(read_several, names().chain([Several::EVERY]))
}

fn names() -> impl Iterator<Item = &'static str> {
    Dialect::ALL.into_iter().map(Dialect::name)
}

fn read_one(text: &str) -> Result<Dialect, String> {
    text.parse().map_err(|error| meant(&error, names()).unwrap_or_else(|| error.to_string()))
}

fn read_several(text: &str) -> Result<Several, String> {
    let or_all = |error: &UnknownDialect| format!("{error}, or `{}`", Several::EVERY);
    text.parse().map_err(|error| meant(&error, names().chain([Several::EVERY])).unwrap_or_else(|| or_all(&error)))
}

/// That a name is none, with the one that was meant, if it is near one.
fn meant(unknown: &UnknownDialect, known: impl Iterator<Item = &'static str>) -> Option<String> {
    let name = unknown.name();
    let meant = nearest(name, &known.collect::<Vec<_>>())?;
    Some(format!("`{name}` is no homeserver that is known here: did you mean `{meant}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_none_leads_to_the_one_that_was_meant_or_to_all() {
        assert_eq!(read_one("palpo-421").map(Dialect::name), Ok("palpo-421"));
        assert!(read_one("Synaps").expect_err("none").ends_with("here: did you mean `synapse`?"));
        assert!(read_one("all").expect_err("not one").contains("known are `synapse`, "));
        assert!(read_several("synapse,continuwity").expect_err("none").ends_with("did you mean `continuwuity`?"));
        let listed = read_several("construct").expect_err("none");
        assert!(listed.contains("`tuwunel`") && listed.ends_with(", or `all`"), "{listed}");
    }
}
