//! What is remembered on this machine: shortcuts that were changed, and what was used lately.

use crate::{
    browser,
    model::{keys::Keymap, palette::Recent},
};

const KEYMAP: &str = "nasiko.keys";
const RECENT: &str = "nasiko.recent";

pub(super) fn keymap() -> Keymap {
    Keymap::read(&browser::recall(KEYMAP).unwrap_or_default())
}

pub(super) fn keep_keymap(keymap: &Keymap) {
    browser::remember(KEYMAP, &keymap.written());
}

pub(super) fn recent() -> Recent {
    Recent::read(&browser::recall(RECENT).unwrap_or_default())
}

pub(super) fn keep_recent(recent: &Recent) {
    browser::remember(RECENT, &recent.written());
}
