//! Counts and percentiles of an agent's traces.

use rusqlite::params_from_iter;

use super::{TraceFilter, TraceStore, query::Condition};
use crate::TelemetryError;

/// Traces whose durations are looked at, the newest first; the counts of a busier window are of these.
const MAX_SAMPLES: usize = 200_000;

/// How an agent did in a window of time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AgentMetrics {
    /// Traces it took part in.
    pub traces: u64,
    /// Those in which a span failed.
    pub errors: u64,
    /// The median duration, in nanoseconds; 0 without traces.
    pub p50_ns: u64,
    /// The duration that 95 of 100 stay below.
    pub p95_ns: u64,
    /// The duration that 99 of 100 stay below.
    pub p99_ns: u64,
    /// Tokens that models read.
    pub input_tokens: u64,
    /// Tokens that models wrote.
    pub output_tokens: u64,
    /// What spans say it cost; none when none says so.
    pub cost: Option<f64>,
    /// There were more traces than are looked at.
    pub sampled: bool,
}

impl TraceStore {
    /// Counts and percentiles of the traces that began in `window` (nanoseconds since the Unix epoch) and in which
    /// `agent`, or anybody, took part.
    pub async fn metrics(
        &self,
        agent: Option<&str>,
        window: std::ops::Range<u64>,
    ) -> Result<AgentMetrics, TelemetryError> {
        let filter = TraceFilter {
            agent: agent.map(Into::into),
            since_ns: Some(window.start),
            until_ns: Some(window.end.saturating_sub(1)),
            ..TraceFilter::default()
        };
        let condition = Condition::of(&filter)?;
        self.question(move |readers, stop| {
            let mut metrics = AgentMetrics::default();
            let mut durations: Vec<u64> = Vec::new();
            for day in readers.days.newest_first() {
                let left = MAX_SAMPLES - durations.len();
                if !condition.may_be_on(day) || left == 0 {
                    continue;
                }
                readers.ask(day, stop, |connection| {
                    let Some((tables, conditions, values)) = condition.sql(connection, None)? else { return Ok(()) };
                    let sql = format!(
                        "SELECT traces.end_ns - traces.start_ns, traces.failed, traces.tokens_in, traces.tokens_out, \
                         traces.cost FROM {tables} WHERE {conditions} ORDER BY traces.start_ns DESC LIMIT {left}"
                    );
                    let mut statement = connection.prepare_cached(&sql)?;
                    let mut rows = statement.query(params_from_iter(values))?;
                    while let Some(row) = rows.next()? {
                        durations.push(u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0));
                        metrics.errors += u64::from(row.get::<_, bool>(1)?);
                        metrics.input_tokens += u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0);
                        metrics.output_tokens += u64::try_from(row.get::<_, i64>(3)?).unwrap_or(0);
                        if let Some(cost) = row.get::<_, Option<f64>>(4)? {
                            metrics.cost = Some(metrics.cost.unwrap_or(0.0) + cost);
                        }
                    }
                    Ok(())
                })?;
            }
            durations.sort_unstable();
            metrics.traces = durations.len() as u64;
            metrics.sampled = durations.len() >= MAX_SAMPLES;
            let at = |percent: usize| durations.get(((durations.len() * percent).div_ceil(100)).saturating_sub(1));
            metrics.p50_ns = at(50).copied().unwrap_or(0);
            metrics.p95_ns = at(95).copied().unwrap_or(0);
            metrics.p99_ns = at(99).copied().unwrap_or(0);
            Ok(metrics)
        })
        .await
    }
}
