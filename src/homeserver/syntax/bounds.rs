use std::collections::HashMap;

use super::RegexError;

/// Regexes with more escapes for large classes than this are refused without being read: each takes five to ten kilobytes as soon
/// as it is read, which neither Go nor regex-syntax bounds below a hundred megabytes, and a registration has room for five
/// million of them. Ten thousand are a hundred times as many as fit the ten megabytes of a set of Rust's; Go would take them, and
/// twice as many again.
const MAX_CLASSES: usize = 10_000;

/// So many code points are looked up for other cases in the regexes of a file. A file of 400 times `[[^a]b]`, 446 million of them, took
/// 15.4 s (35 ns each, since a file's regexes are read several times), so that this is 0.6 s, and 3 s for the five that are written
/// in Rust. It is a class of all characters 15 times, or `\w` in brackets 117 times; outside of brackets `\w` costs none.
const MAX_WORK: u64 = 16 << 20;

/// What may still be read of a file: with its regexes it grows less.
pub(super) struct Budget<'r> {
    classes: usize,
    work: u64,
    /// What each costs: aliases may repeat one thousands of times.
    known: HashMap<&'r str, (usize, u64)>,
}

impl<'r> Budget<'r> {
    pub(super) fn new() -> Self {
        Self { classes: MAX_CLASSES, work: MAX_WORK, known: HashMap::new() }
    }

    /// Takes what it costs to read a regex, or says that this is too much.
    pub(super) fn spend(&mut self, regex: &'r str, work: impl FnOnce(&str) -> u64) -> Result<(), RegexError> {
        let classes = self.known.get(regex).map_or_else(|| classes(regex), |known| known.0);
        self.classes = self
            .classes
            .checked_sub(classes)
            .ok_or_else(|| RegexError::new("the regex holds more large classes than are read here"))?;
        let work = self.known.entry(regex).or_insert_with(|| (classes, work(regex))).1;
        self.work = self.work.checked_sub(work).ok_or_else(|| {
            RegexError::new(
                "its classes hold more characters than are looked up here for capitals: a limit of bailiwick; write smaller \
                 classes, such as `[a-z0-9._=-]`, or leave out `(?i)`",
            )
        })?;
        Ok(())
    }
}

/// Whether one regex can be read in moderate memory, and in moderate time.
pub(super) fn check(regexes: &[&str], work: impl Fn(&str) -> u64) -> Result<(), RegexError> {
    let mut budget = Budget::new();
    regexes.iter().try_for_each(|regex| budget.spend(regex, &work))
}

fn classes(regex: &str) -> usize {
    regex.as_bytes().windows(2).filter(|pair| matches!(pair, [b'\\', b'p' | b'P' | b'w' | b'W'])).count()
}
