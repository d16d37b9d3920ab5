//! What the desktop window and the page in it tell each other besides calls: the same types on both sides of the bridge.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How far panes of a page are scrolled, by their labels, in CSS pixels. The page's own pane has an empty label; one that is not
/// here is at its beginning, or at its end if it follows that.
pub type Scrolls = BTreeMap<String, i32>;

/// Where a person was in the page, so that the next window goes on there. At most [`PageState::LONGEST`] bytes as JSON.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PageState {
    /// Path and query of the page, from `/` on.
    pub path: String,
    /// How far it is scrolled.
    #[serde(default)]
    pub scrolls: Scrolls,
    /// What was written and not sent, as the page wrote it down.
    #[serde(default)]
    pub drafts: String,
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

/// What a look for a newer version of the desktop program found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum NewerVersion {
    /// This build names no place to look at.
    NotConfigured {
        /// The version that runs.
        version: String,
    },
    /// What runs is the newest.
    None {
        /// The version that runs.
        version: String,
    },
    /// One was fetched and checked. It is put in place when the window closes.
    Ready {
        /// The newer version.
        version: String,
    },
    /// There is one, and it is installed as this one was: by the system's package manager, or by hand.
    Managed {
        /// The newer version.
        version: String,
    },
}

/// What comes to the window from outside of its page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Opened {
    /// Something is dragged over the window.
    Enter,
    /// It is dragged on.
    Over,
    /// It was dragged away.
    Leave,
    /// It was dropped.
    Drop {
        /// What: paths on this machine.
        paths: Vec<String>,
        /// Where. Not to be relied on: under scaling some systems tell another place.
        position: Position,
    },
    /// Folders, archives or repositories to look at; never deployed by that.
    Open {
        /// Paths on this machine, or addresses.
        paths: Vec<String>,
    },
    /// A page to show.
    Go {
        /// Its path.
        path: String,
    },
    /// A link, an argument or a file that is not opened.
    Refused {
        /// The whole sentence why.
        message: String,
    },
}

/// A place in the page, in its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
}
