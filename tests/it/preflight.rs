//! Who already lives in the names that a registration would take: asked of a stand-in for Synapse that behaves as its
//! documentation says. `integrations/synapse/tests/preflight.py` asks the real one.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::support::{BINARY, registration};

const TOKEN: &str = "syt_an_admin_of_the_tests";

/// An account: name, deactivated, service.
type Account = (&'static str, bool, Option<&'static str>);

const ACCOUNTS: [Account; 8] = [
    ("@alice:example.com", false, None),
    ("@irc_:example.com", false, Some("other")),
    ("@irc_bob:example.com", false, None),
    ("@irc_carol:example.com", true, None),
    ("@irc_ghost:example.com", false, Some("irc")),
    ("@irc-bot:example.com", false, Some("irc")),
    ("@wide_open/é:example.com", false, None),
    ("@zed:example.com", false, None),
];

/// What it does before it answers as it should.
#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Well,
    /// So many requests fail with a status.
    Fails(usize, u16),
    /// Every page says that it is followed by itself.
    GoesInCircles,
    /// Whatever is asked.
    Says(u16, &'static str),
}

/// A stand-in for Synapse on a port of its own.
struct StandIn {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl StandIn {
    fn start(mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let address = listener.local_addr().expect("an address");
        let (asked, failures) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let noted = Arc::clone(&asked);
        // It ends with the process of the tests.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (noted, failures) = (Arc::clone(&noted), Arc::clone(&failures));
                thread::spawn(move || serve(stream, mood, &noted, &failures));
            }
        });
        Self { address, asked }
    }
}

fn serve(stream: TcpStream, mood: Mood, noted: &Mutex<Vec<String>>, failures: &AtomicUsize) {
    let mut writer = stream.try_clone().expect("a second handle");
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    while let Some(line) = lines.next() {
        let head: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
        let target = line.split(' ').nth(1).expect("a target").to_owned();
        noted.lock().expect("no test panics with it").push(target.clone());
        let authorized = head.iter().any(|line| line.to_ascii_lowercase() == format!("authorization: bearer {TOKEN}"));
        let (status, body) = match mood {
            _ if !authorized => (401, json!({"errcode": "M_UNKNOWN_TOKEN", "error": "Invalid access token passed."})),
            Mood::Says(status, said) => (status, json!(said)),
            Mood::Fails(count, status) if failures.fetch_add(1, Ordering::SeqCst) < count => (status, json!({})),
            _ => answer(&target, mood),
        };
        let body = body.to_string();
        let head =
            format!("HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
        if writer.write_all((head + &body).as_bytes()).is_err() {
            return;
        }
    }
}

/// As Synapse's documentation has it, with pages of three.
fn answer(target: &str, mood: Mood) -> (u16, Value) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8().expect("UTF-8").into_owned();
    if let Some(name) = decoded.strip_prefix("/_synapse/admin/v2/users/") {
        let Some((name, deactivated, service)) = ACCOUNTS.iter().find(|(known, ..)| *known == name) else {
            return (404, json!({"errcode": "M_NOT_FOUND", "error": "User not found"}));
        };
        return (200, json!({"name": name, "deactivated": deactivated, "appservice_id": service}));
    }
    let parameter = |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find_map(|(known, value)| (known == name).then(|| value.to_owned()))
    };
    let all = parameter("deactivated").as_deref() == Some("true");
    let accounts: Vec<_> = ACCOUNTS.iter().filter(|(_, deactivated, _)| all || !deactivated).collect();
    let from: usize = parameter("from").expect("from").parse().expect("a number");
    let limit: usize = parameter("limit").expect("limit").parse().expect("a number");
    let page = accounts.iter().skip(from).take(limit.min(3));
    let users: Vec<_> = page
        .map(|(name, deactivated, _)| json!({"name": name, "deactivated": deactivated, "is_guest": 0, "admin": false}))
        .collect();
    let next = from + users.len();
    let mut answer = json!({"users": users, "total": accounts.len()});
    if mood == Mood::GoesInCircles {
        answer["next_token"] = json!(from.to_string());
    } else if next < accounts.len() {
        answer["next_token"] = json!(next.to_string());
    }
    (200, answer)
}

struct Ran {
    code: Option<i32>,
    out: String,
    said: String,
}

/// A directory with a registration, and a token.
fn home(users: &str) -> TempDir {
    let home = tempfile::tempdir().expect("a temporary directory");
    fs::write(home.path().join("irc.yaml"), users).expect("written");
    fs::write(home.path().join("token"), format!("{TOKEN}\n")).expect("written");
    home
}

fn preflight(home: &TempDir, admin: &str, more: &[&str]) -> Ran {
    let output = Command::new(BINARY)
        .current_dir(home)
        .args([
            "preflight",
            "irc.yaml",
            "--server-name",
            "example.com",
            "--token-file",
            "token",
            "--synapse-admin",
            admin,
        ])
        .args(more)
        .env_clear()
        // No token goes to who is named here: nobody answers there.
        .envs(["http_proxy", "https_proxy", "ALL_PROXY"].map(|name| (name, "http://127.0.0.1:9")))
        .output()
        .expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Ran { code: output.status.code(), out: text(output.stdout), said: text(output.stderr) }
}

#[test]
fn people_who_would_be_captured_are_named_and_the_services_own_users_are_not() {
    let synapse = StandIn::start(Mood::Well);
    let home = home(&registration("irc", "irc_"));
    let ran = preflight(&home, &format!("http://{}/", synapse.address), &["--format", "json"]);
    assert_eq!(ran.code, Some(1), "{}", ran.said);
    let report: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(report["accounts"], 8);
    let captured = report["captured"].as_array().expect("a list").iter().map(|one| {
        let keys = ["user_id", "as_id", "exclusive", "deactivated", "appservice_id", "line"];
        json!(keys.map(|key| one[key].clone()))
    });
    let expected = [
        json!(["@irc_:example.com", "irc", true, false, "other", 8]),
        json!(["@irc_bob:example.com", "irc", true, false, null, 8]),
        json!(["@irc_carol:example.com", "irc", true, true, null, 8]),
    ];
    assert_eq!(captured.collect::<Vec<_>>(), expected);
    let ran = preflight(&home, &format!("http://{}", synapse.address), &[]);
    let line = "@irc_bob:example.com would be claimed exclusively by `irc`, with `@irc_.*` in irc.yaml:8\n";
    assert!(ran.out.contains(line), "{}", ran.out);
    assert!(
        ran.out.contains("3 of 8 accounts: 2 would be held exclusively, 0 shared, 1 are deactivated\n"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("push notifications"), "{}", ran.out);
    // Only those that are claimed are asked about one by one.
    let asked = synapse.asked.lock().expect("no test panics with it");
    assert!(asked.iter().all(|target| !target.contains("alice") && !target.contains("zed")), "{asked:?}");
    assert!(!ran.said.contains(TOKEN) && !ran.out.contains(TOKEN));
}

#[test]
fn whom_nobody_takes_anything_from_weighs_less() {
    let synapse = StandIn::start(Mood::Well);
    let admin = format!("http://{}", synapse.address);
    let shared = registration("irc", "wide_").replace("exclusive: true", "exclusive: false");
    let ran = preflight(&home(&shared), &admin, &[]);
    assert_eq!(ran.code, Some(3), "{}{}", ran.out, ran.said);
    assert!(
        ran.out.contains("@wide_open/é:example.com would be claimed shared") && !ran.out.contains("push"),
        "{}",
        ran.out
    );
    let ran = preflight(&home(&registration("irc", "irc_carol")), &admin, &[]);
    assert_eq!(ran.code, Some(3), "{}", ran.out);
    let ran = preflight(&home(&registration("irc", "telegram_")), &admin, &[]);
    assert_eq!((ran.code, &*ran.out), (Some(0), "none of 8 accounts lives in these namespaces\n"));
}

#[test]
fn what_fails_for_a_moment_is_asked_again() {
    for mood in [Mood::Fails(1, 500), Mood::Fails(2, 429)] {
        let synapse = StandIn::start(mood);
        let ran = preflight(&home(&registration("irc", "telegram_")), &format!("http://{}", synapse.address), &[]);
        assert_eq!(ran.code, Some(0), "{}", ran.said);
    }
}

#[test]
fn why_there_is_no_answer_is_said() {
    let home = home(&registration("irc", "irc_"));
    let said = |mood, code, what: &str| {
        let synapse = StandIn::start(mood);
        let ran = preflight(&home, &format!("http://{}", synapse.address), &[]);
        assert!(ran.code == Some(code) && ran.said.contains(what), "{:?}: {}", ran.code, ran.said);
        assert!(ran.out.is_empty() && !ran.said.contains(TOKEN), "{}{}", ran.out, ran.said);
    };
    said(Mood::Says(403, "You are not a server admin"), 64, "server admin");
    said(Mood::Says(404, "nothing here"), 64, "admin API");
    said(Mood::Says(302, ""), 64, "admin API");
    said(Mood::Says(200, "hello"), 70, "not Synapse's list of users");
    said(Mood::GoesInCircles, 70, "not Synapse's list of users");
    let synapse = StandIn::start(Mood::Well);
    let admin = format!("http://{}", synapse.address);
    fs::write(home.path().join("token"), "another").expect("written");
    let ran = preflight(&home, &admin, &[]);
    assert!(ran.code == Some(64) && ran.said.contains("does not know the token"), "{}", ran.said);
    fs::write(home.path().join("token"), "two words").expect("written");
    assert_eq!(preflight(&home, &admin, &[]).code, Some(64));
    fs::remove_file(home.path().join("token")).expect("removed");
    assert_eq!(preflight(&home, &admin, &[]).code, Some(64));
    assert_eq!(preflight(&home, "127.0.0.1:8008", &[]).code, Some(64));
    // Another server's users.
    let home = self::home(&registration("irc", "irc_"));
    let other = Command::new(BINARY)
        .current_dir(&home)
        .args([
            "preflight",
            "irc.yaml",
            "--server-name",
            "other.example",
            "--token-file",
            "token",
            "--synapse-admin",
            &admin,
        ])
        .env_clear()
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&other.stderr).into_owned();
    assert!(other.status.code() == Some(64) && said.contains("other.example"), "{said}");
}

/// The configuration says whose names they are; who lives in those of services that are there already is not asked.
#[test]
fn a_newcomer_is_looked_into_beside_the_configuration() {
    let synapse = StandIn::start(Mood::Well);
    let home = home(&registration("irc", "irc_"));
    let listed = home.path().join("listed.yaml");
    fs::write(&listed, registration("telegram", "telegram_")).expect("written");
    let config = format!("server_name: example.com\napp_service_config_files: ['{}']\n", listed.display());
    fs::write(home.path().join("homeserver.yaml"), config).expect("written");
    let admin = format!("http://{}", synapse.address);
    let beside = preflight(&home, &admin, &["--synapse-config", "homeserver.yaml"]);
    let alone = preflight(&home, &admin, &[]);
    assert_eq!((beside.code, &beside.out), (Some(1), &alone.out), "{}", beside.said);
}

#[test]
fn a_file_that_does_not_load_is_an_error() {
    let synapse = StandIn::start(Mood::Well);
    let ran = preflight(&home("id: irc\n"), &format!("http://{}", synapse.address), &[]);
    assert!(ran.code == Some(1) && ran.said.contains("irc.yaml does not load"), "{:?} {}", ran.code, ran.said);
}
