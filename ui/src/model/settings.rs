//! The settings as their pages show them: words, bounds, what a change is and how it is undone.

use std::collections::BTreeMap;

use nasiko_contract::{PatchSettings, Settings};
use serde_json::{Map, Value};

use crate::{
    model::world::record,
    words::{specs as words, states::runtime},
};

/// How a setting is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A whole number, with the word for what it counts.
    Number(&'static str),
    /// A text; empty for none. What stands in its place meanwhile.
    Text(&'static str),
    /// On or off.
    Switch,
    /// One of these, with their words.
    Choice(&'static [(&'static str, &'static str)]),
}

/// One setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spec {
    /// Its name in the contract, which is the id of its field too.
    pub(crate) key: &'static str,
    /// What it is called.
    pub(crate) label: &'static str,
    /// What it means.
    pub(crate) about: &'static str,
    /// How it is given.
    pub(crate) kind: Kind,
}

pub(crate) const DEFAULT_RUNTIME: Spec = Spec {
    key: "defaultRuntime",
    label: words::DEFAULT_RUNTIME,
    about: words::DEFAULT_RUNTIME_ABOUT,
    kind: Kind::Choice(&[("process", runtime::PROCESS), ("docker", runtime::DOCKER)]),
};
pub(crate) const NOTIFICATIONS: Spec = Spec {
    key: "notifications",
    label: words::NOTIFICATIONS,
    about: words::NOTIFICATIONS_ABOUT,
    kind: Kind::Switch,
};
pub(crate) const QUIET_HOURS: Spec = Spec {
    key: "quietHours",
    label: words::QUIET_HOURS,
    about: words::QUIET_HOURS_ABOUT,
    kind: Kind::Text("22:00-07:00"),
};
pub(crate) const START_TIMEOUT: Spec = Spec {
    key: "startTimeoutSeconds",
    label: words::START_TIMEOUT,
    about: words::START_TIMEOUT_ABOUT,
    kind: Kind::Number(words::SECONDS),
};
pub(crate) const STOP_TIMEOUT: Spec = Spec {
    key: "stopTimeoutSeconds",
    label: words::STOP_TIMEOUT,
    about: words::STOP_TIMEOUT_ABOUT,
    kind: Kind::Number(words::SECONDS),
};
pub(crate) const PARALLEL_JOBS: Spec = Spec {
    key: "parallelJobs",
    label: words::PARALLEL_JOBS,
    about: words::PARALLEL_JOBS_ABOUT,
    kind: Kind::Number(words::JOBS),
};
pub(crate) const KONG: Spec = Spec {
    key: "kongAdminUrl",
    label: words::KONG,
    about: words::KONG_ABOUT,
    kind: Kind::Text("http://127.0.0.1:8001"),
};
pub(crate) const RETENTION: Spec = Spec {
    key: "traceRetentionDays",
    label: words::RETENTION,
    about: words::RETENTION_ABOUT,
    kind: Kind::Number(words::DAYS),
};
pub(crate) const FORWARDING: Spec = Spec {
    key: "otlpForwardUrl",
    label: words::FORWARDING,
    about: words::FORWARDING_ABOUT,
    kind: Kind::Text("http://127.0.0.1:14318"),
};

/// Every setting.
pub(crate) static ALL: [Spec; 9] = [
    DEFAULT_RUNTIME,
    NOTIFICATIONS,
    QUIET_HOURS,
    START_TIMEOUT,
    STOP_TIMEOUT,
    PARALLEL_JOBS,
    KONG,
    RETENTION,
    FORWARDING,
];

impl Spec {
    /// Its value as it stands in a field: `true` and `false` for a switch, nothing for none.
    pub(crate) fn shown(&self, settings: &Settings) -> String {
        match fields(settings).remove(self.key) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text,
            Some(other) => other.to_string(),
        }
    }

    /// Its value in a sentence.
    pub(crate) fn words(&self, shown: &str) -> String {
        match self.kind {
            Kind::Number(unit) => words::amount(shown, unit),
            Kind::Switch if shown == "true" => words::ON.to_owned(),
            Kind::Switch => words::OFF.to_owned(),
            Kind::Text(_) if shown.is_empty() => words::NONE.to_owned(),
            Kind::Text(_) => shown.to_owned(),
            Kind::Choice(choices) => {
                let mut choices = choices.iter();
                let found = choices.find(|(value, _)| *value == shown);
                found.map_or(shown, |(_, word)| word).to_owned()
            }
        }
    }

    /// The change that what was typed asks for, or why it asks for none.
    pub(crate) fn patch(&self, typed: &str) -> Result<PatchSettings, &'static str> {
        let typed = typed.trim();
        let value = match self.kind {
            Kind::Number(_) => typed
                .parse::<u32>()
                .map(Value::from)
                .map_err(|_| words::TYPE_A_NUMBER)?,
            Kind::Switch => Value::Bool(typed == "true"),
            Kind::Text(_) | Kind::Choice(_) => Value::from(typed),
        };
        to_patch(Map::from_iter([(self.key.to_owned(), value)])).ok_or(words::NO_VALUE_OF_IT)
    }
}

/// What makes the same settings of a change what they were `before` it.
pub(crate) fn undo(before: &Settings, patch: &PatchSettings) -> PatchSettings {
    let mut was = fields(before);
    let changed = fields(patch).into_iter();
    let back = changed.map(|(key, _)| {
        // What is optional is taken away by an empty text.
        let value = was.remove(&key).filter(|value| !value.is_null());
        (key, value.unwrap_or_else(|| Value::from("")))
    });
    to_patch(back.collect()).unwrap_or_default()
}

/// What this page changed itself, so that its own changes are not told as another's. The event of a change may come before
/// its answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Own {
    /// What it made of each setting; none while the answer is not there.
    made: BTreeMap<String, Option<Value>>,
}

impl Own {
    /// A change is asked for.
    pub(crate) fn begin(&mut self, patch: &PatchSettings) {
        let keys = fields(patch).into_iter();
        self.made.extend(keys.map(|(key, _)| (key, None)));
    }

    /// It was answered.
    pub(crate) fn end(&mut self, patch: &PatchSettings, made: Option<&Settings>) {
        let mut now = made.map(fields).unwrap_or_default();
        for (key, _) in fields(patch) {
            match made {
                Some(_) => {
                    let value = now.remove(&key).unwrap_or_default();
                    self.made.insert(key, Some(value));
                }
                None => {
                    self.made.remove(&key);
                }
            }
        }
    }

    /// The settings that somebody else changed between two states.
    pub(crate) fn others(&self, before: &Settings, after: &Settings) -> Vec<&'static Spec> {
        let (before, after) = (fields(before), fields(after));
        let value = |of: &Map<String, Value>, key: &str| of.get(key).cloned().unwrap_or_default();
        let is_others = |spec: &&Spec| {
            let now = value(&after, spec.key);
            let is_own = match self.made.get(spec.key) {
                Some(made) => made.as_ref().is_none_or(|made| *made == now),
                None => false,
            };
            value(&before, spec.key) != now && !is_own
        };
        ALL.iter().filter(is_others).collect()
    }
}

fn fields(of: &impl serde::Serialize) -> Map<String, Value> {
    match serde_json::to_value(of) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

fn to_patch(fields: Map<String, Value>) -> Option<PatchSettings> {
    record(&Value::Object(fields))
}

#[cfg(test)]
mod tests;
