//! What an inspected folder is, line by line.

use crate::model::format::{bytes, count};

pub(crate) const LANGUAGE: &str = "Language";
pub(crate) const STARTS_WITH: &str = "Starts with";
pub(crate) const PORT: &str = "Port";
pub(crate) const SPEAKS: &str = "Speaks";
pub(crate) const CARD: &str = "Card";
pub(crate) const FILES: &str = "Files";

// Where the card comes from.
pub(crate) const FROM_FOLDER: &str = "from the folder";
pub(crate) const GENERATED: &str = "generated";
pub(crate) const FETCHED_LATER: &str = "fetched once it runs";

pub(crate) fn with_framework(language: &str, framework: &str) -> String {
    format!("{language} with {framework}")
}

pub(crate) fn files(files: u64, size: u64) -> String {
    format!("{}, {}", count(files), bytes(size))
}
