//! Synapse joins the exclusive user regexes of all files into one pattern when it starts.

use python_re::Pattern;

pub(super) const CONSEQUENCE: &str = "Synapse would not start: it joins the exclusive user regexes of all files into one \
                                      pattern, and this one breaks it";

/// Whether a regex that compiles alone may not do so among others: flags, group names, references by number. What only groups,
/// or looks around, does not ask what others there are.
pub(super) fn depends_on_others(regex: &str) -> bool {
    let mut extensions = regex.match_indices("(?").map(|(at, opened)| &regex[at + opened.len()..]);
    let asks = |extension: &str| ![":", "=", "!", ">", "<=", "<!"].iter().any(|plain| extension.starts_with(plain));
    extensions.any(asks) || regex.as_bytes().windows(2).any(|pair| pair[0] == b'\\' && pair[1].is_ascii_digit())
}

/// As many as the largest number in it. A reference by number breaks the whole if the group of that number is still open, which
/// those are around the regex itself; each regex before it is a group at least. Behind so many groups any that it can name is
/// closed, and how many more there are does not matter.
pub(super) fn reach(regex: &str) -> usize {
    let numbers = regex.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
    numbers.map(|digits| digits.parse().unwrap_or(usize::MAX)).max().unwrap_or(0)
}

/// Each in a group, as alternatives.
pub(super) fn compile(regexes: &[&str]) -> Result<(), String> {
    let length = regexes.iter().map(|regex| regex.len() + 3).sum();
    let mut pattern = String::with_capacity(length);
    for (at, regex) in regexes.iter().enumerate() {
        if at > 0 {
            pattern.push('|');
        }
        pattern.push('(');
        pattern.push_str(regex);
        pattern.push(')');
    }
    Pattern::check(&pattern).map_err(|error| error.kind.to_string())
}

#[cfg(test)]
mod tests {
    use crate::homeserver::Dialect;

    #[test]
    fn the_first_that_breaks_the_whole_is_found() {
        let join = Dialect::default().join().expect("Synapse joins");
        let broken = |regexes: &[&str]| join.broken(regexes).map(|broken| broken.at);
        assert_eq!(broken(&[]), None);
        assert_eq!(broken(&["@a.*", "@b.*", r"(?P<x>@c)"]), None);
        assert_eq!(broken(&["@a.*", "(?i)@b", "@c"]), Some(1));
        assert_eq!(broken(&[r"(?P<x>@c)", "@a", r"(?P<x>@d)", "@e"]), Some(2));
    }

    /// Whether all can be joined is the same of those that decide as of all.
    #[test]
    fn those_that_decide_decide_as_all_do() {
        let join = Dialect::default().join().expect("Synapse joins");
        let shapes = [
            "@a.*",
            "@(b|c)(d)",
            "(?:@e)",
            "@f(?!x)(?=y).(?<=z)(?<!w)",
            r"@g(\d)\1",
            r"@(h)(i)\2",
            r"@(j)(k)(l)(m)\4",
            "(?P<x>@n)",
            "(?P<y>@o)(?P=y)",
            "(?P<x>@p)",
            "(?i:@q)",
            "(?(1)@r|@s)",
            "(@t)(?(1)u|v)",
            "(?>@w)",
            "@x{3}",
        ];
        let shapes: Vec<&str> = shapes.into_iter().filter(|regex| python_re::Pattern::check(regex).is_ok()).collect();
        assert!(shapes.len() > 12);
        let (mut broken, mut seed) = (0, 1_u64);
        for _ in 0..20_000 {
            let mut next = || {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                usize::try_from(seed >> 33).expect("31 bits")
            };
            let count = next() % 7;
            let regexes: Vec<&str> = (0..count).map(|_| shapes[next() % shapes.len()]).collect();
            let deciding = join.deciding(&regexes);
            let alone: Vec<&str> = deciding.iter().map(|&at| regexes[at]).collect();
            let found = join.broken(&alone).map(|one| deciding[one.at]);
            assert_eq!(found, join.broken(&regexes).map(|one| one.at), "{regexes:?}");
            broken += usize::from(found.is_some());
        }
        assert!(broken > 1_000, "{broken}");
    }
}
