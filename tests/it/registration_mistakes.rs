//! What people give a homeserver in the place of a registration, or nearly one: each is named as what it is, and a way out
//! makes nothing worse.

use std::sync::Arc;

use bailiwick::matrix::Kind;
use bailiwick::registration::{self, Fault, FaultCode, TokenHasher, WarningCode};

const GOOD: &str = "id: irc\nurl: http://localhost:9999\nas_token: made-up-as-token-0123456789abcdef\n\
                    hs_token: made-up-hs-token-0123456789abcdef\nsender_localpart: ircbot\nnamespaces:\n  users:\n  \
                    - exclusive: true\n    regex: '@irc_.*'\n";

/// What comes of a file: the warnings about it, or its faults.
fn load(file: impl AsRef<[u8]>) -> Result<Vec<(WarningCode, String)>, Vec<Fault>> {
    let loaded = registration::load(&Arc::from("a.yaml"), file.as_ref(), &TokenHasher::new());
    let warnings = loaded.map(|loaded| {
        loaded.warnings().iter().map(|warning| (warning.code, warning.message.to_string())).collect::<Vec<_>>()
    });
    let messages: Vec<&str> = match &warnings {
        Ok(warnings) => warnings.iter().map(|(_, message)| &**message).collect(),
        Err(faults) => faults.iter().map(|fault| &*fault.message).collect(),
    };
    for message in messages {
        assert!(!message.contains("made-up-"), "a token is shown: {message}");
    }
    warnings
}

/// The registration with something in front of each line.
fn each_line_behind(mark: &str) -> String {
    GOOD.lines().flat_map(|line| [mark, line, "\n"]).collect()
}

/// The registration, further in.
fn indented() -> String {
    each_line_behind("  ")
}

fn bytes_of_other_files() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let utf16 = |mark: &[u8]| [mark, &GOOD.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()].concat();
    vec![
        ("UTF-16", utf16(b"\xFF\xFE"), "written in UTF-16, and Synapse reads UTF-8"),
        ("UTF-16 without a mark", utf16(b""), "written in UTF-16 without a byte order mark"),
        (
            "Latin-1",
            b"# Br\xFCcke\nid: irc\n".to_vec(),
            "the byte 0xFC would be `ü` in Latin-1: save the registration as UTF-8",
        ),
        ("gzip", b"\x1F\x8B\x08\0abc".to_vec(), "a compressed file"),
        ("zip", b"PK\x03\x04\x14\0abc".to_vec(), "an archive"),
        ("age", b"age-encryption.org/v1\n-> X25519 abc\n\x80".to_vec(), "age has encrypted"),
        ("git-crypt", b"\0GITCRYPT\0abc".to_vec(), "git-crypt unlock"),
    ]
}

fn other_files() -> Vec<(&'static str, String, &'static str)> {
    let list = format!("- {}", indented().trim_start());
    [
        (
            "a bridge's configuration",
            "homeserver:\n  address: http://localhost:8008\n  domain: example.com\nappservice:\n  id: whatsapp\n  as_token: \
             made-up-as-token\n  hs_token: made-up-hs-token\nbridge:\n  username_template: whatsapp_{{.}}\n",
            "a bridge's own configuration, not its registration",
        ),
        ("another's", "bridge:\n  domain: example.com\n  port: 9993\npassFile: x\nlisteners: []\n", "a bridge's own"),
        ("one for IRC", "homeserver:\n  url: http://x\nircService:\n  servers: {}\n", "a bridge's own"),
        ("a homeserver's", "server_name: example.com\nlisteners: []\nreport_stats: no\n", "a homeserver's configuration"),
        ("Dendrite's", "version: 2\nglobal:\n  server_name: x\napp_service_api:\n  config_files: []\n", "Dendrite's"),
        ("TOML", "[global]\nserver_name = \"example.com\"\nport = 6167\n", "this is TOML or the like"),
        ("INI", "[appservice]\nid=irc\nas_token=made-up-as-token\n", "this is TOML or the like"),
        ("a short INI", "[appservice]\nid = irc\n", "this is TOML or the like"),
        ("two keys", "appservices:\n  irc:\n    id: irc\n    as_token: made-up-as-token\n", "below `appservices:` and there below `irc:`"),
        ("two of them", "x:\n  a:\n    id: a\n    hs_token: x\n  b:\n    id: b\n    hs_token: y\n", "holds several registrations"),
        ("variables", "AS_TOKEN=made-up-as-token\nHS_TOKEN=made-up-hs-token\n", "a list of variables"),
        ("a Secret", "apiVersion: v1\nkind: Secret\nstringData:\n  registration.yaml: |\n    id: irc\n", "a manifest of Kubernetes"),
        ("manifests", "apiVersion: v1\nkind: Secret\n---\napiVersion: v1\nkind: Service\n", "a manifest of Kubernetes"),
        ("values", "image:\n  tag: latest\nservice:\n  port: 80\nid: irc\n", "the values of a Helm chart"),
        ("a chart", "apiVersion: v2\nname: irc\nversion: 0.1.0\n", "a Helm chart's description"),
        ("Compose", "services:\n  irc:\n    image: irc\n", "a Compose file"),
        ("a playbook", "- hosts: all\n  tasks: []\n", "an Ansible playbook"),
        ("sops", "id: ENC[AES256_GCM,data:x]\nsops:\n  mac: ENC[x]\n", "still encrypted by sops"),
        ("Ansible Vault", "$ANSIBLE_VAULT;1.1;AES256\n6231\n", "still encrypted by Ansible Vault"),
        ("age's armour", "-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n", "still encrypted by age"),
        ("a page", "<!DOCTYPE html>\n<html></html>\n", "a web page"),
        ("an answer", "404: Not Found", "\"404: Not Found\""),
        ("a path", "../registrations/irc.yaml", "nothing but a path"),
        ("a script", "#!/bin/sh\necho\n", "a script"),
        ("base64", "aWQ6IGlyYwp1cmw6IGh0dHA6Ly9sb2NhbGhvc3Q6OTk5OQo=\n", "looks like base64"),
        ("a logging configuration", "version: 1\nformatters: {}\nroot: {}\n", "nothing in this file is a registration's"),
        ("a list", &list, "the registration is an entry of a list: remove the `- `"),
        ("two in a list", &format!("{list}{list}"), "this is a list of registrations"),
        ("below a key", &format!("irc:\n{}", indented()), "stands below `irc:`"),
        ("below two keys", &format!("irc:\n{0}slack:\n{0}", indented()), "several registrations"),
        ("a list below a key", &format!("appservices:\n{list}"), "this is a list of registrations"),
        ("all of TOML", &GOOD.lines().take(5).map(|line| line.replace(": ", " = \"") + "\"\n").collect::<String>(), "TOML or the like"),
        ("nothing but a mark", "---\n", "write id, url, as_token, … into it"),
        ("cut short", "id: [", "the file is cut short, or something is missing at its end"),
        ("cut short in a list", "id: [a", "the file is cut short, or ']' is missing at its end"),
        ("in quotes", &format!("'{}'", GOOD.replace('\'', "''")), "the whole registration stands in quotes"),
        ("a patch", &each_line_behind("+"), "this is a patch"),
        ("git LFS", "version https://git-lfs.github.com/spec/v1\noid sha256:0a1b\nsize 412\n", "`git lfs pull`"),
        ("two documents", &format!("{GOOD}---\n{GOOD}"), "a file holds one registration"),
        ("a merge", &format!("<<<<<<< HEAD\n{GOOD}=======\n{GOOD}>>>>>>> x\n"), "git could not merge"),
        ("Jinja", &format!("{{% if x %}}\n{GOOD}{{% endif %}}\n"), "a template that has not been rendered: `{% … %}` in line 1"),
        ("gomplate", &GOOD.replace("irc\n", "{{ .Env.ID }}\n"), "a template that has not been rendered: `{{ … }}` in line 1"),
        ("a loop", &GOOD.replace("  - ", "{% for p in x %}\n  - "), "not been rendered: `{% … %}` in line 8"),
        ("comments", "# id: irc\n", "the file is empty, or holds comments alone"),
    ]
    .into_iter()
    .map(|(name, file, what)| (name, file.to_owned(), what))
    .collect()
}

#[test]
fn what_is_no_registration_is_named_as_what_it_is_in_one_fault() {
    let texts = other_files().into_iter().map(|(name, file, what)| (name, file.into_bytes(), what));
    for (name, file, what) in texts.chain(bytes_of_other_files()) {
        let faults = load(&file).expect_err(name);
        assert!(faults.len() == 1 && faults[0].message.contains(what), "{name}: {faults:?}");
    }
}

#[test]
fn what_synapse_takes_and_nobody_means_is_warned_of() {
    let with = |from: &str, to: &str| {
        assert!(GOOD.contains(from), "{from}");
        GOOD.replace(from, to)
    };
    let plus = |more: &str| format!("{GOOD}{more}\n");
    let key = WarningCode::UnknownKey;
    let placeholder = WarningCode::Placeholder;
    for (file, code, what) in [
        (with("users:", "user:"), key, "`user` below `namespaces` and passes over what it holds: write `users`"),
        (with("users:", "Users:"), key, "write `users`"),
        (with("users:", "groups:"), key, "it knows `users`, `aliases` and `rooms` there"),
        (with("  users:\n", "  users: []\nusers:\n"), key, "`users` at the top level: move it below `namespaces:`"),
        (with("  users:\n", "  users: []\nuser:\n"), key, "move it below `namespaces:`, as `users:`"),
        (with("namespaces:", "namespaces: {}\nnames:"), key, "entries stand below `namespaces:`"),
        (with("  users:", "  rate_limited: false\n  users:"), key, "move it to the top level"),
        (with("    regex", "    rate_limited: false\n    regex"), key, "an entry of `namespaces.users`"),
        (plus("ratelimited: false"), key, "did you mean `rate_limited`?"),
        (plus("rateLimited: false"), key, "did you mean `rate_limited`?"),
        (plus("sender_local_part: x"), key, "`sender_localpart` is there already"),
        (plus("push_ephemeral: true"), key, "did you mean `receive_ephemeral`?"),
        (plus("org.matrix.msc4190: true"), key, "did you mean `io.element.msc4190`?"),
        (plus("as_token_path: /run/x"), key, "`as_token` is there already"),
        (plus("rate_limited: 'false'"), WarningCode::NotABoolean, "rate_limited is a string and counts as true"),
        (plus("receive_ephemeral: 0"), WarningCode::NotABoolean, "receive_ephemeral is an integer and counts as false"),
        (with("id: irc", "id: \"<%= id %>\""), placeholder, "id still holds a placeholder `<% … %>`"),
        (with("id: irc", "id: “irc”"), placeholder, "id begins with a quotation mark that is none to YAML"),
        (with("id: irc", "id: ''"), placeholder, "id is empty"),
        (with("ircbot", "\"\""), placeholder, "sender_localpart is empty, so that the service's own user is `@:…`"),
        (plus("protocols: [«irc»]"), placeholder, "protocols begins with a quotation mark"),
        (with("made-up-as-token-0123456789abcdef", "${AS_TOKEN}"), placeholder, "as_token still holds a variable"),
        (
            with("made-up-hs-token-0123456789abcdef", "<paste it here>"),
            placeholder,
            "hs_token still holds a text in `<…>`",
        ),
        (with("made-up-hs-token-0123456789abcdef", "/run/secrets/hs_token"), placeholder, "hs_token is a path"),
        (with("made-up-hs-token-0123456789abcdef", "ENC[AES256_GCM,x]"), placeholder, "sops has encrypted"),
        (with("localhost", "{{ host }}"), placeholder, "url still holds a placeholder"),
        (with("http://localhost:9999", "unix:/run/x"), WarningCode::UnusableUrl, "is a Unix socket"),
        (with("http://localhost:9999", "'http://localhost:9999 '"), WarningCode::UnusableUrl, "ends with a blank"),
    ] {
        let warnings = load(&file).unwrap_or_else(|faults| panic!("{file}\n{faults:?}"));
        let [(found, message)] = &warnings[..] else { panic!("{file}\n{warnings:?}") };
        assert!(*found == code && message.contains(what), "{file}\n{warnings:?}");
    }
}

#[test]
fn what_is_meant_is_not_warned_of() {
    for more in [
        "receive_ephemeral: true\npush_ephemeral: true",
        "de.sorunome.msc2409.push_ephemeral: true\npush_ephemeral: true",
        "io.element.msc4190: true\norg.matrix.msc4190: true",
        "heisenbridge:\n  media_url: http://localhost",
        "permissions: {}",
        "x-note: '{{ not ours }}'",
        "protocols: [irc]",
        "ip_range_whitelist: [127.0.0.0/8]",
    ] {
        let file = format!("{GOOD}{more}\n");
        assert_eq!(load(&file), Ok(Vec::new()), "{file}");
    }
    for url in ["null", "http://bridge:29318/_matrix/", "https://bridge.example.com", "http://10.0.0.1"] {
        assert_eq!(load(GOOD.replace("http://localhost:9999", url)), Ok(Vec::new()), "{url}");
    }
}

/// Each mistake, what its fault says, and the file that comes of doing what it says: it loads, and claims what was meant.
#[test]
fn a_way_out_that_is_followed_leads_out() {
    let users = "  users:\n  - exclusive: true\n    regex: '@irc_.*'\n";
    for (mistake, says, mended) in [
        ("  users:\n    exclusive: true\n    regex: '@irc_.*'\n", "put `- ` in front of the entry's first key", users),
        (
            "  users: '@irc_.*'\n",
            "write `- regex: '…'` and below it",
            "  users:\n  - regex: '@irc_.*'\n    exclusive: true\n",
        ),
        ("  users:\n  - '@irc_.*'\n", "write `- regex: '…'` and below it", users),
        ("- users:\n  - exclusive: true\n    regex: '@irc_.*'\n", "without `- ` in front of them", users),
        ("users:\n- exclusive: true\n  regex: '@irc_.*'\n", "indent `users:`", users),
        ("  users:\n  - exclusive: 'true'\n    regex: '@irc_.*'\n", "without quotes", users),
        ("  users:\n  - exclusiv: true\n    regex: '@irc_.*'\n", "write `exclusive` instead of `exclusiv`", users),
        ("  users:\n  - exclusive: true\n    Regex: '@irc_.*'\n", "write `regex` instead of `Regex`", users),
        ("  users:\n  - exclusive: true\n    prefix: '@irc_.*'\n", "write `regex` instead of `prefix`", users),
        ("  users:\n  - exclusive: true\n    regex: @irc_.*\n", "put the value in single quotes", users),
        (
            "  users:\n  - exclusive: true\n    regex: \"@irc_\\w*\"\n",
            "put the value in single quotes",
            "  users:\n  - exclusive: true\n    regex: '@irc_\\w*'\n",
        ),
        (
            "  aliases:\n  - exclusive: true\n    regex: #irc_.*\n",
            "put the value in single quotes",
            "  aliases:\n  - exclusive: true\n    regex: '#irc_.*'\n",
        ),
        (
            "  aliases: [{exclusive: true, regex: #irc_.*}]\n",
            "put a value with a '#' in single quotes",
            "  aliases: [{exclusive: true, regex: '#irc_.*'}]\n",
        ),
        (
            "  rooms:\n  - exclusive: true\n    regex: !.*:example.com\n",
            "put it in single quotes",
            "  rooms:\n  - exclusive: true\n    regex: '!.*:example.com'\n",
        ),
        (
            "  users:\n  - exclusive: true\n    regex: [a-z]+:x\n",
            "put the whole value in single quotes",
            "  users:\n  - exclusive: true\n    regex: '[a-z]+:x'\n",
        ),
        // In quotes as it stands it would be a class of characters, which claims everybody.
        ("  users:\n  - exclusive: true\n    regex: [\"@irc_.*\"]\n", "without the brackets or the `- `", users),
        ("  users:\n  - exclusive: true\n    regex:\n    - '@irc_.*'\n", "without the brackets or the `- `", users),
        (
            "  users:\n  - regex: '@irc_.*'\n    exclusive: true\n   aliases: []\n",
            "what belongs together is indented alike",
            "  users:\n  - regex: '@irc_.*'\n    exclusive: true\n  aliases: []\n",
        ),
        // A dash too many would make two entries of one, in either order.
        (
            "  users:\n  - regex: '@irc_.*'\n  - exclusive: true\n",
            "remove the `- ` in front of this, and indent `exclusive`",
            users,
        ),
        (
            "  users:\n  - exclusive: true\n  - regex: '@irc_.*'\n",
            "remove the `- ` in front of this, and indent `regex`",
            users,
        ),
        ("  users: [\n", "the file is cut short", users),
        ("  users: - regex: '@a'\n", "a list begins on a line of its own", users),
        ("\tusers: []\n", "indent with spaces", users),
    ] {
        let head = GOOD.replace(users, "");
        let faults = load(format!("{head}{mistake}")).expect_err(mistake);
        assert!(faults.len() == 1 && faults[0].message.contains(says), "{mistake}\n{faults:?}");
        assert_eq!(load(format!("{head}{mended}")), Ok(Vec::new()), "{mended}");
    }
}

#[test]
fn a_key_that_is_missing_is_looked_for_under_other_names() {
    for (right, wrong, says) in [
        ("namespaces:", "namespace:", "Synapse does not know `namespace`: write `namespaces`"),
        ("sender_localpart:", "sender_local_part:", "write `sender_localpart`"),
        ("as_token:", "as_token_path:", "Synapse reads a token from the registration alone"),
        ("hs_token:", "hs token:", "Synapse does not know `hs token`: write `hs_token`"),
        ("hs_token:", "HS_TOKEN:", "Synapse does not know `HS_TOKEN`: write `hs_token`"),
        ("as_token:", "'as_token ':", "write `as_token`"),
        ("hs_token:", "homeserver_token:", "write `hs_token`"),
        ("id:", "ID:", "write `id`"),
        ("id:", "\u{200B}id:", "the character U+200B in its name"),
        ("url:", "URL:", "write `url`"),
        ("url: http://localhost:9999", "url: False", "write `url: null` if nothing is to be sent"),
        ("namespaces:", "protocols: irc\nnamespaces:", "put it in brackets: `protocols: [...]`"),
        ("namespaces:", "protocols: [1]\nnamespaces:", "put it in quotes"),
        ("id: irc", "id: #irc", "what begins with '#' is a comment"),
        ("id: irc", "id: irc: bridge", "a value that holds ': ' is put in single quotes"),
        ("id: irc", "id:\u{A0}irc", "U+00A0 (a no-break space)"),
        ("id: irc", "id\u{FF1A} irc", "U+FF1A (a fullwidth colon)"),
        ("as_token: made-up-as-token-0123456789abcdef", "as_token: !file /run/x", "Synapse knows no tags such as"),
        ("as_token: made-up-as-token-0123456789abcdef", "as_token: !vault |\n  x", "Ansible Vault"),
    ] {
        let faults = load(GOOD.replacen(right, wrong, 1)).expect_err(wrong);
        assert!(faults.len() == 1 && faults[0].message.contains(says), "{wrong}\n{faults:?}");
    }
}

#[test]
fn lists_of_merge_keys_are_read_as_by_the_release_that_synapse_is_locked_to() {
    let file = |a: &str, b: &str| {
        let merge = format!(
            "x: [&a {{exclusive: {a}}}, &b {{exclusive: {b}}}]\nnamespaces:\n  users:\n  - <<: [*a, *b]\n    regex: '@irc_.*'\n"
        );
        GOOD.replace("namespaces:\n  users:\n  - exclusive: true\n    regex: '@irc_.*'\n", &merge)
    };
    let exclusive = |file: &str| {
        registration::load(&Arc::from("a.yaml"), file.as_bytes(), &TokenHasher::new())
            .map(|loaded| loaded.entries(Kind::User).at(0).exclusive)
    };
    let loaded = load(file("true", "false")).expect("both load it");
    assert!(
        matches!(&loaded[..], [(WarningCode::MergeOrder, message)] if message.contains("another `exclusive` in entry 0"))
    );
    assert_eq!(exclusive(&file("true", "false")), Ok(true));
    let loaded = load(file("true", "'no'")).expect("6.0.3 loads it");
    assert!(
        matches!(&loaded[..], [(WarningCode::MergeOrder, message)] if message.contains("6.0.4 (which `pip` installs) refuses it"))
    );
    let faults = load(file("'no'", "true")).expect_err("6.0.3 refuses it");
    assert!(faults.len() == 1 && faults[0].message.contains("6.0.4 (which `pip` installs) loads it"), "{faults:?}");
    // Merging one mapping, or lists that agree, is read alike by both.
    assert_eq!(load(file("true", "true")), Ok(Vec::new()));
}

#[test]
fn a_bomb_of_merge_keys_loads_as_in_synapse() {
    let mut file = format!("{GOOD}l0: &l0 {{kk: 1, ll: 2}}\n");
    for level in 1..8 {
        let merged = vec![format!("*l{}", level - 1); 9].join(", ");
        file.push_str(&format!("l{level}: &l{level} {{<<: [{merged}]}}\n"));
    }
    assert_eq!(load(&file), Ok(Vec::new()));
}

#[test]
fn keys_that_are_one_in_python_are_shown_once() {
    let file = format!("{GOOD}x-note:\n  1: a\n  true: b\n  1.0: c\n  'true': d\n");
    let loaded = registration::load(&Arc::from("a.yaml"), file.as_bytes(), &TokenHasher::new()).expect("it loads");
    let extra = loaded.extra().expect("a key of its own");
    assert_eq!(extra["x-note"], serde_json::json!({"1": "c", "true": "d"}));
}

#[test]
fn faults_say_where_a_value_ends() {
    let faults = load(GOOD.replace("id: irc", "id: 12345")).expect_err("an integer");
    let [Fault { code: FaultCode::WrongType, line: Some(1), column: Some(5), end: Some(end), .. }] = &faults[..] else {
        panic!("{faults:?}");
    };
    assert_eq!((end.line, end.column), (1, 10));
}
