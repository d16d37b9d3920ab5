//! What the pages know and decide, as plain Rust: no browser, no signals, tested natively.

pub(crate) mod change;
pub(crate) mod chat;
pub(crate) mod format;
pub(crate) mod logs;
pub(crate) mod markdown;
pub(crate) mod preview;
pub(crate) mod tone;
pub(crate) mod traces;
pub(crate) mod waterfall;
pub(crate) mod windowing;
pub(crate) mod world;
