//! How long ago a save was.

use std::time::{Duration, Instant, SystemTime};

use nasiko_workshop::{Snapshot, snapshot::FileEntry};

/// A file's time counts as the moment of its save if it was seen no later than this.
const LATE: Duration = Duration::from_secs(1);

/// Measures from the moment of a save on, whatever the wall clock does meanwhile.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    noticed: Instant,
    /// From the save to `noticed`.
    before: Duration,
    /// The save, by the wall clock.
    pub(super) saved: SystemTime,
}

impl Clock {
    /// `at` and `noticed` are the same moment: when the first event of the save was seen. A changed file that was written
    /// shortly before says when that was.
    pub(super) fn new<'a>(
        at: SystemTime,
        noticed: Instant,
        now: &Snapshot,
        changed: impl Iterator<Item = &'a String>,
    ) -> Self {
        let saved = changed
            .filter_map(|path| now.file(path))
            .filter_map(written)
            .filter(|written| at.duration_since(*written).is_ok_and(|late| late <= LATE))
            .min()
            .unwrap_or(at);
        Self {
            noticed,
            before: at.duration_since(saved).unwrap_or_default(),
            saved,
        }
    }

    /// Seconds since the save.
    pub(super) fn seconds(&self) -> f64 {
        (self.before + self.noticed.elapsed()).as_secs_f64()
    }

    /// Seconds from the save to a moment.
    pub(super) fn seconds_to(&self, moment: Instant) -> f64 {
        (self.before + moment.saturating_duration_since(self.noticed)).as_secs_f64()
    }
}

fn written(file: &FileEntry) -> Option<SystemTime> {
    let since = u64::try_from(file.modified_ns).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_nanos(since))
}

#[cfg(test)]
mod tests {
    use nasiko_workshop::SnapshotOptions;
    use tokio_util::sync::CancellationToken;

    use super::*;

    #[test]
    fn a_file_written_just_before_it_was_seen_says_when_the_save_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("main.py");
        fs_err::write(&path, "one").unwrap();
        let file = fs_err::File::options().append(true).open(&path).unwrap();
        let written = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        file.into_parts().0.set_modified(written).unwrap();
        let never = CancellationToken::new();
        let options = SnapshotOptions::default();
        let now = Snapshot::take(folder.path(), &options, None, &never).unwrap();
        let changed = ["main.py".to_owned(), "gone.py".to_owned()];
        for (late, saved) in [
            (Duration::from_millis(30), written),
            (LATE * 2, written + LATE * 2),
        ] {
            let clock = Clock::new(written + late, Instant::now(), &now, changed.iter());
            assert_eq!(clock.saved, saved);
            let before = if saved == written {
                late
            } else {
                Duration::ZERO
            };
            assert!(clock.seconds() >= before.as_secs_f64());
            assert!(clock.seconds() < before.as_secs_f64() + 1.0);
        }
    }
}
