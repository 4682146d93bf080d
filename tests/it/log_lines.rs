//! What a running service says by itself, without being asked.

use std::fs;

use crate::support::{Service, registration};

fn lines(service: &Service, holding: &str) -> Vec<String> {
    service.log().lines().filter(|line| line.contains(holding)).map(str::to_owned).collect()
}

#[test]
fn a_new_collision_is_told_once_with_both_files() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let path = |name: &str| home.path().join(name);
    fs::write(path("a.yaml"), registration("irc", "irc_")).expect("written");
    let service = Service::start(&[home.path()]);
    service.wait("to compare", |service| lines(service, "compared").len() == 1);
    assert!(lines(&service, "collide").is_empty(), "{}", service.log());
    fs::write(path("b.yaml"), registration("other", "irc_x")).expect("written");
    service.wait("to tell", |service| !lines(service, "registrations collide").is_empty());
    let told = lines(&service, "registrations collide").remove(0);
    assert!(told.contains("WARN") && told.contains("a.yaml:") && told.contains("b.yaml:"), "{told}");
    let compared = lines(&service, "compared").pop().expect("a line");
    assert!(compared.contains("errors=1 warnings=") && compared.contains("notes="), "{compared}");
    // Another file, and a comment that moves the lines: the collision is the same as before.
    fs::write(path("c.yaml"), registration("third", "third_")).expect("written");
    let moved = format!("# A comment.\n{}", registration("irc", "irc_"));
    fs::write(path("a.yaml"), moved).expect("written");
    service.wait("to compare again", |service| {
        service.claimants("@third_:example.com") == ["third"]
            && service.get("/v1/conflicts").text().contains("\"line\":8")
    });
    assert_eq!(lines(&service, "registrations collide").len(), 1, "{}", service.log());
}

#[test]
fn who_asks_for_a_reload_finds_in_the_log_what_came_of_it() {
    let home = tempfile::tempdir().expect("a temporary directory");
    fs::write(home.path().join("a.yaml"), registration("irc", "irc_")).expect("written");
    let service = Service::start(&[home.path()]);
    assert_eq!(service.request("POST", "/-/reload", b"").status, 200);
    service.wait("to say so", |service| {
        lines(service, "nothing has changed").iter().any(|line| line.contains("INFO") && line.contains("\"request\""))
    });
    service.signal("-HUP");
    service.wait("to say so", |service| {
        lines(service, "nothing has changed").iter().any(|line| line.contains("INFO") && line.contains("\"signal\""))
    });
}

#[test]
fn a_lost_directory_is_one_event_and_not_one_for_each_file() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let (here, away) = (home.path().join("here"), home.path().join("away"));
    fs::create_dir(&here).expect("made");
    for at in 0..20 {
        let id = format!("bridge{at}");
        fs::write(here.join(format!("{id}.yaml")), registration(&id, &format!("{id}_"))).expect("written");
    }
    let service = Service::start(&[&here]);
    fs::rename(&here, &away).expect("renamed");
    service.wait("to say it", |service| !lines(service, "17 more files").is_empty());
    assert_eq!(lines(&service, "file cannot be loaded").len(), 3, "{}", service.log());
    fs::rename(&away, &here).expect("renamed");
    service.wait("to say it", |service| lines(service, "17 more files").len() == 2);
    assert_eq!(lines(&service, "file is in force again").len(), 3, "{}", service.log());
}
