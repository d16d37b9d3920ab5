//! What the services use: a table that is drawn anew in its place, or one document.

use std::{
    collections::BTreeMap,
    io::IsTerminal,
    time::{Duration, Instant},
};

use console::Term;
use futures::{StreamExt, stream::LocalBoxStream};
use nasiko_client::Client;
use nasiko_contract::{
    ErrorCode, Fault, FollowEvents, FollowStackStats, GetStack, ServiceState, ServiceStats,
};

use crate::{
    arguments::StatsArguments,
    documents::{ServiceStatsDocument, StackStatsDocument},
    failure::Failure,
    session::Session,
    table::{Table, bytes},
};

/// The first figures of a service have no moment before them to be compared with, and so no processor time.
const TELLING: usize = 2;
/// How long one measurement may take: engines measure once a second.
const ONE_LIMIT: Duration = Duration::from_secs(10);
/// How often the table is drawn anew at most.
const REDRAW: Duration = Duration::from_millis(500);

/// The newest figures of each service, and how many there were.
type Figures = BTreeMap<String, (ServiceStats, usize)>;

pub(super) async fn show(
    session: &Session,
    client: &Client,
    words: StatsArguments,
) -> Result<(), Failure> {
    let output = session.output;
    if !words.once && !output.json && std::io::stdout().is_terminal() {
        return live(client, &words.services).await;
    }
    let figures = once(client, &words.services).await?;
    if output.json {
        let services = figures.into_values();
        return output.document(&StackStatsDocument {
            services: services
                .map(|(row, _)| ServiceStatsDocument::from(row))
                .collect(),
        });
    }
    table(&figures).print(output, "No service runs")
}

/// Draws until it is interrupted. What starts and stops meanwhile comes and goes.
async fn live(client: &Client, wanted: &[String]) -> Result<(), Failure> {
    let mut events = client.stream(FollowEvents { after: None }).await?;
    let mut services = running(client, wanted).await?;
    let mut rows = measured(client, &services).await?;
    let mut figures = Figures::new();
    let mut screen = Screen::default();
    loop {
        tokio::select! {
            row = rows.next() => {
                // The stream's end is the end of the last service: what starts next is an event.
                let Some(row) = row else {
                    rows = futures::stream::pending().boxed_local();
                    continue;
                };
                take(&mut figures, row?);
                screen.draw(&figures)?;
            }
            event = events.next() => {
                let Some(event) = event else { return Ok(()) };
                if event?.item.topic != "stack.changed" {
                    continue;
                }
                let now = running(client, wanted).await?;
                if now != services {
                    figures.retain(|service, _| now.contains(service));
                    rows = measured(client, &now).await?;
                    services = now;
                }
            }
        }
    }
}

/// Measures until the figures of each service tell something.
async fn once(client: &Client, wanted: &[String]) -> Result<Figures, Failure> {
    let services = running(client, wanted).await?;
    let mut rows = measured(client, &services).await?;
    let mut figures = Figures::new();
    let end = Instant::now() + ONE_LIMIT;
    let is_told = |figures: &Figures| {
        let seen = |service| figures.get(service).map_or(0, |(_, seen)| *seen);
        services.iter().all(|service| seen(service) >= TELLING)
    };
    while !is_told(&figures) {
        let left = end.saturating_duration_since(Instant::now());
        let Ok(Some(row)) = tokio::time::timeout(left, rows.next()).await else {
            break;
        };
        take(&mut figures, row?);
    }
    Ok(figures)
}

/// The services that run, of those that are wanted; all are where none is named.
async fn running(client: &Client, wanted: &[String]) -> Result<Vec<String>, Failure> {
    let stack = client.call(GetStack {}).await?;
    if let Some(fault) = stack.fault {
        return Err(fault.into());
    }
    let unknown = wanted.iter().find(|name| {
        let mut services = stack.services.iter();
        !services.any(|service| service.service == **name)
    });
    if let Some(name) = unknown {
        let fault = Fault::new(ErrorCode::NotFound, format!("There is no service `{name}`"));
        return Err(fault.hint("`nasiko stack` lists the services").into());
    }
    let running = stack
        .services
        .into_iter()
        .filter(|service| service.state == ServiceState::Running)
        .map(|service| service.service)
        .filter(|name| wanted.is_empty() || wanted.contains(name));
    Ok(running.collect())
}

type Rows = LocalBoxStream<'static, Result<ServiceStats, Fault>>;

/// Nothing for no service: the control plane would take that for all.
async fn measured(client: &Client, services: &[String]) -> Result<Rows, Failure> {
    if services.is_empty() {
        return Ok(futures::stream::empty().boxed_local());
    }
    let request = FollowStackStats {
        services: Some(services.join(",")),
    };
    let rows = client.stream(request).await?;
    Ok(rows.map(|row| row.map(|row| row.item)).boxed_local())
}

fn take(figures: &mut Figures, row: ServiceStats) {
    let seen = figures.get(&row.service).map_or(0, |(_, seen)| *seen);
    figures.insert(row.service.clone(), (row, seen + 1));
}

/// A terminal, and what was drawn on it.
struct Screen {
    term: Term,
    drawn: usize,
    at: Option<Instant>,
}

impl Default for Screen {
    fn default() -> Self {
        Self {
            term: Term::buffered_stdout(),
            drawn: 0,
            at: None,
        }
    }
}

impl Screen {
    fn draw(&mut self, figures: &Figures) -> Result<(), Failure> {
        if self.at.is_some_and(|at| at.elapsed() < REDRAW) {
            return Ok(());
        }
        self.at = Some(Instant::now());
        self.term.clear_last_lines(self.drawn)?;
        let (rows, columns) = self.term.size();
        let lines = table(figures).lines();
        self.drawn = 0;
        // More than fits could not be taken back.
        for line in lines.iter().take(usize::from(rows).saturating_sub(1)) {
            let line: String = line.chars().take(columns.into()).collect();
            self.term.write_line(&line)?;
            self.drawn += 1;
        }
        Ok(self.term.flush()?)
    }
}

fn table(figures: &Figures) -> Table {
    let mut table = Table::new(&[
        "service", "cpu", "memory", "limit", "memory %", "received", "sent", "tasks",
    ]);
    for (row, _) in figures.values() {
        let stats = &row.stats;
        let limit = stats.memory_limit_bytes.filter(|limit| *limit > 0);
        let share = limit.map(|limit| 100.0 * stats.memory_bytes as f64 / limit as f64);
        table.row([
            row.service.clone(),
            format!("{:.1} %", stats.cpu_percent),
            bytes(stats.memory_bytes),
            limit.map(bytes).unwrap_or_default(),
            share
                .map(|share| format!("{share:.1} %"))
                .unwrap_or_default(),
            bytes(row.received_bytes),
            bytes(row.sent_bytes),
            row.tasks.to_string(),
        ]);
    }
    table
}
