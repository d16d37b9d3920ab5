//! A hundred edits under two hundred requests a second, half of them streamed: none fails, none is cut, none answers twice.

#![expect(
    clippy::print_stderr,
    reason = "how many requests it was is worth knowing"
)]

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use nasiko_tests::{api, live::Edited};
use tokio::sync::Semaphore;

use crate::live::{SOON, resident};

const EDITS: u32 = 100;
const BETWEEN_REQUESTS: Duration = Duration::from_millis(5);
/// Requests open at a time: a machine that cannot answer as many a second is asked fewer.
const MOST_OPEN: usize = 300;
/// How long a request may take; none takes a tenth of it on a quiet machine.
const ONE_REQUEST: Duration = Duration::from_secs(30);

async fn nothing_fails(runtime: &str, between_edits: Duration) {
    let Some(resident) = resident("live_load::nothing_fails", runtime) else {
        return;
    };
    let agent = Edited::deploy(&resident, "loaded", runtime);
    let over = Arc::new(AtomicBool::new(false));
    let began = Instant::now();
    let load = tokio::spawn(load(agent.url.clone(), Arc::clone(&over)));
    for version in 1..=EDITS {
        agent.save(version);
        tokio::time::sleep(between_edits).await;
    }
    let last = agent.until(EDITS, SOON).await;
    over.store(true, Ordering::Relaxed);
    let outcomes = load.await.unwrap();
    last.unwrap();
    let (asked, took) = (u32::try_from(outcomes.len()).unwrap(), began.elapsed());

    let failures: Vec<&String> = outcomes
        .iter()
        .filter_map(|outcome| outcome.as_ref().err())
        .collect();
    assert!(
        failures.is_empty(),
        "{} of {} failed: {:#?}",
        failures.len(),
        outcomes.len(),
        &failures[..failures.len().min(10)]
    );
    let mut versions: BTreeMap<u32, u32> = BTreeMap::new();
    for outcome in outcomes.into_iter().flatten() {
        *versions.entry(outcome).or_default() += 1;
    }
    assert!(versions.len() > 5, "the versions took turns: {versions:?}");
    eprintln!(
        "{asked} requests, {:.0} a second",
        f64::from(asked) / took.as_secs_f64()
    );
    let updates = agent.updates(&resident);
    assert!(
        updates.iter().all(|update| update["result"] != "failed"),
        "{updates:#?}"
    );
}

/// Asks at a steady pace, within [`MOST_OPEN`]; what came of each: the version that answered.
async fn load(url: String, over: Arc<AtomicBool>) -> Vec<Result<u32, String>> {
    let client = api::client();
    let open = Arc::new(Semaphore::new(MOST_OPEN));
    let mut requests = Vec::new();
    let began = Instant::now();
    for number in 0_u32.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let due = began + BETWEEN_REQUESTS * number;
        tokio::time::sleep_until(due.into()).await;
        let place = Arc::clone(&open).acquire_owned().await.unwrap();
        let path = if number % 2 == 0 { "" } else { "stream" };
        let request = client
            .get(format!("{url}/{path}?{number}"))
            .timeout(ONE_REQUEST);
        requests.push(tokio::spawn(async move {
            let _place = place;
            let pieces = if number % 2 == 0 { 1 } else { 10 };
            let response = request
                .send()
                .await
                .map_err(|error| format!("{number}: {error:?}"))?;
            let status = response.status();
            let text = response
                .text()
                .await
                .map_err(|error| format!("{number}: cut off: {error:?}"))?;
            if !status.is_success() {
                return Err(format!("{number}: {status}: {text}"));
            }
            version_of(&text, number, pieces).ok_or_else(|| format!("{number}: {text:?}"))
        }));
    }
    futures::future::join_all(requests)
        .await
        .into_iter()
        .map(|outcome| outcome.unwrap())
        .collect()
}

/// The one version that said each piece of the answer to just this request.
fn version_of(text: &str, number: u32, pieces: usize) -> Option<u32> {
    let said: Vec<&str> = text.split_terminator(';').collect();
    let (version, word) = said.first()?.strip_prefix('v')?.split_once(' ')?;
    let same = said.iter().all(|piece| *piece == said[0]);
    (same && said.len() == pieces && word == number.to_string())
        .then(|| version.parse().ok())
        .flatten()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_fails_as_a_process() {
    nothing_fails("process", Duration::from_millis(200)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_fails_in_docker() {
    nothing_fails("docker", Duration::from_millis(400)).await;
}
