//! Cuts what is larger than the limits, on the sender's side of the queue, so that the queue is bounded in bytes too.

use serde_json::Value;

use super::{Attributes, LogRecord, Span};
use crate::Limits;

/// Ends a text that was cut.
const CUT: &str = "…";

impl Span {
    /// Cuts what is beyond the limits.
    pub(crate) fn bound(&mut self, limits: &Limits) {
        bound_text(&mut self.name, limits.max_attribute_bytes);
        bound_text(&mut self.status.message, limits.max_attribute_bytes);
        bound_attributes(&mut self.attributes, limits);
        self.events.truncate(limits.max_events);
        self.links.truncate(limits.max_events);
        for event in &mut self.events {
            bound_text(&mut event.name, limits.max_attribute_bytes);
            bound_attributes(&mut event.attributes, limits);
        }
        for link in &mut self.links {
            bound_attributes(&mut link.attributes, limits);
        }
        self.end_ns = self.end_ns.max(self.start_ns);
    }
}

impl LogRecord {
    /// Cuts what is beyond the limits.
    pub(crate) fn bound(&mut self, limits: &Limits) {
        bound_text(&mut self.body, limits.max_attribute_bytes);
        bound_attributes(&mut self.attributes, limits);
    }
}

/// Keeps the first attributes and cuts long texts; an array or object that is too long becomes its own cut text.
pub(crate) fn bound_attributes(attributes: &mut Attributes, limits: &Limits) {
    if attributes.len() > limits.max_attributes {
        let kept = std::mem::take(attributes)
            .into_iter()
            .take(limits.max_attributes);
        attributes.extend(kept);
    }
    for value in attributes.values_mut() {
        match value {
            Value::String(text) => bound_text(text, limits.max_attribute_bytes),
            Value::Array(_) | Value::Object(_) => {
                let mut text = value.to_string();
                if text.len() > limits.max_attribute_bytes {
                    bound_text(&mut text, limits.max_attribute_bytes);
                    *value = Value::String(text);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

fn bound_text(text: &mut String, limit: usize) {
    if text.len() > limit {
        let end = text.floor_char_boundary(limit.saturating_sub(CUT.len()));
        text.truncate(end);
        text.push_str(CUT);
    }
}
