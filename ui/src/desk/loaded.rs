//! One answer of the control plane, for as long as somebody looks at it.

use leptos::prelude::*;
use nasiko_contract::{Fault, JsonOperation};

use crate::desk::{Desk, spawn_for_the_owner};

/// An answer on its way, there, or refused.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum Loaded<T> {
    /// On its way.
    #[default]
    Loading,
    /// There.
    Ready(T),
    /// Refused.
    Failed(Fault),
}

impl<T> Loaded<T> {
    /// The answer, if it is there.
    pub(crate) fn ready(&self) -> Option<&T> {
        match self {
            Self::Ready(value) => Some(value),
            Self::Loading | Self::Failed(_) => None,
        }
    }
}

/// Asks for an answer and puts it into `target`. Called in an effect, it is given up when the effect runs again or its
/// component goes. What `target` held before stays until the answer is there, so that nothing flickers.
pub(crate) fn fetch<O>(desk: Desk, operation: O, target: RwSignal<Loaded<O::Output>>)
where
    O: JsonOperation,
    O::Output: PartialEq + Sync,
{
    spawn_for_the_owner(async move {
        let outcome = desk.client().call(operation).await;
        put(
            target,
            match outcome {
                Ok(value) => Loaded::Ready(value),
                Err(fault) => Loaded::Failed(fault),
            },
        );
    });
}

/// Puts an answer into `target`, if that is still there. The same answer once more is no change: nothing is drawn anew
/// under what a person types or is about to press.
pub(crate) fn put<T>(target: RwSignal<Loaded<T>>, answer: Loaded<T>)
where
    T: PartialEq + Send + Sync + 'static,
{
    let _gone = target.try_maybe_update(|held| {
        let differs = *held != answer;
        if differs {
            *held = answer;
        }
        (differs, ())
    });
}
