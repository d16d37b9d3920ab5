//! Reading what a group of requests has to know of records and logs, before it is tried.

use std::collections::{BTreeSet, VecDeque};

use mongodb::{
    bson::{Bson, doc},
    options::FindOptions,
};
use parking_lot::Mutex;

use super::{
    changes::{Fetched, Standing, record_key},
    replica::Replica,
    schema::{JOB_LOG, RECORDS},
    server::Server,
    slot::Fields,
    stage::{Work, log_growth},
    writer::Request,
};
use crate::{Change, StoreError, job::limits};

/// Rows of a full log looked at, to find what is to be dropped. Dropping goes on with the next append.
const LOG_ROWS: i64 = 4_096;

pub(super) async fn fetch(
    server: &Server,
    replica: &Mutex<Replica>,
    waiting: &VecDeque<Request>,
) -> Result<Fetched, StoreError> {
    let mut fetched = Fetched::default();
    let (mut keys, mut parents) = (BTreeSet::new(), BTreeSet::new());
    for request in waiting {
        let Work::Commit(changes) = &request.work else {
            continue;
        };
        for change in changes {
            match change {
                Change::Put { kind, id, .. } | Change::Delete { kind, id, .. } => {
                    keys.insert(record_key(kind, id));
                }
                Change::DeleteChildren { kind, parent } => {
                    parents.insert((*kind, parent.clone()));
                }
                _ => {}
            }
        }
    }
    if !keys.is_empty() {
        let keys: Vec<Bson> = keys.into_iter().map(Bson::from).collect();
        let options = FindOptions::builder()
            .projection(doc! { "version": 1, "position": 1, "parent": 1 })
            .build();
        let filter = doc! { "_id": { "$in": keys } };
        for document in server.find(RECORDS, filter, options).await? {
            let fields = Fields(&document);
            let standing = match fields.opt_int("version") {
                Some(_) => Some(Standing {
                    version: fields.unsigned("version")?,
                    position: fields.int("position")?,
                    parent: fields.opt_string("parent"),
                }),
                None => None, // a headstone
            };
            fetched.records.insert(fields.string("_id")?, standing);
        }
    }
    for (kind, parent) in parents {
        let options = FindOptions::builder().projection(doc! { "id": 1 }).build();
        let filter = doc! { "kind": kind, "parent": parent.as_str() };
        let found = server.find(RECORDS, filter, options).await?;
        let ids = found
            .iter()
            .map(|document| Fields(document).string("id"))
            .collect::<Result<_, _>>()?;
        fetched.children.insert((kind, parent), ids);
    }
    for number in full_logs(replica, waiting) {
        let options = FindOptions::builder()
            .projection(doc! { "bytes": 1 })
            .sort(doc! { "first": 1 })
            .limit(LOG_ROWS)
            .build();
        let found = server
            .find(JOB_LOG, doc! { "job": number }, options)
            .await?;
        let rows = found
            .iter()
            .map(|document| {
                let fields = Fields(document);
                Ok((fields.string("_id")?, fields.unsigned("bytes")?))
            })
            .collect::<Result<_, StoreError>>()?;
        fetched.log_rows.insert(number, rows);
    }
    Ok(fetched)
}

/// The jobs whose logs will be full.
fn full_logs(replica: &Mutex<Replica>, waiting: &VecDeque<Request>) -> Vec<i64> {
    let growth = log_growth(waiting.iter().map(|request| &request.work));
    let replica = replica.lock();
    let full = growth.into_iter().filter_map(|(id, bytes)| {
        let slot = replica.get(id)?;
        (slot.log_bytes + bytes > limits::LOG_BYTES as u64).then_some(slot.number)
    });
    full.collect()
}
