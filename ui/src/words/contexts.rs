//! Adding, changing and forgetting contexts.

use nasiko_client::context::Color;

// Adding one.
pub(crate) const ADD_TITLE: &str = "Add a context";
pub(crate) const NAME: &str = "Name";
pub(crate) const PLACE: &str = "Folder or address";
pub(crate) const PLACE_HINT: &str = "~/work-nasiko";
pub(crate) const TOKEN_FILE: &str = "File with its token";
pub(crate) const TOKEN_FILE_HINT: &str = "~/.nasiko-far";
pub(crate) const COLOR: &str = "Colour";
/// A colour that no other context has.
pub(crate) const FREE_COLOR: &str = "Any";
pub(crate) const ADD: &str = "Add";
pub(crate) const ABOUT_PLACES: &str = "A folder of this computer gets a control plane of its own, which is started when it is \
    used. An address is that of a control plane elsewhere, whose token is in a file that only you may read.";

pub(crate) fn added(name: &str) -> String {
    format!("{name} is added")
}

// Changing one.
pub(crate) const EDIT: &str = "Edit…";
pub(crate) const SAVE: &str = "Save";

pub(crate) fn edit(name: &str) -> String {
    format!("Edit {name}")
}

// Forgetting one.
pub(crate) const REMOVE: &str = "Remove…";
pub(crate) const REMOVE_TITLE: &str = "Remove the context?";

pub(crate) fn remove(name: &str) -> String {
    format!("Remove {name}")
}

pub(crate) fn removal(name: &str, place: &str) -> String {
    format!("`{name}` is forgotten. Its control plane, agents and data stay at `{place}`.")
}

pub(crate) fn removed(name: &str) -> String {
    format!("{name} is removed")
}

// How one stands.
pub(crate) const STATE: &str = "State";
pub(crate) const LOOKING: &str = "Looking…";
pub(crate) const ANSWERS: &str = "Answers";
pub(crate) const NOT_RUNNING: &str = "Not running";

pub(crate) fn color(color: Color) -> &'static str {
    match color {
        Color::Pine => "Pine",
        Color::Amber => "Amber",
        Color::Blue => "Blue",
        Color::Rose => "Rose",
        Color::Violet => "Violet",
        Color::Olive => "Olive",
    }
}
