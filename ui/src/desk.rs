//! What all pages share: the client, the picture of the control plane, conversations, toasts, and time. One per page
//! load, handed down as context.

mod chats;
mod drafts;
mod follow;
mod inbox;
mod link;
mod live;
mod loaded;
mod offers;
mod settings;
mod stack;
mod toasts;

use std::time::Duration;

use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;
use nasiko_client::Client;
use nasiko_contract::{Fault, Job, JsonOperation};

use crate::{
    browser,
    desk::follow::run_while,
    model::{drafts::Drafts, inbox::Inbox, live::Live, settings::Own, world::World},
    restore::Restore,
};

pub(crate) use chats::Chats;
pub(crate) use follow::{Followed, follow, spawn_for_the_owner};
pub(crate) use loaded::{Loaded, fetch, put};
pub(crate) use offers::Offers;
pub(crate) use stack::Switch;
pub(crate) use toasts::{Toast, Toasts};

/// Milliseconds after which ages such as `12 s ago` are written anew.
const CLOCK_STEP: u32 = 5_000;

/// A copyable handle to what all pages share.
#[derive(Clone, Copy)]
pub(crate) struct Desk {
    client: StoredValue<Client>,
    /// The picture of the control plane.
    pub(crate) world: RwSignal<World>,
    /// The live matters of agents: watches, updates and pinned questions.
    pub(crate) live: RwSignal<Live>,
    /// What happened while nobody looked.
    pub(crate) inbox: RwSignal<Inbox>,
    /// Conversations, whether shown or not.
    pub(crate) chats: StoredValue<Chats>,
    /// What was begun to be written.
    drafts: StoredValue<Drafts>,
    restore: Restore,
    /// What is said in passing.
    pub(crate) toasts: RwSignal<Toasts>,
    /// What this page changed of the settings itself.
    pub(crate) own_settings: StoredValue<Own>,
    /// Unix milliseconds, every few seconds.
    pub(crate) now: RwSignal<i64>,
    /// The page is in sight. Out of sight it follows nothing: a browser has few connections for all its tabs, and what
    /// is not seen need not be kept up to date.
    visible: RwSignal<bool>,
}

impl Desk {
    /// Sets up a desk over `client`, keeps it up to date from now on, and hands it down.
    pub(crate) fn provide(client: Client) -> Self {
        let restore = Restore::get();
        let desk = Self {
            client: StoredValue::new(client),
            world: RwSignal::default(),
            live: RwSignal::default(),
            inbox: RwSignal::default(),
            chats: StoredValue::default(),
            restore,
            drafts: StoredValue::new(drafts::recall(restore)),
            toasts: RwSignal::default(),
            own_settings: StoredValue::default(),
            now: RwSignal::new(browser::now()),
            visible: RwSignal::new(browser::is_visible()),
        };
        provide_context(desk);
        browser::on_visibility(move || desk.visible.set(browser::is_visible()));
        run_while(desk.visible.into(), move || async move {
            loop {
                desk.now.set(browser::now());
                TimeoutFuture::new(CLOCK_STEP).await;
            }
        });
        run_while(desk.visible.into(), move || link::keep_up(desk));
        desk
    }

    /// The desk of this page.
    pub(crate) fn get() -> Self {
        expect_context()
    }

    /// The client.
    pub(crate) fn client(self) -> Client {
        self.client.get_value()
    }

    /// Puts a text into the clipboard, and says whether that was done.
    pub(crate) fn copy(self, text: String, done: String, failed: String) {
        spawn_local(async move {
            self.say(if browser::copy(&text).await {
                done
            } else {
                failed
            });
        });
    }

    /// Calls an operation that answers a job; the job is part of the picture at once, a refusal becomes a toast.
    pub(crate) fn start<O>(self, operation: O)
    where
        O: JsonOperation<Output = Job>,
    {
        self.start_and(operation, |_| {});
    }

    /// As [`Desk::start`], with something to do once the job is there.
    pub(crate) fn start_and<O>(self, operation: O, then: impl FnOnce(Result<Job, Fault>) + 'static)
    where
        O: JsonOperation<Output = Job>,
    {
        self.order(operation, move |outcome| {
            if let Err(fault) = &outcome {
                self.report(fault.clone());
            }
            then(outcome);
        });
    }

    /// As [`Desk::start_and`], for who tells of a refusal where it was asked for.
    pub(crate) fn order<O>(self, operation: O, then: impl FnOnce(Result<Job, Fault>) + 'static)
    where
        O: JsonOperation<Output = Job>,
    {
        spawn_local(async move {
            let outcome = self.client().call(operation).await;
            if let Ok(job) = &outcome {
                self.world.update(|world| world.put_jobs([job.clone()]));
            }
            then(outcome);
        });
    }

    /// Calls an operation for its effect; a refusal becomes a toast.
    pub(crate) fn run<O: JsonOperation>(
        self,
        operation: O,
        then: impl FnOnce(O::Output) + 'static,
    ) {
        spawn_local(async move {
            match self.client().call(operation).await {
                Ok(output) => then(output),
                Err(fault) => self.report(fault),
            }
        });
    }

    /// Shows a fault as a toast.
    pub(crate) fn report(self, fault: Fault) {
        self.toasts.update(|toasts| {
            toasts.put(Toast::Fault(fault));
        });
    }

    /// Says something in passing, to the eye and to the screen reader.
    pub(crate) fn say(self, words: impl Into<String>) {
        self.put_for(Toast::Said(words.into()), Toasts::SHOWN_FOR);
    }

    /// Shows a toast that goes by itself.
    fn put_for(self, toast: Toast, time: Duration) {
        let number = self.toasts.try_update(|toasts| toasts.put(toast));
        if let Some(number) = number {
            set_timeout(
                move || self.toasts.update(|toasts| toasts.remove(number)),
                time,
            );
        }
    }
}
