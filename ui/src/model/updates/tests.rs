use serde_json::{Value, json};

use super::*;

/// An update of `src/prompts.py` that is live, with `changes`.
pub(crate) fn update(changes: Value) -> Update {
    let mut update = json!({
        "id": "1", "agent": "a", "at": 1_000, "state": "live", "action": "restart",
        "why": "`COPY src/` is after the last RUN", "filesTotal": 3, "contentHash": "ab", "warm": true,
        "files": [
            {"path": "README.md", "change": "modified", "action": "nothing", "why": "not copied"},
            {"path": "src/prompts.py", "change": "modified", "action": "restart", "why": "copied"},
            {"path": "src/a.py", "change": "added", "action": "restart", "why": "copied"},
        ],
        "seconds": {"seen": 0.004, "decided": 0.006, "applied": 0.030, "answered": 0.084},
    });
    for (key, value) in changes.as_object().unwrap() {
        update[key] = value.clone();
    }
    serde_json::from_value(update).unwrap()
}

fn status(changes: Value) -> WatchStatus {
    let mut status = json!({"agent": "a", "mode": "native", "files": 14, "warm": true});
    for (key, value) in changes.as_object().unwrap() {
        status[key] = value.clone();
    }
    serde_json::from_value(status).unwrap()
}

#[test]
fn the_file_that_decides_stands_for_all() {
    assert_eq!(
        headline(&update(json!({}))),
        ("src/prompts.py".to_owned(), 2)
    );
    let many = update(json!({"files": [], "filesTotal": 4_200}));
    assert_eq!(headline(&many), ("4,200 files".to_owned(), 0));
}

#[test]
fn files_that_ask_for_more_come_first() {
    let files = sorted_files(&update(json!({})));
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["src/a.py", "src/prompts.py", "README.md"]);
}

#[test]
fn each_phase_is_what_it_took_by_itself() {
    let phases = phases(&update(json!({})));
    let words: Vec<&str> = phases.iter().map(|phase| phase.word).collect();
    assert_eq!(words, ["Seen", "Decided", "Applied", "Answered"]);
    assert!((phases[3].seconds - 0.054).abs() < 1e-9);
    let whole: f64 = phases.iter().map(|phase| phase.share).sum();
    assert!((whole - 1.0).abs() < 1e-9);
}

#[test]
fn a_phase_that_was_not_reached_is_left_out_and_none_is_negative() {
    let early = update(
        json!({"state": "failed", "seconds": {"seen": 0.02, "decided": 0.01, "applied": 0.0, "answered": 0.0}}),
    );
    let phases = phases(&early);
    assert_eq!(phases.len(), 2);
    assert!(
        phases
            .iter()
            .all(|phase| phase.seconds >= 0.0 && phase.share <= 1.0)
    );
    assert_eq!(
        super::phases(&update(
            json!({"seconds": {"seen": 0.0, "decided": 0.0, "applied": 0.0, "answered": 0.0}})
        )),
        []
    );
}

#[test]
fn a_row_tells_what_is_going_on_or_why_it_ended_so() {
    let applying = |seconds: Value, action: &str| {
        sentence(&update(
            json!({"state": "applying", "action": action, "seconds": seconds}),
        ))
    };
    let at = |seen: f64, decided: f64, applied: f64| json!({"seen": seen, "decided": decided, "applied": applied, "answered": 0.0});
    assert_eq!(applying(at(0.1, 0.0, 0.0), "nothing"), "Deciding");
    assert_eq!(applying(at(0.1, 0.2, 0.0), "rebuild"), "Building the image");
    assert_eq!(
        applying(at(0.1, 0.2, 0.3), "restart"),
        "Waiting for its answer"
    );
    let fault = json!({"code": "agent.start.import_error", "message": "No module"});
    let failed = update(json!({"state": "failed", "fault": fault}));
    assert_eq!(sentence(&failed), "keeps the last good version: No module");
    assert_eq!(
        sentence(&update(json!({}))),
        "`COPY src/` is after the last RUN"
    );
}

#[test]
fn only_what_answered_or_failed_has_a_time() {
    let of = |state: &str| took(&update(json!({"state": state})));
    assert_eq!(of("live"), Some(0.084));
    assert_eq!(of("unchanged"), None);
    assert_eq!(of("superseded"), None);
    let failed = update(
        json!({"state": "failed", "seconds": {"seen": 0.004, "decided": 0.006, "applied": 0.2, "answered": 0.0}}),
    );
    assert_eq!(took(&failed), Some(0.2));
}

#[test]
fn an_end_is_told_in_one_sentence() {
    assert_eq!(
        told(&update(json!({}))).as_deref(),
        Some("src/prompts.py and 2 others live in 84 ms")
    );
    assert_eq!(told(&update(json!({"state": "applying"}))), None);
}

#[test]
fn a_watch_says_how_it_watches_and_why_not() {
    let told = |changes| watch(&status(changes));
    assert_eq!(
        told(json!({})),
        (Tone::Ok, "14 files, warm".to_owned(), None)
    );
    assert_eq!(
        told(json!({"mode": "polling", "why": "a network drive", "warm": false})),
        (
            Tone::Ok,
            "Polling 14 files".to_owned(),
            Some("a network drive".to_owned())
        )
    );
    assert_eq!(told(json!({"mode": "off"})).0, Tone::Idle);
    let off = told(json!({"mode": "off", "why": "It came from an archive"}));
    assert_eq!(off.1, "It came from an archive");
    let gone = json!({"code": "intake.path_not_found", "message": "The folder is gone", "hint": "Put it back"});
    assert_eq!(
        told(json!({"fault": gone})),
        (
            Tone::Bad,
            "The folder is gone".to_owned(),
            Some("Put it back".to_owned())
        )
    );
}

#[test]
fn a_watch_that_cannot_be_kept_is_still_wanted() {
    let off = status(json!({"mode": "off"}));
    assert!(!is_watched(Some(&off), true), "the newer word counts");
    assert!(is_watched(
        Some(&status(json!({"mode": "off", "why": "too many folders"}))),
        false
    ));
    assert!(is_watched(None, true));
}

#[test]
fn failures_alone_are_shown_on_request() {
    let all: Vec<Arc<Update>> = ["live", "failed", "applying"]
        .iter()
        .map(|state| Arc::new(update(json!({"id": state, "state": state}))))
        .collect();
    assert_eq!(shown(&all, false).len(), 3);
    let failures = shown(&all, true);
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0].id.as_str(), "failed");
}

#[test]
fn keys_lead_from_row_to_row_and_never_off_the_list() {
    assert_eq!(step_to("ArrowDown", None, 3), Some(0));
    assert_eq!(step_to("ArrowDown", Some(2), 3), Some(2));
    assert_eq!(step_to("ArrowUp", Some(0), 3), Some(0));
    assert_eq!(step_to("End", Some(0), 3), Some(2));
    assert_eq!(step_to("Home", Some(2), 3), Some(0));
    assert_eq!(step_to("a", Some(2), 3), None);
    assert_eq!(step_to("ArrowDown", None, 0), None);
}
