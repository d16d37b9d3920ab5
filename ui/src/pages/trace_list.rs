use std::sync::Arc;

use leptos::{prelude::*, task::spawn_local};
use nasiko_contract::{ListTraces, SpanStatus, TailTraces, TraceId, TraceSummary};

use crate::{
    desk::{Desk, Followed, follow},
    kit::{Clock, Empty, LongTable, Waiting},
    model::{
        format,
        traces::{TraceFilter, TraceList},
    },
    words::{
        common,
        traces::{self as words, column},
    },
};

/// A row's height in pixels, as the styles have it.
const ROW: f64 = 34.0;

/// The traces that are wanted; new ones, and new spans of old ones, arrive by themselves.
pub(crate) fn use_trace_list(filter: Signal<TraceFilter>) -> RwSignal<TraceList> {
    let desk = Desk::get();
    let list = RwSignal::new(TraceList::default());
    Effect::new(move || {
        let filter = filter.get();
        let agent = filter.agent.clone();
        list.set(TraceList::of(filter));
        follow(desk, TailTraces { agent }, move |learnt| match learnt {
            // What came before, or while the stream was broken: read once the stream stands, so that nothing is missed.
            Followed::Opened => read(desk, list.with_untracked(TraceList::newest_page), list),
            Followed::Items(rows) => list.update(|list| list.hear(rows)),
            Followed::Ended(Some(fault)) => desk.report(fault),
            Followed::Ended(None) => {}
        });
    });
    list
}

fn read(desk: Desk, wanted: ListTraces, list: RwSignal<TraceList>) {
    let filter = list.with_untracked(|list| list.filter().clone());
    spawn_local(async move {
        let answer = desk.client().call(wanted.clone()).await;
        // Gone, or a list of something else by now.
        let is_wanted = list.try_with_untracked(|list| *list.filter() == filter);
        if is_wanted != Some(true) {
            return;
        }
        match answer {
            Ok(page) => list.update(|list| list.put_page(page, &wanted)),
            Err(fault) => {
                list.update(TraceList::give_up);
                desk.report(fault);
            }
        }
    });
}

/// The list, newest first; a row leads to its trace. Older pages are read as one scrolls.
#[component]
pub(crate) fn TraceTable(
    list: RwSignal<TraceList>,
    /// The chosen trace.
    chosen: Memo<Option<TraceId>>,
    /// Where the rows lead, without the trace's id.
    base: String,
    /// Whose trace a row is need not be said.
    one_agent: bool,
) -> impl IntoView {
    let desk = Desk::get();
    let rows = Signal::derive(move || list.with(TraceList::shown));
    let is_empty = Memo::new(move |_| list.with(|list| list.newest().is_none()));
    let loaded = Memo::new(move |_| list.with(|list| list.loaded));
    let all_wanted = Memo::new(move |_| {
        list.with(|list| *list.filter() == TraceFilter::of(list.filter().agent.clone()))
    });
    let base = StoredValue::new(base);
    let read_older = move |()| {
        // Nothing is drawn anew for a question.
        if let Some(wanted) = list
            .try_update_untracked(TraceList::begin_reading)
            .flatten()
        {
            read(desk, wanted, list);
        }
    };
    let draw = move |row| {
        view! { <TraceRow row=row chosen=chosen base=base.get_value() one_agent=one_agent /> }
    };
    let table = move || {
        view! {
            <LongTable
                rows=rows
                key=key
                draw=draw
                row_height=ROW
                label=words::TITLE
                class="traces"
                near_end=Callback::new(read_older)
            >
                <th scope="col" class="c-time">{column::TIME}</th>
                <th scope="col">{if one_agent { column::CALL } else { column::AGENT_AND_CALL }}</th>
                <th scope="col" class="c-figure figure">{common::TOOK}</th>
                <th scope="col" class="c-figure figure">{column::SPANS}</th>
                <th scope="col" class="c-figure figure wide">{column::TOKENS}</th>
            </LongTable>
        }
    };
    move || {
        // Rows that came by themselves stay when the page that was asked for comes too.
        if !is_empty.get() {
            return table().into_any();
        }
        match (loaded.get(), all_wanted.get()) {
            (false, _) => view! { <Waiting what=words::READING /> }.into_any(),
            (true, true) => {
                view! { <Empty title=words::NONE>{words::NONE_TEXT}</Empty> }.into_any()
            }
            (true, false) => {
                view! { <Empty title=words::NONE_LIKE_THAT>{words::NONE_LIKE_THAT_TEXT}</Empty> }
                    .into_any()
            }
        }
    }
}

/// A row is drawn anew when it says something else.
fn key(row: &Arc<TraceSummary>) -> (TraceId, u64, u64) {
    (row.trace_id.clone(), row.spans, row.duration_ns)
}

#[component]
fn TraceRow(
    row: Arc<TraceSummary>,
    chosen: Memo<Option<TraceId>>,
    base: String,
    one_agent: bool,
) -> impl IntoView {
    let id = row.trace_id.clone();
    let is_chosen = Memo::new(move |_| chosen.with(|chosen| chosen.as_ref() == Some(&id)));
    let failed = row.status == SpanStatus::Error;
    let at = i64::try_from(row.start_ns / 1_000_000).unwrap_or(i64::MAX);
    let agent = (!one_agent).then(|| view! { <strong>{row.agent.to_string()}</strong> " " });
    let (call, href) = (row.name.clone(), format!("{base}/{}", row.trace_id));
    view! {
        <tr class:chosen=is_chosen>
            <td class="dim">
                <Clock at=at />
            </td>
            <th scope="row">
                <a href=href aria-current=move || is_chosen.get().then_some("true")>
                    {failed.then(|| view! { <span class="tag bad">{words::FAILED}</span> " " })}
                    {agent}
                    <span class="call">{call}</span>
                </a>
            </th>
            <td class="figure">{format::duration_ns(row.duration_ns)}</td>
            <td class="figure dim">{format::count(row.spans)}</td>
            <td class="figure wide dim">{row.tokens.map_or("–".to_owned(), format::count)}</td>
        </tr>
    }
}
