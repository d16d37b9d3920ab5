use leptos::prelude::*;
use nasiko_contract::Fault;

use crate::{
    kit::{CopyButton, Sentence},
    words::kit as words,
};

/// A failure: what, where, its code, the evidence, and what to do. Its first button is the way out.
#[component]
pub(crate) fn ErrorCard(
    /// What failed, if the fault's own sentence needs it said.
    #[prop(into, optional)]
    title: Option<String>,
    /// Why.
    fault: Fault,
    /// Buttons.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let code = fault.code.as_str();
    let report = report(title.as_deref(), &fault);
    let evidence = (!fault.evidence.is_empty()).then(|| {
        view! {
            <pre class="evidence" tabindex="0" aria-label=words::EVIDENCE>
                {fault.evidence.join("\n")}
            </pre>
        }
    });
    let message_class = if title.is_some() { "" } else { "error-title" };
    view! {
        <section class="error-card" role="alert">
            {title.map(|title| view! { <p class="error-title">{title}</p> })}
            <p class=message_class>
                <Sentence text=fault.message />
                " "
                <code class="dim">{code}</code>
            </p>
            {evidence}
            {fault.hint.map(|hint| view! { <p class="hint"><Sentence text=hint /></p> })}
            <div class="actions">
                {children.map(|children| children())}
                <CopyButton text=report what=words::REPORT words=words::COPY_REPORT />
            </div>
        </section>
    }
}

fn report(title: Option<&str>, fault: &Fault) -> String {
    let mut lines: Vec<&str> = Vec::new();
    lines.extend(title);
    lines.push(&fault.message);
    lines.push(fault.code.as_str());
    lines.extend(fault.hint.as_deref());
    lines.extend(fault.evidence.iter().map(String::as_str));
    lines.join("\n")
}
