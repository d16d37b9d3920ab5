//! Looking at a folder again and again, where the system does not tell. Compares sizes, times and inodes; reads no file.

use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::mailbox::Mailbox;
use crate::error::WorkshopError;
use crate::snapshot::{Seen, SnapshotOptions};

/// A folder as it was when last looked at.
pub(super) struct Polled {
    seen: Seen,
    /// Whether it differed from the look before.
    pub(super) changed: bool,
}

impl Polled {
    /// Looks, and puts what differs from `before` into the mailbox. Blocks.
    pub(super) fn look(
        root: &Path,
        options: &SnapshotOptions,
        before: Option<&Self>,
        mailbox: &Mailbox,
        cancel: &CancellationToken,
    ) -> Result<Self, WorkshopError> {
        let seen = Seen::list(root, options, cancel)?;
        let mut changed = false;
        if let Some(before) = before {
            before.seen.differences(&seen, |path| {
                changed = true;
                mailbox.path(path.to_owned());
            });
        }
        Ok(Self { seen, changed })
    }
}
