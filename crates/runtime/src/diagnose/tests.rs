use std::time::Duration;

use nasiko_contract::ErrorCode;

use super::*;
use crate::instance::{Exit, InstanceId};

fn exit(code: Option<i32>, text: &str) -> Exit {
    Exit {
        instance: InstanceId::new("d1"),
        agent: "greeter".to_owned(),
        code,
        signal: None,
        oom: false,
        requested: false,
        ran_for: Duration::from_millis(200),
        last_lines: text.lines().map(str::to_owned).collect(),
    }
}

/// Code and a word that the message or the hint must have.
fn check(name: &str, text: &str, code: ErrorCode, word: &str) {
    let diagnosis = diagnose(&exit(Some(1), text));
    let said = format!(
        "{} {}",
        diagnosis.message,
        diagnosis.hint.unwrap_or_default()
    );
    assert_eq!(diagnosis.code, code, "{name}: {said}");
    assert!(said.contains(word), "{name}: {word:?} is not in {said:?}");
}

#[test]
fn imports_that_are_not_installed() {
    let code = ErrorCode::ImportError;
    check(
        "python",
        "Traceback (most recent call last):\n  File \"main.py\", line 1, in <module>\n    import flask.json\nModuleNotFoundError: No module named 'flask.json'",
        code,
        "Add flask to",
    );
    check(
        "python -m",
        "/usr/bin/python3: No module named reader",
        code,
        "reader",
    );
    check(
        "python name",
        "ImportError: cannot import name 'A2AServer' from 'a2a.server' (/env/a2a/server.py)",
        code,
        "A2AServer cannot be imported from a2a.server",
    );
    check(
        "node",
        "node:internal/modules/cjs/loader:1143\n  throw err;\nError: Cannot find module 'express'\nRequire stack:\n- /x/server.js\n  code: 'MODULE_NOT_FOUND',",
        code,
        "Add express",
    );
    check(
        "node local",
        "Error: Cannot find module './lib/app'",
        code,
        "right folder",
    );
    check(
        "node esm",
        "Error [ERR_MODULE_NOT_FOUND]: Cannot find package '@a2a-js/sdk' imported from /x/server.mjs",
        code,
        "Add @a2a-js/sdk",
    );
    check(
        "go",
        "main.go:4:2: no required module provides package github.com/gin-gonic/gin; to add it:\n\tgo get github.com/gin-gonic/gin",
        code,
        "github.com/gin-gonic/gin",
    );
    check(
        "rust",
        "error[E0432]: unresolved import `axum`\n --> src/main.rs:1:5",
        code,
        "axum",
    );
}

#[test]
fn sources_that_do_not_parse() {
    let code = ErrorCode::SyntaxError;
    check(
        "python",
        "  File \"/x/main.py\", line 7\n    def f(:\n          ^\nSyntaxError: invalid syntax",
        code,
        "/x/main.py:7",
    );
    check(
        "python indentation",
        "  File \"/x/main.py\", line 3\n    x = 1\nIndentationError: unexpected indent",
        code,
        "unexpected indent",
    );
    check(
        "node",
        "/x/server.js:3\nconst = 5;\n      ^\n\nSyntaxError: Unexpected token '='\n    at wrapSafe (node:internal/modules/cjs/loader:1278:20)",
        code,
        "/x/server.js:3",
    );
    check(
        "go",
        "# command-line-arguments\n./main.go:5:2: syntax error: unexpected }",
        code,
        "./main.go:5:2",
    );
}

#[test]
fn what_has_to_change_is_named_by_its_place_or_name() {
    let culprit = |text: &str| diagnose(&exit(Some(1), text)).culprit;
    let place = |file: &str, line: u32| {
        let (file, line) = (file.to_owned(), Some(line));
        Some(Culprit::Place { file, line })
    };
    let python = "  File \"/x/main.py\", line 7\n    def f(:\nSyntaxError: invalid syntax";
    assert_eq!(culprit(python), place("/x/main.py", 7));
    let through_packages = "  File \"/x/main.py\", line 2, in <module>\n    import a\n  \
         File \"/x/.venv/lib/site-packages/a.py\", line 9, in <module>\nModuleNotFoundError: No module named 'b'";
    assert_eq!(culprit(through_packages), place("/x/main.py", 2));
    let go = "./main.go:5:2: syntax error: unexpected }";
    assert_eq!(culprit(go), place("./main.go", 5));
    let node = "file:///x/server.mjs:3\nconst = 5;\n\nSyntaxError: Unexpected token '='\n    at compileSourceTextModule (node:internal)";
    assert_eq!(culprit(node), place("/x/server.mjs", 3));
    let name = "TOKEN".to_owned();
    let variable = "    key = os.environ['TOKEN']\nKeyError: 'TOKEN'";
    assert_eq!(culprit(variable), Some(Culprit::Variable { name }));
    assert_eq!(culprit("Segmentation fault"), None);
}

#[test]
fn json_that_does_not_parse_is_no_syntax_error_of_the_source() {
    let text =
        "SyntaxError: Unexpected token < in JSON at position 0\n    at JSON.parse (<anonymous>)";
    check("node json", text, ErrorCode::ExitedAtOnce, "exit code 1");
}

#[test]
fn variables_that_are_not_set() {
    let code = ErrorCode::MissingVariable;
    check(
        "python",
        "  File \"main.py\", line 3, in <module>\n    key = os.environ['TOKEN']\n  File \"<frozen os>\", line 679, in __getitem__\nKeyError: 'TOKEN'",
        code,
        "variable TOKEN is",
    );
    check(
        "openai",
        "openai.OpenAIError: The api_key client option must be set either by passing api_key to the client or by setting the OPENAI_API_KEY environment variable",
        code,
        "OPENAI_API_KEY",
    );
    check(
        "node",
        "Error: DATABASE_URL is not set\n    at Object.<anonymous> (/x/server.js:2:9)",
        code,
        "DATABASE_URL",
    );
    check(
        "go",
        "2026/11/20 10:00:00 missing required env var GEMINI_API_KEY",
        code,
        "GEMINI_API_KEY",
    );
    check(
        "rust",
        "thread 'main' panicked at src/main.rs:4:40:\ncalled `Result::unwrap()` on an `Err` value: NotPresent",
        code,
        "needs is not set",
    );
}

#[test]
fn an_ordinary_key_error_is_no_missing_variable() {
    check(
        "python dict",
        "    x = d['name']\nKeyError: 'name'",
        ErrorCode::ExitedAtOnce,
        "exit code 1",
    );
}

#[test]
fn ports_that_are_held() {
    for (name, text, port) in [
        ("python", "OSError: [Errno 98] Address already in use", None),
        (
            "uvicorn",
            "ERROR:    [Errno 98] error while attempting to bind on address ('0.0.0.0', 8000): address already in use",
            Some(8000),
        ),
        (
            "flask",
            "Address already in use\nPort 5000 is in use by another program. Either identify and stop",
            Some(5000),
        ),
        (
            "node",
            "Error: listen EADDRINUSE: address already in use :::3000",
            Some(3000),
        ),
        (
            "go",
            "listen tcp :8080: bind: address already in use",
            Some(8080),
        ),
        (
            "rust",
            "Error: Os { code: 98, kind: AddrInUse, message: \"Address already in use\" }",
            None,
        ),
    ] {
        let diagnosis = diagnose(&exit(Some(1), text));
        assert_eq!(diagnosis.code, ErrorCode::PortTaken, "{name}");
        if let Some(number) = port {
            let culprit = Some(Culprit::Port { number });
            assert_eq!(diagnosis.culprit, culprit, "{name}");
        }
    }
}

#[test]
fn how_it_ended_when_nothing_else_is_known() {
    let ended = diagnose(&exit(Some(0), ""));
    assert_eq!(ended.code, ErrorCode::ExitedAtOnce);
    assert!(ended.message.contains("by itself"), "{}", ended.message);

    let mut killed = exit(None, "");
    killed.signal = Some(11);
    assert!(diagnose(&killed).message.contains("signal 11"));
    killed.oom = true;
    assert!(diagnose(&killed).message.contains("memory"));

    for (text, name) in [
        ("sh: 1: uvicorn: not found", "uvicorn"),
        ("/bin/bash: line 1: gunicorn: command not found", "gunicorn"),
        (
            "[FATAL tini (7)] exec /app/agent failed: No such file or directory",
            "/app/agent",
        ),
    ] {
        let missing = diagnose(&exit(Some(127), text));
        assert_eq!(missing.code, ErrorCode::ToolMissing, "{text}");
        assert!(missing.message.contains(name), "{}", missing.message);
    }
}

#[test]
fn the_evidence_is_what_was_written() {
    let diagnosis = diagnose(&exit(Some(3), "one\ntwo"));
    assert_eq!(diagnosis.evidence, ["one", "two"]);
}
