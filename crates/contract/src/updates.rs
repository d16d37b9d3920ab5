//! Newer versions of the product: found by the window, which was installed somehow; told by the control plane.

use serde::{Deserialize, Serialize};

/// `POST /updates`: a newer version is there; it is told as a notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
pub struct AnnounceUpdate {
    /// `x.y.z`
    pub version: String,
    /// Something else installs it: the system's package manager, or the person.
    #[serde(default)]
    pub managed: bool,
}
