use std::time::Duration;

use leptos::prelude::*;
use nasiko_contract::{AgentName, Check, Fault, RunDoctor};

use crate::{
    desk::{Desk, spawn_for_the_owner},
    model::{
        doctor::{self, Examined},
        world::Link,
    },
};

/// After this long on the page the doctor looks by itself, so that the rail can say how many checks failed: the first page is
/// drawn by then.
const FIRST_LOOK: Duration = Duration::from_secs(6);

/// The last look at everything, for whoever shows something of it.
#[derive(Clone, Copy)]
pub(crate) struct Checkups {
    examined: RwSignal<Examined>,
}

impl Checkups {
    /// Hands it down, and looks once the control plane is there.
    pub(crate) fn provide(desk: Desk) {
        let checkups = Self {
            examined: RwSignal::default(),
        };
        provide_context(checkups);
        let live = Memo::new(move |_| desk.world.with(|world| world.link == Link::Live));
        Effect::new(move || {
            if live.get() {
                spawn_for_the_owner(async move {
                    gloo_timers::future::sleep(FIRST_LOOK).await;
                    checkups.first_look(desk).await;
                });
            }
        });
    }

    /// Of this page.
    pub(crate) fn get() -> Self {
        expect_context()
    }

    /// How many checks failed; none while nobody looked, or none did.
    pub(crate) fn failures(self) -> Option<usize> {
        self.examined
            .with(|examined| Some(examined.failures()).filter(|many| *many > 0))
    }

    /// Nobody is told if it does not come to anything: nobody asked.
    async fn first_look(self, desk: Desk) {
        if self
            .examined
            .with_untracked(|examined| examined.checkup.is_some())
        {
            return;
        }
        if let Ok(checkup) = desk.client().call(RunDoctor::default()).await {
            self.examined.update(|examined| examined.look(checkup));
        }
    }
}

/// What the parts of the page look at.
#[derive(Clone, Copy)]
pub(super) struct DoctorView {
    desk: Desk,
    agent: StoredValue<Option<AgentName>>,
    pub(super) examined: RwSignal<Examined>,
    /// Why nothing could be looked at.
    pub(super) fault: RwSignal<Option<Fault>>,
    pub(super) looking: RwSignal<bool>,
}

impl DoctorView {
    /// Looks at once. What an earlier look at everything found is shown meanwhile.
    pub(super) fn open(agent: Option<AgentName>) -> Self {
        let examined = match agent {
            None => Checkups::get().examined,
            Some(_) => RwSignal::default(),
        };
        let page = Self {
            desk: Desk::get(),
            agent: StoredValue::new(agent),
            examined,
            fault: RwSignal::new(None),
            looking: RwSignal::new(false),
        };
        let live = Memo::new(move |_| page.desk.world.with(|world| world.link == Link::Live));
        Effect::new(move || {
            if live.get() {
                page.look();
            }
        });
        page
    }

    /// Looks again.
    pub(super) fn look(self) {
        if self.looking.get_untracked() {
            return;
        }
        self.looking.set(true);
        leptos::task::spawn_local(async move {
            let agent = self.agent.get_value();
            let outcome = self.desk.client().call(RunDoctor { agent }).await;
            if self.looking.try_set(false).is_some() {
                return;
            }
            match outcome {
                Ok(checkup) => {
                    self.fault.set(None);
                    self.examined.update(|examined| examined.look(checkup));
                }
                Err(fault) => self.fault.set(Some(fault)),
            }
        });
    }

    /// Does what a check offers. It goes on although the page is left.
    pub(super) fn fix(self, check: &Check) {
        let key = doctor::key(check);
        let request = doctor::fix_of(check);
        self.examined.update(|examined| examined.begin(key.clone()));
        leptos::task::spawn_local(async move {
            let outcome = self.desk.client().call(request).await;
            let _gone = self
                .examined
                .try_update(|examined| examined.end(key, outcome));
        });
    }
}
