//! Of the ways out of a failure of an agent.

/// On the button that asks for a variable's value.
pub(crate) fn set(variable: &str) -> String {
    format!("Set {variable}")
}

/// On the button that copies a place in a file, to be opened in an editor.
pub(crate) fn copy(place: &str) -> String {
    format!("Copy {place}")
}

/// What was copied by it.
pub(crate) const PLACE: &str = "place";

pub(crate) const UNLOCK_KEY: &str = "Unlock the key";
pub(crate) const KEY_IS_OPEN: &str = "The key of secrets is at hand";

/// The question for a variable's value.
pub(crate) mod variable {
    pub(crate) fn title(variable: &str) -> String {
        format!("Set {variable}")
    }

    /// What becomes of the value.
    pub(crate) fn meaning(agent: &str) -> String {
        format!(
            "It is sealed, given to {agent} alone, and never shown again. {agent} is then built and started anew."
        )
    }

    pub(crate) const VALUE: &str = "Value";
    pub(crate) const SET: &str = "Set and rebuild";
}
