//! Reading the event log from the journal.

use mongodb::{bson::doc, options::FindOptions};

use super::{
    catch_up::events_of, replica::Counters, schema::JOURNAL, server::Server, slot::to_i64,
};
use crate::{Replay, StoreError};

/// Commits read at once.
const COMMITS: i64 = 128;

pub(super) async fn after(
    server: &Server,
    log: &Counters,
    seq: u64,
    limit: usize,
) -> Result<Replay, StoreError> {
    let (first, last) = (log.first_seq, log.seq);
    let is_gap = last > 0 && (seq + 1 < first || seq > last);
    let mut next = if is_gap { first } else { seq + 1 };
    let mut replay = Replay {
        events: Vec::new(),
        gap: is_gap.then_some(first),
    };
    while next <= last && replay.events.len() < limit {
        // Up to the commit that is known: what is beyond may not be in the collections yet.
        let filter = doc! { "last_seq": { "$gte": to_i64(next) }, "_id": { "$lte": log.n }, "silent": { "$exists": false } };
        let options = FindOptions::builder()
            .sort(doc! { "_id": 1 })
            .limit(COMMITS)
            .build();
        let commits = server.find(JOURNAL, filter, options).await?;
        let before = next;
        for commit in &commits {
            for event in events_of(commit)? {
                if event.seq == next && replay.events.len() < limit {
                    next += 1;
                    replay.events.push(event);
                }
            }
        }
        if next == before {
            // Trimmed meanwhile by another control plane: the next question finds the gap.
            break;
        }
    }
    Ok(replay)
}
