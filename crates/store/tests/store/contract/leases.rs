//! Leases: workers that vanish, workers that come back too late.

use nasiko_store::{Batch, Expected, Heartbeat, JobState, StoreError, Transition, job::limits};
use serde_json::json;

use crate::place::{LEASE, Note, Place, job, note};

pub(crate) async fn an_expired_lease_hands_the_job_on_and_fences_the_old_worker(place: &Place) {
    let jobs = place.store.jobs();
    let id = place.enqueue(job("deploy").subject("a")).await;
    let old = place.take("w1").await;
    place.clock.advance(LEASE);
    let new = place.claim("w2").await.unwrap();
    assert_eq!(
        (new.job.id.as_str(), new.job.attempts, new.job.interruptions),
        (id.as_str(), 2, 1)
    );
    assert_eq!(
        jobs.heartbeat(&old, LEASE).await.unwrap(),
        Heartbeat::LeaseLost
    );
    assert!(matches!(
        jobs.succeed(&old, json!(1)).await,
        Err(StoreError::LeaseLost { .. })
    ));
    jobs.succeed(&new.claim, json!(2)).await.unwrap();
    assert_eq!(jobs.get(&id).await.unwrap().unwrap().result, Some(json!(2)));

    // The same worker, by name, in a later try: its earlier claim does not count either.
    place.enqueue(job("again")).await;
    let old = place.take("w").await;
    place.clock.advance(LEASE);
    let new = place.take("w").await;
    assert_eq!(
        jobs.heartbeat(&old, LEASE).await.unwrap(),
        Heartbeat::LeaseLost
    );
    assert_eq!(jobs.heartbeat(&new, LEASE).await.unwrap(), Heartbeat::Held);
}

pub(crate) async fn heartbeats_keep_the_lease(place: &Place) {
    place.enqueue(job("deploy")).await;
    let claim = place.take("w1").await;
    for _ in 0..3 {
        place.clock.advance(LEASE / 2);
        assert_eq!(
            place.store.jobs().heartbeat(&claim, LEASE).await.unwrap(),
            Heartbeat::Held
        );
    }
    assert!(place.claim("w2").await.is_none());
    place.clock.advance(LEASE);
    // Expired, but nobody took it: the worker may go on.
    assert_eq!(
        place.store.jobs().heartbeat(&claim, LEASE).await.unwrap(),
        Heartbeat::Held
    );
    assert!(place.claim("w2").await.is_none());
}

pub(crate) async fn a_lost_lease_refuses_the_whole_batch(place: &Place) {
    place.enqueue(job("deploy")).await;
    let old = place.take("w1").await;
    place.clock.advance(LEASE);
    let new = place.take("w2").await;
    let finish = |claim: &nasiko_store::Claim| {
        let mut batch = Batch::new();
        batch.put(&note(&claim.worker, None), Expected::New).job(
            claim,
            Transition::Succeed {
                claim: claim.clone(),
                result: json!(null),
            },
        );
        batch
    };
    let refused = place.store.commit(finish(&old)).await;
    assert!(matches!(refused, Err(StoreError::LeaseLost { .. })));
    assert!(place.store.get::<Note>("w1").await.unwrap().is_none());
    let committed = place.store.commit(finish(&new)).await.unwrap();
    assert_eq!(committed.jobs[0].state, JobState::Succeeded);
    assert!(place.store.get::<Note>("w2").await.unwrap().is_some());
}

pub(crate) async fn a_dead_process_gives_its_jobs_back_at_once(place: &Place) {
    for kind in ["1", "2", "3"] {
        place.enqueue(job(kind)).await;
    }
    let ours = place.take("host-1/0").await;
    let also_ours = place.take("host-1/1").await;
    let theirs = place.take("host-10/0").await;
    let released = place.store.jobs().release_all("host-1/").await.unwrap();
    assert_eq!(released, [ours.job.clone(), also_ours.job]);
    assert_eq!(
        place.store.jobs().heartbeat(&ours, LEASE).await.unwrap(),
        Heartbeat::LeaseLost
    );
    assert_eq!(
        place.store.jobs().heartbeat(&theirs, LEASE).await.unwrap(),
        Heartbeat::Held
    );
    assert_eq!(
        place.take("host-2/0").await.job,
        ours.job,
        "in its old place"
    );
    assert!(
        place
            .store
            .jobs()
            .release_all("host-1/")
            .await
            .unwrap()
            .is_empty()
    );
}

pub(crate) async fn a_job_that_kills_its_workers_becomes_a_dead_letter(place: &Place) {
    let id = place.enqueue(job("poison").subject("a")).await;
    let next = place.enqueue(job("next").subject("a")).await;
    for _ in 0..=limits::INTERRUPTIONS {
        assert_eq!(place.take("w/0").await.job, id);
        place.store.jobs().release_all("w/").await.unwrap();
    }
    let dead = place.store.jobs().get(&id).await.unwrap().unwrap();
    assert_eq!(dead.state, JobState::Dead);
    assert!(dead.fault.is_some(), "with its reason");
    assert_eq!(place.take("w/0").await.job, next);
}
