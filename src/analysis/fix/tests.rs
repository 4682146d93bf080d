use super::beginning::{beginning, longer_by};
use super::edit::{repaired, with_end, with_escaped_dots, with_server_spelled, without};
use crate::registration::slips_between;

const SERVER: &str = "example.com";

#[test]
fn a_regex_begins_with_what_must_be_there() {
    for (source, text, end) in [
        (r"@irc_.*:example\.com$", "@irc_", 5),
        (r"^@irc_.*", "@irc_", 6),
        (r"\A@irc\.net\_.*", "@irc.net_", 13),
        (r"@irc_bot:example\.com$", "@irc_bot:example.com", 21),
        ("@irc_*", "@irc", 4),
        ("@irc_{0,}", "@irc", 4),
        (r"\#irc_x?", "#irc_", 6),
        ("(?:@a|@b)", "", 0),
        (r"@\w+", "@", 1),
        ("", "", 0),
    ] {
        let found = beginning(source);
        assert_eq!((found.text.as_str(), found.end), (text, end), "{source}");
    }
}

#[test]
fn the_longer_beginning_ends_in_a_separator() {
    assert_eq!(longer_by("@irc_", "@irc_libera_").as_deref(), Some("libera_"));
    assert_eq!(longer_by("@_webhook", "@_webhooks_").as_deref(), Some("s_"));
    assert_eq!(longer_by("@irc_", "@irc_bot:example.com").as_deref(), Some("bot:"));
    for (wider, narrower) in [
        ("@irc", "@ircop"),
        ("@irc_", "@irc_"),
        ("@irc_", "@slack_"),
        ("@irc_libera_", "@irc_"),
        ("@sms_", "@sms_+"),
        ("@irc", "@irc_"),
    ] {
        assert_eq!(longer_by(wider, narrower), None, "{wider} {narrower}");
    }
    assert_eq!(without(r"^@irc_.*:example\.com$", 6, "net.x_"), r"^@irc_(?!net\.x_).*:example\.com$");
}

#[test]
fn an_end_is_this_server_s_name() {
    for (source, with) in [
        ("@irc_.*", Some(r"@irc_.*:example\.com$")),
        ("@irc_.*$", Some(r"@irc_.*:example\.com$")),
        ("@irc_", Some(r"@irc_.*:example\.com$")),
        ("@irc_.*:.*", Some(r"@irc_.*:example\.com$")),
        (r"@irc_.*:example\.com", Some(r"@irc_.*:example\.com$")),
        (r"@irc_.*:example\.com.*", Some(r"@irc_.*:example\.com$")),
        ("@irc_.*:example.com$", Some(r"@irc_.*:example\.com$")),
        (r"@irc_.*:example\.com$", None),
        (r"@irc_.*:example\.com:8448", None),
        (r"@irc_.*:(example\.com|example\.org)", None),
        ("@irc_[a-z]+$", None),
    ] {
        assert_eq!(with_end(source, SERVER).as_deref(), with, "{source}");
    }
    assert_eq!(with_escaped_dots("@a:example.com", SERVER).as_deref(), Some(r"@a:example\.com"));
    assert_eq!(with_escaped_dots(r"@a:example\.com", SERVER), None);
    assert_eq!(with_escaped_dots("@a.com", SERVER), None);
}

#[test]
fn what_claims_nothing_is_read_in_one_way() {
    let first = |source: &str| repaired(source, '@', SERVER).into_iter().next().map(|(with, _)| with);
    for (source, with) in [
        ("\"@irc_.*\"", Some("@irc_.*")),
        ("’@irc_.*’", Some("@irc_.*")),
        ("/@irc_.*/", Some("@irc_.*")),
        (" @irc_.*", Some("@irc_.*")),
        ("@^irc_.*", Some("@irc_.*")),
        ("irc_.*", Some("@irc_.*")),
        ("^irc_.*", Some("^@irc_.*")),
        ("#irc_.*", None),
        (r"@irc_.*:localhost", None),
    ] {
        assert_eq!(first(source).as_deref(), with, "{source}");
    }
    let spelled = |source: &str| with_server_spelled(source, SERVER, slips_between);
    assert_eq!(spelled(r"@irc_.*:exmaple\.com$").as_deref(), Some(r"@irc_.*:example\.com$"));
    assert_eq!(spelled(r"@irc_.*:matrix\.example\.com$"), None);
    assert_eq!(spelled("@irc_.*"), None);
}
