//! What people are told of the container engine: which one is used, why, and what else there is.

use std::time::Duration;

use nasiko_contract::{EnginePlace, EngineState, EngineStatus};
use nasiko_engine::{Candidate, Verdict};

use crate::plane::Shared;

/// How long the engine may take to say its version before it counts as not answering.
const ENGINE_LIMIT: Duration = Duration::from_millis(500);

impl Shared {
    /// The engine, while one answers.
    pub(crate) async fn engine_status(&self) -> Option<EngineStatus> {
        let engine = self.docker.engine();
        let about = tokio::time::timeout(ENGINE_LIMIT, engine.about());
        let about = about.await.ok()?.ok()?;
        let chosen = engine.chosen()?;
        Some(EngineStatus {
            kind: about.kind.to_owned(),
            version: about.version,
            endpoint: chosen.address,
            why: chosen.source.to_string(),
        })
    }

    /// Where an engine was looked for; while one is used, without the places where there is nothing.
    pub(crate) async fn engine_places(&self) -> Vec<EnginePlace> {
        let engine = self.docker.engine();
        let is_used = engine.chosen().is_some();
        let places = engine.places().await.into_iter();
        places
            .filter(|place| !is_used || place.verdict != Verdict::Absent)
            .map(shown)
            .collect()
    }
}

fn shown(place: Candidate) -> EnginePlace {
    EnginePlace {
        endpoint: place.address,
        why: place.source.to_string(),
        found: place.verdict.to_string(),
        state: match place.verdict {
            Verdict::NotTried => EngineState::NotTried,
            Verdict::Chosen => EngineState::Used,
            Verdict::Absent => EngineState::Absent,
            Verdict::Refused => EngineState::Refused,
            Verdict::Stopped { .. } => EngineState::Stopped,
            Verdict::Unsupported { .. } => EngineState::Unsupported,
        },
    }
}
