//! What keeps the picture of the local stack up to date, and what a person does with it.

use leptos::{prelude::*, task::spawn_local};
use nasiko_contract::{Fault, GetStack, GetStatus, RestartService, StartService, StopService};

use crate::desk::Desk;

/// What is done with a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Switch {
    Start,
    Stop,
    Restart,
}

impl Desk {
    /// Asks how the stack is, and which engine it runs in; `then` is called with why it could not be said.
    pub(crate) fn read_stack(self, then: impl FnOnce(Option<Fault>) + 'static) {
        let before = self.world.with_untracked(|world| world.stack_told);
        spawn_local(async move {
            let client = self.client();
            let (stack, status) =
                futures::join!(client.call(GetStack {}), client.call(GetStatus {}));
            self.world.update(|world| {
                if let Ok(status) = status {
                    world.status = Some(status);
                }
                // What events told meanwhile is newer than the answer.
                if let Ok(stack) = &stack
                    && world.stack_told == before
                {
                    world.stack = Some(stack.clone());
                }
            });
            then(stack.err());
        });
    }

    /// Starts, stops or restarts a service; `then` is called once that was answered.
    pub(crate) fn switch_service(
        self,
        service: String,
        switch: Switch,
        then: impl FnOnce() + 'static,
    ) {
        let before = self.world.with_untracked(|world| world.stack_told);
        spawn_local(async move {
            let client = self.client();
            let outcome = match switch {
                Switch::Start => client.call(StartService { service }).await,
                Switch::Stop => client.call(StopService { service }).await,
                Switch::Restart => client.call(RestartService { service }).await,
            };
            match outcome {
                Ok(now) => self.world.update(|world| {
                    // As with the whole stack: what events told meanwhile is newer than the answer.
                    if world.stack_told == before {
                        world.put_service(now);
                    }
                }),
                Err(fault) => self.report(fault),
            }
            then();
        });
    }
}
