//! What is told while a stack is brought up or down.

use std::sync::Arc;

use crate::compose::Condition;
use crate::plan::Plan;

/// Takes what is told. Called often and must not block.
pub trait ProgressSink: Send + Sync {
    /// Something happened.
    fn report(&self, progress: Progress);
}

impl<F: Fn(Progress) + Send + Sync> ProgressSink for F {
    fn report(&self, progress: Progress) {
        self(progress);
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// What is going to be done. Told again when an image that was pulled or built changes it.
    Planned(Arc<Plan>),
    /// An image is being fetched or built.
    Image {
        /// Its reference.
        reference: String,
        /// How far.
        state: ImageProgress,
    },
    /// A network was made or removed.
    Network {
        /// Its name in the engine.
        name: String,
        /// Whether it was made.
        made: bool,
    },
    /// A volume was made or removed.
    Volume {
        /// Its name in the engine.
        name: String,
        /// Whether it was made.
        made: bool,
    },
    /// A service came a step further.
    Service {
        /// Its name.
        service: String,
        /// To where.
        phase: Phase,
    },
}

/// How far an image is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageProgress {
    /// It is pulled. Totals grow while the engine learns of layers.
    Pulling {
        /// Layers that are here.
        layers_done: u32,
        /// Layers known so far.
        layers: u32,
        /// Bytes that are here.
        bytes_done: u64,
        /// Bytes known so far.
        bytes: u64,
    },
    /// A line of the builder.
    Building {
        /// The line.
        line: String,
    },
    /// It is here.
    Done,
}

/// Where a service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// It is as it should be.
    Kept,
    /// It waits for another service.
    Waiting {
        /// The service.
        service: String,
        /// Until when.
        condition: Condition,
    },
    /// Its container is made.
    Creating,
    /// Its container is replaced.
    Recreating {
        /// Why.
        reason: String,
    },
    /// It is stopped.
    Stopping,
    /// It is started.
    Starting,
    /// It runs, and its health check has not passed yet.
    Checking,
    /// It is as it should be now.
    Ready,
    /// Its container is gone.
    Removed,
    /// It could not be brought further.
    Failed {
        /// Why.
        reason: String,
    },
}
