//! Secrets that every agent gets.

use serde::{Deserialize, Serialize};

/// `PUT /secrets/{name}`: every agent gets it, from its next start on. One of an agent's own of the same name wins.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SetSharedSecret {
    /// The variable.
    pub name: String,
    /// The value. It is sealed at once and never answered.
    pub value: String,
}

impl std::fmt::Debug for SetSharedSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SetSharedSecret")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// `DELETE /secrets/{name}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RemoveSharedSecret {
    /// The variable.
    pub name: String,
}
