use nasiko_contract::{ErrorCode, SessionId};

use super::*;

fn message(id: &str, role: ChatRole, text: &str, at: i64) -> ChatMessage {
    ChatMessage {
        id: id.into(),
        session: SessionId::from("s"),
        role,
        text: text.to_owned(),
        parts: Vec::new(),
        at,
        task_state: String::new(),
        trace: (role == ChatRole::Agent).then(|| TraceId::from("7f3a")),
        duration_ms: Some(1_180),
        tokens: None,
        fault: None,
    }
}

fn accepted() -> ChatEvent {
    ChatEvent::Accepted {
        session: "s".into(),
        question: message("q", ChatRole::User, "How much?", 1),
        trace: "7f3a".into(),
    }
}

fn delta(text: &str) -> ChatEvent {
    ChatEvent::Delta {
        text: text.to_owned(),
    }
}

#[test]
fn an_answer_grows_and_is_then_stored_once() {
    let mut chat = Conversation::default();
    assert!(chat.ask("How much?"));
    assert_eq!(
        chat.answering.as_ref().unwrap().pending_question(),
        Some("How much?")
    );
    chat.apply(accepted());
    let answering = chat.answering.as_ref().unwrap();
    assert_eq!(
        answering.pending_question(),
        None,
        "the stored question must not stand there twice"
    );
    chat.apply(delta("€ 4,3"));
    chat.apply(delta("18.20"));
    assert_eq!(chat.answering.as_ref().unwrap().text, "€ 4,318.20");
    let answer = message("a", ChatRole::Agent, "€ 4,318.20", 2);
    chat.apply(ChatEvent::Answer {
        message: answer.clone(),
    });
    chat.apply(ChatEvent::Answer { message: answer });
    assert_eq!(chat.answering, None);
    assert_eq!(chat.messages.len(), 2);
}

#[test]
fn an_answer_said_anew_stands_in_place_of_the_old_text() {
    let mut chat = Conversation::default();
    chat.ask("How much?");
    chat.apply(accepted());
    chat.apply(delta("four"));
    chat.apply(ChatEvent::Rewritten {
        text: "five".to_owned(),
    });
    chat.apply(delta("!"));
    assert_eq!(chat.answering.as_ref().unwrap().text, "five!");
}

#[test]
fn a_second_question_waits_for_the_answer() {
    let mut chat = Conversation::default();
    assert!(chat.ask("One?"));
    assert!(!chat.ask("Two?"));
    assert!(!Conversation::default().ask("  \n"));
}

#[test]
fn what_had_arrived_stays_when_the_stream_breaks_off() {
    let mut chat = Conversation::default();
    chat.ask("How much?");
    chat.apply(accepted());
    chat.apply(delta("€ 4,3"));
    chat.end(Some(Fault::new(ErrorCode::Unreachable, "broke off")));
    let last = chat.messages.last().unwrap();
    assert_eq!((last.role, last.text.as_str()), (ChatRole::Agent, "€ 4,3"));
    assert_eq!(
        last.fault.as_ref().map(|fault| fault.code),
        Some(ErrorCode::Unreachable)
    );
    assert!(chat.ask("Again?"), "and the next question can be asked");
}

#[test]
fn the_whole_answer_stands_for_the_part_that_had_arrived() {
    let mut chat = Conversation::default();
    chat.ask("How much?");
    chat.apply(accepted());
    chat.apply(delta("€ 4,3"));
    chat.end(Some(Fault::new(ErrorCode::Unreachable, "broke off")));
    chat.load(vec![message("q", ChatRole::User, "How much?", 1)]);
    assert_eq!(chat.messages.len(), 2, "nothing better is known yet");
    assert_eq!(
        chat.stored(),
        1,
        "so the next count tells that more is there"
    );
    chat.load(vec![
        message("q", ChatRole::User, "How much?", 1),
        message("a", ChatRole::Agent, "€ 4,318.20", 2),
    ]);
    let texts: Vec<&str> = chat
        .messages
        .iter()
        .map(|message| message.text.as_str())
        .collect();
    assert_eq!(texts, ["How much?", "€ 4,318.20"]);
}

#[test]
fn a_question_that_was_not_accepted_leaves_its_fault() {
    let mut chat = Conversation::default();
    chat.ask("How much?");
    chat.end(Some(Fault::new(ErrorCode::AgentNotFound, "no such agent")));
    assert!(chat.messages.is_empty());
    assert_eq!(
        chat.fault.as_ref().map(|fault| fault.code),
        Some(ErrorCode::AgentNotFound)
    );
}

#[test]
fn events_of_an_ended_answer_change_nothing() {
    let mut chat = Conversation::default();
    chat.apply(delta("late"));
    chat.apply(ChatEvent::Status {
        state: "working".into(),
        text: "late".into(),
    });
    assert_eq!(chat, Conversation::default());
}

#[test]
fn the_line_says_what_the_agent_says() {
    let mut chat = Conversation::default();
    chat.ask("How much?");
    assert_eq!(chat.answering.as_ref().unwrap().line(), "answering…");
    chat.apply(ChatEvent::Status {
        state: "working".into(),
        text: "reading invoices".into(),
    });
    assert_eq!(chat.answering.as_ref().unwrap().line(), "reading invoices");
    chat.answering.as_mut().unwrap().cancelling = true;
    assert_eq!(chat.answering.as_ref().unwrap().line(), "stopping…");
}

#[test]
fn the_trace_follows_the_choice_and_else_the_newest_answer() {
    let mut chat = Conversation::default();
    let mut second = message("a2", ChatRole::Agent, "2", 4);
    second.trace = Some("beef".into());
    chat.load(vec![
        message("q", ChatRole::User, "?", 1),
        message("a", ChatRole::Agent, "1", 2),
        second,
    ]);
    assert_eq!(chat.trace_of(None), Some("beef".into()));
    assert_eq!(chat.trace_of(Some(&"a".into())), Some("7f3a".into()));
    chat.ask("And now?");
    assert_eq!(
        chat.trace_of(None),
        None,
        "the old trace is not that of the new answer"
    );
    chat.apply(accepted());
    assert_eq!(chat.trace_of(None), Some("7f3a".into()));
}

#[test]
fn reading_the_stored_messages_again_keeps_the_order_and_doubles_nothing() {
    let mut chat = Conversation::default();
    chat.load(vec![message("a", ChatRole::Agent, "1", 2)]);
    chat.load(vec![
        message("q", ChatRole::User, "?", 1),
        message("a", ChatRole::Agent, "1", 2),
    ]);
    let ids: Vec<&str> = chat
        .messages
        .iter()
        .map(|message| message.id.as_str())
        .collect();
    assert_eq!(ids, ["q", "a"]);
}

#[test]
fn a_card_suggests_a_question_of_each_skill_first() {
    let card = serde_json::json!({"skills": [
        {"id": "a", "examples": ["One?", "Two?", " "]},
        {"id": "b"},
        {"id": "c", "examples": ["Three?", "One?", 5, "x".repeat(500)]},
    ]});
    assert_eq!(suggestions(&card), ["One?", "Three?", "Two?"]);
    assert!(suggestions(&serde_json::Value::Null).is_empty());
}
