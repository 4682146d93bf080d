use std::sync::LazyLock;

/// Which commit this was built from, and when, as whoever built it has said: a build needs neither git nor a clock.
const COMMIT: Option<&str> = option_env!("BAILIWICK_COMMIT");
const DATE: Option<&str> = option_env!("BAILIWICK_DATE");

static VERSION: LazyLock<String> = LazyLock::new(|| shown(COMMIT, DATE));

/// The version, with commit and date where they are known.
pub(super) fn version() -> &'static str {
    &VERSION
}

fn shown(commit: Option<&str>, date: Option<&str>) -> String {
    let known: Vec<&str> = [commit, date].into_iter().flatten().filter(|text| !text.is_empty()).collect();
    let version = env!("CARGO_PKG_VERSION");
    if known.is_empty() { version.to_owned() } else { format!("{version} ({})", known.join(" ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_not_said() {
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(shown(None, Some("")), version);
        assert_eq!(shown(Some("1e575ab"), None), format!("{version} (1e575ab)"));
        assert_eq!(shown(Some("1e575ab"), Some("2026-11-26")), format!("{version} (1e575ab 2026-11-26)"));
    }
}
