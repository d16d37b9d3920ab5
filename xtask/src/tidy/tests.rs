use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Source, arrows, check, documents, sources, words};

fn source(path: &str, text: impl Into<String>) -> Source {
    Source {
        path: PathBuf::from(path),
        text: text.into(),
    }
}

fn errors(findings: &[super::Finding]) -> Vec<&str> {
    findings
        .iter()
        .filter(|finding| !finding.wish)
        .map(|finding| finding.text.as_str())
        .collect()
}

#[test]
fn the_repository_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the workspace");
    let findings = check(root).expect("the repository can be read");
    let broken: Vec<String> = findings
        .iter()
        .filter(|f| !f.wish)
        .map(ToString::to_string)
        .collect();
    assert!(
        broken.is_empty(),
        "rules of the house are broken:\n{}",
        broken.join("\n")
    );
}

#[test]
fn arrows_point_downward() {
    let uses = |name: &str, used: &str, kind: Option<&str>| {
        let metadata = json!({"packages": [
            {"name": name, "manifest_path": "Cargo.toml", "dependencies": [{"name": used, "kind": kind}]},
        ]});
        arrows::check(&metadata).expect("packages").len()
    };
    assert_eq!(uses("nasiko-control", "nasiko-store", None), 0);
    assert_eq!(uses("nasiko-store", "nasiko-control", None), 1, "upward");
    assert_eq!(uses("nasiko-gateway", "nasiko-store", None), 1, "a sibling");
    assert_eq!(
        uses("nasiko-gateway", "nasiko-store", Some("dev")),
        0,
        "tests may"
    );
    assert_eq!(
        uses("nasiko-desktop", "nasiko-control", None),
        1,
        "a window is only a client"
    );
    assert_eq!(
        uses("nasiko-control", "axum", None),
        1,
        "control knows no transport"
    );
    assert_eq!(
        uses("nasiko-server", "tauri-build", Some("build")),
        1,
        "only the window knows Tauri"
    );
    assert_eq!(
        uses("nasiko-contract", "tokio", None),
        1,
        "the contract is types alone"
    );
    assert_eq!(
        uses("nasiko-unheard-of", "serde", None),
        1,
        "every crate has a place"
    );
}

#[test]
fn files_fit_a_sitting() {
    let lines = |path: &str, count: usize| sources::check(&source(path, "x\n".repeat(count)));
    assert!(lines("crates/a/src/b.rs", 300).is_empty());
    assert!(lines("crates/a/src/b.rs", 301)[0].wish);
    assert_eq!(errors(&lines("crates/a/src/b.rs", 501)).len(), 1);
    assert!(errors(&lines("crates/a/src/b/tests.rs", 501)).is_empty());
    assert!(errors(&lines("notes.md", 2000)).is_empty());
}

#[test]
fn crates_say_what_they_own() {
    assert_eq!(
        errors(&sources::check(&source(
            "crates/a/src/lib.rs",
            "//! Things.\n"
        )))
        .len(),
        1
    );
    let said = "//! Owns things.\n//! Never knows other things.\n";
    assert!(sources::check(&source("crates/a/src/lib.rs", said)).is_empty());
    assert!(sources::check(&source("crates/a/src/other.rs", "")).is_empty());
}

#[test]
fn nothing_is_left_behind() {
    let left = concat!("// TO", "DO: later\n");
    assert_eq!(errors(&sources::check(&source("a.rs", left))).len(), 1);
    assert!(sources::check(&source("a.md", left)).is_empty());
    assert_eq!(
        errors(&sources::check(&source(
            "a.md",
            concat!("see /wo", "rk/main/x\n")
        )))
        .len(),
        1
    );
    assert_eq!(
        errors(&sources::check(&source("crates/a/src/b/mod.rs", ""))).len(),
        1
    );
}

#[test]
fn tests_are_not_put_aside() {
    let found = |line: &str| sources::check(&source("a.rs", line)).len();
    assert_eq!(found(concat!("#[ig", "nore]\n")), 1);
    assert_eq!(found(concat!("    #[ig", "nore = \"slow\"]\n")), 1);
    assert_eq!(
        found(concat!(
            "#[ig",
            "nore = \"runs as the child of the test above\"]\n"
        )),
        0
    );
}

#[test]
fn links_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = |text: &str| documents::check(root, &source("README.md", text)).len();
    assert_eq!(
        found("[a](Cargo.toml) and [b](src/main.rs#L1), [c](https://example.org), [d](#here)"),
        0
    );
    assert_eq!(found("[a](Cargo.toml) and [b](gone.md)"), 1);
}

#[test]
fn texts_stand_in_the_catalogue() {
    let found = |code: &str| {
        let styles = source("ui/static/styles/kit.css", ".button { }\n.flat:hover { }");
        let files = [styles, source("ui/src/pages/home.rs", code)];
        words::check(&files)
            .into_iter()
            .map(|finding| finding.line)
            .collect::<Vec<_>>()
    };
    for text in [
        r#"<h1>"Home page"</h1>"#,
        r#"let title = "Agents";"#,
        r#"format!("no save in {window}")"#,
        r#"format!("{count} lines")"#,
        r#""(and {more} others)""#,
        "let key = ' '; say(\"Saved\");",
        "r#\"Saved \"it\"\"#",
    ] {
        assert_eq!(found(&format!("// It's\n{text}\n")), [2], "{text}");
    }
    for data in [
        "// \"A comment\"",
        r#"class="job strip""#,
        r#"class=format!("mark own {tone}")"#,
        r#"Look::Flat => "button flat""#,
        r#"closest("tr, li, [role='row']")"#,
        r#"#[expect(lint, reason = "there is a reason")]"#,
        r#"event.key() == "ArrowDown""#,
        r#"path d="M3 2.5h10a.5.5 0 0 1 .5.5v10""#,
        r#"format!("{minutes} min {seconds} s")"#,
        r#"("go.home", "/agents/greeter", "POST")"#,
        r#"fn of<'a>(one: &'a str) -> char { '"' }"#,
        "\nmod tests {\n    \"In a test\"\n}",
    ] {
        assert!(found(data).is_empty(), "{data}");
    }
    let elsewhere = |path: &str| words::check(&[source(path, "\"Some text\"")]).len();
    assert_eq!(elsewhere("ui/src/app.rs"), 1);
    assert_eq!(elsewhere("ui/src/words/app.rs"), 0);
    assert_eq!(elsewhere("ui/src/pages/gallery/data.rs"), 0);
    assert_eq!(elsewhere("ui/src/theme/tests.rs"), 0);
    assert_eq!(elsewhere("crates/cli/src/main.rs"), 0);
}
