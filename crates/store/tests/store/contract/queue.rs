//! The queue: order, retries, cancelling, waiting.

use std::{collections::HashSet, time::Duration};

use nasiko_contract::{ErrorCode, Fault};
use nasiko_store::{
    Batch, CancelOutcome, Clock, Enqueued, Expected, Heartbeat, JobQuery, JobState, NewJob,
    StoreError,
};
use serde_json::json;

use crate::place::{LEASE, Note, Place, job, note, soon};

const DELAY: Duration = Duration::from_secs(5);

fn fault() -> Fault {
    Fault::new(ErrorCode::EngineStopped, "The engine stopped")
}

async fn state(place: &Place, id: &str) -> JobState {
    place
        .store
        .jobs()
        .get(id)
        .await
        .unwrap()
        .expect("the job is kept")
        .state
}

pub(crate) async fn a_job_runs_from_enqueue_to_result(place: &Place) {
    let jobs = place.store.jobs();
    assert!(place.claim("w").await.is_none());
    let id = place.enqueue(job("deploy").subject("greeter")).await;
    let claimed = place.claim("w").await.unwrap();
    assert_eq!(claimed.job.id, id);
    assert_eq!(claimed.job.payload, json!({ "for": "deploy" }));
    assert_eq!(
        (claimed.job.state, claimed.job.attempts),
        (JobState::Running, 1)
    );
    assert!(place.claim("w").await.is_none(), "it is taken");

    let claim = claimed.claim;
    assert_eq!(
        jobs.progress(&claim, 0.6, "building").await.unwrap(),
        Heartbeat::Held
    );
    assert_eq!(
        jobs.progress(&claim, 0.2, "starting").await.unwrap(),
        Heartbeat::Held
    );
    let running = jobs.get(&id).await.unwrap().unwrap();
    assert!(
        (running.fraction - 0.6).abs() < f64::EPSILON,
        "progress never falls"
    );
    assert_eq!(running.step, "starting");

    place.clock.advance(Duration::from_secs(1));
    jobs.succeed(&claim, json!({ "url": "http://localhost" }))
        .await
        .unwrap();
    let ended = jobs.get(&id).await.unwrap().unwrap();
    assert_eq!(ended.state, JobState::Succeeded);
    assert_eq!(ended.result, Some(json!({ "url": "http://localhost" })));
    assert_eq!(ended.ended_ms, Some(place.clock.now_ms()));
    assert!(
        matches!(
            jobs.succeed(&claim, json!(1)).await,
            Err(StoreError::LeaseLost { .. })
        ),
        "once only"
    );
    assert_eq!(
        jobs.progress(&claim, 0.9, "late").await.unwrap(),
        Heartbeat::LeaseLost
    );
}

pub(crate) async fn a_key_or_id_is_accepted_once(place: &Place) {
    let jobs = place.store.jobs();
    let first = job("deploy").key("request-1");
    let id = first.id.clone();
    assert_eq!(
        jobs.enqueue(first.clone()).await.unwrap(),
        Enqueued::New(id.clone())
    );
    assert_eq!(
        jobs.enqueue(first).await.unwrap(),
        Enqueued::Existing(id.clone())
    );
    let same_key = job("deploy").key("request-1");
    assert_eq!(
        jobs.enqueue(same_key.clone()).await.unwrap(),
        Enqueued::Existing(id.clone())
    );

    let claim = place.take("w").await;
    jobs.succeed(&claim, json!(null)).await.unwrap();
    assert!(place.claim("w").await.is_none(), "accepted once, run once");

    let mut batch = Batch::new();
    batch.put(&note("a", None), Expected::New).enqueue(same_key);
    let refused = place.store.commit(batch).await;
    assert!(matches!(refused, Err(StoreError::JobExists { id: existing }) if existing == id));
    assert!(
        place.store.get::<Note>("a").await.unwrap().is_none(),
        "the repeated request changes nothing"
    );
}

pub(crate) async fn jobs_of_one_subject_run_one_after_the_other(place: &Place) {
    let jobs = place.store.jobs();
    for (kind, subject) in [
        ("1", Some("a")),
        ("2", Some("a")),
        ("3", Some("b")),
        ("4", None),
        ("5", None),
        ("6", Some("a")),
    ] {
        let new = NewJob {
            subject: subject.map(ToOwned::to_owned),
            ..job(kind)
        };
        place.enqueue(new).await;
    }
    let mut claims = Vec::new();
    while let Some(claimed) = place.claim("w").await {
        claims.push((claimed.job.kind, claimed.claim));
    }
    let kinds: Vec<_> = claims.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["1", "3", "4", "5"], "2 and 6 wait for 1");

    let waiting = place.enqueue(job("7").subject("a")).await;
    jobs.request_cancel(&waiting).await.unwrap();
    assert!(
        place.claim("w").await.is_none(),
        "the end of a waiting job lets nobody forward"
    );

    jobs.fail(&claims[0].1, fault(), Some(DELAY)).await.unwrap();
    assert!(
        place.claim("w").await.is_none(),
        "1 is tried again before 2 has its turn"
    );
    place.clock.advance(DELAY);
    let again = place.claim("w").await.unwrap();
    assert_eq!(again.job.kind, "1");
    jobs.succeed(&again.claim, json!(null)).await.unwrap();
    let second = place.claim("w").await.unwrap();
    assert_eq!(second.job.kind, "2");
    assert!(place.claim("w").await.is_none());
    jobs.fail(&second.claim, fault(), None).await.unwrap();
    assert_eq!(place.claim("w").await.unwrap().job.kind, "6");
}

pub(crate) async fn a_job_is_not_claimed_before_its_time(place: &Place) {
    let due = place.clock.now_ms() + 5_000;
    place
        .enqueue(NewJob {
            not_before_ms: due,
            ..job("later")
        })
        .await;
    place.enqueue(job("now")).await;
    assert_eq!(place.claim("w").await.unwrap().job.kind, "now");
    place.clock.advance(Duration::from_millis(4_999));
    assert!(place.claim("w").await.is_none());
    place.clock.advance(Duration::from_millis(1));
    assert_eq!(place.claim("w").await.unwrap().job.kind, "later");
}

pub(crate) async fn retries_end_in_a_dead_letter_that_can_be_queued_again(place: &Place) {
    let jobs = place.store.jobs();
    let id = place.enqueue(job("deploy").max_attempts(2)).await;
    let first = place.take("w").await;
    jobs.progress(&first, 0.7, "pulling").await.unwrap();
    let status = jobs.fail(&first, fault(), Some(DELAY)).await.unwrap();
    assert_eq!(status.state, JobState::Queued);
    place.clock.advance(DELAY);
    let second = place.claim("w").await.unwrap();
    assert!(
        (second.job.fraction - 0.7).abs() < f64::EPSILON,
        "another try does not go back"
    );
    assert_eq!(second.job.fault, Some(fault()));
    let status = jobs
        .fail(&second.claim, fault(), Some(DELAY))
        .await
        .unwrap();
    assert_eq!(status.state, JobState::Dead);
    place.clock.advance(DELAY);
    assert!(place.claim("w").await.is_none());

    place.enqueue(job("other")).await;
    assert_eq!(jobs.requeue(&id).await.unwrap().state, JobState::Queued);
    assert_eq!(
        place.claim("w").await.unwrap().job.kind,
        "other",
        "queued again means: behind the others"
    );
    let third = place.claim("w").await.unwrap();
    assert_eq!(
        (third.job.id.as_str(), third.job.failures),
        (id.as_str(), 0),
        "with all its tries"
    );
    assert!(matches!(
        jobs.succeed(&first, json!(1)).await,
        Err(StoreError::LeaseLost { .. })
    ));
    jobs.succeed(&third.claim, json!(null)).await.unwrap();
    assert!(
        matches!(
            jobs.requeue(&id).await,
            Err(StoreError::WrongJobState { .. })
        ),
        "it is done"
    );
    assert!(matches!(
        jobs.requeue("none").await,
        Err(StoreError::JobNotFound { .. })
    ));
}

pub(crate) async fn a_failure_without_retry_is_final(place: &Place) {
    let id = place.enqueue(job("deploy")).await;
    let claim = place.take("w").await;
    let status = place
        .store
        .jobs()
        .fail(&claim, fault(), None)
        .await
        .unwrap();
    assert_eq!(status.state, JobState::Failed);
    let ended = place.store.jobs().get(&id).await.unwrap().unwrap();
    assert_eq!(ended.fault, Some(fault()));
    assert!(place.claim("w").await.is_none());
}

pub(crate) async fn cancelling_depends_on_how_far_the_job_is(place: &Place) {
    let jobs = place.store.jobs();
    let fresh = place.enqueue(job("fresh")).await;
    assert_eq!(
        jobs.request_cancel(&fresh).await.unwrap(),
        CancelOutcome::Cancelled
    );
    assert_eq!(state(place, &fresh).await, JobState::Cancelled);
    assert!(matches!(
        jobs.request_cancel(&fresh).await,
        Err(StoreError::WrongJobState { .. })
    ));
    assert!(place.claim("w").await.is_none());

    let running = place.enqueue(job("running").subject("a")).await;
    let next = place.enqueue(job("next").subject("a")).await;
    let claim = place.take("w").await;
    assert_eq!(
        jobs.request_cancel(&running).await.unwrap(),
        CancelOutcome::Requested
    );
    assert_eq!(
        state(place, &running).await,
        JobState::Running,
        "until its worker has cleaned up"
    );
    assert_eq!(
        jobs.heartbeat(&claim, LEASE).await.unwrap(),
        Heartbeat::CancelRequested
    );
    assert_eq!(
        jobs.cancelled(&claim).await.unwrap().state,
        JobState::Cancelled
    );
    let claim = place.take("w").await;
    assert_eq!(claim.job, next);

    jobs.request_cancel(&next).await.unwrap();
    let status = jobs.fail(&claim, fault(), Some(DELAY)).await.unwrap();
    assert_eq!(
        status.state,
        JobState::Cancelled,
        "no retry of what nobody wants any more"
    );

    let tried = place.enqueue(job("tried")).await;
    let claim = place.take("w").await;
    jobs.fail(&claim, fault(), Some(DELAY)).await.unwrap();
    assert_eq!(
        jobs.request_cancel(&tried).await.unwrap(),
        CancelOutcome::Requested
    );
    let claimed = place
        .claim("w")
        .await
        .expect("at once, to clean up what the first try left");
    assert!(claimed.job.cancel_requested);
    jobs.cancelled(&claimed.claim).await.unwrap();
}

pub(crate) async fn jobs_are_listed_newest_first_by_state_and_subject(place: &Place) {
    let jobs = place.store.jobs();
    for number in 0..7 {
        place
            .enqueue(job(&number.to_string()).subject(if number % 2 == 0 { "even" } else { "odd" }))
            .await;
    }
    let claim = place.take("w").await;
    jobs.fail(&claim, fault(), None).await.unwrap();
    let listed = async |query: JobQuery| {
        let page = jobs.list(&query).await.unwrap();
        (
            page.items
                .into_iter()
                .map(|job| job.kind)
                .collect::<Vec<_>>(),
            page.next,
        )
    };
    let even = JobQuery {
        subject: Some("even".to_owned()),
        limit: Some(3),
        ..JobQuery::default()
    };
    let (kinds, next) = listed(even.clone()).await;
    assert_eq!(kinds, ["6", "4", "2"]);
    let (kinds, next) = listed(JobQuery {
        after: next,
        ..even
    })
    .await;
    assert_eq!((kinds, next), (vec!["0".to_owned()], None));
    let failed = JobQuery {
        states: vec![JobState::Failed, JobState::Dead],
        ..JobQuery::default()
    };
    assert_eq!(listed(failed).await.0, ["0"]);
}

pub(crate) async fn concurrent_workers_never_share_a_job(place: &Place) {
    const JOBS: usize = 120;
    for number in 0..JOBS {
        place
            .enqueue(job("work").subject(format!("agent-{}", number % 7)))
            .await;
    }
    let workers = (0..8).map(|worker| {
        let jobs = place.store.jobs();
        tokio::spawn(async move {
            let mut done = Vec::new();
            while done.len() < JOBS {
                let Some(claimed) = jobs.claim(&format!("w{worker}"), LEASE).await.unwrap() else {
                    let queued = JobQuery {
                        states: vec![JobState::Queued],
                        ..JobQuery::default()
                    };
                    if jobs.list(&queued).await.unwrap().items.is_empty() {
                        break;
                    }
                    tokio::task::yield_now().await;
                    continue;
                };
                let running = JobQuery {
                    states: vec![JobState::Running],
                    subject: claimed.job.subject.clone(),
                    ..JobQuery::default()
                };
                assert_eq!(
                    jobs.list(&running).await.unwrap().items.len(),
                    1,
                    "one at a time per subject"
                );
                jobs.succeed(&claimed.claim, json!(null)).await.unwrap();
                done.push(claimed.job.id);
            }
            done
        })
    });
    let mut run = Vec::new();
    for worker in workers.collect::<Vec<_>>() {
        run.extend(soon(worker).await.unwrap());
    }
    assert_eq!(run.len(), JOBS, "each is run");
    assert_eq!(
        run.into_iter().collect::<HashSet<_>>().len(),
        JOBS,
        "and none twice"
    );
}

pub(crate) async fn waiting_for_work_ends_when_there_is_some(place: &Place) {
    let jobs = place.store.jobs();
    let waiting = || {
        let jobs = jobs.clone();
        tokio::spawn(async move { jobs.wait_for_work().await.unwrap() })
    };
    let waiter = waiting();
    tokio::task::yield_now().await;
    assert!(!waiter.is_finished());
    let first = place.enqueue(job("1").subject("a")).await;
    soon(waiter).await.unwrap();
    soon(jobs.wait_for_work()).await.unwrap(); // there still is some: at once

    let claim = place.take("w").await;
    assert_eq!(claim.job, first);
    place.enqueue(job("2").subject("a")).await;
    let waiter = waiting();
    tokio::task::yield_now().await;
    assert!(!waiter.is_finished(), "a blocked job is no work");
    jobs.succeed(&claim, json!(null)).await.unwrap();
    soon(waiter).await.unwrap();

    let claim = place.take("w").await;
    jobs.fail(&claim, fault(), Some(Duration::from_millis(20)))
        .await
        .unwrap();
    let waiter = waiting();
    place.clock.advance(Duration::from_millis(20));
    soon(waiter).await.unwrap();
    assert!(place.claim("w").await.is_some());
}

pub(crate) async fn waiting_for_the_end_gives_the_job(place: &Place) {
    let id = place.enqueue(job("deploy")).await;
    let jobs = place.store.jobs();
    let waiter = tokio::spawn({
        let (jobs, id) = (jobs.clone(), id.clone());
        async move { jobs.wait_for_end(&id).await }
    });
    let claim = place.take("w").await;
    jobs.succeed(&claim, json!(7)).await.unwrap();
    assert_eq!(soon(waiter).await.unwrap().unwrap().result, Some(json!(7)));
    assert!(matches!(
        jobs.wait_for_end("none").await,
        Err(StoreError::JobNotFound { .. })
    ));
}
