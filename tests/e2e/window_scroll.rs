//! The next window's panes are scrolled as those of the last one were.

use std::time::{SystemTime, UNIX_EPOCH};

use nasiko_tests::{
    Api, folder, program,
    screen::Screen,
    web_driver::{Web, until},
};
use serde_json::{Value, json};

use crate::desk::Desk;

const TRACES: u64 = 400;
const LINES: u64 = 400;
const QUESTIONS: u64 = 12;

/// A pane, and what is in it.
struct Pane {
    /// What leads to its page.
    link: String,
    css: &'static str,
    row: &'static str,
    /// So far it is scrolled, in pixels.
    to: u32,
}

impl Pane {
    /// The row that is uppermost, once `is_it`.
    async fn uppermost(&self, web: &Web, is_it: impl Fn(&str) -> bool) -> String {
        let Self { css, row, .. } = self;
        let script = format!(
            "const pane = document.querySelector('{css}');
             if (!pane) return null;
             const top = pane.getBoundingClientRect().top + (pane.querySelector('thead')?.offsetHeight ?? 0);
             const rows = [...pane.querySelectorAll('{row}')];
             return rows.find((row) => row.getBoundingClientRect().bottom > top + 1)?.innerText ?? null"
        );
        until(&format!("rows are in {css}"), async || {
            match web.script(&script).await {
                Value::String(row) if is_it(&row) => Ok(row),
                other => Err(other.to_string()),
            }
        })
        .await
    }

    /// Scrolls there, however often that takes: the list reads on meanwhile.
    async fn scroll(&self, web: &Web) {
        let Self { css, to, .. } = self;
        let script = format!(
            "const pane = document.querySelector('{css}');
             pane?.scrollTo(0, {to});
             return pane?.scrollTop ?? null"
        );
        until(&format!("{css} is scrolled by {to}"), async || {
            match web.script(&script).await {
                at if at == *to => Ok(()),
                other => Err(other.to_string()),
            }
        })
        .await;
    }
}

/// Scrolls each pane and closes the window at once; in the next one the same row is uppermost, as soon as it is there.
async fn come_back(desk: &Desk, test: &str, panes: &[Pane]) {
    let screen = Screen::connect();
    for pane in panes {
        let web = desk.open_with(&[&pane.link]).await;
        let mut before = String::new();
        web.watched(test, async {
            web.resize(1000, 560).await;
            let first = pane.uppermost(&web, |_| true).await;
            pane.scroll(&web).await;
            before = pane.uppermost(&web, |row| row != first).await;
            let two_frames =
                "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))";
            web.promised(two_frames).await;
        })
        .await;
        desk.close_by_hand(web, &screen).await;

        let web = desk.open().await;
        web.watched(test, async {
            pane.uppermost(&web, |row| row == before).await;
            // It stays there: nothing is on its way that moves it.
            web.read(".resident", "Connected").await;
            assert_eq!(pane.uppermost(&web, |_| true).await, before);
            let wrong = web.wrong().await;
            assert!(wrong.is_empty(), "{wrong:#?}");
        })
        .await;
        desk.close(web).await;
    }
}

#[tokio::test]
async fn window_comes_back_to_the_same_row_of_long_lists() {
    let test = "window_comes_back_to_the_same_row_of_long_lists";
    let Some(desk) = Desk::or_skip(test) else {
        return;
    };
    let talks = format!("for n in range({LINES}): print(f'line {{n:04}}', flush=True)");
    let source = folder(&[("main.py", &program::saying("WORD", &talks))]);
    let path = source.path().to_str().unwrap();
    desk.resident.run(&["deploy", path, "--name", "talks"]).ok();
    send_traces(&desk).await;
    let pane = |page: &str, css, row, to| Pane {
        link: format!("nasiko://open/{page}"),
        css,
        row,
        to,
    };
    let panes = [
        // Beyond what is read at first.
        pane("traces", ".table-scroll.traces", ".call", 9_000),
        pane("agents/talks/logs", ".virtual.log", ".log-line", 3_000),
    ];
    come_back(&desk, test, &panes).await;
}

#[tokio::test]
async fn window_comes_back_to_the_same_place_of_a_conversation() {
    let test = "window_comes_back_to_the_same_place_of_a_conversation";
    let Some(desk) = Desk::or_skip(test) else {
        return;
    };
    desk.deploy("greeter");
    let api = Api::of(&desk.resident);
    let (_, session) = api
        .post("/chat/sessions", &json!({ "agent": "greeter" }))
        .await;
    let session = session["id"].as_str().unwrap();
    for number in 0..QUESTIONS {
        let path = format!("/chat/sessions/{session}/messages");
        let question = json!({ "text": format!("Question {number}") });
        let events = api.post_stream(&path, &question).await;
        assert_eq!(events.last().unwrap()["type"], "answer", "{events:#?}");
    }
    let thread = Pane {
        link: format!("nasiko://open/agents/greeter/chat/{session}"),
        css: ".thread",
        row: ".asked",
        to: 300,
    };
    come_back(&desk, test, &[thread]).await;
}

/// Traces of one span each, as an agent sends them.
async fn send_traces(desk: &Desk) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = u64::try_from(now.as_nanos()).unwrap();
    let spans: Vec<Value> = (1..=TRACES)
        .map(|number| {
            let begin = now - (TRACES - number) * 1_000_000_000;
            json!({
                "traceId": format!("{number:032x}"),
                "spanId": format!("{number:016x}"),
                "name": format!("call {number:04}"),
                "kind": 2,
                "startTimeUnixNano": begin.to_string(),
                "endTimeUnixNano": (begin + 5_000_000).to_string(),
            })
        })
        .collect();
    let named = json!({ "key": "service.name", "value": { "stringValue": "talks" } });
    let body = json!({ "resourceSpans": [{
        "resource": { "attributes": [named] },
        "scopeSpans": [{ "spans": spans }],
    }] });
    let intake = desk.resident.json(&["status"])["otlp_http"].clone();
    let url = format!("{}/v1/traces", intake.as_str().unwrap());
    let sent = reqwest::Client::new()
        .post(url)
        .json(&body)
        .send()
        .await
        .unwrap();
    assert!(sent.status().is_success(), "{sent:?}");
}
