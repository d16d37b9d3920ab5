use leptos::prelude::*;
use nasiko_contract::Finding;

use crate::{kit::Sentence, model::tone};

/// Something that inspection noticed.
#[component]
pub(crate) fn FindingRow(finding: Finding) -> impl IntoView {
    let (tone, word) = tone::severity(finding.severity);
    let place = finding.file.map(|file| match finding.line {
        Some(line) => format!("{file}:{line}"),
        None => file,
    });
    view! {
        <li class="finding">
            <span><span class=format!("tag {}", tone.class())>{word}</span></span>
            <div>
                <Sentence text=finding.message />
                " "
                <code class="dim">{finding.code}</code>
                {place.map(|place| view! { " " <code>{place}</code> })}
                {finding.hint.map(|hint| view! { <p class="dim"><Sentence text=hint /></p> })}
            </div>
        </li>
    }
}
