//! The client against the example agents, each a real process.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test binary: helpers outside of test functions fail the test too"
)]

mod process;

use futures::StreamExt;
use nasiko_a2a::client::{AnswerStream, Outgoing};
use nasiko_a2a::{A2aError, AgentClient, AgentEvent, Card, Dialect, Hints, TaskState, Transcript};
use process::{Agent, capabilities, skip};
use tokio_util::sync::CancellationToken;

/// Every kind of agent, what it is found to speak, whether it streams, and its answer to `6 * 7`.
#[tokio::test]
async fn every_example_is_found_out_and_answers() {
    let cases = [
        (
            "greeter",
            Dialect::V1,
            true,
            "Hello! I am Greeter. What is your name?",
        ),
        ("echo-sdk", Dialect::V1, true, "Echo: 6 * 7"),
        ("echo-sdk-03", Dialect::V0, true, "Echo: 6 * 7"),
        ("echo-node", Dialect::V0, true, "Echo: 6 * 7"),
        ("rest-capabilities", rest("/chat"), false, "6 * 7 = 42"),
        ("no-dockerfile", Dialect::V0, false, "6 * 7"),
    ];
    for (name, dialect, streams, expected) in cases {
        let Some(agent) = start(name).await else {
            continue;
        };
        let hints = Hints {
            capabilities: capabilities(name),
            ..Hints::default()
        };
        let client = AgentClient::new(reqwest::Client::new(), &agent.base, hints).unwrap();
        let answer = ask(&client, "6 * 7", "s-1", None).await;
        assert_eq!(answer.text(), expected, "{name}");
        let learned = client.learned();
        assert_eq!(learned.dialect.as_ref(), Some(&dialect), "{name}");
        assert_eq!(learned.streaming, Some(streams), "{name}");

        let again = AgentClient::new(reqwest::Client::new(), &agent.base, learned.clone()).unwrap();
        assert_eq!(
            ask(&again, "6 * 7", "s-2", None).await.text(),
            expected,
            "{name}, with what was learned"
        );
        assert_eq!(
            again.learned(),
            learned,
            "{name}: there is nothing more to learn"
        );
    }
}

/// What was learned of another agent does not stop one from being understood.
#[tokio::test]
async fn wrong_hints_are_unlearned() {
    for (name, wrong) in [
        ("echo-node", Dialect::V1),
        ("echo-node", Dialect::HttpJson),
        ("echo-node", rest("/chat")),
        ("echo-node", Dialect::OpenAiChat),
        ("no-dockerfile", Dialect::V1),
        ("rest-capabilities", Dialect::V1),
        ("echo-sdk", Dialect::V0),
        ("echo-sdk-03", Dialect::V1),
    ] {
        let Some(agent) = start(name).await else {
            continue;
        };
        let hints = Hints {
            dialect: Some(wrong.clone()),
            endpoint: Some("/elsewhere".to_owned()),
            ..Hints::default()
        };
        let client = AgentClient::new(reqwest::Client::new(), &agent.base, hints).unwrap();
        let answer = ask(&client, "1 + 1", "s-1", None).await;
        assert!(
            answer.text().contains("1 + 1"),
            "{name} after {wrong}: {}",
            answer.text()
        );
        assert_ne!(client.learned().dialect, Some(wrong), "{name}");
    }
}

/// The card's own claim about the dialect may be wrong as well.
#[tokio::test]
async fn a_card_that_lies_is_no_obstacle() {
    for (name, claim) in [
        ("echo-node", "1.0"),
        ("echo-sdk", "0.3.0"),
        ("no-dockerfile", "1.0"),
    ] {
        let Some(agent) = start(name).await else {
            continue;
        };
        let card = serde_json::json!({
            "name": "Liar", "url": "http://localhost:10007/a2a/", "protocolVersion": claim, "capabilities": {"streaming": true},
        });
        let hints = Hints {
            card: Some(Card::from_value(card).unwrap()),
            ..Hints::default()
        };
        let client = AgentClient::new(reqwest::Client::new(), &agent.base, hints).unwrap();
        let answer = ask(&client, "still here", "s-1", None).await;
        assert!(
            answer.text().to_lowercase().contains("still here"),
            "{name}: {}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn the_greeter_remembers_within_a_conversation() {
    let Some(agent) = start("greeter").await else {
        return;
    };
    for dialect in [Dialect::V0, Dialect::V1] {
        let hints = Hints {
            dialect: Some(dialect.clone()),
            ..Hints::default()
        };
        let client = AgentClient::new(reqwest::Client::new(), &agent.base, hints).unwrap();
        let session = format!("session-{dialect}");
        let first = ask(&client, "Hello, my name is Ada.", &session, None).await;
        assert!(first.text().starts_with("Hello Ada"), "{}", first.text());
        assert_eq!(
            first.context_id(),
            Some(session.as_str()),
            "it takes our name for the conversation"
        );
        let second = ask(&client, "What is my name?", &session, first.context_id()).await;
        assert_eq!(second.text(), "Your name is Ada. I would not forget that.");
        let other = ask(
            &client,
            "What is my name?",
            &format!("{session}-other"),
            None,
        )
        .await;
        assert!(
            other.text().starts_with("Hello! I am Greeter"),
            "conversations are apart: {}",
            other.text()
        );
        assert_eq!(client.learned().dialect, Some(dialect));
    }
}

#[tokio::test]
async fn answers_come_in_pieces() {
    for name in ["greeter", "echo-sdk", "echo-sdk-03", "echo-node"] {
        let Some(agent) = start(name).await else {
            continue;
        };
        let client =
            AgentClient::new(reqwest::Client::new(), &agent.base, Hints::default()).unwrap();
        let events = collect(say(
            &client,
            "one two three four",
            "s-1",
            None,
            &CancellationToken::new(),
        ))
        .await
        .unwrap();
        let pieces = events
            .iter()
            .filter(|event| matches!(event, AgentEvent::Artifact(_)))
            .count();
        assert!(pieces >= 4, "{name}: {pieces} pieces of {events:?}");
        assert_eq!(
            events.last().and_then(AgentEvent::state),
            Some(&TaskState::Completed),
            "{name}"
        );
    }
}

#[tokio::test]
async fn cards_are_fetched_from_running_agents() {
    for (name, title) in [
        ("greeter", "Greeter"),
        ("echo-sdk", "Echo"),
        ("echo-sdk-03", "Echo 0.3"),
        ("echo-node", "Echo Node"),
    ] {
        let Some(agent) = start(name).await else {
            continue;
        };
        let client =
            AgentClient::new(reqwest::Client::new(), &agent.base, Hints::default()).unwrap();
        let card = client.fetch_card().await.unwrap();
        assert_eq!(card.name(), Some(title));
        assert_eq!(card.streaming(), Some(true), "{name}");
        assert_eq!(card.skills().len(), 1, "{name}");
        assert_eq!(
            client.learned().card,
            Some(card),
            "{name}: the card is remembered"
        );
    }
    for name in ["no-dockerfile", "rest-capabilities"] {
        let Some(agent) = start(name).await else {
            continue;
        };
        let client =
            AgentClient::new(reqwest::Client::new(), &agent.base, Hints::default()).unwrap();
        let error = client.fetch_card().await.unwrap_err();
        assert!(
            matches!(&error, A2aError::NoCard { asked } if asked.len() == 3),
            "{name}: {error:?}"
        );
    }
}

#[tokio::test]
async fn cancelling_ends_the_agents_task() {
    for name in ["greeter", "echo-sdk", "echo-sdk-03", "echo-node"] {
        let Some(agent) = start(name).await else {
            continue;
        };
        let client =
            AgentClient::new(reqwest::Client::new(), &agent.base, Hints::default()).unwrap();
        let cancel = CancellationToken::new();
        // "my name is" leads the greeter to a fixed answer, so it is made to repeat a long text instead.
        ask(&client, "My name is Ada", "long", None).await;
        let mut stream = say(&client, &"word ".repeat(2000), "long", None, &cancel);
        let mut task_id = None;
        let error = loop {
            match stream
                .next()
                .await
                .expect("a cancelled stream ends with an error")
            {
                Ok(AgentEvent::Artifact(update)) => {
                    task_id = update.task_id;
                    cancel.cancel();
                }
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert!(matches!(error, A2aError::Cancelled), "{name}: {error:?}");
        assert!(
            stream.next().await.is_none(),
            "{name}: the error is the last item"
        );
        let task = client
            .get_task(&task_id.expect("chunks tell their task"))
            .await
            .unwrap();
        assert_eq!(task.state, TaskState::Canceled, "{name}");
    }
}

#[tokio::test]
async fn the_greeter_finishes_its_answer_when_asked_to_stop() {
    let Some(mut agent) = start("greeter").await else {
        return;
    };
    let client = AgentClient::new(reqwest::Client::new(), &agent.base, Hints::default()).unwrap();
    ask(&client, "My name is Ada", "s", None).await;
    let said = "word ".repeat(100);
    let mut stream = say(&client, &said, "s", None, &CancellationToken::new());
    let mut transcript = Transcript::new();
    while transcript.text().is_empty() {
        transcript.push(&stream.next().await.unwrap().unwrap());
    }
    agent.terminate();
    while let Some(event) = stream.next().await {
        transcript.push(&event.unwrap());
    }
    assert!(
        transcript.text().ends_with(said.trim_end()),
        "the answer was cut: {}",
        transcript.text()
    );
    assert!(
        agent.ended().await.success(),
        "it ends by itself, without a fault"
    );
    let gone = collect(say(&client, "hello?", "s", None, &CancellationToken::new()))
        .await
        .unwrap_err();
    assert!(matches!(gone, A2aError::Unreachable { .. }), "{gone:?}");
}

/// Starts an example; `None`, with the reason told, where it cannot run here.
async fn start(name: &str) -> Option<Agent> {
    match Agent::start(name).await {
        Ok(agent) => Some(agent),
        Err(reason) => {
            skip(name, &reason);
            None
        }
    }
}

fn rest(path: &str) -> Dialect {
    Dialect::RestChat {
        path: path.to_owned(),
        field: "message".to_owned(),
    }
}

fn say(
    client: &AgentClient,
    text: &str,
    session: &str,
    context: Option<&str>,
    cancel: &CancellationToken,
) -> AnswerStream {
    let outgoing = Outgoing {
        text: text.to_owned(),
        session_id: session.to_owned(),
        context_id: context.map(str::to_owned),
        ..Outgoing::default()
    };
    client.send(outgoing, cancel.clone())
}

async fn collect(mut stream: AnswerStream) -> Result<Vec<AgentEvent>, A2aError> {
    let mut events = Vec::new();
    while let Some(event) = stream.next().await {
        events.push(event?);
    }
    Ok(events)
}

async fn ask(client: &AgentClient, text: &str, session: &str, context: Option<&str>) -> Transcript {
    let events = collect(say(
        client,
        text,
        session,
        context,
        &CancellationToken::new(),
    ))
    .await
    .unwrap();
    let mut transcript = Transcript::new();
    for event in &events {
        transcript.push(event);
    }
    transcript
}
