//! The registry: agents as others find them.

pub(crate) const TITLE: &str = "Registry";
pub(crate) const WHAT_IT_IS: &str = "Agents as others find them";
pub(crate) const READING: &str = "the registry";

// The list.
pub(crate) const ENTRIES: &str = "Entries";
pub(crate) const ENTRY_LIST: &str = "Registry entries";
pub(crate) const FILTER_LABEL: &str = "Filter entries by words";
pub(crate) const EDITED: &str = "Edited";
pub(crate) const NONE: &str = "No agents yet";
pub(crate) const DEPLOY_ONE: &str = "Deploy a folder";
pub(crate) const NONE_WITH_WORDS: &str = "No agent has these words";
pub(crate) const WHERE_WORDS_ARE: &str =
    "They are looked for in names, descriptions, skills and tags.";

pub(crate) fn agents(count: usize) -> String {
    super::common::counted(count as u64, "agent")
}

/// One entry.
pub(crate) mod entry {
    pub(crate) const READING: &str = "the entry";
    /// What is copied.
    pub(crate) const ADDRESS: &str = "address";
    pub(crate) const DESCRIPTION: &str = "Description";
    pub(crate) const TAGS: &str = "Tags, with commas between them";
    pub(crate) const SAVE: &str = "Save";
    pub(crate) const CHANGED: &str = "The entry is changed";

    pub(crate) const RESET_ASK: &str = "Reset…";
    pub(crate) const RESET_TITLE: &str = "Reset the entry?";
    pub(crate) const RESET: &str = "Reset";
    pub(crate) const RESET_MEANS: &str = "Description and tags are those of the folder's card again. What was \
        written here is forgotten; the agent goes on.";
    pub(crate) const IS_RESET: &str = "The entry is as the card says again";

    pub(crate) const CARD: &str = "Card";
    /// What is copied.
    pub(crate) const THE_CARD: &str = "card";
    pub(crate) const CARD_JSON: &str = "The card's JSON";

    pub(crate) fn of(agent: &str) -> String {
        format!("Entry of {agent}")
    }
}
