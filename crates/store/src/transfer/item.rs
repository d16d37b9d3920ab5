//! What a store holds, piece by piece, in a form that every backend can read and write.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Contents;
use crate::{Event, Job, StoreError};

/// One piece.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "item", rename_all = "snake_case")]
pub enum Item {
    /// A record of any kind; sealed secrets are records too.
    Record {
        /// The kind.
        kind: String,
        /// The key within the kind.
        id: String,
        /// What it belongs to.
        parent: Option<String>,
        /// The sort key.
        position: i64,
        /// The version.
        version: u64,
        /// The JSON text.
        body: String,
    },
    /// A job.
    Job {
        /// Its place in listings.
        number: i64,
        /// Its place in the queue.
        position: i64,
        /// The number of its next log line.
        log_next: u64,
        /// Bytes of log that are kept.
        log_bytes: u64,
        /// The rest.
        job: Box<Job>,
    },
    /// Lines of a job's log that are kept together.
    LogRow {
        /// The job's number.
        job: i64,
        /// The number of the first line.
        first: u64,
        /// How many there are.
        lines: u64,
        /// When they were appended.
        at_ms: i64,
        /// Each with its line break.
        text: String,
    },
    /// An event.
    Event(Event),
}

impl Item {
    /// About how many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Record { body, .. } => body.len(),
            Self::LogRow { text, .. } => text.len(),
            Self::Job { .. } | Self::Event(_) => 1_024,
        }
    }
}

/// The sections of a copy, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// Records.
    Records,
    /// Jobs.
    Jobs,
    /// Their logs.
    Logs,
    /// Events.
    Events,
}

impl Section {
    fn next(self) -> Option<Self> {
        match self {
            Self::Records => Some(Self::Jobs),
            Self::Jobs => Some(Self::Logs),
            Self::Logs => Some(Self::Events),
            Self::Events => None,
        }
    }
}

/// A place in a store: what follows `after` in a section. What `after` means is up to the backend that gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The section.
    pub section: Section,
    /// The last piece before it; `None`: the section's start.
    pub after: Option<String>,
}

impl Place {
    /// Before everything.
    pub const START: Self = Self {
        section: Section::Records,
        after: None,
    };
    /// After everything.
    pub const END: Self = Self {
        section: Section::Events,
        after: None,
    };
}

/// Pieces, and where to go on; `None` after the last.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The pieces.
    pub items: Vec<Item>,
    /// Where to go on.
    pub next: Option<Place>,
}

impl Page {
    /// The most pieces in one.
    pub const ITEMS: usize = 256;
    /// After so many bytes a page is closed; one piece may exceed it.
    pub const BYTES: usize = 2 << 20;

    /// A page of `section` from pieces with their places, of which at most [`Page::ITEMS`] were asked for.
    pub(crate) fn of(section: Section, found: Vec<(String, Item)>) -> Self {
        let is_last = found.len() < Self::ITEMS;
        let count = found.len();
        let (mut items, mut after, mut bytes) = (Vec::new(), None, 0);
        for (place, item) in found {
            bytes += item.bytes();
            items.push(item);
            after = Some(place);
            if bytes >= Self::BYTES {
                break;
            }
        }
        let next = if is_last && items.len() == count {
            section.next().map(|section| Place {
                section,
                after: None,
            })
        } else {
            Some(Place { section, after })
        };
        Self { items, next }
    }
}

/// How many pieces of a kind there are, and a sum over all of them that does not depend on their order.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// How many.
    pub count: u64,
    /// The pieces' hashes, added up lane by lane.
    pub checksum: [u64; 4],
}

impl fmt::Debug for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.checksum;
        write!(
            formatter,
            "{} ({a:016x}{b:016x}{c:016x}{d:016x})",
            self.count
        )
    }
}

impl Contents {
    pub(super) fn add(&mut self, item: &Item) -> Result<(), StoreError> {
        let kind = match item {
            Item::Record { kind, position, .. } => {
                let last = self.positions.entry(kind.clone()).or_insert(*position);
                *last = (*last).max(*position);
                kind.as_str()
            }
            Item::Job {
                number, position, ..
            } => {
                self.last_number = self.last_number.max(*number);
                self.last_position = self.last_position.max(*position);
                "job"
            }
            Item::LogRow { .. } => "job log",
            Item::Event(event) => {
                if self.last_seq == 0 {
                    self.first_seq = event.seq;
                }
                self.first_seq = self.first_seq.min(event.seq);
                self.last_seq = self.last_seq.max(event.seq);
                "event"
            }
        };
        let text = serde_json::to_vec(item).map_err(StoreError::json(kind))?;
        let hash = blake3::hash(&text);
        let tally = self.kinds.entry(kind.to_owned()).or_default();
        tally.count += 1;
        for (lane, bytes) in tally
            .checksum
            .iter_mut()
            .zip(hash.as_bytes().as_chunks::<8>().0)
        {
            *lane = lane.wrapping_add(u64::from_le_bytes(*bytes));
        }
        Ok(())
    }

    /// The first kind that is not the same in both.
    pub(super) fn difference(&self, other: &Self) -> Option<String> {
        let kinds = self.kinds.keys().chain(other.kinds.keys());
        kinds
            .into_iter()
            .find(|kind| self.kinds.get(*kind) != other.kinds.get(*kind))
            .cloned()
    }
}
