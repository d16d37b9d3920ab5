//! What the engine tells, in our words. Nothing is polled.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bollard::models::{EventMessage, EventMessageTypeEnum};
use futures::StreamExt as _;
use nasiko_engine::{Filters, Signal};

use super::{Shared, container, label, observe};
use crate::instance::{Exit, InstanceId, RuntimeEvent};

/// Runs until the runtime is dropped.
pub(super) async fn watch(shared: Arc<Shared>) {
    let closed = shared.closed.clone();
    tokio::select! {
        () = follow(&shared) => {}
        () = closed.cancelled() => {}
    }
}

async fn follow(shared: &Shared) {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let mut signals = shared.engine.follow(Filters::from([
        ("type".to_owned(), words(&["container", "network"])),
        (
            "event".to_owned(),
            words(&["start", "die", "rename", "connect", "disconnect"]),
        ),
    ]));
    while let Some(signal) = signals.next().await {
        match signal {
            Signal::Up => tell(shared, RuntimeEvent::EngineUp),
            Signal::Down { reason } => {
                let reason = reason.to_string();
                tell(shared, RuntimeEvent::EngineDown { reason });
            }
            Signal::Event(event) => take(shared, *event).await,
        }
    }
}

async fn take(shared: &Shared, event: EventMessage) {
    let Some(actor) = event.actor else { return };
    let (id, attributes) = (
        actor.id.unwrap_or_default(),
        actor.attributes.unwrap_or_default(),
    );
    let action = event.action.unwrap_or_default();
    if event.typ == Some(EventMessageTypeEnum::NETWORK) {
        network_changed(shared, &action, &attributes).await;
    // The engine mixes the labels with attributes of its own.
    } else if observe::is_ours(shared, &attributes) {
        match action.as_str() {
            // One on standby is told of when it is let go.
            "start" if attributes.contains_key(label::STANDBY) => {}
            "start" => started(shared, &id).await,
            "die" => ended(shared, id, &attributes).await,
            _ => {}
        }
    } else {
        foreign_changed(shared, &action, &id, &attributes).await;
    }
}

async fn started(shared: &Shared, id: &str) {
    let Ok(Some(container)) = observe::inspect(shared, id).await else {
        return;
    };
    if let Some(instance) = observe::instance_of(&container) {
        tell(
            shared,
            RuntimeEvent::Started {
                instance,
                ours: true,
            },
        );
    }
}

/// Somebody else's container changed: by its name it may be an agent now, or no longer.
async fn foreign_changed(
    shared: &Shared,
    action: &str,
    id: &str,
    attributes: &HashMap<String, String>,
) {
    let is_agent_as = |name: &str| {
        let name = attributes
            .get(name)
            .map(|name| name.trim_start_matches('/'));
        observe::is_agent(attributes, name.into_iter())
    };
    match action {
        "start" | "rename" if is_agent_as("name") => appeared(shared, id).await,
        "rename" if is_agent_as("oldName") => left(shared, id),
        "die" if is_agent_as("name") => left(shared, id),
        _ => {}
    }
}

/// A container joined our network or left it; each does so at its start and at its end as well.
async fn network_changed(shared: &Shared, action: &str, attributes: &HashMap<String, String>) {
    let is_ours = attributes
        .get("name")
        .is_some_and(|name| *name == shared.config.network);
    match (action, attributes.get("container")) {
        ("connect", Some(id)) if is_ours => appeared(shared, id).await,
        ("disconnect", Some(id)) if is_ours => left(shared, id),
        _ => {}
    }
}

/// Tells of a container of somebody else, if it is an agent that runs on our network.
async fn appeared(shared: &Shared, id: &str) {
    let Ok(Some(container)) = observe::inspect(shared, id).await else {
        return;
    };
    let labels = container
        .config
        .as_ref()
        .and_then(|config| config.labels.clone())
        .unwrap_or_default();
    let name = container::name_of(&container);
    if observe::is_ours(shared, &labels) || !observe::is_agent(&labels, std::iter::once(name)) {
        return;
    }
    if let Some(instance) = observe::foreign_of(shared, &container).await {
        tell(
            shared,
            RuntimeEvent::Started {
                instance,
                ours: false,
            },
        );
    }
}

fn left(shared: &Shared, id: &str) {
    tell(shared, RuntimeEvent::Left(InstanceId::new(id)));
}

async fn ended(shared: &Shared, id: String, attributes: &HashMap<String, String>) {
    let instance = InstanceId::new(
        attributes
            .get(label::DEPLOYMENT)
            .cloned()
            .unwrap_or_else(|| id.clone()),
    );
    let requested = shared.stopping.lock().contains(&instance);
    let exit = match observe::inspect(shared, &id).await {
        Ok(Some(container)) => Box::pin(observe::exit_of(shared, &instance, &container)).await,
        // Removed already: the event itself has the code.
        _ => {
            let (code, signal) = observe::split_code(
                attributes
                    .get("exitCode")
                    .and_then(|code| code.parse().ok()),
            );
            Exit {
                instance: instance.clone(),
                agent: attributes.get(label::NAME).cloned().unwrap_or_default(),
                code,
                signal,
                oom: false,
                requested,
                ran_for: Duration::ZERO,
                last_lines: Vec::new(),
            }
        }
    };
    shared.stopping.lock().remove(&instance);
    shared.cpu.lock().remove(&instance);
    tell(shared, RuntimeEvent::Exited(Exit { requested, ..exit }));
}

fn tell(shared: &Shared, event: RuntimeEvent) {
    // Nobody listening is fine.
    let _ = shared.events.send(event);
}
