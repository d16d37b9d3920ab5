use nasiko_contract::{CancelJob, DeployArchive, DeployDirectory, ErrorCode, Fault, SendMessage};
use reqwest::{
    RequestBuilder,
    multipart::{Form, Part},
};
use serde_json::{Value, json};

use super::{Scene, refused};
use crate::testing::{Reply, example_of};

fn deploy(scene: &Scene, key: &str, path: &str) -> RequestBuilder {
    scene
        .post("/api/v1/upload-agents/directory")
        .header("idempotency-key", key)
        .json(&json!({"directory_path": path}))
}

fn job(id: &str) -> Value {
    let mut job = example_of::<nasiko_contract::Job>();
    job["id"] = id.into();
    job
}

#[tokio::test]
async fn the_same_post_said_twice_is_done_once_and_answered_the_same() {
    let scene = Scene::new();
    scene
        .server
        .plane
        .reply::<DeployDirectory>(Reply::Document(job("first")));
    let first = deploy(&scene, "k", "/a").send().await.unwrap();
    assert!(first.headers().get("idempotency-replayed").is_none());
    let first: Value = first.json().await.unwrap();
    scene
        .server
        .plane
        .reply::<DeployDirectory>(Reply::Document(job("second")));
    let again = deploy(&scene, "k", "/a").send().await.unwrap();
    assert_eq!(again.status(), 202);
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(again.json::<Value>().await.unwrap(), first);
    let calls = scene.server.plane.calls_of::<DeployDirectory>();
    assert_eq!(calls.len(), 1);
    assert_eq!(
        calls[0].caller.idempotency_key(),
        Some("k"),
        "jobs keep it over restarts"
    );

    let other_key: Value = deploy(&scene, "l", "/a")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(other_key["id"], "second");
    refused(deploy(&scene, "k", "/b"), 400, ErrorCode::InvalidRequest).await;
    refused(deploy(&scene, "", "/a"), 400, ErrorCode::InvalidRequest).await;
}

#[tokio::test]
async fn the_same_key_for_another_operation_is_refused() {
    let scene = Scene::new();
    deploy(&scene, "k", "/a").send().await.unwrap();
    let other = scene
        .post("/api/v1/jobs/j/cancel")
        .header("idempotency-key", "k");
    refused(other, 400, ErrorCode::InvalidRequest).await;
    assert!(scene.server.plane.calls_of::<CancelJob>().is_empty());
}

#[tokio::test]
async fn a_refusal_is_remembered_and_a_passing_failure_is_not() {
    let scene = Scene::new();
    let refusal = Fault::new(ErrorCode::FolderEmpty, "Empty");
    scene
        .server
        .plane
        .reply::<DeployDirectory>(Reply::Fault(refusal));
    for _ in 0..2 {
        refused(deploy(&scene, "k", "/a"), 422, ErrorCode::FolderEmpty).await;
    }
    assert_eq!(scene.server.plane.calls().len(), 1);
    let passing = Fault::new(ErrorCode::Unreachable, "Soon").retryable();
    scene
        .server
        .plane
        .reply::<DeployDirectory>(Reply::Fault(passing));
    for _ in 0..2 {
        refused(deploy(&scene, "l", "/a"), 503, ErrorCode::Unreachable).await;
    }
    assert_eq!(scene.server.plane.calls().len(), 3);
}

#[tokio::test]
async fn while_the_first_is_under_way_the_second_is_told_so() {
    let scene = Scene::new();
    scene.server.plane.reply::<DeployDirectory>(Reply::Never);
    let first = tokio::spawn(deploy(&scene, "k", "/a").send());
    while scene.server.plane.calls().is_empty() {
        tokio::task::yield_now().await;
    }
    let problem = refused(deploy(&scene, "k", "/a"), 409, ErrorCode::Conflict).await;
    assert!(problem.retryable);
    first.abort();
}

#[tokio::test]
async fn an_upload_said_twice_is_done_once_and_a_stream_is_not_said_again() {
    let scene = Scene::new();
    let upload = |content: &'static str| {
        let form = Form::new().part("file", Part::text(content).file_name("a.zip"));
        scene
            .post("/api/v1/upload-agents/zip")
            .header("idempotency-key", "u")
            .multipart(form)
    };
    for _ in 0..2 {
        assert_eq!(upload("content").send().await.unwrap().status(), 202);
    }
    assert_eq!(scene.server.plane.calls_of::<DeployArchive>().len(), 1);
    refused(upload("other"), 400, ErrorCode::InvalidRequest).await;

    let ask = || {
        scene
            .post("/api/v1/chat/sessions/s/messages")
            .header("idempotency-key", "m")
            .json(&json!({"text": "hello"}))
    };
    assert_eq!(ask().send().await.unwrap().status(), 200);
    refused(ask(), 409, ErrorCode::Conflict).await;
    assert_eq!(scene.server.plane.calls_of::<SendMessage>().len(), 1);
}
