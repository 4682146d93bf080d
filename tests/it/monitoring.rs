//! What the service measures is shown and watched: each metric stands on the dashboard, and an alert reads it, or it is
//! said why not.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::support::{Service, examples};

/// Metrics that the dashboard does not show.
const NOT_SHOWN: [(&str, &str); 6] = [
    ("bailiwick_homeserver_info", "a name, which an option sets: for whoever asks why answers differ"),
    ("bailiwick_index_automata", "explains the size of the index to whoever works on it"),
    ("bailiwick_registration_bytes", "the memory of the process over the registrations, both of which are shown"),
    ("bailiwick_snapshot_generation", "counts within one process; which snapshots are in force is shown"),
    ("process_start_time_seconds", "a restart shows as a gap, and in all that is counted"),
    ("process_virtual_memory_bytes", "address space, which costs nothing; what is resident is shown"),
];

/// Metrics that no alert reads.
const NOT_ALERTED: [(&str, &str); 26] = [
    ("bailiwick_build_info", "a name"),
    (
        "bailiwick_decision_log_written_total",
        "any number of them is right; bailiwick_decision_log_dropped_total is watched",
    ),
    ("bailiwick_homeserver_info", "a name"),
    ("bailiwick_decisions_total", "what people ask, and what they are told, is no fault of the service"),
    ("bailiwick_failed_looks_total", "bailiwick_thread_healthy is 0 as long as looks fail"),
    (
        "bailiwick_findings_duration_seconds",
        "what is compared late makes no answer wrong; bailiwick_thread_healthy tells of a hang",
    ),
    ("bailiwick_http_malformed_requests_total", "whoever sends them can raise it at will"),
    ("bailiwick_http_waiting_requests", "to wait is what they are for, and how many may is bounded"),
    ("bailiwick_ids_asked_total", "any number of them is right; how long an answer takes is watched"),
    ("bailiwick_index_automata", "the memory of the process is watched"),
    ("bailiwick_index_bytes", "the memory of the process is watched"),
    ("bailiwick_namespaces", "any number of them is right"),
    ("bailiwick_registration_bytes", "the memory of the process is watched"),
    ("bailiwick_released_claims_total", "they were held before, and bailiwick_held_claims is watched"),
    ("bailiwick_reload_duration_seconds", "what matters is that looks end: bailiwick_last_look_timestamp_seconds"),
    ("bailiwick_reloads_total", "bailiwick_last_reload_successful is watched, and says how it is now"),
    ("bailiwick_snapshot_info", "a name; replicas may differ for as long as files take to arrive"),
    (
        "bailiwick_store_connected",
        "one that does not answer for a moment is no fault; bailiwick_store_confirmed_timestamp_seconds is watched",
    ),
    (
        "bailiwick_store_lock_held_seconds",
        "whoever holds it for long keeps others waiting, and bailiwick_store_lock_wait_seconds is watched",
    ),
    ("bailiwick_store_purged_revision", "how much of the past is kept is for whoever runs it to say"),
    ("bailiwick_store_registrations", "any number of them is right"),
    ("bailiwick_token_requests_total", "how much each client asks is no fault of the service"),
    (
        "process_cpu_seconds_total",
        "how much is right depends on the machine; bailiwick_http_request_duration_seconds is watched",
    ),
    ("process_start_time_seconds", "a restart is no fault; being down is watched"),
    ("process_threads", "bailiwick_thread_healthy names those that matter"),
    ("process_virtual_memory_bytes", "address space, which costs nothing; what is resident is watched"),
];

#[test]
fn the_dashboard_shows_every_metric() {
    let dashboard = read("deploy/grafana/bailiwick.json");
    let queries: Vec<&str> =
        dashboard.lines().filter(|line| line.contains("\"expr\":") || line.contains("\"definition\":")).collect();
    all_are_read("the dashboard", &queries.join("\n"), &NOT_SHOWN);
}

#[test]
fn an_alert_reads_every_metric() {
    let alerts = read("deploy/prometheus/alerts.yml");
    // What stands behind the annotations is prose, which may name what is not read.
    let expressions: Vec<&str> =
        alerts.split("- alert:").skip(1).filter_map(|alert| alert.split("annotations:").next()).collect();
    let code = expressions
        .join("\n")
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .collect::<Vec<_>>()
        .join("\n");
    all_are_read("an alert", &code, &NOT_ALERTED);
}

/// Each metric is read, or stands in the list, and none both.
fn all_are_read(reader: &str, text: &str, exceptions: &[(&str, &str)]) {
    let read = |metric: &str| {
        let parts = ["", "_bucket", "_sum", "_count"].map(|part| format!("{metric}{part}"));
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        words.into_iter().any(|word| parts.iter().any(|part| part == word))
    };
    let metrics = metrics();
    for metric in &metrics {
        let excepted = exceptions.iter().any(|(name, _)| name == metric);
        assert!(read(metric) != excepted, "{metric}: {reader} reads it, or it is said why not; not both");
    }
    for (name, _) in exceptions {
        assert!(metrics.contains(*name), "{name} is no metric any more");
    }
}

/// All metrics: of a service that has all but a store, and of one that has a store, which need not answer.
fn metrics() -> BTreeSet<String> {
    let with_store =
        Service::spawn(&[], &["--server-name", "example.com", "--store", "postgres://nobody@127.0.0.1:1/none"]);
    let text = with_store.get("/metrics").text();
    assert!(text.contains("bailiwick_store_connected 0"), "{text}");
    let mut metrics = metrics_without_store();
    metrics.extend(names(&text));
    metrics
}

fn names(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).map(str::to_owned)
}

/// All metrics of a service that has everything that can be measured.
fn metrics_without_store() -> BTreeSet<String> {
    let home = tempfile::tempdir().expect("a temporary directory");
    let path = |name: &str| home.path().join(name).to_str().expect("UTF-8").to_owned();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    fs::write(path("key"), made.signing_key.serialize_pem()).expect("written");
    fs::write(path("cert"), made.cert.pem()).expect("written");
    fs::write(path("tokens"), "admin 0123456789abcdef0123456789abcdef\n").expect("written");
    fs::set_permissions(path("tokens"), fs::Permissions::from_mode(0o600)).expect("closed to others");
    let [cert, key, tokens, state, log] = ["cert", "key", "tokens", "state", "decisions"].map(path);
    let name = ["--server-name", "example.com", "--state-dir", &state, "--decision-log", &log];
    let files = ["--tls-cert", &cert, "--tls-key", &key, "--auth-token-file", &tokens];
    let service = Service::start_with(&[&examples()], &[&name[..], &files].concat());
    let asked = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
                  Authorization: Bearer 0123456789abcdef0123456789abcdef\r\n\r\n";
    let text = service.send(asked).expect("an answer").text();
    let metrics: BTreeSet<String> = names(&text).collect();
    assert!(metrics.contains("bailiwick_tokens_good") && metrics.contains("bailiwick_certificates_good"), "{text}");
    metrics
}

fn read(path: &str) -> String {
    fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR")))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}
