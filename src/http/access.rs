use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use prometheus::{IntCounter, IntCounterVec};
use zeroize::Zeroizing;

use super::ApiError;
use super::caller::{TokenName, Who};
use crate::reloadable_files::{ReloadableFiles, read_again, read_first};
use crate::telemetry::Metrics;

/// What a bearer of a token may do; each role may what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Ask whether a name may be taken, and be told in public words.
    Register,
    /// Ask, and see what is loaded.
    Read,
    /// Operate, too.
    Admin,
}

impl Role {
    const ALL: [Self; 3] = [Self::Register, Self::Read, Self::Admin];

    /// The role as it stands in a file of tokens.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Read => "read",
            Self::Admin => "admin",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

/// A token as it is kept: only what recognizes it.
#[derive(Clone, Debug)]
struct Known {
    role: Role,
    name: Option<TokenName>,
    /// Comparing these takes the same time wherever they differ.
    hash: blake3::Hash,
}

/// Who may ask, as a file of tokens says.
#[derive(Debug)]
pub struct Access {
    file: PathBuf,
    tokens: ArcSwap<Vec<Known>>,
    unreadable_since: Mutex<Option<Instant>>,
    revisit: ReloadableFiles,
    requests: OnceLock<Requests>,
}

/// What is counted of who asks.
#[derive(Debug)]
struct Requests {
    counters: IntCounterVec,
    /// The names that have a counter of their own.
    named: Mutex<BTreeMap<TokenName, IntCounter>>,
    unnamed: IntCounter,
    others: IntCounter,
}

/// So many names are counted by themselves for as long as the process lives, however often the file changes; all further ones
/// together. A label costs Prometheus a series, and nobody has more clients.
const MAX_NAMES: usize = 64;

impl Requests {
    fn register(metrics: &Metrics) -> Self {
        let help = "Requests admitted, by the name of the token; `unnamed` without one, `others` beyond 64 names.";
        let counters = metrics.counters("bailiwick_token_requests_total", help, &["token"]);
        let [unnamed, others] = ["unnamed", "others"].map(|name| counters.with_label_values(&[name]));
        Self { counters, named: Mutex::default(), unnamed, others }
    }

    fn count(&self, who: Who) {
        let Who::Named(name) = who else { return self.unnamed.inc() };
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = named.len() >= MAX_NAMES;
        match named.entry(name) {
            Entry::Occupied(known) => known.get().inc(),
            Entry::Vacant(_) if is_full => self.others.inc(),
            Entry::Vacant(new) => new.insert(self.counters.with_label_values(&[name.as_str()])).inc(),
        }
    }
}

/// So long tokens stay good when their file cannot be read any more: time for whoever replaces it in two steps, and to be
/// told of it, but not for a token that somebody has revoked by removing the file.
const UNREADABLE: Duration = Duration::from_secs(60);

/// Shorter tokens can be guessed.
pub(super) const MIN_TOKEN: usize = 16;

impl Access {
    /// Reads a file of tokens: on each line a role, `register`, `read` or `admin`, perhaps a name, and a token; `#` begins a
    /// comment.
    pub fn open(file: &Path) -> Result<Self, String> {
        let revisit = ReloadableFiles::new("tokens", &[file]);
        let listed = read(file, read_first)?;
        // Whoever starts it is there to mend it.
        if let Some(fault) = listed.faults.into_iter().next() {
            return Err(fault);
        }
        let tokens = ArcSwap::from_pointee(listed.tokens);
        Ok(Self {
            file: file.to_owned(),
            tokens,
            unreadable_since: Mutex::new(None),
            revisit,
            requests: OnceLock::new(),
        })
    }

    /// Reads the file again if it has changed. Each line counts by itself: one that is not understood admits nobody, and
    /// keeps nothing in use that is no longer listed. Of a file that cannot be read, the tokens read before stay good for
    /// [`UNREADABLE`].
    pub fn refresh(&self) {
        self.refresh_at(Instant::now());
    }

    fn refresh_at(&self, now: Instant) {
        self.revisit.refresh(|| {
            let mut unreadable_since = self.unreadable_since.lock().unwrap_or_else(PoisonError::into_inner);
            match read(&self.file, read_again) {
                Ok(Listed { tokens, faults }) => {
                    *unreadable_since = None;
                    self.tokens.store(tokens.into());
                    if faults.is_empty() { Ok(()) } else { Err(format!("tokens: {}", faults.join("; "))) }
                }
                Err(error) if now.duration_since(*unreadable_since.get_or_insert(now)) < UNREADABLE => {
                    Err(format!("the tokens read before stay in use for a minute at most: {error}"))
                }
                Err(error) => {
                    self.tokens.store(Arc::default());
                    Err(format!("nobody is admitted until the tokens can be read: {error}"))
                }
            }
        });
    }

    /// Shows from now on whether the tokens are in use as they are on disk, and who asks.
    pub fn show(&self, metrics: &Metrics) {
        self.revisit.show(metrics);
        self.requests.get_or_init(|| Requests::register(metrics));
    }

    /// Says what whoever asks may do and by which token, or why that will not do. `authorization` is the header.
    pub(super) fn check(&self, needed: Role, authorization: Option<&[u8]>) -> Result<(Role, Who), ApiError> {
        let token = authorization.and_then(bearer).ok_or_else(ApiError::missing_token)?;
        let hash = blake3::hash(token);
        let tokens = self.tokens.load();
        // Every token is compared, so that the time tells nothing.
        let known = tokens.iter().filter(|known| known.hash == hash).max_by_key(|known| (known.role, known.name));
        let Some(&Known { role, name, .. }) = known else { return Err(ApiError::unknown_token()) };
        if role < needed {
            return Err(ApiError::forbidden(needed));
        }
        let who = name.map_or(Who::Unnamed, Who::Named);
        if let Some(requests) = self.requests.get() {
            requests.count(who);
        }
        Ok((role, who))
    }
}

/// The token of the header `Authorization`, however that is written.
pub(super) fn bearer(header: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = header.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
}

/// What a file of tokens says.
#[derive(Debug, Default)]
struct Listed {
    tokens: Vec<Known>,
    /// The lines that are not understood, each with its place and never with its text.
    faults: Vec<String>,
}

fn read(file: &Path, bytes: impl Fn(&Path) -> io::Result<Vec<u8>>) -> Result<Listed, String> {
    let shown = file.display();
    let bytes = bytes(file).map(Zeroizing::new).map_err(|error| format!("{shown} cannot be read: {error}"))?;
    let mut listed = Listed::default();
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        match parse(line) {
            Ok(known) => listed.tokens.extend(known),
            Err(fault) => listed.faults.push(format!("{shown}:{number}: {fault}")),
        }
    }
    if listed.tokens.is_empty() && listed.faults.is_empty() {
        let fault = format!(
            "{shown} holds no token: write `register TOKEN`, `read TOKEN` or `admin TOKEN` on a line, with a name before the token if you like"
        );
        listed.faults.push(fault);
    }
    Ok(listed)
}

fn parse(line: &[u8]) -> Result<Option<Known>, String> {
    let expected = || {
        "expected `register TOKEN`, `read TOKEN` or `admin TOKEN`, or the same with a name: `read NAME TOKEN`"
            .to_owned()
    };
    let line = std::str::from_utf8(line).map_err(|_| expected())?;
    let mut words = line.split_whitespace();
    let (role, name, token) = match (words.next(), words.next(), words.next(), words.next()) {
        (None, ..) => return Ok(None),
        (Some(comment), ..) if comment.starts_with('#') => return Ok(None),
        (Some(role), Some(token), None, _) => (role, None, token),
        (Some(role), Some(name), Some(token), None) => (role, Some(name), token),
        _ => return Err(expected()),
    };
    let role = Role::named(role).ok_or_else(expected)?;
    if token.len() < MIN_TOKEN {
        return Err(format!("a token has at least {MIN_TOKEN} characters"));
    }
    // It is not repeated: it may be the token.
    let wrong = || format!("a name has at most {} characters, letters, digits and `._-`", TokenName::MAX);
    let name = name.map(|name| TokenName::of(name).ok_or_else(wrong)).transpose()?;
    Ok(Some(Known { role, name, hash: blake3::hash(token.as_bytes()) }))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const TOKENS: [&str; 2] = ["first-token-0123456789", "second-token-0123456789"];

    /// A file of tokens, and who is admitted by it.
    struct Guarded {
        home: tempfile::TempDir,
        access: Access,
        /// When it is.
        now: Instant,
    }

    impl Guarded {
        fn with(text: &str) -> Self {
            let home = tempfile::tempdir().expect("a temporary directory");
            fs::write(home.path().join("tokens"), text).expect("written");
            let access = Access::open(&home.path().join("tokens")).expect("it is read");
            Self { home, access, now: Instant::now() }
        }

        /// Which of the tokens are good, after two looks.
        fn admitted(&self) -> [bool; 2] {
            self.access.refresh_at(self.now);
            self.access.refresh_at(self.now);
            TOKENS.map(|token| self.access.check(Role::Read, Some(format!("Bearer {token}").as_bytes())).is_ok())
        }

        fn write(&self, text: &str) {
            fs::write(self.home.path().join("new"), text).expect("written");
            fs::rename(self.home.path().join("new"), self.home.path().join("tokens")).expect("renamed");
        }
    }

    fn both() -> String {
        format!("read {}\nread {}\n", TOKENS[0], TOKENS[1])
    }

    #[test]
    fn what_is_no_longer_listed_is_refused_whatever_else_stands_there() {
        let rest = format!("read {}", TOKENS[1]);
        for text in [rest.clone(), format!("{rest}\nraed {}\n", TOKENS[0]), format!("read {} x y\n{rest}\n", TOKENS[0])]
        {
            let guarded = Guarded::with(&both());
            assert_eq!(guarded.admitted(), [true, true]);
            guarded.write(&text);
            assert_eq!(guarded.admitted(), [false, true], "{text}");
            guarded.write(&both());
            assert_eq!(guarded.admitted(), [true, true]);
        }
    }

    #[test]
    fn a_pipe_in_the_place_of_the_file_is_not_waited_for() {
        let mut guarded = Guarded::with(&both());
        let pipe = guarded.home.path().join("new");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs");
        assert!(made.success());
        fs::rename(pipe, guarded.home.path().join("tokens")).expect("renamed");
        assert_eq!(guarded.admitted(), [true, true], "it cannot be read");
        guarded.now += UNREADABLE;
        assert_eq!(guarded.admitted(), [false, false]);
        guarded.write(&both());
        assert_eq!(guarded.admitted(), [true, true]);
    }

    #[test]
    fn a_file_without_a_token_admits_nobody() {
        for text in ["", "# none\n", "\u{0}\n", "nonsense", &format!("read {}", &TOKENS[0][..10])] {
            let guarded = Guarded::with(&both());
            guarded.write(text);
            assert_eq!(guarded.admitted(), [false, false], "{text:?}");
            assert!(guarded.access.check(Role::Read, None).is_err());
            assert!(guarded.access.check(Role::Read, Some(b"Bearer ")).is_err());
        }
    }

    #[test]
    fn tokens_outlive_a_file_that_cannot_be_read_for_a_minute_and_no_longer() {
        let mut guarded = Guarded::with(&both());
        fs::remove_file(guarded.home.path().join("tokens")).expect("removed");
        assert_eq!(guarded.admitted(), [true, true]);
        guarded.now += UNREADABLE / 2;
        assert_eq!(guarded.admitted(), [true, true]);
        guarded.now += UNREADABLE / 2;
        assert_eq!(guarded.admitted(), [false, false]);
        guarded.write(&both());
        assert_eq!(guarded.admitted(), [true, true]);
        // Another time, another minute.
        fs::remove_file(guarded.home.path().join("tokens")).expect("removed");
        assert_eq!(guarded.admitted(), [true, true]);
    }

    #[test]
    fn a_token_is_one_however_the_header_is_written() {
        for header in ["Bearer TOKEN", "bearer TOKEN", "BEARER    TOKEN", "Bearer TOKEN  "] {
            assert_eq!(bearer(header.as_bytes()), Some(&b"TOKEN"[..]), "{header:?}");
        }
        assert_eq!(bearer(b"Basic TOKEN"), None);
    }

    #[test]
    fn a_token_may_have_a_name_and_a_token_is_never_taken_for_one() {
        let guarded = Guarded::with(&format!("read web {}\nadmin {}\n", TOKENS[0], TOKENS[1]));
        let who = |token: &str| guarded.access.check(Role::Read, Some(format!("Bearer {token}").as_bytes())).ok();
        let web = TokenName::of("web").expect("a name");
        assert_eq!(who(TOKENS[0]), Some((Role::Read, Who::Named(web))));
        assert_eq!(who(TOKENS[1]), Some((Role::Admin, Who::Unnamed)));
        for line in [format!("read {} web", TOKENS[0]), format!("read {} {}", TOKENS[0], TOKENS[1])] {
            guarded.write(&line);
            assert_eq!(guarded.admitted(), [false, false], "{line}");
            let fault = parse(line.as_bytes()).expect_err("it is refused");
            assert!(TOKENS.iter().all(|token| !fault.contains(token)), "{fault}");
        }
    }

    #[test]
    fn names_are_counted_up_to_a_number() {
        let metrics = Metrics::new();
        let requests = Requests::register(&metrics);
        for number in 0..MAX_NAMES + 2 {
            requests.count(Who::Named(TokenName::of(&format!("n{number}")).expect("a name")));
        }
        requests.count(Who::Named(TokenName::of("n0").expect("a name")));
        requests.count(Who::Unnamed);
        let text = String::from_utf8(metrics.render()).expect("UTF-8");
        let lines: Vec<&str> =
            text.lines().filter(|line| line.starts_with("bailiwick_token_requests_total{")).collect();
        assert_eq!(lines.len(), MAX_NAMES + 2);
        for (name, count) in [("n0", 2), ("n63", 1), ("others", 2), ("unnamed", 1)] {
            let line = format!("bailiwick_token_requests_total{{token=\"{name}\"}} {count}");
            assert!(lines.contains(&&*line), "{line}");
        }
    }

    #[test]
    fn a_start_with_a_line_that_is_not_understood_is_no_start() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let file = home.path().join("tokens");
        for text in ["", "raed first-token-0123456789\nread second-token-0123456789\n"] {
            fs::write(&file, text).expect("written");
            let error = Access::open(&file).expect_err("it is not used");
            assert!(!error.contains("token-0123456789"), "{error}");
        }
    }
}
