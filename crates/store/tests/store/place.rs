//! Where a test happens: a store over some backend, with a clock in the test's hand.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use nasiko_store::{
    Backend, Claim, ClaimedJob, Clock, NewJob, Record, Store,
    mongo::{Mongo, MongoAddress, MongoOptions},
    sqlite::{Sqlite, SqliteOptions},
    streams::RedisAddress,
};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::servers;

pub(crate) const LEASE: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_secs(20);

/// A clock that moves when told.
pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn advance(&self, by: Duration) {
        self.0
            .fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

pub(crate) struct Place {
    pub(crate) store: Store,
    pub(crate) clock: Arc<TestClock>,
    /// Keeps what the backend needs: a directory, a server.
    _keep: Box<dyn Send + Sync>,
}

impl Place {
    pub(crate) fn new(
        backend: impl Backend,
        clock: Arc<TestClock>,
        keep: impl Send + Sync + 'static,
    ) -> Self {
        let store = Store::with_backend(Arc::new(backend), Arc::clone(&clock) as Arc<dyn Clock>);
        Self {
            store,
            clock,
            _keep: Box::new(keep),
        }
    }

    pub(crate) async fn enqueue(&self, job: NewJob) -> String {
        self.store
            .jobs()
            .enqueue(job)
            .await
            .unwrap()
            .id()
            .to_owned()
    }

    pub(crate) async fn claim(&self, worker: &str) -> Option<ClaimedJob> {
        self.store.jobs().claim(worker, LEASE).await.unwrap()
    }

    /// The claim of the next job, which must be there.
    pub(crate) async fn take(&self, worker: &str) -> Claim {
        self.claim(worker).await.expect("a job is ready").claim
    }
}

pub(crate) fn clock() -> Arc<TestClock> {
    Arc::new(TestClock(AtomicI64::new(1_700_000_000_000)))
}

/// The embedded store.
pub(crate) async fn sqlite() -> Option<Place> {
    let (directory, clock) = (TempDir::new().unwrap(), clock());
    let mut options = SqliteOptions::new(directory.path().join("state.db"));
    options.clock = Arc::clone(&clock) as Arc<dyn Clock>;
    let backend = Sqlite::open(options).await.unwrap();
    Some(Place::new(backend, clock, directory))
}

/// A MongoDB server alone.
pub(crate) async fn mongo() -> Option<Place> {
    let (server, clock) = (servers::mongo(&[])?, clock());
    let mut options = MongoOptions::new(MongoAddress::new(server.mongo_url()));
    options.clock = Arc::clone(&clock) as Arc<dyn Clock>;
    let backend = Mongo::open(options).await.unwrap();
    Some(Place::new(backend, clock, server))
}

/// The future's answer, or a failure when it takes too long.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("this should have happened by now")
}

pub(crate) fn job(kind: &str) -> NewJob {
    NewJob::new(kind, serde_json::json!({ "for": kind }))
}

/// A record of no meaning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) id: String,
    pub(crate) board: Option<String>,
    pub(crate) text: String,
}

impl Record for Note {
    const KIND: &'static str = "note";

    fn id(&self) -> &str {
        &self.id
    }

    fn parent(&self) -> Option<&str> {
        self.board.as_deref()
    }
}

pub(crate) fn note(id: &str, board: Option<&str>) -> Note {
    Note {
        id: id.to_owned(),
        board: board.map(ToOwned::to_owned),
        text: format!("text of {id}"),
    }
}

/// A MongoDB and a Redis server.
pub(crate) async fn mongo_and_redis() -> Option<Place> {
    let (mongo, redis, clock) = (servers::mongo(&[])?, servers::redis(&[])?, clock());
    let mut options = MongoOptions::new(MongoAddress::new(mongo.mongo_url()));
    options.redis = Some(RedisAddress::new(redis.redis_url()));
    options.clock = Arc::clone(&clock) as Arc<dyn Clock>;
    let backend = Mongo::open(options).await.unwrap();
    Some(Place::new(backend, clock, (mongo, redis)))
}
