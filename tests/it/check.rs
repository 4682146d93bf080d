//! The commands that need no service, and their endpoints.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use super::support::{BINARY, Service, examples, registration};

fn bailiwick(arguments: &[&str]) -> Output {
    let root = env!("CARGO_MANIFEST_DIR");
    Command::new(BINARY).args(arguments).current_dir(root).env_clear().output().expect("it runs")
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

const EXAMPLES: [&str; 3] = ["examples/registrations", "--server-name", "example.com"];

fn check(arguments: &[&str]) -> Output {
    bailiwick(&[&["check"], &EXAMPLES[..], arguments].concat())
}

fn write(dir: &Path, id: &str, prefix: &str) {
    use std::os::unix::fs::PermissionsExt;
    let path = dir.join(format!("{id}.yaml"));
    let long = |text: &str| text.replace("token-of", "0123456789abcdef0123456789abcdef");
    std::fs::write(&path, long(&registration(id, prefix))).expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("closed to others");
}

#[test]
fn the_examples_collide_and_the_exit_code_says_so() {
    let output = check(&[]);
    assert_eq!(output.status.code(), Some(1));
    let text = text(&output);
    for line in [
        "error[exclusive-conflict]: `appservice-irc` and `heisenbridge` both claim `@irc_:example.com` exclusively",
        "examples/registrations/appservice-irc.yaml:13:14",
        "examples/registrations/heisenbridge.yaml:10:14",
        "witness: @irc_:example.com",
        "see: bailiwick explain exclusive-conflict",
        "8 files: 1 error",
    ] {
        assert!(text.contains(line), "`{line}` is not in\n{text}");
    }
    assert!(!text.contains("note["), "{text}");
    assert!(String::from_utf8_lossy(&check(&["--all"]).stdout).contains("note["));
    let allowed = check(&["--allow", "exclusive-conflict,readable-by-all"]);
    assert_eq!(allowed.status.code(), Some(0), "{allowed:?}");
    assert_eq!(check(&["--allow", "exclusive-conflict,readable-by-all", "--deny", "open-end"]).status.code(), Some(1));
    assert_eq!(check(&["--allow", "no-such-code"]).status.code(), Some(64));
    assert_eq!(bailiwick(&["check", "no/such/directory", "--server-name", "example.com"]).status.code(), Some(64));
}

#[test]
fn what_is_passed_over_beside_registrations_is_told() {
    let home = tempfile::tempdir().expect("a temporary directory");
    write(home.path(), "a", "a_");
    let run = || bailiwick(&["check", home.path().to_str().expect("UTF-8"), "--server-name", "example.com"]);
    assert!(run().stderr.is_empty(), "{:?}", run());
    std::fs::create_dir(home.path().join("more")).expect("made");
    std::fs::write(home.path().join("b.yaml.txt"), "").expect("written");
    let said = String::from_utf8_lossy(&run().stderr).into_owned();
    assert!(said.contains("note: ") && said.contains(": more") && said.contains(": b.yaml.txt"), "{said}");
    assert_eq!(run().status.code(), Some(0));
}

#[test]
fn placeholders_are_warned_of_in_regexes_too() {
    let home = tempfile::tempdir().expect("a temporary directory");
    for (at, (prefix, code)) in
        [("{{localpart}}_", "placeholder"), ("x_{userid}", "placeholder"), ("x$NAME_", "dead-entry"), ("y_{2}", "")]
            .into_iter()
            .enumerate()
    {
        write(home.path(), "a", prefix);
        let output = bailiwick(&["check", home.path().to_str().expect("UTF-8"), "--server-name", "example.com"]);
        assert_eq!(output.status.code(), Some(if code.is_empty() { 0 } else { 3 }), "{at} {output:?}");
        let said = text(&output);
        assert!(code.is_empty() || said.contains(&format!("[{code}]")) && said.contains("never filled in"), "{said}");
    }
}

#[test]
fn warnings_alone_have_a_code_of_their_own() {
    let home = tempfile::tempdir().expect("a temporary directory");
    write(home.path(), "a", "a_");
    let dir = home.path().to_str().expect("UTF-8");
    let run = || bailiwick(&["check", dir, "--server-name", "example.com"]);
    assert_eq!(run().status.code(), Some(0), "{:?}", run());
    std::fs::write(home.path().join("glob.yaml"), registration("glob", "glob_*$").replace("$.*", "")).expect("written");
    assert_eq!(run().status.code(), Some(3), "{:?}", run());
    std::fs::write(home.path().join("broken.yaml"), "id: [").expect("written");
    assert_eq!(run().status.code(), Some(1), "{:?}", run());
    assert!(text(&run()).contains("error[syntax]"), "{:?}", run());
}

#[test]
fn json_and_sarif_say_the_same() {
    let document = json_of(&check(&["--format", "json"]));
    let findings = document["findings"].as_array().expect("findings");
    assert_eq!(document["total"], findings.len());
    assert_eq!(findings[0]["code"], "exclusive-conflict");
    assert_eq!(findings[0]["relation"], "equal");
    let sarif = json_of(&check(&["--format", "sarif", "--all"]));
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    let results = run["results"].as_array().expect("results");
    assert_eq!(results.len(), findings.len());
    let rules: Vec<&Value> =
        run["tool"]["driver"]["rules"].as_array().expect("rules").iter().map(|rule| &rule["id"]).collect();
    for result in results {
        assert!(rules.contains(&&result["ruleId"]), "{result}");
        let region = &result["locations"][0]["physicalLocation"]["region"];
        assert!(region["startLine"].as_u64() >= Some(1) && region["startColumn"].as_u64() >= Some(1), "{result}");
    }
}

#[test]
fn every_code_is_explained() {
    let findings = bailiwick::analysis::Code::ALL.iter().map(|code| (code.as_str(), "findings"));
    let faults = bailiwick::registration::FaultCode::ALL.iter().map(|code| (code.as_str(), "faults"));
    for (code, pages) in findings.chain(faults) {
        let page = format!("{}/docs/{pages}/{code}.md", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&page).unwrap_or_else(|error| panic!("{page}: {error}"));
        assert!(text.starts_with(&format!("# `{code}`")), "{page}");
        let explained = bailiwick(&["explain", code]);
        assert_eq!((explained.status.code(), &*self::text(&explained)), (Some(0), &*text));
    }
    assert!(text(&bailiwick(&["explain"])).contains("| [`nothing-found`]"));
    let unknown = bailiwick(&["explain", "no-such-code"]);
    assert_eq!(unknown.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("exclusive-conflict"), "{unknown:?}");
}

#[test]
fn owner_explains() {
    let output = bailiwick(&["owner", "@irc_x:example.com", "#none:example.com", "--dir", "examples/registrations"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = text(&output);
    assert!(text.contains("@irc_x:example.com (user): contested"), "{text}");
    assert!(text.contains("> appservice-irc: exclusive, `@irc_.*:example\\.com`"), "{text}");
    assert!(text.contains("#none:example.com (alias): unclaimed"), "{text}");
    assert_eq!(bailiwick(&["owner", "none", "--dir", "examples/registrations"]).status.code(), Some(64));
}

#[test]
fn diff_says_what_changes_hands() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let (old, new) = (home.path().join("old"), home.path().join("new"));
    for dir in [&old, &new] {
        std::fs::create_dir(dir).expect("a directory");
        write(dir, "a", "a_");
    }
    let run = || {
        bailiwick(&["diff", old.to_str().expect("UTF-8"), new.to_str().expect("UTF-8"), "--server-name", "example.com"])
    };
    assert_eq!((run().status.code(), text(&run()).as_str()), (Some(0), "no ID changes hands\n"));
    write(&new, "b", "b_");
    assert!(text(&run()).contains("+ `b` holds users such as `@b_:example.com`"), "{:?}", run());
    assert_eq!(run().status.code(), Some(0));
    write(&new, "b", "a_b");
    assert_eq!(run().status.code(), Some(1));
    assert!(text(&run()).contains("! `a` and `b` both claim `@a_b:example.com` exclusively"), "{:?}", run());
    // A service that loses its IDs is told by the exit code, and so is a file that cannot be loaded.
    std::fs::remove_file(new.join("b.yaml")).expect("removed");
    std::fs::remove_file(new.join("a.yaml")).expect("removed");
    write(&new, "c", "c_");
    assert_eq!(run().status.code(), Some(3), "{:?}", run());
    assert!(text(&run()).contains("- `a` no longer holds users such as"), "{:?}", run());
    std::fs::write(new.join("broken.yaml"), "id: [").expect("written");
    assert_eq!(run().status.code(), Some(1), "{:?}", run());
    let (old, new) = (old.to_str().expect("UTF-8"), new.to_str().expect("UTF-8"));
    let difference = json_of(&bailiwick(&["diff", old, new, "--server-name", "example.com", "--format", "json"]));
    assert_eq!((&difference["complete"], &difference["left_out"][0]["new"]), (&json!(false), &json!(true)));
    assert_eq!(difference["left_out"][0]["errors"][0]["code"], "syntax");
}

#[test]
fn a_check_whose_client_has_left_makes_room_for_the_next() {
    let service = Service::start(&[&examples()]);
    drop(forty_hogs(&service));
    let new = registration("newcomer", "telegram_x");
    assert_eq!(service.request("POST", "/v1/check", new.as_bytes()).status, 200);
}

/// Whoever comes through the socket is another client than whoever sends forty, and waits for one of those at most: were
/// it for all, it would be too late.
#[test]
fn who_sends_one_check_does_not_wait_behind_all_of_another() {
    let service = Service::start(&[&examples()]);
    let _they_stay = forty_hogs(&service);
    let new = registration("newcomer", "telegram_x");
    assert_eq!(service.request("POST", "/v1/check", new.as_bytes()).status, 200);
}

/// Forty checks that are on their way. Each takes five seconds, two at a time: far longer than a request may take.
fn forty_hogs(service: &Service) -> Vec<std::net::TcpStream> {
    use std::io::Write;
    let new = registration("newcomer", "telegram_x");
    let (head, _) = new.split_once("namespaces:").expect("namespaces");
    let hog = (0..2_000)
        .fold(String::new(), |hog, at| hog + &format!("    - {{exclusive: true, regex: '@.*a.{{60}}{at}'}}\n"));
    let hog = format!("{head}namespaces:\n  users:\n{hog}");
    let request = format!(
        "POST /v1/check HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/yaml\r\ncontent-length: {}\r\n\r\n{hog}",
        hog.len()
    );
    let send = |_| {
        let mut client = std::net::TcpStream::connect(service.addresses()[0]).expect("a connection");
        client.write_all(request.as_bytes()).expect("sent");
        client
    };
    (0..40).map(send).collect()
}

#[test]
fn a_check_of_nothing_is_not_a_success() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let dir = home.path().to_str().expect("UTF-8");
    let said = |dir: &str| {
        let output = bailiwick(&["check", dir, "--server-name", "example.com"]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        text(&output)
    };
    assert!(said(dir).contains("error[nothing-found]: there is nothing to check"), "{}", said(dir));
    let check = |arguments: &[&str]| bailiwick(&[&["check", dir, "--server-name", "example.com"], arguments].concat());
    assert_eq!(check(&["--allow", "nothing-found"]).status.code(), Some(0));
    assert_eq!(json_of(&check(&["--format", "json"]))["findings"][0]["code"], "nothing-found");
    let sarif = json_of(&check(&["--format", "sarif"]));
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "nothing-found");
    // Synapse would start with this, and load no service.
    let config = home.path().join("homeserver.conf");
    std::fs::write(&config, "server_name: example.com\napp_service_config_files: []\n").expect("written");
    let output = bailiwick(&["check", "--synapse-config", config.to_str().expect("UTF-8")]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text(&output).contains("no file is listed in app_service_config_files"), "{output:?}");
    std::fs::remove_file(config).expect("removed");
    std::fs::create_dir(home.path().join("telegram")).expect("a directory");
    write(&home.path().join("telegram"), "a", "a_");
    std::fs::write(home.path().join("registration"), registration("b", "b_")).expect("written");
    for what in ["sub-directories", "telegram", "neither in .yaml nor in .yml", ": registration"] {
        assert!(said(dir).contains(what), "{what}: {}", said(dir));
    }
    assert_eq!(
        bailiwick(&["check", &format!("{dir}/telegram"), "--server-name", "example.com"]).status.code(),
        Some(0)
    );
    // A service says it as well, but serves: what is there may come later.
    let service = Service::start(&[home.path()]);
    for what in ["no registration was found", "sub-directories", "telegram", ": registration"] {
        // It is ready before it has said everything.
        service.wait(&format!("to say: {what}"), |service| service.log().contains(what));
    }
}

#[test]
fn the_service_finds_the_same_and_checks_what_it_is_sent() {
    let service = Service::start(&[&examples()]);
    service.wait("to compare", |service| service.get("/v1/conflicts").status == 200);
    let conflicts = service.get("/v1/conflicts").json();
    let printed = json_of(&check(&["--format", "json"]));
    let codes = |findings: &Value| -> Vec<Value> {
        findings.as_array().expect("findings").iter().map(|finding| finding["code"].clone()).collect()
    };
    assert_eq!(codes(&conflicts["findings"]), codes(&printed["findings"]));
    let one = service.get("/v1/conflicts?severity=error&as_id=heisenbridge&limit=1").json();
    assert_eq!((&one["total"], &one["truncated"]), (&json!(1), &json!(false)));
    assert_eq!(service.get("/v1/conflicts?severity=fatal").status, 400);
    assert_eq!(
        service.metric("bailiwick_findings{code=\"exclusive-conflict\",severity=\"error\"}").as_deref(),
        Some("1")
    );

    let new = registration("newcomer", "telegram_x");
    let checked = service.request("POST", "/v1/check", new.as_bytes()).json();
    assert_eq!(checked["accepted"], true, "{checked}");
    let conflict = &checked["findings"][0];
    assert_eq!(
        (&conflict["code"], &conflict["witness"]),
        (&json!("exclusive-conflict"), &json!("@telegram_x:example.com"))
    );
    assert!(!checked.to_string().contains("token-of"), "{checked}");
    assert!(service.claimants("@telegram_x:example.com").iter().all(|id| id != "newcomer"), "it must not be kept");
    let refused =
        service.request("POST", "/v1/check", new.replace("exclusive: true", "exclusive: 1").as_bytes()).json();
    assert_eq!(refused["accepted"], false, "{refused}");
    assert_eq!(refused["errors"][0]["code"], "wrong-type", "{refused}");
    assert_eq!(service.request("POST", "/v1/check", b"").status, 400);
    assert_eq!(service.request("POST", "/v1/check", &vec![b'#'; 300 << 10]).status, 413);
    // What a stranger sends to exhaust the service is answered all the same.
    let bomb = new.replace("'@telegram_x.*'", "'@(?:a|b)*a(?:a|b){28}.*(?:.*x){9}'");
    assert_eq!(service.request("POST", "/v1/check", bomb.as_bytes()).json()["accepted"], true);
    let (head, _) = new.split_once("namespaces:").expect("namespaces");
    let many: String = (0..4_000).fold(String::new(), |many, at| {
        many + &format!("    - {{exclusive: {}, regex: '@.*a{{{at}}}.*'}}\n", at % 2 == 0)
    });
    let again = format!(
        "e: &e {{exclusive: true, regex: '@a.*b'}}\n{head}namespaces: {{users: [*e{}]}}",
        ", *e".repeat(20_000)
    );
    for hog in [format!("{head}namespaces:\n  users:\n{many}"), again] {
        let answer = service.request("POST", "/v1/check", hog.as_bytes());
        assert_eq!(answer.status, 200);
        // Which bound is met first depends on the machine: so many findings are listed, or the time is up.
        let text = answer.text();
        assert!(text.contains("that are not listed") || text.contains("not-compared"), "{text}");
        assert!(answer.body.len() < 1 << 20, "{}", answer.body.len());
    }
}

#[test]
fn a_configuration_that_synapse_refuses_is_said_in_the_format_asked_for() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let config = home.path().join("homeserver.yaml");
    std::fs::write(&config, "server_name: example.com\napp_service_config_files: telegram.yaml\n").expect("written");
    let check = |format| {
        let config = config.to_str().expect("UTF-8");
        let output = bailiwick(&["check", "--synapse-config", config, "--format", format]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        output
    };
    let document = json_of(&check("json"));
    assert!(document["problem"].as_str().is_some_and(|problem| problem.contains("homeserver.yaml:2:27")), "{document}");
    assert_eq!((&document["snapshot"], &document["complete"]), (&Value::Null, &json!(false)));
    let error = &document["files"][0]["errors"][0];
    assert_eq!((&error["code"], &error["line"], &error["column"]), (&json!("wrong-type"), &json!(2), &json!(27)));
    let run = &json_of(&check("sarif"))["runs"][0];
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    let said = &run["invocations"][0]["toolConfigurationNotifications"][0]["message"]["text"];
    assert!(said.as_str().is_some_and(|said| said.contains("homeserver.yaml:2:27")), "{said}");
    assert_eq!((&run["results"][0]["ruleId"], &run["results"][0]["level"]), (&json!("wrong-type"), &json!("error")));
    let people = text(&check("human"));
    assert!(people.contains("error[wrong-type]: app_service_config_files is a string"), "{people}");
    assert!(people.contains("homeserver.yaml:2:27\n"), "{people}");
    // What the command line lacks is another thing than what the file does, and is said as well.
    std::fs::write(&config, "app_service_config_files: []\n").expect("written");
    let nameless = bailiwick(&["check", "--synapse-config", config.to_str().expect("UTF-8"), "--format", "json"]);
    assert_eq!(nameless.status.code(), Some(64), "{nameless:?}");
    let problem = &json_of(&nameless)["problem"];
    assert!(problem.as_str().is_some_and(|problem| problem.contains("server_name is missing")), "{problem}");
}

#[test]
fn what_owner_leaves_out_is_said() {
    let home = tempfile::tempdir().expect("a temporary directory");
    write(home.path(), "a", "a_");
    let dir = home.path().to_str().expect("UTF-8");
    let owner = |format| bailiwick(&["owner", "@a_x:example.com", "--dir", dir, "--format", format]);
    assert_eq!(owner("human").status.code(), Some(0));
    assert_eq!(json_of(&owner("json"))["complete"], true);
    std::fs::write(home.path().join("broken.yaml"), "id: [").expect("written");
    for format in ["human", "json"] {
        let output = owner(format);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("broken.yaml cannot be loaded"), "{output:?}");
    }
    let answer = json_of(&owner("json"));
    assert_eq!((&answer["complete"], &answer["results"][0]["owner"]), (&json!(false), &json!("a")));
    assert_eq!(answer["left_out"][0]["errors"][0]["code"], "syntax");
}

#[test]
fn who_stops_reading_ends_a_command_quietly() {
    let home = tempfile::tempdir().expect("a temporary directory");
    write(home.path(), "a", "a_");
    let dir = home.path().to_str().expect("UTF-8");
    let commands: [(&[&str], i32); 8] = [
        (&["check", EXAMPLES[0], EXAMPLES[1], EXAMPLES[2]], 1),
        (&["check", EXAMPLES[0], EXAMPLES[1], EXAMPLES[2], "--format", "json"], 1),
        (&["check", EXAMPLES[0], EXAMPLES[1], EXAMPLES[2], "--format", "sarif"], 1),
        (&["owner", "@irc_x:example.com", "--dir", EXAMPLES[0]], 0),
        (&["diff", EXAMPLES[0], dir, EXAMPLES[1], EXAMPLES[2]], 3),
        (&["openapi"], 0),
        (&["--help"], 0),
        (&["--version"], 0),
    ];
    for (command, code) in commands {
        let run = |stdout: std::process::Stdio| {
            let mut bailiwick = Command::new(BINARY);
            bailiwick.args(command).current_dir(env!("CARGO_MANIFEST_DIR")).env_clear().stdout(stdout);
            bailiwick.output().expect("it runs")
        };
        // A pipe that nobody reads from.
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let ended = run(writer.into());
        assert_eq!((ended.status.code(), &*ended.stderr), (Some(code), &b""[..]), "{command:?}: {ended:?}");
        // What cannot be written for another reason must not pass for the whole.
        if !command[0].starts_with('-') {
            let full = std::fs::File::options().write(true).open("/dev/full").expect("a device");
            let ended = run(full.into());
            assert_eq!(ended.status.code(), Some(70), "{command:?}: {ended:?}");
        }
    }
}

#[test]
fn a_variable_that_has_a_part_in_an_error_is_named() {
    let run = |variable: &str, value: &str, arguments: &[&str]| {
        let mut bailiwick = Command::new(BINARY);
        let output = bailiwick.args(arguments).env_clear().env(variable, value).output().expect("it runs");
        assert_eq!(output.status.code(), Some(64), "{output:?}");
        String::from_utf8(output.stderr).expect("UTF-8")
    };
    for (variable, value, arguments) in [
        ("BAILIWICK_FORMAT", "sarif", &["owner", "@x:example.com", "--dir", "."][..]),
        ("BAILIWICK_LISTEN", "8790", &["serve", ".", "--server-name", "example.com"]),
    ] {
        let said = run(variable, value, arguments);
        assert!(said.contains(&format!("{variable} is set in the environment")), "{said}");
    }
    let both = run("BAILIWICK_DIRS", "/nowhere", &["serve", "--synapse-config", "homeserver.yaml"]);
    assert!(both.contains("BAILIWICK_DIRS") && both.contains("leave one of them out"), "{both}");
    assert!(run("BAILIWICK_LISTEN", "8790", &["health"]).contains("such as 127.0.0.1:8790"));
    let said = run("BAILIWICK_LISTEN", "8790", &["check", "."]);
    assert!(!said.contains("BAILIWICK_LISTEN"), "{said}");
}

/// A shell makes a pipe of what another program writes.
#[test]
fn what_comes_through_a_pipe_is_checked() {
    let run = |line: &str| {
        let mut shell = Command::new("bash");
        let output = shell.args(["-c", line, BINARY]).current_dir(env!("CARGO_MANIFEST_DIR")).env_clear();
        let output = output.env("BAILIWICK_SERVER_NAME", "example.com").output().expect("it runs");
        (output.status.code(), text(&output) + &String::from_utf8_lossy(&output.stderr))
    };
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), registration("irc", "irc_").replace("url:", "URL:")).expect("written");
    let file = file.path().display();
    for (line, name) in [
        (format!("cat < {file} | \"$0\" check -"), "<stdin>:"),
        (format!("\"$0\" check - < {file}"), "<stdin>:"),
        (format!("cat < {file} | \"$0\" check /dev/stdin"), "/dev/stdin:"),
        (format!("\"$0\" check examples/registrations <(cat < {file}) examples"), "/dev/fd/"),
    ] {
        let (code, said) = run(&line);
        assert!(said.contains(name) && said.contains("does not know `URL`"), "{line}: {said}");
        assert_eq!(code, Some(1), "{line}: {said}");
    }
    for line in ["check - -", "check - /dev/stdin", "diff - -"] {
        let twice = run(&format!("\"$0\" {line} < /dev/null"));
        assert!(twice.0 == Some(64) && twice.1.contains("more than once"), "{twice:?}");
    }
    let served = run("\"$0\" serve - --listen 127.0.0.1:0 < /dev/null");
    assert!(served.0 == Some(64) && served.1.contains("a service cannot watch"), "{served:?}");
    let empty = run("\"$0\" check - < /dev/null");
    assert!(empty.0 == Some(1) && empty.1.contains("the file is empty"), "{empty:?}");
    let moved = run(&format!("sed s/URL:/url:/ {file} | \"$0\" diff - --to dendrite"));
    assert!(moved.0 != Some(64) && !moved.1.contains("cannot be loaded"), "{moved:?}");
}

#[test]
fn a_variable_that_no_setting_is_called_like_is_named() {
    let mut check = Command::new(BINARY);
    let check = check.args(["explain", "syntax"]).env_clear().env("BAILIWICK_SERVERNAME", "secret");
    let said = String::from_utf8(check.output().expect("it runs").stderr).expect("UTF-8");
    assert!(said.contains("note: BAILIWICK_SERVERNAME is set") && said.contains("BAILIWICK_SERVER_NAME?"), "{said}");
    assert!(!said.contains("secret"), "{said}");
    // A service says it in its log, before it listens.
    let home = tempfile::tempdir().expect("a temporary directory");
    let mut serve = Command::new(BINARY);
    serve.arg("serve").arg(home.path()).args(["--server-name", "example.com", "--listen", "127.0.0.1:0"]);
    let mut serve = serve.env_clear().env("BAILIWICK_DIR", "x").stderr(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(serve.stderr.take().expect("a pipe")).lines().map_while(Result::ok);
    let said = lines.find(|line| line.contains("BAILIWICK_DIR") || line.contains("bailiwick serves"));
    serve.kill().expect("killed");
    serve.wait().expect("ended");
    let said = said.expect("it says something");
    assert!(said.contains("WARN") && said.contains("did you mean BAILIWICK_DIRS?"), "{said}");
}

/// Paths of this system are bytes. What is no UTF-8 in them is shown by its bytes, so that two files never look alike.
#[test]
fn a_path_that_is_no_utf_8_is_a_path() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let home = tempfile::tempdir().expect("a temporary directory");
    let dir = home.path().join(OsStr::from_bytes(b"bridg\xe9s"));
    std::fs::create_dir(&dir).expect("a directory");
    write(&dir, "a", "a_");
    for name in [&b"\xff.yaml"[..], b"\xfe.yaml"] {
        std::fs::write(dir.join(OsStr::from_bytes(name)), "id: [").expect("written");
    }
    let run = |arguments: &[&OsStr]| {
        let mut bailiwick = Command::new(BINARY);
        bailiwick.args(arguments).args(["--server-name", "example.com"]).env_clear().output().expect("it runs")
    };
    let word = OsStr::new;
    let printed = text(&run(&[word("check"), dir.as_os_str()]));
    for shown in ["bridg\\xe9s/\\xfe.yaml:1:6", "bridg\\xe9s/\\xff.yaml:1:6"] {
        assert!(printed.contains(shown), "{shown}: {printed}");
    }
    let document = json_of(&run(&[word("check"), dir.as_os_str(), word("--format"), word("json")]));
    let files: Vec<&Value> = document["files"].as_array().expect("files").iter().map(|file| &file["file"]).collect();
    assert_eq!(files.len(), 3, "{document}");
    let sarif = json_of(&run(&[word("check"), dir.as_os_str(), word("--format"), word("sarif")]));
    let place = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert!(place.as_str().is_some_and(|uri| uri.ends_with("bridg%5Cxe9s/%5Cxfe.yaml")), "{place}");
    let owner = run(&[word("owner"), word("@a_x:example.com"), word("--dir"), dir.as_os_str()]);
    assert!(text(&owner).contains("owned by `a`"), "{owner:?}");
    let service = Service::start(&[&dir]);
    assert_eq!(service.claimants("@a_x:example.com"), ["a"]);
    let listed = service.get("/v1/registrations").text();
    assert!(listed.contains(r"bridg\\xe9s/\\xff.yaml"), "{listed}");
}
