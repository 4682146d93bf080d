//! What was to be replaced before the file came here, and was not: marks of template languages, encrypted values, words.

/// A mark of a template language that spans a part of a line: where it stands unquoted, YAML rarely survives it.
pub(super) fn block_mark(line: &str) -> Option<&'static str> {
    // Each of these holds one of two characters, which most values do not.
    if !line.bytes().any(|byte| matches!(byte, b'{' | b'%')) {
        return None;
    }
    [("{%", "%}", "`{% … %}`"), ("{{", "}}", "`{{ … }}`"), ("<%", "%>", "`<% … %>`"), ("{#", "#}", "`{# … #}`")]
        .into_iter()
        .find_map(|(open, close, mark)| {
            let at = line.find(open)?;
            line[at..].contains(close).then_some(mark)
        })
        .or_else(|| line.contains("%%").then_some("`%%…%%`").filter(|_| is_enclosed(line, "%%")))
        .or_else(|| line.contains("{{").then_some("`{{ … }}`"))
}

/// Whether something of capitals and underscores stands between two marks.
fn is_enclosed(text: &str, mark: &str) -> bool {
    let mut parts = text.split(mark).skip(1);
    parts.any(|part| !part.is_empty() && is_name(part))
}

fn is_name(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        && text.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// What is left of a template or of an encryption in a value, in words that go on after "holds".
pub(super) fn left_over(value: &str) -> Option<&'static str> {
    let value = value.trim();
    if let Some(what) = encrypted(value) {
        return Some(what);
    }
    let mark = block_mark(value).or_else(|| variable(value))?;
    Some(match mark {
        "`{{ … }}`" => "a placeholder `{{ … }}` of a template",
        "`{% … %}`" => "a command `{% … %}` of a template",
        "`<% … %>`" => "a placeholder `<% … %>` of a template",
        "`{# … #}`" => "a comment `{# … #}` of a template",
        "`%%…%%`" => "a placeholder `%%…%%` of a template",
        other => other,
    })
}

fn variable(value: &str) -> Option<&'static str> {
    unset(value).or_else(|| between_marks(value))
}

/// What shells and their like write for a value.
fn unset(value: &str) -> Option<&'static str> {
    if !value.contains('$') {
        return None;
    }
    let braced = value.find("${").is_some_and(|at| value[at..].contains('}'));
    let command = value.find("$(").is_some_and(|at| value[at..].contains(')'));
    let named = value.split('$').skip(1).any(|rest| {
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        end >= 2 && is_name(&rest[..end])
    });
    if braced {
        return Some("a variable `${…}` that was not replaced");
    }
    if command {
        return Some("a command `$(…)` that was not run");
    }
    named.then_some("a variable `$…` that was not replaced")
}

fn between_marks(value: &str) -> Option<&'static str> {
    let whole = |mark: &str| {
        value.len() > 2 * mark.len() + 1
            && value.strip_prefix(mark).and_then(|rest| rest.strip_suffix(mark)).is_some_and(is_name)
    };
    if whole("__") || whole("@") || whole("@@") || whole("%") || whole("##") || whole("#") {
        return Some("a name between marks that was not replaced");
    }
    if value.len() > 2 && value.starts_with('<') && value.ends_with('>') {
        return Some("a text in `<…>` that was to be replaced");
    }
    None
}

/// Whether a value stands there as some tool has encrypted it.
pub(super) fn is_encrypted(value: &str) -> bool {
    encrypted(value.trim()).is_some()
}

fn encrypted(value: &str) -> Option<&'static str> {
    let starts = |prefix| value.starts_with(prefix);
    if starts("ENC[AES256_GCM,") {
        return Some("a value that sops has encrypted");
    }
    if starts("ENC[") {
        return Some("a value that is encrypted (`ENC[…]`)");
    }
    if starts("$ANSIBLE_VAULT;") {
        return Some("a value that Ansible Vault has encrypted");
    }
    if starts("-----BEGIN AGE ENCRYPTED FILE") || starts("age-encryption.org/") {
        return Some("a value that age has encrypted");
    }
    if starts("-----BEGIN PGP MESSAGE") {
        return Some("a value that PGP has encrypted");
    }
    if starts("{cipher}") {
        return Some("a value that is encrypted (`{cipher}…`)");
    }
    None
}

/// Whether a value stands in quotation marks as text processors set them: YAML knows two, and takes all others for a part of the
/// text.
pub(super) fn is_in_foreign_quotes(value: &str) -> bool {
    value.starts_with(['“', '”', '„', '‘', '’', '‚', '«', '»', '`'])
}

/// What else stands where a token belongs, in words that go on after "is". Every real token is of letters, digits and a few
/// signs, and says nothing.
pub(super) fn no_token(value: &str) -> Option<&'static str> {
    let value = value.trim();
    if ["vault:", "op://", "ref+", "env:", "file:", "secret:", "awssm://", "gcpsm://", "doppler:"]
        .iter()
        .any(|scheme| value.starts_with(scheme))
    {
        return Some("a reference to a secret that is kept elsewhere");
    }
    // A token in base64 may begin with a slash, too.
    let roots = [
        "/run/",
        "/etc/",
        "/var/",
        "/data/",
        "/opt/",
        "/home/",
        "/root/",
        "/mnt/",
        "/secrets/",
        "/config/",
        "./",
        "../",
    ];
    if roots.iter().any(|root| value.starts_with(root)) {
        return Some("a path");
    }
    if is_in_foreign_quotes(value) {
        return Some("a text in quotation marks that are none to YAML");
    }
    if value.split_whitespace().count() > 1 {
        return Some("a sentence");
    }
    let lower = value.to_lowercase();
    if tells_to_replace(lower.split(|c: char| !c.is_alphanumeric())) {
        return Some("a text that was to be replaced");
    }
    let mut chars = value.chars();
    let only = chars.next()?;
    (value.len() >= 3 && "xX*.?-_#".contains(only) && chars.all(|c| c == only)).then_some("a row of filler characters")
}

/// Whether words tell whoever reads them to write something else there.
fn tells_to_replace<'w>(words: impl Iterator<Item = &'w str>) -> bool {
    let (mut change, mut me, mut token, mut here) = (false, false, false, false);
    for word in words {
        match word {
            "changeme" | "replaceme" | "fixme" | "todo" | "placeholder" | "insert" | "paste" | "replace"
            | "generate" | "your" => return true,
            "change" => change = true,
            "me" => me = true,
            "token" => token = true,
            "here" => here = true,
            _ => {}
        }
    }
    (change && me) || (token && here)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_to_be_replaced_is_told_from_what_is_meant() {
        for value in [
            "{{ bridge_as_token }}",
            "{{.Values.token}}",
            "{% if x %}a{% endif %}",
            "<%= as_token_value %>",
            "${AS_TOKEN}",
            "${AS_TOKEN:-x}",
            "$AS_TOKEN",
            "$(pwgen 64)",
            "%%AS_TOKEN%%",
            "__AS_TOKEN__",
            "@AS_TOKEN@",
            "<paste hs_token here please>",
            "ENC[AES256_GCM,data:abc,type:str]",
            "$ANSIBLE_VAULT;1.1;AES256",
        ] {
            assert!(left_over(value).is_some(), "{value}");
        }
        for value in [
            "made-up-as-token-0123456789abcdef",
            "http://localhost:29318",
            "http://[::1]:29318",
            "a$b",
            "pa$$w0rd",
            "{x}",
            "100%",
            "a<b>c",
            "irc",
        ] {
            assert_eq!(left_over(value), None, "{value}");
        }
    }

    #[test]
    fn a_token_is_told_from_what_stands_in_its_place() {
        for value in [
            "generate_a_random_string_here",
            "This value is generated when generating the registration",
            "CHANGE_ME",
            "changeme",
            "your-as-token",
            "as_token_here",
            "TODO",
            "xxxxxxxx",
            "/run/secrets/as_token",
            "vault:secret/data/bridge#as_token",
            "“made-up-as-token-0123456789abcdef”",
            "‘made-up-as-token-0123456789abcdef’",
        ] {
            assert!(no_token(value).is_some(), "{value}");
        }
        for value in [
            "made-up-as-token-0123456789abcdef",
            "30c05ae90a248a4188e620216fa72e349803310ec83e2a77b34fe90be6081f46",
            "AbC/dEf+gHi/0123456789==",
            "/bC/dEfXgHi/0123456789",
            "xXxY",
            "secret",
            "",
        ] {
            assert_eq!(no_token(value), None, "{value}");
        }
    }
}
