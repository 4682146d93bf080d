//! The policy data of a Matrix Authentication Service, kept by `bailiwick sync mas`: asked of a stand-in that behaves as the
//! service's documentation and code say. One document, no comparison when it is written, 404 before the first, 400 where the
//! policy does not take it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::support::{BINARY, registration};

const SECRET: &str = "a-client-secret-of-the-tests";
/// `bailiwick:` and the secret, in Base64.
const BASIC: &str = "Basic YmFpbGl3aWNrOmElMkRjbGllbnQlMkRzZWNyZXQlMkRvZiUyRHRoZSUyRHRlc3Rz";
const TOKEN: &str = "mat_a-token-of-the-tests";

/// What the service holds, and what is done to it.
#[derive(Default)]
struct State {
    data: Option<Value>,
    /// How often data were set.
    set: usize,
    /// What another writes right behind the next data that are set.
    intruder: Option<Value>,
    /// Answer this to whatever is asked.
    status: Option<u16>,
}

/// A stand-in for the service on a port of its own.
struct Mas {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Mas {
    fn start(data: Option<Value>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Mutex::new(State { data, ..State::default() }));
        let shared = Arc::clone(&state);
        // It ends with the process of the tests.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { address, state }
    }

    fn data(&self) -> Option<Value> {
        self.state.lock().expect("no test panics with it").data.clone()
    }

    fn set(&self) -> usize {
        self.state.lock().expect("no test panics with it").set
    }

    fn with(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().expect("no test panics with it"));
    }
}

fn serve(stream: TcpStream, state: &Mutex<State>) {
    let mut writer = stream.try_clone().expect("a second handle");
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).map_or(true, |read| read == 0) {
            return;
        }
        let (mut length, mut authorization) = (0, String::new());
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).expect("a header");
            let Some((name, value)) = header.trim().split_once(": ") else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().expect("a number"),
                "authorization" => value.clone_into(&mut authorization),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).expect("a body");
        let words: Vec<&str> = line.split(' ').collect();
        let (status, body) =
            answer(words[0], words[1], &authorization, &body, &mut state.lock().expect("not poisoned"));
        let body = body.to_string();
        let head =
            format!("HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
        if writer.write_all((head + &body).as_bytes()).is_err() {
            return;
        }
    }
}

fn answer(method: &str, path: &str, authorization: &str, body: &[u8], state: &mut State) -> (u16, Value) {
    let document = |data: &Value| json!({"data": {"type": "policy-data", "id": "01", "attributes": {"data": data}}});
    if let Some(status) = state.status {
        return (status, json!({}));
    }
    match (method, path) {
        ("POST", "/oauth2/token") => {
            let form = String::from_utf8_lossy(body).into_owned();
            let right =
                authorization == BASIC && form.contains("grant_type=client_credentials") && form.contains("scope=urn");
            if right { (200, json!({"access_token": TOKEN})) } else { (401, json!({"error": "invalid_client"})) }
        }
        _ if authorization != format!("Bearer {TOKEN}") => {
            (401, json!({"errors": [{"title": "Unknown access token"}]}))
        }
        ("GET", "/api/admin/v1/policy-data/latest") => match &state.data {
            Some(data) => (200, document(data)),
            None => (404, json!({"errors": [{"title": "No policy data found"}]})),
        },
        ("POST", "/api/admin/v1/policy-data") => {
            let sent: Value = serde_json::from_slice(body).expect("JSON");
            let data = sent["data"].clone();
            // Joined with the configuration, in which this is a number.
            if data.pointer("/registration/limit").is_some_and(|limit| !limit.is_number()) {
                return (400, json!({"errors": [{"title": "Failed to load policy data"}]}));
            }
            state.set += 1;
            state.data = Some(state.intruder.take().unwrap_or_else(|| data.clone()));
            (201, document(&data))
        }
        _ => (404, json!({})),
    }
}

/// Registrations, and the secret beside them.
struct Operator {
    home: TempDir,
}

impl Operator {
    fn with(prefixes: &[&str]) -> Self {
        let operator = Self { home: tempfile::tempdir().expect("a temporary directory") };
        fs::create_dir(operator.registrations()).expect("made");
        operator.write_secret(SECRET);
        for prefix in prefixes {
            operator.write(prefix);
        }
        operator
    }

    fn registrations(&self) -> std::path::PathBuf {
        self.home.path().join("registrations")
    }

    fn write(&self, prefix: &str) {
        fs::write(self.registrations().join(format!("{prefix}.yaml")), registration(prefix, &format!("{prefix}_")))
            .expect("written");
    }

    fn write_secret(&self, secret: &str) {
        fs::write(self.home.path().join("secret"), format!("{secret}\n")).expect("written");
    }

    fn sync(&self, mas: &Mas) -> Output {
        self.sync_at(&format!("http://{}/", mas.address))
    }

    fn sync_at(&self, url: &str) -> Output {
        self.sync_with(url, &[])
    }

    fn sync_with(&self, url: &str, more: &[&str]) -> Output {
        let path = |path: &Path| path.to_str().expect("UTF-8").to_owned();
        let output = Command::new(BINARY)
            .args(["sync", "mas", &path(&self.registrations()), "--server-name", "example.com", "--url", url])
            .args(["--client-id", "bailiwick", "--client-secret-file", &path(&self.home.path().join("secret"))])
            .args(more)
            .env_clear()
            .output()
            .expect("it runs");
        assert!(!told(&output).contains(SECRET) && !told(&output).contains(TOKEN), "{output:?}");
        output
    }
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

#[test]
fn names_are_put_where_there_were_none_and_only_once() {
    let (operator, mas) = (Operator::with(&["a", "b"]), Mas::start(None));
    let first = operator.sync(&mas);
    assert_eq!(first.status.code(), Some(0), "{first:?}");
    assert!(told(&first).contains("4 added, 0 removed"), "{}", told(&first));
    let data = mas.data().expect("set");
    let banned = json!({"literals": ["a-bot", "b-bot"], "prefixes": ["a_", "b_"]});
    assert_eq!(data["registration"]["banned_usernames"], banned);
    assert_eq!(data["bailiwick"]["literals"], banned["literals"]);
    assert_eq!(operator.sync(&mas).status.code(), Some(0));
    assert_eq!((mas.set(), mas.data()), (1, Some(data)), "nothing has changed, so nothing is sent");
}

#[test]
fn what_others_keep_there_stays_as_it_is() {
    let others =
        json!({"registration": {"banned_usernames": {"literals": ["root"], "substrings": ["admin"]}, "limit": 1}});
    let (operator, mas) = (Operator::with(&["a"]), Mas::start(Some(others)));
    assert_eq!(operator.sync(&mas).status.code(), Some(0));
    fs::remove_file(operator.registrations().join("a.yaml")).expect("removed");
    operator.write("b");
    let second = operator.sync(&mas);
    assert!(told(&second).contains("2 added, 2 removed"), "{}", told(&second));
    let banned = json!({"literals": ["root", "b-bot"], "substrings": ["admin"], "prefixes": ["b_"]});
    let registration = json!({"banned_usernames": banned, "limit": 1});
    assert_eq!(mas.data().expect("set")["registration"], registration);
}

#[test]
fn who_writes_at_the_same_time_is_not_written_over() {
    let (operator, mas) = (Operator::with(&["a"]), Mas::start(None));
    mas.with(|state| state.intruder = Some(json!({"registration": {"banned_usernames": {"literals": ["root"]}}})));
    assert_eq!(operator.sync(&mas).status.code(), Some(0));
    assert_eq!(mas.set(), 2);
    let banned = json!({"literals": ["root", "a-bot"], "prefixes": ["a_"]});
    assert_eq!(mas.data().expect("set")["registration"]["banned_usernames"], banned);
}

#[test]
fn nothing_is_taken_away_while_a_registration_cannot_be_loaded() {
    let (operator, mas) = (Operator::with(&["a", "b"]), Mas::start(None));
    operator.sync(&mas);
    fs::write(operator.registrations().join("a.yaml"), "id: a").expect("broken");
    operator.write("c");
    assert_eq!(operator.sync(&mas).status.code(), Some(1));
    let mut prefixes = mas.data().expect("set")["bailiwick"]["prefixes"].as_array().expect("a list").clone();
    prefixes.sort_by_key(Value::to_string);
    assert_eq!(prefixes, [json!("a_"), json!("b_"), json!("c_")]);
    // An empty directory is not believed at all.
    for name in ["a", "b", "c"] {
        fs::remove_file(operator.registrations().join(format!("{name}.yaml"))).expect("removed");
    }
    let before = mas.data();
    assert_eq!(operator.sync(&mas).status.code(), Some(64));
    assert_eq!(mas.data(), before);
}

#[test]
fn one_empty_directory_among_several_is_not_believed_either() {
    let (operator, mas) = (Operator::with(&["a"]), Mas::start(None));
    let other = tempfile::tempdir().expect("a temporary directory");
    fs::write(other.path().join("b.yaml"), registration("b", "b_")).expect("written");
    let sync = || operator.sync_with(&format!("http://{}", mas.address), &[other.path().to_str().expect("UTF-8")]);
    assert_eq!(sync().status.code(), Some(0));
    let before = mas.data();
    // As it looks when it is not mounted.
    fs::remove_file(other.path().join("b.yaml")).expect("removed");
    let unmounted = sync();
    assert_eq!((unmounted.status.code(), mas.data()), (Some(1), before), "{}", told(&unmounted));
    assert!(told(&unmounted).contains("as if it were not mounted"), "{}", told(&unmounted));
}

#[test]
fn what_is_refused_says_why_and_changes_nothing() {
    let (operator, mas) = (Operator::with(&["a"]), Mas::start(Some(json!({"registration": {"limit": "many"}}))));
    let refused = operator.sync(&mas);
    assert_eq!(refused.status.code(), Some(64));
    assert!(told(&refused).contains("Failed to load policy data"), "{}", told(&refused));
    mas.with(|state| state.data = Some(json!({"registration": {"banned_usernames": {"literals": "root"}}})));
    let conflict = operator.sync(&mas);
    assert!(told(&conflict).contains("`registration.banned_usernames.literals` is no list"), "{}", told(&conflict));
    operator.write_secret("another");
    let unknown = operator.sync(&mas);
    assert_eq!(unknown.status.code(), Some(64));
    assert!(
        told(&unknown).contains("gives no token") && told(&unknown).contains("admin_clients"),
        "{}",
        told(&unknown)
    );
    assert_eq!(mas.set(), 0);
}

#[test]
fn who_does_not_answer_may_the_next_time() {
    let (operator, mas) = (Operator::with(&["a"]), Mas::start(None));
    for status in [503, 429] {
        mas.with(|state| state.status = Some(status));
        assert_eq!(operator.sync(&mas).status.code(), Some(70), "{status}");
    }
    mas.with(|state| state.status = None);
    assert_eq!(operator.sync(&mas).status.code(), Some(0));
    let nobody = TcpListener::bind("127.0.0.1:0").expect("bound").local_addr().expect("an address");
    assert_eq!(operator.sync_at(&format!("http://{nobody}")).status.code(), Some(70));
}

#[test]
fn it_goes_on_when_it_is_told_to() {
    let (operator, mas) = (Operator::with(&["a"]), Mas::start(None));
    let mut running = Command::new(BINARY)
        .args([
            "sync",
            "mas",
            operator.registrations().to_str().expect("UTF-8"),
            "--server-name",
            "example.com",
            "--every",
            "1",
        ])
        .args(["--url", &format!("http://{}", mas.address), "--client-id", "bailiwick", "--client-secret-file"])
        .arg(operator.home.path().join("secret"))
        .env_clear()
        .spawn()
        .expect("it runs");
    let prefixes = || mas.data().map(|data| data["bailiwick"]["prefixes"].clone());
    let began = std::time::Instant::now();
    let mut wait = |expected: Value| {
        while prefixes() != Some(expected.clone()) {
            assert!(running.try_wait().expect("its state").is_none(), "it has ended");
            assert!(began.elapsed() < std::time::Duration::from_secs(180), "waited too long");
            thread::sleep(std::time::Duration::from_millis(20));
        }
    };
    wait(json!(["a_"]));
    operator.write("b");
    wait(json!(["a_", "b_"]));
    running.kill().expect("killed");
    running.wait().expect("ended");
}
