//! Other control planes on the same store: who they are, whether they live, and what their doings mean for what runs here.
//!
//! The queue shares out the jobs ([`worker`](crate::worker)). An instance belongs to the control plane that started it,
//! and no other one watches, starts again or ends it. Whoever needs the end of another's instance writes the end of its
//! deployment down; its own control plane hears of it by the event log and lets the instance follow ([`view`]). Another
//! one's agents are routed to where they answer, where that can be reached.
//!
//! A control plane shows every [`SIGN_OF_LIFE`] that it lives. Agents of one that does not live any more are looked after by
//! all others: one that answers goes on as it is, one that does not is started by a job ([`orphans`]).
//!
//! With a store of its own a control plane does nothing of all this.

mod key;
mod life;
mod orphans;
mod record;
#[cfg(test)]
mod tests;
mod view;

use std::{
    collections::{BTreeMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use nasiko_contract::{AgentName, Fault, JobId, Peer, PeerState};
use nasiko_runtime::Machine;
use nasiko_store::{Batch, Event, EventFeed, FeedItem, Job, StoreError, Vault};
use parking_lot::Mutex;
use tokio::{sync::Notify, time::MissedTickBehavior};

pub(crate) use self::record::PlaneId;
use self::record::PlaneRecord;
use crate::{
    agents::{CHANGED, REMOVED},
    plane::Shared,
    records::AgentRecord,
};

/// The topic of the coming and going of control planes; its data is a [`Peer`].
pub(crate) const PLANE_CHANGED: &str = "plane.changed";
/// How often a control plane shows that it lives.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);
/// Events that come within this time of the first are looked at together.
const DEBOUNCE: Duration = Duration::from_millis(50);
/// The wait before events are followed again when the store could not be read.
const FOLLOW_AGAIN: Duration = Duration::from_secs(1);

/// What is known of the others.
pub(crate) struct Peers {
    me: PlaneId,
    machine: Machine,
    /// No other control plane can be at work on the store.
    is_alone: AtomicBool,
    /// All but this one, as last read.
    others: Mutex<BTreeMap<PlaneId, PlaneRecord>>,
    /// Agents that are going to be looked at.
    waiting: Mutex<HashSet<AgentName>>,
    /// Containers of somebody else that another control plane saw to may be this one's now.
    pub(crate) discover_again: Notify,
}

impl Peers {
    pub(crate) fn new(installation: String, is_alone: bool) -> Self {
        Self {
            me: PlaneId(installation),
            machine: Machine::here(),
            is_alone: AtomicBool::new(is_alone),
            others: Mutex::default(),
            waiting: Mutex::default(),
            discover_again: Notify::new(),
        }
    }

    /// This control plane.
    pub(crate) fn me(&self) -> &PlaneId {
        &self.me
    }

    /// Whether the store is this control plane's alone.
    pub(crate) fn is_alone(&self) -> bool {
        self.is_alone.load(Ordering::Relaxed)
    }

    /// Whether this control plane sees to an agent: it has its instance, or nobody has one.
    pub(crate) fn is_ours(&self, agent: &AgentRecord) -> bool {
        self.is_alone() || agent.plane.as_ref().is_none_or(|plane| *plane == self.me)
    }

    /// Whether that is another control plane than this one.
    pub(crate) fn is_other(&self, plane: Option<&PlaneId>) -> bool {
        !self.is_alone() && plane.is_some_and(|plane| *plane != self.me)
    }

    /// Whether this one does what only one of all should do: the eldest that lives. Nobody else does it if it is alone.
    pub(crate) fn leads(&self) -> bool {
        let now = crate::time::now_ms();
        let others = self.others.lock();
        let mut alive = others
            .values()
            .filter(|other| other.state(now) == PeerState::Here);
        alive.all(|other| self.me < other.id)
    }

    /// Whether another control plane is at work.
    fn has_company(&self) -> bool {
        let now = crate::time::now_ms();
        let others = self.others.lock();
        others
            .values()
            .any(|other| other.state(now) == PeerState::Here)
    }

    /// The others, for people.
    pub(crate) fn shown(&self) -> Vec<Peer> {
        let now = crate::time::now_ms();
        let others = self.others.lock();
        others.values().map(|other| other.shown(now)).collect()
    }

    /// Whether a control plane gives signs of life.
    fn is_alive(&self, plane: &PlaneId) -> bool {
        let now = crate::time::now_ms();
        let others = self.others.lock();
        others
            .get(plane)
            .is_some_and(|other| other.state(now) == PeerState::Here)
    }

    /// Whether what another control plane has on loopback can be reached from here.
    fn is_beside(&self, plane: &PlaneId) -> bool {
        let others = self.others.lock();
        others
            .get(plane)
            .is_some_and(|other| other.loopback == self.machine.loopback)
    }

    /// How to name another control plane to people.
    pub(crate) fn name_of(&self, plane: &PlaneId) -> String {
        match self.others.lock().get(plane) {
            Some(other) => format!("the control plane on {} ({})", other.host, other.api),
            None => format!("the control plane {plane}, of which nothing is known"),
        }
    }
}

/// Begins to be one of several control planes, if the store is shared: checks the key, says that it is here, and finds
/// out who else is. What happens from then on is in the feed.
///
/// Errors: [`VaultWrongKey`](nasiko_contract::ErrorCode::VaultWrongKey) among others.
pub(crate) async fn enter(shared: &Arc<Shared>) -> Result<Option<Follower>, Fault> {
    if shared.peers.is_alone() {
        return Ok(None);
    }
    let feed = shared.store.subscribe(None);
    key::check(shared).await?;
    shared.show_life(None, true).await?;
    shared.meet().await?;
    shared.forget_planes().await?;
    Ok(Some(Follower {
        shared: Arc::clone(shared),
        feed,
        news: News::default(),
        silent: HashSet::new(),
    }))
}

/// Begins to follow the others until the control plane ends. What this one has must have been compared before.
pub(crate) fn start(shared: &Arc<Shared>, follower: Option<Follower>) {
    if let Some(follower) = follower {
        shared.spawn(follower.run());
    }
}

/// Begins to be one of several control planes while it works: its store has moved to a database that others may use too.
/// What moved is its own, so nothing has to be compared. One that was shared before is followed already.
pub(crate) async fn share(shared: &Arc<Shared>) -> Result<(), Fault> {
    if shared.peers.is_alone.swap(false, Ordering::Relaxed) {
        let follower = enter(shared).await?;
        start(shared, follower);
    }
    Ok(())
}

/// Follows what the others do, and shows them that this one lives.
pub(crate) struct Follower {
    shared: Arc<Shared>,
    feed: EventFeed,
    /// What was heard and is not taken in yet.
    news: News,
    /// Those that were found silent.
    silent: HashSet<PlaneId>,
}

/// What events ask for.
#[derive(Default)]
struct News {
    agents: HashSet<AgentName>,
    settings: bool,
    planes: bool,
    /// Events were missed.
    everything: bool,
}

impl Follower {
    async fn run(mut self) {
        self.shared.look_at_all().await;
        let mut signs = tokio::time::interval(SIGN_OF_LIFE);
        signs.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while self.is_shared() {
            tokio::select! {
                heard = self.hear() => match heard {
                    Ok(()) => self.take_in().await,
                    Err(StoreError::Closed) => return,
                    Err(error) => {
                        tracing::warn!(%error, "other control planes cannot be followed");
                        tokio::time::sleep(FOLLOW_AGAIN).await;
                        self.shared.look_at_all().await;
                    }
                },
                _ = signs.tick() => {
                    if let Err(fault) = self.show_life_and_look().await {
                        tracing::warn!(%fault, "no sign of life could be given");
                    }
                }
            }
        }
    }

    /// Whether there is anybody to follow: the store may be moved to where this control plane is alone.
    fn is_shared(&self) -> bool {
        let Shared { house, peers, .. } = &*self.shared;
        if !house.is_shared() {
            peers.is_alone.store(true, Ordering::Relaxed);
            peers.others.lock().clear();
        }
        !peers.is_alone()
    }

    /// Waits for events that matter here, and for those that come right after. Dropping the future loses none.
    async fn hear(&mut self) -> Result<(), StoreError> {
        while self.news.is_nothing() {
            self.hear_one().await?;
        }
        let enough = tokio::time::sleep(DEBOUNCE);
        tokio::pin!(enough);
        loop {
            tokio::select! {
                () = &mut enough => return Ok(()),
                heard = self.hear_one() => heard?,
            }
        }
    }

    async fn hear_one(&mut self) -> Result<(), StoreError> {
        let event = match self.feed.next().await? {
            FeedItem::Event(event) => event,
            FeedItem::Gap { .. } => {
                self.news.everything = true;
                return Ok(());
            }
        };
        match event.topic.as_str() {
            CHANGED | REMOVED | "deployment.changed" => {
                self.news.agents.insert(AgentName(event.subject.clone()));
            }
            "setting.changed" => self.news.settings = true,
            PLANE_CHANGED => self.news.planes = true,
            "store.moved" => self.news.everything = true,
            Job::CHANGED => self.cancel_if_asked(&event),
            Vault::CHANGED => {
                // What waits on standby has the values of before.
                if let Some(agent) = event.subject.strip_prefix("agent:") {
                    let (shared, agent) = (Arc::clone(&self.shared), agent.into());
                    self.shared
                        .spawn(async move { shared.outdate_standby(&agent).await });
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Somebody asked at another control plane that a job ends: the next heartbeat would tell, later.
    fn cancel_if_asked(&self, event: &Event) {
        if event.data["cancel_requested"] == true
            && let Some(cancel) = self
                .shared
                .running_jobs
                .lock()
                .get(&JobId(event.subject.clone()))
        {
            cancel.cancel();
        }
    }

    async fn take_in(&mut self) {
        let news = std::mem::take(&mut self.news);
        if news.settings || news.everything {
            match crate::settings::load(&self.shared.store).await {
                Ok(settings) => self.shared.apply_settings(settings),
                Err(fault) => tracing::warn!(%fault, "settings were not read anew"),
            }
        }
        if news.planes || news.everything {
            if let Err(fault) = self.shared.meet().await {
                tracing::warn!(%fault, "the other control planes were not read");
            }
            self.shared.look_at_all().await;
        }
        for agent in news.agents {
            self.shared.look_soon(agent);
        }
    }

    async fn show_life_and_look(&mut self) -> Result<(), Fault> {
        self.shared.show_life(None, false).await?;
        self.shared.meet().await?;
        let now = crate::time::now_ms();
        let others: Vec<PlaneRecord> = self.shared.peers.others.lock().values().cloned().collect();
        let mut some_are_gone = false;
        for other in others {
            let state = other.state(now);
            some_are_gone |= state != PeerState::Here;
            if state != PeerState::Silent {
                self.silent.remove(&other.id);
            } else if self.silent.insert(other.id.clone()) {
                tracing::warn!(plane = %other.id, host = other.host, "a control plane fell silent");
                let mut batch = Batch::new();
                batch.event(PLANE_CHANGED, other.id.0.as_str(), other.shown(now));
                self.shared.store.commit(batch).await?;
            }
        }
        if some_are_gone {
            self.shared.look_at_orphans().await?;
        }
        Ok(())
    }
}

impl News {
    fn is_nothing(&self) -> bool {
        self.agents.is_empty() && !self.settings && !self.planes && !self.everything
    }
}
