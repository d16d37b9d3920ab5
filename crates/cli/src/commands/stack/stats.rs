//! What the services use: a table that is drawn anew in its place, or one document.

use std::{
    collections::BTreeMap,
    io::IsTerminal,
    time::{Duration, Instant},
};

use console::Term;
use futures::StreamExt;
use nasiko_client::Client;
use nasiko_contract::{FollowStackStats, GetStack, ServiceState, ServiceStats};

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
    let stack = client.call(GetStack {}).await?;
    if let Some(fault) = stack.fault {
        return Err(fault.into());
    }
    let running: Vec<String> = stack
        .services
        .into_iter()
        .filter(|service| service.state == ServiceState::Running)
        .map(|service| service.service)
        .filter(|name| words.services.is_empty() || words.services.contains(name))
        .collect();
    let once = words.once || output.json || !std::io::stdout().is_terminal();
    let mut figures = Figures::new();
    if !running.is_empty() {
        let request = FollowStackStats {
            services: Some(running.join(",")),
        };
        let mut rows = client.stream(request).await?;
        let mut screen = (!once).then(Screen::default);
        let end = Instant::now() + ONE_LIMIT;
        loop {
            let next = if once {
                let left = end.saturating_duration_since(Instant::now());
                tokio::time::timeout(left, rows.next()).await.ok().flatten()
            } else {
                rows.next().await
            };
            let Some(row) = next else { break };
            let row = row?.item;
            let seen = figures.get(&row.service).map_or(0, |(_, seen)| *seen);
            figures.insert(row.service.clone(), (row, seen + 1));
            if let Some(screen) = &mut screen {
                screen.draw(&figures)?;
            } else if running.iter().all(|name| {
                let seen = figures.get(name).map_or(0, |(_, seen)| *seen);
                seen >= TELLING
            }) {
                break;
            }
        }
        if screen.is_some() {
            output.say("None of these services runs any more");
            return Ok(());
        }
    }
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
