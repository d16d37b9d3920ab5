use std::time::Duration;

use nasiko_contract::{
    DeployDirectory, ErrorCode, Fault, FollowAgentLogs, GetAgent, GetStatus, ListTraces, Shutdown,
};
use serde_json::json;

use super::{Scene, problem, refused};
use crate::{
    Limits,
    testing::{OWNER_TOKEN, Reply, TestServer},
};

#[tokio::test]
async fn a_query_is_read_as_the_fields_it_fills() {
    let scene = Scene::new();
    let query = "agent=12&minDurationMs=5&limit=3&attr.http.status=200&attr.a=b&text=1&unknown=1";
    let response = scene
        .get(&format!("/api/v1/traces?{query}"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    let got = scene.server.plane.calls_of::<ListTraces>()[0]
        .request
        .clone();
    let expected = json!({"agent": "12", "minDurationMs": 5, "text": "1", "attributes": "http.status=200,a=b", "limit": 3});
    assert_eq!(
        got, expected,
        "a name of digits stays a name, a number becomes one"
    );

    let path = "/api/v1/agents/a%2Fb%20c/logs?follow=true&tail=7";
    assert_eq!(scene.get(path).send().await.unwrap().status(), 200);
    let got = scene.server.plane.calls_of::<FollowAgentLogs>()[0]
        .request
        .clone();
    assert_eq!(got, json!({"agent": "a/b c", "tail": 7, "follow": true}));
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_the_reason() {
    let scene = Scene::new();
    let check = async |request, words: &str| {
        let problem = refused(request, 400, ErrorCode::InvalidRequest).await;
        let said = problem.evidence.join("\n");
        assert!(said.contains(words), "`{said}` must say `{words}`");
    };
    check(scene.get("/api/v1/traces?limit=many"), "many").await;
    check(scene.get("/api/v1/traces?status=odd"), "odd").await;
    let deploy = || scene.post("/api/v1/upload-agents/directory");
    check(deploy().body("{"), "not JSON").await;
    check(deploy().body("[1]"), "not a JSON object").await;
    check(deploy().body("{}"), "directory_path").await;
    check(deploy().json(&json!({"directory_path": 5})), "string").await;
    check(
        deploy().json(&json!({"directory_path": "/a", "runtime": "moon"})),
        "moon",
    )
    .await;
    check(scene.get("/api/v1/agents/%FF"), "UTF-8").await;
    assert!(scene.server.plane.calls().is_empty());
}

#[tokio::test]
async fn an_empty_body_is_an_empty_object_and_the_path_wins() {
    let scene = Scene::new();
    assert_eq!(
        scene
            .post("/api/v1/shutdown")
            .send()
            .await
            .unwrap()
            .status(),
        202
    );
    assert_eq!(scene.server.plane.calls_of::<Shutdown>().len(), 1);
    let response = scene
        .post("/api/v1/agents/right/start")
        .json(&json!({"agent": "wrong"}))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 202);
    assert_eq!(
        scene.server.plane.calls().last().unwrap().request,
        json!({"agent": "right"})
    );
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let scene = Scene::new();
    let long = "x".repeat(65 << 10);
    let announced = scene
        .post("/api/v1/inspect")
        .json(&json!({"directory_path": long}));
    refused(announced, 413, ErrorCode::TooLarge).await;
    let pieces = futures::stream::iter([Ok::<_, std::io::Error>(long)]);
    let unannounced = scene
        .post("/api/v1/inspect")
        .body(reqwest::Body::wrap_stream(pieces));
    refused(unannounced, 413, ErrorCode::TooLarge).await;
}

#[tokio::test]
async fn an_address_that_is_not_there_and_a_method_it_does_not_know_are_problems() {
    let scene = Scene::new();
    for path in [
        "/api/v1/nothing",
        "/api/v2/status",
        "/api",
        "/api/v1/agents/a/b/c/d",
    ] {
        refused(scene.get(path), 404, ErrorCode::NotFound).await;
    }
    let response = scene.post("/api/v1/status").send().await.unwrap();
    assert_eq!(response.status(), 405);
    assert_eq!(response.headers()["allow"], "GET,HEAD");
    problem(response, ErrorCode::InvalidRequest).await;
    let response = scene.post("/").send().await.unwrap();
    assert_eq!(response.status(), 405);
}

#[tokio::test]
async fn a_request_id_of_the_caller_is_echoed_where_it_is_fit() {
    let scene = Scene::new();
    let response = scene
        .get("/api/v1/nothing")
        .header("x-request-id", "mine-1")
        .send()
        .await
        .unwrap();
    assert_eq!(
        problem(response, ErrorCode::NotFound).await.request_id,
        "mine-1"
    );
    let long = "x".repeat(200);
    let response = scene
        .get("/api/v1/nothing")
        .header("x-request-id", &long)
        .send()
        .await
        .unwrap();
    assert_ne!(
        problem(response, ErrorCode::NotFound).await.request_id,
        long
    );
}

#[tokio::test]
async fn a_fault_travels_whole() {
    let scene = Scene::new();
    let fault = Fault::new(ErrorCode::AgentNotFound, "There is no agent `greter`")
        .hint("Did you mean `greeter`?")
        .evidence(["one", "two"])
        .retryable();
    scene
        .server
        .plane
        .reply::<GetAgent>(Reply::Fault(fault.clone()));
    let request = GetAgent {
        agent: "greter".into(),
    };
    assert_eq!(scene.client().call(request).await.unwrap_err(), fault);
}

#[tokio::test]
async fn a_panic_is_an_internal_problem_without_its_words() {
    let scene = Scene::new();
    scene.server.plane.reply::<GetStatus>(Reply::Panic);
    let problem = refused(scene.get("/api/v1/status"), 500, ErrorCode::Internal).await;
    let said = serde_json::to_string(&problem).unwrap();
    assert!(!said.contains("a secret reason"), "{said}");
    scene.server.plane.reply::<DeployDirectory>(Reply::Panic);
    let deploy = scene
        .post("/api/v1/upload-agents/directory")
        .header("idempotency-key", "k")
        .json(&json!({"directory_path": "/a"}));
    refused(deploy, 500, ErrorCode::Internal).await;
    assert_eq!(
        scene.get("/api/v1/jobs").send().await.unwrap().status(),
        200,
        "and the server goes on"
    );
}

#[tokio::test]
async fn an_answer_that_never_comes_is_given_up() {
    let limits = Limits {
        answer_within: Duration::from_millis(50),
        ..Limits::default()
    };
    let scene = Scene::over(TestServer::with_limits(limits).unwrap());
    scene.server.plane.reply::<GetStatus>(Reply::Never);
    refused(scene.get("/api/v1/status"), 504, ErrorCode::TimedOut).await;
}

#[tokio::test]
async fn http_2_is_spoken_too() {
    let scene = Scene::new();
    let http = reqwest::Client::builder()
        .no_proxy()
        .http2_prior_knowledge()
        .build()
        .unwrap();
    let response = http
        .get(scene.url("/api/v1/status"))
        .bearer_auth(OWNER_TOKEN)
        .send()
        .await
        .unwrap();
    assert_eq!(response.version(), reqwest::Version::HTTP_2);
    assert_eq!(response.status(), 200);
}
