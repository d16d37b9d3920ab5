//! The backend for people who work together, or beside a platform: a MongoDB database, and optionally a Redis server.
//!
//! # Which part is the truth
//!
//! MongoDB is. It holds records, jobs, their logs and the event log; Redis holds nothing that could be lost.
//!
//! A commit is one document: the *head*, which every control plane on the database moves from commit `n` to `n + 1` by one
//! compare-and-set that carries the whole commit with it (`entry`). One document is changed atomically by every MongoDB
//! server, so this works on replica sets, sharded clusters, standalone servers and servers that only speak the protocol;
//! transactions, which a standalone server has not, are not needed. After that the commit is brought into the collections
//! (`nasiko_records`, `nasiko_jobs`, `nasiko_job_log`) by commands that may be repeated, last of all into
//! `nasiko_journal`, which holds the events. Whoever finds a head whose commit is not in the journal, because its author
//! died in between, finishes it first. So:
//!
//! - a batch is applied whole or not at all, also when the process or the server dies at any moment;
//! - event numbers have no gaps, because only the holder of commit `n` hands out those of `n + 1`;
//! - an answer, a wake-up and an event come after the collections say the same. A listing that is read in the moment in
//!   which another commit is brought in may show a part of it; each document in it is whole.
//!
//! # The queue
//!
//! Each control plane has a copy of the queue in memory (`replica`) that is exact as of one commit. A claim is decided on
//! the copy and holds if the head still is at that commit; else the copy catches up from the journal and it is tried again.
//! Two control planes therefore never run one job at the same time, and a worker whose lease went elsewhere is refused by
//! the number of its attempt, as with the embedded store. Requests that gather meanwhile share one commit.

mod address;
mod catch_up;
mod changes;
mod entry;
mod events;
mod fetch;
mod follow;
mod jobs;
mod records;
mod replica;
mod schema;
mod server;
mod slot;
mod stage;
mod transfer;
mod writer;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::{
    sync::{Notify, mpsc, oneshot, watch},
    task::{JoinHandle, JoinSet},
};

pub use self::address::MongoAddress;
use self::{
    replica::Replica,
    server::Server,
    stage::{Reply, Work},
    writer::{Request, Writer},
};
use crate::{
    Backend, Batch, ClaimedJob, Clock, Committed, Document, Health, Job, JobQuery, LogPage, Page,
    Query, Replay, Signals, StoreError, SystemClock,
    publish::{Publisher, Recent},
    streams::{Link, RedisAddress, commits},
    transfer::Endpoint,
};

/// Requests waiting for the writer; more callers wait to hand theirs over.
const QUEUE: usize = 512;

/// How to open the database.
#[derive(Clone)]
pub struct MongoOptions {
    /// Where it is.
    pub address: MongoAddress,
    /// What tells control planes of each other's commits; without it MongoDB does, later if it is a standalone server.
    pub redis: Option<RedisAddress>,
    /// Events kept in the log.
    pub kept_events: u64,
    /// Decides leases and retries. All control planes on one database should agree about the time.
    pub clock: Arc<dyn Clock>,
}

impl MongoOptions {
    /// Events kept unless said otherwise.
    pub const KEPT_EVENTS: u64 = 50_000;

    /// The usual options.
    pub fn new(address: MongoAddress) -> Self {
        Self {
            address,
            redis: None,
            kept_events: Self::KEPT_EVENTS,
            clock: Arc::new(SystemClock),
        }
    }
}

/// The backend over a MongoDB database.
pub struct Mongo {
    /// The database's own id, made with it.
    identity: String,
    server: Server,
    replica: Arc<Mutex<Replica>>,
    clock: Arc<dyn Clock>,
    queue: Mutex<Option<mpsc::Sender<Request>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    redis: Option<Link>,
    /// Ends by itself, with its last announcement made.
    announcer: Mutex<Option<JoinHandle<()>>>,
    /// Ended when dropped.
    followers: Mutex<JoinSet<()>>,
    signals: Signals,
    recent: Recent,
}

impl Mongo {
    /// Opens the database, making collections and indexes that are missing, and finishing a commit that was left half-way.
    ///
    /// Errors: [`StoreError::BadAddress`], [`StoreError::Unavailable`], [`StoreError::Refused`], [`StoreError::NewerData`].
    pub async fn open(options: MongoOptions) -> Result<Self, StoreError> {
        let server = Server::connect(&options.address).await?;
        let redis = match &options.redis {
            Some(address) => Some(Link::open(address).await?),
            None => None,
        };
        let identity = schema::prepare(&server).await?;
        let replica = Arc::new(Mutex::new(Replica::unread()));
        let (publisher, signals, recent) = Publisher::new(0);
        let plane = uuid::Uuid::new_v4().to_string();
        let head = catch_up::catch_up(&server, &replica, &publisher, &plane).await?;
        let (queue, requests) = mpsc::channel(QUEUE);
        let (woken, last) = (Arc::new(Notify::new()), watch::Sender::new(head.counters.n));
        let mut followers = JoinSet::new();
        let mut announcer = None;
        if let Some(link) = &redis {
            let (link, database) = (link.clone(), server.name().to_owned());
            let (to, listener) = (last.subscribe(), Arc::clone(&woken));
            announcer = Some(tokio::spawn(commits::announce(
                link.clone(),
                database.clone(),
                plane.clone(),
                to,
            )));
            followers.spawn(commits::follow(link, database, plane.clone(), listener));
        } else {
            let (replica, listener) = (Arc::clone(&replica), Arc::clone(&woken));
            followers.spawn(follow::follow(server.clone(), replica, listener));
        }
        let writer = Writer {
            server: server.clone(),
            replica: Arc::clone(&replica),
            clock: Arc::clone(&options.clock),
            kept_events: options.kept_events,
            plane,
            last,
            is_stale: false,
            publisher,
        };
        Ok(Self {
            identity,
            server,
            replica,
            clock: options.clock,
            queue: Mutex::new(Some(queue)),
            writer: Mutex::new(Some(tokio::spawn(writer.run(requests, woken)))),
            redis,
            announcer: Mutex::new(announcer),
            followers: Mutex::new(followers),
            signals,
            recent,
        })
    }

    async fn ask(&self, work: Work) -> Result<Reply, StoreError> {
        let queue = self.queue.lock().clone().ok_or(StoreError::Closed)?;
        let (reply, answer) = oneshot::channel();
        queue
            .send(Request { work, reply })
            .await
            .map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    fn check_open(&self) -> Result<(), StoreError> {
        match *self.queue.lock() {
            Some(_) => Ok(()),
            None => Err(StoreError::Closed),
        }
    }

    /// The number of a job, which is its key in the collection.
    async fn number(&self, id: &str) -> Result<i64, StoreError> {
        let known = || self.replica.lock().get(id).map(|slot| slot.number);
        if let Some(number) = known() {
            return Ok(number);
        }
        // Another control plane may have accepted it a moment ago.
        self.ask(Work::Sync).await?;
        known().ok_or_else(|| StoreError::JobNotFound { id: id.to_owned() })
    }
}

#[async_trait]
impl Backend for Mongo {
    fn name(&self) -> &'static str {
        match self.redis {
            Some(_) => "mongodb+redis",
            None => "mongodb",
        }
    }

    async fn get(&self, kind: &'static str, id: &str) -> Result<Option<Document>, StoreError> {
        self.check_open()?;
        records::get(&self.server, kind, id).await
    }

    async fn list(&self, kind: &'static str, query: &Query) -> Result<Page<Document>, StoreError> {
        self.check_open()?;
        records::list(&self.server, kind, query).await
    }

    async fn commit(&self, batch: Batch) -> Result<Committed, StoreError> {
        match self.ask(Work::Commit(batch.into_changes()?)).await? {
            Reply::Committed(committed) => Ok(committed),
            _ => Err(StoreError::Closed),
        }
    }

    async fn events_after(&self, seq: u64, limit: usize) -> Result<Replay, StoreError> {
        if let Some(replay) = self.recent.after(seq, limit) {
            return Ok(replay);
        }
        self.check_open()?;
        if seq > self.replica.lock().committed.seq {
            // Whoever asks may have it from another control plane.
            self.ask(Work::Sync).await?;
        }
        let log = self.replica.lock().committed.clone();
        events::after(&self.server, &log, seq, limit).await
    }

    async fn claim(&self, worker: &str, lease: Duration) -> Result<Option<ClaimedJob>, StoreError> {
        let worker = worker.to_owned();
        let Reply::Claimed(claimed) = self.ask(Work::Claim { worker, lease }).await? else {
            return Err(StoreError::Closed);
        };
        let Some(mut taken) = claimed else {
            return Ok(None);
        };
        if let Some(number) = taken.unread {
            taken.claimed.job.payload = jobs::payload(&self.server, number).await?;
        }
        Ok(Some(*taken.claimed))
    }

    async fn next_due(&self) -> Result<Option<i64>, StoreError> {
        self.check_open()?;
        Ok(self.replica.lock().next_due(self.clock.now_ms()))
    }

    async fn release(&self, worker_prefix: &str) -> Result<Vec<String>, StoreError> {
        let prefix = worker_prefix.to_owned();
        match self.ask(Work::Release { prefix }).await? {
            Reply::Released(ids) => Ok(ids),
            _ => Err(StoreError::Closed),
        }
    }

    async fn job(&self, id: &str) -> Result<Option<Job>, StoreError> {
        self.check_open()?;
        match self.number(id).await {
            Ok(number) => jobs::get(&self.server, number).await,
            Err(StoreError::JobNotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn jobs(&self, query: &JobQuery) -> Result<Page<Job>, StoreError> {
        self.check_open()?;
        jobs::list(&self.server, query).await
    }

    async fn job_log(&self, job: &str, from: u64, limit: usize) -> Result<LogPage, StoreError> {
        self.check_open()?;
        let number = self.number(job).await?;
        jobs::log(&self.server, number, from, limit).await
    }

    fn signals(&self) -> Signals {
        self.signals.clone()
    }

    fn endpoint(&self) -> &dyn Endpoint {
        self
    }

    fn health(&self) -> Vec<Health> {
        let redis = self.redis.as_ref().map(Link::health);
        [self.server.health()].into_iter().chain(redis).collect()
    }

    async fn close(&self) {
        self.queue.lock().take();
        let writer = self.writer.lock().take();
        let announcer = self.announcer.lock().take();
        for task in writer.into_iter().chain(announcer) {
            drop(task.await);
        }
        self.followers.lock().abort_all();
    }
}
