//! Looking at a folder again and again, where the system does not tell. Compares sizes, times and inodes; reads no file.

use std::path::Path;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::WatcherConfig;
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
        before: Option<Self>,
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

/// Looks that stay fast for a while after something happened, then come slower and slower.
pub(super) struct Pace {
    fast: Duration,
    slow: Duration,
    next: Duration,
    /// Fast looks left.
    left: u32,
}

impl Pace {
    /// Looks that are fast before they get slower: five seconds' worth by default, which is longer than the pauses of a person
    /// who edits.
    const FAST_LOOKS: u32 = 20;

    pub(super) fn new(config: &WatcherConfig) -> Self {
        Self {
            fast: config.poll_fast,
            slow: config.poll_slow,
            next: config.poll_fast,
            left: 0,
        }
    }

    /// Something happened.
    pub(super) fn reset(&mut self) {
        self.next = self.fast;
        self.left = Self::FAST_LOOKS;
    }

    /// How long to wait now.
    pub(super) fn next(&mut self) -> Duration {
        let now = self.next;
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => self.next = (now * 2).min(self.slow),
        }
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_fast_for_a_while_and_slow_down() {
        let mut pace = Pace::new(&WatcherConfig::default());
        pace.reset();
        let waits: Vec<u128> = (0..25).map(|_| pace.next().as_millis()).collect();
        assert_eq!(waits[..20], [250; 20]);
        assert_eq!(waits[20..], [250, 500, 1000, 2000, 2000]);
        pace.reset();
        assert_eq!(pace.next().as_millis(), 250);
    }
}
