use proptest::prelude::*;

use super::*;
use crate::message::{FileContent, FilePart, StatusUpdate};

fn artifact(id: &str, text: &str, append: Option<bool>, last: bool) -> AgentEvent {
    named_artifact(id, None, text, append, last)
}

fn named_artifact(
    id: &str,
    name: Option<&str>,
    text: &str,
    append: Option<bool>,
    last: bool,
) -> AgentEvent {
    let artifact = Artifact {
        id: id.to_owned(),
        name: name.map(str::to_owned),
        parts: vec![Part::Text(text.to_owned())],
    };
    AgentEvent::Artifact(ArtifactUpdate {
        task_id: None,
        context_id: None,
        artifact,
        append,
        last,
    })
}

fn said(id: &str, text: &str) -> Message {
    Message {
        id: id.to_owned(),
        ..Message::text(Role::Agent, text)
    }
}

fn message(id: &str, text: &str) -> AgentEvent {
    AgentEvent::Message(said(id, text))
}

fn status(state: TaskState, text: Option<&str>) -> AgentEvent {
    let message = text.map(|text| Message::text(Role::Agent, text));
    AgentEvent::Status(StatusUpdate {
        task_id: None,
        context_id: None,
        state,
        message,
        is_final: false,
    })
}

fn working(text: &str) -> AgentEvent {
    status(TaskState::Working, Some(text))
}

fn done(text: &str) -> AgentEvent {
    status(TaskState::Completed, Some(text))
}

fn text(text: &str) -> AgentEvent {
    AgentEvent::Text(text.to_owned())
}

/// The end text of events; also checks that following the changes shows the same as asking at the end.
fn tell(events: &[AgentEvent]) -> String {
    let mut transcript = Transcript::new();
    let mut shown = String::new();
    for event in events {
        match transcript.push(event) {
            Change::Appended(text) => shown.push_str(&text),
            Change::Rewritten => transcript.text().clone_into(&mut shown),
            Change::Progress | Change::None => {}
        }
    }
    if !transcript.segments.is_empty() {
        assert_eq!(
            shown,
            transcript.text(),
            "following the changes shows something else: {events:?}"
        );
    }
    transcript.text().to_owned()
}

#[test]
fn one_answer_is_told_once() {
    let open = Some(true);
    let new = Some(false);
    let cases: Vec<(&str, Vec<AgentEvent>, &str)> = vec![
        ("nothing", vec![], ""),
        ("plain text", vec![text("a"), text(" b"), text("")], "a b"),
        ("one artifact", vec![artifact("1", "a", None, true)], "a"),
        (
            "chunks of one id",
            vec![
                artifact("1", "a", new, false),
                artifact("1", "b", open, true),
            ],
            "ab",
        ),
        (
            "chunks without flags",
            vec![
                artifact("1", "a", None, false),
                artifact("1", "b", None, false),
            ],
            "ab",
        ),
        (
            "chunks without ids",
            vec![
                artifact("", "a", None, false),
                artifact("", "b", None, false),
            ],
            "ab",
        ),
        (
            "chunks with ever new ids",
            vec![
                artifact("1", "a ", None, true),
                artifact("2", "b", None, true),
            ],
            "a b",
        ),
        (
            "append before any",
            vec![artifact("1", "a", open, false)],
            "a",
        ),
        (
            "replaced on request",
            vec![
                artifact("1", "draft", new, false),
                artifact("1", "fair", new, true),
            ],
            "fair",
        ),
        (
            "replaced after its last chunk",
            vec![
                artifact("1", "x", None, true),
                artifact("1", "y", None, true),
            ],
            "y",
        ),
        (
            "cumulative",
            vec![
                artifact("1", "a", None, false),
                artifact("1", "ab", None, false),
            ],
            "ab",
        ),
        (
            "two artifacts with names",
            vec![
                named_artifact("1", Some("a"), "A", None, true),
                named_artifact("2", Some("b"), "B", None, true),
            ],
            "A\n\nB",
        ),
        (
            "chunks of two artifacts in turn",
            vec![
                named_artifact("1", Some("a"), "A", None, false),
                named_artifact("2", Some("b"), "B", None, false),
                named_artifact("1", Some("a"), "a", open, false),
            ],
            "Aa\n\nB",
        ),
        (
            "the final status repeats",
            vec![
                artifact("1", "Hello there", None, true),
                done("Hello there"),
            ],
            "Hello there",
        ),
        (
            "the final status repeats with other spaces",
            vec![
                artifact("1", "Hello  there\n", None, true),
                done("Hello there"),
            ],
            "Hello  there\n",
        ),
        (
            "the final status repeats the end",
            vec![
                artifact("1", "First. ", None, true),
                artifact("2", "Then the answer.", None, true),
                done("Then the answer."),
            ],
            "First. Then the answer.",
        ),
        ("the final status has it all", vec![done("All")], "All"),
        (
            "the final status has more",
            vec![artifact("1", "All", None, true), done("All of it")],
            "All of it",
        ),
        (
            "the final status adds",
            vec![artifact("1", "42", None, true), done("That took long.")],
            "42\n\nThat took long.",
        ),
        (
            "a short end is no repetition",
            vec![artifact("1", "piano", None, true), done("no")],
            "piano\n\nno",
        ),
        (
            "progress, then an artifact",
            vec![working("Thinking"), artifact("1", "42", None, true)],
            "42",
        ),
        (
            "progress, then the final status",
            vec![working("Thinking"), done("42")],
            "42",
        ),
        (
            "progress only",
            vec![
                working("It "),
                working("rains"),
                status(TaskState::Completed, None),
            ],
            "It rains",
        ),
        (
            "progress in sentences",
            vec![working("Looking..."), working("Found.")],
            "Looking...\nFound.",
        ),
        (
            "progress that grows",
            vec![working("It"), working("It rains")],
            "It rains",
        ),
        (
            "progress repeated at the end",
            vec![working("It "), working("rains"), done("It rains")],
            "It rains",
        ),
        (
            "two messages",
            vec![message("1", "Hello."), message("2", "How are you?")],
            "Hello.\nHow are you?",
        ),
        (
            "torn messages",
            vec![message("1", "Hel"), message("2", "lo")],
            "Hello",
        ),
        (
            "a message that grows",
            vec![message("1", "Hel"), message("1", "Hello")],
            "Hello",
        ),
        (
            "a message sums up",
            vec![
                artifact("1", "Hel", None, false),
                artifact("1", "lo", None, true),
                message("9", "Hello"),
            ],
            "Hello",
        ),
        (
            "an empty final status",
            vec![artifact("1", "a", None, true), done("")],
            "a",
        ),
    ];
    for (about, events, expected) in cases {
        assert_eq!(tell(&events), expected, "{about}");
    }
}

#[test]
fn progress_is_the_last_word_while_it_lasts() {
    let mut transcript = Transcript::new();
    assert_eq!(transcript.progress(), None);
    assert_eq!(transcript.push(&working("Reading")), Change::Progress);
    assert_eq!(transcript.push(&working("Writing")), Change::Progress);
    assert_eq!(transcript.progress().as_deref(), Some("Writing"));
}

#[test]
fn files_are_kept_in_place_and_once() {
    let file = Part::File(FilePart {
        name: None,
        media_type: None,
        content: FileContent::Uri("http://u".to_owned()),
    });
    let with_file = |id: &str| {
        let mut message = said(id, "see");
        message.parts.push(file.clone());
        message.parts.push(Part::Text("end".to_owned()));
        message
    };
    let mut transcript = Transcript::new();
    transcript.push(&AgentEvent::Message(with_file("1")));
    let mut closing = StatusUpdate {
        task_id: None,
        context_id: None,
        state: TaskState::Completed,
        message: Some(with_file("2")),
        is_final: true,
    };
    transcript.push(&AgentEvent::Status(closing.clone()));
    let expected = [
        Part::Text("see".to_owned()),
        file.clone(),
        Part::Text("end".to_owned()),
    ];
    assert_eq!(
        transcript.parts(),
        expected,
        "a repeated file is not shown again"
    );

    let new = Part::Data(serde_json::json!({"n": 1}));
    closing.message = Some(Message {
        parts: vec![new.clone()],
        ..said("3", "")
    });
    transcript.push(&AgentEvent::Status(closing));
    assert_eq!(
        transcript.parts().last(),
        Some(&new),
        "a new datum in the final status is kept"
    );
    assert_eq!(transcript.text(), "seeend");
}

#[test]
fn too_much_is_cut_and_said() {
    let mut transcript = Transcript::new();
    let chunk = text(&"x".repeat(Transcript::MAX_BYTES / 4 + 1));
    for _ in 0..3 {
        assert!(matches!(transcript.push(&chunk), Change::Appended(_)));
    }
    assert!(!transcript.is_truncated());
    assert_eq!(transcript.push(&chunk), Change::None);
    assert!(transcript.is_truncated());
    transcript.push(&status(TaskState::Completed, None));
    assert_eq!(
        transcript.state(),
        Some(&TaskState::Completed),
        "the state is followed to the end"
    );
}

fn any_event() -> impl Strategy<Value = AgentEvent> {
    let id = prop::sample::select(vec!["1", "2", "3", ""]);
    let words = "[ab. \n]{0,4}";
    let flag = prop::option::of(any::<bool>());
    prop_oneof![
        words.prop_map(|words| text(&words)),
        (id.clone(), words).prop_map(|(id, words)| message(id, &words)),
        (id.clone(), words, flag, any::<bool>())
            .prop_map(|(id, words, append, last)| artifact(id, &words, append, last)),
        words.prop_map(|words| working(&words)),
        words.prop_map(|words| done(&words)),
        (id, words).prop_map(|(id, words)| {
            let whole = Artifact {
                id: id.to_owned(),
                name: None,
                parts: vec![Part::Text(words)],
            };
            AgentEvent::Task(Task {
                id: "t".to_owned(),
                context_id: None,
                state: TaskState::Completed,
                status_message: None,
                artifacts: vec![whole],
                history: Vec::new(),
                metadata: serde_json::Map::new(),
            })
        }),
    ]
}

proptest! {
    #[test]
    fn following_the_changes_shows_the_text(events in prop::collection::vec(any_event(), 0..12)) {
        tell(&events);
    }

    #[test]
    fn the_kept_text_is_the_derived_text(events in prop::collection::vec(any_event(), 0..12)) {
        let mut transcript = Transcript::new();
        for event in &events {
            transcript.push(event);
            prop_assert_eq!(&transcript.text, &join(&transcript.segments));
        }
    }

    #[test]
    fn chunks_make_the_whole_whatever_their_ids(chunks in prop::collection::vec("[a-z ]{1,6}", 1..12), own_ids: bool, repeated: bool) {
        let mut events: Vec<AgentEvent> = chunks
            .iter()
            .enumerate()
            .map(|(index, chunk)| {
                let id = if own_ids { format!("chunk-{index}") } else { "chunk".to_owned() };
                artifact(&id, chunk, Some(index > 0), false)
            })
            .collect();
        let whole = chunks.concat();
        events.push(if repeated { done(&whole) } else { status(TaskState::Completed, None) });
        prop_assert_eq!(tell(&events), whole);
    }
}
