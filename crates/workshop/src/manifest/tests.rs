use nasiko_contract::{ErrorCode, Fault};

use super::*;

/// The example of the specification, whole.
const FULL: &str = r#"
[agent]
name = "invoice-reader"
description = "Reads invoices"
runtime = "docker"

[run]
command = ["python", "-m", "reader", "--port", "$PORT"]
port = 8000
ready = "/health"
start_timeout = "60s"
stop_timeout = "500ms"
restart = "on-failure"

[env]
LOG_LEVEL = "info"
WORKERS = 2
DEBUG = false

[build]
dockerfile = "Dockerfile"
context = "."
args = { VERSION = "1" }

[dev]
ignore = ["notebooks/"]
sync = [{ from = "src/", to = "/app/src/" }]
restart = true
preload = ["uvicorn", "a2a.types"]
"#;

#[test]
fn every_key_of_the_specification_is_read() {
    let manifest = Manifest::parse(FULL).unwrap();
    assert_eq!(manifest.agent.name.as_deref(), Some("invoice-reader"));
    assert_eq!(manifest.agent.runtime, Some(RuntimeKind::Docker));
    assert_eq!(
        manifest.run.command.as_deref().map(<[String]>::len),
        Some(5)
    );
    assert_eq!(manifest.run.start_timeout, Some(Duration::from_secs(60)));
    assert_eq!(manifest.run.stop_timeout, Some(Duration::from_millis(500)));
    assert_eq!(manifest.run.restart, Some(RestartPolicy::OnFailure));
    assert_eq!(manifest.env.get("WORKERS").map(String::as_str), Some("2"));
    assert_eq!(manifest.env.get("DEBUG").map(String::as_str), Some("false"));
    assert_eq!(
        manifest.build.args.get("VERSION").map(String::as_str),
        Some("1")
    );
    assert_eq!(
        manifest.dev.sync.first().map(|rule| rule.to.as_str()),
        Some("/app/src/")
    );
    assert_eq!(
        manifest.dev.preload,
        Some(PreloadRule::Modules(vec![
            "uvicorn".to_owned(),
            "a2a.types".to_owned()
        ]))
    );
}

#[test]
fn what_is_preloaded_is_a_choice_or_a_list() {
    let preload = |text: &str| Manifest::parse(text).map(|manifest| manifest.dev.preload);
    assert_eq!(preload("[dev]").unwrap(), None);
    for choice in [true, false] {
        let read = preload(&format!("[dev]\npreload = {choice}")).unwrap();
        assert_eq!(read, Some(PreloadRule::Imports(choice)));
    }
    let error = preload("[dev]\npreload = 3").unwrap_err().to_string();
    assert!(error.contains("list of modules"), "{error}");
}

#[test]
fn the_empty_file_is_the_default() {
    assert_eq!(Manifest::parse("").unwrap(), Manifest::default());
}

#[test]
fn an_unknown_key_is_named_with_its_line() {
    let fault = Fault::from(Manifest::parse("[run]\nport = 8000\nprot = 1\n").unwrap_err());
    assert_eq!(fault.code, ErrorCode::ManifestBroken);
    assert!(
        fault.message.contains("line 3") && fault.message.contains("prot"),
        "{}",
        fault.message
    );
    assert_eq!(fault.evidence, ["nasiko.toml:3: prot = 1"]);
    assert!(fault.hint.unwrap().contains("line 3"));
}

#[test]
fn wrong_values_name_their_line() {
    for (text, line) in [
        ("[run]\nstart_timeout = \"soon\"", 2),
        ("[run]\n\nport = 99999999", 3),
        ("[agent]\nruntime = \"moon\"", 2),
        ("[env]\nA = [1]", 2),
        ("[agent", 1),
    ] {
        match Manifest::parse(text) {
            Err(WorkshopError::ManifestBroken { line: found, .. }) => {
                assert_eq!(found, line, "{text}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn durations_have_a_unit() {
    for (text, expected) in [
        ("500ms", Some(500)),
        ("5s", Some(5000)),
        ("2m", Some(120_000)),
        ("1h", Some(3_600_000)),
        ("5", None),
        ("s", None),
        ("-1s", None),
    ] {
        assert_eq!(
            parse_duration(text),
            expected.map(Duration::from_millis),
            "{text}"
        );
    }
}

#[test]
fn the_examples_of_the_documentation_are_read() {
    let document = include_str!("../../../../docs/manifest.md");
    let examples: Vec<Manifest> = document
        .split("```toml\n")
        .skip(1)
        .map(|part| Manifest::parse(part.split("```").next().unwrap()).unwrap())
        .collect();
    let [whole, part] = examples.as_slice() else {
        panic!("{} examples", examples.len());
    };
    // Whole: no section is left as it would be without it.
    let empty = Manifest::default();
    assert_ne!(whole.agent, empty.agent);
    assert_ne!(whole.build, empty.build);
    assert_eq!(whole.run.stop_timeout, Some(Duration::from_secs(10)));
    assert_eq!(whole.env.len(), 1);
    assert_eq!(whole.dev.preload, Some(PreloadRule::Imports(true)));
    assert_eq!(whole.dev.sync.len(), 1);
    assert!(matches!(&part.dev.preload, Some(PreloadRule::Modules(modules)) if modules.len() == 3));
}
