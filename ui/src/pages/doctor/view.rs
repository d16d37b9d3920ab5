use std::time::Duration;

use futures::{
    StreamExt,
    future::{AbortHandle, abortable},
};
use leptos::prelude::*;
use nasiko_contract::{
    AgentName, Check, CheckupProgress, ErrorCode, Examine, Fault, GetLastCheckup, RunDoctor,
};

use crate::{
    browser,
    desk::{Desk, spawn_for_the_owner},
    model::{
        doctor::{self, Examined},
        world::Link,
    },
    words::doctor as words,
};

/// After this long on the page the doctor looks by itself where nobody has lately, so that the rail can say how many checks
/// failed: the first page is drawn by then.
const FIRST_LOOK: Duration = Duration::from_secs(6);
/// Milliseconds for which a look counts as late enough: what tells of itself is kept true, disks and limits are not.
const LATELY: i64 = 60 * 60 * 1_000;

/// The last look at everything, for whoever shows something of it.
#[derive(Clone, Copy)]
pub(crate) struct Checkups {
    examined: RwSignal<Examined>,
}

impl Checkups {
    /// Hands it down, and follows what the control plane keeps.
    pub(crate) fn provide(desk: Desk) {
        let checkups = Self {
            examined: RwSignal::default(),
        };
        provide_context(checkups);
        let told = Memo::new(move |_| {
            desk.world.with(|world| {
                let live = world.link == Link::Live;
                live.then_some(world.checkups_told)
            })
        });
        Effect::new(move || {
            if told.get().is_some() {
                spawn_for_the_owner(checkups.read(desk));
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
    async fn read(self, desk: Desk) {
        let Ok(last) = desk.client().call(GetLastCheckup {}).await else {
            return;
        };
        let lately = |at: i64| browser::now() - at < LATELY;
        let is_late = last.checkup.as_ref().is_some_and(|last| lately(last.at));
        if let Some(checkup) = last.checkup {
            self.examined.update(|examined| examined.keep(checkup));
        }
        if is_late {
            return;
        }
        gloo_timers::future::sleep(FIRST_LOOK).await;
        let looks = self
            .examined
            .with_untracked(|examined| examined.progress.is_some());
        if !looks {
            // The control plane tells of what was found, whoever looked.
            let _told_by_event = desk.client().call(RunDoctor::default()).await;
        }
    }
}

/// What the parts of the page look at.
#[derive(Clone, Copy)]
pub(super) struct DoctorView {
    desk: Desk,
    agent: StoredValue<Option<AgentName>>,
    pub(super) examined: RwSignal<Examined>,
    /// Why not everything could be looked at.
    pub(super) fault: RwSignal<Option<Fault>>,
    /// A look goes on.
    pub(super) looking: Signal<bool>,
    /// Ends it.
    end: StoredValue<Option<AbortHandle>>,
}

impl DoctorView {
    /// Looks at once. What an earlier look at everything found is shown meanwhile.
    pub(super) fn open(agent: Option<AgentName>) -> Self {
        let examined = match agent {
            None => Checkups::get().examined,
            Some(_) => RwSignal::default(),
        };
        let looking = Memo::new(move |_| examined.with(|examined| examined.progress.is_some()));
        let page = Self {
            desk: Desk::get(),
            agent: StoredValue::new(agent),
            examined,
            fault: RwSignal::new(None),
            looking: looking.into(),
            end: StoredValue::new(None),
        };
        let live = Memo::new(move |_| page.desk.world.with(|world| world.link == Link::Live));
        Effect::new(move || {
            if live.get() {
                page.look();
            }
        });
        on_cleanup(move || page.stop());
        page
    }

    /// Looks again.
    pub(super) fn look(self) {
        if self.looking.get_untracked() {
            return;
        }
        self.fault.set(None);
        self.examined.update(Examined::begin_look);
        let (looking, end) = abortable(self.examine());
        self.end.set_value(Some(end));
        leptos::task::spawn_local(async move {
            // Who stopped it has seen to the rest.
            let Ok(outcome) = looking.await else { return };
            if let Err(fault) = outcome {
                let _gone = self.examined.try_update(Examined::end_look);
                let _gone = self.fault.try_set(Some(fault));
            }
        });
    }

    /// Ends the look. What it found until now stays.
    pub(super) fn stop(self) {
        let end = self.end.try_update_value(Option::take).flatten();
        if let Some(end) = end {
            end.abort();
            let _gone = self.examined.try_update(Examined::end_look);
        }
    }

    async fn examine(self) -> Result<(), Fault> {
        let agent = self.agent.get_value();
        let mut items = self.desk.client().stream(Examine { agent }).await?;
        while let Some(item) = items.next().await {
            let told: CheckupProgress = item?.item;
            let was_last = told.checkup.is_some();
            let _gone = self.examined.try_update(|examined| examined.hear(told));
            if was_last {
                return Ok(());
            }
        }
        Err(Fault::new(ErrorCode::Unreachable, words::BROKE_OFF).retryable())
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
