//! What a real engine cannot be made to answer at will comes from a double of its API.

use std::{collections::VecDeque, sync::Arc};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

use super::*;

/// Answers each removal with the next of `statuses`, and counts what was asked for.
struct Double {
    engine: Engine,
    asked: Arc<Mutex<Vec<String>>>,
    _folder: tempfile::TempDir,
}

impl Double {
    fn answering(statuses: &[u16]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("engine.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let statuses = Arc::new(Mutex::new(VecDeque::from(statuses.to_vec())));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (statuses, seen) = (Arc::clone(&statuses), Arc::clone(&seen));
                tokio::spawn(async move {
                    let mut stream = BufReader::new(stream);
                    while let Some(request) = head(&mut stream).await {
                        let (status, body) = if request.contains("/version") {
                            (200, r#"{"ApiVersion": "1.41"}"#)
                        } else if request.contains("/wait") {
                            (200, r#"{"StatusCode": 0}"#)
                        } else {
                            (statuses.lock().pop_front().unwrap_or(204), "")
                        };
                        if !request.contains("/version") {
                            seen.lock().push(request);
                        }
                        let length = if status == 204 {
                            String::new()
                        } else {
                            format!("Content-Length: {}\r\n", body.len())
                        };
                        let answer = format!(
                            "HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\n{length}\r\n{body}"
                        );
                        stream.write_all(answer.as_bytes()).await.unwrap();
                    }
                });
            }
        });
        Self {
            engine: Engine::new(at(&socket)),
            asked,
            _folder: folder,
        }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().clone()
    }
}

/// The first line of a request without a body.
async fn head(stream: &mut BufReader<tokio::net::UnixStream>) -> Option<String> {
    let mut first = String::new();
    stream.read_line(&mut first).await.ok()?;
    let mut line = String::new();
    while stream.read_line(&mut line).await.ok()? > 2 {
        line.clear();
    }
    (!first.is_empty()).then_some(first)
}

#[tokio::test]
async fn a_removal_the_engine_is_at_fault_for_is_tried_again() {
    let double = Double::answering(&[500, 503, 204]);
    double.engine.remove_container("it", true).await.unwrap();
    assert_eq!(double.asked().len(), 3, "{:?}", double.asked());
    assert!(double.asked()[0].contains("force=true") && double.asked()[0].contains("v=true"));

    let double = Double::answering(&[500; 8]);
    let failed = double
        .engine
        .remove_container("it", false)
        .await
        .unwrap_err();
    assert!(
        matches!(failed, EngineError::Failed { status: 500, .. }),
        "{failed:?}"
    );
    assert_eq!(double.asked().len(), 4, "not for ever");
}

#[tokio::test]
async fn what_is_gone_or_going_is_removed_and_a_refusal_is_told() {
    let double = Double::answering(&[404]);
    double.engine.remove_container("it", false).await.unwrap();
    assert_eq!(double.asked().len(), 1);

    let double = Double::answering(&[409]);
    double.engine.remove_container("it", false).await.unwrap();
    let asked = double.asked();
    assert!(
        asked.len() == 2 && asked[1].contains("condition=removed"),
        "the other's removal is waited for: {asked:?}"
    );

    let double = Double::answering(&[400]);
    double
        .engine
        .remove_container("it", false)
        .await
        .unwrap_err();
    assert_eq!(double.asked().len(), 1);
}
