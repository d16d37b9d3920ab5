use futures::{StreamExt, channel::mpsc};
use leptos::prelude::*;
use nasiko_contract::{GetTrace, Trace, TraceId};

use crate::desk::{Desk, Loaded, spawn_for_the_owner};

/// Reads a trace, and again when spans of it arrived; never twice at a time, and never one span behind.
pub(crate) fn use_trace(
    trace: Memo<Option<TraceId>>,
    arrived: Memo<Option<u64>>,
) -> RwSignal<Option<Loaded<Trace>>> {
    let desk = Desk::get();
    let loaded = RwSignal::new(None::<Loaded<Trace>>);
    // A bell rung twice while somebody is on the way is heard once.
    let (bell, mut rung) = mpsc::channel::<()>(0);
    let bell = StoredValue::new(bell);
    Effect::new(move |before: Option<Option<TraceId>>| {
        arrived.track();
        let wanted = trace.get();
        if before.is_some_and(|before| before != wanted) {
            loaded.set(None);
        }
        bell.update_value(|bell| {
            let _already_ringing = bell.try_send(());
        });
        wanted
    });
    spawn_for_the_owner(async move {
        while rung.next().await.is_some() {
            let Some(Some(wanted)) = trace.try_get_untracked() else {
                continue;
            };
            let outcome = desk
                .client()
                .call(GetTrace {
                    trace: wanted.clone(),
                })
                .await;
            if trace.try_get_untracked().flatten() == Some(wanted) {
                let _gone = loaded.try_set(Some(match outcome {
                    Ok(document) => Loaded::Ready(document),
                    Err(fault) => Loaded::Failed(fault),
                }));
            }
        }
    });
    loaded
}
