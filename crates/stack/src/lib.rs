//! Owns the local Docker stack: Compose files read into typed values, and a stack brought up, down and kept in view through the
//! engine's API. Must never know agents, the store, the gateway or the control plane.

mod board;
pub mod compose;
mod down;
mod error;
mod exec;
mod label;
mod logs;
mod observe;
pub mod observed;
mod part;
pub mod plan;
mod progress;
mod spec;
mod stack;
mod stats;
#[cfg(test)]
mod tests;
mod up;
mod watch;

pub use self::down::DownOptions;
pub use self::error::{OtherPort, StackError};
pub use self::exec::{Exec, ExecOutput};
pub use self::logs::{LogLine, LogQuery, LogStream};
pub use self::part::Part;
pub use self::progress::{ImageProgress, Phase, Progress, ProgressSink};
pub use self::spec::{Contents, HashKey};
pub use self::stack::Stack;
pub use self::stats::Stats;
pub use self::up::{Outcome, PortOwner, UpOptions, WriteContext};
pub use self::watch::{View, Watch};
