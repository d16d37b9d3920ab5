//! The one that writes: takes what has gathered in its queue, tries it on the replica, and commits it as one.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use mongodb::bson::Document;
use parking_lot::Mutex;
use tokio::{
    sync::{Notify, mpsc, oneshot, watch},
    time::Instant,
};

use super::{
    catch_up::{Head, catch_up, is_commit_of},
    changes::Changes,
    entry::Entry,
    fetch::fetch,
    replica::Replica,
    server::Server,
    stage::{Reply, Stage, Work},
};
use crate::{Change, Clock, StoreError, publish::Publisher};

/// Requests in one commit.
const GROUP: usize = 256;
/// No further request joins a commit that is to write so much.
const GROUP_BYTES: usize = 2 << 20;
/// How long a commit may be tried, when others are quicker or the server is away.
const TRYING: Duration = Duration::from_secs(8);
/// The first pause after another control plane was quicker; it doubles, with chance, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(64);
/// Old events are dropped each time the log has grown by so many, ended jobs when there are so many too many.
const TRIM_EVERY: u64 = 512;
const ENDED_SLACK: usize = 128;

/// One request, from hand-over to answer.
pub(super) struct Request {
    pub(super) work: Work,
    pub(super) reply: oneshot::Sender<Result<Reply, StoreError>>,
}

pub(super) struct Writer {
    pub(super) server: Server,
    pub(super) replica: Arc<Mutex<Replica>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) kept_events: u64,
    /// Who we are among the control planes.
    pub(super) plane: String,
    /// Hears of each commit of ours, to tell the other control planes.
    pub(super) last: watch::Sender<i64>,
    /// Whether the replica may not be what the head says.
    pub(super) is_stale: bool,
    /// Last, so that it is dropped when all is done.
    pub(super) publisher: Publisher,
}

/// What became of an attempt.
enum Attempt {
    Done(Vec<Result<Reply, StoreError>>),
    /// Another control plane was quicker.
    Overtaken,
}

impl Writer {
    /// Works until nobody can hand over requests any more.
    pub(super) async fn run(mut self, mut requests: mpsc::Receiver<Request>, woken: Arc<Notify>) {
        let mut waiting = VecDeque::new();
        let mut taken = Vec::with_capacity(GROUP);
        loop {
            if waiting.is_empty() {
                tokio::select! {
                    count = requests.recv_many(&mut taken, GROUP) => {
                        if count == 0 {
                            break;
                        }
                        waiting.extend(taken.drain(..));
                    }
                    () = woken.notified() => {
                        self.is_stale = true;
                        if let Err(error) = self.refresh().await {
                            tracing::debug!(%error, "not caught up with the others");
                        }
                    }
                }
            }
            if !waiting.is_empty() {
                self.commit(&mut waiting).await;
            }
        }
    }

    /// Commits as many of the requests as fit together, and answers them.
    async fn commit(&mut self, waiting: &mut VecDeque<Request>) {
        let started = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            match self.attempt(waiting).await {
                Ok(Attempt::Done(replies)) => {
                    for (request, reply) in waiting.drain(..replies.len()).zip(replies) {
                        // A caller that went away does not want to know.
                        drop(request.reply.send(reply));
                    }
                    return;
                }
                Ok(Attempt::Overtaken) if started.elapsed() < TRYING => {
                    let chance = rand::random_range(0.5..1.5);
                    tokio::time::sleep(pause.mul_f64(chance)).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                outcome => {
                    let error = outcome.err().unwrap_or(StoreError::Busy);
                    tracing::warn!(%error, requests = waiting.len(), "store commit failed");
                    for request in waiting.drain(..) {
                        drop(request.reply.send(Err(error.clone())));
                    }
                    return;
                }
            }
        }
    }

    async fn attempt(&mut self, waiting: &VecDeque<Request>) -> Result<Attempt, StoreError> {
        if self.is_stale {
            self.refresh().await?;
        }
        let fetched = fetch(&self.server, &self.replica, waiting).await?;
        let now_ms = self.clock.now_ms();
        self.is_stale = true; // until it is known how it ended
        let (replies, changes, entry, advance) = {
            let mut replica = self.replica.lock();
            let mut stage = Stage::new(&mut replica, &fetched, now_ms);
            let mut replies = Vec::with_capacity(waiting.len());
            for request in waiting {
                replies.push(stage.attempt(&request.work));
                if stage.bytes() > GROUP_BYTES {
                    break;
                }
            }
            stage.trim_jobs(ENDED_SLACK);
            let changes = stage.finish();
            if changes.is_empty() {
                replica.undo_all();
                (replies, changes, None, None)
            } else {
                self.trim_events(&mut replica);
                let entry = Entry::new(&replica, &fetched, &changes, &self.plane, now_ms)?;
                let n = replica.committed.n + 1;
                replica.counters.n = n;
                // A claim is one here: the worker outlives the server that forgot it. So is whatever followers hear of.
                let is_promise = !changes.events.is_empty()
                    || waiting.iter().take(replies.len()).any(is_a_promise);
                let advance = entry.advance_head(&replica.counters, &self.plane, is_promise)?;
                (replies, changes, Some(entry), Some(advance))
            }
        };
        let (Some(entry), Some(advance)) = (entry, advance) else {
            self.is_stale = false;
            return self.check(replies).await;
        };
        if !self.advance(advance).await? {
            return Ok(Attempt::Overtaken);
        }
        self.apply(&entry).await?;
        let n = {
            let mut replica = self.replica.lock();
            replica.keep();
            replica.committed.n
        };
        self.is_stale = false;
        self.publish(changes);
        self.last.send_replace(n);
        Ok(Attempt::Done(replies))
    }

    /// Answers that change nothing are right only if the replica is what the head says: a refusal must not come from
    /// what was true a moment ago. That there is no job to claim may: the wake-up is on its way.
    async fn check(
        &mut self,
        replies: Vec<Result<Reply, StoreError>>,
    ) -> Result<Attempt, StoreError> {
        let is_harmless =
            |reply: &Result<Reply, StoreError>| matches!(reply, Ok(Reply::Claimed(None)));
        if !replies.iter().all(is_harmless) {
            let known = self.replica.lock().committed.n;
            let head = Head::read(&self.server).await?;
            if head.counters.n != known {
                self.is_stale = true;
                return Ok(Attempt::Overtaken);
            }
        }
        Ok(Attempt::Done(replies))
    }

    /// Moves the head; false: another control plane did. When an answer is lost, it is found out who got through.
    async fn advance(&self, command: Document) -> Result<bool, StoreError> {
        let n = self.replica.lock().counters.n;
        let started = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut lost: Option<StoreError> = None;
        loop {
            match self.server.run_once(command.clone()).await {
                Ok(answer) => match (answer.get_i32("n"), lost) {
                    (Ok(1), _) => return Ok(true),
                    (Ok(0), None) => return Ok(false),
                    // Overtaken by another one, or by ourselves a moment ago.
                    (Ok(0), Some(error)) => {
                        let is_ours = is_commit_of(&self.server, n, &self.plane).await?;
                        return is_ours.ok_or(error);
                    }
                    _ => return Err(self.server.failed("the head was not written")),
                },
                Err(error @ StoreError::Unavailable { .. }) if started.elapsed() < TRYING => {
                    lost = Some(error);
                }
                Err(error) => return Err(error),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Brings the commit into the collections. It is committed: if this fails, the next who comes finishes it.
    async fn apply(&self, entry: &Entry) -> Result<(), StoreError> {
        let started = Instant::now();
        loop {
            match entry.apply(&self.server).await {
                Err(StoreError::Unavailable { .. }) if started.elapsed() < TRYING => {
                    tokio::time::sleep(LONGEST_PAUSE).await;
                }
                outcome => return outcome,
            }
        }
    }

    async fn refresh(&mut self) -> Result<(), StoreError> {
        self.replica.lock().undo_all();
        let head = catch_up(&self.server, &self.replica, &self.publisher, &self.plane).await?;
        if head.is_copy {
            return Err(StoreError::Refused {
                server: self.server.label().to_owned(),
                reason: "it is an unfinished copy of another store".to_owned(),
            });
        }
        self.is_stale = false;
        Ok(())
    }

    fn trim_events(&self, replica: &mut Replica) {
        let counters = &mut replica.counters;
        if counters.seq / TRIM_EVERY != replica.committed.seq / TRIM_EVERY {
            let first_kept = (counters.seq + 1).saturating_sub(self.kept_events.max(1));
            counters.first_seq = counters.first_seq.max(first_kept);
        }
    }

    fn publish(&self, changes: Changes) {
        self.publisher
            .publish(changes.events, changes.wakes_workers, changes.wrote_log);
    }
}

fn is_a_promise(request: &Request) -> bool {
    match &request.work {
        Work::Commit(changes) => changes.iter().any(Change::is_a_promise),
        Work::Claim { .. } | Work::Release { .. } => true,
        Work::Sync => false,
    }
}
