//! Of the sheet of shortcuts, and of the settings that change them.

// The sheet.
pub(crate) const TITLE: &str = "Keyboard shortcuts";
pub(crate) const SHORTCUTS: &str = "Shortcuts";
pub(crate) const SEARCH_SHORTCUTS: &str = "Search shortcuts";
pub(crate) const NONE: &str = "No shortcut is called like that";

/// What an action is called that leads to a page.
pub(crate) fn go_to(page: &str) -> String {
    format!("Go to {page}")
}

// The settings.
pub(crate) const SEARCH_ACTIONS: &str = "Search actions";
pub(crate) const CHANGE: &str = "Change";
pub(crate) const RESET: &str = "Reset";
pub(crate) const RESET_ALL: &str = "Reset all";

pub(crate) fn change(action: &str) -> String {
    format!("Change the shortcut of {action}")
}

pub(crate) fn reset(action: &str) -> String {
    format!("Reset the shortcut of {action}")
}

/// Other actions have the same shortcut.
pub(crate) fn also(actions: &[String]) -> String {
    format!("Also: {}", actions.join(", "))
}

/// A new shortcut, as it is pressed.
pub(crate) mod capture {
    pub(crate) const NEEDED: &str = "That key is needed: another one";

    pub(crate) fn label(action: &str) -> String {
        format!(
            "New shortcut of {action}: press keys, Enter keeps them, Backspace takes it away, Escape leaves it"
        )
    }

    /// What was pressed so far, and what to do.
    pub(crate) fn pressed(keys: &[String]) -> String {
        if keys.is_empty() {
            return "Press keys".to_owned();
        }
        format!("{}, then Enter", super::shown::sequence(keys))
    }
}

/// A shortcut as it stands on the keys.
pub(crate) mod shown {
    pub(crate) const CTRL: &str = "Ctrl";
    pub(crate) const ALT: &str = "Alt";
    pub(crate) const SHIFT: &str = "Shift";
    pub(crate) const ESCAPE: &str = "Esc";

    /// Keys that are pressed one after the other.
    pub(crate) fn sequence(keys: &[String]) -> String {
        keys.join(" then ")
    }
}
