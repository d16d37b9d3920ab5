//! Follows the engine: one stream of events, reopened with growing pauses when it breaks. Nothing is polled.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bollard::models::EventMessage;
use bollard::query_parameters::EventsOptionsBuilder;
use futures::StreamExt as _;

use super::{Shared, label, observe};
use crate::error::RuntimeError;
use crate::instance::{Exit, InstanceId, RuntimeEvent};

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Runs until the runtime is dropped.
pub(super) async fn watch(shared: Arc<Shared>) {
    let closed = shared.closed.clone();
    tokio::select! {
        () = follow_forever(&shared) => {}
        () = closed.cancelled() => {}
    }
}

async fn follow_forever(shared: &Shared) {
    let mut pause = FIRST_PAUSE;
    let mut told_down = false;
    loop {
        let ended = follow(shared, &mut told_down).await;
        if !told_down {
            told_down = true;
            pause = FIRST_PAUSE;
            tell(
                shared,
                RuntimeEvent::EngineDown {
                    reason: ended.to_string(),
                },
            );
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Follows until the stream breaks; answers why.
async fn follow(shared: &Shared, told_down: &mut bool) -> RuntimeError {
    let client = match shared.engine.client().await {
        Ok(client) => client,
        Err(error) => return error,
    };
    let kinds = vec!["start".to_owned(), "die".to_owned()];
    let filters = HashMap::from([
        ("type".to_owned(), vec!["container".to_owned()]),
        ("event".to_owned(), kinds),
    ]);
    // The stream is opened by its first reading. What happens from here until then is asked for by its time.
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let since = format!("{}.{:09}", since.as_secs(), since.subsec_nanos());
    let options = EventsOptionsBuilder::default()
        .since(&since)
        .filters(&filters)
        .build();
    let mut events = Box::pin(client.events(Some(options)));
    if let Err(error) = client.ping().await {
        return shared.engine.failed("a sign of life", error);
    }
    *told_down = false;
    tell(shared, RuntimeEvent::EngineUp);
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => take(shared, event).await,
            Err(error) => return shared.engine.failed("its events", error),
        }
    }
    shared.engine.failed(
        "its events",
        bollard::errors::Error::IOError {
            err: std::io::ErrorKind::UnexpectedEof.into(),
        },
    )
}

async fn take(shared: &Shared, event: EventMessage) {
    let Some(actor) = event.actor else { return };
    let (id, attributes) = (
        actor.id.unwrap_or_default(),
        actor.attributes.unwrap_or_default(),
    );
    // The engine mixes the labels with attributes of its own.
    let ours = observe::is_ours(shared, &attributes);
    if !ours
        && !observe::is_agent(
            &attributes,
            attributes.get("name").map(String::as_str).into_iter(),
        )
    {
        return;
    }
    match event.action.as_deref() {
        // One on standby is told of when it is let go.
        Some("start") if attributes.contains_key(label::STANDBY) => {}
        Some("start") => started(shared, &id, ours).await,
        Some("die") => ended(shared, id, &attributes).await,
        _ => {}
    }
}

async fn started(shared: &Shared, id: &str, ours: bool) {
    let Ok(Some(container)) = observe::inspect(shared, id).await else {
        return;
    };
    let networks = container
        .network_settings
        .as_ref()
        .and_then(|settings| settings.networks.as_ref());
    let on_our_network =
        networks.is_some_and(|networks| networks.contains_key(&shared.config.network));
    if !ours && !on_our_network {
        return;
    }
    if let Some(instance) = observe::instance_of(&container) {
        tell(shared, RuntimeEvent::Started { instance, ours });
    }
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
        Ok(Some(container)) => observe::exit_of(shared, &instance, &container).await,
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
