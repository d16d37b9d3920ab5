//! Following the event log: replay first, then live, no event lost or doubled.

use std::{collections::VecDeque, sync::Arc};

use crate::{
    Event, StoreError,
    handle::{Handle, Listener},
};

/// What a feed gives.
#[derive(Debug, Clone)]
pub enum FeedItem {
    /// The next event.
    Event(Arc<Event>),
    /// Events are missing from here to `first_kept`, which comes next: read the whole state again.
    Gap {
        /// The next event's seq.
        first_kept: u64,
    },
}

/// One follower's place in the event log. A slow follower costs no memory: it re-reads from the log. When the store moves
/// it goes over to the new place by itself.
pub struct EventFeed {
    listener: Listener,
    after: u64,
    waiting: VecDeque<FeedItem>,
}

impl EventFeed {
    /// Events read at once.
    const READ_AHEAD: usize = 256;

    pub(crate) fn new(handle: &Arc<Handle>, after: Option<u64>) -> Self {
        let mut listener = handle.listen();
        let after = after.unwrap_or_else(|| listener.last_seq());
        Self {
            listener,
            after,
            waiting: VecDeque::new(),
        }
    }

    /// Waits for the next item. Dropping the future loses nothing. `Closed` once the store is closed and read to its end.
    pub async fn next(&mut self) -> Result<FeedItem, StoreError> {
        loop {
            if let Some(item) = self.waiting.pop_front() {
                match &item {
                    FeedItem::Event(event) => self.after = event.seq,
                    FeedItem::Gap { first_kept } => self.after = first_kept.saturating_sub(1),
                }
                return Ok(item);
            }
            // Marked as seen before the read: a commit in between wakes the wait below at once.
            let last = self.listener.last_seq();
            if last != self.after {
                let replay = self
                    .listener
                    .handle()
                    .events_after(self.after, Self::READ_AHEAD)
                    .await?;
                self.waiting
                    .extend(replay.gap.map(|first_kept| FeedItem::Gap { first_kept }));
                self.waiting
                    .extend(replay.events.into_iter().map(FeedItem::Event));
                if !self.waiting.is_empty() {
                    continue;
                }
            }
            self.listener.committed().await?;
        }
    }

    /// The seq of the last event given.
    pub fn position(&self) -> u64 {
        self.after
    }
}
