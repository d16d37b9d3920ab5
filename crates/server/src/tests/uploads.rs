use nasiko_contract::{DeployArchive, ErrorCode};
use reqwest::multipart::{Form, Part};
use serde_json::json;

use super::{Scene, refused};
use crate::testing::Reply;

const ZIP: &str = "/api/v1/upload-agents/zip";

fn file(size: usize) -> Part {
    Part::bytes(vec![b'x'; size]).file_name("../../agent.zip")
}

fn left_over(scene: &Scene) -> usize {
    scene.server.uploads.path().read_dir().unwrap().count()
}

#[tokio::test]
async fn a_file_and_its_fields_arrive_and_nothing_is_left_over() {
    let scene = Scene::new();
    let form = Form::new()
        .text("agent_name", "true")
        .text("force", "true")
        .text("env", r#"{"A":"1"}"#)
        .text("runtime", "docker")
        .part("file", file(100_000));
    let response = scene.post(ZIP).multipart(form).send().await.unwrap();
    assert_eq!(response.status(), 202);
    let call = scene.server.plane.calls_of::<DeployArchive>()[0].clone();
    let expected =
        json!({"agent_name": "true", "runtime": "docker", "env": {"A": "1"}, "force": true});
    assert_eq!(call.request, expected);
    let (name, content) = call.file.unwrap();
    assert_eq!((name.as_str(), content.len()), ("../../agent.zip", 100_000));
    assert_eq!(left_over(&scene), 0);
}

#[tokio::test]
async fn a_file_over_the_limit_is_refused_and_removed() {
    let scene = Scene::new();
    let form = Form::new().part("file", file((256 << 10) + 1));
    refused(scene.post(ZIP).multipart(form), 413, ErrorCode::TooLarge).await;
    assert_eq!(left_over(&scene), 0);
    assert!(scene.server.plane.calls().is_empty());
}

#[tokio::test]
async fn an_upload_that_fails_leaves_nothing_over() {
    let scene = Scene::new();
    scene.server.plane.reply::<DeployArchive>(Reply::Panic);
    let form = Form::new().part("file", file(10));
    refused(scene.post(ZIP).multipart(form), 500, ErrorCode::Internal).await;
    assert_eq!(left_over(&scene), 0);
}

#[tokio::test]
async fn what_is_not_an_upload_is_refused() {
    let scene = Scene::new();
    let requests = [
        scene.post(ZIP).body("x"),
        scene.post(ZIP).json(&json!({})),
        scene
            .post(ZIP)
            .multipart(Form::new().text("agent_name", "a")),
        scene
            .post(ZIP)
            .multipart(Form::new().part("file", file(1)).part("file", file(1))),
        scene
            .post(ZIP)
            .multipart(Form::new().part("file", file(1)).text("env", "{")),
    ];
    for request in requests {
        refused(request, 400, ErrorCode::InvalidRequest).await;
    }
    let cut_off = scene
        .post(ZIP)
        .header("content-type", "multipart/form-data; boundary=b")
        .body("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nxx");
    refused(cut_off, 400, ErrorCode::InvalidRequest).await;
    assert_eq!(left_over(&scene), 0);
}
