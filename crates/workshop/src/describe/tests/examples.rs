//! The agents in `examples/`, as a person would drop them.

use super::*;

fn example(name: &str) -> Description {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples/agents")
        .join(name);
    describe_at(&root).unwrap()
}

fn check(name: &str, command: &[&str], port: u16, protocol: Protocol) -> Description {
    let description = example(name);
    let entry = description.entry.as_ref().unwrap();
    assert_eq!(entry.command, command, "{name}");
    assert_eq!(entry.workdir, Path::new(""), "{name}");
    assert_eq!(
        description.port.as_ref().map(|claim| claim.port),
        Some(port),
        "{name}"
    );
    assert_eq!(description.protocol, protocol, "{name}");
    for runtime in [RuntimeKind::Process, RuntimeKind::Docker] {
        assert_eq!(description.refusal(runtime), None, "{name} on {runtime:?}");
    }
    let errors: Vec<_> = description
        .findings
        .iter()
        .filter(|finding| finding.severity > Severity::Info)
        .collect();
    assert!(errors.is_empty(), "{name}: {errors:?}");
    description
}

#[test]
fn greeter() {
    let greeter = check("greeter", &["python", "main.py"], 8000, Protocol::A2aV1);
    assert_eq!(greeter.name, "greeter");
    assert_eq!(greeter.language, Language::Python);
    assert!(!greeter.card_generated());
    assert!(greeter.requirements.is_none(), "the standard library alone");
    assert_eq!(greeter.exposes_health.as_deref(), Some("/health"));
}

#[test]
fn the_sdk_in_both_versions() {
    let new = check("echo-sdk", &["python", "main.py"], 8000, Protocol::A2aV1);
    assert_eq!(new.framework.as_deref(), Some("a2a-sdk"));
    let requirements = new.requirements.unwrap();
    assert_eq!(requirements.kind, RequirementsKind::Pip);
    assert_eq!(requirements.files, ["requirements.txt"]);

    let old = check("echo-sdk-03", &["python", "main.py"], 5000, Protocol::A2aV0);
    assert_eq!(old.name, "echo-0-3");
    assert_ne!(old.requirements.unwrap().hash, requirements.hash);
}

#[test]
fn node_without_dependencies() {
    let node = check("echo-node", &["node", "server.js"], 8000, Protocol::A2aV0);
    assert_eq!(node.language, Language::Node);
    assert_eq!(node.requirements, None, "it has no dependencies");
}

#[test]
fn a_rest_agent_gets_its_card_from_its_capabilities() {
    let rest = check(
        "rest-capabilities",
        &["python", "src/main.py"],
        8001,
        Protocol::Rest,
    );
    assert_eq!(rest.name, "rest-capabilities");
    assert_eq!(
        rest.description,
        "Tells the time and does sums over plain HTTP"
    );
    assert!(rest.card_generated() && has_finding(&rest, "no_card"));
    let card = rest.card_json().unwrap();
    let skills: Vec<_> = card["skills"]
        .as_array()
        .unwrap()
        .iter()
        .map(|skill| &skill["name"])
        .collect();
    assert_eq!(skills, ["time", "sums"]);
}

#[test]
fn a_folder_without_a_dockerfile_gets_one() {
    let plain = check(
        "no-dockerfile",
        &["python", "main.py"],
        8000,
        example("no-dockerfile").protocol,
    );
    assert!(plain.dockerfile.is_none());
    let text = dockerfile::generate(&plain);
    let facts = dockerfile::parse("Dockerfile", &text).unwrap();
    assert_eq!(facts.ports.first().map(|fact| fact.port), Some(8000));
    let place = |needle: &str| {
        text.find(needle)
            .unwrap_or_else(|| panic!("{needle} in {text}"))
    };
    assert!(place("COPY requirements.txt") < place("RUN pip install -r"));
    assert!(
        place("RUN pip install -r") < place("COPY . ."),
        "dependencies before sources"
    );
    assert!(text.contains("PIP_BREAK_SYSTEM_PACKAGES=1"));
}
