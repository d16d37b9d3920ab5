//! What a watch does with an engine that tells what happens and does not answer a question.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// How often the list of containers is refused before it is answered.
const REFUSALS: usize = 2;

/// Answers as an engine does whose events go on, and which refuses its list of containers a few times.
async fn answer(mut stream: TcpStream, refusals: Arc<Mutex<usize>>) -> std::io::Result<()> {
    let mut asked = Vec::new();
    while !asked.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut asked).await? == 0 {
            return Ok(());
        }
    }
    let asked = String::from_utf8_lossy(&asked);
    let path = asked.split(' ').nth(1).unwrap_or_default();
    let (status, body) = if path.contains("/events") {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes()).await?;
        // Nothing happens, until whoever listens goes.
        stream.read_u8().await?;
        return Ok(());
    } else if path.contains("/containers/json") {
        let mut left = refusals.lock();
        match left.checked_sub(1) {
            Some(fewer) => {
                *left = fewer;
                ("500 Internal Server Error", "{\"message\":\"not now\"}")
            }
            None => ("200 OK", "[]"),
        }
    } else if path.contains("/version") {
        ("200 OK", "{\"ApiVersion\":\"1.41\"}")
    } else {
        ("200 OK", "{}")
    };
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await
}

#[tokio::test]
async fn a_look_that_failed_is_made_again_while_the_engine_is_there() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = format!("tcp://{}", listener.local_addr().unwrap());
    let refusals = Arc::new(Mutex::new(REFUSALS));
    let left = Arc::clone(&refusals);
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, Arc::clone(&left)));
        }
    });
    let stack = Stack::new(engine(&host), HashKey::new([1; 32]));
    let mut watch = stack.watch("refused");
    let mut changed = async || {
        let changed = tokio::time::timeout(PATIENCE, watch.changed()).await;
        changed.expect("it is seen in time").unwrap()
    };
    let refused = changed().await;
    assert!(
        matches!(&refused.away, Some(nasiko_engine::EngineError::Failed { message, .. }) if message == "not now"),
        "{refused:?}"
    );
    assert_eq!(changed().await.away, None);
    assert_eq!(*refusals.lock(), 0);
    serving.abort();
}
