use leptos::{prelude::*, task::spawn_local};
use leptos_router::components::A;
use nasiko_contract::{AgentName, ListTraces, SpanStatus, TailTraces, TraceId, TraceSummary};

use crate::{
    desk::{Desk, Followed, follow},
    kit::{Clock, Empty, Waiting},
    model::{
        format,
        traces::{TraceFilter, TraceList},
    },
};

/// Rows read at first; newer ones come by the tail.
const ROWS_READ: u32 = 200;

/// The traces of an agent, or of all; new ones, and new spans of old ones, arrive by themselves.
pub(crate) fn use_trace_list(agent: Signal<Option<AgentName>>) -> RwSignal<TraceList> {
    let desk = Desk::get();
    let list = RwSignal::new(TraceList::default());
    Effect::new(move || {
        let agent = agent.get();
        list.set(TraceList::default());
        let wanted = ListTraces {
            agent: agent.clone(),
            limit: Some(ROWS_READ),
            ..ListTraces::default()
        };
        follow(desk, TailTraces { agent }, move |learnt| match learnt {
            // What came before, or while the stream was broken: read once the stream stands, so that nothing is missed.
            Followed::Opened => read(desk, wanted.clone(), list),
            Followed::Items(rows) => list.update(|list| list.put(rows)),
            Followed::Ended(Some(fault)) => desk.report(fault),
            Followed::Ended(None) => {}
        });
    });
    list
}

fn read(desk: Desk, wanted: ListTraces, list: RwSignal<TraceList>) {
    spawn_local(async move {
        match desk.client().call(wanted).await {
            Ok(page) => {
                let _gone = list.try_update(|list| {
                    list.loaded = true;
                    list.put(page.items);
                });
            }
            Err(fault) => desk.report(fault),
        }
    });
}

/// The list, newest first; a row leads to its trace.
#[component]
pub(crate) fn TraceTable(
    list: RwSignal<TraceList>,
    filter: Signal<TraceFilter>,
    /// The chosen trace.
    chosen: Memo<Option<TraceId>>,
    /// Where the rows lead, without the trace's id.
    base: String,
    /// Whose trace a row is need not be said.
    one_agent: bool,
) -> impl IntoView {
    let rows = Memo::new(move |_| list.with(|list| filter.with(|filter| list.shown(filter))));
    let loaded = Memo::new(move |_| list.with(|list| list.loaded));
    let none_at_all = Memo::new(move |_| list.with(TraceList::is_empty));
    let base = StoredValue::new(base);
    let table = move || {
        view! {
            <table class="rows traces">
                <thead>
                    <tr>
                        <th scope="col">"Time"</th>
                        <th scope="col" class="rest">{if one_agent { "Call" } else { "Agent and call" }}</th>
                        <th scope="col" class="figure">"Took"</th>
                        <th scope="col" class="figure">"Spans"</th>
                        <th scope="col" class="figure wide">"Tokens"</th>
                    </tr>
                </thead>
                <tbody>
                    <For
                        each=move || rows.get()
                        key=|row| (row.trace_id.clone(), row.spans, row.duration_ns)
                        children=move |row| {
                            view! { <TraceRow row=row chosen=chosen base=base.get_value() one_agent=one_agent /> }
                        }
                    />
                </tbody>
            </table>
        }
    };
    move || {
        match (rows.with(Vec::is_empty), loaded.get(), none_at_all.get()) {
        (false, ..) => table().into_any(),
        (true, false, _) => view! { <Waiting what="traces" /> }.into_any(),
        (true, true, true) => view! {
            <Empty title="There is no trace yet">"Each call through the gateway leaves one: ask an agent something."</Empty>
        }
        .into_any(),
        (true, true, false) => view! { <Empty title="No trace is like that">"Take something out of the filter."</Empty> }.into_any(),
    }
    }
}

#[component]
fn TraceRow(
    row: TraceSummary,
    chosen: Memo<Option<TraceId>>,
    base: String,
    one_agent: bool,
) -> impl IntoView {
    let id = row.trace_id.clone();
    let is_chosen = Memo::new(move |_| chosen.with(|chosen| chosen.as_ref() == Some(&id)));
    let failed = row.status == SpanStatus::Error;
    let at = i64::try_from(row.start_ns / 1_000_000).unwrap_or(i64::MAX);
    let agent = (!one_agent).then(|| view! { <strong>{row.agent.to_string()}</strong> " " });
    view! {
        <tr class:chosen=is_chosen>
            <td class="dim">
                <Clock at=at />
            </td>
            <th scope="row" class="rest">
                <A href=format!("{base}/{}", row.trace_id)>
                    {failed.then(|| view! { <span class="tag bad">"failed"</span> " " })}
                    {agent}
                    <span class="call">{row.name}</span>
                </A>
            </th>
            <td class="figure">{format::duration_ns(row.duration_ns)}</td>
            <td class="figure dim">{format::count(row.spans)}</td>
            <td class="figure wide dim">{row.tokens.map_or("–".to_owned(), format::count)}</td>
        </tr>
    }
}
