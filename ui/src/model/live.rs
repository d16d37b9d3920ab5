//! What is known of agents that are kept in step with their folders: the watch, what each save did, and the pinned
//! questions. Kept up to date by the event log.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use nasiko_contract::{
    AgentName, Event, Fault, Page, Pin, PinId, Update, UpdateId, UpdateState, WatchStatus,
};
use serde::{Deserialize, de::DeserializeOwned};

use crate::model::world::record;

/// Updates of one agent that are remembered; the oldest fall out.
const UPDATES_KEPT: usize = 5_000;

/// All agents' live matters.
#[derive(Debug, Clone, Default)]
pub(crate) struct Live {
    agents: BTreeMap<AgentName, AgentLive>,
    /// Grows when events were missed: what is looked at must then be read anew.
    pub(crate) missed: u64,
}

/// One agent's.
#[derive(Debug, Clone, Default)]
pub(crate) struct AgentLive {
    /// How its folder is watched; `None` before that was told.
    pub(crate) watch: Option<WatchStatus>,
    /// What its saves did, newest first; before the list was read, the newest alone.
    pub(crate) updates: Vec<Arc<Update>>,
    /// Where the list goes on, if it does.
    pub(crate) older: Option<String>,
    /// Its pinned questions, oldest first.
    pub(crate) pins: Vec<Pin>,
    /// The list of its updates has been read.
    pub(crate) loaded: bool,
    /// Why it could not be.
    pub(crate) fault: Option<Fault>,
    /// While the lists are on their way: the ids of what events told meanwhile, which is newer than they are.
    told: Option<BTreeSet<String>>,
}

/// The lists of one agent, as they were answered.
#[derive(Debug)]
pub(crate) struct Lists {
    /// How its folder is watched.
    pub(crate) watch: Result<WatchStatus, Fault>,
    /// The newest updates.
    pub(crate) updates: Result<Page<Update>, Fault>,
    /// All pins.
    pub(crate) pins: Result<Page<Pin>, Fault>,
}

impl Live {
    /// Takes in an event; whether it changed anything.
    pub(crate) fn apply(&mut self, event: &Event) -> bool {
        let name = AgentName(event.subject.clone());
        match event.topic.as_str() {
            "watch.changed" => with_data(event, |watch| self.of(name).set_watch(watch)),
            "update.changed" => with_data(event, |update| self.of(name).hear_update(update)),
            "pin.changed" => with_data(event, |pin| self.of(name).hear_pin(pin)),
            "pin.removed" => with_data(event, |gone: Gone| self.of(name).remove_pin(&gone.id)),
            "agent.removed" => self.agents.remove(&name).is_some(),
            _ => false,
        }
    }

    /// One agent's, if anything is known of it.
    pub(crate) fn agent(&self, name: &AgentName) -> Option<&AgentLive> {
        self.agents.get(name)
    }

    /// One agent's, to be changed.
    pub(crate) fn of(&mut self, name: AgentName) -> &mut AgentLive {
        self.agents.entry(name).or_default()
    }

    /// What an agent's last save did.
    pub(crate) fn last_update(&self, name: &AgentName) -> Option<&Update> {
        self.agent(name)?.updates.first().map(AsRef::as_ref)
    }
}

impl AgentLive {
    /// The lists are asked for: from now on events are newer than they are.
    pub(crate) fn begin_reading(&mut self) {
        self.told.get_or_insert_default();
    }

    /// The lists are there.
    pub(crate) fn finish_reading(&mut self, lists: Lists) {
        let told = self.told.take().unwrap_or_default();
        match lists.updates {
            Ok(page) => {
                self.loaded = true;
                self.fault = None;
                self.older = page.next_cursor;
                self.updates
                    .retain(|update| told.contains(update.id.as_str()));
                for update in page.items {
                    self.put_update(update);
                }
            }
            Err(fault) => self.fault = Some(fault),
        }
        if let Ok(page) = lists.pins {
            self.pins.retain(|pin| told.contains(pin.id.as_str()));
            for pin in page.items {
                if !told.contains(pin.id.as_str()) {
                    self.put_pin(pin);
                }
            }
        }
        if let Ok(watch) = lists.watch
            && !told.contains(WATCH)
        {
            self.watch = Some(watch);
        }
    }

    /// Older updates were read.
    pub(crate) fn put_older(&mut self, page: Page<Update>) {
        self.older = page
            .next_cursor
            .filter(|_| self.updates.len() + page.items.len() < UPDATES_KEPT);
        for update in page.items {
            self.put_update(update);
        }
    }

    /// How its folder is watched from now on.
    pub(crate) fn set_watch(&mut self, watch: WatchStatus) {
        self.hear(WATCH);
        self.watch = Some(watch);
    }

    /// Takes in a pin that was made or changed.
    pub(crate) fn hear_pin(&mut self, pin: Pin) {
        self.hear(pin.id.as_str());
        self.put_pin(pin);
    }

    /// A pin is gone.
    pub(crate) fn remove_pin(&mut self, id: &PinId) {
        self.hear(id.as_str());
        self.pins.retain(|pin| pin.id != *id);
    }

    /// What the last save did was read, and no more than that.
    pub(crate) fn put_last(&mut self, update: Update) {
        if self.updates.is_empty() {
            self.put_update(update);
        }
    }

    fn hear_update(&mut self, update: Update) {
        self.hear(update.id.as_str());
        self.put_update(update);
        if !self.loaded && self.told.is_none() {
            self.updates.truncate(1);
        }
    }

    fn hear(&mut self, id: &str) {
        if let Some(told) = &mut self.told {
            told.insert(id.to_owned());
        }
    }

    fn put_update(&mut self, update: Update) {
        let known = self.updates.iter_mut().find(|known| known.id == update.id);
        match known {
            // What has ended does not begin again: that is an older answer that came later.
            Some(known) if is_final(known.state) && !is_final(update.state) => {}
            Some(known) => *known = Arc::new(update),
            None => {
                let place = self
                    .updates
                    .partition_point(|known| order(known) < order(&update));
                self.updates.insert(place, Arc::new(update));
                self.updates.truncate(UPDATES_KEPT);
            }
        }
    }

    fn put_pin(&mut self, pin: Pin) {
        match self.pins.iter_mut().find(|known| known.id == pin.id) {
            Some(known) => *known = pin,
            None => self.pins.push(pin),
        }
        self.pins
            .sort_by(|one, other| (one.created, &one.id).cmp(&(other.created, &other.id)));
    }
}

/// Stands for the watch among the ids of what was told.
const WATCH: &str = "watch";

#[derive(Deserialize)]
struct Gone {
    id: PinId,
}

/// Whether nothing more happens to an update.
pub(crate) fn is_final(state: UpdateState) -> bool {
    state != UpdateState::Applying
}

/// Newest first.
fn order(update: &Update) -> Reverse<(i64, &UpdateId)> {
    Reverse((update.at, &update.id))
}

/// Hands over the record of an event; a record of a newer control plane is passed over.
fn with_data<T: DeserializeOwned>(event: &Event, change: impl FnOnce(T)) -> bool {
    record(&event.data).map(change).is_some()
}

#[cfg(test)]
mod tests;
