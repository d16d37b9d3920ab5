use leptos::prelude::*;
use nasiko_contract::{LogLine, SpanId, Trace};

use super::Specimen;
use crate::{
    browser,
    kit::{Figure, LogViewer, StateBadge, VirtualList, WaterfallView},
    model::{logs::LogView, palette::made_up_names, tone::Tone},
};

const TRACE: &str = r#"{"traceId":"7f3a","spans":[
    {"spanId":"a","name":"gateway POST /invoice-reader","service":"gateway","kind":"server","startNs":0,"durationNs":1180000000,"status":"ok"},
    {"spanId":"b","parentId":"a","name":"chat gpt-4o-mini","service":"agent","kind":"client","startNs":90000000,"durationNs":541000000,"status":"ok","depth":1},
    {"spanId":"c","parentId":"a","name":"tool find_invoice","service":"agent","kind":"internal","startNs":640000000,"durationNs":142000000,"status":"error","depth":1}]}"#;
const LINES: &str = r#"[{"at":1000,"stream":"stdout","text":"INFO: started"},
    {"at":1840,"stream":"stderr","text":"WARNING: rate table is old"},
    {"at":2210,"stream":"system","text":"restarted after 84 ms"}]"#;

#[component]
pub(super) fn Figures() -> impl IntoView {
    let course = Signal::stored(
        (0..40)
            .map(|at| f64::from(at * 7 % 13))
            .collect::<Vec<f64>>(),
    );
    let value = |text: &str| Signal::stored(text.to_owned());
    view! {
        <Specimen name="Figure" wide=true>
            <dl class="figures">
                <Figure label="Requests" value=value("184 /min") course=course />
                <Figure label="Latency p95" value=value("412 ms") course=course />
                <Figure label="Nothing yet" value=value("–") />
            </dl>
        </Specimen>
    }
}

#[component]
pub(super) fn Tables() -> impl IntoView {
    let rows = [
        ("invoice-reader", Tone::Ok, "Running"),
        ("github-helper", Tone::Bad, "Failed"),
    ];
    let row = |(name, tone, word): (&'static str, Tone, &'static str)| {
        view! {
            <tr>
                <th scope="row">{name}</th>
                <td><StateBadge tone=Signal::stored(tone) word=Signal::stored(word.to_owned()) /></td>
                <td class="figure">"1,204"</td>
            </tr>
        }
    };
    let names = Signal::stored(made_up_names(10_000).collect::<Vec<String>>());
    view! {
        <Specimen name="Table" wide=true>
            <table class="rows">
                <thead>
                    <tr>
                        <th scope="col">"Name"</th>
                        <th scope="col">"State"</th>
                        <th scope="col" class="figure">"Requests"</th>
                    </tr>
                </thead>
                <tbody>{rows.map(row).collect_view()}</tbody>
            </table>
        </Specimen>
        <Specimen name="Long list" wide=true>
            <div class="specimen-list">
                <VirtualList
                    rows=names
                    row_height=28.0
                    draw=|name: String| view! { <div class="specimen-row">{name}</div> }
                    label="Ten thousand names"
                />
            </div>
        </Specimen>
        <Specimen name="Facts" wide=true>
            <dl class="facts">
                <div><dt>"Runs as"</dt><dd>"Docker"</dd></div>
                <div><dt>"Source"</dt><dd>"/home/ada/agents/invoice-reader"</dd></div>
            </dl>
        </Specimen>
    }
}

#[component]
pub(super) fn Courses() -> impl IntoView {
    let chosen = RwSignal::new(None::<SpanId>);
    let trace = serde_json::from_str::<Trace>(TRACE).ok();
    let log = RwSignal::new(LogView::default());
    let lines: Vec<LogLine> = serde_json::from_str(LINES).unwrap_or_default();
    let now = browser::now();
    log.update(|log| {
        log.push(lines.into_iter().map(move |line| LogLine {
            at: now + line.at,
            ..line
        }));
    });
    let waterfall =
        trace.map(|trace| view! { <WaterfallView trace=Signal::stored(trace) chosen=chosen /> });
    view! {
        <Specimen name="Waterfall" wide=true><div class="specimen-list">{waterfall}</div></Specimen>
        <Specimen name="Log" wide=true>
            <div class="specimen-list"><LogViewer log=log fault=RwSignal::new(None) label="Example of a log" /></div>
        </Specimen>
    }
}
