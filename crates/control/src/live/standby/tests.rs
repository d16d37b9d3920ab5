use std::path::PathBuf;

use async_trait::async_trait;
use nasiko_runtime::{Instance, InstanceId, Overlay, RuntimeError};

use super::*;
use crate::records::RestartPolicy;

struct Idle(InstanceId);

#[async_trait]
impl Standby for Idle {
    fn instance(&self) -> &InstanceId {
        &self.0
    }

    fn is_alive(&self) -> bool {
        true
    }

    async fn release(
        self: Box<Self>,
        _: Option<Arc<dyn Overlay>>,
        _: &CancellationToken,
    ) -> Result<Instance, RuntimeError> {
        Err(RuntimeError::Cancelled { what: "a test" })
    }

    async fn discard(self: Box<Self>) {}
}

fn plan(artifact: &str) -> RunPlan {
    RunPlan {
        runtime: RuntimeKind::Process,
        version: "1.0.0".to_owned(),
        content_hash: "any".to_owned(),
        artifact: artifact.to_owned(),
        command: Vec::new(),
        workdir: PathBuf::new(),
        folder_env: None,
        ports: Vec::new(),
        ready: None,
        start_timeout_ms: None,
        stop_timeout_ms: None,
        restart: RestartPolicy::default(),
        overlay: None,
    }
}

/// Makes one wait for the agent; gives the agent of the one that had to go.
fn wait(pool: &Pool, agent: &str, artifact: &str, now: Instant) -> Option<String> {
    let (agent, plan) = (AgentName::from(agent), plan(artifact));
    let (making, saved, unfit) = pool.begin(&agent, &plan, now)?;
    let waiting = Waiting {
        standby: Box::new(Idle(InstanceId::new("idle"))),
        env_fingerprint: String::new(),
        in_hand: InHand::of_nobody(),
        agent: agent.clone(),
        fit: Fit::of(&plan),
        saved,
    };
    let surplus = pool.put(waiting, &making);
    pool.made(&agent, &making);
    unfit.or(surplus).map(|gone| gone.agent.to_string())
}

#[test]
fn the_agent_saved_least_recently_gives_way() {
    let (pool, now) = (Pool::default(), Instant::now());
    for number in 0..MOST {
        let name = format!("agent-{number}");
        let now = now + Duration::from_secs(number as u64);
        pool.saved(&name.as_str().into(), now);
        assert_eq!(wait(&pool, &name, "folder", now), None);
    }
    let later = now + KEPT / 2;
    pool.saved(&"agent-0".into(), later);
    pool.saved(&"newest".into(), later);
    let gone = wait(&pool, "newest", "folder", later);
    assert_eq!(gone.as_deref(), Some("agent-1"));
    assert!(pool.is_warm(&"agent-0".into()));
    assert!(!pool.is_warm(&"agent-1".into()));
}

#[test]
fn only_agents_that_are_edited_have_one() {
    let (pool, now) = (Pool::default(), Instant::now());
    assert_eq!(wait(&pool, "quiet", "folder", now), None);
    assert!(!pool.is_warm(&"quiet".into()), "nobody saved it");
    pool.saved(&"quiet".into(), now);
    wait(&pool, "quiet", "folder", now + KEPT);
    assert!(!pool.is_warm(&"quiet".into()), "it was saved too long ago");
}

#[test]
fn a_start_takes_only_what_fits() {
    let (pool, now) = (Pool::default(), Instant::now());
    let agent = AgentName::from("edited");
    pool.saved(&agent, now);
    assert_eq!(wait(&pool, "edited", "folder", now), None);
    assert!(
        pool.begin(&agent, &plan("folder"), now).is_none(),
        "one is enough"
    );
    assert!(pool.take(&agent, &plan("python:/new")).is_none());
    // The one that does not fit any more goes with the making of the next.
    let gone = wait(&pool, "edited", "python:/new", now);
    assert_eq!(gone.as_deref(), Some("edited"));
    assert!(pool.take(&agent, &plan("python:/new")).is_some());
    assert!(pool.take(&agent, &plan("python:/new")).is_none());
}

#[test]
fn what_was_on_its_way_when_it_became_void_is_not_kept() {
    let (pool, now) = (Pool::default(), Instant::now());
    let agent = AgentName::from("edited");
    pool.saved(&agent, now);
    let (making, ..) = pool.begin(&agent, &plan("folder"), now).unwrap();
    assert!(
        pool.begin(&agent, &plan("folder"), now).is_none(),
        "one is on its way"
    );
    assert!(pool.clear(&agent).is_none());
    assert!(making.is_cancelled());
    assert!(wait(&pool, "edited", "folder", now).is_none());
    assert!(pool.is_warm(&agent));
    assert_eq!(pool.close().len(), 1);
    assert!(pool.begin(&agent, &plan("folder"), now).is_none());
}
