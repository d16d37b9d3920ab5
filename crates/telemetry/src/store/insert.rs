//! Writes one day's share of a batch in one transaction.

use std::{collections::HashMap, sync::Arc};

use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};
use serde_json::{Value, json};

use super::{
    figures::{FigureCommit, Gathered},
    partition::{Day, Latest, Memory, Origin, Partition, to_column},
    summary::{self, TraceNotice},
    terms,
};
use crate::{Attributes, Limits, LogRecord, Scope, Span, StatusCode, TraceId};

/// What a transaction did.
#[derive(Default)]
pub(crate) struct Inserted {
    pub(crate) accepted: u64,
    /// Which of the spans were there already, by their place among those given.
    pub(crate) duplicates: Vec<usize>,
    pub(crate) notices: Vec<TraceNotice>,
    /// What it added to the figures, if anything.
    pub(crate) figures: Option<FigureCommit>,
}

/// What a batch adds to one trace.
struct Change<'span> {
    root: &'span Span,
    start_ns: u64,
    end_ns: u64,
    failed: bool,
    session: Option<&'span str>,
    spans: u64,
    tokens_in: u64,
    tokens_out: u64,
    cost: Option<f64>,
}

/// Writes spans and records, durably when it returns. On an error nothing of them is kept.
pub(crate) fn insert(
    day: Day,
    partition: &mut Partition,
    spans: &[Span],
    logs: &[LogRecord],
    limits: &Limits,
) -> rusqlite::Result<Inserted> {
    let Partition { connection, memory } = partition;
    memory.trim();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let written = write(&transaction, day, memory, spans, logs, limits).and_then(|inserted| {
        transaction.commit()?;
        Ok(inserted)
    });
    if written.is_err() {
        // It remembers rows that were rolled back.
        *memory = Memory::default();
    }
    written
}

fn write(
    transaction: &Transaction<'_>,
    day: Day,
    memory: &mut Memory,
    spans: &[Span],
    logs: &[LogRecord],
    limits: &Limits,
) -> rusqlite::Result<Inserted> {
    let mut inserted = Inserted::default();
    let mut changes: HashMap<i64, Change<'_>> = HashMap::new();
    let mut postings = Vec::new();
    let mut new_words = Vec::new();
    let mut figures = Gathered::default();
    for (place, span) in spans.iter().enumerate() {
        let trace = trace_row(transaction, memory, span)?;
        let agent = span.agent.as_deref();
        let origin = intern(
            transaction,
            memory,
            &span.service,
            agent,
            &span.resource,
            &span.scope,
        )?;
        if !insert_span(transaction, trace, origin.id, span)? {
            inserted.duplicates.push(place);
            continue;
        }
        inserted.accepted += 1;
        figures.add(span);
        changes
            .entry(trace)
            .and_modify(|change| change.add(span))
            .or_insert_with(|| Change::of(span));
        postings.extend(origin.terms.iter().map(|term| (*term, trace)));
        let own = terms::of_span(span, limits.max_terms, |word, term| {
            if memory.words.insert(term) {
                new_words.push(word.to_owned());
            }
        });
        postings.extend(own.into_iter().map(|term| (term, trace)));
    }
    // Sorted, the tree is walked once from left to right instead of jumped about in.
    postings.sort_unstable();
    postings.dedup();
    let mut statement = transaction
        .prepare_cached("INSERT OR IGNORE INTO postings (term, trace) VALUES (?1, ?2)")?;
    for (term, trace) in postings {
        statement.execute((term, trace))?;
    }
    let mut statement =
        transaction.prepare_cached("INSERT OR IGNORE INTO words (word) VALUES (?1)")?;
    for word in new_words {
        statement.execute([word])?;
    }
    for (trace, change) in changes {
        inserted.notices.push(change.apply(transaction, trace)?);
    }
    inserted.figures = figures.write(transaction, day)?;
    for log in logs {
        insert_log(transaction, memory, log)?;
        inserted.accepted += 1;
    }
    Ok(inserted)
}

fn trace_row(
    transaction: &Transaction<'_>,
    memory: &mut Memory,
    span: &Span,
) -> rusqlite::Result<i64> {
    let trace: TraceId = span.trace_id;
    if let Some(row) = memory.traces.get(&trace) {
        return Ok(*row);
    }
    let found = transaction
        .prepare_cached("SELECT id FROM traces WHERE trace_id = ?1")?
        .query_row([trace.0.as_slice()], |row| row.get(0))
        .optional()?;
    let row = match found {
        Some(row) => row,
        None => transaction
            .prepare_cached("INSERT INTO traces (trace_id, start_ns, end_ns) VALUES (?1, ?2, ?3)")?
            .insert(params![
                trace.0.as_slice(),
                to_column(span.start_ns),
                to_column(span.end_ns)
            ])?,
    };
    memory.traces.insert(trace, row);
    Ok(row)
}

/// The row of a resource and scope, written when it is new.
fn intern(
    transaction: &Transaction<'_>,
    memory: &mut Memory,
    service: &str,
    agent: Option<&str>,
    resource: &Arc<Attributes>,
    scope: &Arc<Scope>,
) -> rusqlite::Result<Origin> {
    if let Some(latest) = &memory.latest
        && Arc::ptr_eq(&latest.resource, resource)
        && Arc::ptr_eq(&latest.scope, scope)
        && latest.agent.as_deref() == agent
        && latest.service == service
    {
        return Ok(latest.origin.clone());
    }
    let text = json_text(resource);
    let mut hasher = blake3::Hasher::new();
    for part in [
        service,
        if agent.is_some() { "+" } else { "-" },
        agent.unwrap_or(""),
        &text,
        &scope.name,
        &scope.version,
    ] {
        hasher
            .update(&(part.len() as u64).to_le_bytes())
            .update(part.as_bytes());
    }
    let digest = *hasher.finalize().as_bytes();
    let origin = match memory.origins.get(&digest) {
        Some(origin) => origin.clone(),
        None => {
            let found = transaction
                .prepare_cached("SELECT id FROM origins WHERE digest = ?1")?
                .query_row([digest.as_slice()], |row| row.get(0))
                .optional()?;
            let id = match found {
                Some(id) => id,
                None => transaction
                    .prepare_cached(
                        "INSERT INTO origins (digest, service, agent, resource, scope, version) \
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    )?
                    .insert(params![
                        digest.as_slice(),
                        service,
                        agent,
                        text,
                        scope.name,
                        scope.version
                    ])?,
            };
            let origin = Origin {
                id,
                terms: terms::of_resource(service, agent, resource).into(),
            };
            memory.origins.insert(digest, origin.clone());
            origin
        }
    };
    memory.latest = Some(Latest {
        service: service.into(),
        agent: agent.map(Into::into),
        resource: Arc::clone(resource),
        scope: Arc::clone(scope),
        origin: origin.clone(),
    });
    Ok(origin)
}

/// False when the span is there already.
fn insert_span(
    transaction: &Transaction<'_>,
    trace: i64,
    origin: i64,
    span: &Span,
) -> rusqlite::Result<bool> {
    let events = (!span.events.is_empty()).then(|| {
        let rows = span
            .events
            .iter()
            .map(|event| json!([event.time_ns, event.name, event.attributes]));
        Value::Array(rows.collect()).to_string()
    });
    let links = (!span.links.is_empty()).then(|| {
        let rows = span.links.iter().map(|link| {
            json!([
                link.trace_id.to_string(),
                link.span_id.to_string(),
                link.attributes
            ])
        });
        Value::Array(rows.collect()).to_string()
    });
    let attributes = (!span.attributes.is_empty()).then(|| json_text(&span.attributes));
    let message = (!span.status.message.is_empty()).then_some(&span.status.message);
    let rows = transaction
        .prepare_cached(
            "INSERT OR IGNORE INTO spans (trace, span, parent, start_ns, end_ns, kind, status, message, name, \
             origin, attributes, events, links) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?
        .execute(params![
            trace,
            span.span_id.to_key(),
            span.parent_id.map(crate::SpanId::to_key),
            to_column(span.start_ns),
            to_column(span.end_ns),
            span.kind.number(),
            span.status.code.number(),
            message,
            span.name,
            origin,
            attributes,
            events,
            links,
        ])?;
    Ok(rows == 1)
}

fn insert_log(
    transaction: &Transaction<'_>,
    memory: &mut Memory,
    log: &LogRecord,
) -> rusqlite::Result<()> {
    let origin = intern(
        transaction,
        memory,
        &log.service,
        log.agent.as_deref(),
        &log.resource,
        &log.scope,
    )?;
    let attributes = (!log.attributes.is_empty()).then(|| json_text(&log.attributes));
    transaction
        .prepare_cached(
            "INSERT INTO logs (time_ns, severity, words, body, trace_id, span, origin, attributes) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            to_column(log.time_ns),
            log.severity,
            log.severity_text,
            log.body,
            log.trace_id.as_ref().map(|id| id.0.as_slice()),
            log.span_id.map(crate::SpanId::to_key),
            origin.id,
            attributes,
        ])?;
    Ok(())
}

impl<'span> Change<'span> {
    fn of(span: &'span Span) -> Self {
        let mut change = Self {
            root: span,
            start_ns: span.start_ns,
            end_ns: span.end_ns,
            failed: false,
            session: None,
            spans: 0,
            tokens_in: 0,
            tokens_out: 0,
            cost: None,
        };
        change.add(span);
        change
    }

    fn add(&mut self, span: &'span Span) {
        let rank = |span: &Span| (span.parent_id.is_some(), span.start_ns);
        if rank(span) < rank(self.root) {
            self.root = span;
        }
        self.start_ns = self.start_ns.min(span.start_ns);
        self.end_ns = self.end_ns.max(span.end_ns);
        self.failed |= span.status.code == StatusCode::Error;
        self.session = self.session.or_else(|| terms::session_of(&span.attributes));
        self.spans += 1;
        if let Some((tokens_in, tokens_out, cost)) = usage(&span.attributes) {
            self.tokens_in = self.tokens_in.saturating_add(tokens_in);
            self.tokens_out = self.tokens_out.saturating_add(tokens_out);
            if let Some(cost) = cost {
                self.cost = Some(self.cost.unwrap_or(0.0) + cost);
            }
        }
    }

    fn apply(&self, transaction: &Transaction<'_>, trace: i64) -> rusqlite::Result<TraceNotice> {
        let rooted = i64::from(self.root.parent_id.is_none());
        let agent = self.root.agent.as_deref().unwrap_or(&self.root.service);
        let better = "(?5 > rooted OR (?5 = rooted AND ?6 < root_ns))";
        let update = format!(
            "UPDATE traces SET start_ns = min(start_ns, ?2), end_ns = max(end_ns, ?3), failed = failed OR ?4, \
             name = CASE WHEN {better} THEN ?7 ELSE name END, agent = CASE WHEN {better} THEN ?8 ELSE agent END, \
             root_ns = CASE WHEN {better} THEN ?6 ELSE root_ns END, rooted = max(rooted, ?5), \
             session = coalesce(session, ?9), spans = spans + ?10, tokens_in = tokens_in + ?11, \
             tokens_out = tokens_out + ?12, \
             cost = CASE WHEN ?13 IS NULL THEN cost ELSE coalesce(cost, 0) + ?13 END \
             WHERE id = ?1 RETURNING {}",
            summary::COLUMNS
        );
        let summary = transaction.prepare_cached(&update)?.query_row(
            params![
                trace,
                to_column(self.start_ns),
                to_column(self.end_ns),
                self.failed,
                rooted,
                to_column(self.root.start_ns),
                self.root.name,
                agent,
                self.session,
                to_column(self.spans),
                to_column(self.tokens_in),
                to_column(self.tokens_out),
                self.cost,
            ],
            summary::read,
        )?;
        Ok(TraceNotice {
            summary,
            new_spans: self.spans,
        })
    }
}

/// Tokens read and written, and the cost, as a span of a model call states them. The span of a whole agent repeats
/// what its calls state, so it does not count.
pub(crate) fn usage(attributes: &Attributes) -> Option<(u64, u64, Option<f64>)> {
    let number = |keys: [&str; 2]| {
        keys.iter()
            .find_map(|key| attributes.get(*key))
            .and_then(Value::as_u64)
    };
    let tokens_in = number(["gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"]);
    let tokens_out = number([
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
    ]);
    let cost = attributes.get("gen_ai.usage.cost").and_then(Value::as_f64);
    let repeats = attributes
        .get("gen_ai.operation.name")
        .and_then(Value::as_str)
        == Some("invoke_agent");
    let states = tokens_in.is_some() || tokens_out.is_some() || cost.is_some();
    (states && !repeats).then(|| (tokens_in.unwrap_or(0), tokens_out.unwrap_or(0), cost))
}

fn json_text(attributes: &Attributes) -> String {
    // A map of text keys always serializes.
    serde_json::to_string(attributes).unwrap_or_else(|_| "{}".into())
}
