//! What keeps the picture of the local stack up to date, and what a person does with it.

use leptos::{prelude::*, task::spawn_local};
use nasiko_contract::{
    Fault, GetStack, GetStatus, JsonOperation, RestartService, StackService, StartService,
    StopService,
};

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
        match switch {
            Switch::Start => self.ask_of_service(StartService { service }, then),
            Switch::Stop => self.ask_of_service(StopService { service }, then),
            Switch::Restart => self.ask_of_service(RestartService { service }, then),
        }
    }

    fn ask_of_service<O>(self, operation: O, then: impl FnOnce() + 'static)
    where
        O: JsonOperation<Output = StackService>,
    {
        spawn_local(async move {
            match self.client().call(operation).await {
                Ok(now) => self.world.update(|world| {
                    let services = world.stack.iter_mut().flat_map(|stack| &mut stack.services);
                    for service in services.filter(|service| service.service == now.service) {
                        service.clone_from(&now);
                    }
                }),
                Err(fault) => self.report(fault),
            }
            then();
        });
    }
}
