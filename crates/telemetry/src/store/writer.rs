//! The one thread that writes: takes what waits, puts each trace into its day, commits once, and answers everybody.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering::Relaxed},
};

use tokio::sync::{OwnedSemaphorePermit, broadcast, mpsc, oneshot};

use super::{
    Tally, Written,
    figures::FigureCommit,
    insert::insert,
    partition::{Day, Days, Partition},
    readers::Readers,
    summary::TraceNotice,
};
use crate::{Limits, LogRecord, Span, TelemetryError, TraceId, forward::Outbox};

/// Days held open for writing: today, its neighbours, and one for late spans.
const OPEN_DAYS: usize = 4;
/// Items between two looks at the bytes taken.
const ITEMS_PER_SIZE_CHECK: usize = 4096;

/// What one call asks to be written. Without any items it is a flush.
pub(crate) struct Batch {
    pub(crate) spans: Vec<Span>,
    pub(crate) logs: Vec<LogRecord>,
    /// Its spans are to be forwarded.
    pub(crate) forward: bool,
    pub(crate) places: Option<OwnedSemaphorePermit>,
    pub(crate) done: Option<oneshot::Sender<Result<Written, TelemetryError>>>,
}

/// Who is told of commits.
pub(crate) struct Announcements {
    pub(crate) notices: broadcast::Sender<TraceNotice>,
    pub(crate) figures: broadcast::Sender<Arc<FigureCommit>>,
}

pub(crate) struct Writer {
    dir: PathBuf,
    limits: Arc<Limits>,
    days: Arc<Days>,
    tally: Arc<Tally>,
    told: Announcements,
    readers: Arc<Readers>,
    outbox: Arc<Outbox>,
    open: BTreeMap<Day, Partition>,
    today: Day,
    since_size_check: usize,
    full: bool,
}

/// One day's share of what is written together.
#[derive(Default)]
struct Share {
    spans: Vec<Span>,
    /// Of each span, whether it is to be forwarded.
    forward: Vec<bool>,
    logs: Vec<LogRecord>,
}

impl Writer {
    /// Prepares the directory and today's file, so that what would fail later fails now.
    pub(crate) fn open(
        dir: &Path,
        limits: Arc<Limits>,
        days: Arc<Days>,
        tally: Arc<Tally>,
        told: Announcements,
        readers: Arc<Readers>,
        outbox: Arc<Outbox>,
    ) -> Result<Self, TelemetryError> {
        let fail = |source| TelemetryError::Directory {
            path: dir.into(),
            source: Arc::new(source),
        };
        fs_err::create_dir_all(dir).map_err(fail)?;
        for entry in fs_err::read_dir(dir).map_err(fail)? {
            let name = entry.map_err(fail)?.file_name();
            if let Some(day) = name.to_str().and_then(Day::of_file) {
                days.insert(day);
            }
        }
        let today = Day::today();
        let mut writer = Self {
            dir: dir.into(),
            limits,
            days,
            tally,
            told,
            readers,
            outbox,
            open: BTreeMap::new(),
            today,
            since_size_check: 0,
            full: false,
        };
        writer.forget_old_days();
        writer.partition(today)?;
        writer.keep_within_bytes();
        Ok(writer)
    }

    /// Writes until every sender is gone and the queue is empty.
    pub(crate) fn run(mut self, mut queue: mpsc::Receiver<Batch>) {
        while let Some(first) = queue.blocking_recv() {
            let mut items = first.spans.len() + first.logs.len();
            let mut batches = vec![first];
            while items < self.limits.batch_items {
                let Ok(next) = queue.try_recv() else { break };
                items += next.spans.len() + next.logs.len();
                batches.push(next);
            }
            self.commit(batches, items);
        }
    }

    fn commit(&mut self, mut batches: Vec<Batch>, items: usize) {
        let today = Day::today();
        if today != self.today {
            self.today = today;
            self.forget_old_days();
        }
        self.since_size_check += items;
        if self.full || self.since_size_check >= ITEMS_PER_SIZE_CHECK {
            self.since_size_check = 0;
            self.keep_within_bytes();
        }
        let mut shares: BTreeMap<Day, Share> = BTreeMap::new();
        let mut homes = HashMap::new();
        let outcomes: Vec<_> = batches
            .iter_mut()
            .map(|batch| self.sort(batch, &mut shares, &mut homes))
            .collect();
        let mut failure = None;
        for (day, share) in shares {
            let items = (share.spans.len() + share.logs.len()) as u64;
            if let Err(error) = self.write(day, share) {
                tracing::error!(%error, cause = ?std::error::Error::source(&error), "telemetry was not written");
                self.tally.failed.fetch_add(items, Relaxed);
                failure = Some(error);
            }
        }
        for (batch, outcome) in batches.into_iter().zip(outcomes) {
            drop(batch.places);
            if let Some(done) = batch.done {
                // Which batch a lost share came from is not known, so all are told; spans can simply be sent again.
                // Whoever asked may have left meanwhile.
                done.send(failure.clone().map_or(outcome, Err)).ok();
            }
        }
    }

    /// Puts each item of a batch to its day, and says how many had no day to go to.
    fn sort(
        &mut self,
        batch: &mut Batch,
        shares: &mut BTreeMap<Day, Share>,
        homes: &mut HashMap<TraceId, Day>,
    ) -> Result<Written, TelemetryError> {
        let items = (batch.spans.len() + batch.logs.len()) as u64;
        if self.full && items > 0 {
            self.tally.rejected.fetch_add(items, Relaxed);
            return Err(TelemetryError::Full {
                limit: self.limits.max_bytes,
            });
        }
        let (oldest, newest) = (self.oldest_kept(), self.today.after(1));
        let mut rejected = 0;
        for span in std::mem::take(&mut batch.spans) {
            let day = Day::of(span.start_ns);
            if day < oldest || day > newest {
                rejected += 1;
                continue;
            }
            let home = match homes.get(&span.trace_id) {
                Some(home) => *home,
                None => self.home(&span, day)?,
            };
            homes.insert(span.trace_id, home);
            let share = shares.entry(home).or_default();
            share.spans.push(span);
            share.forward.push(batch.forward);
        }
        for log in std::mem::take(&mut batch.logs) {
            let day = Day::of(log.time_ns);
            if day < oldest || day > newest {
                rejected += 1;
                continue;
            }
            shares.entry(day).or_default().logs.push(log);
        }
        self.tally.rejected.fetch_add(rejected, Relaxed);
        Ok(Written { rejected })
    }

    /// The day whose file holds the span's trace, or the span's own day. A trace that runs over midnight stays whole
    /// in the file that saw it first, so that no list has to put halves together.
    fn home(&mut self, span: &Span, day: Day) -> Result<Day, TelemetryError> {
        // Only a child can have a trace that began the day before.
        let before = span.parent_id.map(|_| day.before(1));
        for candidate in [Some(day), before, Some(day.after(1))]
            .into_iter()
            .flatten()
        {
            if self.days.contains(candidate) {
                let found = self.partition(candidate)?.find(span.trace_id);
                if found
                    .map_err(|source| TelemetryError::Write(Arc::new(source)))?
                    .is_some()
                {
                    return Ok(candidate);
                }
            }
        }
        Ok(day)
    }

    /// Only what is durable and was not there before is forwarded: what comes back to us goes no further.
    fn write(&mut self, day: Day, mut share: Share) -> Result<(), TelemetryError> {
        let limits = Arc::clone(&self.limits);
        let inserted = insert(
            day,
            self.partition(day)?,
            &share.spans,
            &share.logs,
            &limits,
        )
        .map_err(|source| TelemetryError::Write(Arc::new(source)))?;
        self.tally.accepted.fetch_add(inserted.accepted, Relaxed);
        self.tally
            .duplicates
            .fetch_add(inserted.duplicates.len() as u64, Relaxed);
        if self.told.notices.receiver_count() > 0 {
            for notice in inserted.notices {
                self.told.notices.send(notice).ok();
            }
        }
        if let Some(figures) = inserted.figures {
            // Nobody may look at figures now.
            self.told.figures.send(Arc::new(figures)).ok();
        }
        if self.outbox.is_open() {
            for place in inserted.duplicates {
                if let Some(forward) = share.forward.get_mut(place) {
                    *forward = false;
                }
            }
            let spans = share.spans.into_iter().zip(share.forward);
            self.outbox
                .put(spans.filter_map(|(span, forward)| forward.then_some(span)));
        }
        Ok(())
    }

    fn partition(&mut self, day: Day) -> Result<&mut Partition, TelemetryError> {
        if !self.open.contains_key(&day) {
            while self.open.len() >= OPEN_DAYS {
                self.open.pop_first();
            }
            let partition = Partition::open(&day.path(&self.dir))?;
            self.days.insert(day);
            self.open.insert(day, partition);
        }
        // It was put there just now if it was not there before.
        self.open.get_mut(&day).ok_or(TelemetryError::Closed)
    }

    fn oldest_kept(&self) -> Day {
        self.today
            .before(u32::from(self.limits.retention_days.max(1)) - 1)
    }

    fn forget_old_days(&mut self) {
        let oldest = self.oldest_kept();
        while let Some(day) = self.days.oldest().filter(|day| *day < oldest) {
            self.delete(day);
        }
    }

    /// Deletes the oldest days while all files together are too large; today's is never deleted.
    fn keep_within_bytes(&mut self) {
        let was_full = std::mem::replace(&mut self.full, true);
        while self.bytes_taken() > self.limits.max_bytes {
            match self.days.oldest().filter(|day| *day < self.today) {
                Some(day) => self.delete(day),
                None => {
                    if !was_full {
                        tracing::warn!(
                            limit = self.limits.max_bytes,
                            "telemetry takes all the bytes it may"
                        );
                    }
                    return;
                }
            }
        }
        self.full = false;
    }

    fn bytes_taken(&self) -> u64 {
        let files = self
            .days
            .newest_first()
            .into_iter()
            .flat_map(|day| files_of(&day.path(&self.dir)));
        files
            .filter_map(|file| fs_err::metadata(file).ok())
            .map(|metadata| metadata.len())
            .sum()
    }

    fn delete(&mut self, day: Day) {
        self.open.remove(&day);
        self.days.remove(day);
        self.readers.forget(day);
        for file in files_of(&day.path(&self.dir)) {
            match fs_err::remove_file(&file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    tracing::warn!(%error, "old telemetry stays");
                }
                _ => {}
            }
        }
    }
}

/// A day's file and what the database keeps beside it.
fn files_of(path: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|ending| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        name.into()
    })
}
