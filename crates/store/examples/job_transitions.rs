//! How many steps of jobs' lives a store bears per second: `job_transitions SECONDS sqlite DIRECTORY` or
//! `job_transitions SECONDS mongodb://… [redis://…]`. Each caller accepts a job, claims one, and ends it: three
//! steps, each committed and told as an event before its answer.
#![expect(clippy::print_stdout, reason = "the figure is what it is for")]

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use nasiko_store::{
    NewJob, Store, StoreError, SystemClock,
    mongo::{Mongo, MongoAddress, MongoOptions},
    streams::RedisAddress,
};
use serde_json::json;

/// Callers at once, as many as share a group commit.
const CALLERS: usize = 256;
const LEASE: Duration = Duration::from_secs(30);
/// Not counted: connections, caches and plans warm up.
const WARM_UP: Duration = Duration::from_secs(1);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [seconds, kind, rest @ ..] = words.as_slice() else {
        return Err(
            "say: SECONDS sqlite DIRECTORY | SECONDS MONGODB-ADDRESS [REDIS-ADDRESS]".into(),
        );
    };
    let store = open(kind, rest.first()).await?;
    let transitions = Arc::new(AtomicU64::new(0));
    let end = Instant::now() + WARM_UP + Duration::from_secs(seconds.parse()?);
    let callers = (0..CALLERS).map(|number| {
        let (store, transitions) = (store.clone(), Arc::clone(&transitions));
        tokio::spawn(async move { call(&store, number, end, &transitions).await })
    });
    let callers: Vec<_> = callers.collect();
    tokio::time::sleep(WARM_UP).await;
    let (before, started) = (transitions.load(Ordering::Relaxed), Instant::now());
    tokio::time::sleep_until(end.into()).await;
    let counted = transitions.load(Ordering::Relaxed) - before;
    let rate = counted as f64 / started.elapsed().as_secs_f64();
    for caller in callers {
        caller.await??;
    }
    store.close().await;
    println!("{rate:.0} transitions per second");
    Ok(())
}

async fn open(kind: &str, rest: Option<&String>) -> Result<Store, StoreError> {
    if kind == "sqlite" {
        let directory = rest.map_or(".", String::as_str);
        return Store::open(Path::new(directory).join("transitions.db")).await;
    }
    let mut options = MongoOptions::new(MongoAddress::new(kind));
    options.redis = rest.map(RedisAddress::new);
    let backend = Mongo::open(options).await?;
    Ok(Store::with_backend(
        Arc::new(backend),
        Arc::new(SystemClock),
    ))
}

async fn call(
    store: &Store,
    number: usize,
    end: Instant,
    transitions: &AtomicU64,
) -> Result<(), StoreError> {
    let (jobs, worker) = (store.jobs(), format!("worker/{number}"));
    while Instant::now() < end {
        let job = NewJob::new(
            "agent.deploy",
            json!({ "source": "/home/me/agents/greeter" }),
        );
        jobs.enqueue(job.subject(format!("agent-{number}"))).await?;
        transitions.fetch_add(1, Ordering::Relaxed);
        if let Some(claimed) = jobs.claim(&worker, LEASE).await? {
            transitions.fetch_add(1, Ordering::Relaxed);
            jobs.succeed(&claimed.claim, json!({ "url": "http://127.0.0.1:8000" }))
                .await?;
            transitions.fetch_add(1, Ordering::Relaxed);
        }
    }
    Ok(())
}
