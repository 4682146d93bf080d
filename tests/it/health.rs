//! `bailiwick health` asks whatever `bailiwick serve` was told, so that both may share one environment.

use std::fs;
use std::net::TcpListener;
use std::process::Command;

use super::support::{BINARY, Service, examples};

/// The exit code of `bailiwick health` in an environment, and what it says.
fn health(environment: &[(&str, &str)]) -> (Option<i32>, String) {
    let output = Command::new(BINARY).arg("health").env_clear().envs(environment.iter().copied()).output();
    let output = output.expect("it runs");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// An address that nobody listens on.
fn free() -> String {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").to_string()
}

#[test]
fn it_asks_where_health_is_answered() {
    let service = Service::start_with(&[&examples()], &["--server-name", "example.com", "--listen", "127.0.0.1:0"]);
    let addresses: Vec<String> = service.addresses().iter().map(ToString::to_string).collect();
    assert_eq!(health(&[("BAILIWICK_LISTEN", &addresses.join(","))]), (Some(0), String::new()));
    let socket = service.socket();
    let socket = socket.to_str().expect("UTF-8");
    assert_eq!(health(&[("BAILIWICK_UNIX_SOCKET", socket)]), (Some(0), String::new()));
    let (code, said) = health(&[("BAILIWICK_LISTEN", &free())]);
    assert_eq!(code, Some(1));
    assert!(said.contains("failed to reach"), "{said}");
}

#[test]
fn it_asks_the_address_for_operators_if_there_is_one() {
    let service = Service::spawn(&[&examples()], &["--server-name", "example.com", "--admin-listen", "127.0.0.1:0"]);
    service.wait("to serve", |service| service.log().contains("bailiwick serves"));
    let addresses = service.addresses();
    let [questions, admin] = [addresses[0], addresses[1]].map(|address| address.to_string());
    service.wait("to be ready", |_| {
        health(&[("BAILIWICK_LISTEN", &questions), ("BAILIWICK_ADMIN_LISTEN", &admin)]).0 == Some(0)
    });
    let (code, said) = health(&[("BAILIWICK_LISTEN", &questions)]);
    assert_eq!(code, Some(1), "no health is answered there");
    assert!(said.contains("--admin-listen"), "{said}");
}

#[test]
fn it_takes_the_certificate_of_the_service_and_no_other() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let write = |name: &str| {
        let made = rcgen::generate_simple_self_signed(vec!["names.example.com".to_owned()]).expect("a certificate");
        let (cert, key) = (home.path().join(format!("{name}.pem")), home.path().join(format!("{name}.key")));
        fs::write(&cert, made.cert.pem())
            .and_then(|()| fs::write(&key, made.signing_key.serialize_pem()))
            .expect("written");
        [cert, key].map(|path| path.to_str().expect("UTF-8").to_owned())
    };
    let [cert, key] = write("mine");
    let arguments = ["--server-name", "example.com", "--tls-cert", &cert, "--tls-key", &key];
    let service = Service::start_with(&[&examples()], &arguments);
    let address = service.addresses()[0].to_string();
    let asked = |certificate: &str| health(&[("BAILIWICK_LISTEN", &address), ("BAILIWICK_TLS_CERT", certificate)]);
    assert_eq!(asked(&cert), (Some(0), String::new()));
    let (code, said) = asked(&write("other")[0]);
    assert_eq!(code, Some(1));
    assert!(said.contains("another certificate"), "{said}");
}
