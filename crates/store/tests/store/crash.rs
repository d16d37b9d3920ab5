//! Death without warning: a child process is killed in the middle of its commits, again and again, on one store.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    sync::Arc,
};

use nasiko_store::{
    Batch, Expected, JobQuery, JobState, NewJob, Query, Store, SystemClock,
    mongo::{Mongo, MongoAddress, MongoOptions},
};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    place::{LEASE, Note, note, soon},
    servers,
};

/// Which store: a file, or the address of a MongoDB database.
const STORE: &str = "NASIKO_STORE_CRASH";
/// Begins the names of what the child makes, and of its workers.
const CHILD: &str = "NASIKO_STORE_CRASH_CHILD";
const ROUNDS: usize = 6;
const WRITERS: usize = 4;

/// The child: commits until it is killed, telling each commit once it was answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs as the child of the test below"]
async fn child() {
    let (Ok(place), Ok(child)) = (std::env::var(STORE), std::env::var(CHILD)) else {
        return;
    };
    let store = open(&place).await;
    let round = format!("{child}-{}", store.last_seq());
    let writers = (0..WRITERS).map(|writer| {
        let (store, child, round) = (store.clone(), child.clone(), round.clone());
        tokio::spawn(async move {
            for number in 0.. {
                let name = format!("{round}-{writer}-{number}");
                store.commit(batch(&name)).await.unwrap();
                println!("ack {name}");
                if let Some(claimed) = store
                    .jobs()
                    .claim(&format!("{child}/{writer}"), LEASE)
                    .await
                    .unwrap()
                {
                    store
                        .jobs()
                        .succeed(&claimed.claim, json!(null))
                        .await
                        .unwrap();
                    println!("ran {}", claimed.job.id);
                }
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}

/// Four things that must come together.
fn batch(name: &str) -> Batch {
    let mut batch = Batch::new();
    batch
        .put(&note(&format!("left {name}"), None), Expected::New)
        .put(&note(&format!("right {name}"), None), Expected::New)
        .event("pair.made", name, json!({}))
        .enqueue(NewJob {
            id: name.to_owned(),
            ..NewJob::new("pair", json!(null))
        });
    batch
}

#[tokio::test]
async fn a_killed_process_loses_nothing_it_was_told_and_leaves_nothing_half_done() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("state.db").display().to_string();
    let (mut told, mut ran) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        let lines = run_child_until(&file, "child", 40 * round);
        take(&lines, &mut told, &mut ran);
        check(&file, &told, &ran).await;
    }
    assert!(told.len() > ROUNDS * 20, "the children did something");
}

#[tokio::test]
async fn control_planes_that_are_killed_on_one_database_lose_nothing_either() {
    let Some(server) = servers::mongo(&[]) else {
        return;
    };
    let place = server.mongo_url();
    let (mut told, mut ran) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS / 2 {
        // The second is killed while the first goes on, and then the first.
        let children = [("child/a", 40 * round), ("child/b", 10 * round)].map(|(child, count)| {
            let place = place.clone();
            tokio::task::spawn_blocking(move || run_child_until(&place, child, count))
        });
        for child in children {
            take(&soon(child).await.unwrap(), &mut told, &mut ran);
        }
        check(&place, &told, &ran).await;
    }
    let (all, once) = (
        ran.len(),
        ran.iter().collect::<std::collections::HashSet<_>>().len(),
    );
    assert_eq!(all, once, "each job was run once");
    assert!(told.len() > ROUNDS * 10, "the children did something");
}

async fn open(place: &str) -> Store {
    if !place.starts_with("mongodb://") {
        return Store::open(place).await.unwrap();
    }
    let options = MongoOptions::new(MongoAddress::new(place));
    let backend = Mongo::open(options).await.unwrap();
    Store::with_backend(Arc::new(backend), Arc::new(SystemClock))
}

/// Sorts what a child told.
fn take(lines: &[String], told: &mut Vec<String>, ran: &mut Vec<String>) {
    for (list, word) in [(told, "ack "), (ran, "ran ")] {
        let of_word = lines.iter().filter_map(|line| line.strip_prefix(word));
        list.extend(of_word.map(ToOwned::to_owned));
    }
}

fn run_child_until(place: &str, name: &str, count: usize) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["crash::child", "--exact", "--ignored", "--nocapture"])
        .env(STORE, place)
        .env(CHILD, name)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    // The harness's own words may stand before the first line.
    let mut lines: Vec<String> = output
        .by_ref()
        .take(count)
        .map(|line| line.unwrap())
        .collect();
    child.kill().unwrap(); // SIGKILL
    child.wait().unwrap();
    // What was told before it died counts, except a line that was cut off.
    lines.extend(output.map_while(Result::ok));
    lines.pop();
    lines
}

async fn check(place: &str, told: &[String], ran: &[String]) {
    let store = open(place).await;
    store.jobs().release_all("child/").await.unwrap();
    let mut notes = Vec::new();
    let mut after = None;
    loop {
        let page = store
            .list::<Note>(Query::all().limit(1_000).after(after))
            .await
            .unwrap();
        notes.extend(page.items.into_iter().map(|note| note.value.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let names: Vec<_> = notes
        .iter()
        .filter_map(|note| note.strip_prefix("left "))
        .collect();
    assert_eq!(names.len() * 2, notes.len(), "pairs only");

    let (mut pairs_made, mut last_seq) = (0, 0);
    loop {
        let replay = store.events_after(last_seq, 1_000).await.unwrap();
        assert_eq!(replay.gap, None);
        for event in &replay.events {
            assert_eq!(event.seq, last_seq + 1, "consecutive");
            last_seq = event.seq;
            pairs_made += usize::from(event.topic == "pair.made");
        }
        if replay.events.is_empty() {
            break;
        }
    }
    assert_eq!(pairs_made, names.len());
    for name in &names {
        assert!(notes.contains(&format!("right {name}")));
        let job = store
            .jobs()
            .get(name)
            .await
            .unwrap()
            .expect("a job with each pair");
        assert_ne!(job.state, JobState::Running, "taken back from the dead");
    }
    for name in told {
        assert!(
            names.contains(&name.as_str()),
            "{name} was told and is gone"
        );
    }
    for id in ran {
        let job = store.jobs().get(id).await.unwrap().unwrap();
        assert_eq!(job.state, JobState::Succeeded, "{id} was told to have run");
    }
    let running = JobQuery {
        states: vec![JobState::Running],
        ..JobQuery::default()
    };
    assert!(store.jobs().list(&running).await.unwrap().items.is_empty());
    store.close().await;
}
