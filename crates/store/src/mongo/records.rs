//! Reading records.

use mongodb::{
    bson::{self, doc},
    options::FindOptions,
};

use super::{changes::record_key, schema::RECORDS, server::Server, slot::Fields};
use crate::{Cursor, Document, Page, Query, StoreError};

pub(super) async fn get(
    server: &Server,
    kind: &str,
    id: &str,
) -> Result<Option<Document>, StoreError> {
    let filter = doc! { "_id": record_key(kind, id), "kind": kind };
    let found = server.find(RECORDS, filter, FindOptions::default()).await?;
    found.first().map(read).transpose()
}

pub(super) async fn list(
    server: &Server,
    kind: &str,
    query: &Query,
) -> Result<Page<Document>, StoreError> {
    let limit = query.limit.clamp(1, Query::MAX_LIMIT);
    let (direction, beyond) = if query.descending {
        (-1, "$lt")
    } else {
        (1, "$gt")
    };
    let mut filter = doc! { "kind": kind };
    if let Some(parent) = &query.parent {
        filter.insert("parent", parent.as_str());
    }
    if let Some((position, id)) = query.after.as_ref().map(Cursor::parts).transpose()? {
        let later = doc! { "position": { beyond: position } };
        let same = doc! { "position": position, "id": { beyond: id } };
        filter.insert("$or", [later, same].map(bson::Bson::Document).to_vec());
    }
    let options = FindOptions::builder()
        .sort(doc! { "position": direction, "id": direction })
        .limit(i64::try_from(limit + 1).unwrap_or(i64::MAX))
        .build();
    let mut found = server.find(RECORDS, filter, options).await?;
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next = match found.last().filter(|_| has_more) {
        Some(last) => {
            let fields = Fields(last);
            Some(Cursor::new(fields.int("position")?, &fields.string("id")?))
        }
        None => None,
    };
    Ok(Page {
        items: found.iter().map(read).collect::<Result<_, _>>()?,
        next,
    })
}

fn read(document: &bson::Document) -> Result<Document, StoreError> {
    let fields = Fields(document);
    Ok(Document {
        id: fields.string("id")?,
        parent: fields.opt_string("parent"),
        body: fields.string("body")?,
        version: fields.unsigned("version")?,
    })
}
