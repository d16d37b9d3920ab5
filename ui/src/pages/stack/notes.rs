use leptos::prelude::*;
use nasiko_contract::{Fault, JobKind, StackDown, StackUp};

use crate::{
    kit::{Button, ErrorCard, Look, Sentence},
    model::stack,
    pages::stack::view::StackView,
    words::{
        common,
        stack::{self as page_words, notes as words},
    },
};

/// What is wrong: no engine, files that cannot be read, a job that failed, containers that nobody declares any more.
#[component]
pub(super) fn Notes(page: StackView) -> impl IntoView {
    let fault = Memo::new(move |_| page.stack.with(|stack| stack.as_ref()?.fault.clone()));
    let waiting = Memo::new(move |_| {
        page.stack
            .with(|stack| stack.as_ref().is_some_and(|stack| stack.waiting))
    });
    let orphans = Memo::new(move |_| {
        page.stack
            .with(|stack| stack.as_ref().map(|stack| stack.orphans.clone()))
            .unwrap_or_default()
    });
    let busy = Signal::derive(move || page.job.with(Option::is_some));
    let undeclared = move || {
        let services = orphans.with(|orphans| orphans.join(", "));
        view! { <Sentence text=words::undeclared(&services) /> }
    };
    let orphan_note = move || {
        view! {
            <div class="panel note">
                <p class="clip">{undeclared}</p>
                <span class="grow"></span>
                <Button
                    disabled=busy
                    press=move |()| {
                        page.desk.start(StackUp { remove_orphans: true, ..StackUp::default() });
                    }
                >
                    {words::REMOVE_ORPHANS}
                </Button>
            </div>
        }
    };
    view! {
        {move || fault.get().map(|fault| view! { <Broken page=page fault=fault /> })}
        <Show when=move || waiting.get()>
            <p class="panel note">
                <i class="shape busy" aria-hidden="true"></i>
                {words::WAITS_FOR_ENGINE}
            </p>
        </Show>
        <Failed page=page />
        <Show when=move || orphans.with(|orphans| !orphans.is_empty())>{orphan_note}</Show>
    }
}

/// Why the stack cannot be read or looked at.
#[component]
fn Broken(page: StackView, fault: Fault) -> impl IntoView {
    let away = page.away.get_untracked();
    let title = if away {
        words::NO_ENGINE
    } else {
        words::UNREADABLE
    };
    let looking = RwSignal::new(false);
    let look = move |()| {
        looking.set(true);
        page.read_and(move || {
            let _gone = looking.try_set(false);
        });
    };
    view! {
        <ErrorCard title=title fault=fault>
            <Button id="look-again" look=Look::Primary disabled=looking press=look>
                {words::LOOK_AGAIN}
            </Button>
            {away.then(|| view! { <a class="button" href="/doctor">{common::ASK_DOCTOR}</a> })}
        </ErrorCard>
    }
}

/// Why the last job failed, for as long as not everything is well.
#[component]
fn Failed(page: StackView) -> impl IntoView {
    let card = move || {
        let job = page.failed.get()?;
        let (title, fault) = stack::failure(&job)?;
        let again = move |()| match job.kind {
            JobKind::StackDown => page.desk.start(StackDown::default()),
            _ => page.desk.start(StackUp::default()),
        };
        let retry = match job.kind {
            JobKind::StackDown => page_words::TAKE_DOWN_AGAIN,
            _ => page_words::BRING_UP_AGAIN,
        };
        Some(view! {
            <ErrorCard title=title fault=fault>
                <Button look=Look::Primary press=again>
                    {retry}
                </Button>
                <a class="button" href="/stack/logs">
                    {words::OPEN_LOGS}
                </a>
            </ErrorCard>
        })
    };
    let well = Memo::new(move |_| {
        page.stack.with(|stack| {
            let services = stack.iter().flat_map(|stack| &stack.services);
            let (well, there) = stack::counts(services);
            there > 0 && well == there
        })
    });
    move || (!well.get()).then(card)
}

/// What the stack is for, while nothing of it is there.
#[component]
pub(super) fn Introduction(page: StackView) -> impl IntoView {
    let off = Memo::new(move |_| {
        page.job.with(Option::is_none)
            && page.stack.with(|stack| {
                stack
                    .as_ref()
                    .is_some_and(|stack| !stack.on && !stack::is_there(stack))
            })
    });
    view! {
        <Show when=move || off.get()>
            <section class="panel introduction-note">
                <h2>{page_words::NOTHING_ON}</h2>
                <p class="dim">{page_words::WHAT_IT_IS}</p>
            </section>
        </Show>
    }
}
