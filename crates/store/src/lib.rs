//! Owns what the control plane remembers: versioned records, the ordered event log, the durable job queue and sealed
//! secrets. Must never know HTTP, engines, or what an agent is.
//!
//! [`Store`] is the typed face; [`Backend`] is the one object-safe trait behind it, small enough for a document
//! database with a stream server. [`sqlite::Sqlite`] is the backend that needs nothing installed,
//! [`mongo::Mongo`] the one for a database that several control planes share, with Redis ([`streams`]) to wake them.

mod backend;
mod batch;
mod clock;
mod error;
mod event;
mod feed;
mod frozen;
mod handle;
mod health;
pub mod job;
pub mod mongo;
mod publish;
mod record;
pub mod sqlite;
mod store;
pub mod streams;
pub mod transfer;
pub mod vault;

pub use backend::{Backend, Signals};
pub use batch::{Batch, Change, Committed, Expected};
pub use clock::{Clock, SystemClock};
pub use error::StoreError;
pub use event::{Event, NewEvent, Replay};
pub use feed::{EventFeed, FeedItem};
pub use frozen::Frozen;
pub use health::Health;
pub use job::{
    CancelOutcome, Claim, ClaimedJob, Enqueued, Heartbeat, Job, JobQuery, JobState, Jobs, LogLine,
    LogPage, NewJob, Transition,
};
pub use record::{Cursor, Document, Page, Query, Record, Versioned};
pub use secrecy::{ExposeSecret, SecretString};
pub use store::Store;
pub use vault::{KeyFile, KeyHolder, KeyTier, Scope, Vault};
