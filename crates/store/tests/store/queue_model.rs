//! The queue against a model that is too simple to be wrong: a list, searched from the front.

use std::time::Duration;

use nasiko_contract::{ErrorCode, Fault};
use nasiko_store::{
    Claim, Clock, Enqueued, Heartbeat, JobQuery, JobState, NewJob, StoreError, job::limits,
};
use proptest::{collection::vec, option, prelude::*};
use serde_json::json;

use crate::place::{Place, sqlite};

const LEASE_MS: i64 = 1_000;
/// What [`pick`] makes the last one.
const NEWEST: usize = 0;

#[derive(Debug, Clone)]
enum Step {
    Enqueue {
        subject: Option<u8>,
        key: Option<u8>,
        delay_ms: i64,
        max_attempts: u32,
    },
    Claim {
        worker: u8,
    },
    /// The number picks one of the claims handed out so far, stale ones too.
    Heartbeat(usize),
    Succeed(usize),
    Fail {
        claim: usize,
        retry_ms: Option<u16>,
    },
    Cancelled(usize),
    /// The number picks one of the jobs.
    RequestCancel(usize),
    Requeue(usize),
    Release {
        worker: u8,
    },
    Advance {
        ms: u16,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let any_claim = 0..64_usize;
    prop_oneof![
        5 => (option::weighted(0.8, 0..2_u8), option::weighted(0.2, 0..6_u8), prop_oneof![3 => Just(0), 1 => 0..1_500_i64], 1..3_u32)
            .prop_map(|(subject, key, delay_ms, max_attempts)| Step::Enqueue { subject, key, delay_ms, max_attempts }),
        6 => (0..3_u8).prop_map(|worker| Step::Claim { worker }),
        1 => any_claim.clone().prop_map(Step::Heartbeat),
        3 => any_claim.clone().prop_map(Step::Succeed),
        3 => (any_claim.clone(), option::weighted(0.8, 0..1_200_u16))
            .prop_map(|(claim, retry_ms)| Step::Fail { claim, retry_ms }),
        1 => any_claim.clone().prop_map(Step::Cancelled),
        2 => any_claim.clone().prop_map(Step::RequestCancel),
        2 => any_claim.prop_map(Step::Requeue),
        1 => (0..3_u8).prop_map(|worker| Step::Release { worker }),
        3 => (1..1_400_u16).prop_map(|ms| Step::Advance { ms }),
    ]
}

#[derive(Debug, Clone)]
struct ModelJob {
    id: String,
    key: Option<u8>,
    subject: Option<u8>,
    max_attempts: u32,
    state: JobState,
    holder: Option<Claim>,
    lease_until: i64,
    not_before: i64,
    claims: u32,
    failures: u32,
    interruptions: u32,
    cancel: bool,
}

impl ModelJob {
    fn is_active(&self) -> bool {
        !self.state.is_ended()
    }

    fn wait_until(&mut self, not_before: i64) {
        self.state = JobState::Queued;
        self.holder = None;
        self.not_before = not_before;
    }

    fn end(&mut self, state: JobState) {
        self.state = state;
        self.holder = None;
    }

    fn interrupt(&mut self, now: i64) {
        self.interruptions += 1;
        if self.interruptions > limits::INTERRUPTIONS {
            self.end(JobState::Dead);
        } else {
            self.wait_until(now);
        }
    }
}

/// The jobs in queue order.
#[derive(Default)]
struct Model {
    jobs: Vec<ModelJob>,
}

impl Model {
    fn claim(&mut self, worker: &str, now: i64) -> Option<Claim> {
        for job in self
            .jobs
            .iter_mut()
            .filter(|job| job.holder.is_some() && job.lease_until <= now)
        {
            job.interrupt(now);
        }
        let is_ready = |place: usize| {
            let job = &self.jobs[place];
            let is_first = job.subject.is_none()
                || !self.jobs[..place]
                    .iter()
                    .any(|other| other.subject == job.subject && other.is_active());
            job.state == JobState::Queued && job.not_before <= now && is_first
        };
        let place = (0..self.jobs.len()).find(|place| is_ready(*place))?;
        let job = &mut self.jobs[place];
        job.state = JobState::Running;
        job.claims += 1;
        job.lease_until = now + LEASE_MS;
        job.holder = Some(Claim {
            job: job.id.clone(),
            worker: worker.to_owned(),
            attempt: job.claims,
        });
        job.holder.clone()
    }

    fn held(&mut self, claim: &Claim) -> Option<&mut ModelJob> {
        self.jobs
            .iter_mut()
            .find(|job| job.holder.as_ref() == Some(claim))
    }
}

/// A place among `length` things, mostly among the last few, where things happen.
fn pick(length: usize, number: usize) -> Option<usize> {
    let reach = if number < 48 { length.min(6) } else { length };
    (reach > 0).then(|| length - 1 - number % reach)
}

fn fault() -> Fault {
    Fault::new(ErrorCode::EngineStopped, "The engine stopped")
}

/// Whether the store said the same as the model: `held`, or that the lease is lost.
fn agrees<T>(outcome: &Result<T, StoreError>, held: bool) -> bool {
    match outcome {
        Ok(_) => held,
        Err(StoreError::LeaseLost { .. }) => !held,
        Err(_) => false,
    }
}

async fn take_step(place: &Place, model: &mut Model, claims: &mut Vec<Claim>, step: Step) {
    let jobs = place.store.jobs();
    let now = place.clock.now_ms();
    let lease = Duration::from_millis(LEASE_MS.unsigned_abs());
    let chosen = |number: usize, claims: &[Claim]| {
        pick(claims.len(), number).map(|place| claims[place].clone())
    };
    match step {
        Step::Enqueue {
            subject,
            key,
            delay_ms,
            max_attempts,
        } => {
            let new = NewJob {
                key: key.map(|key| format!("key-{key}")),
                subject: subject.map(|subject| format!("subject-{subject}")),
                max_attempts,
                not_before_ms: now + delay_ms,
                ..NewJob::new("test", json!(null))
            };
            let existing = key.and_then(|key| model.jobs.iter().find(|job| job.key == Some(key)));
            let wanted = existing.map_or(Enqueued::New(new.id.clone()), |job| {
                Enqueued::Existing(job.id.clone())
            });
            if existing.is_none() {
                model.jobs.push(ModelJob {
                    id: new.id.clone(),
                    key,
                    subject,
                    max_attempts,
                    state: JobState::Queued,
                    holder: None,
                    lease_until: 0,
                    not_before: now + delay_ms,
                    claims: 0,
                    failures: 0,
                    interruptions: 0,
                    cancel: false,
                });
            }
            assert_eq!(jobs.enqueue(new).await.unwrap(), wanted);
        }
        Step::Claim { worker } => {
            let worker = format!("worker-{worker}/");
            let claimed = jobs
                .claim(&worker, lease)
                .await
                .unwrap()
                .map(|claimed| claimed.claim);
            assert_eq!(claimed, model.claim(&worker, now));
            claims.extend(claimed);
        }
        Step::Heartbeat(number) => {
            let Some(claim) = chosen(number, claims) else {
                return;
            };
            let wanted = match model.held(&claim) {
                Some(job) => {
                    job.lease_until = now + LEASE_MS;
                    if job.cancel {
                        Heartbeat::CancelRequested
                    } else {
                        Heartbeat::Held
                    }
                }
                None => Heartbeat::LeaseLost,
            };
            assert_eq!(jobs.heartbeat(&claim, lease).await.unwrap(), wanted);
        }
        Step::Succeed(number) => {
            let Some(claim) = chosen(number, claims) else {
                return;
            };
            let held = model
                .held(&claim)
                .map(|job| job.end(JobState::Succeeded))
                .is_some();
            assert!(agrees(&jobs.succeed(&claim, json!(null)).await, held));
        }
        Step::Fail { claim, retry_ms } => {
            let Some(claim) = chosen(claim, claims) else {
                return;
            };
            let held = model.held(&claim).map(|job| {
                job.failures += u32::from(retry_ms.is_some());
                match retry_ms {
                    None => job.end(JobState::Failed),
                    Some(_) if job.cancel => job.end(JobState::Cancelled),
                    Some(_) if job.failures >= job.max_attempts => job.end(JobState::Dead),
                    Some(ms) => job.wait_until(now + i64::from(ms)),
                }
            });
            let retry = retry_ms.map(|ms| Duration::from_millis(ms.into()));
            assert!(agrees(
                &jobs.fail(&claim, fault(), retry).await,
                held.is_some()
            ));
        }
        Step::Cancelled(number) => {
            let Some(claim) = chosen(number, claims) else {
                return;
            };
            let held = model
                .held(&claim)
                .map(|job| job.end(JobState::Cancelled))
                .is_some();
            assert!(agrees(&jobs.cancelled(&claim).await, held));
        }
        Step::RequestCancel(number) => {
            let Some(place) = pick(model.jobs.len(), number) else {
                return;
            };
            let job = &mut model.jobs[place];
            let allowed = job.is_active();
            match job.state {
                JobState::Queued if job.claims == 0 => job.end(JobState::Cancelled),
                JobState::Queued => (job.cancel, job.not_before) = (true, now),
                JobState::Running => job.cancel = true,
                _ => {}
            }
            assert_eq!(jobs.request_cancel(&job.id).await.is_ok(), allowed);
        }
        Step::Requeue(number) => {
            let Some(place) = pick(model.jobs.len(), number) else {
                return;
            };
            let allowed = matches!(
                model.jobs[place].state,
                JobState::Failed | JobState::Cancelled | JobState::Dead
            );
            assert_eq!(jobs.requeue(&model.jobs[place].id).await.is_ok(), allowed);
            if allowed {
                let mut job = model.jobs.remove(place);
                job.wait_until(now);
                (job.failures, job.interruptions, job.cancel) = (0, 0, false);
                model.jobs.push(job);
            }
        }
        Step::Release { worker } => {
            let worker = format!("worker-{worker}/");
            jobs.release_all(&worker).await.unwrap();
            for job in &mut model.jobs {
                if job
                    .holder
                    .as_ref()
                    .is_some_and(|claim| claim.worker == worker)
                {
                    job.interrupt(now);
                }
            }
        }
        Step::Advance { ms } => place.clock.advance(Duration::from_millis(ms.into())),
    }
}

async fn run(steps: Vec<Step>) {
    let place = sqlite().await.expect("it needs no server");
    let (mut model, mut claims) = (Model::default(), Vec::new());
    for step in steps {
        take_step(&place, &mut model, &mut claims, step).await;
    }
    // At the end both agree on every job, and what is left runs in the same order.
    let listed = place
        .store
        .jobs()
        .list(&JobQuery {
            limit: Some(1_000),
            ..JobQuery::default()
        })
        .await
        .unwrap();
    assert_eq!(listed.items.len(), model.jobs.len());
    for job in listed.items {
        let wanted = model.jobs.iter().find(|other| other.id == job.id).unwrap();
        assert_eq!(
            (
                job.state,
                job.attempts,
                job.failures,
                job.interruptions,
                job.cancel_requested
            ),
            (
                wanted.state,
                wanted.claims,
                wanted.failures,
                wanted.interruptions,
                wanted.cancel
            ),
        );
    }
    for _ in 0..4 * model.jobs.len() {
        take_step(&place, &mut model, &mut claims, Step::Advance { ms: 500 }).await;
        take_step(&place, &mut model, &mut claims, Step::Claim { worker: 0 }).await;
        take_step(&place, &mut model, &mut claims, Step::Succeed(NEWEST)).await;
    }
    assert!(
        model.jobs.iter().all(|job| !job.is_active()),
        "nothing is stuck"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, max_shrink_iters: 500, ..ProptestConfig::default() })]

    #[test]
    fn the_queue_does_what_a_plain_list_does(steps in vec(step(), 1..80)) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run(steps));
    }
}
