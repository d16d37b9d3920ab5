//! A store that is as full as that of a busy year.

use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use ureq::Agent;

use super::super::Bed;
use crate::command::{capture, command};
use crate::product::{Product, text};

/// The agent of which there are many copies.
pub(super) const AGENT: &str = "invoice-reader";
const TRACES_AT_ONCE: usize = 1_000;
const COPYING: Duration = Duration::from_mins(1);
/// Copies of a stopped agent, told apart by a number. Run by Python, whose SQLite is on every machine that can test.
const COPY: &str = "
import sqlite3, sys
file, agent, first, last = sys.argv[1:]
with sqlite3.connect(file) as store:
    store.execute('''
        WITH RECURSIVE number(at) AS (VALUES (?) UNION ALL SELECT at + 1 FROM number WHERE at < ?)
        INSERT INTO documents (kind, id, parent, position, version, body)
        SELECT kind, id || '-' || at, parent, position + at, version,
            json_set(body, '$.name', id || '-' || at, '$.current', json('null'))
        FROM documents, number WHERE kind = 'agent' AND id = ?''', (int(first), int(last), agent))
";

/// Deploys [`AGENT`] and stops it: what copies are made of.
pub(super) fn add_agent(bed: &Bed<'_>, product: &Product<'_>) -> Result<()> {
    let folder = bed.places.root.join("examples/agents/greeter");
    let folder = folder.to_string_lossy();
    product.ask(&["deploy", &folder, "--name", AGENT, "--runtime", "process"])?;
    product.ask(&["stop", AGENT])?;
    Ok(())
}

/// Copies of [`AGENT`] with these numbers. The resident must not run.
pub(super) fn copy_agent(
    bed: &Bed<'_>,
    product: &Product<'_>,
    numbers: std::ops::Range<usize>,
) -> Result<()> {
    let home = product.home.as_ref().context("a home of its own")?;
    let python = if cfg!(windows) { "python" } else { "python3" };
    let mut copy = command(bed.places, python);
    copy.args(["-c", COPY]).arg(home.join("nasiko.db"));
    copy.args([AGENT, &numbers.start.to_string()]);
    copy.arg((numbers.end - 1).to_string());
    capture(&mut copy, COPYING).map(drop)
}

/// Traces of one span each, as an agent would send them.
pub(super) fn add_traces(product: &Product<'_>, client: &Agent, many: usize) -> Result<()> {
    let status = product.status()?;
    let url = format!("{}/v1/traces", text(&status, "otlp_http")?);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)?
        .as_nanos();
    for batch in 0..many / TRACES_AT_ONCE {
        let mut spans = String::new();
        for at in 0..TRACES_AT_ONCE {
            let number = batch * TRACES_AT_ONCE + at + 1;
            let begin = now - (many - number) as u128 * 1_000_000;
            let comma = if at == 0 { "" } else { "," };
            write!(
                spans,
                "{comma}{{\"traceId\":\"{number:032x}\",\"spanId\":\"{number:016x}\",\"name\":\"turn {number}\",\"kind\":2,\
                 \"startTimeUnixNano\":\"{begin}\",\"endTimeUnixNano\":\"{}\"}}",
                begin + 5_000_000
            )?;
        }
        let body = format!(
            "{{\"resourceSpans\":[{{\"resource\":{{\"attributes\":[{{\"key\":\"service.name\",\"value\":{{\"stringValue\":\"bench\"}}}}]}},\
             \"scopeSpans\":[{{\"spans\":[{spans}]}}]}}]}}"
        );
        client
            .post(&url)
            .content_type("application/json")
            .send(body)?;
    }
    Ok(())
}

/// The API of one resident.
pub(super) struct Api<'a> {
    client: &'a Agent,
    url: String,
    token: String,
}

impl<'a> Api<'a> {
    pub(super) fn of(product: &Product<'_>, client: &'a Agent) -> Result<Self> {
        let home = product.home.as_ref().context("a home of its own")?;
        let endpoint: Value = serde_json::from_slice(&fs::read(home.join("endpoint.json"))?)?;
        Ok(Self {
            client,
            url: format!("{}/api/v1", text(&endpoint, "api")?),
            token: format!("Bearer {}", text(&endpoint, "token")?),
        })
    }

    /// An address that lets a browser in, once.
    pub(super) fn entry(&self) -> Result<String> {
        let mut answer = self
            .client
            .post(format!("{}/browser-codes", self.url))
            .header("authorization", &self.token)
            .send_json(json!({}))?;
        let code: Value = answer.body_mut().read_json()?;
        Ok(text(&code, "url")?.to_owned())
    }

    /// Something that every window hears of.
    pub(super) fn change(&self, number: u32) -> Result<()> {
        self.client
            .patch(format!("{}/settings", self.url))
            .header("authorization", &self.token)
            .send_json(json!({"traceRetentionDays": 7 + number % 2}))?;
        Ok(())
    }
}
