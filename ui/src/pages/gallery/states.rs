use leptos::prelude::*;
use nasiko_contract::Job;

use super::Specimen;
use crate::{
    browser,
    kit::{Age, Clock, Empty, JobStrip, Progress, Running, StateBadge, Waiting},
    model::tone::Tone,
};

const JOB: &str = r#"{"id":"gallery","kind":"deploy","agent":"contract-checker","state":"running","progress":0.62,
    "step":"Step 4/6: RUN pip install -r requirements.txt","attempt":1,"created":0}"#;

#[component]
pub(super) fn Badges() -> impl IntoView {
    let tones = [
        (Tone::Ok, "Running"),
        (Tone::Busy, "Setting up"),
        (Tone::Bad, "Failed"),
        (Tone::Idle, "Stopped"),
        (Tone::Differs, "Changed"),
    ];
    let badges = tones.map(|(tone, word)| {
        view! { <StateBadge tone=Signal::stored(tone) word=Signal::stored(word.to_owned()) /> }
    });
    let tags = [
        ("", "Docker"),
        ("ok", "live in 84 ms"),
        ("busy", "6.1 s"),
        ("bad", "not applied"),
    ];
    let tags = tags.map(|(class, word)| view! { <span class=format!("tag {class}")>{word}</span> });
    view! {
        <Specimen name="State">{badges.collect_view()}</Specimen>
        <Specimen name="Tag">{tags.collect_view()}</Specimen>
        <Specimen name="Notice"><div class="notice said">"Copied the address"</div></Specimen>
    }
}

#[component]
pub(super) fn Progresses() -> impl IntoView {
    let now = browser::now();
    let steps = [("Begun", 0.0), ("Under way", 0.45), ("Done", 1.0)];
    let bars =
        steps.map(|(label, value)| view! { <Progress value=Signal::stored(value) label=label /> });
    let job = Signal::stored(serde_json::from_str::<Job>(JOB).ok());
    view! {
        <Specimen name="Progress">{bars.collect_view()}</Specimen>
        <Specimen name="Job" wide=true><JobStrip job=job /></Specimen>
        <Specimen name="Age"><Age at=Signal::stored(now - 12_000) /> <Age at=Signal::stored(now - 7_200_000) /></Specimen>
        <Specimen name="Clock"><Clock at=now /> <Clock at=now exact=true /></Specimen>
        <Specimen name="Running"><Running since=now /></Specimen>
    }
}

#[component]
pub(super) fn Absences() -> impl IntoView {
    view! {
        <Specimen name="Empty"><Empty title="There is no trace yet">"Each call through the gateway leaves one."</Empty></Specimen>
        <Specimen name="Waiting"><Waiting what="agents" /></Specimen>
    }
}
