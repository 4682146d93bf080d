//! What of a file is shown, said once: the registration's tokens nowhere, and nothing below a key that announces a secret.

/// What stands in the place of a secret.
pub(super) const REDACTED: &str = "<redacted>";

/// Words in a key, or in the name of a query parameter, that announce a secret.
const SECRET_WORDS: [&str; 9] =
    ["token", "secret", "password", "passwd", "passphrase", "key", "auth", "credential", "signature"];

/// What is shorter than this stands in many a word: cutting it out would garble every message, and whoever reads the rest
/// could tell it anyway. Such a token is a `weak-token`.
pub(super) const MIN_SECRET: usize = 4;

/// Whether what stands under this key is a secret.
pub(super) fn announces_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    SECRET_WORDS.iter().any(|word| key.contains(word))
}

/// The tokens of the registration that is being read, wherever they may stand.
#[derive(Clone, Debug, Default)]
pub(super) struct Secrets<'d>(Vec<&'d str>);

impl<'d> Secrets<'d> {
    pub(super) fn new(tokens: impl IntoIterator<Item = &'d str>) -> Self {
        Self(tokens.into_iter().filter(|token| !token.is_empty()).collect())
    }

    /// A text with each token in it replaced, as it is or as Rust or a URL escape it: for texts that say more than that.
    pub(super) fn cut(&self, text: String) -> String {
        self.0.iter().fold(text, |text, token| cut(text, token))
    }

    /// A text, or nothing of it if a token stands in it: for values that are shown for their own sake.
    pub(super) fn hide(&self, text: &str) -> String {
        let holds = |token: &&str| text.contains(*token);
        if self.0.iter().any(holds) { REDACTED.to_owned() } else { text.to_owned() }
    }
}

fn cut(text: String, token: &str) -> String {
    // No form of it is shorter than the token itself.
    if token.len() < MIN_SECRET || text.len() < token.len() {
        return text;
    }
    let quoted = format!("{token:?}");
    let in_url = token.bytes().fold(String::new(), |mut url, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => url.push(char::from(byte)),
            _ => url.push_str(&format!("%{byte:02X}")),
        }
        url
    });
    let forms = [token, quoted.trim_matches('"'), &in_url];
    forms.into_iter().fold(text, |text, form| if text.contains(form) { text.replace(form, REDACTED) } else { text })
}

/// A URL without user info, and without the values of query parameters that announce a secret.
pub(super) fn url(url: &str) -> String {
    let mut shown = match url.split_once("//") {
        Some((scheme, rest)) => {
            let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            let host = rest[..authority].rfind('@').map_or(0, |at| at + 1);
            format!("{scheme}//{}", &rest[host..])
        }
        None => url.to_owned(),
    };
    if let Some(query) = shown.find('?') {
        let parameters = shown.split_off(query + 1);
        let parameters: Vec<String> = parameters.split('&').map(parameter).collect();
        shown.push_str(&parameters.join("&"));
    }
    shown
}

fn parameter(parameter: &str) -> String {
    match parameter.split_once('=') {
        Some((name, _)) if announces_secret(name) => format!("{name}={REDACTED}"),
        _ => parameter.to_owned(),
    }
}
