//! `check --watch`: each state of the files is said, and the exit code is that of the last.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::support::{BINARY, registration};

/// Only what hangs takes so long.
const PATIENCE: Duration = Duration::from_secs(120);

struct Check {
    child: Child,
    out: Receiver<String>,
    err: Receiver<String>,
}

fn lines(of: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || BufReader::new(of).lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    receiver
}

impl Check {
    fn start(home: &Path, words: &[&str]) -> Self {
        let mut command = Command::new(BINARY);
        command.arg("check").args(words).args(["--watch", "--allow", "weak-token,readable-by-all"]);
        command.current_dir(home).env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let out = lines(child.stdout.take().expect("a pipe"));
        let err = lines(child.stderr.take().expect("a pipe"));
        Self { child, out, err }
    }

    /// Waits until it says this, and takes what it said before.
    fn says(&self, text: &str) {
        until(&self.out, text);
    }

    fn complains(&self, text: &str) {
        until(&self.err, text);
    }

    /// Its exit code when it is told to end.
    fn ended_by(mut self, signal: &str) -> Option<i32> {
        let told = Command::new("kill").args([&format!("-{signal}"), &self.child.id().to_string()]).status();
        assert!(told.expect("kill runs").success());
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Check {
    /// It would watch for ever.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn until(said: &Receiver<String>, text: &str) {
    let mut before = Vec::new();
    loop {
        match said.recv_timeout(PATIENCE) {
            Ok(line) if line.contains(text) => return,
            Ok(line) => before.push(line),
            Err(why) => panic!("`{text}` is not said, {why}:\n{}", before.join("\n")),
        }
    }
}

#[test]
fn what_changes_is_checked_again() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let dir = home.path().join("registrations");
    fs::create_dir(&dir).expect("made");
    fs::write(dir.join("irc.yaml"), registration("irc", "irc_")).expect("written");
    let check = Check::start(home.path(), &["registrations", "--server-name", "example.com"]);
    check.says("1 file: 0 errors");
    fs::write(dir.join("tg.yaml"), registration("tg", "irc_tg_")).expect("written");
    check.says("[exclusive-conflict]");
    check.says("2 files: 1 error");
    fs::write(dir.join("tg.yaml"), registration("tg", "tg_")).expect("written");
    check.says("2 files: 0 errors");
    // What is not there is said, and waited for.
    fs::rename(&dir, home.path().join("elsewhere")).expect("moved");
    check.complains("registrations: there is no such directory or file");
    fs::rename(home.path().join("elsewhere"), &dir).expect("moved");
    check.says("2 files: 0 errors");
    fs::write(dir.join("tg.yaml"), "id: tg\n").expect("written");
    check.says("[missing-key]");
    check.says("2 files: 5 errors");
    assert_eq!(check.ended_by("INT"), Some(1));
}

#[test]
fn a_configuration_is_followed_however_broken_it_is() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let file = |name: &str| home.path().join(name);
    fs::write(file("irc.yaml"), registration("irc", "irc_")).expect("written");
    fs::write(file("tg.yaml"), registration("tg", "tg_")).expect("written");
    let list = |names: &[&str]| {
        let files: Vec<String> = names.iter().map(|name| format!("'{}'", file(name).display())).collect();
        let text = format!("server_name: example.com\napp_service_config_files: [{}]\n", files.join(", "));
        fs::write(file("homeserver.yaml"), text).expect("written");
    };
    fs::write(file("homeserver.yaml"), "server_name: [\n").expect("written");
    let check = Check::start(home.path(), &["--synapse-config", "homeserver.yaml"]);
    check.says("error[syntax]");
    list(&["irc.yaml"]);
    check.says("1 file: 0 errors");
    list(&["irc.yaml", "tg.yaml"]);
    check.says("2 files: 0 errors");
    // A file that is listed, and not only the list.
    fs::write(file("tg.yaml"), registration("tg", "irc_tg_")).expect("written");
    check.says("2 files: 1 error");
    fs::write(file("tg.yaml"), registration("tg", "tg_")).expect("written");
    check.says("2 files: 0 errors");
    assert_eq!(check.ended_by("TERM"), Some(0));
}

#[test]
fn what_can_be_read_once_is_not_watched() {
    for (words, why) in [
        (["-", "--server-name", "example.com"], "- can be read once"),
        (["nowhere", "--server-name", "example.com"], "nowhere: there is no such directory or file"),
    ] {
        let home = tempfile::tempdir().expect("a temporary directory");
        let mut check = Check::start(home.path(), &words);
        check.complains(why);
        assert_eq!(check.child.wait().expect("it ends").code(), Some(64));
    }
}
