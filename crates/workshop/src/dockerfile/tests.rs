use std::path::Path;

use nasiko_contract::ErrorCode;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::snapshot::{Snapshot, SnapshotOptions};

fn facts(text: &str) -> DockerfileFacts {
    parse("Dockerfile", text).unwrap()
}

fn snapshot(files: &[&str]) -> (TempDir, Snapshot) {
    let temp = tempfile::tempdir().unwrap();
    for path in files {
        let path = temp.path().join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, "x").unwrap();
    }
    let snapshot = Snapshot::take(
        temp.path(),
        &SnapshotOptions::default(),
        None,
        &CancellationToken::new(),
    );
    (temp, snapshot.unwrap())
}

#[test]
fn the_last_stage_and_what_it_is_built_upon() {
    let facts = facts(
        "ARG TAG=3.11\nFROM python:${TAG}-slim AS base\nENV A=1 B=\"two words\"\nWORKDIR /app\nCMD [\"base\"]\n\
         FROM golang AS build\nENV C=3\nEXPOSE 1111\nCOPY go.mod ./\n\
         FROM base\nENV D=$A LEGACY one two\nWORKDIR sub\nCOPY --from=build /out/agent /agent\n\
         EXPOSE 8000/tcp 9000 5353/udp\nUSER app\nHEALTHCHECK --interval=5s CMD curl -f localhost\n",
    );
    assert_eq!(facts.stages.len(), 3);
    assert_eq!(facts.stages[0].image, "python:3.11-slim");
    assert_eq!(
        (facts.stages[2].name.as_deref(), facts.stages[2].line),
        (None, 10)
    );
    assert_eq!(
        facts
            .ports
            .iter()
            .map(|fact| (fact.port, fact.line))
            .collect::<Vec<_>>(),
        [(8000, 14), (9000, 14)]
    );
    assert_eq!(facts.workdir.as_deref(), Some("/app/sub"));
    assert_eq!(facts.env.get("B").map(String::as_str), Some("two words"));
    assert_eq!(facts.env.get("D").map(String::as_str), Some("1"));
    assert_eq!(facts.env.get("C"), None);
    assert_eq!(facts.cmd, Some(CommandForm::Exec(vec!["base".to_owned()])));
    assert_eq!(facts.user.as_deref(), Some("app"));
    assert_eq!(
        facts.healthcheck,
        Some(CommandForm::Shell("curl -f localhost".to_owned()))
    );
    assert_eq!(facts.copies[1].from.as_deref(), Some("build"));
}

#[test]
fn an_entrypoint_drops_the_command_it_inherits() {
    let inherited = facts("FROM x AS a\nCMD [\"old\"]\nFROM a\nENTRYPOINT [\"new\"]");
    assert_eq!(inherited.cmd, None);
    let own = facts("FROM x\nCMD [\"arg\"]\nENTRYPOINT [\"new\"]");
    assert_eq!(own.cmd, Some(CommandForm::Exec(vec!["arg".to_owned()])));
}

#[test]
fn windows_line_ends_and_older_spellings() {
    let facts = facts(
        "FROM x\r\nENV KEY some value\r\nENV PATH=/venv/bin:$PATH\r\nCMD python main.py \\\r\n  --port 1\r\n",
    );
    assert_eq!(facts.env.get("KEY").map(String::as_str), Some("some value"));
    assert_eq!(
        facts.env.get("PATH").map(String::as_str),
        Some("/venv/bin:$PATH")
    );
    assert_eq!(
        facts.cmd,
        Some(CommandForm::Shell("python main.py --port 1".to_owned()))
    );
}

#[test]
fn what_does_not_parse_names_its_line() {
    for (text, line) in [("FROM x\n\nRUNN a", 3), ("CMD [\"a\"]", 1), ("", 1)] {
        match parse("docker/Dockerfile", text) {
            Err(error @ crate::WorkshopError::DockerfileBroken { .. }) => {
                assert_eq!(error.code(), ErrorCode::DockerfileBroken);
                let crate::WorkshopError::DockerfileBroken { line: found, .. } = error else {
                    unreachable!()
                };
                assert!(found == line || text.is_empty(), "{text}: line {found}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn words_split_as_in_a_shell() {
    assert_eq!(
        split_words("a  'b c' \"d \\\"e\\\"\" f\\ g \"\""),
        ["a", "b c", "d \"e\"", "f g", ""]
    );
    assert_eq!(split_words("  "), Vec::<String>::new());
}

const SLIM: &str = "FROM python:3.11-slim\nWORKDIR /app\n";

/// The command a process would run, and where.
fn check(files: &[&str], body: &str, command: &[&str], workdir: &str) {
    let (_temp, snapshot) = snapshot(files);
    let facts = facts(&format!("{SLIM}{body}"));
    let process =
        command_for_process(&facts, &snapshot).unwrap_or_else(|| panic!("no command: {body}"));
    assert_eq!(process.command, command, "{body}");
    assert_eq!(process.workdir, workdir, "{body}");
}

#[test]
fn commands_run_in_the_folder() {
    let files = [
        "main.py",
        "src/main.py",
        "src/agent/__main__.py",
        "requirements.txt",
        "start.sh",
    ];
    check(
        &files,
        "COPY . .\nCMD [\"python\", \"/app/main.py\"]",
        &["python", "main.py"],
        "",
    );
    check(
        &files,
        "COPY . .\nCMD python3 main.py",
        &["python", "main.py"],
        "",
    );
    check(
        &files,
        "COPY . /app/\nENTRYPOINT [\"python\", \"-u\"]\nCMD [\"main.py\"]",
        &["python", "-u", "main.py"],
        "",
    );
    check(
        &files,
        "COPY src/ .\nCMD [\"python\", \"main.py\"]",
        &["python", "main.py"],
        "src",
    );
    check(
        &files,
        "COPY requirements.txt .\nCOPY src ./src\nCMD [\"python\", \"-m\", \"src.main\"]",
        &["python", "-m", "src.main"],
        "",
    );
    check(
        &files,
        "COPY . .\nWORKDIR /app/src\nCMD [\"python\", \"-m\", \"agent\"]",
        &["python", "-m", "agent"],
        "src",
    );
    check(
        &files,
        "COPY src/main.py agent.py\nCMD [\"python\", \"agent.py\"]",
        &["python", "src/main.py"],
        "",
    );
    check(
        &files,
        "COPY . .\nCMD [\"/usr/local/bin/uvicorn\", \"main:app\", \"--port\", \"8000\"]",
        &["uvicorn", "main:app", "--port", "8000"],
        "",
    );
    check(
        &files,
        "COPY . .\nENV X=1\nCMD [\"/app/start.sh\"]",
        &["./start.sh"],
        "",
    );
    check(
        &files,
        "COPY . .\nCMD cd src && python /app/main.py",
        &["sh", "-c", "cd src && python main.py"],
        "",
    );
    check(
        &files,
        "COPY . .\nCMD [\"sh\", \"-c\", \"python main.py --port ${PORT:-8000}\"]",
        &["python", "main.py", "--port", "$PORT"],
        "",
    );
    check(
        &files,
        "COPY . .\nCMD exec python main.py --port $PORT",
        &["python", "main.py", "--port", "$PORT"],
        "",
    );
}

#[test]
fn variables_that_only_a_shell_knows_keep_their_shell() {
    check(
        &["main.py"],
        "COPY . .\nCMD python main.py --workers $WORKERS",
        &["sh", "-c", "python main.py --workers $WORKERS"],
        "",
    );
}

#[test]
fn wrappers_that_prepare_an_environment_are_taken_off() {
    let files = ["main.py"];
    check(
        &files,
        "COPY . .\nCMD [\"uv\", \"run\", \"--no-dev\", \"main.py\"]",
        &["python", "main.py"],
        "",
    );
    check(
        &files,
        "COPY . .\nCMD [\"uv\", \"run\", \"python\", \"main.py\"]",
        &["python", "main.py"],
        "",
    );
    check(
        &files,
        "COPY . .\nCMD [\"poetry\", \"run\", \"uvicorn\", \"main:app\"]",
        &["uvicorn", "main:app"],
        "",
    );
    check(
        &files,
        "COPY . .\nENTRYPOINT [\"/usr/bin/tini\", \"--\"]\nCMD [\"/app/.venv/bin/python\", \"main.py\"]",
        &["python", "main.py"],
        "",
    );
}

#[test]
fn a_program_made_in_a_build_stage_is_no_local_command() {
    let (_temp, snapshot) = snapshot(&["main.go", "go.mod"]);
    let built = facts(
        "FROM golang AS build\nCOPY . .\nRUN go build -o /agent\nFROM scratch\nCOPY --from=build /agent /agent\nCMD [\"/agent\"]",
    );
    assert_eq!(command_for_process(&built, &snapshot), None);
    assert_eq!(command_for_process(&facts("FROM x"), &snapshot), None);
}

#[test]
fn the_image_environment_is_carried_over_as_far_as_it_means_something() {
    let (_temp, snapshot) = snapshot(&["src/a.py"]);
    let facts = facts(&format!(
        "{SLIM}COPY . .\nENV PYTHONPATH=/app/src:/app PATH=/x:$PATH PORT=1 LEVEL=info HOST=0.0.0.0\nCMD [\"python\", \"src/a.py\"]"
    ));
    let env = command_for_process(&facts, &snapshot).unwrap().env;
    let env: Vec<_> = env
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(env, [("PYTHONPATH", "src:."), ("LEVEL", "info")]);
}

#[test]
fn missing_copies_are_found_before_the_build() {
    let (temp, snapshot) = snapshot(&[
        "main.py",
        "src/a.py",
        "data/x.csv",
        "sub/Dockerfile",
        "sub/app.js",
    ]);
    let missing = |body: &str, context: &str| -> Vec<String> {
        let facts = facts(&format!("{SLIM}{body}"));
        missing_copies(&facts, &snapshot, temp.path(), context)
            .into_iter()
            .map(|missing| missing.source)
            .collect()
    };
    for fine in [
        "COPY . .",
        "COPY ./src /src",
        "COPY src/ data/*.csv /x/",
        "COPY *.py ./",
        "COPY --from=build /nowhere /x",
        "ADD https://x/y /z",
        "ARG F\nCOPY $F /x",
        "ENV D=src\nCOPY ${D}/a.py /x",
        "COPY <<EOF /x\nhi\nEOF",
        "COPY /main.py /x",
    ] {
        assert_eq!(missing(fine, ""), Vec::<String>::new(), "{fine}");
    }
    assert_eq!(missing("COPY gone.txt main.py /x/", ""), ["gone.txt"]);
    assert_eq!(missing("COPY *.toml /x/", ""), ["*.toml"]);
    assert_eq!(missing("COPY ../up /x", ""), ["../up"]);
    assert_eq!(missing("COPY app.js /x", "sub"), Vec::<String>::new());
    assert_eq!(missing("COPY app.js /x", ""), ["app.js"]);
    let hint = |body: &str| {
        missing_copies(
            &facts(&format!("{SLIM}{body}")),
            &snapshot,
            Path::new("/"),
            "",
        )
        .remove(0)
        .hint
    };
    assert_eq!(hint("COPY src/b.py /x"), "Did you mean src/a.py?");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(
        text in "((FROM x AS a|COPY|ADD|RUN|ENV|CMD|EXPOSE|WORKDIR|ARG|HEALTHCHECK)?[ a-z/\\[\\]\"'\\\\$={}<,.:é\n-]{0,8}){0,12}",
    ) {
        let (_temp, snapshot) = snapshot(&["a", "b/c"]);
        split_words(&text);
        for text in [text.clone(), format!("FROM x\n{text}")] {
            if let Ok(facts) = parse("Dockerfile", &text) {
                command_for_process(&facts, &snapshot);
                missing_copies(&facts, &snapshot, Path::new("/"), "");
            }
        }
    }
}
