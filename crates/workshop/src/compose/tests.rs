use super::*;

const FILE: &str = r#"
services:
  db:
    image: postgres
    ports: ["5432:5432"]
  agent:
    build: .
    container_name: agent-weather
    ports:
      - "127.0.0.1:${HOST_PORT:-9000}:5000/tcp"
      - target: 8080
        published: 80
    env_file: [.env, {path: extra.env, required: false}]
    environment:
      - KEY=${KEY}
      - LEVEL=${LEVEL:-info}
      - SHELL_VALUE
"#;

#[test]
fn the_service_that_is_built_is_the_agent() {
    let facts = parse(FILE).unwrap();
    assert_eq!(facts.service, "agent");
    assert_eq!(facts.container_name.as_deref(), Some("agent-weather"));
    assert_eq!(facts.ports, [5000, 8080]);
    assert_eq!(facts.env_files, [".env", "extra.env"]);
    assert_eq!(facts.other_services, ["db"]);
    assert_eq!(
        facts.environment.get("LEVEL"),
        Some(&Some("${LEVEL:-info}".to_owned()))
    );
    assert_eq!(facts.environment.get("SHELL_VALUE"), Some(&None));
}

#[test]
fn environment_may_be_a_map() {
    let facts = parse("services:\n  a:\n    image: x\n    environment: {A: 1, B: true, C: text, D: }\n    env_file: a.env").unwrap();
    let values: Vec<_> = facts.environment.into_iter().collect();
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        values,
        [
            ("A".into(), some("1")),
            ("B".into(), some("true")),
            ("C".into(), some("text")),
            ("D".into(), None)
        ]
    );
    assert_eq!(facts.env_files, ["a.env"]);
}

#[test]
fn what_is_no_compose_file_is_said_so() {
    assert!(parse("a: [").is_err());
    assert_eq!(parse("version: '3'").unwrap_err(), "it has no services");
}

#[test]
fn variables_are_replaced() {
    let value_of = |name: &str| match name {
        "A" => Some("1"),
        "EMPTY" => Some(""),
        _ => None,
    };
    for (text, expected) in [
        ("$A-${A}", Ok("1-1")),
        ("${X:-d}${EMPTY:-e}${EMPTY-f}", Ok("de")),
        ("$$A ${A:+yes}", Ok("$A yes")),
        ("${X}", Err("X")),
        ("${EMPTY:?must}", Err("EMPTY")),
        ("$", Ok("$")),
        ("a$ b", Ok("a$ b")),
    ] {
        assert_eq!(
            interpolate(text, &value_of),
            expected.map(str::to_owned).map_err(str::to_owned),
            "{text}"
        );
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[A${}:?+é -]{0,20}", yaml in "(services:|a:|ports|env| |\n|-|\\[|\\]|\\{|\"|&|\\*){0,20}") {
        let _ = interpolate(&text, &|_| Some("x"));
        let _ = parse(&yaml);
    }
}
