//! Pinned questions: how they stand together, and how one answer compares with the accepted one.

use nasiko_contract::{Pin, PinAnswer, PinState};

use crate::{
    model::{
        compare::{Comparison, compare},
        tone::Tone,
    },
    words::states::pin as words,
};

/// How the pins of an agent stand, in a few words: what needs a look first.
pub(crate) fn summary(pins: &[Pin]) -> String {
    let stand = |state: PinState, say: fn(usize) -> String| {
        let many = pins.iter().filter(|pin| pin.state == state).count();
        (many > 0).then(|| say(many))
    };
    let told = [
        stand(PinState::Failed, words::unanswered),
        stand(PinState::Changed, words::changed),
        stand(PinState::Asking, words::being_asked),
        stand(PinState::Pass, words::same),
        stand(PinState::Waiting, words::not_asked),
    ];
    let told: Vec<String> = told.into_iter().flatten().collect();
    told.join(", ")
}

/// The pin of a question; space around it does not count.
pub(crate) fn of_question<'a>(pins: &'a [Pin], question: &str) -> Option<&'a Pin> {
    pins.iter().find(|pin| pin.text.trim() == question.trim())
}

/// How an answer compares with the accepted one; space around them does not count.
pub(crate) fn verdict(accepted: Option<&PinAnswer>, answer: &PinAnswer) -> (Tone, &'static str) {
    match accepted {
        _ if answer.fault.is_some() => (Tone::Bad, words::NO_ANSWER),
        None => (Tone::Idle, words::NOT_COMPARED),
        Some(accepted) if accepted.at == answer.at => (Tone::Ok, words::ACCEPTED),
        Some(accepted) if accepted.text.trim() == answer.text.trim() => (Tone::Ok, words::SAME),
        Some(_) => (Tone::Differs, words::CHANGED),
    }
}

/// The accepted answer compared with another one. Where one of the two is missing, nothing is marked in the other.
pub(crate) fn comparison(accepted: Option<&PinAnswer>, other: Option<&PinAnswer>) -> Comparison {
    let text = |answer: Option<&PinAnswer>| {
        let answered = answer.filter(|answer| answer.fault.is_none());
        answered.map(|answer| answer.text.clone())
    };
    let (accepted, other) = (text(accepted), text(other));
    let before = accepted.as_ref().or(other.as_ref());
    let after = other.as_ref().or(accepted.as_ref());
    match (before, after) {
        (Some(before), Some(after)) => compare(before, after),
        _ => Comparison::default(),
    }
}

/// Whether a pin's latest answer may become the accepted one.
pub(crate) fn can_accept(pin: &Pin) -> bool {
    let answered = pin
        .latest
        .as_ref()
        .is_some_and(|latest| latest.fault.is_none());
    answered && pin.state == PinState::Changed
}

#[cfg(test)]
mod tests {
    use nasiko_contract::{ErrorCode, Fault};
    use serde_json::json;

    use super::*;

    fn pin(state: &str) -> Pin {
        serde_json::from_value(
            json!({"id": "1", "agent": "a", "text": "How much?", "created": 0, "state": state}),
        )
        .unwrap()
    }

    fn answer(at: i64, text: &str) -> PinAnswer {
        serde_json::from_value(
            json!({"at": at, "contentHash": "ab", "text": text, "durationMs": 940}),
        )
        .unwrap()
    }

    #[test]
    fn what_needs_a_look_is_told_first() {
        let pins = ["pass", "changed", "pass", "failed", "asking"].map(pin);
        assert_eq!(
            summary(&pins),
            "1 without an answer, 1 changed, 1 being asked, 2 the same"
        );
        assert_eq!(summary(&[]), "");
    }

    #[test]
    fn a_question_is_known_as_pinned_whatever_space_is_around_it() {
        let pins = [pin("pass")];
        assert!(of_question(&pins, "How much?\n").is_some());
        assert!(of_question(&pins, "How").is_none());
    }

    #[test]
    fn an_answer_is_told_by_how_it_compares() {
        let accepted = answer(1, "€ 4,318.20");
        let told = |answer: &PinAnswer| verdict(Some(&accepted), answer).1;
        assert_eq!(told(&accepted), "Accepted");
        assert_eq!(told(&answer(2, "€ 4,318.20\n")), "Same answer");
        assert_eq!(told(&answer(2, "€ 4,406.20")), "Changed");
        let mut failed = answer(2, "");
        failed.fault = Some(Fault::new(ErrorCode::Unreachable, "It broke off"));
        assert_eq!(told(&failed), "No answer");
        assert_eq!(verdict(None, &accepted).1, "Not compared");
    }

    #[test]
    fn nothing_is_marked_beside_an_answer_that_is_missing() {
        let (accepted, other) = (answer(1, "€ 4,318.20"), answer(2, "€ 4,406.20"));
        let marked = |comparison: Comparison| comparison.accepted.iter().any(|piece| piece.own);
        assert!(marked(comparison(Some(&accepted), Some(&other))));
        let mut failed = other;
        failed.fault = Some(Fault::new(ErrorCode::Unreachable, "It broke off"));
        assert!(!marked(comparison(Some(&accepted), Some(&failed))));
        assert!(!marked(comparison(Some(&accepted), None)));
        assert_eq!(comparison(None, None), Comparison::default());
    }

    #[test]
    fn only_a_changed_answer_can_be_accepted() {
        let mut changed = pin("changed");
        assert!(!can_accept(&changed), "there is none");
        changed.latest = Some(answer(2, "b"));
        assert!(can_accept(&changed));
        let mut passed = pin("pass");
        passed.latest = Some(answer(2, "a"));
        assert!(!can_accept(&passed));
    }
}
