//! One commit as the commands that bring it into the collections. Each may be run again, in any number, by anybody, and
//! also late: none of them overwrites what a later commit wrote.

use futures::future::try_join_all;
use mongodb::bson::{Binary, Bson, DateTime, Document, doc, spec::BinarySubtype};

use super::{
    changes::{Changes, Fetched, RecordWrite, log_key},
    replica::{Counters, Replica},
    schema::{HEAD, HEAD_ID, JOB_LOG, JOBS, JOURNAL, RECORDS},
    server::Server,
    slot::to_i64,
};
use crate::{Event, StoreError};

/// Commits without events whose journal documents are kept, so that others that are behind by less can catch up.
const SILENT_KEPT: i64 = 4_096;

/// A commit to be written.
pub(super) struct Entry {
    /// Its number.
    n: i64,
    commands: Document,
}

impl Entry {
    /// What brings `changes` into the collections. The replica has them already.
    pub(super) fn new(
        replica: &Replica,
        fetched: &Fetched,
        changes: &Changes,
        plane: &str,
        now_ms: i64,
    ) -> Result<Self, StoreError> {
        let n = replica.committed.n + 1;
        let mut commands: Vec<Bson> = Vec::new();
        let mut command = |verb: &str, collection: &str, list: &str, parts: Vec<Document>| {
            if !parts.is_empty() {
                let parts: Vec<Bson> = parts.into_iter().map(Bson::Document).collect();
                commands.push(Bson::Document(
                    doc! { verb: collection, list: parts, "ordered": false },
                ));
            }
        };

        let (mut inserts, mut updates) = (Vec::new(), Vec::new());
        for (key, write) in &changes.records {
            let is_known = fetched.records.contains_key(key) || write.body.is_none();
            let mut document = record_document(write, n);
            if is_known {
                updates.push(
                    doc! { "q": unless_newer(key.as_str(), n), "u": document, "upsert": true },
                );
            } else {
                document.insert("_id", key.as_str());
                inserts.push(document);
            }
        }
        command("insert", RECORDS, "documents", inserts);
        command("update", RECORDS, "updates", updates);

        let (mut inserts, mut updates, mut touched) = (Vec::new(), Vec::new(), Vec::new());
        for (id, write) in &changes.jobs {
            let Some(slot) = replica.get(id) else {
                continue;
            };
            touched.push(Bson::Int64(slot.number));
            if write.is_new {
                inserts.push(slot.document(n)?);
                continue;
            }
            let selects = unless_newer(slot.number, n);
            if write.state && slot.has_payload {
                // To put the whole in its place is cheaper for the server than to set field after field.
                updates.push(doc! { "q": selects, "u": slot.document(n)? });
                continue;
            }
            let mut fields = if write.state {
                slot.changing(n)?
            } else {
                doc! { "n": n }
            };
            if write.log {
                fields.extend(slot.log_fields());
            }
            updates.push(doc! { "q": selects, "u": { "$set": fields } });
        }
        command("insert", JOBS, "documents", inserts);
        command("update", JOBS, "updates", updates);

        let rows = changes.log_rows.iter().filter_map(|row| {
            let key = log_key(row.job, row.first);
            (!changes.dropped_rows.contains(&key)).then(|| {
                doc! { "_id": key, "job": row.job, "first": to_i64(row.first), "lines": to_i64(row.lines),
                "at_ms": now_ms, "bytes": to_i64(row.text.len() as u64), "text": row.text.as_str() }
            })
        });
        command("insert", JOB_LOG, "documents", rows.collect());
        let all_of = |field: &str, values: Vec<Bson>| {
            if values.is_empty() {
                Vec::new()
            } else {
                vec![doc! { "q": { field: { "$in": values } }, "limit": 0 }]
            }
        };
        let dropped = changes
            .dropped_rows
            .iter()
            .map(|key| Bson::from(key.as_str()));
        let gone: Vec<Bson> = changes
            .gone
            .iter()
            .map(|(number, _)| Bson::from(*number))
            .collect();
        let mut log_deletes = all_of("_id", dropped.collect());
        log_deletes.extend(all_of("job", gone.clone()));
        command("delete", JOB_LOG, "deletes", log_deletes);
        command("delete", JOBS, "deletes", all_of("_id", gone));
        command("delete", JOURNAL, "deletes", journal_deletes(replica));

        let mut journal = journal_document(replica, changes, n, touched, now_ms)?;
        journal.insert("plane", plane);
        let commands = doc! { "commands": commands, "journal": journal };
        Ok(Self { n, commands })
    }

    /// The commit itself: the head moves on, if nobody else moved it, and if the database is no unfinished copy.
    pub(super) fn advance_head(
        &self,
        counters: &Counters,
        plane: &str,
        is_promise: bool,
    ) -> Result<Document, StoreError> {
        let bytes = self
            .commands
            .to_vec()
            .map_err(|error| StoreError::UnreadableField {
                field: error.to_string(),
            })?;
        let kinds: Document = counters
            .kinds
            .iter()
            .map(|(kind, position)| (kind.clone(), Bson::from(*position)))
            .collect();
        let entry = Binary {
            subtype: BinarySubtype::Generic,
            bytes,
        };
        let fields = doc! { "n": self.n, "seq": to_i64(counters.seq), "first_seq": to_i64(counters.first_seq),
        "number": counters.number, "position": counters.position, "kinds": kinds, "author": plane, "entry": entry };
        let update = doc! { "q": { "_id": HEAD_ID, "n": self.n - 1, "marker": null }, "u": { "$set": fields } };
        let concern = if is_promise {
            doc! { "w": "majority", "j": true }
        } else {
            doc! { "w": 1 }
        };
        Ok(doc! { "update": HEAD, "updates": [update], "writeConcern": concern })
    }

    /// The entry that a head holds.
    pub(super) fn of_head(server: &Server, head: &Document) -> Result<Option<Self>, StoreError> {
        let n = head.get_i64("n").unwrap_or_default();
        let Ok(bytes) = head.get_binary_generic("entry") else {
            return Ok(None);
        };
        let commands = Document::from_reader(bytes.as_slice())
            .map_err(|_| server.failed("the last commit cannot be read"))?;
        Ok(Some(Self { n, commands }))
    }

    /// Brings the commit into the collections; the journal comes last and thereby says that the rest is there.
    pub(super) async fn apply(&self, server: &Server) -> Result<(), StoreError> {
        let commands = self
            .commands
            .get_array("commands")
            .map_or(&[][..], Vec::as_slice);
        let writes = commands
            .iter()
            .filter_map(Bson::as_document)
            .map(|command| server.write_again(command.clone()));
        try_join_all(writes).await?;
        let journal = self
            .commands
            .get_document("journal")
            .cloned()
            .unwrap_or_default();
        let insert =
            doc! { "insert": JOURNAL, "documents": [journal], "writeConcern": { "w": "majority" } };
        server.write_again(insert).await
    }
}

/// Selects a document unless a later commit wrote it; an upsert then meets its key and is refused, as it should be.
fn unless_newer(key: impl Into<Bson>, n: i64) -> Document {
    doc! { "_id": key.into(), "n": { "$lt": n } }
}

fn record_document(write: &RecordWrite, n: i64) -> Document {
    match &write.body {
        Some((standing, body)) => doc! {
            "n": n, "kind": write.kind, "id": write.id.as_str(), "parent": standing.parent.as_deref(),
            "position": standing.position, "version": to_i64(standing.version), "body": body.as_str(),
        },
        None => doc! { "n": n, "gone_at": DateTime::now() },
    }
}

fn journal_document(
    replica: &Replica,
    changes: &Changes,
    n: i64,
    touched: Vec<Bson>,
    now_ms: i64,
) -> Result<Document, StoreError> {
    let event = |event: &std::sync::Arc<Event>| -> Result<Bson, StoreError> {
        let data = serde_json::to_string(&event.data).map_err(StoreError::json("event"))?;
        Ok(Bson::Document(
            doc! { "topic": event.topic.as_str(), "subject": event.subject.as_str(), "data": data },
        ))
    };
    let events: Vec<Bson> = changes.events.iter().map(event).collect::<Result<_, _>>()?;
    let gone: Vec<Bson> = changes
        .gone
        .iter()
        .map(|(_, id)| Bson::from(id.as_str()))
        .collect();
    let mut journal = doc! { "_id": n, "at_ms": now_ms, "first_seq": to_i64(replica.committed.seq + 1),
    "last_seq": to_i64(replica.counters.seq), "events": events, "jobs": touched, "gone": gone, "logs": changes.wrote_log };
    if changes.events.is_empty() {
        journal.insert("silent", true);
    }
    Ok(journal)
}

/// What the journal lets go of with this commit.
fn journal_deletes(replica: &Replica) -> Vec<Document> {
    let mut deletes = Vec::new();
    if replica.counters.first_seq > replica.committed.first_seq {
        let first_seq = to_i64(replica.counters.first_seq);
        deletes.push(doc! { "q": { "last_seq": { "$lt": first_seq } }, "limit": 0 });
    }
    let n = replica.committed.n + 1;
    if n % SILENT_KEPT == 0 {
        deletes
            .push(doc! { "q": { "silent": true, "_id": { "$lt": n - SILENT_KEPT } }, "limit": 0 });
    }
    deletes
}
