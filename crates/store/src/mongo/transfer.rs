//! The database as something that can be moved.
//!
//! An unfinished copy is written straight into the collections, where nobody else looks: the head has a `marker` field, and
//! is at commit 0. Its last step sets the head to what was copied.

use async_trait::async_trait;
use mongodb::{
    bson::{Bson, Document, doc},
    options::FindOptions,
};

use super::{
    Mongo,
    catch_up::events_of,
    changes::{log_key, record_key},
    schema::{HEAD, HEAD_ID, JOB_LOG, JOBS, JOURNAL, RECORDS},
    slot::{Fields, Slot, to_i64},
};
use crate::{
    Event, StoreError,
    transfer::{Contents, Endpoint, Item, Marker, Page, Place, Section, Standing},
};

/// What the writes of a copy wait for: a page must not be lost when its marker is not.
fn majority() -> Document {
    doc! { "w": "majority" }
}

#[async_trait]
impl Endpoint for Mongo {
    fn identity(&self) -> String {
        format!("mongodb:{}", self.identity)
    }

    async fn standing(&self) -> Result<Standing, StoreError> {
        let head = self
            .find(HEAD, doc! { "_id": HEAD_ID }, doc! { "entry": 0 }, 1)
            .await?;
        let head = head
            .first()
            .ok_or_else(|| self.server.failed("the head is gone"))?;
        if let Some(marker) = Fields(head).parsed("marker")? {
            return Ok(Standing::Unfinished(marker));
        }
        let n = Fields(head).int("n")?;
        if n == 0 {
            return Ok(Standing::Empty);
        }
        Ok(match Fields(head).parsed("copy_of")? {
            Some(marker) if Fields(head).opt_int("copied_n") == Some(n) => {
                Standing::Untouched(marker)
            }
            _ => Standing::InUse,
        })
    }

    async fn count(&self) -> Result<u64, StoreError> {
        let mut count = 0;
        for collection in [RECORDS, JOBS, JOB_LOG] {
            let answer = self.server.run(doc! { "count": collection }).await?;
            count += answer
                .get_i32("n")
                .map_or(0, |n| u64::try_from(n).unwrap_or(0));
        }
        let log = self.replica.lock().committed.clone();
        Ok(count + (log.seq + 1).saturating_sub(log.first_seq))
    }

    async fn read(&self, from: &Place) -> Result<Page, StoreError> {
        let found = match from.section {
            Section::Events => self.read_events(from).await?,
            section => {
                let (collection, read): (_, fn(&Document) -> Result<Item, StoreError>) =
                    match section {
                        Section::Records => (RECORDS, record),
                        Section::Jobs => (JOBS, job),
                        Section::Logs | Section::Events => (JOB_LOG, log_row),
                    };
                let after = match (&from.after, section) {
                    (None, _) => doc! {},
                    (Some(after), Section::Jobs) => doc! { "$gt": number(after)? },
                    (Some(after), _) => doc! { "$gt": after.as_str() },
                };
                let mut filter = doc! { "gone_at": { "$exists": false } };
                if !after.is_empty() {
                    filter.insert("_id", after);
                }
                let found = self.find(collection, filter, doc! {}, Page::ITEMS).await?;
                let read = |document: &Document| {
                    let key = match document.get("_id") {
                        Some(Bson::Int64(number)) => number.to_string(),
                        _ => Fields(document).string("_id")?,
                    };
                    Ok::<_, StoreError>((key, read(document)?))
                };
                found.iter().map(read).collect::<Result<_, _>>()?
            }
        };
        Ok(Page::of(from.section, found))
    }

    async fn write(&self, items: Vec<Item>, marker: &Marker) -> Result<(), StoreError> {
        // The marker first says that this is a copy; where to go on it says only once the page is there.
        if let Standing::Empty = self.standing().await? {
            let start = Marker {
                place: Place::START,
                ..marker.clone()
            };
            self.mark(&start).await?;
        }
        let (mut records, mut jobs, mut rows, mut events) = (vec![], vec![], vec![], vec![]);
        for item in items {
            match item {
                Item::Record {
                    kind,
                    id,
                    parent,
                    position,
                    version,
                    body,
                } => records.push(doc! {
                    "_id": record_key(&kind, &id), "n": 0_i64, "kind": kind, "id": id, "parent": parent,
                    "position": position, "version": to_i64(version), "body": body,
                }),
                Item::Job {
                    number,
                    position,
                    log_next,
                    log_bytes,
                    job,
                } => {
                    let slot = Slot {
                        number,
                        position,
                        job: *job,
                        has_payload: true,
                        log_next,
                        log_bytes,
                    };
                    jobs.push(slot.document(0)?);
                }
                Item::LogRow {
                    job,
                    first,
                    lines,
                    at_ms,
                    text,
                } => rows.push(doc! {
                    "_id": log_key(job, first), "job": job, "first": to_i64(first), "lines": to_i64(lines), "at_ms": at_ms,
                    "bytes": to_i64(text.len() as u64), "text": text,
                }),
                Item::Event(event) => events.push(event),
            }
        }
        let journal = journal_page(&events)?.into_iter().collect();
        for (collection, documents) in [
            (RECORDS, records),
            (JOBS, jobs),
            (JOB_LOG, rows),
            (JOURNAL, journal),
        ] {
            self.insert(collection, documents).await?;
        }
        self.mark(marker).await
    }

    async fn wipe(&self) -> Result<(), StoreError> {
        let standing = self.standing().await?;
        let n = match &standing {
            Standing::Unfinished(_) => 0,
            Standing::Untouched(marker) => settled_n(marker.last_seq),
            Standing::Empty | Standing::InUse => return Err(self.worked_with()),
        };
        // A copy of nobody from here on: whoever else is at this one can no longer finish it.
        let fields = doc! {
            "n": 0_i64, "seq": 0_i64, "first_seq": 1_i64, "number": 0_i64, "position": 0_i64, "kinds": {},
            "marker": marker_text(&Marker::NOBODYS)?,
        };
        let change = doc! { "$set": fields, "$unset": { "copy_of": "", "copied_n": "" } };
        self.set_head(doc! { "n": n }, change).await?;
        for collection in [RECORDS, JOBS, JOB_LOG, JOURNAL] {
            let all = doc! { "q": {}, "limit": 0 };
            let delete =
                doc! { "delete": collection, "deletes": [all], "writeConcern": majority() };
            self.server.write_again(delete).await?;
        }
        self.set_head(doc! { "n": 0_i64 }, doc! { "$unset": { "marker": "" } })
            .await
    }

    async fn finish(&self, contents: &Contents, marker: &Marker) -> Result<(), StoreError> {
        let n = settled_n(contents.last_seq);
        let settled = doc! {
            "_id": n, "at_ms": 0_i64, "first_seq": n, "last_seq": n - 1, "events": [], "jobs": [], "gone": [], "logs": false,
            "silent": true,
        };
        self.insert(JOURNAL, vec![settled]).await?;
        let kinds: Document = contents
            .positions
            .iter()
            .map(|(kind, position)| (kind.clone(), Bson::from(*position)))
            .collect();
        let text = marker_text(marker)?;
        let fields = doc! {
            "n": n, "seq": to_i64(contents.last_seq), "first_seq": to_i64(contents.first_seq), "number": contents.last_number,
            "position": contents.last_position, "kinds": kinds, "copy_of": &text, "copied_n": n,
        };
        let ours = doc! { "n": 0_i64, "marker": text };
        let change = doc! { "$set": fields, "$unset": { "marker": "" } };
        self.set_head(ours, change).await
    }
}

/// The number of a finished copy's commit: beyond every number that the journal has.
fn settled_n(last_seq: u64) -> i64 {
    to_i64(last_seq) + 1
}

fn marker_text(marker: &Marker) -> Result<String, StoreError> {
    serde_json::to_string(marker).map_err(StoreError::json("marker"))
}

impl Mongo {
    async fn find(
        &self,
        collection: &str,
        filter: Document,
        projection: Document,
        limit: usize,
    ) -> Result<Vec<Document>, StoreError> {
        let projection = Some(projection).filter(|projection| !projection.is_empty());
        let options = FindOptions::builder()
            .sort(doc! { "_id": 1 })
            .projection(projection)
            .limit(i64::try_from(limit).unwrap_or(i64::MAX))
            .build();
        self.server.find(collection, filter, options).await
    }

    async fn read_events(&self, from: &Place) -> Result<Vec<(String, Item)>, StoreError> {
        let after = from.after.as_deref().map_or(Ok(0), number)?;
        let first_kept = self.replica.lock().committed.first_seq;
        let next = u64::try_from(after + 1).unwrap_or(1).max(first_kept);
        let filter = doc! { "last_seq": { "$gte": to_i64(next) }, "silent": { "$exists": false } };
        // As many commits as events are asked for: each has one at least.
        let commits = self.find(JOURNAL, filter, doc! {}, Page::ITEMS).await?;
        let mut found = Vec::new();
        for commit in &commits {
            let events = events_of(commit)?
                .into_iter()
                .filter(|event| event.seq >= next);
            found.extend(
                events.map(|event| (event.seq.to_string(), Item::Event(Event::clone(&event)))),
            );
        }
        found.truncate(Page::ITEMS);
        Ok(found)
    }

    async fn insert(&self, collection: &str, documents: Vec<Document>) -> Result<(), StoreError> {
        if documents.is_empty() {
            return Ok(());
        }
        let documents: Vec<Bson> = documents.into_iter().map(Bson::Document).collect();
        let insert = doc! { "insert": collection, "documents": documents, "ordered": false, "writeConcern": majority() };
        self.server.write_again(insert).await
    }

    async fn mark(&self, marker: &Marker) -> Result<(), StoreError> {
        let change = doc! { "$set": { "marker": marker_text(marker)? } };
        self.set_head(doc! { "n": 0_i64 }, change).await
    }

    /// Changes the head of a store that nobody works with, if it is as `expected`.
    async fn set_head(&self, expected: Document, change: Document) -> Result<(), StoreError> {
        let mut query = doc! { "_id": HEAD_ID };
        query.extend(expected);
        let update = doc! { "q": query, "u": change };
        let command = doc! { "update": HEAD, "updates": [update], "writeConcern": majority() };
        let answer = self.server.run(command).await?;
        match answer.get_i32("n") {
            Ok(1) => Ok(()),
            _ => Err(self.worked_with()),
        }
    }

    fn worked_with(&self) -> StoreError {
        self.server
            .failed("somebody works with the database that is being copied into")
    }
}

/// Events of one page as a commit. Where pages begin differs between a copy and its continuation; what is there twice is
/// read once, because events are taken by their number.
fn journal_page(events: &[Event]) -> Result<Option<Document>, StoreError> {
    let (Some(first), Some(last)) = (events.first(), events.last()) else {
        return Ok(None);
    };
    let mut list = Vec::with_capacity(events.len());
    for event in events {
        let data = serde_json::to_string(&event.data).map_err(StoreError::json("event"))?;
        list.push(Bson::Document(doc! {
            "topic": event.topic.as_str(), "subject": event.subject.as_str(), "data": data, "at_ms": event.at_ms,
        }));
    }
    Ok(Some(doc! {
        "_id": to_i64(last.seq), "at_ms": last.at_ms, "first_seq": to_i64(first.seq), "last_seq": to_i64(last.seq),
        "events": list, "jobs": [], "gone": [], "logs": false,
    }))
}

fn record(document: &Document) -> Result<Item, StoreError> {
    let fields = Fields(document);
    Ok(Item::Record {
        kind: fields.string("kind")?,
        id: fields.string("id")?,
        parent: fields.opt_string("parent"),
        position: fields.int("position")?,
        version: fields.unsigned("version")?,
        body: fields.string("body")?,
    })
}

fn job(document: &Document) -> Result<Item, StoreError> {
    let slot = Slot::read(document)?;
    Ok(Item::Job {
        number: slot.number,
        position: slot.position,
        log_next: slot.log_next,
        log_bytes: slot.log_bytes,
        job: Box::new(slot.job),
    })
}

fn log_row(document: &Document) -> Result<Item, StoreError> {
    let fields = Fields(document);
    Ok(Item::LogRow {
        job: fields.int("job")?,
        first: fields.unsigned("first")?,
        lines: fields.unsigned("lines")?,
        at_ms: fields.int("at_ms")?,
        text: fields.string("text")?,
    })
}

fn number(text: &str) -> Result<i64, StoreError> {
    text.parse().map_err(|_| StoreError::BadCursor)
}
