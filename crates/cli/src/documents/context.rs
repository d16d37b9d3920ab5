//! Documents about contexts.

use nasiko_client::context::{Context, Place};
use serde::Serialize;

/// A row of `context list`; `context add`, `context use`
#[derive(Debug, Serialize)]
pub(crate) struct ContextDocument {
    pub(crate) name: String,
    pub(crate) current: bool,
    kind: &'static str,
    place: String,
    color: &'static str,
}

impl ContextDocument {
    pub(crate) fn new(context: &Context, current: &Context) -> Self {
        Self {
            name: context.name.to_string(),
            current: context.name == current.name,
            kind: match context.place {
                Place::Local { .. } => "local",
                Place::Remote { .. } => "remote",
            },
            place: context.place.to_string(),
            color: context.color.as_str(),
        }
    }
}

/// `context rm`
#[derive(Debug, Serialize)]
pub(crate) struct RemovedContextDocument<'a> {
    pub(crate) name: &'a str,
    pub(crate) removed: bool,
}
