//! What other homeservers would answer, asked of the service and on the command line.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::dialects::{COLUMNS, registrations, table};
use super::support::{Service, registration};

/// The registrations of the table of decisions, in its order.
fn scene(arguments: &[&str]) -> (tempfile::TempDir, Service) {
    let home = tempfile::tempdir().expect("a temporary directory");
    for (at, one) in registrations().into_iter().enumerate() {
        fs::write(home.path().join(format!("{at}.yaml")), one.to_string()).expect("written");
    }
    let all = [&["--server-name", "example.com"], arguments].concat();
    let service = Service::start_with(&[home.path()], &all);
    (home, service)
}

/// A decision as the table has it; of Synapse the status is not told.
fn told(decision: &Value, expected: &str) -> String {
    match (decision["allowed"] == true, decision["account"].as_str()) {
        (true, None | Some("not_needed")) => "200".to_owned(),
        (true, Some("needed")) => "200 if there".to_owned(),
        (true, _) => "200 and made".to_owned(),
        (false, _) => {
            let status = decision["status"].as_u64().map(|status| status.to_string());
            let status = status.unwrap_or_else(|| expected.split(' ').next().unwrap_or_default().to_owned());
            format!("{status} {}", decision["errcode"].as_str().expect("a refusal has a code"))
        }
    }
}

/// The endpoint and the body that ask what a row is about; none for what no endpoint answers.
fn question(who: &str, what: &str, homeservers: &str) -> Option<(&'static str, Value)> {
    let (way, rest) = who.split_once(' ').unwrap_or((who, ""));
    let (as_id, user) = rest.split_once(" as ").map_or((rest, None), |(id, user)| (id, Some(user)));
    let as_id = (!as_id.is_empty()).then_some(as_id);
    let user = user.or(as_id.is_none().then_some("@alice:example.com"));
    let mut body = json!({"homeserver": homeservers});
    let mut set = |key: &str, value: Option<&str>| value.map(|value| body[key] = json!(value));
    set("as_id", as_id);
    let path = match way {
        "person" | "service" | "available" => {
            set("localpart", Some(what));
            body["as_typed"] = json!(way == "available");
            "/v1/may-register"
        }
        "alias" => {
            set("alias", Some(what));
            set("user_id", user);
            "/v1/may-create-alias"
        }
        "act" => {
            set("user_id", Some(what));
            "/v1/may-act"
        }
        "administrator" | "login" | "password" | "room" | "delete" => return None,
        _ => panic!("who is `{who}`?"),
    };
    Some((path, body))
}

#[test]
fn each_homeserver_decides_through_the_endpoints_as_its_source_says() {
    let (_home, service) = &scene(&[]);
    let (mut asked, mut wrong) = (0, Vec::new());
    for (who, what, answers, source) in table() {
        let Some((path, body)) = question(&who, &what, &COLUMNS.join(",")) else { continue };
        let answer = service.post(path, &body).json();
        let decisions = answer["homeservers"].as_array().unwrap_or_else(|| panic!("{who} | {what}: {answer}"));
        assert_eq!(decisions.len(), COLUMNS.len());
        for ((decision, column), expected) in decisions.iter().zip(COLUMNS).zip(&answers) {
            assert_eq!(decision["homeserver"], column);
            assert!(decision["because"]["source"].as_str().is_some_and(|source| !source.is_empty()), "{decision}");
            assert_eq!(decision["because"]["check"].is_null(), decision["allowed"] == true, "{decision}");
            asked += 1;
            if told(decision, expected) != *expected {
                wrong.push(format!("{column}: {who} | {what}: {decision}, not {expected}: {source}"));
            }
        }
        // What is served is answered as ever.
        assert_eq!(told(&answer, &answers[0]), answers[0], "{who} | {what}");
        assert_eq!(answer["snapshot"], service.status("snapshot"));
    }
    assert!(asked >= 200, "only {asked} decisions");
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn who_owns_an_id_elsewhere_is_told_with_what_is_not_loaded_there() {
    let (home, service) = &scene(&[]);
    let food = registration("food", "food_").replace("@food_", "@food_{[0-9]+}");
    fs::write(home.path().join("food.yaml"), food).expect("written");
    service.wait("the new file", |service| service.status("registrations")["active"] == 7);
    let of = |id: &str, homeservers: &str| {
        let id = id.replace('@', "%40").replace(':', "%3a").replace('!', "%21");
        service.get(&format!("/v1/owners?id={id}&homeserver={homeservers}")).json()
    };
    let answer = of("@mywebhookfan:example.com", "all");
    assert_eq!((&answer["status"], &answer["complete"]), (&json!("shared"), &json!(true)));
    let there = |answer: &Value, name: &str| {
        let mut all = answer["homeservers"].as_array().expect("a list").iter();
        all.find(|one| one["homeserver"] == name).cloned().unwrap_or_else(|| panic!("{name} in {answer}"))
    };
    assert_eq!(answer["homeservers"].as_array().map(Vec::len), Some(8));
    let synapse = there(&answer, "synapse");
    assert_eq!(
        (&synapse["in_force"], &synapse["loaded"], &synapse["not_loaded"]),
        (&json!(true), &json!(7), &json!([]))
    );
    assert_eq!(synapse["person"]["reason"], "shared");
    let tuwunel = there(&answer, "tuwunel");
    assert_eq!((&tuwunel["in_force"], &tuwunel["loaded"]), (&json!(false), &json!(6)));
    assert_eq!((&tuwunel["status"], &tuwunel["owner"]), (&json!("exclusive"), &json!("nosigil")));
    let fault = &tuwunel["not_loaded"][0]["faults"][0];
    assert_eq!((&fault["code"], &fault["consequence"]), (&json!("invalid-regex"), &json!("stops_here")));
    assert_eq!(
        (&tuwunel["person"]["allowed"], &tuwunel["person"]["because"]["check"]),
        (&json!(false), &json!("not_reserved"))
    );
    assert!(tuwunel["person"].get("claims").is_none(), "they stand beside it");
    let spec = there(&answer, "spec");
    assert_eq!((&spec["status"], &spec["undefined"]["status"]), (&json!("shared"), &json!("exclusive")));
    assert_eq!((&spec["person"]["allowed"], &spec["person"]["undefined"]["allowed"]), (&json!(false), &json!(true)));
    // An edit is seen at the next question, and nothing is held there that is gone.
    fs::remove_file(home.path().join("food.yaml")).expect("removed");
    assert_eq!(there(&of("!room:example.com", "tuwunel"), "tuwunel")["not_loaded"], json!([]));
    assert!(there(&of("!room:example.com", "tuwunel"), "tuwunel").get("person").is_none());
}

#[test]
fn only_who_may_know_about_files_asks_about_other_homeservers() {
    const TOKENS: [&str; 2] = ["register-token-0123456789", "read-token-0123456789"];
    let tokens = tempfile::NamedTempFile::new().expect("a file");
    fs::write(tokens.path(), format!("register {}\nread {}\n", TOKENS[0], TOKENS[1])).expect("written");
    let (_home, service) = &scene(&["--auth-token-file", tokens.path().to_str().expect("UTF-8")]);
    let asked = |token: &str, target: &str| {
        let head = format!("Host: localhost\r\nConnection: close\r\nAuthorization: Bearer {token}");
        service.send(format!("GET {target} HTTP/1.1\r\n{head}\r\n\r\n").as_bytes()).expect("an answer")
    };
    let target = "/v1/may-register?localpart=irc_a";
    assert_eq!(asked(TOKENS[0], target).status, 200);
    let with = format!("{target}&homeserver=all");
    assert_eq!((asked(TOKENS[0], &with).status, asked(TOKENS[1], &with).status), (403, 200));
    // Tokens are recognised by every homeserver, and stand in no answer.
    let answer = asked(TOKENS[1], &with).json().to_string();
    assert!(!answer.contains("as-token-of") && !answer.contains("hs-token-of"), "{answer}");
    let wrong = asked(TOKENS[1], &format!("{target}&homeserver=construct"));
    assert!(wrong.status == 400 && wrong.json()["error"].as_str().is_some_and(|error| error.contains("`all`")));
}

#[test]
fn a_service_says_whose_answers_it_gives() {
    let (_home, service) = &scene(&["--homeserver", "tuwunel"]);
    let answers_of = service.status("answers_of");
    assert_eq!(answers_of["homeserver"], "tuwunel");
    assert!(answers_of["release"].as_str().is_some_and(|release| release.starts_with("Tuwunel 1.9.0")), "{answers_of}");
    assert_eq!(service.metric("bailiwick_homeserver_info{homeserver=\"tuwunel\"}").as_deref(), Some("1"));
    let log = service.log();
    let first = log.lines().find(|line| line.contains("bailiwick serves")).expect("it says so");
    assert!(first.contains("tuwunel"), "{first}");
}

#[test]
fn a_registration_is_checked_as_each_homeserver_would_take_it() {
    let (_home, service) = &scene(&[]);
    let checked = |body: &str, homeservers: &str| {
        let target = format!("/v1/check?homeserver={homeservers}");
        // Within five seconds for all of them: a machine that has none to spare is asked again.
        let mut answers = std::iter::repeat_with(|| service.request("POST", &target, body.as_bytes())).take(20);
        let whole = answers.find(|answer| answer.status == 200 && !answer.text().contains("not-compared"));
        whole.expect("an answer that leaves nothing out").json()
    };
    let there = |answer: &Value, name: &str| {
        let mut all = answer["homeservers"].as_array().expect("a list").iter();
        all.find(|one| one["homeserver"] == name).cloned().unwrap_or_else(|| panic!("{name} in {answer}"))
    };
    let has =
        |of: &Value, code: &str| of["findings"].as_array().is_some_and(|all| all.iter().any(|one| one["code"] == code));

    // Loaded by two, refused by the others, and each says what becomes of it.
    let food = registration("food", "food_").replace("@food_", "@food_{[0-9]+}");
    let answer = checked(&food, "all");
    assert_eq!(
        (&answer["accepted"], &answer["complete"], answer["homeservers"].as_array().map(Vec::len)),
        (&json!(true), &json!(true), Some(8)),
        "{answer}"
    );
    for (name, accepted, consequence) in [
        ("synapse", true, Value::Null),
        ("dendrite", true, Value::Null),
        ("tuwunel", false, json!("stops_here")),
        ("continuwuity", false, json!("fails_at_later_starts")),
        ("conduit", false, json!("refuses_that_one")),
        ("palpo", false, json!("is_dead")),
    ] {
        let one = there(&answer, name);
        assert_eq!((&one["accepted"], &one["errors"][0]["consequence"]), (&json!(accepted), &consequence), "{one}");
        assert_eq!(one["in_force"], json!(name == "synapse"));
    }
    assert!(answer["portability"].as_array().is_some_and(|all| all.iter().any(|one| one["code"] == "portability")));

    // Beside the others: a name that one of them has there, and who may have what both hold.
    let irc = registration("irc2", "irc_").replace("exclusive: false", "exclusive: true");
    let answer = checked(&irc, "synapse,tuwunel");
    let [synapse, tuwunel] = ["synapse", "tuwunel"].map(|name| there(&answer, name));
    assert!(has(&synapse, "exclusive-conflict") && has(&tuwunel, "exclusive-conflict"), "{answer}");
    assert_eq!(answer["findings"], synapse["findings"]);
    let said = |of: &Value| {
        of["findings"]
            .as_array()
            .expect("findings")
            .iter()
            .find(|one| one["code"] == "exclusive-conflict")
            .expect("one")["message"]
            .clone()
    };
    assert!(said(&synapse).as_str().is_some_and(|said| said.contains("nobody can register")), "{synapse}");
    assert!(said(&tuwunel).as_str().is_some_and(|said| said.contains("either can register")), "{tuwunel}");
    let taken = registration("new", "new_").replace("as-token-of-new", "as-token-of-irc");
    let same = registrations()[0]["as_token"].as_str().expect("a token").to_owned();
    let taken = taken
        .lines()
        .map(|line| if line.starts_with("as_token:") { format!("as_token: {same}\n") } else { format!("{line}\n") });
    let answer = checked(&taken.collect::<String>(), "tuwunel,palpo");
    assert_eq!(
        (&answer["accepted"], &there(&answer, "tuwunel")["accepted"], &there(&answer, "palpo")["accepted"]),
        (&json!(false), &json!(false), &json!(true)),
        "{answer}"
    );
    assert!(!answer.to_string().contains(&same), "{answer}");

    // What is served needs no naming, and nothing is kept.
    assert_eq!(service.request("POST", "/v1/check", food.as_bytes()).json().get("homeservers"), None);
    assert_eq!(service.request("POST", "/v1/check?homeserver=construct", food.as_bytes()).status, 400);
    assert_eq!(service.status("registrations")["active"], 6);
}

#[test]
fn the_command_line_explains_what_each_homeserver_makes_of_the_files() {
    let home = tempfile::tempdir().expect("a temporary directory");
    fs::write(home.path().join("food.yaml"), registration("food", "food_").replace("@food_", "@food_{[0-9]+}"))
        .expect("written");
    fs::write(home.path().join("irc.yaml"), registration("irc", "irc_")).expect("written");
    let owner = |format: &str| {
        let arguments = ["owner", "@irc_a:example.com", "--homeserver", "synapse,tuwunel", "--format", format, "--dir"];
        let mut command = Command::new(env!("CARGO_BIN_EXE_bailiwick"));
        command.args(arguments).arg(home.path()).output().expect("it runs")
    };
    let output = owner("human");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let parts: Vec<&str> = text.split("\nTuwunel ").collect();
    assert!(parts.len() == 2 && parts[0].starts_with("Synapse ") && parts[0].contains("owned by `irc`"), "{text}");
    assert!(parts[1].contains("food.yaml") && parts[1].contains("would stop loading there"), "{text}");
    assert!(parts[1].contains("owned by `irc`"), "{text}");
    let answer: Value = serde_json::from_slice(&owner("json").stdout).expect("JSON");
    let [synapse, tuwunel] = [0, 1].map(|at| &answer["homeservers"][at]);
    assert_eq!((&synapse["homeserver"], &synapse["complete"]), (&json!("synapse"), &json!(true)));
    assert_eq!((&tuwunel["homeserver"], &tuwunel["complete"]), (&json!("tuwunel"), &json!(false)));
    assert_eq!(tuwunel["left_out"][0]["errors"][0]["consequence"], "stops_here");
    assert_eq!(tuwunel["results"][0]["owner"], "irc");
}
