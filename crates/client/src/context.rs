//! Contexts as every face shows them: which control plane is meant, and how it is told from the others.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The context that is always there: the control plane of the data directory itself.
pub const LOCAL: &str = "local";

/// A context's name, `[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContextName(String);

impl ContextName {
    /// The longest name, in bytes.
    pub const LONGEST: usize = 40;

    /// The name of the context that is always there.
    pub fn local() -> Self {
        Self(LOCAL.to_owned())
    }

    /// `text` as a name; nothing where it is none.
    pub fn new(text: &str) -> Option<Self> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_name = (1..=Self::LONGEST).contains(&text.len())
            && text.bytes().all(fits)
            && !text.starts_with('-')
            && !text.ends_with('-');
        is_name.then(|| Self(text.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the context that is always there.
    pub fn is_local(&self) -> bool {
        self.0 == LOCAL
    }
}

impl std::fmt::Display for ContextName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A control plane that commands and windows can be pointed at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Context {
    /// What it is called.
    pub name: ContextName,
    /// Where it is.
    pub place: Place,
    /// The colour that windows show it in.
    #[serde(default)]
    pub color: Color,
}

/// Where a control plane is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Place {
    /// On this machine, with a data directory of its own; started when it is needed.
    Local {
        /// The data directory.
        home: PathBuf,
    },
    /// Elsewhere; never started from here.
    Remote {
        /// The API's address without a path, e.g. `https://nasiko.example`.
        url: String,
        /// A file with the token, which only its owner may read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token_file: Option<PathBuf>,
    },
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Local { home } => home.display().fmt(f),
            Self::Remote { url, .. } => f.write_str(url),
        }
    }
}

/// The colours that contexts are told apart by, beside their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Color {
    /// The product's own.
    #[default]
    Pine,
    /// Amber.
    Amber,
    /// Blue.
    Blue,
    /// Rose.
    Rose,
    /// Violet.
    Violet,
    /// Olive.
    Olive,
}

impl Color {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Pine,
        Self::Amber,
        Self::Blue,
        Self::Rose,
        Self::Violet,
        Self::Olive,
    ];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pine => "pine",
            Self::Amber => "amber",
            Self::Blue => "blue",
            Self::Rose => "rose",
            Self::Violet => "violet",
            Self::Olive => "olive",
        }
    }

    /// The colour of that word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|color| color.as_str() == word)
    }
}

/// A context to be, as a person typed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewContext {
    /// What it is to be called.
    pub name: String,
    /// A data directory on this machine, or the address of a control plane elsewhere.
    pub place: String,
    /// A file with the token of one elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_file: Option<String>,
    /// Its colour; none for one that no other context has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<Color>,
}

impl NewContext {
    /// Whether that place is an address rather than a folder.
    pub fn is_address(place: &str) -> bool {
        place.contains("://")
    }
}

/// What is to change of a context; its place stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContextChange {
    /// Another name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Another colour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<Color>,
}

/// How a context stands that can be gone to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    /// Its control plane answers.
    Answers,
    /// It is on this machine and does not run; whoever goes there starts it.
    NotRunning,
}

/// The contexts there are, and which one is meant where none is named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContextList {
    /// The one that is meant.
    pub current: ContextName,
    /// All, [`LOCAL`] first.
    pub all: Vec<Context>,
}

impl ContextList {
    /// The one that is meant.
    pub fn current(&self) -> Option<&Context> {
        self.all.iter().find(|context| context.name == self.current)
    }
}
