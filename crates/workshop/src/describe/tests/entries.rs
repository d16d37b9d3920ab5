//! What starts a folder, one row each.

use super::*;

fn check(files: &[(&str, &str)], command: &[&str]) -> Entry {
    let description = described(files);
    let entry = description
        .entry
        .unwrap_or_else(|| panic!("no entry in {files:?}"));
    assert_eq!(entry.command, command, "{files:?}");
    entry
}

#[test]
fn the_order_of_what_says_how_to_start() {
    let all = [
        (
            "nasiko.toml",
            "[run]\ncommand = [\"python\", \"other.py\", \"--port\", \"$PORT\"]\n",
        ),
        (
            "Dockerfile",
            "FROM x\nWORKDIR /app\nCOPY . .\nCMD [\"python\", \"in_image.py\"]\n",
        ),
        (
            "Procfile",
            "worker: python worker.py\nweb: python3 web.py\n",
        ),
        (
            "pyproject.toml",
            "[project]\nname = \"p\"\n[project.scripts]\nstart = \"pkg.cli:main\"\n",
        ),
        ("pkg/cli.py", "def main(): ..."),
        ("main.py", "x = 1"),
        (
            "package.json",
            "{\"scripts\": {\"start\": \"node server.js\"}}",
        ),
        ("go.mod", "module x"),
        ("main.go", "package main"),
        ("Cargo.toml", "[package]\nname = \"x\""),
        ("src/main.rs", "fn main() {}"),
    ];
    let script = "import sys; from pkg.cli import main; sys.exit(main())";
    let expected: [(usize, &[&str]); 8] = [
        (0, &["python", "other.py", "--port", "$PORT"]),
        (1, &["python", "in_image.py"]),
        (2, &["python", "web.py"]),
        (3, &["python", "-c", script]),
        (5, &["python", "main.py"]),
        (6, &["node", "server.js"]),
        (7, &["go", "run", "."]),
        (9, &["cargo", "run", "--release", "--quiet"]),
    ];
    for (from, command) in expected {
        // `pkg/cli.py` alone is no starter; without the later files each line stands for itself.
        check(&all[from..], command);
    }
}

#[test]
fn python_starters() {
    check(&[("__main__.py", "x = 1")], &["python", "."]);
    check(
        &[("src/__main__.py", "import helper"), ("src/helper.py", "")],
        &["python", "src"],
    );
    check(
        &[("src/__main__.py", "from .helper import x")],
        &["python", "-m", "src"],
    );
    check(
        &[("src/__main__.py", ""), ("src/__init__.py", "")],
        &["python", "-m", "src"],
    );
    check(&[("src/main.py", "x = 1")], &["python", "src/main.py"]);
    check(
        &[("src/main.py", "from src.helper import x")],
        &["python", "-m", "src.main"],
    );
    check(
        &[("weather/__main__.py", ""), ("tests/test_a.py", "")],
        &["python", "-m", "weather"],
    );
    check(
        &[("weather/main.py", ""), ("requirements.txt", "")],
        &["python", "-m", "weather.main"],
    );
    let entry = check(
        &[("src/weather/__main__.py", "")],
        &["python", "-m", "weather"],
    );
    assert_eq!(entry.env.get("PYTHONPATH").map(String::as_str), Some("src"));
    assert_eq!(entry.file.as_deref(), Some("src/weather/__main__.py"));
    check(
        &[("server.py", "if __name__ == \"__main__\":\n    run()")],
        &["python", "server.py"],
    );
}

#[test]
fn an_application_object_is_handed_to_a_server() {
    let uvicorn = [
        "python", "-m", "uvicorn", "main:app", "--host", "$HOST", "--port", "$PORT",
    ];
    check(
        &[(
            "main.py",
            "from fastapi import FastAPI\napp = FastAPI(title='x')\n",
        )],
        &uvicorn,
    );
    check(
        &[(
            "app.py",
            "from flask import Flask\nserver = Flask(__name__)\n",
        )],
        &[
            "python",
            "-m",
            "flask",
            "--app",
            "app:server",
            "run",
            "--host",
            "$HOST",
            "--port",
            "$PORT",
        ],
    );
    let own = "from fastapi import FastAPI\napp = FastAPI()\nif __name__ == '__main__':\n    import uvicorn\n    uvicorn.run(app)\n";
    check(&[("main.py", own)], &["python", "main.py"]);
}

#[test]
fn options_for_the_port_are_used() {
    let click = "import click\n@click.command()\n@click.option('--host', default='localhost')\n@click.option('--port', default=10000)\ndef main(host, port): ...\n";
    check(
        &[("__main__.py", click)],
        &["python", ".", "--host", "$HOST", "--port", "$PORT"],
    );
    let in_image = [
        ("__main__.py", click),
        (
            "Dockerfile",
            "FROM x\nWORKDIR /app\nCOPY . /app\nCMD [\"python\", \".\", \"--host\", \"0.0.0.0\"]",
        ),
    ];
    check(
        &in_image,
        &["python", ".", "--host", "$HOST", "--port", "$PORT"],
    );
}

#[test]
fn node_starters() {
    check(
        &[(
            "package.json",
            "{\"scripts\": {\"start\": \"tsx src/server.ts\"}}",
        )],
        &["npm", "run", "--silent", "start"],
    );
    check(
        &[
            ("package.json", "{\"main\": \"./lib/a.js\"}"),
            ("lib/a.js", ""),
        ],
        &["node", "lib/a.js"],
    );
    check(&[("index.js", "")], &["node", "index.js"]);
}

#[test]
fn go_commands_below_cmd() {
    check(
        &[
            ("go.mod", "module x"),
            ("cmd/agent/main.go", "package main\n"),
            ("lib.go", "package lib"),
        ],
        &["go", "run", "./cmd/agent"],
    );
}

#[test]
fn procfiles() {
    check(
        &[("Procfile", "web: uvicorn a:b --host 0.0.0.0 --port=8000")],
        &["uvicorn", "a:b", "--host", "$HOST", "--port=$PORT"],
    );
    check(
        &[("Procfile", "agent: cd x && ./run")],
        &["sh", "-c", "cd x && ./run"],
    );
    check(
        &[("Procfile", "web: gunicorn -b 0.0.0.0:5000 app:app")],
        &["gunicorn", "-b", "$HOST:$PORT", "app:app"],
    );
}
