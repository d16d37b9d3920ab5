use leptos::prelude::*;
use nasiko_contract::{Check, CheckFix};

use crate::{
    kit::{Button, CopyButton, ErrorCard, Sentence, StateBadge},
    model::doctor::{self, Fixing},
    pages::doctor::view::DoctorView,
    words::{doctor as words, kit},
};

/// A check that needs somebody, or was just mended: cause, evidence, what to do, and the button that does it.
#[component]
pub(super) fn CheckRow(page: DoctorView, check: Check) -> impl IntoView {
    let (tone, word) = doctor::state(check.state);
    let fixing = {
        let check = check.clone();
        Memo::new(move |_| {
            page.examined
                .with(|examined| examined.fixing(&check).cloned())
        })
    };
    let agent = check.agent.clone().map(|agent| {
        let href = format!("/agents/{agent}");
        view! { <a class="link" href=href>{agent.to_string()}</a> }
    });
    let evidence = (!check.evidence.is_empty()).then(|| {
        view! {
            <pre class="evidence" tabindex="0" aria-label=kit::EVIDENCE>
                {check.evidence.join("\n")}
            </pre>
        }
    });
    let hint = check
        .hint
        .clone()
        .map(|hint| view! { <p class="hint"><Sentence text=hint /></p> });
    let command = check.command.clone().map(|command| {
        view! {
            <div class="command">
                <code>{command.clone()}</code>
                <CopyButton text=command what=words::COMMAND />
            </div>
        }
    });
    let button = check
        .fix
        .clone()
        .map(|fix| view! { <FixButton page=page check=check.clone() fix=fix fixing=fixing /> });
    let (name, title) = (check.check.clone(), check.title.clone());
    view! {
        <section class="examined" data-check=name aria-label=title>
            <StateBadge tone=tone word=word />
            <div class="examined-body">
                <h3>{check.title} " " {agent} " " <code class="dim">{check.check}</code></h3>
                <p><Sentence text=check.cause /></p>
                {evidence}
                {hint}
                {command}
                {button}
                <Outcome fixing=fixing />
            </div>
        </section>
    }
}

#[component]
fn FixButton(
    page: DoctorView,
    check: Check,
    fix: CheckFix,
    fixing: Memo<Option<Fixing>>,
) -> impl IntoView {
    let busy = Signal::derive(move || fixing.with(|fixing| *fixing == Some(Fixing::Busy)));
    let label = format!("{}: {}", fix.label, check.title);
    view! {
        <div class="fix">
            <Button disabled=busy label=label press=move |()| page.fix(&check)>
                {fix.label}
            </Button>
            <span class="dim">{fix.what}</span>
        </div>
    }
}

/// What a fix did, or why it did not.
#[component]
fn Outcome(fixing: Memo<Option<Fixing>>) -> impl IntoView {
    view! {
        <div role="status">
            {move || match fixing.get() {
                None => ().into_any(),
                Some(Fixing::Busy) => view! {
                    <p class="state"><i class="shape busy" aria-hidden="true"></i>{words::FIXING}</p>
                }
                .into_any(),
                Some(Fixing::Done(did)) => view! {
                    <p class="state did"><i class="shape ok" aria-hidden="true"></i>{did}</p>
                }
                .into_any(),
                Some(Fixing::Failed(fault)) => view! { <ErrorCard fault=fault /> }.into_any(),
            }}
        </div>
    }
}

/// A check that is well, or could not be looked at.
#[component]
pub(super) fn QuietRow(check: Check) -> impl IntoView {
    let (tone, word) = doctor::state(check.state);
    view! {
        <li class="quiet-row" data-check=check.check>
            <StateBadge tone=tone word=word />
            <span>{check.title}</span>
            <span class="dim"><Sentence text=check.cause /></span>
        </li>
    }
}
