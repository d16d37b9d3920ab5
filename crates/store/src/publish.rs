//! How a backend tells those who wait: watches, and the last events in memory so that live followers read no database.

use std::{collections::VecDeque, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::{Event, Replay, Signals};

/// Events kept in memory.
const RECENT_EVENTS: usize = 256;

/// The last events, in order and without a hole.
#[derive(Clone, Default)]
pub(crate) struct Recent(Arc<Mutex<VecDeque<Arc<Event>>>>);

impl Recent {
    /// Events after `seq` from memory, if memory reaches back so far.
    pub(crate) fn after(&self, seq: u64, limit: usize) -> Option<Replay> {
        let recent = self.0.lock();
        let first = recent.front()?.seq;
        let skipped = usize::try_from((seq + 1).checked_sub(first)?).ok()?;
        if skipped > recent.len() {
            return None;
        }
        Some(Replay {
            events: recent.iter().skip(skipped).take(limit).cloned().collect(),
            gap: None,
        })
    }

    fn extend(&self, events: Vec<Arc<Event>>) {
        let mut recent = self.0.lock();
        // Another process may have appended in between: memory then begins anew.
        let expected = recent.back().map(|event| event.seq + 1);
        if expected != events.first().map(|event| event.seq) {
            recent.clear();
        }
        recent.extend(events);
        let surplus = recent.len().saturating_sub(RECENT_EVENTS);
        recent.drain(..surplus);
    }
}

/// The writer's voice. Followers learn from its end that the store is closed.
pub(crate) struct Publisher {
    committed: watch::Sender<u64>,
    work: watch::Sender<u64>,
    logs: watch::Sender<u64>,
    recent: Recent,
}

impl Publisher {
    /// A voice for a log whose last event is `last_seq`.
    pub(crate) fn new(last_seq: u64) -> (Self, Signals, Recent) {
        let publisher = Self {
            committed: watch::Sender::new(last_seq),
            work: watch::Sender::new(0),
            logs: watch::Sender::new(0),
            recent: Recent::default(),
        };
        let signals = Signals {
            committed: publisher.committed.subscribe(),
            work: publisher.work.subscribe(),
            logs: publisher.logs.subscribe(),
        };
        let recent = publisher.recent.clone();
        (publisher, signals, recent)
    }

    /// Tells of a commit.
    pub(crate) fn publish(&self, events: Vec<Arc<Event>>, wakes_workers: bool, wrote_log: bool) {
        if let Some(last_seq) = events.last().map(|event| event.seq) {
            self.recent.extend(events);
            self.committed.send_replace(last_seq);
        }
        let bump = |count: &mut u64| *count = count.wrapping_add(1);
        if wakes_workers {
            self.work.send_modify(bump);
        }
        if wrote_log {
            self.logs.send_modify(bump);
        }
    }

    /// Tells that anything may have happened, up to `last_seq`.
    pub(crate) fn publish_unseen(&self, last_seq: u64) {
        self.recent.0.lock().clear();
        self.committed.send_replace(last_seq);
        self.publish(Vec::new(), true, true);
    }
}
