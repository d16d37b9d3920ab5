use super::*;

fn answer(text: &str, failed: bool) -> PinAnswer {
    PinAnswer {
        at: 0,
        update: None,
        content_hash: String::new(),
        text: text.to_owned(),
        trace: None,
        duration_ms: 0,
        fault: failed.then(|| Fault::new(ErrorCode::AgentUnreachable, "gone")),
    }
}

#[test]
fn a_pin_passes_while_its_answer_is_the_accepted_one() {
    let check = |accepted: Option<&str>, latest: Option<PinAnswer>, state: PinState| {
        let pin = Pin {
            id: PinId::default(),
            agent: AgentName::default(),
            text: String::new(),
            created: 0,
            state: PinState::Asking,
            accepted: accepted.map(|text| answer(text, false)),
            latest,
        };
        assert_eq!(standing(&pin), state, "{pin:?}");
    };
    check(None, None, PinState::Waiting);
    check(Some("4"), None, PinState::Waiting);
    check(Some("4"), Some(answer("4", false)), PinState::Pass);
    check(Some("4"), Some(answer(" 4\n", false)), PinState::Pass);
    check(Some("4"), Some(answer("5", false)), PinState::Changed);
    check(Some("4"), Some(answer("4", true)), PinState::Failed);
    check(None, Some(answer("", true)), PinState::Failed);
}
