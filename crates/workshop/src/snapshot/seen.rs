//! A folder's files by what tells an unchanged one from a changed one without reading it.

use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::SnapshotOptions;
use super::listing::{Listing, Stamp};
use crate::error::WorkshopError;

/// Paths, modes and stamps, sorted by path; directories have none of the latter.
pub(crate) struct Seen(Vec<Entry>);

type Entry = (Box<str>, Option<(u32, Stamp)>);

impl Seen {
    /// Walks the folder. Blocks.
    pub(crate) fn list(
        root: &Path,
        options: &SnapshotOptions,
        cancel: &CancellationToken,
    ) -> Result<Self, WorkshopError> {
        let listing = Listing::of(root, options, cancel)?;
        let files = listing
            .files
            .into_iter()
            .map(|file| (file.path.into_boxed_str(), Some((file.mode, file.stamp))));
        let directories = listing
            .directories
            .into_iter()
            .map(|path| (path.into_boxed_str(), None));
        let mut all: Vec<Entry> = files.chain(directories).collect();
        // Two names may read alike when they are not Unicode.
        all.sort_unstable_by(|(left, left_stamp), (right, right_stamp)| {
            let inode = |stamp: &Option<(u32, Stamp)>| stamp.map(|(_, stamp)| stamp.inode);
            left.cmp(right)
                .then_with(|| inode(left_stamp).cmp(&inode(right_stamp)))
        });
        Ok(Self(all))
    }

    /// Names every path that is not the same in both.
    pub(crate) fn differences(&self, newer: &Self, mut differs: impl FnMut(&str)) {
        let (mut olds, mut news) = (self.0.iter().peekable(), newer.0.iter().peekable());
        loop {
            match (olds.peek(), news.peek()) {
                (Some(old), Some(new)) if old.0 == new.0 => {
                    if old.1 != new.1 {
                        differs(&new.0);
                    }
                    olds.next();
                    news.next();
                }
                (Some(old), new) if new.is_none_or(|new| old.0 < new.0) => {
                    differs(&old.0);
                    olds.next();
                }
                (_, Some(new)) => {
                    differs(&new.0);
                    news.next();
                }
                (_, None) => break,
            }
        }
    }
}
