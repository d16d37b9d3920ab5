//! The one writer: a thread that commits what has gathered in its queue as one transaction.

use std::{sync::Arc, thread};

use parking_lot::Mutex;
use rusqlite::{Connection, params};
use tokio::sync::{mpsc, oneshot};

use super::{events, jobs};
use crate::{
    Clock, Event, NewEvent, Replay, Signals, StoreError,
    publish::{Publisher, Recent},
};

/// Writes waiting for the thread; more callers wait to hand theirs over.
const QUEUE: usize = 512;
/// Writes in one transaction.
const GROUP: usize = 512;
/// Old events and ended jobs are dropped each time the log has grown by so many events.
const TRIM_EVERY: u64 = 512;

/// The face of the writer thread.
pub(super) struct Writer {
    queue: Mutex<Option<mpsc::Sender<Box<dyn Work>>>>,
    signals: Signals,
    recent: Recent,
}

/// One write, from hand-over to answer.
trait Work: Send {
    fn is_promise(&self) -> bool;
    /// Does the write; an error: undo it.
    fn run(&mut self, writing: &mut Writing<'_>) -> Result<(), StoreError>;
    /// Answers the caller, once the group was committed or not.
    fn answer(self: Box<Self>, group: Result<(), StoreError>);
}

struct Request<R, F> {
    promise: bool,
    work: Option<F>,
    outcome: Option<Result<R, StoreError>>,
    reply: oneshot::Sender<Result<R, StoreError>>,
}

impl<R, F> Work for Request<R, F>
where
    R: Send,
    F: FnOnce(&mut Writing<'_>) -> Result<R, StoreError> + Send,
{
    fn is_promise(&self) -> bool {
        self.promise
    }

    fn run(&mut self, writing: &mut Writing<'_>) -> Result<(), StoreError> {
        let outcome = self
            .work
            .take()
            .ok_or(StoreError::Closed)
            .and_then(|work| work(writing));
        let told = outcome.as_ref().map(|_| ()).map_err(Clone::clone);
        self.outcome = Some(outcome);
        told
    }

    fn answer(self: Box<Self>, group: Result<(), StoreError>) {
        let outcome = match (self.outcome, group) {
            (Some(Err(own)), _) => Err(own),
            (_, Err(shared)) => Err(shared),
            (Some(outcome), Ok(())) => outcome,
            (None, Ok(())) => Err(StoreError::Closed),
        };
        // A caller that went away does not want to know.
        drop(self.reply.send(outcome));
    }
}

impl Writer {
    pub(super) fn start(
        connection: Connection,
        clock: Arc<dyn Clock>,
        kept_events: u64,
    ) -> Result<Self, StoreError> {
        let last_seq = events::last_seq(&connection)?;
        let (publisher, signals, recent) = Publisher::new(last_seq);
        let (queue, requests) = mpsc::channel(QUEUE);
        let thread = Thread {
            connection,
            clock,
            kept_events,
            syncs: true,
            publisher,
        };
        thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || thread.run(requests))
            .map_err(StoreError::io("the store's writer thread"))?;
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            signals,
            recent,
        })
    }

    /// Hands a write over and waits until it is committed with its group.
    pub(super) async fn write<R, F>(&self, promise: bool, work: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: FnOnce(&mut Writing<'_>) -> Result<R, StoreError> + Send + 'static,
    {
        let queue = self.queue.lock().clone().ok_or(StoreError::Closed)?;
        let (reply, answer) = oneshot::channel();
        let request = Request {
            promise,
            work: Some(work),
            outcome: None,
            reply,
        };
        queue
            .send(Box::new(request))
            .await
            .map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Events after `seq` from memory, if memory reaches back so far.
    pub(super) fn recent_events(&self, seq: u64, limit: usize) -> Option<Replay> {
        self.recent.after(seq, limit)
    }

    pub(super) fn signals(&self) -> Signals {
        self.signals.clone()
    }

    /// Lets the thread finish what it has, and waits for its end.
    pub(super) async fn close(&self) {
        self.queue.lock().take();
        let mut committed = self.signals.committed.clone();
        while committed.changed().await.is_ok() {}
    }
}

struct Thread {
    connection: Connection,
    clock: Arc<dyn Clock>,
    kept_events: u64,
    /// Whether the connection now syncs on commit.
    syncs: bool,
    /// Last, so that it is dropped when the file is closed already.
    publisher: Publisher,
}

impl Thread {
    fn run(mut self, mut requests: mpsc::Receiver<Box<dyn Work>>) {
        let mut group = Vec::with_capacity(GROUP);
        while requests.blocking_recv_many(&mut group, GROUP) > 0 {
            let outcome = self.commit(&mut group);
            if let Err(error) = &outcome {
                tracing::warn!(%error, writes = group.len(), "store commit failed");
            }
            for request in group.drain(..) {
                request.answer(outcome.clone());
            }
        }
        if let Err(error) = self.connection.execute_batch("PRAGMA optimize;") {
            tracing::debug!(%error, "store not tidied on close");
        }
    }

    fn commit(&mut self, group: &mut [Box<dyn Work>]) -> Result<(), StoreError> {
        self.set_sync(group.iter().any(|request| request.is_promise()))?;
        let outcome = self.transact(group);
        if outcome.is_err() && !self.connection.is_autocommit() {
            self.connection.execute_batch("ROLLBACK")?;
        }
        outcome
    }

    fn transact(&self, group: &mut [Box<dyn Work>]) -> Result<(), StoreError> {
        let run = |sql: &str| -> Result<(), StoreError> {
            self.connection.prepare_cached(sql)?.execute([])?;
            Ok(())
        };
        run("BEGIN IMMEDIATE")?;
        let mut writing = Writing {
            connection: &self.connection,
            now_ms: self.clock.now_ms(),
            next_seq: events::last_seq(&self.connection)? + 1,
            events: Vec::new(),
            wakes_workers: false,
            wrote_log: false,
        };
        for request in group {
            run("SAVEPOINT request")?;
            let (next_seq, events) = (writing.next_seq, writing.events.len());
            if let Err(error) = request.run(&mut writing) {
                // On a full disk or an I/O error SQLite itself rolls everything back.
                if self.connection.is_autocommit() {
                    return Err(error);
                }
                run("ROLLBACK TO request")?;
                writing.next_seq = next_seq;
                writing.events.truncate(events);
            }
            run("RELEASE request")?;
        }
        let passes_a_mark = |event: &Arc<Event>| event.seq.is_multiple_of(TRIM_EVERY);
        if writing.events.iter().any(passes_a_mark) {
            events::trim(&self.connection, writing.next_seq - 1, self.kept_events)?;
            jobs::trim(&self.connection)?;
        }
        let Writing {
            events,
            wakes_workers,
            wrote_log,
            ..
        } = writing;
        run("COMMIT")?;
        self.publisher.publish(events, wakes_workers, wrote_log);
        Ok(())
    }

    fn set_sync(&mut self, sync: bool) -> Result<(), StoreError> {
        if self.syncs != sync {
            self.connection.execute_batch(if sync {
                "PRAGMA synchronous = FULL"
            } else {
                "PRAGMA synchronous = NORMAL"
            })?;
            self.syncs = sync;
        }
        Ok(())
    }
}

/// A transaction in progress, as the writes see it.
pub(super) struct Writing<'c> {
    pub(super) connection: &'c Connection,
    pub(super) now_ms: i64,
    next_seq: u64,
    events: Vec<Arc<Event>>,
    /// Some job may have become claimable.
    pub(super) wakes_workers: bool,
    /// Some job's log grew.
    pub(super) wrote_log: bool,
}

impl Writing<'_> {
    /// The seq that the next event gets.
    pub(super) fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Appends an event.
    pub(super) fn append(&mut self, new: NewEvent) -> Result<(), StoreError> {
        let NewEvent {
            topic,
            subject,
            data,
        } = new;
        let event = Event {
            seq: self.next_seq,
            at_ms: self.now_ms,
            topic,
            subject,
            data,
        };
        self.connection
            .prepare_cached(
                "INSERT INTO events (seq, at_ms, topic, subject, data) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                event.seq,
                event.at_ms,
                event.topic,
                event.subject,
                event.data.to_string()
            ])?;
        self.next_seq += 1;
        self.events.push(Arc::new(event));
        Ok(())
    }
}
