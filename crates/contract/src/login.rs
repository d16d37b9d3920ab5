//! Starting at login: whether the system starts the control plane when the person logs in.
//!
//! What says so is the system's own list of what it starts, which people and other programs change too. So it is no part
//! of the stored [`Settings`](crate::Settings): each answer is read from there.

use serde::{Deserialize, Serialize};

/// `GET /login-start`
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct GetLoginStart {}

/// `PUT /login-start`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
pub struct SetLoginStart {
    /// Start it at login from now on, or no more.
    pub on: bool,
}

/// Whether the control plane is started at login: in the background with its icon in the tray, without a window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct LoginStart {
    /// It is. An entry that the person switched off with a tool of their desktop does not count.
    pub on: bool,
    /// Where the system's entry for it is, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
}
