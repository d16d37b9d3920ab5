use proptest::prelude::*;
use serde_json::json;

use super::*;

fn card(value: serde_json::Value) -> Card {
    Card::from_value(value).unwrap()
}

#[test]
fn a_broken_card_says_where() {
    let cases: [(&[u8], usize, usize); 5] = [
        (b"", 1, 1),
        (b"{\n  \"name\": oops\n}", 2, 11),
        (b"{\n  \"name\": \"x\",\n}", 3, 1),
        (b"[]", 1, 1),
        (b"\"card\"", 1, 1),
    ];
    for (bytes, line, column) in cases {
        let error = Card::parse(bytes).unwrap_err();
        assert_eq!(
            (error.line, error.column),
            (line, column),
            "{}",
            bytes.escape_ascii()
        );
        assert!(
            !error.problem.to_string().contains("at line"),
            "the place stands there once: {error}"
        );
    }
    let large = vec![b' '; MAX_CARD_BYTES + 1];
    assert_eq!(
        Card::parse(&large).unwrap_err().problem,
        CardProblem::TooLarge
    );
}

#[test]
fn unknown_fields_survive() {
    let text = "\u{feff}{\"x-first\":{\"deep\":[1,null]},\"name\":\"A\",\"capabilities\":{\"chat_agent\":true},\"zz\":1}";
    let card = Card::parse(text.as_bytes()).unwrap();
    assert_eq!(
        card.to_value().to_string(),
        text.trim_start_matches('\u{feff}'),
        "with their order"
    );
}

#[test]
fn the_dialect_is_read_from_any_generation() {
    let address = "http://x:1/";
    let cases = [
        (json!({}), Dialect::V0),
        (json!({"url": address}), Dialect::V0),
        (
            json!({"url": address, "protocolVersion": "0.2.9"}),
            Dialect::V0,
        ),
        (
            json!({"url": address, "protocolVersion": "0.3.0", "preferredTransport": "JSONRPC"}),
            Dialect::V0,
        ),
        (
            json!({"url": address, "protocolVersion": "1.0"}),
            Dialect::V1,
        ),
        (
            json!({"url": address, "protocolVersion": "1.0.0"}),
            Dialect::V1,
        ),
        (
            json!({"supportedInterfaces": [{"url": address, "protocolBinding": "JSONRPC"}]}),
            Dialect::V1,
        ),
        (
            json!({"supportedInterfaces": [{"url": address, "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}]}),
            Dialect::V1,
        ),
        (
            json!({"supportedInterfaces": [{"url": address, "protocolBinding": "JSONRPC", "protocolVersion": "0.3"}]}),
            Dialect::V0,
        ),
        (
            json!({"protocolVersion": "0.3.0", "url": address, "supportedInterfaces": [
                {"url": address, "protocolBinding": "JSONRPC", "protocolVersion": "0.3"},
                {"url": address, "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}]}),
            Dialect::V1,
        ),
        (
            json!({"protocolVersion": "0.3.0", "url": address, "additionalInterfaces": [{"url": address, "transport": "GRPC"}]}),
            Dialect::V0,
        ),
        (
            json!({"supportedInterfaces": [{"url": address, "protocolBinding": "HTTP+JSON", "protocolVersion": "1.0"}]}),
            Dialect::HttpJson,
        ),
    ];
    for (value, expected) in cases {
        assert_eq!(card(value.clone()).dialect(), expected, "{value}");
    }
}

#[test]
fn the_endpoint_follows_the_dialect() {
    let both = card(
        json!({"url": "http://x/old", "protocolVersion": "0.3.0", "supportedInterfaces": [
        {"url": "http://x/rest", "protocolBinding": "HTTP+JSON", "protocolVersion": "1.0"},
        {"url": "http://x/new", "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}]}),
    );
    let endpoint = |dialect: &Dialect| both.endpoint(dialect);
    assert_eq!(endpoint(&Dialect::V1).as_deref(), Some("http://x/new"));
    assert_eq!(endpoint(&Dialect::V0).as_deref(), Some("http://x/old"));
    assert_eq!(
        endpoint(&Dialect::HttpJson).as_deref(),
        Some("http://x/rest")
    );
    assert_eq!(card(json!({})).endpoint(&Dialect::V1), None);
}

#[test]
fn shorthands_and_bare_skills_are_understood() {
    let card = card(json!({
        "defaultInputModes": ["text", "image", "audio/wav"], "defaultOutputModes": ["json"],
        "skills": ["sums", {"id": "a"}, {"name": "B", "tags": ["x", 7]}, 7],
        "capabilities": {"streaming": "yes"},
    }));
    assert_eq!(card.input_modes(), ["text/plain", "image/png", "audio/wav"]);
    assert_eq!(card.output_modes(), ["application/json"]);
    let skills: Vec<_> = card
        .skills()
        .into_iter()
        .map(|skill| (skill.id, skill.name, skill.tags))
        .collect();
    let own = |id: &str, name: &str, tags: &[&str]| {
        (
            id.to_owned(),
            name.to_owned(),
            tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>(),
        )
    };
    assert_eq!(
        skills,
        [
            own("sums", "sums", &[]),
            own("a", "a", &[]),
            own("B", "B", &["x"])
        ]
    );
    assert_eq!(card.streaming(), None, "a wrong type is absence");
}

#[test]
fn rewriting_keeps_the_agents_own_path() {
    let base = "http://127.0.0.1:9100/greeter";
    let cases = [
        ("http://localhost:10002/", "http://127.0.0.1:9100/greeter/"),
        ("http://localhost:10002", "http://127.0.0.1:9100/greeter/"),
        (
            "http://0.0.0.0:8000/a2a",
            "http://127.0.0.1:9100/greeter/a2a",
        ),
        (
            "https://agent.example.com/v1/rpc?x=1",
            "http://127.0.0.1:9100/greeter/v1/rpc?x=1",
        ),
        ("/a2a", "http://127.0.0.1:9100/greeter/a2a"),
        (
            "http://other:5000/greeter/a2a",
            "http://127.0.0.1:9100/greeter/greeter/a2a",
        ),
        (
            "http://127.0.0.1:9100/greeter/a2a",
            "http://127.0.0.1:9100/greeter/a2a",
        ),
        (
            "http://localhost:9100/greeter/a2a",
            "http://127.0.0.1:9100/greeter/a2a",
        ),
        (
            "http://127.0.0.1:9100/greeter",
            "http://127.0.0.1:9100/greeter/",
        ),
        (
            "http://127.0.0.1:9100/greeter-two/",
            "http://127.0.0.1:9100/greeter/greeter-two/",
        ),
        ("grpc.example:50051", "http://127.0.0.1:9100/greeter/"),
        ("{{AGENT_URL}}", "http://127.0.0.1:9100/greeter/"),
        ("", "http://127.0.0.1:9100/greeter/"),
    ];
    for (url, expected) in cases {
        let mut value = json!({"url": url, "additionalInterfaces": [{"url": url, "transport": "GRPC"}],
            "supportedInterfaces": [{"url": url}], "documentationUrl": "http://docs", "signatures": [{}]});
        rewrite(&mut value, base);
        assert_eq!(value["url"], expected, "{url}");
        assert_eq!(value["additionalInterfaces"][0]["url"], expected, "{url}");
        assert_eq!(value["supportedInterfaces"][0]["url"], expected, "{url}");
        assert_eq!(
            value["documentationUrl"], "http://docs",
            "only interfaces are ours"
        );
        let mut again = value.clone();
        rewrite(&mut again, base);
        assert_eq!(again, value, "{url}: twice is once");
    }
}

#[test]
fn rewriting_leaves_a_card_without_address_alone() {
    let mut value =
        json!({"name": "x", "signatures": [{"signature": "s"}], "supportedInterfaces": "none"});
    let before = value.clone();
    rewrite(&mut value, "http://gateway/x");
    assert_eq!(value, before);
}

#[test]
fn lint_names_what_is_missing() {
    let codes = |value: serde_json::Value| -> Vec<&'static str> {
        lint(&card(value))
            .into_iter()
            .map(|finding| finding.code)
            .collect()
    };
    let good = generate(GenerateCard {
        name: "A".to_owned(),
        description: String::new(),
        version: String::new(),
        url: "http://x/".to_owned(),
        skills: Vec::new(),
        streaming: true,
        dialect: Dialect::V1,
    });
    assert_eq!(
        codes(good.clone()),
        Vec::<&str>::new(),
        "a generated card has nothing to find"
    );
    let with = |pointer: &str, value: serde_json::Value| {
        let mut card = good.clone();
        *card.pointer_mut(pointer).unwrap() = value;
        codes(card)
    };
    assert_eq!(with("/name", json!(" ")), ["card.name_missing"]);
    assert_eq!(with("/version", json!("1.0")), ["card.version_format"]);
    assert_eq!(with("/version", json!("1.0.0-rc.1")), Vec::<&str>::new());
    assert_eq!(
        with("/defaultInputModes", json!(["text"])),
        ["card.mode_shorthand"]
    );
    assert_eq!(with("/skills", json!([])), ["card.skills_missing"]);
    assert_eq!(with("/skills/0/id", json!("")), ["card.skill_incomplete"]);
    assert_eq!(
        with("/description", json!("Runs on {{HOST}}")),
        ["card.placeholder"]
    );
    assert_eq!(
        with("/url", json!("{{URL}}")),
        ["card.url_invalid", "card.placeholder"]
    );
    let empty = codes(json!({}));
    for code in [
        "card.name_missing",
        "card.url_missing",
        "card.skills_missing",
        "card.version_missing",
    ] {
        assert!(empty.contains(&code), "{code} is missing from {empty:?}");
    }
    let found = lint(&card(json!({"a/b": [{"c": "x {{Y}} z"}]})));
    let placeholder = found
        .iter()
        .find(|finding| finding.code == "card.placeholder")
        .unwrap();
    assert_eq!(placeholder.pointer, "/a~1b/0/c");
    assert!(placeholder.message.starts_with("{{Y}}"));
}

#[test]
fn a_generated_card_reads_back() {
    for dialect in [Dialect::V1, Dialect::V0, Dialect::HttpJson] {
        let value = generate(GenerateCard {
            name: "Reader".to_owned(),
            description: "Reads".to_owned(),
            version: "2.0.1".to_owned(),
            url: "http://x/a".to_owned(),
            skills: vec![Skill {
                id: "r".to_owned(),
                name: "Read".to_owned(),
                ..Skill::default()
            }],
            streaming: false,
            dialect: dialect.clone(),
        });
        let card = card(value);
        assert_eq!(card.dialect(), dialect);
        assert_eq!(card.endpoint(&dialect).as_deref(), Some("http://x/a"));
        assert_eq!(
            card.interfaces().len(),
            1,
            "the one address is told once: {:?}",
            card.interfaces()
        );
        assert_eq!(
            (card.name(), card.streaming()),
            (Some("Reader"), Some(false))
        );
        assert_eq!(card.skills()[0].id, "r");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_card_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(card) = Card::parse(&bytes) {
            lint(&card);
        }
    }

    #[test]
    fn rewriting_twice_is_rewriting_once(url in ".{0,40}", path in "(/[a-z]{0,4}){0,3}") {
        let base = format!("http://127.0.0.1:9100{path}");
        for url in [url.clone(), format!("http://host{path}/{url}"), format!("{base}{url}")] {
            let mut once = json!({"url": url});
            rewrite(&mut once, &base);
            prop_assert!(once["url"].as_str().unwrap().starts_with(base.trim_end_matches('/')));
            let mut twice = once.clone();
            rewrite(&mut twice, &base);
            prop_assert_eq!(twice, once);
        }
    }
}
