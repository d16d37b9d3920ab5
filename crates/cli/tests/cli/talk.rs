//! Conversations on the command line.

use nasiko_contract::{
    CreateSession, ErrorCode, Fault, GetAgent, GetSession, GetTrace, ListAgents, ListTraces,
    SendMessage, TraceSummary,
};
use nasiko_server::testing::{Reply, filled_example_of};
use serde_json::{Value, json};

use crate::scene::{Scene, agent, finish, page};

fn message(role: &str, text: &str) -> Value {
    json!({
        "id": "m", "session": "s-1", "role": role, "text": text, "parts": [{"text": text}], "at": 1,
        "taskState": "completed", "trace": "t-1", "durationMs": 12,
    })
}

fn events(text: &str, pieces: &[&str]) -> Vec<Value> {
    let mut events = vec![
        json!({"type": "accepted", "session": "s-1", "question": message("user", "Hello"), "trace": "t-1"}),
        json!({"type": "status", "state": "working", "text": "Thinking"}),
    ];
    events.extend(
        pieces
            .iter()
            .map(|piece| json!({"type": "delta", "text": piece})),
    );
    events.push(json!({"type": "answer", "message": message("agent", text)}));
    events
}

fn scene(events: Vec<Value>) -> Scene {
    let scene = Scene::new();
    let plane = scene.plane();
    let conversation = json!({"id": "s-1", "agent": "greeter", "title": "", "created": 1, "updated": 1, "messages": 0});
    plane.reply::<CreateSession>(Reply::Document(conversation.clone()));
    plane.reply::<GetSession>(Reply::Document(conversation));
    plane.reply::<GetAgent>(Reply::Document(agent()));
    plane.reply::<ListAgents>(page(&[agent()]));
    plane.reply::<SendMessage>(Reply::Items(events));
    scene
}

fn asked(scene: &Scene) -> Value {
    scene
        .plane()
        .calls_of::<SendMessage>()
        .last()
        .unwrap()
        .request
        .clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_printed_once_however_it_comes() {
    for pieces in [&["Hel", "lo"][..], &[], &["Hello"], &["Hel"]] {
        let scene = scene(events("Hello", pieces));
        let ran = scene.run(&["chat", "greeter", "Hello", "there"]).await;
        assert_eq!(
            (ran.code, ran.stdout.as_str()),
            (Some(0), "Hello\n"),
            "{pieces:?}"
        );
        assert_eq!(
            asked(&scene),
            json!({"session": "s-1", "text": "Hello there"})
        );
    }
    let mut rewritten = events("Anew", &["Old"]);
    rewritten.insert(3, json!({"type": "rewritten", "text": "Anew"}));
    let ran = scene(rewritten)
        .run(&["chat", "greeter", "Hello there"])
        .await;
    assert_eq!(ran.stdout, "Old\nAnew\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_of_an_answer() {
    let scene = scene(events("Hello", &["Hel", "lo"]));
    let ran = scene.run(&["chat", "greeter", "Hi there", "--json"]).await;
    let expected = json!({
        "agent": "greeter", "session": "s-1", "text": "Hello", "parts": [{"text": "Hello"}], "task_state": "completed",
        "trace": "t-1", "duration_ms": 12, "tokens": null,
    });
    assert_eq!(ran.json(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_goes_on_and_its_words_are_found_where_people_put_them() {
    let scene = scene(events("Hello", &[]));
    for words in [
        &["chat", "--session", "s-1", "One two"][..],
        &["chat", "--session", "s-1", "greeter", "One two"],
        &["chat", "send", "greeter", "One two"],
        &["chat", "One two"],
    ] {
        let ran = scene.run(words).await;
        assert_eq!(ran.code, Some(0), "{words:?}: {ran:?}");
        assert_eq!(asked(&scene)["text"], "One two", "{words:?}");
    }
    assert_eq!(
        scene.plane().calls_of::<CreateSession>().len(),
        2,
        "a session that is named goes on"
    );
    let ran = finish(scene.program(&["chat", "greeter"]), Some("From a pipe\n")).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(asked(&scene)["text"], "From a pipe\n");
    let ran = finish(scene.program(&["chat", "greeter"]), Some("")).await;
    assert_eq!(ran.code, Some(2), "no message is a wrong use");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_name_the_agent_must_be_the_only_one() {
    let scene = scene(events("Hello", &[]));
    let mut other = agent();
    other["name"] = "other".into();
    scene
        .plane()
        .reply::<ListAgents>(page(&[agent(), other.clone()]));
    let ran = scene.run(&["chat", "Who is there?", "--json"]).await;
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.json()["error"]["hint"]
            .as_str()
            .unwrap()
            .contains("greeter, other")
    );
    other["state"] = "stopped".into();
    scene.plane().reply::<ListAgents>(page(&[other]));
    assert_eq!(scene.run(&["chat", "Who is there?"]).await.code, Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_fails_fails_the_command() {
    let mut failed = events("", &["Half an"]);
    let last = failed.len() - 1;
    failed[last]["message"]["fault"] = json!({"code": "agent.error", "message": "It broke"});
    let ran = scene(failed)
        .run(&["chat", "greeter", "Hi there", "--json"])
        .await;
    assert_eq!(
        (ran.code, ran.json()["error"]["code"].as_str()),
        (Some(1), Some("agent.error"))
    );

    let scene = scene(vec![]);
    let cut_off = scene.run(&["chat", "greeter", "Hi there", "--json"]).await;
    assert_eq!(
        (cut_off.code, cut_off.json()["error"]["code"].as_str()),
        (Some(1), Some("agent.unreachable"))
    );
    let fault = Fault::new(ErrorCode::AgentNotRunning, "It is stopped");
    scene.plane().reply::<SendMessage>(Reply::Fault(fault));
    assert_eq!(
        scene.run(&["chat", "greeter", "Hi there"]).await.code,
        Some(1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_without_an_id_is_the_newest() {
    let scene = Scene::new();
    let mut newest = filled_example_of::<TraceSummary>();
    newest["traceId"] = "newest".into();
    scene.plane().reply::<ListTraces>(page(&[newest]));
    assert_eq!(scene.run(&["trace"]).await.code, Some(0));
    let request = scene.plane().calls_of::<GetTrace>()[0].request.clone();
    assert_eq!(request, json!({"trace": "newest"}));
    scene.plane().reply::<ListTraces>(page(&[]));
    assert_eq!(scene.run(&["trace"]).await.code, Some(3));
}
