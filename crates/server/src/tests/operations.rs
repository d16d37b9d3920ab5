//! What must hold for every operation of the contract, for each of which there is nothing to add here.

use std::collections::BTreeSet;

use futures::StreamExt;
use nasiko_client::{Call, Client, UploadFile};
use nasiko_contract::{
    ErrorCode, JsonOperation, Method, OPERATIONS, Operation, Shape, StreamOperation,
    UploadOperation,
};
use schemars::JsonSchema;

use super::{Scene, problem, refused};
use crate::testing::{READER_TOKEN, RecordingPlane, filled_example_of};

macro_rules! every_operation {
    (json { $($json:ident)* } stream { $($stream:ident)* } upload { $($upload:ident)* }) => {
        async fn call_every_operation(client: &Client, plane: &RecordingPlane) {
            $(Box::pin(call_json::<nasiko_contract::$json>(client, plane)).await;)*
            $(Box::pin(call_stream::<nasiko_contract::$stream>(client, plane)).await;)*
            $(Box::pin(call_upload::<nasiko_contract::$upload>(client, plane)).await;)*
        }

        /// Every operation as it travels, with all its fields.
        fn every_call() -> Vec<Call> {
            vec![
                $(Call::new(&request::<nasiko_contract::$json>()).unwrap(),)*
                $(Call::new(&request::<nasiko_contract::$stream>()).unwrap(),)*
                $(Call::new(&request::<nasiko_contract::$upload>()).unwrap(),)*
            ]
        }
    };
}
nasiko_contract::with_operations!(every_operation);

fn request<O: Operation + JsonSchema>() -> O {
    serde_json::from_value(filled_example_of::<O>())
        .unwrap_or_else(|error| panic!("no example of {}: {error}", O::INFO.name))
}

/// The plane must get what the client was given: each field by the way it travels.
fn got_it<O: Operation>(plane: &RecordingPlane, sent: &O) {
    let calls = plane.calls_of::<O>();
    let name = O::INFO.name;
    assert_eq!(calls.len(), 1, "{name} must arrive once");
    let sent = serde_json::to_value(sent).unwrap();
    assert_eq!(calls[0].request, sent, "{name} must arrive as it was sent");
}

async fn call_json<O: JsonOperation + JsonSchema>(client: &Client, plane: &RecordingPlane) {
    let sent = request::<O>();
    if let Err(fault) = client.call(sent.clone()).await {
        panic!("{} cannot be called: {fault:?}", O::INFO.name);
    }
    got_it(plane, &sent);
}

async fn call_stream<O: StreamOperation + JsonSchema>(client: &Client, plane: &RecordingPlane) {
    let sent = request::<O>();
    let name = O::INFO.name;
    let mut items = client
        .stream(sent.clone())
        .await
        .unwrap_or_else(|fault| panic!("{name} cannot be opened: {fault:?}"));
    match items.next().await {
        Some(Ok(item)) => assert_eq!(item.seq, Some(1), "{name}"),
        Some(Err(fault)) => panic!("{name} has no item: {fault:?}"),
        None => panic!("{name} has no item"),
    }
    assert!(items.next().await.is_none(), "{name} must end");
    got_it(plane, &sent);
}

async fn call_upload<O: UploadOperation + JsonSchema>(client: &Client, plane: &RecordingPlane) {
    let sent = request::<O>();
    let file = UploadFile {
        name: "agent.zip".to_owned(),
        bytes: "content".into(),
    };
    if let Err(fault) = client.upload(sent.clone(), file).await {
        panic!("{} cannot be called: {fault:?}", O::INFO.name);
    }
    got_it(plane, &sent);
    let file = plane.calls_of::<O>()[0].file.clone();
    assert_eq!(file, Some(("agent.zip".to_owned(), b"content".to_vec())));
}

fn raw(scene: &Scene, call: &Call) -> reqwest::RequestBuilder {
    let method = call.info.method.as_str().parse().unwrap();
    let request = scene.http.request(method, scene.url(&call.target));
    match &call.body {
        Some(body) => request.json(body),
        None => request,
    }
}

#[tokio::test]
async fn every_operation_is_reached_through_the_client_with_all_its_fields() {
    let scene = Scene::new();
    call_every_operation(&scene.client(), &scene.server.plane).await;
    let called: BTreeSet<&str> = scene
        .server
        .plane
        .calls()
        .iter()
        .map(|call| call.name)
        .collect();
    assert_eq!(called.len(), OPERATIONS.len());
}

#[tokio::test]
async fn every_operation_answers_with_its_declared_status() {
    let scene = Scene::new();
    for call in every_call() {
        if call.info.shape == Shape::Upload {
            continue;
        }
        let response = raw(&scene, &call)
            .bearer_auth(super::OWNER_TOKEN)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), call.info.status, "{}", call.info.name);
        let expected = match call.info.shape {
            Shape::Stream => "text/event-stream",
            _ => "application/json",
        };
        assert_eq!(
            response.headers()["content-type"],
            expected,
            "{}",
            call.info.name
        );
    }
}

#[tokio::test]
async fn every_operation_needs_a_token_and_its_permission() {
    let scene = Scene::new();
    for call in every_call() {
        let name = call.info.name;
        refused(raw(&scene, &call), 401, ErrorCode::Unauthenticated).await;
        let response = raw(&scene, &call)
            .bearer_auth(READER_TOKEN)
            .send()
            .await
            .unwrap();
        if call.info.permission == "agents:read" {
            assert!(
                response.status().is_success(),
                "{name} is granted to the reader"
            );
        } else {
            assert_eq!(
                response.status(),
                403,
                "{name} is not granted to the reader"
            );
            let problem = problem(response, ErrorCode::Forbidden).await;
            let hint = problem.hint.unwrap();
            assert!(
                hint.contains(call.info.permission),
                "`{hint}` must name what is missing"
            );
        }
    }
    let names: BTreeSet<&str> = scene
        .server
        .plane
        .calls()
        .iter()
        .map(|call| call.name)
        .collect();
    let granted: BTreeSet<&str> = OPERATIONS
        .iter()
        .filter(|info| info.permission == "agents:read")
        .map(|info| info.name)
        .collect();
    assert_eq!(names, granted, "nothing else may reach the plane");
}

#[test]
fn every_operation_has_a_name_and_a_permission_of_the_usual_form() {
    let mut names = BTreeSet::new();
    let mut places = BTreeSet::new();
    let word = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    for info in OPERATIONS {
        assert!(names.insert(info.name), "{} is there twice", info.name);
        assert!(
            places.insert((info.path, info.method.as_str())),
            "{} has another's place",
            info.name
        );
        let (room, verb) = info.permission.split_once(':').unwrap_or_default();
        assert!(
            word(room) && word(verb),
            "{} has the permission `{}`",
            info.name,
            info.permission
        );
        let (group, action) = info.name.split_once('.').unwrap_or_default();
        assert!(word(group) && word(action), "`{}` is not a name", info.name);
        let reads = info.method == Method::Get;
        assert!(
            !reads || verb == "read",
            "{} reads, so it needs a `:read`",
            info.name
        );
    }
}
