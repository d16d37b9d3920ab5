//! What is done with a service of the local stack from anywhere.

use leptos::prelude::*;
use nasiko_contract::ServiceState;

use crate::{
    actions::Actions,
    desk::{Desk, Switch},
    model::palette::ServiceDeed,
};

/// What can be done with a service now.
pub(crate) fn service_deeds(desk: Desk, service: &str) -> Vec<ServiceDeed> {
    let state = desk.world.with_untracked(|world| {
        let services = world.stack.iter().flat_map(|stack| &stack.services);
        let mut named = services.filter(|known| known.service == service);
        named.next().map(|service| service.state)
    });
    match state {
        Some(ServiceState::Running | ServiceState::Restarting) => {
            vec![ServiceDeed::Logs, ServiceDeed::Stop, ServiceDeed::Restart]
        }
        Some(ServiceState::Absent) | None => vec![ServiceDeed::Logs],
        Some(_) => vec![ServiceDeed::Logs, ServiceDeed::Start],
    }
}

/// Does it.
pub(crate) fn do_with_service(desk: Desk, actions: Actions, deed: ServiceDeed, service: &str) {
    let switch = match deed {
        ServiceDeed::Logs => return actions.go(format!("/stack/logs/{service}")),
        ServiceDeed::Start => Switch::Start,
        ServiceDeed::Stop => Switch::Stop,
        ServiceDeed::Restart => Switch::Restart,
    };
    desk.switch_service(service.to_owned(), switch, || {});
}
