//! The collections, their indexes, and the head that every commit goes through.

use mongodb::bson::{Bson, Document, doc};

use super::{server::Server, slot::Fields};
use crate::StoreError;

/// Versioned documents of all kinds; a deleted one leaves a headstone for [`HEADSTONE_SECONDS`].
pub(super) const RECORDS: &str = "nasiko_records";
/// Jobs, by their number.
pub(super) const JOBS: &str = "nasiko_jobs";
/// Rows of job logs.
pub(super) const JOB_LOG: &str = "nasiko_job_log";
/// One document per commit: its events, and which jobs it touched.
pub(super) const JOURNAL: &str = "nasiko_journal";
/// One document: the number of the last commit, and that commit itself.
pub(super) const HEAD: &str = "nasiko_head";
/// The id of the one document in [`HEAD`].
pub(super) const HEAD_ID: &str = "head";

/// How long the place of a deleted record is remembered, so that a write that was delayed on its way cannot bring the
/// record back. No write of ours is under way for longer than minutes.
const HEADSTONE_SECONDS: i64 = 3_600;
/// The layout that this build writes and knows.
const LAYOUT: i64 = 1;

/// Makes what is missing, and gives the database's own id. Several may do so at once.
pub(super) async fn prepare(server: &Server) -> Result<String, StoreError> {
    let head = doc! { "_id": HEAD_ID, "layout": LAYOUT, "identity": uuid::Uuid::new_v4().to_string(), "n": 0_i64, "seq": 0_i64, "first_seq": 1_i64, "number": 0_i64,
    "position": 0_i64, "kinds": {} };
    let insert = doc! { "insert": HEAD, "documents": [head], "writeConcern": { "w": "majority" } };
    server.write_again(insert).await?;
    let found = server
        .find(
            HEAD,
            doc! { "_id": HEAD_ID },
            mongodb::options::FindOptions::default(),
        )
        .await?;
    let layout = found.first().and_then(|head| head.get_i64("layout").ok());
    match layout {
        Some(LAYOUT) => {}
        Some(found) if found > LAYOUT => {
            return Err(StoreError::NewerData {
                found: u32::try_from(found).unwrap_or(u32::MAX),
                known: u32::try_from(LAYOUT).unwrap_or(u32::MAX),
            });
        }
        _ => {
            return Err(StoreError::Refused {
                server: server.label().to_owned(),
                reason: format!("its collection {HEAD} belongs to another program"),
            });
        }
    }
    let by = |name: &str, keys: Document| doc! { "name": name, "key": keys };
    let mut headstones = by("headstones", doc! { "gone_at": 1 });
    headstones.insert("expireAfterSeconds", HEADSTONE_SECONDS);
    for (collection, indexes) in [
        (
            RECORDS,
            vec![
                by("by_kind", doc! { "kind": 1, "position": 1, "id": 1 }),
                by(
                    "by_parent",
                    doc! { "kind": 1, "parent": 1, "position": 1, "id": 1 },
                ),
                headstones,
            ],
        ),
        (JOB_LOG, vec![by("by_job", doc! { "job": 1, "first": 1 })]),
        (JOURNAL, vec![by("by_event", doc! { "last_seq": 1 })]),
    ] {
        let indexes: Vec<Bson> = indexes.into_iter().map(Bson::Document).collect();
        server
            .run(doc! { "createIndexes": collection, "indexes": indexes })
            .await?;
    }
    let identity = found.first().map(|head| Fields(head).string("identity"));
    identity.unwrap_or_else(|| Err(server.failed("the head is gone")))
}
