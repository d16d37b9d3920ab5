use nasiko_contract::{API_PREFIX, OPERATIONS, Shape};
use serde_json::Value;

use super::Scene;
use crate::openapi::document::document;

/// Where the document is kept for people who read the source.
const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/openapi.json");

#[test]
fn the_committed_document_is_what_the_contract_says() {
    let made = format!("{}\n", serde_json::to_string_pretty(&document()).unwrap());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas")).unwrap();
        std::fs::write(COMMITTED, &made).unwrap();
    }
    let committed = std::fs::read_to_string(COMMITTED).unwrap_or_default();
    assert!(
        made == committed,
        "schemas/openapi.json is behind the contract: run this test with UPDATE=1"
    );
}

#[test]
fn every_operation_is_described() {
    let document = document();
    for info in OPERATIONS {
        let method = info.method.as_str().to_ascii_lowercase();
        let operation = &document["paths"][format!("{API_PREFIX}{}", info.path)][method];
        assert_eq!(operation["operationId"], info.name);
        assert_eq!(operation["x-permission"], info.permission);
        let answer = &operation["responses"][info.status.to_string()]["content"];
        let kind = match info.shape {
            Shape::Stream => "text/event-stream",
            Shape::Json | Shape::Upload => "application/json",
        };
        assert!(answer[kind].is_object(), "{} answers {kind}", info.name);
        assert_eq!(
            operation["responses"]["default"]["$ref"],
            "#/components/responses/Problem"
        );
        let in_path: Vec<&str> = operation["parameters"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|parameter| parameter["in"] == "path")
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        let mut expected: Vec<&str> = info.path_fields().collect();
        expected.sort_unstable();
        let mut found = in_path.clone();
        found.sort_unstable();
        assert_eq!(found, expected, "{} has its path's fields", info.name);
        let body = &operation["requestBody"]["content"];
        let multipart = &body["multipart/form-data"]["schema"]["properties"];
        assert_eq!(
            info.shape == Shape::Upload,
            multipart["file"].is_object(),
            "{}",
            info.name
        );
        assert_eq!(info.method.has_body(), body.is_object(), "{}", info.name);
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let mut open = vec![&document];
    let mut seen = 0;
    while let Some(value) = open.pop() {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            seen += 1;
            let target = document.pointer(reference.trim_start_matches('#'));
            assert!(target.is_some(), "{reference} leads nowhere");
        }
        match value {
            Value::Object(fields) => open.extend(fields.values()),
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    assert!(seen > OPERATIONS.len());
}

#[tokio::test]
async fn the_document_is_served_to_who_may_call() {
    let scene = Scene::new();
    let served: Value = scene
        .get("/api/v1/openapi.json")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(served, document());
    let stranger = scene
        .http
        .get(scene.url("/api/v1/openapi.json"))
        .send()
        .await
        .unwrap();
    assert_eq!(stranger.status(), 401);
}
