//! Names, ports, environment, protocol and cards out of whole folders.

use super::*;

#[test]
fn the_name_comes_from_the_first_that_has_one() {
    let files = [
        ("nasiko.toml", "[agent]\nname = \"From Manifest\"\n"),
        ("AgentCard.json", "{\"name\": \"From Card\"}"),
        (
            "docker-compose.yml",
            "services:\n  a:\n    build: .\n    container_name: agent-from-compose\n",
        ),
        ("main.py", "x = 1"),
    ];
    for (from, expected) in ["from-manifest", "from-card", "from-compose", "sample"]
        .into_iter()
        .enumerate()
    {
        assert_eq!(described(&files[from..]).name, expected);
    }
    let templated = described(&[
        ("AgentCard.json", "{\"name\": \"{{ agent_name }}\"}"),
        ("main.py", ""),
    ]);
    assert_eq!(templated.name, "sample");
}

#[test]
fn ports_in_order_of_trust() {
    let description = described(&[
        ("main.py", "uvicorn.run(app, port=7001)"),
        ("AgentCard.json", "{\"url\": \"http://localhost:10000/\"}"),
        (
            "compose.yaml",
            "services:\n  a:\n    build: .\n    ports: ['80:7003']\n",
        ),
        (
            "Dockerfile",
            "FROM x\nEXPOSE 7005\nCMD [\"a\", \"--port\", \"7004\"]\n",
        ),
        ("nasiko.toml", "[run]\nport = 7006\n"),
    ]);
    assert_eq!(
        description.port_candidates,
        [7006, 7005, 7004, 7003, 10000, 7001, 8000, 5000, 8080, 3000]
    );
    let mismatch = description
        .findings
        .iter()
        .find(|finding| finding.code == "port.mismatch")
        .unwrap();
    assert!(
        mismatch.message.contains("10000") && mismatch.message.contains("7006"),
        "{}",
        mismatch.message
    );
}

#[test]
fn a_folder_that_says_nothing_has_the_usual_ports() {
    let description = described(&[("main.py", "x = 1")]);
    assert_eq!(description.port, None);
    assert_eq!(description.port_candidates, [8000, 5000, 8080, 3000]);
}

#[test]
fn variables_become_a_checklist() {
    let source = r#"
import os
KEY = os.environ["OPENAI_API_KEY"]
URL = os.getenv("BASE_URL", "http://x")
MODEL = os.environ.get("MODEL") or "small"
TOKEN = os.getenv("SEARCH_TOKEN")
if os.getenv("DEBUG"):
    pass
os.environ["TRANSFORMERS_OFFLINE"] = "1"
PORT = int(os.environ["PORT"])
# os.environ["COMMENTED"]
try:
    CAUGHT = os.environ["CAUGHT"]
except KeyError:
    CAUGHT = None
CHECKED = os.getenv("CHECKED")
if not CHECKED:
    raise ValueError("CHECKED is not set")
if os.getenv("USE_CLOUD") != "TRUE":
    if not os.getenv("CLOUD_KEY"):
        raise ValueError("CLOUD_KEY is not set")
from anthropic import Anthropic
"#;
    let description = described(&[
        ("main.py", source),
        (".env", "SEARCH_TOKEN=abc\r\n"),
        (".env.example", "SERP_KEY=your-key\nLEVEL=info\n"),
        (
            "compose.yml",
            "services:\n  a:\n    build: .\n    environment: ['DB=${DB_URL}', 'R=${REGION:?must be set}', 'MODE=fast', 'SEARCH_TOKEN=old']\n",
        ),
    ]);
    let needs: Vec<(&str, bool, bool)> = description
        .env_needs
        .iter()
        .map(|need| (need.name.as_str(), need.required, need.satisfied))
        .collect();
    assert_eq!(
        needs,
        [
            ("CHECKED", true, false),
            ("CLOUD_KEY", true, false),
            ("OPENAI_API_KEY", true, false),
            ("REGION", true, false),
            ("ANTHROPIC_API_KEY", false, false),
            ("BASE_URL", false, false),
            ("CAUGHT", false, false),
            ("DB_URL", false, false),
            ("DEBUG", false, false),
            ("LEVEL", false, false),
            ("MODEL", false, false),
            ("SEARCH_TOKEN", false, true),
            ("SERP_KEY", false, false),
            ("USE_CLOUD", false, false),
        ]
    );
    assert_eq!(description.env_needs[2].source, "main.py:3");
    assert_eq!(
        description.env.get("SEARCH_TOKEN").map(String::as_str),
        Some("abc"),
        ".env wins over Compose"
    );
    assert_eq!(
        description.env.get("MODE").map(String::as_str),
        Some("fast")
    );
    assert!(has_finding(&description, "env.crlf"));
    let missing: Vec<_> = description
        .findings
        .iter()
        .filter(|finding| finding.code == "env.missing")
        .collect();
    assert_eq!(missing.len(), 4);
    assert!(
        missing
            .iter()
            .any(|finding| finding.file.as_deref() == Some("main.py") && finding.line == Some(3))
    );
}

#[test]
fn variables_in_other_languages() {
    let node = described(&[(
        "index.js",
        "const k = process.env.API_KEY;\nif (!k) throw new Error();\nconst p = process.env.LEVEL ?? 'info';\nconst q = process.env['OTHER'] || 1;\n",
    )]);
    let needs = |description: &Description| {
        description
            .env_needs
            .iter()
            .map(|need| (need.name.clone(), need.required))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        needs(&node),
        [
            ("API_KEY".into(), true),
            ("LEVEL".into(), false),
            ("OTHER".into(), false)
        ]
    );
    let go = described(&[
        ("go.mod", "module x"),
        (
            "main.go",
            "package main\nvar a = os.Getenv(\"GO_KEY\")\nif a == \"\" {\n  log.Fatal(1)\n}\nb, ok := os.LookupEnv(\"MAYBE\")\n",
        ),
    ]);
    assert_eq!(
        needs(&go),
        [("GO_KEY".into(), true), ("MAYBE".into(), false)]
    );
    let rust = described(&[
        ("Cargo.toml", "[package]\nname='x'"),
        (
            "src/main.rs",
            "let a = env::var(\"RS_KEY\")?;\nlet b = std::env::var(\"RS_OPT\").unwrap_or_default();\n",
        ),
    ]);
    assert_eq!(
        needs(&rust),
        [("RS_KEY".into(), true), ("RS_OPT".into(), false)]
    );
}

#[test]
fn cards_are_found_whatever_their_case_and_checked() {
    for path in [
        "agentcard.json",
        "Agentcard.json",
        "agent-card.json",
        ".well-known/agent.json",
        "src/AgentCard.json",
    ] {
        let description = described(&[
            (path, "{\"name\": \"Cased\", \"version\": \"1\"}"),
            ("main.py", ""),
        ]);
        assert_eq!(
            description.card.as_ref().map(|card| card.path.as_str()),
            Some(path)
        );
        for code in ["card.missing_url", "card.missing_skills", "card.version"] {
            assert!(has_finding(&description, code), "{path}: {code}");
        }
    }
    let settings = described(&[("agent.json", "{\"model\": \"x\"}"), ("main.py", "")]);
    assert!(settings.card.is_none() && settings.card_generated());
}

#[test]
fn a_card_kept_out_of_the_image_still_counts() {
    let description = described(&[
        (".dockerignore", "*.json\n.env"),
        ("AgentCard.json", "{\"name\": \"kept\"}"),
        (".env", "A=1"),
        ("main.py", ""),
    ]);
    assert_eq!(description.name, "kept");
    assert_eq!(description.env.get("A").map(String::as_str), Some("1"));
}

#[test]
fn placeholders_are_named_with_their_line() {
    let description = described(&[
        (
            "AgentCard.json",
            "{\n\"name\": \"a\",\n\"description\": \"{{description}}\"}",
        ),
        ("main.py", "f = f'{{x}}'"),
    ]);
    let placeholders: Vec<_> = description
        .findings
        .iter()
        .filter(|finding| finding.code == "placeholder")
        .collect();
    assert_eq!(placeholders.len(), 1);
    assert_eq!(
        (placeholders[0].file.as_deref(), placeholders[0].line),
        (Some("AgentCard.json"), Some(3))
    );
}

#[test]
fn protocols() {
    let of = |files: &[(&str, &str)]| described(files).protocol;
    let card = |card: &'static str| of(&[("AgentCard.json", card), ("main.py", "")]);
    assert_eq!(card("{\"protocolVersion\": \"0.2.9\"}"), Protocol::A2aV0);
    assert_eq!(
        card("{\"supportedInterfaces\": [{\"url\": \"x\"}]}"),
        Protocol::A2aV1
    );
    assert_eq!(card("{\"url\": \"http://x\"}"), Protocol::A2aV0);
    let sdk = |requirement: &'static str| of(&[("requirements.txt", requirement), ("main.py", "")]);
    for (requirement, expected) in [
        ("a2a-sdk", Protocol::A2aV1),
        ("a2a-sdk>=1.0", Protocol::A2aV1),
        ("a2a-sdk[http-server]>=0.3,<1", Protocol::A2aV0),
        ("a2a_sdk == 0.3.26  # old", Protocol::A2aV0),
        ("a2a-sdk~=0.3.0", Protocol::A2aV0),
        ("flask", Protocol::Unknown),
    ] {
        assert_eq!(sdk(requirement), expected, "{requirement}");
    }
    assert_eq!(
        of(&[
            (
                "package.json",
                "{\"dependencies\": {\"@a2a-js/sdk\": \"^0.3.1\"}}"
            ),
            ("index.js", "")
        ]),
        Protocol::A2aV0
    );
    assert_eq!(
        of(&[("main.py", "@app.post('/v1/chat/completions')\ndef f(): ...")]),
        Protocol::Openai
    );
    assert_eq!(
        of(&[("main.py", "@app.post(\"/query\")\nasync def f(): ...")]),
        Protocol::Rest
    );
}

#[test]
fn frameworks() {
    for (source, expected) in [
        (
            "from google.adk.agents import Agent\nimport fastapi",
            "google-adk",
        ),
        (
            "import uvicorn\nfrom langgraph.graph import StateGraph\nfrom a2a.server import x",
            "langgraph",
        ),
        ("from crewai import Agent", "crewai"),
        (
            "from a2a.types import AgentCard\nfrom starlette.applications import Starlette",
            "a2a-sdk",
        ),
        ("from flask import Flask", "flask"),
    ] {
        assert_eq!(
            described(&[("main.py", source)]).framework.as_deref(),
            Some(expected),
            "{source}"
        );
    }
    let node = described(&[
        ("package.json", "{\"dependencies\": {\"express\": \"4\"}}"),
        ("index.js", ""),
    ]);
    assert_eq!(node.framework.as_deref(), Some("express"));
}

#[test]
fn a_card_is_generated_from_what_the_folder_says() {
    let source = r#""""Looks up the weather. And more.

Details.
"""
from langchain_core.tools import tool

@tool
def forecast(city: str) -> str:
    """Forecast for a city."""
    return ""
"#;
    let description = described(&[("main.py", source)]);
    let card = description.card_json().unwrap();
    assert_eq!(card["name"], "sample");
    assert_eq!(card["description"], "Looks up the weather.");
    assert_eq!(card["skills"][0]["id"], "forecast");
    assert_eq!(card["skills"][0]["description"], "Forecast for a city.");
    assert_eq!(card["version"], "0.1.0");
}

#[test]
fn the_description_prefers_the_readme_to_the_docstring() {
    let description = described(&[
        ("main.py", "\"\"\"Doc.\"\"\""),
        (
            "README.md",
            "# Title\n\n![x](y)\n\nFinds cheap flights for you. Quickly.\n",
        ),
    ]);
    assert_eq!(description.description, "Finds cheap flights for you.");
}

#[test]
fn requirements_by_their_files() {
    let of = |files: &[(&str, &str)]| described(files).requirements;
    let project = "[project]\nname = \"p\"\nversion = \"1.2.3\"\ndependencies = [\"a2a-sdk>=1\"]\n";
    let uv = of(&[
        ("pyproject.toml", project),
        ("uv.lock", ""),
        ("main.py", ""),
    ])
    .unwrap();
    assert_eq!(
        (uv.kind, uv.files),
        (
            RequirementsKind::UvLock,
            vec!["pyproject.toml".to_owned(), "uv.lock".to_owned()]
        )
    );
    assert_eq!(
        of(&[("pyproject.toml", project), ("main.py", "")])
            .unwrap()
            .kind,
        RequirementsKind::PyProject
    );
    assert_eq!(
        of(&[
            ("pyproject.toml", project),
            ("requirements.txt", "flask\n-r more.txt"),
            ("more.txt", "-c limits/a.txt\nredis"),
            ("limits/a.txt", "redis<9"),
            ("main.py", "")
        ])
        .unwrap()
        .kind,
        RequirementsKind::Pip
    );
    let only_docker = of(&[
        ("main.py", ""),
        (
            "Dockerfile",
            "FROM python\nRUN apt-get update && pip install --no-cache-dir flask==3 'uvicorn>=0.30' && rm -rf x\nCMD [\"python\", \"main.py\"]",
        ),
    ]);
    assert_eq!(only_docker.unwrap().packages, ["flask==3", "uvicorn>=0.30"]);
    assert_eq!(of(&[("main.py", "")]), None);
    assert_eq!(
        described(&[("pyproject.toml", project), ("main.py", "")]).version,
        "1.2.3"
    );
}
