//! Traces: a list, and one as a tree.

use nasiko_contract::{GetTrace, ListTraces, SpanStatus, TraceId};

use crate::{
    arguments::{TraceArguments, TracesArguments},
    documents::{TraceDocument, TraceRowDocument},
    failure::{Failure, usage},
    output::Look,
    session::Session,
    table::{Table, ago, duration},
    tree,
};

pub(crate) async fn list(session: &Session, words: TracesArguments) -> Result<(), Failure> {
    let attributes = (!words.attr.is_empty()).then(|| words.attr.join(","));
    if words.attr.iter().any(|pair| !pair.contains('=')) {
        return Err(usage("--attr needs a value", "Give it as --attr KEY=VALUE"));
    }
    let request = ListTraces {
        agent: words.agent,
        status: words.status.as_deref().map(status),
        min_duration_ms: words.min_ms,
        max_duration_ms: words.max_ms,
        text: words.text,
        attributes,
        limit: Some(words.limit),
        ..ListTraces::default()
    };
    let client = session.attach().await?;
    let traces = client.call(request).await?.items;
    if session.output.json {
        let rows: Vec<TraceRowDocument> = traces.into_iter().map(Into::into).collect();
        return session.output.document(&rows);
    }
    let mut table = Table::new(&[
        "trace", "agent", "name", "status", "took", "spans", "tokens", "ago",
    ]);
    for trace in traces {
        let started = i64::try_from(trace.start_ns / 1_000_000).unwrap_or(i64::MAX);
        table.row([
            trace.trace_id.0,
            trace.agent.0,
            trace.name,
            word(trace.status).to_owned(),
            duration(trace.duration_ns),
            trace.spans.to_string(),
            trace
                .tokens
                .map_or_else(String::new, |tokens| tokens.to_string()),
            ago(started),
        ]);
    }
    table.print(
        session.output,
        "No traces yet: talk to an agent with `nasiko chat`",
    )
}

pub(crate) async fn show(session: &Session, words: TraceArguments) -> Result<(), Failure> {
    let client = session.attach().await?;
    let trace = match words.id {
        Some(id) => id,
        None => newest(session).await?,
    };
    let trace = client.call(GetTrace { trace }).await?;
    if session.output.json {
        return session.output.document(&TraceDocument::from(trace));
    }
    let output = session.output;
    output.line(output.look(Look::Dim, trace.trace_id.as_str()))?;
    for line in tree::lines(&trace, output) {
        output.line(line)?;
    }
    Ok(())
}

async fn newest(session: &Session) -> Result<TraceId, Failure> {
    let request = ListTraces {
        limit: Some(1),
        ..ListTraces::default()
    };
    let page = session.attach().await?.call(request).await?;
    let newest = page.items.into_iter().next();
    newest.map(|trace| trace.trace_id).ok_or_else(|| {
        nasiko_contract::Fault::new(
            nasiko_contract::ErrorCode::TraceNotFound,
            "There are no traces yet",
        )
        .hint("Talk to an agent with `nasiko chat`")
        .into()
    })
}

fn status(word: &str) -> SpanStatus {
    match word {
        "ok" => SpanStatus::Ok,
        "error" => SpanStatus::Error,
        _ => SpanStatus::Unset,
    }
}

fn word(status: SpanStatus) -> &'static str {
    match status {
        SpanStatus::Unset => "",
        SpanStatus::Ok => "ok",
        SpanStatus::Error => "error",
    }
}
