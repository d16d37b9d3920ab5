mod line;

use leptos::prelude::*;
use nasiko_contract::{AgentName, Fault, FollowAgentLogs};

use crate::{
    desk::{Desk, Followed, follow},
    kit::{Button, Empty, ErrorCard, VirtualList},
    model::{
        format,
        logs::{LogFilter, LogView},
    },
    pages::logs::line::{Line, Wrapped},
};

/// Lines of the past that are read.
const TAIL: u32 = 2_000;
/// A line's height in pixels; the styles say the same.
const ROW: f64 = 20.0;

/// An agent's log as it is written.
#[component]
pub(crate) fn LogsTab(agent: AgentName) -> impl IntoView {
    let desk = Desk::get();
    let log = RwSignal::new(LogView::default());
    let fault = RwSignal::new(None::<Fault>);
    let filter = RwSignal::new(LogFilter::default());
    let wrap = RwSignal::new(false);
    let held = RwSignal::new(false);
    let wanted = FollowAgentLogs {
        agent: agent.clone(),
        tail: Some(TAIL),
        follow: true,
    };
    follow(desk, wanted, move |learnt| match learnt {
        // Opened again it tells the past again: what is shown is replaced by it.
        Followed::Opened => log.set(LogView::default()),
        Followed::Items(lines) => log.update(|log| log.push(lines)),
        Followed::Ended(why) => fault.set(why),
    });
    let hold = move |still: bool| {
        held.set(still);
        log.update(|log| log.hold(still));
    };
    // Made once for each change, whoever looks; lines are never compared.
    let rows = Memo::new_with_compare(
        move |_| log.with(|log| filter.with(|filter| log.shown(filter))),
        |_, _| true,
    );
    let is_empty = Memo::new(move |_| rows.with(Vec::is_empty));
    let told = move || {
        let (waiting, dropped) = log.with(|log| (log.waiting(), log.dropped()));
        match (waiting, dropped) {
            (0, 0) => format::counted(rows.with(Vec::len) as u64, "line"),
            (0, dropped) => format!("{} older lines fell out", format::count(dropped)),
            (waiting, _) => format!("{} arrived meanwhile", format::counted(waiting, "line")),
        }
    };
    let lines = move || match (is_empty.get(), wrap.get()) {
        (true, _) => view! { <Nothing filter=filter /> }.into_any(),
        (false, false) => view! {
            <VirtualList
                rows=rows
                row_height=ROW
                draw=|row| view! { <Line row=row /> }
                stick=Signal::derive(move || !held.get())
                label=format!("Log of {agent}")
                class="log"
            />
        }
        .into_any(),
        (false, true) => view! { <Wrapped rows=rows.into() /> }.into_any(),
    };
    view! {
        <div class="log-page">
            <section class="panel list" aria-label="Log">
                <header class="panel-head filter">
                    <input
                        type="search"
                        aria-label="Filter lines by words"
                        placeholder="Filter"
                        on:input:target=move |event| {
                            let words = event.target().value();
                            filter.update(|filter| filter.text = words);
                        }
                    />
                    <Check word="Errors only" set=move |on| filter.update(|filter| filter.errors_only = on) />
                    <Check word="Wrap" set=move |on| wrap.set(on) />
                    <span class="grow"></span>
                    <span class="dim figure" role="status">
                        {told}
                    </span>
                    <Button press=move |()| hold(!held.get_untracked())>
                        {move || if held.get() { "Follow" } else { "Pause" }}
                    </Button>
                </header>
                {move || fault.get().map(|fault| view! { <ErrorCard fault=fault /> })}
                {lines}
            </section>
        </div>
    }
}

#[component]
fn Check(word: &'static str, #[prop(into)] set: Callback<bool>) -> impl IntoView {
    view! {
        <label class="check">
            <input type="checkbox" on:change:target=move |event| set.run(event.target().checked()) />
            {word}
        </label>
    }
}

#[component]
fn Nothing(filter: RwSignal<LogFilter>) -> impl IntoView {
    move || {
        let title = if filter.with(|filter| *filter == LogFilter::default()) {
            "It has written nothing yet"
        } else {
            "No line is like that"
        };
        view! { <Empty title=title /> }
    }
}
