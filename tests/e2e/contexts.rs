//! Contexts: several control planes, and commands that go where they should.

use std::path::Path;

use nasiko_tests::{Resident, eventually, example, faults::error_of, program};
use serde_json::Value;

const NO_ENGINE: &str = "unix:///nonexistent/docker.sock";

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn agents(resident: &Resident, words: &[&str]) -> Vec<String> {
    let rows = resident.json(&[words, &["ps"]].concat());
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| row["name"].as_str().unwrap().to_owned())
        .collect()
}

fn row<'a>(list: &'a Value, name: &str) -> &'a Value {
    let mut rows = list.as_array().unwrap().iter();
    rows.find(|row| row["name"] == name).unwrap()
}

#[test]
fn each_context_has_a_control_plane_and_agents_of_its_own() {
    let here = Resident::prepared(NO_ENGINE, &[]);
    let work = Resident::prepared(NO_ENGINE, &[]);
    let greeter = example("greeter");
    let deploy = |words: &[&str], name: &str| {
        let rest = ["deploy", text(&greeter), "--name", name];
        here.run(&[words, &rest].concat()).ok();
    };

    assert_eq!(here.json(&["context", "list"])[0]["name"], "local");
    let added = here.json(&[
        "context",
        "add",
        "work",
        text(work.home()),
        "--color",
        "rose",
    ]);
    assert_eq!(added["current"], false, "{added:#}");
    deploy(&[], "at-home");
    deploy(&["--context", "work"], "at-work");
    assert_eq!(agents(&here, &[]), ["at-home"]);
    assert_eq!(agents(&here, &["--context", "work"]), ["at-work"]);

    // What was chosen counts for every command, and what is named with one counts more.
    here.run(&["context", "use", "work"]).ok();
    assert_eq!(agents(&here, &[]), ["at-work"]);
    assert_eq!(agents(&here, &["--context", "local"]), ["at-home"]);
    let by_environment = here
        .command(&["ps", "--json"])
        .env("NASIKO_CONTEXT", "local")
        .output()
        .unwrap();
    let rows: Value = serde_json::from_slice(&by_environment.stdout).unwrap();
    assert_eq!(rows[0]["name"], "at-home");
    let status = here.json(&["status"]);
    assert_eq!(status["context"], "work");
    assert_ne!(
        status["pid"],
        here.json(&["--context", "local", "status"])["pid"]
    );
    // Whoever looks from there finds the same one under its own name.
    assert_eq!(status["pid"], work.json(&["status"])["pid"]);

    let list = here.json(&["list-clusters"]);
    assert_eq!(list, here.json(&["context", "list"]), "the older spelling");
    assert_eq!(row(&list, "work")["current"], true);
    assert_eq!(row(&list, "work")["color"], "rose");
    assert_eq!(row(&list, "local")["place"], text(here.home()));

    // A context that is forgotten takes nothing with it.
    here.run(&["context", "rm", "work"]).ok();
    assert_eq!(agents(&here, &[]), ["at-home"]);
    assert_eq!(agents(&work, &[]), ["at-work"]);
    let unknown = here.try_json(&["--context", "work", "ps"]);
    assert_eq!(unknown.code, 3);
    assert_eq!(error_of(&unknown)["code"], "not_found");
}

#[test]
fn what_ends_one_control_plane_leaves_the_other() {
    let here = Resident::prepared(NO_ENGINE, &[]);
    let work = Resident::prepared(NO_ENGINE, &[]);
    here.run(&["context", "add", "work", text(work.home()), "--use"])
        .ok();
    let started = here.json(&["up"]);
    assert!(work.home().join("endpoint.json").try_exists().unwrap());
    assert!(
        !here.home().join("endpoint.json").try_exists().unwrap(),
        "only the one in use is started"
    );
    here.run(&["--context", "local", "up"]).ok();
    here.run(&["down"]).ok();
    assert_eq!(here.json(&["status"])["running"], false);
    assert_eq!(
        here.json(&["--context", "local", "status"])["running"],
        true
    );
    // Its log is the one of that context.
    assert_ne!(started["pid"], here.json(&["up"])["pid"]);
    assert!(!here.run(&["logs"]).ok().stdout.is_empty());
}

#[test]
fn a_list_that_cannot_be_read_is_told_and_kept() {
    let here = Resident::prepared(NO_ENGINE, &[]);
    let file = here.home().join("contexts.json");
    std::fs::write(&file, "{").unwrap();
    let up = here.run(&["up"]).ok();
    assert!(up.stderr.contains("only `local` is known"), "{}", up.stderr);
    here.run(&["context", "use", "local"]).ok();
    let again = here.run(&["status"]).ok();
    assert!(!again.stderr.contains("contexts"), "{}", again.stderr);
    let aside = here.home().join("contexts.json.broken-1");
    assert_eq!(std::fs::read_to_string(aside).unwrap(), "{");
}

#[test]
fn a_control_plane_elsewhere_is_asked_with_its_own_token() {
    let mut there = Resident::prepared(NO_ENGINE, &[]);
    there.serve();
    let (address, token) = there.endpoint();
    let here = Resident::prepared(NO_ENGINE, &[]);
    let file = here.home().join("token");
    std::fs::write(&file, "wrong").unwrap();
    let private = |mode| {
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(mode))
            .unwrap();
    };
    private(0o644);
    here.run(&[
        "context",
        "add",
        "far",
        &address,
        "--token-file",
        text(&file),
        "--use",
    ])
    .ok();
    let refused = here.try_json(&["ps"]);
    assert_eq!(
        (refused.code, error_of(&refused)["code"].as_str()),
        (5, Some("auth.unauthenticated"))
    );
    assert!(
        refused.stdout.contains("Others may read"),
        "{}",
        refused.stdout
    );
    private(0o600);
    let refused = here.try_json(&["ps"]);
    assert_eq!(
        error_of(&refused)["code"],
        "auth.unauthenticated",
        "a wrong token"
    );
    std::fs::write(&file, token).unwrap();
    assert_eq!(here.json(&["status"])["pid"], there.pid());

    // What is about this machine is refused, with the way out.
    let folder = nasiko_tests::folder(&[("main.py", &program::saying("hello", ""))]);
    for words in [
        &["deploy", text(folder.path())][..],
        &["inspect", text(folder.path())],
        &["down"],
        &["logs"],
        &["serve"],
    ] {
        let refused = here.try_json(words);
        let error = error_of(&refused);
        assert_eq!(
            error["hint"], "Add `--context local`",
            "{words:?}: {error:#}"
        );
    }
    there.kill();
    eventually("it is not reachable", || {
        let gone = here.try_json(&["ps"]);
        (gone.code == 4).then_some(()).ok_or(gone.stdout)
    });
    let gone = here.try_json(&["up"]);
    assert_eq!(gone.code, 4, "what is elsewhere is not started from here");
    assert!(!here.home().join("endpoint.json").try_exists().unwrap());
}
