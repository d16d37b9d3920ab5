//! Fields that arrive as text (path, query, multipart), read as the request's own schema says.

use std::collections::BTreeSet;

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value};

/// Which fields of a request are not text.
#[derive(Debug)]
pub(crate) struct Fields {
    names: BTreeSet<String>,
    not_text: BTreeSet<String>,
}

impl Fields {
    /// The fields of the request `O`.
    pub(crate) fn of<O: JsonSchema>() -> Self {
        let schema = O::json_schema(&mut SchemaGenerator::default());
        let none = Map::new();
        let properties = schema
            .get("properties")
            .and_then(Value::as_object)
            .unwrap_or(&none);
        Self {
            names: properties.keys().cloned().collect(),
            not_text: properties
                .iter()
                .filter(|(_, property)| is_not_text(property))
                .map(|(name, _)| name.clone())
                .collect(),
        }
    }

    /// Whether the request has this field.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// A field's text as a value. What does not parse stays text, so that the refusal can quote it.
    pub(crate) fn read(&self, name: &str, text: &str) -> Value {
        if self.not_text.contains(name)
            && let Ok(value) = serde_json::from_str(text)
        {
            return value;
        }
        Value::String(text.to_owned())
    }
}

/// A number, flag, list or object; references and unions are enums of words in a request.
fn is_not_text(property: &Value) -> bool {
    const NOT_TEXT: [&str; 5] = ["boolean", "integer", "number", "array", "object"];
    match property.get("type") {
        Some(Value::String(kind)) => NOT_TEXT.contains(&kind.as_str()),
        Some(Value::Array(kinds)) => kinds
            .iter()
            .filter_map(Value::as_str)
            .any(|kind| NOT_TEXT.contains(&kind)),
        _ => false,
    }
}
