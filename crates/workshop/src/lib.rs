//! Owns agent folders: intake, snapshot, description, Dockerfile understanding. Must never start an agent, talk to an engine, or know
//! the store, HTTP or any window.
//!
//! The road: [`intake`] brings a folder, archive or repository onto this machine; [`snapshot`] lists and hashes what is in it,
//! honouring [`ignore`] rules; [`describe`] reads from it what runs, where it listens, what it needs and what is wrong with it;
//! [`watch`] tells when it changes.

pub mod compose;
pub mod describe;
pub mod dockerfile;
pub mod envfile;
mod error;
mod finding;
pub mod ignore;
pub mod intake;
pub mod manifest;
pub mod name;
pub mod snapshot;
mod text;
pub mod update;
pub mod watch;

pub use describe::{Description, describe, describe_outline};
pub use error::WorkshopError;
pub use intake::{IntakeProgress, Limits, Source, acquire};
pub use manifest::Manifest;
pub use snapshot::{Change, ContentHash, Outline, Snapshot, SnapshotCache, SnapshotOptions};
pub use watch::{Batch, Watch, Watcher, WatcherConfig};
