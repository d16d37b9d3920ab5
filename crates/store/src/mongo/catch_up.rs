//! Bringing the replica to the last commit: from the journal if it reaches back far enough, else from the collections.

use std::{sync::Arc, time::Duration};

use mongodb::{
    bson::{Bson, Document, doc},
    options::FindOptions,
};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::{
    entry::Entry,
    replica::{Counters, Replica},
    schema::{HEAD, HEAD_ID, JOBS, JOURNAL},
    server::Server,
    slot::{Fields, Slot},
};
use crate::{Event, StoreError, publish::Publisher};

/// How long another control plane may take to bring its commit into the collections before we do it for it.
const HELP_AFTER: Duration = Duration::from_millis(400);
/// How often to look whether it did.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// Commits taken from the journal at once; further behind, the jobs are read anew.
const JOURNAL_READ: i64 = 256;

/// What the head says.
pub(super) struct Head {
    pub(super) counters: Counters,
    /// Whose the last commit is.
    author: Option<String>,
    /// Whether the database is an unfinished copy of another store.
    pub(super) is_copy: bool,
}

impl Head {
    pub(super) async fn read(server: &Server) -> Result<Self, StoreError> {
        let options = FindOptions::builder()
            .projection(doc! { "entry": 0 })
            .build();
        let found = server.find(HEAD, doc! { "_id": HEAD_ID }, options).await?;
        let head = found
            .first()
            .ok_or_else(|| server.failed(format!("the document in {HEAD} is gone")))?;
        let fields = Fields(head);
        let kinds = head.get_document("kinds").ok().into_iter().flatten();
        let counters = Counters {
            n: fields.int("n")?,
            seq: fields.unsigned("seq")?,
            first_seq: fields.unsigned("first_seq")?,
            number: fields.int("number")?,
            position: fields.int("position")?,
            kinds: Arc::new(
                kinds
                    .filter_map(|(kind, position)| Some((kind.clone(), position.as_i64()?)))
                    .collect(),
            ),
        };
        Ok(Self {
            counters,
            author: fields.opt_string("author"),
            is_copy: head.contains_key("marker"),
        })
    }
}

/// Whether commit `n` is of this control plane; `None`: there is no commit `n` yet, or no trace of it any more.
pub(super) async fn is_commit_of(
    server: &Server,
    n: i64,
    plane: &str,
) -> Result<Option<bool>, StoreError> {
    let head = Head::read(server).await?;
    if head.counters.n <= n {
        let author = head.author.filter(|_| head.counters.n == n);
        return Ok(author.map(|author| author == plane));
    }
    let options = FindOptions::builder()
        .projection(doc! { "plane": 1 })
        .build();
    let found = server.find(JOURNAL, doc! { "_id": n }, options).await?;
    let author = found
        .first()
        .and_then(|commit| Fields(commit).opt_string("plane"));
    Ok(author.map(|author| author == plane))
}

/// Brings the replica to the last commit and says so; gives the head. Nothing may be tried on the replica now.
pub(super) async fn catch_up(
    server: &Server,
    replica: &Mutex<Replica>,
    publisher: &Publisher,
    plane: &str,
) -> Result<Head, StoreError> {
    let head = settled(server, plane).await?;
    let known = replica.lock().committed.n;
    if head.counters.n == known {
        return Ok(head);
    }
    let behind = head.counters.n - known;
    let journal = if known > 0 && (1..=JOURNAL_READ).contains(&behind) {
        let filter = doc! { "_id": { "$gt": known, "$lte": head.counters.n } };
        let options = FindOptions::builder().sort(doc! { "_id": 1 }).build();
        server.find(JOURNAL, filter, options).await?
    } else {
        Vec::new()
    };
    let is_whole = i64::try_from(journal.len()) == Ok(behind);
    if !is_whole || journal.is_empty() {
        reload(server, replica, &head).await?;
        publisher.publish_unseen(head.counters.seq);
        return Ok(head);
    }
    let numbers: Vec<Bson> = journal
        .iter()
        .filter_map(|commit| commit.get_array("jobs").ok())
        .flatten()
        .cloned()
        .collect();
    let changed = if numbers.is_empty() {
        Vec::new()
    } else {
        read_jobs(server, doc! { "_id": { "$in": numbers } }).await?
    };
    {
        let mut replica = replica.lock();
        for slot in changed {
            replica.put(slot);
        }
        let gone = journal
            .iter()
            .filter_map(|commit| commit.get_array("gone").ok());
        for id in gone.flatten().filter_map(Bson::as_str) {
            replica.remove(id);
        }
        replica.counters = head.counters.clone();
        replica.keep();
    }
    let events = journal
        .iter()
        .map(events_of)
        .collect::<Result<Vec<_>, _>>()?;
    let wrote_log = journal
        .iter()
        .any(|commit| commit.get_bool("logs").unwrap_or_default());
    publisher.publish(events.into_iter().flatten().collect(), true, wrote_log);
    Ok(head)
}

/// The events of a commit.
pub(super) fn events_of(commit: &Document) -> Result<Vec<Arc<Event>>, StoreError> {
    let fields = Fields(commit);
    let (first_seq, at_ms) = (fields.unsigned("first_seq")?, fields.int("at_ms")?);
    let events = commit.get_array("events").map_or(&[][..], Vec::as_slice);
    (first_seq..)
        .zip(events.iter().filter_map(Bson::as_document))
        .map(|(seq, event)| {
            let event = Fields(event);
            Ok(Arc::new(Event {
                seq,
                // Events that were copied from elsewhere have times of their own.
                at_ms: event.opt_int("at_ms").unwrap_or(at_ms),
                topic: event.string("topic")?,
                subject: event.string("subject")?,
                data: event.parsed("data")?.unwrap_or_default(),
            }))
        })
        .collect()
}

/// The head, once its commit is in the collections: its author brings it there, or we do.
async fn settled(server: &Server, plane: &str) -> Result<Head, StoreError> {
    let started = Instant::now();
    loop {
        let head = Head::read(server).await?;
        let n = head.counters.n;
        if n == 0 || is_settled(server, n).await? {
            return Ok(head);
        }
        let is_ours = head.author.as_deref() == Some(plane);
        if is_ours || started.elapsed() >= HELP_AFTER {
            let whole = server
                .find(
                    HEAD,
                    doc! { "_id": HEAD_ID, "n": n },
                    FindOptions::default(),
                )
                .await?;
            if let Some(whole) = whole.first()
                && let Some(entry) = Entry::of_head(server, whole)?
            {
                tracing::info!(commit = n, "finishing a commit that was left half-way");
                entry.apply(server).await?;
            }
        } else {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

async fn is_settled(server: &Server, n: i64) -> Result<bool, StoreError> {
    let options = FindOptions::builder().projection(doc! { "_id": 1 }).build();
    let found = server.find(JOURNAL, doc! { "_id": n }, options).await?;
    Ok(!found.is_empty())
}

async fn reload(server: &Server, replica: &Mutex<Replica>, head: &Head) -> Result<(), StoreError> {
    let slots = read_jobs(server, Document::new()).await?;
    let mut fresh = Replica::default();
    for slot in slots {
        fresh.put(slot);
    }
    fresh.counters = head.counters.clone();
    fresh.keep();
    *replica.lock() = fresh;
    Ok(())
}

async fn read_jobs(server: &Server, filter: Document) -> Result<Vec<Slot>, StoreError> {
    let found = server.find(JOBS, filter, FindOptions::default()).await?;
    found.iter().map(Slot::read).collect()
}
