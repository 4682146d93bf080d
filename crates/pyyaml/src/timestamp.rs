//! Dates and times.

/// The parts of a scalar that has the form of a timestamp.
#[derive(Debug, Default)]
struct Parts<'a> {
    year: &'a str,
    month: &'a str,
    day: &'a str,
    time: Option<Time<'a>>,
}

#[derive(Debug)]
struct Time<'a> {
    hour: &'a str,
    minute: &'a str,
    second: &'a str,
    zone: Option<Zone<'a>>,
}

/// Hours and minutes from UTC, without the sign.
#[derive(Debug)]
struct Zone<'a> {
    hours: &'a str,
    minutes: &'a str,
}

/// Takes between `least` and `most` digits.
fn digits<'a>(rest: &mut &'a str, least: usize, most: usize) -> Option<&'a str> {
    let count = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if count < least {
        return None;
    }
    let (taken, left) = rest.split_at(count);
    *rest = left;
    Some(taken)
}

fn take(rest: &mut &str, c: char) -> Option<()> {
    *rest = rest.strip_prefix(c)?;
    Some(())
}

fn split(value: &str) -> Option<Parts<'_>> {
    let mut rest = value;
    let year = digits(&mut rest, 4, 4)?;
    take(&mut rest, '-')?;
    let month = digits(&mut rest, 1, 2)?;
    take(&mut rest, '-')?;
    let day = digits(&mut rest, 1, 2)?;
    let time = if rest.is_empty() { None } else { Some(split_time(rest)?) };
    Some(Parts { year, month, day, time })
}

fn split_time(value: &str) -> Option<Time<'_>> {
    let trimmed = value.trim_start_matches([' ', '\t']);
    let mut rest = if trimmed.len() < value.len() { trimmed } else { value.strip_prefix(['T', 't'])? };
    let hour = digits(&mut rest, 1, 2)?;
    take(&mut rest, ':')?;
    let minute = digits(&mut rest, 2, 2)?;
    take(&mut rest, ':')?;
    let second = digits(&mut rest, 2, 2)?;
    if take(&mut rest, '.').is_some() {
        digits(&mut rest, 0, usize::MAX)?;
    }
    let zone = if rest.is_empty() { None } else { Some(split_zone(rest.trim_start_matches([' ', '\t']))?) };
    Some(Time { hour, minute, second, zone })
}

fn split_zone(value: &str) -> Option<Zone<'_>> {
    if value == "Z" {
        return Some(Zone { hours: "0", minutes: "0" });
    }
    let mut rest = value.strip_prefix(['-', '+'])?;
    let hours = digits(&mut rest, 1, 2)?;
    let minutes = if take(&mut rest, ':').is_some() { digits(&mut rest, 2, 2)? } else { "0" };
    rest.is_empty().then_some(Zone { hours, minutes })
}

/// Whether a plain scalar is a timestamp to YAML 1.1. A bare date needs two digits for month and day.
pub(super) fn looks_like(value: &str) -> bool {
    split(value).is_some_and(|parts| parts.time.is_some() || value.len() == "2020-01-01".len())
}

/// Whether `construct_yaml_timestamp` makes a `date` or `datetime` of a scalar, or raises.
pub(super) fn is_valid(value: &str) -> bool {
    let Some(parts) = split(value.strip_suffix('\n').unwrap_or(value)) else { return false };
    let number = |digits: &str| digits.parse::<u32>().unwrap_or(u32::MAX);
    let (year, month, day) = (number(parts.year), number(parts.month), number(parts.day));
    let date = year >= 1 && (1..=12).contains(&month) && (1..=days_of(month, year)).contains(&day);
    let time = parts.time.is_none_or(|time| {
        let zone = time.zone.is_none_or(|zone| number(zone.hours) * 60 + number(zone.minutes) < 24 * 60);
        number(time.hour) < 24 && number(time.minute) < 60 && number(time.second) < 60 && zone
    });
    date && time
}

const fn days_of(month: u32, year: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}
