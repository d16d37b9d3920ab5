//! Shortcuts: what they are written as, when they fire, which a person changed, and which get in each other's way.

use std::collections::BTreeMap;

use crate::{
    model::actions::{self, Known},
    words::keys::shown as words,
};

/// Milliseconds within which the next key of a sequence must follow.
const PATIENCE: i64 = 1_500;
/// Keys of one sequence.
const MOST_KEYS: usize = 3;
/// With the command key these write and edit, or belong to the browser: no action may take them away.
const TAKEN: [&str; 12] = ["a", "c", "v", "x", "z", "y", "r", "t", "w", "n", "l", "q"];

/// One key with what is held.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Chord {
    /// Ctrl; on a Mac Cmd.
    pub(crate) command: bool,
    /// Alt; on a Mac Option.
    pub(crate) alt: bool,
    /// Shift, where it does not decide which character it is.
    pub(crate) shift: bool,
    /// The character, small, or the key's name as browsers say it.
    pub(crate) key: String,
}

/// What a browser says of a key that was pressed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each modifier is held or not, as browsers say it"
)]
pub(crate) struct Pressed {
    /// `KeyboardEvent.key`
    pub(crate) key: String,
    pub(crate) ctrl: bool,
    pub(crate) meta: bool,
    pub(crate) alt: bool,
    pub(crate) shift: bool,
}

impl Chord {
    /// The chord that was pressed; nothing for a modifier alone, or one that is no chord of ours.
    pub(crate) fn of(pressed: &Pressed, mac: bool) -> Option<Self> {
        let (command, other) = if mac {
            (pressed.meta, pressed.ctrl)
        } else {
            (pressed.ctrl, pressed.meta)
        };
        let is_modifier = matches!(
            pressed.key.as_str(),
            "Control" | "Meta" | "Alt" | "AltGraph" | "Shift" | "CapsLock" | "Dead" | "Process"
        );
        if other || is_modifier || pressed.key.is_empty() || pressed.key == "Unidentified" {
            return None;
        }
        let mut letters = pressed.key.chars();
        let single = letters.next().filter(|_| letters.next().is_none());
        Some(Self {
            command,
            alt: pressed.alt,
            // `?` is a character of its own, wherever on the keyboard it lies.
            shift: pressed.shift && single.is_none_or(char::is_alphabetic),
            key: match single {
                Some(' ') => "Space".to_owned(),
                Some(letter) => letter.to_lowercase().collect(),
                None => pressed.key.clone(),
            },
        })
    }

    /// Typing it into a field would write or move something.
    pub(crate) fn writes(&self) -> bool {
        !self.command || self.alt
    }

    fn read(text: &str) -> Option<Self> {
        let mut chord = Self {
            command: false,
            alt: false,
            shift: false,
            key: String::new(),
        };
        let mut rest = text;
        loop {
            if let Some(after) = rest.strip_prefix("mod+") {
                chord.command = true;
                rest = after;
            } else if let Some(after) = rest.strip_prefix("alt+") {
                chord.alt = true;
                rest = after;
            } else if let Some(after) = rest.strip_prefix("shift+") {
                chord.shift = true;
                rest = after;
            } else {
                break;
            }
        }
        rest.clone_into(&mut chord.key);
        (!chord.key.is_empty()).then_some(chord)
    }

    fn written(&self) -> String {
        let mut text = String::new();
        for (held, word) in [
            (self.command, "mod+"),
            (self.alt, "alt+"),
            (self.shift, "shift+"),
        ] {
            if held {
                text.push_str(word);
            }
        }
        text.push_str(&self.key);
        text
    }

    /// As it stands on the keys: `Ctrl K`, `⌘K`.
    pub(crate) fn shown(&self, mac: bool) -> String {
        let mut text = String::new();
        let ([command, alt, shift], gap) = if mac {
            (["⌘", "⌥", "⇧"], "")
        } else {
            ([words::CTRL, words::ALT, words::SHIFT], " ")
        };
        let held = [
            (self.command, command),
            (self.alt, alt),
            (self.shift, shift),
        ];
        for (_, word) in held.into_iter().filter(|(held, _)| *held) {
            text.push_str(word);
            text.push_str(gap);
        }
        match self.key.as_str() {
            "Escape" => text.push_str(words::ESCAPE),
            "ArrowUp" => text.push('↑'),
            "ArrowDown" => text.push('↓'),
            "ArrowLeft" => text.push('←'),
            "ArrowRight" => text.push('→'),
            key if key.chars().count() == 1 => {
                text.extend(key.chars().flat_map(char::to_uppercase));
            }
            key => text.push_str(key),
        }
        text
    }
}

/// Chords one after the other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Shortcut(Vec<Chord>);

impl Shortcut {
    /// A shortcut of these chords, unless it is one that must not be.
    pub(crate) fn new(chords: Vec<Chord>) -> Option<Self> {
        let allowed = |chord: &Chord| {
            let edits = chord.command && !chord.alt && TAKEN.contains(&chord.key.as_str());
            let moves = matches!(
                chord.key.as_str(),
                "Tab" | "Enter" | "Escape" | "Space" | "Backspace"
            );
            !edits && (chord.command || !moves)
        };
        let fits = (1..=MOST_KEYS).contains(&chords.len()) && chords.iter().all(allowed);
        fits.then_some(Self(chords))
    }

    /// Reads `mod+k` or `g h`.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let chords = text
            .split_whitespace()
            .map(Chord::read)
            .collect::<Option<Vec<_>>>()?;
        Self::new(chords)
    }

    /// As [`Shortcut::read`] reads it.
    pub(crate) fn written(&self) -> String {
        let chords: Vec<String> = self.0.iter().map(Chord::written).collect();
        chords.join(" ")
    }

    /// Its chords as they stand on the keys.
    pub(crate) fn shown(&self, mac: bool) -> Vec<String> {
        self.0.iter().map(|chord| chord.shown(mac)).collect()
    }

    /// In one line: `Ctrl K`, `G then H`.
    pub(crate) fn words(&self, mac: bool) -> String {
        words::sequence(&self.shown(mac))
    }

    /// As `aria-keyshortcuts` has it, which knows no sequences.
    pub(crate) fn aria(&self, mac: bool) -> Option<String> {
        let [chord] = self.0.as_slice() else {
            return None;
        };
        let mut text = chord.written();
        if let Some(rest) = text.strip_prefix("mod+") {
            text = format!("{}+{rest}", if mac { "Meta" } else { "Control" });
        }
        Some(text.replace("alt+", "Alt+").replace("shift+", "Shift+"))
    }

    /// Of two one would never fire, or only after a wait.
    fn collides(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0) || other.0.starts_with(&self.0)
    }
}

/// The shortcuts as a person has them: what is delivered, and what was changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Keymap {
    /// By action; nothing where it was taken away.
    changed: BTreeMap<String, Option<Shortcut>>,
}

impl Keymap {
    /// Reads what was remembered; what is not understood is left out.
    pub(crate) fn read(text: &str) -> Self {
        let known: BTreeMap<String, Option<String>> =
            serde_json::from_str(text).unwrap_or_default();
        let changed = known.into_iter().filter_map(|(id, written)| {
            actions::known(&id)?;
            match written {
                Some(written) => Some((id, Some(Shortcut::read(&written)?))),
                None => Some((id, None)),
            }
        });
        Self {
            changed: changed.collect(),
        }
    }

    /// As [`Keymap::read`] reads it.
    pub(crate) fn written(&self) -> String {
        let plain: BTreeMap<&str, Option<String>> = self
            .changed
            .iter()
            .map(|(id, shortcut)| (id.as_str(), shortcut.as_ref().map(Shortcut::written)))
            .collect();
        serde_json::to_string(&plain).unwrap_or_default()
    }

    /// The shortcut of an action.
    pub(crate) fn of(&self, id: &str) -> Option<Shortcut> {
        match self.changed.get(id) {
            Some(changed) => changed.clone(),
            None => Shortcut::read(actions::known(id)?.keys),
        }
    }

    /// Gives an action another shortcut, or none.
    pub(crate) fn set(&mut self, id: &str, shortcut: Option<Shortcut>) {
        if actions::known(id).is_none_or(|known| Shortcut::read(known.keys) == shortcut) {
            self.changed.remove(id);
        } else {
            self.changed.insert(id.to_owned(), shortcut);
        }
    }

    /// Whether it is not the delivered one.
    pub(crate) fn is_changed(&self, id: &str) -> bool {
        self.changed.contains_key(id)
    }

    /// Whether any is not.
    pub(crate) fn any_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// Gives an action its delivered shortcut back.
    pub(crate) fn reset(&mut self, id: &str) {
        self.changed.remove(id);
    }

    /// Other actions that a shortcut of `id` gets in the way of.
    pub(crate) fn conflicts(&self, id: &str) -> Vec<&'static Known> {
        let (Some(known), Some(shortcut)) = (actions::known(id), self.of(id)) else {
            return Vec::new();
        };
        let others = actions::KNOWN.iter().filter(|other| {
            other.id != id
                && known.place.meets(other.place)
                && self.of(other.id).is_some_and(|its| its.collides(&shortcut))
        });
        others.collect()
    }
}

/// What came of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fed {
    /// This action is meant.
    Run(String),
    /// It is the beginning of something.
    Waiting,
    /// It means nothing here.
    Nothing,
}

/// The keys of a sequence that is being typed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Typed {
    chords: Vec<Chord>,
    at: i64,
}

impl Typed {
    /// A key at `now` (Unix milliseconds), among what can be meant.
    pub(crate) fn feed(&mut self, chord: Chord, now: i64, bound: &[(String, Shortcut)]) -> Fed {
        if now - self.at > PATIENCE {
            self.chords.clear();
        }
        self.at = now;
        self.chords.push(chord);
        let fed = self.look(bound);
        if fed == Fed::Nothing && self.chords.len() > 1 {
            // Not the rest of what was begun: then perhaps a beginning.
            self.chords.drain(..self.chords.len() - 1);
            return self.settle(self.look(bound));
        }
        self.settle(fed)
    }

    fn look(&self, bound: &[(String, Shortcut)]) -> Fed {
        let mut begun = false;
        for (id, shortcut) in bound {
            if shortcut.0 == self.chords {
                return Fed::Run(id.clone());
            }
            begun |= shortcut.0.starts_with(&self.chords);
        }
        if begun { Fed::Waiting } else { Fed::Nothing }
    }

    fn settle(&mut self, fed: Fed) -> Fed {
        if fed != Fed::Waiting {
            self.chords.clear();
        }
        fed
    }
}

#[cfg(test)]
mod tests;
