use std::str::FromStr;

use super::{Dialect, UnknownDialect};

/// Homeservers whose answers are held against each other, each once, in the order in which they were named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Several(Vec<Dialect>);

impl Several {
    /// What stands for every homeserver.
    pub const EVERY: &str = "all";

    /// Every homeserver. The specification is one of them, with its two readings: the second is none by itself.
    #[must_use]
    pub fn all() -> Self {
        let readings: Vec<Dialect> = Dialect::ALL.into_iter().filter_map(Dialect::other_reading).collect();
        Self(Dialect::ALL.into_iter().filter(|dialect| !readings.contains(dialect)).collect())
    }

    /// The homeservers; never none.
    #[must_use]
    pub fn dialects(&self) -> &[Dialect] {
        &self.0
    }
}

impl From<Dialect> for Several {
    fn from(dialect: Dialect) -> Self {
        Self(vec![dialect])
    }
}

impl FromStr for Several {
    type Err = UnknownDialect;

    /// Reads names with commas between them, or `all`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut dialects: Vec<Dialect> = Vec::new();
        for name in text.split(',').map(str::trim) {
            let named = if name == Self::EVERY { Self::all().0 } else { vec![name.parse()?] };
            for dialect in named {
                if !dialects.contains(&dialect) {
                    dialects.push(dialect);
                }
            }
        }
        Ok(Self(dialects))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<&'static str> {
        text.parse::<Several>().expect(text).dialects().iter().map(|dialect| dialect.name()).collect()
    }

    #[test]
    fn homeservers_are_named_one_by_one_or_all_at_once() {
        assert_eq!(names("tuwunel"), ["tuwunel"]);
        assert_eq!(names("tuwunel, synapse,tuwunel"), ["tuwunel", "synapse"]);
        let all = names("all");
        assert_eq!((all[0], all.len()), ("synapse", 8));
        assert!(all.contains(&"spec") && !all.contains(&"spec-anywhere"));
        assert_eq!(names("all,spec-anywhere").len(), 9);
        assert!("synapse,".parse::<Several>().is_err() && "".parse::<Several>().is_err());
    }
}
