//! Synapse joins the exclusive user regexes of all files into one pattern when it starts.

use python_re::Pattern;

pub(super) const CONSEQUENCE: &str = "Synapse would not start: it joins the exclusive user regexes of all files into one \
                                      pattern, and this one breaks it";

/// Whether a regex that compiles alone may not do so among others: flags, group names, references by number.
pub(super) fn depends_on_others(regex: &str) -> bool {
    regex.contains("(?") || regex.as_bytes().windows(2).any(|pair| pair[0] == b'\\' && pair[1].is_ascii_digit())
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
}
