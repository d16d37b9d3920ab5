//! Fields that arrive as text (path, query, multipart), read as the request's own schema says.

use serde_json::Value;

// `REQUESTS: &[(&str, &[(&str, bool)])]`: for each operation its request's fields, and whether each is text.
include!(concat!(env!("OUT_DIR"), "/requests.rs"));

/// The fields of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields(&'static [(&'static str, bool)]);

impl Fields {
    /// The fields of that operation's request; none if the committed OpenAPI document does not know it.
    pub(crate) fn of(operation: &str) -> Self {
        let found = REQUESTS.iter().find(|(name, _)| *name == operation);
        Self(found.map_or(&[], |(_, fields)| fields))
    }

    /// Whether the request has this field.
    pub(crate) fn has(self, name: &str) -> bool {
        self.0.iter().any(|(field, _)| *field == name)
    }

    /// A field's text as a value. What does not parse stays text, so that the refusal can quote it.
    pub(crate) fn read(self, name: &str, text: &str) -> Value {
        if self.0.contains(&(name, false))
            && let Ok(value) = serde_json::from_str(text)
        {
            return value;
        }
        Value::String(text.to_owned())
    }
}
