use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::*;
use crate::describe::describe;
use crate::snapshot::SnapshotOptions;

/// What is preloaded for a folder of these files.
fn preload(files: &[(&str, &str)]) -> Preload {
    let temp = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = temp.path().join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }
    of(temp.path())
}

fn of(root: &Path) -> Preload {
    let snapshot = Snapshot::take(
        root,
        &SnapshotOptions::default(),
        None,
        &CancellationToken::new(),
    )
    .unwrap();
    let description = describe(root, &snapshot).unwrap();
    python_imports(&description, root, &snapshot)
}

#[track_caller]
fn check(files: &[(&str, &str)], modules: &[&str], why_not: Option<&str>) {
    let preload = preload(files);
    assert_eq!(preload.modules, modules);
    match why_not {
        None => assert_eq!(preload.why_not, None),
        Some(part) => assert!(
            preload
                .why_not
                .as_deref()
                .unwrap_or_default()
                .contains(part),
            "{:?}",
            preload.why_not
        ),
    }
}

#[test]
fn modules_come_in_the_order_python_imports_them() {
    check(
        &[
            (
                "main.py",
                "import os\nfrom agent.core import run\nimport uvicorn\nfrom . import nothing\n",
            ),
            ("agent/__init__.py", "import json\nfrom .tools import x\n"),
            (
                "agent/core.py",
                "from a2a.types import Task\nimport os\nimport agent\n",
            ),
            (
                "agent/tools.py",
                "try:\n    import orjson\nexcept ImportError:\n    import json\ndef f():\n    import late\n",
            ),
            ("scripts/never.py", "import pandas\n"),
            ("agent/unused.py", "import torch\n"),
        ],
        &["os", "json", "orjson", "a2a.types", "uvicorn"],
        None,
    );
}

#[test]
fn a_server_is_loaded_before_what_it_serves() {
    check(
        &[
            (
                "Dockerfile",
                "FROM python:3.12\nWORKDIR /app\nCOPY . .\nCMD [\"uvicorn\", \"service.app:app\"]\n",
            ),
            (
                "service/app.py",
                "from fastapi import FastAPI\napp = FastAPI()\n",
            ),
        ],
        &["uvicorn", "fastapi"],
        None,
    );
    check(
        &[
            (
                "Dockerfile",
                "FROM python:3.12\nWORKDIR /app\nCOPY src ./\nCMD [\"python\", \"-m\", \"bot\"]\n",
            ),
            (
                "src/bot/__main__.py",
                "from bot.server import main\nif __name__ == '__main__':\n    import httpx\n    main()\n",
            ),
            ("src/bot/__init__.py", "import logging\n"),
            (
                "src/bot/server.py",
                "import anyio\nif __name__ == '__main__':\n    import never\n",
            ),
        ],
        &["logging", "anyio", "httpx"],
        None,
    );
}

#[test]
fn nothing_is_loaded_where_another_library_has_to_come_first() {
    for text in [
        "from gevent import monkey\nmonkey.patch_all()\nimport requests\n",
        "import eventlet\neventlet.monkey_patch()\n",
    ] {
        check(&[("main.py", text)], &[], Some("main.py names"));
    }
    check(
        &[
            (
                "Dockerfile",
                "FROM python\nCOPY . .\nCMD [\"gunicorn\", \"-k\", \"gevent\", \"main:app\"]\n",
            ),
            ("main.py", "import flask\napp = 1\n"),
        ],
        &[],
        Some("its command names gevent"),
    );
}

#[test]
fn nothing_is_loaded_after_what_it_may_depend_on() {
    for statement in [
        "os.environ[\"TOKENIZERS_PARALLELISM\"] = \"false\"",
        "os.environ.setdefault('A', 'b')",
        "os.environ |= {'A': 'b'}",
        "os.environ.update(A='b')",
        "os.putenv('A', 'b')",
        "load_dotenv(override=True)",
        "load_dotenv('other.env')",
        "sys.modules['sqlite3'] = sys.modules.pop('pysqlite3')",
        "os.chdir('/data')",
        "if True: os.environ['A'] = 'b'",
    ] {
        let text = format!("import os\nimport sys\n{statement}\nimport torch\n");
        check(&[("main.py", &text)], &["os", "sys"], Some("main.py:3"));
    }
    for statement in [
        "load_dotenv()",
        "load_dotenv(find_dotenv())",
        "x = os.environ['A']",
        "assert os.environ['A'] == 'b'",
        "def f(): os.environ['A'] = 'b'",
        "# os.environ['A'] = 'b'",
        "x = 'os.environ[1] = 2'",
    ] {
        let text = format!("import os\n{statement}\nimport torch\n");
        check(&[("main.py", &text)], &["os", "torch"], None);
    }
}

#[test]
fn modules_of_the_folder_are_never_named() {
    check(
        &[
            (
                "main.py",
                "import requests\nimport helpers\nimport vendored\nfrom __future__ import annotations\nimport this\n",
            ),
            ("helpers.py", "import helpers\n"),
            ("lib/vendored/__init__.py", ""),
        ],
        &["requests"],
        None,
    );
}

#[test]
fn the_manifest_decides_where_it_says_something() {
    let main = ("main.py", "import torch\n");
    check(
        &[main, ("nasiko.toml", "[dev]\npreload = false\n")],
        &[],
        Some("[dev] preload is off"),
    );
    check(
        &[main, ("nasiko.toml", "[dev]\npreload = true\n")],
        &["torch"],
        None,
    );
    check(
        &[
            main,
            (
                "nasiko.toml",
                "[dev]\npreload = [\"a.b\", \"not a module\", \"c\"]\n",
            ),
        ],
        &["a.b", "c"],
        None,
    );
}

#[test]
fn the_number_of_modules_is_bounded() {
    let imports: Vec<String> = (0..1000)
        .map(|number| format!("import m{number}"))
        .collect();
    assert_eq!(
        preload(&[("main.py", &imports.join("\n"))]).modules.len(),
        MOST_MODULES
    );
}

#[test]
fn the_examples_load_what_they_import() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/agents");
    let sdk = of(&examples.join("echo-sdk"));
    assert_eq!(sdk.why_not, None);
    for module in [
        "asyncio",
        "uvicorn",
        "a2a.server.routes",
        "starlette.applications",
    ] {
        assert!(
            sdk.modules.iter().any(|known| known == module),
            "{module}: {:?}",
            sdk.modules
        );
    }
    let greeter = of(&examples.join("greeter"));
    assert!(
        greeter.modules.contains(&"http.server".to_owned()),
        "{:?}",
        greeter.modules
    );
    assert_eq!(of(&examples.join("echo-node")), Preload::default());
}
