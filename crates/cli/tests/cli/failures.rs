//! How commands fail: exit codes, documents, words.

use std::time::Instant;

use nasiko_contract::{
    CancelJob, DeleteAgent, DeployArchive, DeployDirectory, ErrorCode, Fault, FollowJobLog,
    GetAgent, JobId, ListAgents, SetSecret,
};
use nasiko_server::testing::Reply;
use serde_json::json;
use tempfile::TempDir;

use crate::scene::{PATIENCE, Scene, finish, job, program};

#[tokio::test(flavor = "multi_thread")]
async fn without_a_resident_a_look_fails_and_starts_none() {
    let home = TempDir::new().unwrap();
    for words in [
        ["ps", "--json"],
        ["traces", "--json"],
        ["settings", "--json"],
    ] {
        let ran = finish(program(&home, &words), None).await;
        assert_eq!(ran.code, Some(4), "{ran:?}");
        assert_eq!(ran.json()["error"]["code"], "control.unreachable");
    }
    let ran = finish(program(&home, &["status", "--json"]), None).await;
    assert_eq!((ran.code, &ran.json()["running"]), (Some(0), &json!(false)));
    assert_eq!(
        home.path().read_dir().unwrap().count(),
        0,
        "nothing was written"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_make_no_command() {
    let scene = Scene::new();
    for words in [
        &["absent", "--json"][..],
        &["stop", "--json"],
        &["ps", "--absent", "--json"],
        &["deploy", ".", "--env", "NOT_SET_ANYWHERE", "--json"],
        &["deploy", ".", "--env", "=x", "--json"],
        &["rm", "greeter", "--json"],
        &["registry", "update", "greeter", "--json"],
        &["secret", "set", "greeter", "KEY", "--json"],
        &["settings", "set", "absent", "1", "--json"],
        &["new", "python", "Not A Name", "--json"],
    ] {
        let ran = scene.run(words).await;
        assert_eq!(ran.code, Some(2), "{words:?}: {ran:?}");
        let error = ran.json()["error"].clone();
        assert_eq!(error["code"], "request.invalid", "{words:?}");
        for field in ["message", "hint"] {
            assert!(
                !error[field].as_str().unwrap().is_empty(),
                "{words:?} has no {field}"
            );
        }
        assert!(error["evidence"].is_array());
    }
    let plane = scene.plane();
    assert!(plane.calls_of::<DeleteAgent>().is_empty() && plane.calls_of::<SetSecret>().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_is_told_with_its_evidence_and_its_hint() {
    let scene = Scene::new();
    let fault = Fault::new(ErrorCode::AgentNotFound, "There is no agent `greter`")
        .hint("Did you mean `greeter`?")
        .evidence(["greeter"]);
    scene.plane().reply::<GetAgent>(Reply::Fault(fault));
    let ran = scene.run(&["chat", "greter", "--json"]).await;
    assert_eq!(ran.code, Some(3));
    let expected = json!({"error": {
        "code": "agent.not_found", "message": "There is no agent `greter`", "hint": "Did you mean `greeter`?",
        "evidence": ["greeter"],
    }});
    assert_eq!(ran.json(), expected);
    let ran = scene.run(&["chat", "greter"]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(3), ""));
    insta::assert_snapshot!(ran.stderr, @r"
    There is no agent `greter` [agent.not_found]
      │ greeter
    → Did you mean `greeter`?
    ");

    let refused = Fault::new(ErrorCode::Forbidden, "reader may not do agents.list");
    scene.plane().reply::<ListAgents>(Reply::Fault(refused));
    assert_eq!(scene.run(&["ps"]).await.code, Some(5));
    assert_eq!(
        scene.run(&["ps", "--context", "absent"]).await.code,
        Some(3)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_fails_fails_the_command() {
    let scene = Scene::new();
    let plane = scene.plane();
    let fault = json!({"code": "agent.start.import_error", "message": "It imports `absent`", "evidence": ["ImportError"]});
    plane.reply::<DeployDirectory>(Reply::Document(job("queued", &json!({}))));
    let failed = job("failed", &json!({ "fault": fault }));
    plane.reply::<FollowJobLog>(Reply::Items(vec![json!({ "job": failed })]));
    let ran = scene.run(&["deploy", ".", "--json"]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let error = ran.json()["error"].clone();
    assert_eq!(error["code"], "agent.start.import_error");
    assert_eq!(error["evidence"], json!(["ImportError"]));
    assert_eq!(error["hint"], json!(null));

    let absent = Fault::new(ErrorCode::PathNotFound, "There is nothing at /absent");
    plane.reply::<DeployDirectory>(Reply::Fault(absent));
    let ran = scene.run(&["deploy", "/absent", "--json"]).await;
    assert_eq!(
        (ran.code, ran.json()["error"]["code"].as_str()),
        (Some(1), Some("intake.path_not_found"))
    );
    let ran = scene.run(&["upload-zip", "/absent.zip", "--json"]).await;
    assert_eq!(
        (ran.code, ran.json()["error"]["code"].as_str()),
        (Some(1), Some("intake.path_not_found"))
    );
    assert!(plane.calls_of::<DeployArchive>().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_breaks_is_taken_up_again() {
    let scene = Scene::new();
    let plane = scene.plane();
    plane.reply::<DeployDirectory>(Reply::Document(job("queued", &json!({}))));
    let broken = Fault::new(ErrorCode::Unreachable, "The control plane is ending").retryable();
    plane.reply::<FollowJobLog>(Reply::Broken(vec![], broken));
    let child = scene.program(&["deploy", "."]).spawn().unwrap();
    let deadline = Instant::now() + PATIENCE;
    while plane.calls_of::<FollowJobLog>().len() < 2 {
        assert!(Instant::now() < deadline, "the log must be opened again");
        tokio::task::yield_now().await;
    }
    let ended = job("failed", &json!({}));
    plane.reply::<FollowJobLog>(Reply::Items(vec![json!({ "job": ended })]));
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_cancels_the_job_that_is_waited_for() {
    use rustix::process::{Pid, Signal, kill_process};

    let scene = Scene::new();
    let plane = scene.plane();
    plane.reply::<DeployDirectory>(Reply::Document(job("queued", &json!({}))));
    plane.reply::<FollowJobLog>(Reply::Open(vec![
        json!({"job": job("running", &json!({}))}),
    ]));
    let mut child = scene.program(&["deploy", ".", "--json"]).spawn().unwrap();
    let pid = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
    let deadline = Instant::now() + PATIENCE;
    while plane.calls_of::<FollowJobLog>().is_empty() {
        assert!(Instant::now() < deadline, "the job must be followed");
        tokio::task::yield_now().await;
    }
    kill_process(pid, Signal::INT).unwrap();
    while plane.calls_of::<CancelJob>().is_empty() {
        assert!(Instant::now() < deadline, "the job must be cancelled");
        tokio::task::yield_now().await;
    }
    let cancelled = plane.calls_of::<CancelJob>()[0].request.clone();
    assert_eq!(cancelled, json!({"job": JobId::from("job-1")}));
    // The job does not end: a second interrupt ends the waiting. It may come before it is listened for.
    let mut again = tokio::time::interval(std::time::Duration::from_millis(20));
    let status = loop {
        tokio::select! {
            status = child.wait() => break status.unwrap(),
            _ = again.tick() => kill_process(pid, Signal::INT).unwrap(),
        }
        assert!(Instant::now() < deadline, "the program must end");
    };
    assert_eq!(status.code(), Some(130));
}
