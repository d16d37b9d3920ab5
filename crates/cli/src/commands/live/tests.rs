use nasiko_contract::{ErrorCode, Fault, FileUpdate, UpdateAction, UpdateSeconds};

use super::*;

fn update(state: UpdateState) -> Update {
    Update {
        id: "u".into(),
        agent: "greeter".into(),
        at: 0,
        state,
        action: UpdateAction::Restart,
        why: "COPY src/ is after the last RUN (Dockerfile:9)".into(),
        files: vec![
            FileUpdate {
                path: "README.md".into(),
                change: FileChangeKind::Modified,
                action: UpdateAction::Nothing,
                why: "not copied into the image".into(),
            },
            FileUpdate {
                path: "src/prompts.py".into(),
                change: FileChangeKind::Modified,
                action: UpdateAction::Restart,
                why: "lands at /app/src/prompts.py".into(),
            },
        ],
        files_total: 2,
        seconds: UpdateSeconds {
            answered: 0.084,
            ..UpdateSeconds::default()
        },
        warm: true,
        content_hash: String::new(),
        job: None,
        fault: None,
    }
}

#[test]
fn a_save_is_one_line_that_names_the_deciding_file_and_the_reason() {
    let plain = Output::new(true, false);
    let [line] = lines(plain, &update(UpdateState::Live), false)
        .try_into()
        .unwrap();
    let line: String = line;
    assert!(
        line.ends_with(
            "src/prompts.py and 1 more → live in 84 ms  (restart, warm, because COPY src/ is after the last RUN \
             (Dockerfile:9))"
        ),
        "{line}"
    );
}

#[test]
fn a_failed_save_shows_its_evidence_and_every_file_where_asked() {
    let mut failed = update(UpdateState::Failed);
    failed.fault = Some(
        Fault::new(ErrorCode::SyntaxError, "main.py does not parse")
            .evidence(["main.py:3: def answer(:"])
            .hint("Mend the line and save"),
    );
    let text = lines(Output::new(true, false), &failed, true).join("\n");
    for part in [
        "~ README.md  nothing  not copied into the image",
        "main.py does not parse [",
        "│ main.py:3: def answer(:",
        "→ Mend the line and save",
    ] {
        assert!(text.contains(part), "{part:?} in\n{text}");
    }
}

#[test]
fn durations_are_read_in_the_unit_that_fits() {
    assert_eq!(millis(0.0841), "84 ms");
    assert_eq!(millis(1.256), "1.26 s");
}
