mod line;

use leptos::prelude::*;
use nasiko_contract::Fault;

use crate::{
    browser,
    desk::Desk,
    kit::{
        Button, CopyButton, Empty, ErrorCard, Look, VirtualList,
        log_viewer::line::{Line, Wrapped},
    },
    model::logs::{LogFilter, LogView, Row, copied},
    words::{common, kit::log as words},
};

/// A line's height in pixels; the styles say the same.
const ROW: f64 = 20.0;
/// What a saved log is called.
const FILE: &str = "nasiko.log";

/// A log as it is written: followed until one scrolls back, filtered, wrapped, copied.
#[component]
pub(crate) fn LogViewer(
    log: RwSignal<LogView>,
    /// Why nothing more comes.
    fault: RwSignal<Option<Fault>>,
    /// What it is to a screen reader.
    #[prop(into)]
    label: String,
    /// The class of a line's colour by whose it is, in a log of several.
    #[prop(optional)]
    series: Option<Callback<String, &'static str>>,
    /// What is wanted of it, where something else decides that too.
    #[prop(optional)]
    filter: Option<RwSignal<LogFilter>>,
    /// What chooses the log.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let level_elsewhere = filter.is_some();
    let filter = filter.unwrap_or_default();
    let wrap = RwSignal::new(false);
    let held = Memo::new(move |_| log.with(LogView::is_held));
    let hold = move |still: bool| {
        if held.get_untracked() != still {
            log.update(|log| log.hold(still));
        }
    };
    // Made once for each change, whoever looks; lines are never compared.
    let rows = Memo::new_with_compare(
        move |_| log.with(|log| filter.with(|filter| log.shown(filter))),
        |_, _| true,
    );
    let is_empty = Memo::new(move |_| rows.with(Vec::is_empty));
    let told = move || {
        let shown = rows.with(Vec::len) as u64;
        let (waiting, dropped) = log.with(|log| (log.waiting(), log.dropped()));
        match (held.get(), waiting, dropped) {
            (true, waiting, _) => words::arrived(waiting),
            (false, _, 0) => words::lines(shown),
            (false, _, dropped) => words::fell_out(dropped),
        }
    };
    // Who scrolled back goes on by scrolling to the end; who paused at the end is not there to go on.
    let scrolled_back = StoredValue::new(false);
    let ended = Callback::new(move |at_end: bool| match (at_end, held.get_untracked()) {
        (false, false) => {
            scrolled_back.set_value(true);
            hold(true);
        }
        (true, true) if scrolled_back.get_value() => hold(false),
        _ => {}
    });
    // Going on means to be at the end.
    let reveal = RwSignal::new(None::<usize>);
    let toggle = move |()| {
        let still = !held.get_untracked();
        scrolled_back.set_value(false);
        hold(still);
        reveal.set(if still {
            None
        } else {
            rows.with_untracked(Vec::len).checked_sub(1)
        });
    };
    let words = Memo::new(move |_| filter.with(|filter| filter.text.trim().to_owned()));
    let draw = Callback::new(move |row: Row| {
        let from = row.line.from.clone().map(|from| {
            let class = series.map_or("", |series| series.run(from.clone()));
            (from, class)
        });
        view! { <Line row=row from=from words=words.get() /> }.into_any()
    });
    let list_label = StoredValue::new(label.clone());
    let lines = move || match (is_empty.get(), wrap.get()) {
        (true, _) => view! { <Nothing filter=filter /> }.into_any(),
        (false, false) => view! {
            <VirtualList
                rows=rows
                row_height=ROW
                draw=move |row| draw.run(row)
                stick=Signal::derive(move || !held.get())
                ended=ended
                reveal=reveal
                label=list_label.get_value()
                class="log"
            />
        }
        .into_any(),
        (false, true) => view! { <Wrapped rows=rows.into() draw=draw ended=ended /> }.into_any(),
    };
    let text = Signal::derive(move || rows.with(|rows| copied(rows)));
    let desk = Desk::get();
    let save = move |text: &str| {
        if browser::save(FILE, text) {
            desk.say(words::saved(FILE));
        }
    };
    view! {
        <section class="panel list" aria-label=label>
            <header class="panel-head filter">
                {children.map(|children| children())}
                <input
                    type="search"
                    aria-label=words::FILTER_LABEL
                    placeholder=common::FILTER
                    on:input:target=move |event| {
                        let words = event.target().value();
                        filter.update(|filter| filter.text = words);
                    }
                />
                <Show when=move || !level_elsewhere>
                    <Check word=words::ERRORS_ONLY set=move |on| filter.update(|filter| filter.errors_only = on) />
                </Show>
                <Check word=words::WRAP set=move |on| wrap.set(on) />
                <span class="grow"></span>
                <span class="dim figure" role="status">
                    {told}
                </span>
                <CopyButton text=text what=words::LINES />
                <Button look=Look::Flat id="log-save" action="logs.save" press=move |()| save(&text.get_untracked())>
                    {words::SAVE}
                </Button>
                <Button id="log-pause" action="logs.pause" press=toggle>{move || if held.get() { words::FOLLOW } else { words::PAUSE }}</Button>
            </header>
            {move || fault.get().map(|fault| view! { <ErrorCard fault=fault /> })}
            {lines}
        </section>
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
            words::NOTHING_YET
        } else {
            words::NO_SUCH_LINE
        };
        view! { <Empty title=title /> }
    }
}
