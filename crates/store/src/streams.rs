//! A Redis server beside a MongoDB store: what wakes the other control planes, and the commands of a platform.
//!
//! Redis is not where jobs are kept. Claims must follow the order of a subject's jobs, be undone with their batch, and
//! survive a Redis that comes back empty; all of that is one compare-and-set in MongoDB (see [`crate::mongo`]). What
//! Redis does better is to deliver: a commit is announced in a stream that every control plane reads by a blocking read
//! on a connection of its own ([`commits`]), and what a platform's back end orders arrives through its stream and
//! consumer group ([`platform`]), where a pending entry is the lease on the work that the command became.
//!
//! A Redis that is away loses nothing: commits go on, and until it is back the control planes look for each other's
//! commits once a second.

pub(crate) mod commits;
mod link;
pub mod platform;
pub mod status;

pub use link::RedisAddress;
pub(crate) use link::{Blocking, Link};
