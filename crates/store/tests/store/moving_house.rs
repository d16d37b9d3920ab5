//! Moving house between SQLite and MongoDB: complete, interrupted at any point, and back again.

use std::{sync::Arc, time::Duration};

use nasiko_contract::{ErrorCode, Fault};
use nasiko_store::{
    Batch, Expected, KeyFile, NewJob, Query, Scope, SecretString, Store, SystemClock, Vault,
    sqlite::{Sqlite, SqliteOptions},
    transfer::{self, Contents, Progress, TransferError},
};
use serde_json::json;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::{
    place::{LEASE, Note, job, note, soon},
    servers::{self, Server},
    shared::plane,
};

async fn sqlite(directory: &TempDir, name: &str) -> Store {
    let options = SqliteOptions::new(directory.path().join(name));
    let backend = Sqlite::open(options).await.unwrap();
    Store::with_backend(Arc::new(backend), Arc::new(SystemClock))
}

/// Something of everything that a store can hold.
async fn furnish(store: &Store, directory: &TempDir) {
    for hundred in 0..6 {
        let mut batch = Batch::new();
        for number in 0..100 {
            let id = format!("{hundred}/{number} \u{e9}");
            batch.put(
                &note(&id, (number % 3 == 0).then_some("board")),
                Expected::New,
            );
            batch.event(
                "note.made",
                id,
                json!({ "n": number, "big": u64::MAX, "f": 0.1 }),
            );
        }
        store.commit(batch).await.unwrap();
    }
    let mut batch = Batch::new();
    batch
        .put(&note("0/0 \u{e9}", None), Expected::Any)
        .delete::<Note>("1/1 \u{e9}", Expected::Any);
    store.commit(batch).await.unwrap();
    let vault = Vault::new(store.clone(), KeyFile::new(directory.path().join("key")));
    let secret = SecretString::from("canary".to_owned());
    vault
        .put_secret(&Scope::Agent("greeter".to_owned()), "TOKEN", &secret)
        .await
        .unwrap();

    let jobs = store.jobs();
    let fault = || Fault::new(ErrorCode::EngineStopped, "The engine stopped");
    for number in 0..40 {
        let id = jobs
            .enqueue(
                job("work")
                    .subject(format!("agent-{}", number % 7))
                    .key(format!("key-{number}")),
            )
            .await
            .unwrap()
            .id()
            .to_owned();
        jobs.append_log(&id, vec![format!("line of {number}"), "x".repeat(3_000)])
            .await
            .unwrap();
    }
    let large = NewJob::new("large", json!({ "text": "y".repeat(50_000) }));
    jobs.enqueue(large).await.unwrap();
    for number in 0..12 {
        let claimed = jobs.claim("w/0", LEASE).await.unwrap().unwrap();
        jobs.progress(&claimed.claim, 0.3, "half-way")
            .await
            .unwrap();
        match number % 4 {
            0 => drop(
                jobs.succeed(&claimed.claim, json!({ "url": "x" }))
                    .await
                    .unwrap(),
            ),
            1 => drop(jobs.fail(&claimed.claim, fault(), None).await.unwrap()),
            2 => {
                jobs.fail(&claimed.claim, fault(), Some(Duration::from_secs(3_600)))
                    .await
                    .unwrap();
            }
            _ => {} // still running
        }
    }
    let failed = jobs
        .list(&nasiko_store::JobQuery {
            states: vec![nasiko_store::JobState::Failed],
            ..Default::default()
        })
        .await
        .unwrap();
    jobs.requeue(&failed.items[0].id).await.unwrap();
}

/// What a person would see of a store.
async fn view(store: &Store) -> String {
    let mut notes = Vec::new();
    let mut after = None;
    loop {
        let page = store
            .list::<Note>(Query::all().limit(500).after(after))
            .await
            .unwrap();
        notes.extend(
            page.items
                .into_iter()
                .map(|note| (note.value, note.version)),
        );
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let children = store
        .list::<Note>(Query::of("board").descending().limit(50))
        .await
        .unwrap();
    let all = nasiko_store::JobQuery {
        limit: Some(1_000),
        ..Default::default()
    };
    let jobs = store.jobs().list(&all).await.unwrap().items;
    let mut logs = Vec::new();
    for job in &jobs {
        logs.push(store.jobs().read_log(&job.id, 1).await.unwrap());
    }
    let events = store.events_after(550, 1_000).await.unwrap();
    format!(
        "{notes:#?} {:#?} {jobs:#?} {logs:?} {:#?} {}",
        children.items,
        events.events,
        store.last_seq()
    )
}

/// What the queue does from now on, job by job.
async fn run_out(store: &Store) -> Vec<String> {
    let jobs = store.jobs();
    jobs.release_all("w/").await.unwrap();
    let mut run = Vec::new();
    while let Some(claimed) = jobs.claim("later", LEASE).await.unwrap() {
        jobs.succeed(&claimed.claim, json!(null)).await.unwrap();
        run.push(format!(
            "{} {} {}",
            claimed.job.id, claimed.job.attempts, claimed.job.payload
        ));
    }
    run
}

async fn move_house(from: &Store, to: &Store) -> Result<transfer::Report, TransferError> {
    soon(transfer::copy(
        from,
        to,
        &mut |_| {},
        &CancellationToken::new(),
    ))
    .await
}

fn server() -> Option<Server> {
    servers::mongo(&[])
}

#[tokio::test]
async fn there_and_back_again_nothing_is_lost() {
    let Some(mongo) = server() else {
        return;
    };
    let directory = TempDir::new().unwrap();
    let old = sqlite(&directory, "old.db").await;
    furnish(&old, &directory).await;
    let (seen, stock) = (view(&old).await, transfer::take_stock(&old).await.unwrap());

    let target = plane(&mongo, None).await;
    let mut steps: Vec<Progress> = Vec::new();
    let (mut note_step, never) = (|step| steps.push(step), CancellationToken::new());
    let copying = transfer::copy(&old, &target, &mut note_step, &never);
    let report = soon(copying).await.unwrap();
    target.close().await;
    assert_eq!(report.contents, stock);
    assert!(
        !report.resumed
            && report.copied == stock.kinds.values().map(|kind| kind.count).sum::<u64>()
    );
    assert!(
        steps
            .windows(2)
            .all(|pair| pair[0].step != pair[1].step || pair[0].done <= pair[1].done)
    );
    assert!(
        steps.iter().all(|step| step.done <= step.total),
        "{steps:?}"
    );
    for kind in ["note", "secret", "job", "job log", "event"] {
        assert!(stock.kinds.contains_key(kind), "{kind}");
    }

    let moved = plane(&mongo, None).await;
    similar(&view(&moved).await, &seen);
    let vault = Vault::new(moved.clone(), KeyFile::new(directory.path().join("key")));
    assert_eq!(
        vault.reveal_for("greeter").await.unwrap().len(),
        1,
        "sealed values open"
    );

    let back = sqlite(&directory, "back.db").await;
    move_house(&moved, &back).await.unwrap();
    back.close().await;
    let back = sqlite(&directory, "back.db").await;
    similar(&view(&back).await, &seen);
    similar(&view(&old).await, &seen);

    let mut batch = Batch::new();
    batch
        .put(&note("new", None), Expected::New)
        .event("note.made", "new", json!({}));
    let next = moved.commit(batch).await.unwrap();
    assert_eq!(
        next.first_seq,
        stock.last_seq + 1,
        "the log goes on where it was"
    );
    let last = moved
        .list::<Note>(Query::all().descending().limit(1))
        .await
        .unwrap();
    assert_eq!(last.items[0].value.id, "new", "behind the others");
    let ran = run_out(&old).await;
    assert!(ran.len() > 15, "{}", ran.len());
    assert_eq!(run_out(&moved).await, ran);
    assert_eq!(run_out(&back).await, ran);
}

/// The first line that differs, instead of two long texts.
fn similar(found: &str, wanted: &str) {
    let differs = found
        .lines()
        .zip(wanted.lines())
        .find(|(found, wanted)| found != wanted);
    assert_eq!(differs, None);
    assert_eq!(found.len(), wanted.len());
}

#[tokio::test]
async fn a_copy_that_is_broken_off_anywhere_goes_on_and_leaves_the_source_alone() {
    let Some(mongo) = server() else {
        return;
    };
    let directory = TempDir::new().unwrap();
    let old = sqlite(&directory, "old.db").await;
    furnish(&old, &directory).await;
    let stock = transfer::take_stock(&old).await.unwrap();
    let target = plane(&mongo, None).await;
    let (mut calls, mut went_on) = (0, false);
    let report = loop {
        let cancel = CancellationToken::new();
        let mut steps = 0;
        let mut progress = |_: Progress| {
            steps += 1;
            if steps > 2 * calls {
                cancel.cancel();
            }
        };
        // Some are cancelled between two pages, some are dropped in the middle of one.
        let copying = transfer::copy(&old, &target, &mut progress, &cancel);
        let limit = Duration::from_millis(if calls % 2 == 0 { 20_000 } else { 25 * calls });
        let outcome = tokio::time::timeout(limit, copying).await;
        calls += 1;
        match outcome {
            Ok(Ok(report)) => break report,
            Ok(Err(error)) => assert!(matches!(error, TransferError::Cancelled), "{error:?}"),
            Err(_) => {}
        }
        went_on |= transfer::is_unfinished(&target).await.unwrap();
        assert!(calls < 60, "it comes to an end");
        if calls % 3 == 0 {
            let refused = target.commit(one_event()).await;
            assert!(
                calls < 2 || refused.is_err(),
                "nobody works with half a copy"
            );
        }
    };
    assert!(went_on && report.resumed);
    assert_eq!(report.contents, stock);
    assert_eq!(transfer::take_stock(&old).await.unwrap(), stock);
    assert!(!transfer::is_unfinished(&target).await.unwrap());
}

fn one_event() -> Batch {
    let mut batch = Batch::new();
    batch.event("test.happened", "x", json!({}));
    batch
}

#[tokio::test]
async fn a_target_that_holds_anything_else_is_refused() {
    let Some(mongo) = server() else {
        return;
    };
    let directory = TempDir::new().unwrap();
    let (old, other) = (
        sqlite(&directory, "old.db").await,
        sqlite(&directory, "other.db").await,
    );
    for store in [&old, &other] {
        store.commit(one_event()).await.unwrap();
    }
    assert!(matches!(
        move_house(&old, &other).await,
        Err(TransferError::NotEmpty)
    ));
    assert!(matches!(
        move_house(&old, &old).await,
        Err(TransferError::Same)
    ));

    let target = plane(&mongo, None).await;
    let cancel = CancellationToken::new();
    let half = transfer::copy(&old, &target, &mut |_| cancel.cancel(), &cancel).await;
    assert!(matches!(half, Err(TransferError::Cancelled)));
    let empty = sqlite(&directory, "empty.db").await;
    assert!(matches!(
        move_house(&target, &empty).await,
        Err(TransferError::Unfinished)
    ));
    // Half a copy of another store is no loss: it is begun anew.
    let report = move_house(&other, &target).await.unwrap();
    assert!(!report.resumed);
    assert!(matches!(
        move_house(&old, &target).await,
        Err(TransferError::NotEmpty)
    ));
    // Nobody has worked with it yet.
    move_house(&other, &target).await.unwrap();
    target.close().await;
    let target = plane(&mongo, None).await;
    target.commit(one_event()).await.unwrap();
    for source in [&old, &other] {
        assert!(matches!(
            move_house(source, &target).await,
            Err(TransferError::NotEmpty)
        ));
    }
}

#[tokio::test]
async fn a_source_that_changes_meanwhile_is_found_out() {
    let Some(mongo) = server() else {
        return;
    };
    let directory = TempDir::new().unwrap();
    let old = sqlite(&directory, "old.db").await;
    furnish(&old, &directory).await;
    let target = plane(&mongo, None).await;
    let (told, source) = (tokio::sync::watch::Sender::new(0), old.clone());
    let mut listener = told.subscribe();
    let writer = tokio::spawn(async move {
        listener.changed().await.unwrap();
        let mut batch = Batch::new();
        batch.put(&note("0/0 \u{e9}", Some("late")), Expected::Any);
        source.commit(batch).await.unwrap();
    });
    let mut pages = 0;
    let mut progress = |_: Progress| {
        pages += 1;
        told.send_replace(pages);
    };
    let outcome = transfer::copy(&old, &target, &mut progress, &CancellationToken::new()).await;
    writer.await.unwrap();
    assert!(
        matches!(&outcome, Err(TransferError::Differs { kind }) if kind == "note"),
        "{outcome:?}"
    );
    assert!(
        !transfer::is_unfinished(&target).await.unwrap(),
        "what was copied is thrown away"
    );
    move_house(&old, &target).await.unwrap();
}

#[tokio::test]
async fn an_empty_store_moves_too() {
    let Some(mongo) = server() else {
        return;
    };
    let directory = TempDir::new().unwrap();
    let (old, target) = (
        sqlite(&directory, "old.db").await,
        plane(&mongo, None).await,
    );
    let report = move_house(&old, &target).await.unwrap();
    assert_eq!(report.contents.kinds, Contents::default().kinds);
    target.close().await;
    let moved = plane(&mongo, None).await;
    assert_eq!(moved.commit(one_event()).await.unwrap().first_seq, 1);
}
