//! Connections for questions: a few per day, reused, and stopped when nobody waits for the answer any more.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use parking_lot::Mutex;
use rusqlite::{Connection, InterruptHandle};
use tokio::sync::Semaphore;

use super::{
    TraceStore,
    partition::{Day, Days, open_reader},
};
use crate::{Limits, TelemetryError};

/// Idle connections kept per day.
const IDLE_PER_DAY: usize = 2;

pub(crate) struct Readers {
    dir: PathBuf,
    pub(crate) days: Arc<Days>,
    pub(crate) limits: Arc<Limits>,
    idle: Mutex<BTreeMap<Day, Vec<Connection>>>,
    places: Arc<Semaphore>,
}

/// Tells a question that it is no longer wanted, and interrupts the statement it is in.
#[derive(Default)]
pub(crate) struct Stop {
    stopped: AtomicBool,
    running: Mutex<Option<InterruptHandle>>,
}

struct StopOnDrop(Arc<Stop>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stopped.store(true, Relaxed);
        if let Some(running) = &*self.0.running.lock() {
            running.interrupt();
        }
    }
}

impl Readers {
    pub(crate) fn new(dir: PathBuf, days: Arc<Days>, limits: Arc<Limits>) -> Self {
        let places = Arc::new(Semaphore::new(limits.max_queries.max(1)));
        Self {
            dir,
            days,
            limits,
            idle: Mutex::default(),
            places,
        }
    }

    /// Closes what is idle on a day whose file goes.
    pub(crate) fn forget(&self, day: Day) {
        self.idle.lock().remove(&day);
    }

    /// Asks one day. None when its file has gone meanwhile.
    pub(crate) fn ask<T>(
        &self,
        day: Day,
        stop: &Stop,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, TelemetryError> {
        if stop.stopped.load(Relaxed) {
            return Err(TelemetryError::TooSlow);
        }
        let kept = self.idle.lock().get_mut(&day).and_then(Vec::pop);
        let connection = match kept {
            Some(connection) => connection,
            None => match open_reader(&day.path(&self.dir)) {
                Err(_) if !self.days.contains(day) => return Ok(None),
                opened => opened?,
            },
        };
        *stop.running.lock() = Some(connection.get_interrupt_handle());
        let answer = question(&connection);
        *stop.running.lock() = None;
        let answer = answer.map_err(|source| match source.sqlite_error_code() {
            Some(rusqlite::ErrorCode::OperationInterrupted) => TelemetryError::TooSlow,
            _ => TelemetryError::Read(Arc::new(source)),
        })?;
        let mut idle = self.idle.lock();
        let shelf = idle.entry(day).or_default();
        if self.days.contains(day) && shelf.len() < IDLE_PER_DAY {
            shelf.push(connection);
        }
        Ok(Some(answer))
    }
}

impl TraceStore {
    /// Runs a question on a thread where waiting is allowed. Dropping the future, or its limit, stops the question.
    pub(crate) async fn question<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Readers, &Stop) -> Result<T, TelemetryError> + Send + 'static,
    ) -> Result<T, TelemetryError> {
        let readers = Arc::clone(&self.inner.readers);
        let stop = Arc::new(Stop::default());
        let _stop_on_drop = StopOnDrop(Arc::clone(&stop));
        let answered = async {
            let place = Arc::clone(&readers.places)
                .acquire_owned()
                .await
                .map_err(|_| TelemetryError::Closed)?;
            let (readers, stop) = (Arc::clone(&readers), Arc::clone(&stop));
            let answering = tokio::task::spawn_blocking(move || {
                let answer = question(&readers, &stop);
                drop(place);
                answer
            });
            answering.await.map_err(|_| TelemetryError::Closed)?
        };
        tokio::time::timeout(self.inner.limits.query_timeout, answered)
            .await
            .map_err(|_| TelemetryError::TooSlow)?
    }
}
