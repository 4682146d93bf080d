use std::time::Duration;

use clap::Args;

use super::{Database, Failure};
use crate::cli::{ERRORS, OK, tell};
use crate::store;
use crate::telemetry::Visible;

/// A century: whoever gives more has mistaken the unit.
const MAX_DAYS: u64 = 36_500;

/// What to purge.
#[derive(Debug, Args)]
pub(super) struct Purge {
    /// What has not been in force for so long, such as `90d`; `12h` and `0` are times, too.
    #[arg(long, value_name = "TIME", value_parser = time)]
    older_than: Duration,

    #[command(flatten)]
    database: Database,
}

impl Purge {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let address = self.database.address()?;
        let purged = store::purge(&address, self.older_than)?;
        println!(
            "{} changes and the rows of {} removed registrations were purged; nobody can go back further than to revision {}",
            purged.changes, purged.removals, purged.up_to
        );
        for id in &purged.by_hand {
            tell(&format!(
                "`{}` is not what its history says: somebody has written to the tables by hand",
                Visible(id)
            ));
        }
        if purged.by_hand.is_empty() {
            return Ok(OK);
        }
        tell(
            "what was changed after that revision is not purged before they are put again by bailiwick, to be removed if that is meant",
        );
        Ok(ERRORS)
    }
}

/// A time such as `90d`, `12h` or `0`.
fn time(text: &str) -> Result<Duration, String> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let seconds = match unit {
        "d" => 24 * 3_600,
        "h" => 3_600,
        "m" => 60,
        "s" => 1,
        "" if number.parse() == Ok(0) => 1,
        _ => return Err("expected a time such as 90d, 12h or 0".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "expected a time such as 90d, 12h or 0".to_owned())?;
    let time = number.checked_mul(seconds).filter(|time| *time <= MAX_DAYS * 24 * 3_600).map(Duration::from_secs);
    time.ok_or_else(|| format!("expected a time of at most {MAX_DAYS} days"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit() {
        for (text, hours) in [("90d", 90 * 24), ("12h", 12), ("120m", 2), ("3600s", 1), ("0", 0), ("0d", 0)] {
            assert_eq!(time(text), Ok(Duration::from_secs(hours * 3_600)), "{text}");
        }
        // A number alone would be taken for days by one and for seconds by another.
        for text in ["", "d", "90", "1w", "-1d", "1.5d", "40000d", "99999999999999999999d", "18446744073709551615d"] {
            assert!(time(text).is_err(), "{text}");
        }
    }
}
