//! What keeps the live matters of agents up to date, and what a person does about them.

use futures::{StreamExt, stream};
use leptos::{prelude::*, task::spawn_local};
use nasiko_contract::{
    AcceptPin, AgentName, CreatePin, DeletePin, Event, GetWatch, ListPins, ListUpdates, Pin, PinId,
    RunPins, StartWatch, StopWatch, UpdateState,
};

use crate::{
    desk::Desk,
    model::{live::Lists, updates},
    words::desk as words,
};

/// Updates asked for at once.
const PAGE_ROWS: u32 = 200;
/// Agents whose last update is asked for at the same time.
const AT_ONCE: usize = 4;

impl Desk {
    /// Takes in an event; tells of a save that was not made live.
    pub(super) fn hear_live(self, event: &Event) {
        let was_failed = self.has_failed(event);
        self.live.maybe_update(|live| live.apply(event));
        if !was_failed && self.has_failed(event) {
            let name = AgentName(event.subject.clone());
            let words = self
                .live
                .with_untracked(|live| live.last_update(&name).and_then(updates::told));
            if let Some(words) = words {
                self.say(format!("{name}: {words}"));
            }
        }
    }

    fn has_failed(self, event: &Event) -> bool {
        let name = AgentName(event.subject.clone());
        event.topic == "update.changed"
            && self.live.with_untracked(|live| {
                live.last_update(&name).map(|update| update.state) == Some(UpdateState::Failed)
            })
    }

    /// Reads how an agent's folder is watched, what its last saves did, and its pinned questions.
    pub(crate) fn read_live(self, agent: AgentName) {
        self.live
            .update(|live| live.of(agent.clone()).begin_reading());
        spawn_local(async move {
            let client = self.client();
            let (watch, updates, pins) = futures::join!(
                client.call(GetWatch {
                    agent: agent.clone()
                }),
                client.call(list_updates(agent.clone(), PAGE_ROWS)),
                client.call(ListPins {
                    agent: agent.clone()
                }),
            );
            let lists = Lists {
                watch,
                updates,
                pins,
            };
            self.live
                .update(|live| live.of(agent).finish_reading(lists));
        });
    }

    /// Reads the updates before those that are known.
    pub(crate) fn read_older_updates(self, agent: AgentName) {
        let cursor = self
            .live
            .with_untracked(|live| live.agent(&agent)?.older.clone());
        if cursor.is_none() {
            return;
        }
        let wanted = ListUpdates {
            cursor,
            ..list_updates(agent.clone(), PAGE_ROWS)
        };
        self.run(wanted, move |page| {
            self.live.update(|live| live.of(agent).put_older(page));
        });
    }

    /// Reads what the last save did of each of `agents` of which nothing is known yet.
    pub(crate) fn read_last_updates(self, agents: Vec<AgentName>) {
        spawn_local(async move {
            let read = |agent: AgentName| async move {
                let answer = self.client().call(list_updates(agent.clone(), 1)).await;
                // A row says a little less then; whoever opens the agent is told why.
                if let Ok(page) = answer
                    && let Some(update) = page.items.into_iter().next()
                {
                    self.live.update(|live| live.of(agent).put_last(update));
                }
            };
            let unknown = agents.into_iter().filter(|agent| {
                self.live
                    .with_untracked(|live| live.last_update(agent).is_none())
            });
            stream::iter(unknown)
                .for_each_concurrent(AT_ONCE, read)
                .await;
        });
    }

    /// Begins or ends watching an agent's folder; `then` is called once that was answered.
    pub(crate) fn switch_watch(self, agent: AgentName, on: bool, then: impl FnOnce() + 'static) {
        spawn_local(async move {
            let client = self.client();
            let outcome = if on {
                let agent = agent.clone();
                client.call(StartWatch { agent }).await
            } else {
                let agent = agent.clone();
                client.call(StopWatch { agent }).await
            };
            match outcome {
                Ok(watch) => self.live.update(|live| live.of(agent).set_watch(watch)),
                Err(fault) => self.report(fault),
            }
            then();
        });
    }

    /// Pins a question.
    pub(crate) fn pin(self, agent: AgentName, text: String) {
        let wanted = CreatePin {
            agent: agent.clone(),
            text,
        };
        self.run(wanted, move |pin| {
            self.take_pins(agent, vec![pin]);
            self.say(words::PINNED);
        });
    }

    /// Makes a pin's latest answer the accepted one.
    pub(crate) fn accept_pin(self, agent: AgentName, pin: PinId) {
        let wanted = AcceptPin {
            agent: agent.clone(),
            pin,
        };
        self.run(wanted, move |pin| self.take_pins(agent, vec![pin]));
    }

    /// Asks all pinned questions of an agent again.
    pub(crate) fn ask_pins(self, agent: AgentName) {
        let wanted = RunPins {
            agent: agent.clone(),
        };
        self.run(wanted, move |page| self.take_pins(agent, page.items));
    }

    /// Removes a pin with its answers; `then` is called once it is gone.
    pub(crate) fn remove_pin(self, agent: AgentName, pin: PinId, then: impl FnOnce() + 'static) {
        let wanted = DeletePin {
            agent: agent.clone(),
            pin: pin.clone(),
        };
        self.run(wanted, move |_| {
            self.live.update(|live| live.of(agent).remove_pin(&pin));
            then();
        });
    }

    fn take_pins(self, agent: AgentName, pins: Vec<Pin>) {
        self.live.update(|live| {
            let known = live.of(agent);
            for pin in pins {
                known.hear_pin(pin);
            }
        });
    }
}

fn list_updates(agent: AgentName, rows: u32) -> ListUpdates {
    ListUpdates {
        agent,
        cursor: None,
        limit: Some(rows),
    }
}
