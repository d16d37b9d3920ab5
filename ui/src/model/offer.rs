//! What was dropped, pasted or chosen, and how far each of it is on its way to an agent. Nothing here asks anybody.

mod source;
#[cfg(test)]
mod tests;

use nasiko_contract::{AgentDescription, AgentName, Fault, Job, JobId, JobState};

use crate::{model::preview::is_refused, words::offer as words};

pub(crate) use source::{Source, named};

/// Things that are offered at once; more are left out, and counted.
pub(crate) const MOST: usize = 24;

/// How far one thing is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum State {
    /// It is being looked at.
    Looking,
    /// What it was understood to be.
    Understood(Box<AgentDescription>),
    /// It can only be read by deploying it: a repository, an upload.
    Unseen,
    /// It cannot be deployed.
    Hopeless(Fault),
    /// The deploy was asked for.
    Ordered,
    /// The deploy is a job.
    Deploying(JobId),
    /// The deploy was not accepted.
    Refused(Fault),
}

/// One thing that is offered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Item {
    /// Names it for as long as the page lives.
    pub(crate) number: u64,
    /// Where it comes from.
    pub(crate) source: Source,
    /// How far it is.
    pub(crate) state: State,
    /// The agent that it was dropped on.
    pub(crate) over: Option<AgentName>,
    /// The agent whose place it takes; none: it gets a name of its own.
    pub(crate) replace: Option<AgentName>,
    /// The person has said yes while it was still being looked at.
    pub(crate) wanted: bool,
}

impl Item {
    /// Whether a deploy would do something with it.
    pub(crate) fn is_well(&self) -> bool {
        match &self.state {
            State::Understood(description) => !is_refused(description),
            State::Unseen | State::Refused(_) => true,
            _ => false,
        }
    }

    /// Whether nobody has decided on it.
    pub(crate) fn is_open(&self) -> bool {
        self.is_well() || (self.state == State::Looking && !self.wanted)
    }

    /// What it was understood to be.
    pub(crate) fn description(&self) -> Option<&AgentDescription> {
        match &self.state {
            State::Understood(description) => Some(description),
            _ => None,
        }
    }

    /// The agents whose place it may take: the one it was dropped on, and the one of its name.
    pub(crate) fn replaceable(&self, exists: impl Fn(&AgentName) -> bool) -> Vec<AgentName> {
        let named = self.description().map(|description| &description.name);
        let mut agents: Vec<AgentName> = Vec::new();
        for agent in self.over.iter().chain(named) {
            if exists(agent) && !agents.contains(agent) {
                agents.push(agent.clone());
            }
        }
        agents
    }
}

/// All that is offered.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Offer {
    items: Vec<Item>,
    last_number: u64,
    left_out: usize,
    /// The person is asked for a path.
    pub(crate) asking: bool,
}

impl Offer {
    /// In the order in which it came.
    pub(crate) fn items(&self) -> &[Item] {
        &self.items
    }

    /// One of them.
    pub(crate) fn item(&self, number: u64) -> Option<&Item> {
        self.items.iter().find(|item| item.number == number)
    }

    fn item_mut(&mut self, number: u64) -> Option<&mut Item> {
        self.items.iter_mut().find(|item| item.number == number)
    }

    /// Whether there is anything to show.
    pub(crate) fn is_open(&self) -> bool {
        self.asking || !self.items.is_empty()
    }

    /// Things for which there was no room.
    pub(crate) fn left_out(&self) -> usize {
        self.left_out
    }

    /// Offers one more thing and gives its number; none if it is offered already, or there is no room.
    pub(crate) fn add(&mut self, source: Source, over: Option<AgentName>) -> Option<u64> {
        if self.items.iter().any(|item| item.source == source) {
            return None;
        }
        if self.items.len() >= MOST {
            self.left_out += 1;
            return None;
        }
        self.asking = false;
        self.last_number += 1;
        let state = match &source {
            Source::Path(_) => State::Looking,
            Source::Repository(_) | Source::Upload { .. } => State::Unseen,
            Source::Nowhere { fault, .. } => State::Hopeless(fault.clone()),
        };
        self.items.push(Item {
            number: self.last_number,
            source,
            state,
            over,
            replace: None,
            wanted: false,
        });
        Some(self.last_number)
    }

    /// Takes what was found. A folder that holds several agents gives way to them: their numbers are given, for each is
    /// still to be looked at.
    pub(crate) fn found(
        &mut self,
        number: u64,
        found: Result<AgentDescription, Fault>,
    ) -> Vec<u64> {
        let Some(item) = self.item_mut(number) else {
            return Vec::new();
        };
        match found {
            Err(fault) => item.state = State::Hopeless(fault),
            Ok(description) if description.agents.is_empty() => {
                item.state = State::Understood(Box::new(description));
            }
            Ok(description) => {
                let (whole, wanted) = (item.source.clone(), item.wanted);
                self.remove(number);
                let below = description.agents.iter();
                let numbers: Vec<u64> = below
                    .filter_map(|folder| self.add(whole.below(folder), None))
                    .collect();
                for number in &numbers {
                    if let Some(item) = self.item_mut(*number) {
                        item.wanted = wanted;
                    }
                }
                return numbers;
            }
        }
        Vec::new()
    }

    /// The person says yes to all that are well; what is still being looked at follows when it turns out so. Gives the
    /// numbers of those that are to be deployed now.
    pub(crate) fn accept(&mut self) -> Vec<u64> {
        for item in &mut self.items {
            if item.state == State::Looking {
                item.wanted = true;
            }
        }
        let well = self.items.iter_mut().filter(|item| item.is_well());
        well.map(|item| {
            item.state = State::Ordered;
            item.number
        })
        .collect()
    }

    /// Whether one that was just understood was wanted all along; it counts as ordered from then on.
    pub(crate) fn take_wanted(&mut self, number: u64) -> bool {
        let wanted = self
            .item_mut(number)
            .filter(|item| item.wanted && item.is_well());
        wanted.is_some_and(|item| {
            item.state = State::Ordered;
            item.wanted = false;
            true
        })
    }

    /// Takes the answer to a deploy.
    pub(crate) fn ordered(&mut self, number: u64, answer: Result<JobId, Fault>) {
        if let Some(item) = self.item_mut(number) {
            item.state = match answer {
                Ok(job) => State::Deploying(job),
                Err(fault) => State::Refused(fault),
            };
        }
    }

    /// A deploy is asked for once more.
    pub(crate) fn again(&mut self, number: u64) {
        if let Some(item) = self.item_mut(number) {
            item.state = State::Ordered;
        }
    }

    /// Whose place it takes.
    pub(crate) fn set_replace(&mut self, number: u64, agent: Option<AgentName>) {
        if let Some(item) = self.item_mut(number) {
            item.replace = agent;
        }
    }

    /// Leaves one out.
    pub(crate) fn remove(&mut self, number: u64) {
        self.items.retain(|item| item.number != number);
    }

    /// Gives all of it up. What was ordered goes on.
    pub(crate) fn clear(&mut self) {
        self.items.clear();
        self.left_out = 0;
        self.asking = false;
    }

    /// How many wait for a decision.
    pub(crate) fn open_items(&self) -> usize {
        self.items.iter().filter(|item| item.is_open()).count()
    }

    /// Whether something is still being looked at that the person wants.
    pub(crate) fn waits(&self) -> bool {
        let mut items = self.items.iter();
        items.any(|item| item.wanted && item.state == State::Looking)
    }
}

/// What an item's row says at its end.
pub(crate) fn word(item: &Item, job: Option<&Job>) -> (&'static str, &'static str) {
    match (&item.state, job.map(|job| job.state)) {
        (State::Looking, _) => ("", words::LOOKING),
        (State::Understood(_), _) if item.is_well() => ("ok", words::READY),
        (State::Understood(_) | State::Hopeless(_), _) => ("bad", words::NOT_DEPLOYABLE),
        (State::Unseen, _) => ("", words::READ_LATER),
        (State::Refused(_), _) | (State::Deploying(_), Some(JobState::Failed)) => {
            ("bad", words::FAILED)
        }
        (State::Deploying(_), Some(JobState::Succeeded)) => ("ok", words::RUNNING),
        (State::Deploying(_), Some(JobState::Cancelled)) => ("", words::CANCELLED),
        (State::Ordered | State::Deploying(_), _) => ("busy", words::DEPLOYING),
    }
}
