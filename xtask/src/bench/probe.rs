//! Speaking HTTP to what is measured, always on loopback.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use ureq::Agent;

use crate::command::eventually;

/// A client that keeps its connection.
pub(super) fn client() -> Agent {
    let config = Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(30)))
        .proxy(None);
    config.build().into()
}

/// Whether an answer contains `words`; no answer is none. Asked in A2A 1.0, which every example understands.
pub(super) fn says(client: &Agent, url: &str, words: &str) -> bool {
    let question = json!({
        "jsonrpc": "2.0", "id": 1, "method": "SendMessage",
        "params": {"message": {
            "role": "ROLE_USER", "messageId": "1", "parts": [{"text": "Hello"}],
        }},
    });
    client
        .post(url)
        .header("A2A-Version", "1.0")
        .send_json(&question)
        .and_then(|mut response| response.body_mut().read_to_string())
        .is_ok_and(|answer| answer.contains(words))
}

/// Asks an agent something; its answer must be one.
pub(super) fn converse(client: &Agent, url: &str) -> Result<()> {
    let question = json!({
        "jsonrpc": "2.0", "id": 1, "method": "message/send",
        "params": {"message": {
            "kind": "message", "role": "user", "messageId": "1",
            "parts": [{"kind": "text", "text": "Hello"}],
        }},
    });
    let mut response = client
        .post(url)
        .send_json(&question)
        .with_context(|| url.to_owned())?;
    let answer: Value = response.body_mut().read_json()?;
    if answer.get("result").is_none() {
        bail!("{url} answered {answer}");
    }
    Ok(())
}

/// Asks until there is an answer.
pub(super) fn first_answer(client: &Agent, url: &str) -> Result<()> {
    eventually(Duration::from_mins(1), || converse(client, url).is_ok())
        .with_context(|| format!("no answer at {url}"))
}

/// Asks at a steady pace and tells how long each answer took, in milliseconds.
pub(super) fn paced(client: &Agent, url: &str, per_second: u32, count: u32) -> Result<Vec<f64>> {
    let begin = Instant::now();
    let pause = Duration::from_secs(1) / per_second;
    (0..count)
        .map(|at| {
            std::thread::sleep((begin + pause * at).saturating_duration_since(Instant::now()));
            let asked = Instant::now();
            converse(client, url)?;
            Ok(super::numbers::ms(asked.elapsed()))
        })
        .collect()
}

/// A port that was free a moment ago.
pub(super) fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?
        .local_addr()?
        .port())
}
