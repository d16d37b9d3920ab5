//! Reading jobs and their logs.

use mongodb::{
    bson::{Bson, doc},
    options::FindOptions,
};
use serde_json::Value;

use super::{
    schema::{JOB_LOG, JOBS},
    server::Server,
    slot::{Fields, Slot, to_i64},
};
use crate::{Cursor, Job, JobQuery, LogLine, LogPage, Page, StoreError};

pub(super) async fn get(server: &Server, number: i64) -> Result<Option<Job>, StoreError> {
    let found = server
        .find(JOBS, doc! { "_id": number }, FindOptions::default())
        .await?;
    let slot = found.first().map(Slot::read).transpose()?;
    Ok(slot.map(|slot| slot.job))
}

/// The payload of a job that was too long to be held in memory.
pub(super) async fn payload(server: &Server, number: i64) -> Result<Value, StoreError> {
    let job = get(server, number).await?;
    job.map(|job| job.payload)
        .ok_or_else(|| StoreError::JobNotFound {
            id: number.to_string(),
        })
}

pub(super) async fn list(server: &Server, query: &JobQuery) -> Result<Page<Job>, StoreError> {
    let limit = query.page_size();
    let mut filter = doc! {};
    if let Some((number, _)) = query.after.as_ref().map(Cursor::parts).transpose()? {
        filter.insert("_id", doc! { "$lt": number });
    }
    if let Some(subject) = &query.subject {
        filter.insert("subject", subject.as_str());
    }
    if !query.states.is_empty() {
        let states: Vec<Bson> = query
            .states
            .iter()
            .map(|state| state.as_str().into())
            .collect();
        filter.insert("state", doc! { "$in": states });
    }
    let options = FindOptions::builder()
        .sort(doc! { "_id": -1 })
        .limit(i64::try_from(limit + 1).unwrap_or(i64::MAX))
        .build();
    let mut found = server.find(JOBS, filter, options).await?;
    let has_more = found.len() > limit;
    found.truncate(limit);
    let slots: Vec<Slot> = found.iter().map(Slot::read).collect::<Result<_, _>>()?;
    let last = slots.last().filter(|_| has_more);
    Ok(Page {
        next: last.map(|slot| Cursor::new(slot.number, &slot.job.id)),
        items: slots.into_iter().map(|slot| slot.job).collect(),
    })
}

pub(super) async fn log(
    server: &Server,
    number: i64,
    from: u64,
    limit: usize,
) -> Result<LogPage, StoreError> {
    let mut lines: Vec<LogLine> = Vec::new();
    // Rows hold many lines: the one that holds `from` may begin before it. It is read last, so that it is not missed when
    // it is written only now.
    let options = FindOptions::builder()
        .sort(doc! { "first": 1 })
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .build();
    let after = doc! { "job": number, "first": { "$gt": to_i64(from) } };
    let following = server.find(JOB_LOG, after, options).await?;
    let options = FindOptions::builder()
        .sort(doc! { "first": -1 })
        .limit(1)
        .build();
    let before = doc! { "job": number, "first": { "$lte": to_i64(from) } };
    let mut rows = server.find(JOB_LOG, before, options).await?;
    rows.extend(following);
    for row in &rows {
        let fields = Fields(row);
        let (first, at_ms) = (fields.unsigned("first")?, fields.int("at_ms")?);
        if lines.last().is_some_and(|line| line.number + 1 != first) {
            break; // Written while we read: the next question finds what is between.
        }
        let text = fields.string("text")?;
        let numbered = (first..)
            .zip(text.lines())
            .filter(|(number, _)| *number >= from);
        let room = limit.saturating_sub(lines.len());
        lines.extend(numbered.take(room).map(|(number, text)| LogLine {
            number,
            at_ms,
            text: text.to_owned(),
        }));
    }
    let next = lines.last().map_or(from, |line| line.number + 1);
    Ok(LogPage { lines, next })
}
