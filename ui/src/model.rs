//! What the pages know and decide, as plain Rust: no browser, no signals, tested natively.

pub(crate) mod actions;
pub(crate) mod change;
pub(crate) mod chat;
pub(crate) mod compare;
pub(crate) mod deeds;
pub(crate) mod format;
pub(crate) mod fuzzy;
pub(crate) mod keys;
pub(crate) mod live;
pub(crate) mod log_text;
pub(crate) mod logs;
pub(crate) mod markdown;
pub(crate) mod palette;
pub(crate) mod pins;
pub(crate) mod preview;
pub(crate) mod save_times;
pub(crate) mod stack;
pub(crate) mod tasks;
pub(crate) mod tone;
pub(crate) mod traces;
pub(crate) mod updates;
pub(crate) mod waterfall;
pub(crate) mod windowing;
pub(crate) mod world;
