use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::dialect::Spelling;
use crate::transcript::Transcript;

/// Arbitrary JSON in which the protocol's own words are likely.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("text".to_owned()),
        Just("task".to_owned()),
        Just("completed".to_owned()),
        Just("status-update".to_owned()),
        "[a-z ]{0,6}",
    ];
    let key = prop::sample::select(vec![
        "kind",
        "type",
        "text",
        "parts",
        "artifact",
        "artifacts",
        "status",
        "state",
        "message",
        "task",
        "role",
        "id",
        "artifactId",
        "file",
        "data",
        "root",
        "append",
        "lastChunk",
        "final",
        "history",
        "statusUpdate",
        "artifactUpdate",
        "messageId",
        "contextId",
        "uri",
        "bytes",
        "raw",
        "url",
        "metadata",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        word.prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..6).prop_map(|fields| fields
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect()),
        ]
    })
}

#[test]
fn the_corpus_reads_as_expected() {
    let mut seen = 0;
    for (name, case) in corpus() {
        let mut transcript = Transcript::new();
        for value in case["events"].as_array().unwrap() {
            let event =
                read_event(value).unwrap_or_else(|| panic!("{name}: not understood: {value}"));
            transcript.push(&event);
        }
        let expect = &case["expect"];
        let found = json!({
            "text": transcript.text(),
            "state": transcript.state().map(TaskState::as_str),
            "context": transcript.context_id(),
            "task": transcript.task_id(),
        });
        for key in ["text", "state", "context", "task"] {
            assert_eq!(found[key], expect[key], "{name}: {key}");
        }
        if let Some(kinds) = expect["parts"].as_array() {
            let found: Vec<&str> = transcript.parts().iter().map(kind).collect();
            assert_eq!(&found, kinds, "{name}: parts");
        }
        seen += 1;
    }
    assert!(seen > 20, "the corpus was not found");
}

#[test]
fn strict_events_are_written_as_they_were_read() {
    let mut seen = 0;
    for (name, case) in corpus() {
        let spelling = match case["exact"].as_str() {
            Some("0.3") => Spelling::V0,
            Some("1.0") => Spelling::V1,
            _ => continue,
        };
        for value in case["events"].as_array().unwrap() {
            let event = read_event(value).unwrap();
            assert_eq!(write_event(&event, spelling), *value, "{name}");
            let there = write_event(&event, spelling.other());
            let back =
                read_event(&there).unwrap_or_else(|| panic!("{name}: not understood: {there}"));
            assert_eq!(
                forget_final(back),
                forget_final(event),
                "{name}: through the other spelling"
            );
            seen += 1;
        }
    }
    assert!(seen > 20, "the corpus was not found");
}

#[test]
fn every_state_is_read_in_every_spelling() {
    let words = [
        TaskState::Submitted,
        TaskState::Working,
        TaskState::InputRequired,
        TaskState::AuthRequired,
        TaskState::Completed,
        TaskState::Failed,
        TaskState::Canceled,
        TaskState::Rejected,
    ];
    for state in words {
        for spelling in [Spelling::V0, Spelling::V1] {
            let word = writer::write_state(&state, spelling);
            assert_eq!(TaskState::parse(&word), state);
            assert_eq!(TaskState::parse(&word.to_uppercase()), state);
            assert_eq!(TaskState::parse(&word.replace('-', "_")), state);
        }
        assert!(
            !(state.is_terminal() && state.is_pending()),
            "{state:?} is over or going on, not both"
        );
    }
    assert_eq!(TaskState::parse("cancelled"), TaskState::Canceled);
    assert_eq!(
        TaskState::parse("unknown"),
        TaskState::Unknown("unknown".to_owned())
    );
}

#[test]
fn parts_are_read_in_every_form() {
    let text = || Some(Part::Text("x".to_owned()));
    let file = |content| {
        let (name, media_type) = (Some("n".to_owned()), Some("a/b".to_owned()));
        Some(Part::File(FilePart {
            name,
            media_type,
            content,
        }))
    };
    let by_uri = || file(FileContent::Uri("http://u".to_owned()));
    let by_bytes = || file(FileContent::Bytes("AAAA".to_owned()));
    let cases = [
        (json!({"kind": "text", "text": "x"}), text()),
        (json!({"type": "text", "text": "x"}), text()),
        (json!({"text": "x"}), text()),
        (json!("x"), text()),
        (json!({"root": {"text": "x"}}), text()),
        (
            json!({"kind": "file", "file": {"name": "n", "mimeType": "a/b", "uri": "http://u"}}),
            by_uri(),
        ),
        (
            json!({"type": "file", "file": {"name": "n", "mimeType": "a/b", "bytes": "AAAA"}}),
            by_bytes(),
        ),
        (
            json!({"file": {"name": "n", "mediaType": "a/b", "fileWithUri": "http://u"}}),
            by_uri(),
        ),
        (
            json!({"file": {"name": "n", "fileWithBytes": "AAAA"}, "mediaType": "a/b"}),
            by_bytes(),
        ),
        (
            json!({"url": "http://u", "filename": "n", "mediaType": "a/b"}),
            by_uri(),
        ),
        (
            json!({"raw": "AAAA", "filename": "n", "mediaType": "a/b"}),
            by_bytes(),
        ),
        (
            json!({"kind": "data", "data": {"a": 1}}),
            Some(Part::Data(json!({"a": 1}))),
        ),
        (json!({"data": 7}), Some(Part::Data(json!(7)))),
        (json!({"kind": "hologram"}), None),
        (json!({"kind": "file", "file": {"name": "n"}}), None),
        (json!(7), None),
        (json!(null), None),
    ];
    for (value, expected) in cases {
        assert_eq!(read_part(&value), expected, "{value}");
    }
}

#[test]
fn what_is_no_event_is_not_taken_for_one() {
    for value in [
        json!(null),
        json!(7),
        json!([]),
        json!({}),
        json!({"hello": "world"}),
        json!({"task": "x"}),
    ] {
        assert_eq!(read_event(&value), None, "{value}");
    }
}

proptest! {
    #[test]
    fn no_json_makes_the_reader_panic(values in prop::collection::vec(any_json(), 1..6)) {
        let mut transcript = Transcript::new();
        for value in &values {
            if let Some(event) = read_event(value) {
                transcript.push(&event);
                for spelling in [Spelling::V0, Spelling::V1] {
                    let written = write_event(&event, spelling);
                    let again = read_event(&written);
                    prop_assert!(again.is_some(), "what we write we read: {written}");
                }
            }
        }
        let joined: String = plain_text(&transcript.parts());
        prop_assert_eq!(joined.split_whitespace().collect::<String>(), transcript.text().split_whitespace().collect::<String>());
    }

    #[test]
    fn messages_survive_both_spellings(texts in prop::collection::vec(".{0,20}", 0..4), context in prop::option::of("[a-z]{1,8}")) {
        let mut message = Message::text(Role::Agent, "");
        message.parts = texts.into_iter().map(Part::Text).collect();
        message.context_id = context;
        let event = AgentEvent::Message(message);
        for spelling in [Spelling::V0, Spelling::V1] {
            prop_assert_eq!(read_event(&write_event(&event, spelling)), Some(event.clone()));
        }
    }
}

/// Every file of the corpus, by name.
fn corpus() -> Vec<(String, Value)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus");
    let mut cases: Vec<(String, Value)> = fs_err::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (
                name,
                serde_json::from_slice(&fs_err::read(path).unwrap()).unwrap(),
            )
        })
        .collect();
    cases.sort_by(|left, right| left.0.cmp(&right.0));
    cases
}

fn kind(part: &Part) -> &'static str {
    match part {
        Part::Text(_) => "text",
        Part::File(_) => "file",
        Part::Data(_) => "data",
    }
}

/// 1.0 has no `final`.
fn forget_final(mut event: AgentEvent) -> AgentEvent {
    if let AgentEvent::Status(update) = &mut event {
        update.is_final = false;
    }
    event
}
