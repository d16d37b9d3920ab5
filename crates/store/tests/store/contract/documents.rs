//! Records: versions, listings, atomic batches.

use std::time::Duration;

use nasiko_store::{Batch, Expected, Query, Record, Store, StoreError, Versioned};
use serde::{Deserialize, Serialize};

use crate::place::{Note, Place, job, note};

async fn put<T: Record>(store: &Store, record: &T, expected: Expected) -> Result<u64, StoreError> {
    let mut batch = Batch::new();
    batch.put(record, expected);
    store
        .commit(batch)
        .await
        .map(|committed| committed.versions[0])
}

async fn delete(store: &Store, id: &str, expected: Expected) -> Result<(), StoreError> {
    let mut batch = Batch::new();
    batch.delete::<Note>(id, expected);
    store.commit(batch).await.map(|_| ())
}

fn is_conflict<T>(outcome: &Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Conflict { kind, id }) if kind == "note" && id == "a")
}

pub(crate) async fn puts_hold_to_the_expected_version(place: &Place) {
    let store = &place.store;
    assert_eq!(store.get::<Note>("a").await.unwrap(), None);
    assert!(is_conflict(
        &put(store, &note("a", None), Expected::Exactly(1)).await
    ));
    let first = put(store, &note("a", None), Expected::New).await.unwrap();
    assert!(is_conflict(
        &put(store, &note("a", None), Expected::New).await
    ));

    let changed = Note {
        text: "changed".to_owned(),
        ..note("a", None)
    };
    let second = put(store, &changed, Expected::Exactly(first))
        .await
        .unwrap();
    assert!(second > first);
    assert!(is_conflict(
        &put(store, &note("a", None), Expected::Exactly(first)).await
    ));
    let found = store.get::<Note>("a").await.unwrap();
    assert_eq!(
        found,
        Some(Versioned {
            value: changed,
            version: second
        })
    );

    assert!(is_conflict(
        &delete(store, "a", Expected::Exactly(first)).await
    ));
    delete(store, "a", Expected::Exactly(second)).await.unwrap();
    assert_eq!(store.get::<Note>("a").await.unwrap(), None);
    delete(store, "a", Expected::Any).await.unwrap();
    assert!(is_conflict(
        &delete(store, "a", Expected::Exactly(second)).await
    ));
}

pub(crate) async fn a_record_made_anew_does_not_accept_the_old_version(place: &Place) {
    let old = put(&place.store, &note("a", None), Expected::New)
        .await
        .unwrap();
    delete(&place.store, "a", Expected::Any).await.unwrap();
    place.clock.advance(Duration::from_millis(1));
    put(&place.store, &note("a", None), Expected::New)
        .await
        .unwrap();
    assert!(is_conflict(
        &put(&place.store, &note("a", None), Expected::Exactly(old)).await
    ));
}

pub(crate) async fn listings_are_ordered_and_paged_both_ways(place: &Place) {
    let inserted = ["d", "b", "e", "a", "c"];
    for id in inserted {
        put(&place.store, &note(id, None), Expected::New)
            .await
            .unwrap();
    }
    put(&place.store, &note("d", None), Expected::Any)
        .await
        .unwrap(); // keeps its place

    for (descending, wanted) in [
        (false, inserted.to_vec()),
        (true, inserted.into_iter().rev().collect()),
    ] {
        let mut seen = Vec::new();
        let mut after = None;
        for _ in 0..3 {
            let mut query = Query::all().limit(2).after(after);
            query.descending = descending;
            let page = place.store.list::<Note>(query).await.unwrap();
            seen.extend(page.items.into_iter().map(|item| item.value.id));
            after = page.next;
        }
        assert_eq!(seen, wanted);
        assert_eq!(
            after, None,
            "five items fill three pages of two, the last one short"
        );
    }
    let exact = place
        .store
        .list::<Note>(Query::all().limit(5))
        .await
        .unwrap();
    assert_eq!(
        exact.next, None,
        "a page that ends with the last item is the last one"
    );
    let bad = Query::all().after(Some(nasiko_store::Cursor("nonsense".to_owned())));
    assert!(matches!(
        place.store.list::<Note>(bad).await,
        Err(StoreError::BadCursor)
    ));
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Dated(String, i64);

impl Record for Dated {
    const KIND: &'static str = "dated";

    fn id(&self) -> &str {
        &self.0
    }

    fn order(&self) -> Option<i64> {
        Some(self.1)
    }
}

pub(crate) async fn records_of_a_kind_with_an_order_are_listed_by_it(place: &Place) {
    for (id, order) in [
        ("late", 30),
        ("b-early", -5),
        ("a-early", -5),
        ("middle", 7),
    ] {
        put(&place.store, &Dated(id.to_owned(), order), Expected::New)
            .await
            .unwrap();
    }
    put(&place.store, &Dated("late".to_owned(), 6), Expected::Any)
        .await
        .unwrap(); // moves
    let listed = place.store.list::<Dated>(Query::all()).await.unwrap();
    let ids: Vec<_> = listed.items.into_iter().map(|item| item.value.0).collect();
    assert_eq!(ids, ["a-early", "b-early", "late", "middle"]);
    assert!(
        place
            .store
            .list::<Note>(Query::all())
            .await
            .unwrap()
            .items
            .is_empty(),
        "kinds are apart"
    );
}

pub(crate) async fn children_are_listed_and_deleted_by_their_parent(place: &Place) {
    for (id, board) in [
        ("1", Some("x")),
        ("2", Some("y")),
        ("3", Some("x")),
        ("4", None),
    ] {
        put(&place.store, &note(id, board), Expected::New)
            .await
            .unwrap();
    }
    put(&place.store, &note("2", Some("x")), Expected::Any)
        .await
        .unwrap(); // changes its parent
    let listed = async |query| {
        let page = place.store.list::<Note>(query).await.unwrap();
        page.items
            .into_iter()
            .map(|item| item.value.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(listed(Query::of("x")).await, ["1", "2", "3"]);
    assert_eq!(
        listed(Query::of("x").descending().limit(2)).await,
        ["3", "2"]
    );
    assert!(listed(Query::of("y")).await.is_empty());

    let mut batch = Batch::new();
    batch.delete_children::<Note>("x");
    place.store.commit(batch).await.unwrap();
    assert_eq!(listed(Query::all()).await, ["4"]);
}

pub(crate) async fn a_batch_is_applied_whole_or_not_at_all(place: &Place) {
    let store = &place.store;
    put(store, &note("a", None), Expected::New).await.unwrap();
    let before = store.last_seq();

    let mut batch = Batch::new();
    batch
        .put(&note("b", None), Expected::New)
        .delete::<Note>("a", Expected::Any)
        .event("note.changed", "b", serde_json::json!({}))
        .enqueue(job("index").subject("b"))
        .put(&note("a", None), Expected::Exactly(1));
    assert!(is_conflict(&store.commit(batch).await));
    assert!(store.get::<Note>("a").await.unwrap().is_some());
    assert!(store.get::<Note>("b").await.unwrap().is_none());
    assert!(place.claim("w").await.is_none());

    let mut batch = Batch::new();
    batch.put(&note("b", None), Expected::New).event(
        "note.changed",
        "b",
        serde_json::json!({ "n": 1 }),
    );
    let committed = store.commit(batch).await.unwrap();
    assert_eq!(
        (committed.first_seq, committed.last_seq),
        (before + 1, before + 1),
        "no seq was used up"
    );
    let replay = store.events_after(before, 10).await.unwrap();
    assert_eq!(replay.events.len(), 1);
    assert_eq!(replay.events[0].data, serde_json::json!({ "n": 1 }));

    let silent = store.commit(Batch::new()).await.unwrap();
    assert_eq!(silent.first_seq, silent.last_seq + 1, "no event, no seq");
}

pub(crate) async fn values_beyond_their_limit_are_refused(place: &Place) {
    let large = Note {
        text: "x".repeat(Batch::MAX_VALUE_BYTES),
        ..note("a", None)
    };
    let refused = put(&place.store, &large, Expected::New).await;
    assert!(matches!(refused, Err(StoreError::TooLarge { .. })));

    let mut batch = Batch::new();
    for number in 0..=Batch::MAX_CHANGES {
        batch.put(&note(&number.to_string(), None), Expected::New);
    }
    let refused = place.store.commit(batch).await;
    assert!(matches!(refused, Err(StoreError::TooManyChanges { .. })));
    assert!(
        place
            .store
            .list::<Note>(Query::all())
            .await
            .unwrap()
            .items
            .is_empty()
    );
}
