//! The first minute: which sample is offered, and what is said of the container engine.

use nasiko_contract::{Sample, Status};

use crate::words::home::welcome as words;

/// What a person without an agent is offered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Offered {
    /// This one runs here.
    Runs(Sample),
    /// None does: what is missing, and what to do about it.
    Missing {
        /// What is missing.
        why: String,
        /// What to do.
        hint: String,
    },
}

/// The first sample that runs here without anything to load; else one that runs at all; else why none does.
pub(crate) fn offered(samples: Vec<Sample>) -> Offered {
    use nasiko_contract::RuntimeKind::Process;
    let at_once = samples
        .iter()
        .find(|sample| sample.runtime == Some(Process));
    let runs = at_once.or_else(|| samples.iter().find(|sample| sample.runtime.is_some()));
    match (runs, samples.first()) {
        (Some(sample), _) => Offered::Runs(sample.clone()),
        (None, first) => Offered::Missing {
            why: first.map_or(words::NO_SAMPLE.to_owned(), |sample| sample.why.clone()),
            hint: first
                .and_then(|sample| sample.hint.clone())
                .unwrap_or_else(|| words::ADD_YOUR_OWN.to_owned()),
        },
    }
}

/// What the container engine means for somebody who has just come.
pub(crate) fn engine_words(status: &Status) -> String {
    match &status.engine {
        Some(engine) => words::engine(&engine.kind, &engine.version),
        None => words::NO_ENGINE.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use nasiko_contract::RuntimeKind;

    use super::*;

    fn sample(name: &str, runtime: Option<RuntimeKind>) -> Sample {
        Sample {
            name: name.to_owned(),
            runtime,
            why: format!("why {name}"),
            hint: runtime.is_none().then(|| "Install it".to_owned()),
            ..Sample::default()
        }
    }

    #[test]
    fn what_runs_at_once_is_offered_first() {
        let samples = vec![
            sample("python", Some(RuntimeKind::Docker)),
            sample("node", Some(RuntimeKind::Process)),
        ];
        assert!(matches!(offered(samples), Offered::Runs(sample) if sample.name == "node"));
        let samples = vec![
            sample("python", None),
            sample("node", Some(RuntimeKind::Docker)),
        ];
        assert!(matches!(offered(samples), Offered::Runs(sample) if sample.name == "node"));
    }

    #[test]
    fn where_none_runs_it_is_said_what_to_do() {
        let told = offered(vec![sample("python", None), sample("node", None)]);
        let Offered::Missing { why, hint } = told else {
            panic!("none runs")
        };
        assert_eq!((why.as_str(), hint.as_str()), ("why python", "Install it"));
    }
}
