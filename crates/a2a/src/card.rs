//! Agent cards of every generation: a typed view over the raw JSON, in which unknown fields survive.

mod generate;
mod lint;
mod rewrite;
#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::dialect::Dialect;
use crate::json::{self, Object};

pub use generate::{GenerateCard, generate};
pub use lint::{CardFinding, Severity, lint};
pub(crate) use rewrite::place;
pub use rewrite::rewrite;

/// Where an agent serves its card, in the order to ask.
pub const WELL_KNOWN_PATHS: [&str; 3] = [
    "/.well-known/agent-card.json",
    "/.well-known/agent.json",
    "/agent-card.json",
];

/// The largest card that is read, in bytes.
pub const MAX_CARD_BYTES: usize = 1024 * 1024;

/// An agent's card. Any JSON object is one: what is missing or of a wrong type reads as absent, and [`lint`] tells.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    raw: Object,
}

/// Why bytes are no card, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the card is not usable at line {line}, column {column}: {problem}")]
pub struct CardError {
    /// Line of the fault, from 1.
    pub line: usize,
    /// Column of the fault, from 1.
    pub column: usize,
    /// What is wrong there.
    pub problem: CardProblem,
}

/// What is wrong with a card that cannot be read at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CardProblem {
    /// Not JSON.
    #[error("{0}")]
    NotJson(String),
    /// JSON, but not an object.
    #[error("it is {0}, not a JSON object")]
    NotAnObject(&'static str),
    /// More than [`MAX_CARD_BYTES`].
    #[error("it is larger than {MAX_CARD_BYTES} bytes")]
    TooLarge,
}

/// One address of an agent, and what is spoken there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// As written in the card; often not where the agent really listens.
    pub url: String,
    /// The transport.
    pub binding: Binding,
    /// The protocol's version, when the card says it.
    pub version: Option<String>,
}

impl Interface {
    /// Whether its version, if any is given, is of the 1.x line.
    fn is_v1(&self) -> bool {
        self.version
            .as_deref()
            .is_some_and(|version| version.trim_start_matches('v').starts_with('1'))
    }
}

/// The transport of an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Binding {
    /// JSON-RPC over HTTP, the usual one.
    JsonRpc,
    /// Plain HTTP with JSON bodies.
    HttpJson,
    /// gRPC.
    Grpc,
    /// Anything else, as written.
    Other(String),
}

impl Binding {
    fn parse(text: &str) -> Self {
        let letters: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
        match letters.to_ascii_uppercase().as_str() {
            "JSONRPC" | "JSONRPC20" | "" => Binding::JsonRpc,
            "HTTPJSON" | "REST" | "HTTP" => Binding::HttpJson,
            "GRPC" => Binding::Grpc,
            _ => Binding::Other(text.to_owned()),
        }
    }
}

/// One thing an agent can do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Skill {
    /// Unique within the card; the name where the card has none.
    pub id: String,
    /// For people.
    pub name: String,
    /// What it does.
    pub description: String,
    /// Key words.
    pub tags: Vec<String>,
    /// Things to say to it.
    pub examples: Vec<String>,
    /// Media types it takes, when they differ from the card's.
    pub input_modes: Vec<String>,
    /// Media types it gives, when they differ from the card's.
    pub output_modes: Vec<String>,
}

impl Card {
    /// Reads a card. A byte order mark is allowed; anything but one JSON object is refused with its place.
    pub fn parse(bytes: &[u8]) -> Result<Self, CardError> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        if bytes.len() > MAX_CARD_BYTES {
            return Err(CardError {
                line: 1,
                column: 1,
                problem: CardProblem::TooLarge,
            });
        }
        let value: Value = serde_json::from_slice(bytes).map_err(|error| CardError {
            line: error.line().max(1),
            column: error.column().max(1),
            problem: CardProblem::NotJson(bare_sentence(&error)),
        })?;
        Self::from_value(value)
    }

    /// A card from JSON already read; refused unless it is an object.
    pub fn from_value(value: Value) -> Result<Self, CardError> {
        let kind = match value {
            Value::Object(raw) => return Ok(Self { raw }),
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
        };
        Err(CardError {
            line: 1,
            column: 1,
            problem: CardProblem::NotAnObject(kind),
        })
    }

    /// The card as it was read, with every field.
    pub fn to_value(&self) -> Value {
        Value::Object(self.raw.clone())
    }

    /// The card as it was read, with every field.
    pub fn into_value(self) -> Value {
        Value::Object(self.raw)
    }

    /// The raw object, for fields without a method here.
    pub fn raw(&self) -> &Object {
        &self.raw
    }

    /// The agent's name, for people.
    pub fn name(&self) -> Option<&str> {
        self.trimmed("name")
    }

    /// What the agent is for.
    pub fn description(&self) -> Option<&str> {
        self.trimmed("description")
    }

    /// The agent's own version.
    pub fn version(&self) -> Option<&str> {
        self.trimmed("version")
    }

    /// The address it claims; often not where it really listens.
    pub fn url(&self) -> Option<&str> {
        self.trimmed("url")
    }

    /// The protocol's version as written at the top of the card.
    pub fn protocol_version(&self) -> Option<&str> {
        json::text(&self.raw, &["protocolVersion", "protocol_version"])
            .map(str::trim)
            .filter(|text| !text.is_empty())
    }

    /// The framework it says it was made with.
    pub fn framework(&self) -> Option<&str> {
        self.trimmed("agentFramework")
    }

    /// Every address, the preferred one first, none twice.
    pub fn interfaces(&self) -> Vec<Interface> {
        let mut found: Vec<Interface> = Vec::new();
        let mut add = |interface: Interface| {
            if !found.contains(&interface) {
                found.push(interface);
            }
        };
        for entry in self.interface_entries() {
            let Some(url) = json::text(entry, &["url"]) else {
                continue;
            };
            let binding = json::text(entry, &["protocolBinding", "protocol_binding", "transport"])
                .unwrap_or_default();
            let version = json::owned(entry, &["protocolVersion", "protocol_version"]);
            add(Interface {
                url: url.to_owned(),
                binding: Binding::parse(binding),
                version,
            });
        }
        if let Some(url) = self.url() {
            let binding =
                Binding::parse(json::text(&self.raw, &["preferredTransport"]).unwrap_or_default());
            if !found
                .iter()
                .any(|known| known.url == url && known.binding == binding)
            {
                let version = self.protocol_version().map(str::to_owned);
                found.insert(
                    0,
                    Interface {
                        url: url.to_owned(),
                        binding,
                        version,
                    },
                );
            }
        }
        found
    }

    /// The language to speak first. A card that says nothing is taken for the older one, which most such agents speak.
    pub fn dialect(&self) -> Dialect {
        let interfaces = self.interfaces();
        let speaks = |binding: &Binding| interfaces.iter().any(|known| known.binding == *binding);
        if !speaks(&Binding::JsonRpc) && speaks(&Binding::HttpJson) {
            return Dialect::HttpJson;
        }
        if interfaces
            .iter()
            .any(|known| known.binding == Binding::JsonRpc && known.is_v1())
        {
            return Dialect::V1;
        }
        let unversioned = self.protocol_version().is_none()
            && interfaces.iter().all(|known| known.version.is_none());
        let has_v1_list =
            !json::list(&self.raw, &["supportedInterfaces", "supported_interfaces"]).is_empty();
        let says_v1 = self
            .protocol_version()
            .is_some_and(|version| version.starts_with('1'));
        if says_v1 || (unversioned && has_v1_list) {
            Dialect::V1
        } else {
            Dialect::V0
        }
    }

    /// The address for a dialect, as written in the card.
    pub fn endpoint(&self, dialect: &Dialect) -> Option<String> {
        let binding = if *dialect == Dialect::HttpJson {
            Binding::HttpJson
        } else {
            Binding::JsonRpc
        };
        let interfaces = self.interfaces();
        let fits = |known: &&Interface| known.binding == binding;
        let exact = interfaces.iter().filter(fits).find(|known| match dialect {
            Dialect::V1 => known.is_v1(),
            Dialect::V0 => known.version.is_some() && !known.is_v1(),
            _ => true,
        });
        exact
            .or_else(|| interfaces.iter().find(fits))
            .map(|known| known.url.clone())
    }

    /// Whether it says that it streams; `None` where it says nothing.
    pub fn streaming(&self) -> Option<bool> {
        json::object(&self.raw, &["capabilities"])
            .and_then(|capabilities| json::flag(capabilities, &["streaming"]))
    }

    /// What it can do. Entries that are plain strings are taken as names.
    pub fn skills(&self) -> Vec<Skill> {
        json::list(&self.raw, &["skills"])
            .iter()
            .filter_map(read_skill)
            .collect()
    }

    /// Media types it takes by default, shorthands written out.
    pub fn input_modes(&self) -> Vec<String> {
        read_modes(&self.raw, &["defaultInputModes", "default_input_modes"])
    }

    /// Media types it gives by default, shorthands written out.
    pub fn output_modes(&self) -> Vec<String> {
        read_modes(&self.raw, &["defaultOutputModes", "default_output_modes"])
    }

    fn trimmed(&self, key: &str) -> Option<&str> {
        json::text(&self.raw, &[key])
            .map(str::trim)
            .filter(|text| !text.is_empty())
    }

    fn interface_entries(&self) -> impl Iterator<Item = &Object> {
        json::list(&self.raw, &["supportedInterfaces", "supported_interfaces"])
            .iter()
            .chain(json::list(
                &self.raw,
                &["additionalInterfaces", "additional_interfaces"],
            ))
            .filter_map(Value::as_object)
    }
}

/// The media type that a mode means: `text`, `json` and `image` are shorthands.
pub fn media_type(mode: &str) -> &str {
    match mode {
        "text" => "text/plain",
        "json" => "application/json",
        "image" => "image/png",
        other => other,
    }
}

fn read_modes(object: &Object, keys: &[&str]) -> Vec<String> {
    json::strings(object, keys)
        .iter()
        .map(|mode| media_type(mode.trim()).to_owned())
        .collect()
}

fn read_skill(value: &Value) -> Option<Skill> {
    if let Some(name) = value.as_str() {
        return Some(Skill {
            id: name.to_owned(),
            name: name.to_owned(),
            ..Skill::default()
        });
    }
    let object = value.as_object()?;
    let id = json::owned(object, &["id"]);
    let name = json::owned(object, &["name"]);
    Some(Skill {
        id: id.clone().or_else(|| name.clone()).unwrap_or_default(),
        name: name.or(id).unwrap_or_default(),
        description: json::owned(object, &["description"]).unwrap_or_default(),
        tags: json::strings(object, &["tags"]),
        examples: json::strings(object, &["examples"]),
        input_modes: read_modes(object, &["inputModes", "input_modes"]),
        output_modes: read_modes(object, &["outputModes", "output_modes"]),
    })
}

/// The parser's sentence without its trailing place, which the error has as numbers.
fn bare_sentence(error: &serde_json::Error) -> String {
    let sentence = error.to_string();
    match sentence.rfind(" at line ") {
        Some(place) => sentence[..place].to_owned(),
        None => sentence,
    }
}
