//! Whole folders: what their files are, on both runtimes.

use nasiko_contract::RuntimeKind::{self, Docker, Process};
use nasiko_contract::UpdateAction::{Card, Environment, Nothing, Rebuild, Restart, Sync};

use super::*;

const FASTAPI: [(&str, &str); 22] = [
    (
        "Dockerfile",
        "FROM python:3.11-slim\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCOPY . .\nCMD [\"python\", \"main.py\"]\n",
    ),
    (
        "main.py",
        "from fastapi import FastAPI\nopen('GUIDE.md')\nopen('static/kept.js')\n",
    ),
    ("requirements.txt", "fastapi\n"),
    (
        "AgentCard.json",
        "{\"name\": \"a\", \"version\": \"1.0.0\", \"skills\": [], \"url\": \"x\"}",
    ),
    (".env", "A=1\n"),
    ("nasiko.toml", "[run]\nport = 8000\n"),
    ("README.md", "# Agent\n"),
    ("GUIDE.md", "# Read by the agent\n"),
    ("LICENSE", "MIT\n"),
    ("docs/a.md", "x\n"),
    ("tests/test_a.py", "x\n"),
    (".github/workflows/ci.yml", "x\n"),
    (".gitignore", "x\n"),
    ("prompts/system.md", "x\n"),
    ("static/app.css", "x\n"),
    ("static/kept.js", "x\n"),
    ("static/page.html", "x\n"),
    ("templates/page.html", "x\n"),
    ("agent.log", "x\n"),
    ("state.db", "x\n"),
    ("state.db-wal", "x\n"),
    ("data.csv", "x\n"),
];

#[track_caller]
fn check(agent: &Agent, runtimes: &[RuntimeKind], rows: &[(&str, UpdateAction, &str)]) {
    for runtime in runtimes {
        for (path, action, why) in rows {
            assert_update(&agent.touch(path, *runtime), *action, why, runtime.as_str());
        }
    }
}

#[test]
fn nothing_is_known_of_a_folder_that_is_gone_for_a_moment() {
    let agent = Agent::new(&FASTAPI);
    let snapshot = agent.snapshot();
    let description = agent.describe();
    agent.remove("main.py");
    let plan = decide(&Decide {
        root: agent.root(),
        description: &description,
        newer: &description,
        before: &snapshot,
        now: &snapshot,
        changes: &[Change {
            path: "README.md".to_owned(),
            kind: FileChangeKind::Modified,
        }],
        runtime: Process,
    });
    assert_eq!(plan.action, Restart, "{plan:?}");
}

#[test]
fn what_the_files_of_a_folder_are() {
    let agent = Agent::new(&FASTAPI);
    check(
        &agent,
        &[Process, Docker],
        &[
            ("main.py", Restart, ""),
            ("prompts/system.md", Restart, ""),
            ("templates/page.html", Restart, ""),
            ("data.csv", Restart, ""),
            ("GUIDE.md", Restart, "main.py names it"),
            (".env", Restart, "its values are given at the start"),
            ("AgentCard.json", Card, "the card is read again"),
            ("README.md", Nothing, "not read by the agent"),
            ("LICENSE", Nothing, "not read by the agent"),
            ("docs/a.md", Nothing, "not read by the agent"),
            ("tests/test_a.py", Nothing, "not read by the agent"),
            (".github/workflows/ci.yml", Nothing, "not read by the agent"),
            (".gitignore", Nothing, "not read by the agent"),
            ("static/app.css", Sync, "it is read for each request"),
            ("static/page.html", Sync, "it is read for each request"),
            ("static/kept.js", Restart, ""),
            ("agent.log", Nothing, "it is a log"),
            ("state.db", Nothing, "it is a database"),
            ("state.db-wal", Nothing, "the journal of a database"),
            ("__pycache__/main.cpython-311.pyc", Nothing, "written"),
        ],
    );
    check(
        &agent,
        &[Docker],
        &[
            (
                "requirements.txt",
                Environment,
                "RUN pip install -r requirements.txt (Dockerfile:4)",
            ),
            ("Dockerfile", Rebuild, "how the image is built"),
        ],
    );
    check(
        &agent,
        &[Process],
        &[
            ("main.py", Restart, "the folder is run where it is"),
            ("Dockerfile", Nothing, "did not change"),
        ],
    );
}

#[test]
fn sources_decide_what_is_read() {
    let with = |main: &str| {
        let agent = Agent::new(&FASTAPI);
        agent.write("main.py", main);
        agent
    };
    check(
        &with("json.load(open('AgentCard.json'))"),
        &[Process, Docker],
        &[("AgentCard.json", Restart, "main.py reads the card")],
    );
    check(
        &with("for path in Path('.').glob('*'): load(path)"),
        &[Process, Docker],
        &[
            ("README.md", Restart, "main.py reads whole directories"),
            ("docs/a.md", Restart, "main.py reads whole directories"),
            ("tests/test_a.py", Nothing, ""),
        ],
    );
    check(
        &with("load(HERE / 'docs')\nfrom tests.fixtures import x"),
        &[Process, Docker],
        &[
            ("docs/a.md", Restart, "main.py names it"),
            ("tests/test_a.py", Restart, "main.py names it"),
            ("README.md", Nothing, ""),
        ],
    );
    check(
        &with("templates = Jinja2Templates(directory='static')"),
        &[Process],
        &[
            ("static/page.html", Restart, ""),
            ("static/app.css", Sync, ""),
        ],
    );
}

#[test]
fn the_greatest_action_counts_and_names_its_file() {
    let agent = Agent::new(&FASTAPI);
    let plan = agent.edit(Docker, |agent| {
        agent.write("README.md", "2");
        agent.write("prompts/system.md", "2");
        agent.write("main.py", "2");
    });
    assert_eq!(plan.action, Restart);
    assert!(
        plan.why
            .starts_with("main.py: COPY . to /app is after the last RUN (Dockerfile:5)"),
        "{}",
        plan.why
    );
    assert_eq!(plan.files.len(), 3);
    let nothing = agent.edit(Docker, |_| {});
    assert_eq!(
        (nothing.action, nothing.why.as_str()),
        (Nothing, "nothing changed")
    );
}

#[test]
fn thousands_of_files_at_once() {
    let agent = Agent::new(&FASTAPI);
    let plan = agent.edit(Docker, |agent| {
        for number in 0..3000 {
            agent.write(&format!("static/{number}.css"), "x");
        }
        for number in 0..1000 {
            agent.write(&format!("docs/{number}.md"), "x");
        }
    });
    // Not every one of them is looked for in the sources.
    assert_eq!((plan.files.len(), plan.action), (4000, Restart));
    let of_docs = plan
        .files
        .iter()
        .filter(|file| file.path.starts_with("docs/"));
    assert!(of_docs.into_iter().all(|file| file.action == Nothing));
}

#[test]
fn requirements_of_a_process() {
    let edited = |edit: fn(&Agent)| Agent::new(&FASTAPI).edit(Process, edit);
    let plan = edited(|agent| agent.write("requirements.txt", "fastapi\nhttpx\n"));
    assert_eq!(plan.action, Environment, "{}", plan.why);
    let plan = edited(|agent| agent.write("requirements.txt", "# why\nfastapi  # web\n\n"));
    assert_eq!(plan.action, Nothing, "{}", plan.why);
    assert!(plan.why.contains("the same is installed"), "{}", plan.why);
    let plan = edited(|agent| agent.remove("requirements.txt"));
    assert_eq!(plan.action, Environment, "{}", plan.why);
    let plan = edited(|agent| {
        agent.write("Dockerfile", "FROM python:3.11-slim\nWORKDIR /app\nCOPY . .\nENV A=2\nCMD [\"python\", \"main.py\"]\n");
    });
    assert_eq!(plan.action, Restart, "{}", plan.why);
}

#[test]
fn node_packages_of_a_process() {
    let package =
        "{\"name\": \"a\", \"main\": \"server.js\", \"dependencies\": {\"express\": \"4\"}}";
    let edited = |text: &'static str| {
        let agent = Agent::new(&[("package.json", package), ("server.js", "1")]);
        agent.edit(Process, |agent| agent.write("package.json", text))
    };
    let plan = edited(
        "{\"name\": \"a\", \"main\": \"server.js\", \"dependencies\": {\"express\": \"5\"}}",
    );
    assert_eq!(plan.action, Environment, "{}", plan.why);
    let plan = edited(
        "{\"name\": \"a\", \"type\": \"module\", \"main\": \"server.js\", \"dependencies\": {\"express\": \"4\"}}",
    );
    assert_eq!(plan.action, Restart, "{}", plan.why);
}

#[test]
fn projects_of_a_process() {
    let project = "[project]\nname = 'a'\nversion = '1'\ndependencies = ['fastapi']\n";
    let edited = |text: &'static str| {
        let agent = Agent::new(&[("pyproject.toml", project), ("main.py", "1")]);
        agent.edit(Process, |agent| agent.write("pyproject.toml", text))
    };
    let plan =
        edited("[project]\nname = 'a'\nversion = '1'\ndependencies = ['fastapi', 'httpx']\n");
    assert_eq!(plan.action, Environment, "{}", plan.why);
    let plan = edited(
        "# why\n[project]\nname = 'a'\nversion = '1'\ndependencies = [\n  'fastapi',\n]\n[tool.ruff]\nline-length = 100\n",
    );
    assert_eq!(plan.action, Nothing, "{}", plan.why);
}

#[test]
fn sections_of_the_manifest() {
    for (text, process, docker) in [
        (
            "[run]\nport = 8000\n[dev]\nignore = [\"x\"]\n",
            Nothing,
            Nothing,
        ),
        ("# why\n[run]\nport = 8000\n", Nothing, Nothing),
        ("[run]\nport = 9000\n", Restart, Restart),
        ("[run]\nport = 8000\n[env]\nA = 1\n", Restart, Restart),
        (
            "[run]\nport = 8000\n[build]\nargs = { A = 1 }\n",
            Restart,
            Rebuild,
        ),
        ("[run]\nprot = 8000\n", Restart, Restart),
    ] {
        for (runtime, action) in [(Process, process), (Docker, docker)] {
            let agent = Agent::new(&FASTAPI);
            let plan = agent.edit(runtime, |agent| agent.write("nasiko.toml", text));
            assert_eq!(plan.action, action, "{text}: {}", plan.why);
        }
    }
}

#[test]
fn the_manifest_overrides() {
    let agent = Agent::new(&FASTAPI);
    agent.write(
        "nasiko.toml",
        "[dev]\nignore = [\"*.csv\", \"prompts\"]\nsync = [{ from = \"templates/\", to = \"/app/templates/\" }]\n",
    );
    check(
        &agent,
        &[Process, Docker],
        &[
            ("data.csv", Nothing, "[dev] ignore"),
            ("prompts/system.md", Nothing, "[dev] ignore"),
            (
                "templates/page.html",
                Restart,
                "[dev] sync in nasiko.toml puts templates/ to /app/templates/",
            ),
            ("main.py", Restart, ""),
        ],
    );
    agent.write(
        "nasiko.toml",
        "[dev]\nsync = [{ from = \"templates/\", to = \"/app/templates/\" }]\nrestart = false\n",
    );
    check(
        &agent,
        &[Process, Docker],
        &[
            ("templates/page.html", Sync, "[dev] sync"),
            ("main.py", Sync, "[dev] restart is off"),
            (".env", Restart, ""),
        ],
    );
    check(&agent, &[Docker], &[("requirements.txt", Environment, "")]);
}

#[test]
fn a_description_is_read_anew_when_it_is_made_from_the_file() {
    let agent = Agent::new(&FASTAPI);
    let description = agent.describe();
    let needs = |path: &str, kind: FileChangeKind| {
        needs_reading(
            &description,
            &[Change {
                path: path.to_owned(),
                kind,
            }],
        )
    };
    for path in [
        "Dockerfile",
        "nasiko.toml",
        "AgentCard.json",
        "requirements.txt",
        "pyproject.toml",
        "package.json",
        "docker-compose.yml",
        ".env",
        ".dockerignore",
        "Procfile",
    ] {
        assert!(needs(path, FileChangeKind::Modified), "{path}");
    }
    for path in [
        "src/agent.py",
        "prompts/system.md",
        "static/app.css",
        "main.py",
    ] {
        assert!(!needs(path, FileChangeKind::Modified), "{path}");
    }
    assert!(needs("main.py", FileChangeKind::Removed));
    assert!(needs("app.py", FileChangeKind::Added));
    assert!(!needs("src/tools.py", FileChangeKind::Added));
    assert!(!needs_reading(&description, &[]));
}

#[test]
fn the_examples() {
    type Row<'a> = (&'a str, UpdateAction, UpdateAction);
    let rows: [(&str, &[Row<'_>]); 6] = [
        (
            "greeter",
            &[
                ("main.py", Restart, Restart),
                ("AgentCard.json", Restart, Restart),
                ("README.md", Nothing, Nothing),
                ("Dockerfile", Nothing, Rebuild),
            ],
        ),
        (
            "echo-sdk",
            &[
                ("main.py", Restart, Restart),
                ("requirements.txt", Nothing, Environment),
                ("AgentCard.json", Restart, Restart),
                ("README.md", Nothing, Nothing),
            ],
        ),
        (
            "echo-sdk-03",
            &[
                ("main.py", Restart, Restart),
                ("requirements.txt", Nothing, Environment),
                ("docker-compose.yml", Nothing, Nothing),
            ],
        ),
        (
            "echo-node",
            &[
                ("server.js", Restart, Restart),
                ("package.json", Restart, Restart),
                ("AgentCard.json", Restart, Restart),
            ],
        ),
        (
            "no-dockerfile",
            &[
                ("main.py", Restart, Restart),
                ("requirements.txt", Nothing, Environment),
                ("README.md", Nothing, Nothing),
            ],
        ),
        (
            "rest-capabilities",
            &[
                ("src/main.py", Restart, Restart),
                ("docker-compose.yml", Nothing, Nothing),
                ("README.md", Nothing, Nothing),
            ],
        ),
    ];
    for (name, files) in rows {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../examples/agents")
            .join(name);
        let agent = Agent::new(&[]);
        copy(&root, agent.root());
        for (path, process, docker) in files {
            for (runtime, action) in [(Process, process), (Docker, docker)] {
                let update = agent.touch(path, runtime);
                assert_eq!(update.action, *action, "{name}: {path}: {}", update.why);
            }
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs_err::create_dir_all(to).unwrap();
    for entry in fs_err::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs_err::copy(entry.path(), to).unwrap();
        }
    }
}
