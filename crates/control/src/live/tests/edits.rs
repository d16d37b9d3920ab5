//! What saves do to an agent that runs.

use std::time::Duration;

use nasiko_contract::{ErrorCode, UpdateAction, UpdateState};

use super::harness::Edited;
use crate::tests::until;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_save_is_live_and_the_next_one_from_standby() {
    let edited = Edited::deploy().await;
    edited.says("one").await;
    edited.is_warm().await;
    edited.say("two");
    edited.says("two").await;
    let update = edited.update(0).await;
    assert_eq!(update.state, UpdateState::Live);
    assert_eq!(update.action, UpdateAction::Restart);
    assert!(update.warm);
    assert_eq!(update.files.len(), 1);
    assert_eq!(update.files[0].path, "words.py");
    let seconds = update.seconds;
    assert!(seconds.seen <= seconds.decided, "{seconds:?}");
    assert!(seconds.decided <= seconds.applied, "{seconds:?}");
    assert!(seconds.applied <= seconds.answered, "{seconds:?}");
    let plan = edited.agent().await.plan.unwrap();
    assert_eq!(plan.content_hash, update.content_hash);
    edited.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_save_leaves_the_old_one_answering_and_the_next_one_recovers() {
    let edited = Edited::deploy().await;
    edited.write("words.py", "SAID = (\n");
    let update = edited.update(0).await;
    assert_eq!(update.state, UpdateState::Failed);
    let fault = edited.agent().await.fault.expect("it is said why");
    assert_eq!(fault.code, ErrorCode::SyntaxError);
    let evidence = fault.evidence.join("\n");
    assert!(evidence.contains("words.py\", line 1"), "{evidence}");
    edited.says("one").await;
    // Not by itself once more.
    edited.compared().await;
    assert_eq!(edited.updates().await.len(), 1);

    edited.say("two");
    edited.says("two").await;
    assert_eq!(edited.update(1).await.state, UpdateState::Live);
    assert_eq!(edited.agent().await.fault, None);
    edited.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn taking_a_broken_save_back_is_enough() {
    let edited = Edited::deploy().await;
    edited.write("words.py", "SAID = (\n");
    assert_eq!(edited.update(0).await.state, UpdateState::Failed);
    let serving = edited.agent().await.current;
    edited.say("one");
    let update = edited.update(1).await;
    assert_eq!(update.state, UpdateState::Unchanged);
    let agent = edited.agent().await;
    assert_eq!(agent.fault, None);
    assert_eq!(agent.current, serving);
    edited.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn touching_a_file_does_nothing() {
    let edited = Edited::deploy().await;
    edited.is_warm().await;
    let serving = edited.agent().await.current;
    edited.say("one");
    let words = edited.folder.path().join("words.py");
    fs_err::File::options()
        .append(true)
        .open(&words)
        .unwrap()
        .into_parts()
        .0
        .set_modified(std::time::SystemTime::now())
        .unwrap();
    edited.compared().await;
    assert_eq!(edited.updates().await, []);
    assert_eq!(edited.agent().await.current, serving);
    edited.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_storm_the_last_content_runs() {
    let edited = Edited::deploy().await;
    edited.is_warm().await;
    for number in 0..300 {
        edited.say(&format!("word {number}"));
        edited.write(
            &format!("helper_{}.py", number % 7),
            &format!("N = {number}\n"),
        );
        if number % 50 == 0 {
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }
    edited.says("word 299").await;
    edited.compared().await;
    let updates = edited.updates().await;
    let last = &updates[0];
    assert_eq!(last.state, UpdateState::Live, "{last:#?}");
    let agent = edited.agent().await;
    assert_eq!(agent.plan.unwrap().content_hash, last.content_hash);
    let alike = |update: &&nasiko_contract::Update| update.content_hash == last.content_hash;
    assert_eq!(updates.iter().filter(alike).count(), 1, "{updates:#?}");
    edited.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_edits_lose_none_and_no_request() {
    let edited = Edited::deploy().await;
    let shared = std::sync::Arc::clone(edited.shared());
    let url = format!("{}/", shared.agent_url(&edited.name));
    let stop = tokio_util::sync::CancellationToken::new();
    let asking = tokio::spawn({
        let (http, stop) = (shared.http.clone(), stop.clone());
        async move {
            let mut asked = 0;
            while !stop.is_cancelled() {
                let answer = http.get(&url).send().await.unwrap();
                assert!(answer.status().is_success(), "{answer:?}");
                answer.bytes().await.unwrap();
                asked += 1;
            }
            asked
        }
    });
    for number in 0..10 {
        edited.say(&format!("word {number}"));
        edited.says(&format!("word {number}")).await;
    }
    stop.cancel();
    assert!(asking.await.unwrap() > 10);
    edited.end().await;
}

/// Writes into its own folder each time it starts.
const WRITER: &str = r#"
import http.server, os, words, time
with open("starts.json", "a") as file:
    file.write("[]\n")
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(words.SAID.encode())
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answer).serve_forever()
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_writes_into_its_folder_does_not_restart_itself_for_ever() {
    let edited = Edited::deploy_program(WRITER).await;
    edited.say("two");
    edited.says("two").await;
    let settled = async || {
        edited.updates().await.first().is_some_and(|update| {
            update.state == UpdateState::Unchanged && update.why.contains("by itself")
        })
    };
    until(edited.shared(), "the loop ends", settled).await;
    let restarts = edited.updates().await.len();
    assert!(restarts < 8, "{restarts}");
    edited.compared().await;
    assert_eq!(edited.updates().await.len(), restarts);
    // A person's edit still counts.
    edited.say("three");
    edited.says("three").await;
    edited.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_program_does_not_hold_is_live_without_a_restart() {
    let edited = Edited::deploy().await;
    let serving = edited.agent().await.current;
    let card = r#"{"name": "edited", "description": "Says words", "version": "0.1.0"}"#;
    let saves = [
        (
            "static/page.css",
            "p {}",
            UpdateAction::Sync,
            UpdateState::Live,
        ),
        (
            "AgentCard.json",
            card,
            UpdateAction::Card,
            UpdateState::Live,
        ),
        (
            "README.md",
            "# Words",
            UpdateAction::Nothing,
            UpdateState::Unchanged,
        ),
    ];
    for (number, (path, text, action, state)) in saves.into_iter().enumerate() {
        edited.write(path, text);
        let update = edited.update(number).await;
        assert_eq!(
            (update.action, update.state),
            (action, state),
            "{update:#?}"
        );
        let agent = edited.agent().await;
        assert_eq!(agent.plan.unwrap().content_hash, update.content_hash);
        assert_eq!(agent.current, serving);
    }
    assert_eq!(
        edited.answer_at("/static/page.css").await.as_deref(),
        Some("p {}")
    );
    let agent = edited.agent().await;
    assert_eq!(agent.card["description"], "Says words");
    assert!(!agent.card_generated);
    edited.end().await;
}

/// A wheel is a zip with three files of metadata: Python writes it.
const WHEEL: &str = r#"
import sys, zipfile
info = "greeting_word-1.0.dist-info/"
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    wheel.writestr("greeting_word/__init__.py", "WORD = 'servus'")
    wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: greeting-word\nVersion: 1.0\n")
    wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr(info + "RECORD", "")
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requirements_are_installed_by_a_job_and_the_next_save_is_fast_again() {
    let edited = Edited::deploy().await;
    let wheel = "greeting_word-1.0-py3-none-any.whl";
    let made = std::process::Command::new("python3")
        .args(["-c", WHEEL])
        .arg(edited.folder.path().join(wheel))
        .status();
    assert!(made.unwrap().success());
    edited.write("words.py", "from greeting_word import WORD as SAID\n");
    edited.write("requirements.txt", &format!("./{wheel}\n"));
    edited.says("servus").await;
    let update = edited.is_live().await;
    assert_eq!(update.action, UpdateAction::Environment, "{update:#?}");
    assert!(update.job.is_some());
    edited.is_warm().await;
    let before = edited.updates().await.len();
    edited.say("two");
    edited.says("two").await;
    assert!(edited.update(before).await.warm);
    edited.end().await;
}
