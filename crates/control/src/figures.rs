//! Figures: what the gateway and the models counted, how quick saves were, and what agents use now, by slots of time.
//!
//! History is read once from what the trace store added up; from then on it grows by what is committed, saved and
//! measured. All of it, the measuring too, ends with the last one who looks.

mod board;
#[cfg(test)]
mod tests;
mod usage;

use std::{sync::Arc, time::Duration};

use futures::{StreamExt, stream::BoxStream};
use nasiko_contract::{
    AgentName, AgentUsage, Fault, Figures, FiguresWindow, FollowFigures, GetFigures, Update,
};
use nasiko_store::{EventFeed, FeedItem};
use nasiko_telemetry::{FigureFeed, FigureRow, Resolution};
use tokio::time::Instant;

use crate::{
    api::{Caller, Items, Numbered, Serve, ServeStream},
    figures::board::Board,
    live,
    plane::{ControlPlane, Shared},
    time,
};

/// What changes is told no more often.
const TOLD_EVERY: Duration = Duration::from_secs(1);
const NANOS_PER_MILLI: u64 = 1_000_000;

impl Serve<GetFigures> for ControlPlane {
    async fn serve(&self, _: &Caller, request: GetFigures) -> Result<Figures, Fault> {
        let GetFigures { agent, window } = request;
        let shared = &self.shared;
        if let Some(agent) = &agent {
            shared.agent(agent).await?;
        }
        let mut board = Board::new(window, time::now_ms());
        let since = board.since() * NANOS_PER_MILLI;
        let named = agent.as_ref().map(ToString::to_string);
        let rows = shared
            .traces
            .figures(resolution(window), since..u64::MAX, named);
        board.put_rows(rows.await?);
        board.put_saves(shared.saves_since(agent.as_ref(), board.since()).await?);
        Ok(board.whole())
    }
}

impl ServeStream<FollowFigures> for ControlPlane {
    async fn serve_stream(
        &self,
        _: &Caller,
        request: FollowFigures,
    ) -> Result<Items<Figures>, Fault> {
        let FollowFigures { agent, window } = request;
        if let Some(agent) = &agent {
            self.shared.agent(agent).await?;
        }
        let (follower, whole) = Follower::open(Arc::clone(&self.shared), agent, window).await?;
        let changes = futures::stream::try_unfold(follower, |mut follower| async move {
            let told = follower.next().await?;
            Ok(Some((Numbered::from(told), follower)))
        });
        let whole = futures::stream::iter([Ok(Numbered::from(whole))]);
        Ok(whole.chain(changes).boxed())
    }
}

/// How the trace store parts a window.
fn resolution(window: FiguresWindow) -> Resolution {
    match window {
        FiguresWindow::Quarter => Resolution::Quarter,
        FiguresWindow::Hour => Resolution::Minute,
        FiguresWindow::Day => Resolution::Minutes24,
    }
}

/// Where somebody who looks at figures stands.
struct Follower {
    shared: Arc<Shared>,
    agent: Option<AgentName>,
    window: FiguresWindow,
    board: Board,
    counted: FigureFeed,
    events: EventFeed,
    usage: BoxStream<'static, Vec<AgentUsage>>,
    told: Instant,
}

impl Follower {
    async fn open(
        shared: Arc<Shared>,
        agent: Option<AgentName>,
        window: FiguresWindow,
    ) -> Result<(Self, Figures), Fault> {
        // Before anything is read, so that nothing falls in between.
        let events = shared.store.subscribe(None);
        let (board, counted) = read(&shared, agent.as_ref(), window).await?;
        let mut follower = Self {
            usage: usage::measured(Arc::clone(&shared), agent.clone()),
            shared,
            agent,
            window,
            board,
            counted,
            events,
            told: Instant::now(),
        };
        let whole = follower.board.whole();
        Ok((follower, whole))
    }

    /// Waits for what is to be told next. Dropping the future loses nothing.
    async fn next(&mut self) -> Result<Figures, Fault> {
        loop {
            let settled = self.told + TOLD_EVERY;
            let slot_ends = Duration::from_millis(self.board.left_of_slot(time::now_ms()));
            tokio::select! {
                rows = self.counted.next() => self.count(rows).await?,
                event = self.events.next() => self.hear(event?),
                measured = self.usage.next() => {
                    let usage = measured.unwrap_or_default();
                    return Ok(Figures { usage, ..self.tell() });
                }
                () = tokio::time::sleep(slot_ends) => {
                    self.board.advance(time::now_ms());
                    return Ok(self.tell());
                }
                () = tokio::time::sleep_until(settled), if self.board.has_news() => {
                    return Ok(self.tell());
                }
            }
        }
    }

    fn tell(&mut self) -> Figures {
        self.told = Instant::now();
        self.board.news()
    }

    async fn count(&mut self, rows: Option<Vec<FigureRow>>) -> Result<(), Fault> {
        match rows {
            Some(rows) => self.board.put_rows(rows),
            // Too much came at once: read anew.
            None => {
                (self.board, self.counted) =
                    read(&self.shared, self.agent.as_ref(), self.window).await?;
            }
        }
        Ok(())
    }

    fn hear(&mut self, item: FeedItem) {
        let FeedItem::Event(event) = item else {
            return;
        };
        let of_interest = self
            .agent
            .as_ref()
            .is_none_or(|agent| *agent.as_str() == event.subject);
        if event.topic == live::UPDATE_CHANGED
            && of_interest
            && let Ok(update) = serde_json::from_value::<Update>(event.data.clone())
        {
            self.board.put_saves([update]);
        }
    }
}

/// What is known of the window, and what will be added to it.
async fn read(
    shared: &Shared,
    agent: Option<&AgentName>,
    window: FiguresWindow,
) -> Result<(Board, FigureFeed), Fault> {
    let mut board = Board::new(window, time::now_ms());
    let named = agent.map(ToString::to_string);
    let since = board.since() * NANOS_PER_MILLI;
    let followed = shared
        .traces
        .follow_figures(resolution(window), since, named);
    let (rows, feed) = followed.await?;
    board.put_rows(rows);
    board.put_saves(shared.saves_since(agent, board.since()).await?);
    Ok((board, feed))
}
