//! What the desktop window and the page in it tell each other besides calls: the same types on both sides of the bridge.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Where a person was in the page, so that the next window goes on there. At most [`PageState::LONGEST`] bytes as JSON.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PageState {
    /// Path and query of the page, from `/` on.
    pub path: String,
    /// How far its main pane is scrolled, in CSS pixels.
    #[serde(default)]
    pub scroll: f64,
    /// What was written and not sent, by the place where it was written.
    #[serde(default)]
    pub drafts: BTreeMap<String, String>,
}

impl PageState {
    /// Bytes of JSON that the window keeps; more is refused.
    pub const LONGEST: usize = 256 << 10;
}

/// A change of the window's zoom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Zoom {
    /// To the next larger step.
    In,
    /// To the next smaller step.
    Out,
    /// To 100 %.
    Reset,
}
