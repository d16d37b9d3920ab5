//! `nasiko.toml`: optional, every key optional, unknown keys are errors with their line.

use std::fmt;
use std::time::Duration;

use indexmap::IndexMap;
use nasiko_contract::RuntimeKind;
use serde::{Deserialize, Deserializer, de};

use crate::error::WorkshopError;
use crate::text::{line_at, line_text};

/// The file's name in a folder.
pub const MANIFEST_FILE: &str = "nasiko.toml";

/// The whole file. `Manifest::default()` is the empty file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Manifest {
    /// `[agent]`.
    pub agent: AgentSection,
    /// `[run]`.
    pub run: RunSection,
    /// `[env]`: plain values, numbers and booleans spelled as written. No secrets.
    #[serde(deserialize_with = "scalars")]
    pub env: IndexMap<String, String>,
    /// `[build]`.
    pub build: BuildSection,
    /// `[dev]`.
    pub dev: DevSection,
}

/// Who the agent is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AgentSection {
    /// Overrides the derived name.
    pub name: Option<String>,
    /// Overrides the derived description.
    pub description: Option<String>,
    /// Overrides the derived version.
    pub version: Option<String>,
    /// Where to run it.
    pub runtime: Option<RuntimeKind>,
}

/// How it is started and stopped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunSection {
    /// The command, `$PORT` and the like are replaced at start.
    pub command: Option<Vec<String>>,
    /// The port it listens on.
    pub port: Option<u16>,
    /// A path that answers 200 once it is ready; without it any HTTP answer counts.
    pub ready: Option<String>,
    /// How long a start may take.
    #[serde(deserialize_with = "duration")]
    pub start_timeout: Option<Duration>,
    /// How long it may take to end after it is asked to.
    #[serde(deserialize_with = "duration")]
    pub stop_timeout: Option<Duration>,
    /// Whether it is started again when it ends.
    pub restart: Option<RestartPolicy>,
}

/// Whether an agent that ended is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestartPolicy {
    /// However it ended.
    Always,
    /// When it ended with a failure.
    OnFailure,
    /// Never.
    Never,
}

/// How its image is built.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BuildSection {
    /// The Dockerfile, relative to the folder.
    pub dockerfile: Option<String>,
    /// The build context, relative to the folder.
    pub context: Option<String>,
    /// Build arguments.
    #[serde(deserialize_with = "scalars")]
    pub args: IndexMap<String, String>,
}

impl BuildSection {
    /// The build context relative to the folder, without dots and slashes around it; empty for the folder itself.
    pub fn context_path(&self) -> &str {
        let context = self.context.as_deref().unwrap_or_default();
        let context = context.trim_start_matches("./").trim_matches('/');
        if context == "." { "" } else { context }
    }
}

/// What a live update does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DevSection {
    /// Paths whose changes mean nothing, as in `.dockerignore`.
    pub ignore: Vec<String>,
    /// What is copied into a running container, and where to.
    pub sync: Vec<SyncRule>,
    /// Whether the program is started again after a sync.
    pub restart: Option<bool>,
    /// What a waiting instance loads before the agent's own code; without it, what that code imports.
    pub preload: Option<PreloadRule>,
}

/// What a waiting instance loads.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "expected true, false or a list of modules")]
pub enum PreloadRule {
    /// What the sources import, or nothing.
    Imports(bool),
    /// These modules, in this order.
    Modules(Vec<String>),
}

/// One folder kept in step with a running container.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyncRule {
    /// In the folder.
    pub from: String,
    /// In the container.
    pub to: String,
}

impl Manifest {
    /// Reads the text of a `nasiko.toml`.
    pub fn parse(text: &str) -> Result<Self, WorkshopError> {
        toml::from_str(text).map_err(|error| {
            let line = line_at(text, error.span().map_or(0, |span| span.start));
            WorkshopError::ManifestBroken {
                file: MANIFEST_FILE.to_owned(),
                line,
                reason: error
                    .message()
                    .lines()
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
                text: line_text(text, line).to_owned(),
            }
        })
    }
}

/// Reads `500ms`, `60s`, `2m` or `1h`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.find(|character: char| !character.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    match unit.trim() {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        "h" => number.checked_mul(3600).map(Duration::from_secs),
        _ => None,
    }
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_duration(&text).map(Some).ok_or_else(|| {
        de::Error::invalid_value(
            de::Unexpected::Str(&text),
            &"a duration such as \"500ms\", \"60s\" or \"2m\"",
        )
    })
}

fn scalars<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<IndexMap<String, String>, D::Error> {
    let values = IndexMap::<String, Scalar>::deserialize(deserializer)?;
    Ok(values
        .into_iter()
        .map(|(name, value)| (name, value.0))
        .collect())
}

/// A value that is text in the end: strings, and what people write without quotes.
struct Scalar(String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Scalar;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string, a number or a boolean")
            }
            fn visit_str<E: de::Error>(self, value: &str) -> Result<Scalar, E> {
                Ok(Scalar(value.to_owned()))
            }
            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests;
