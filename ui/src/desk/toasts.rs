//! Toasts: what is said in passing, and faults until they are put away.

use std::time::Duration;

use nasiko_contract::{Fault, PatchSettings};

/// Toasts shown at once; the oldest give way.
const SHOWN: usize = 4;

/// A toast.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Toast {
    /// Words that go by themselves.
    Said(String),
    /// Settings were changed, which can be undone for a while.
    Changed {
        /// What was done.
        words: String,
        /// What undoes it.
        undo: Box<PatchSettings>,
    },
    /// The inbox was cleared, which can be undone for a while.
    Cleared(String),
    /// A fault, until it is put away.
    Fault(Fault),
}

/// The toasts that are shown, oldest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Toasts {
    shown: Vec<(u64, Toast)>,
    next: u64,
}

impl Toasts {
    /// How long words stay.
    pub(crate) const SHOWN_FOR: Duration = Duration::from_secs(5);
    /// How long something can be undone in passing.
    pub(crate) const UNDO_FOR: Duration = Duration::from_secs(20);

    /// Shows a toast and gives its number. The same fault is not shown twice.
    pub(crate) fn put(&mut self, toast: Toast) -> u64 {
        self.shown.retain(|(_, shown)| *shown != toast);
        if self.shown.len() >= SHOWN {
            self.shown.remove(0);
        }
        let number = self.next;
        self.next += 1;
        self.shown.push((number, toast));
        number
    }

    /// The newest that can be undone.
    pub(crate) fn undoable(&self) -> Option<(u64, Toast)> {
        let can = |toast: &Toast| matches!(toast, Toast::Changed { .. } | Toast::Cleared(_));
        self.shown.iter().rfind(|(_, toast)| can(toast)).cloned()
    }

    /// Puts a toast away.
    pub(crate) fn remove(&mut self, number: u64) {
        self.shown.retain(|(shown, _)| *shown != number);
    }

    /// What is shown.
    pub(crate) fn shown(&self) -> &[(u64, Toast)] {
        &self.shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(words: &str) -> Toast {
        Toast::Said(words.to_owned())
    }

    #[test]
    fn old_notices_give_way_and_none_is_shown_twice() {
        let mut toasts = Toasts::default();
        for number in 0..SHOWN + 3 {
            toasts.put(said(&number.to_string()));
        }
        let last = toasts.put(said("5"));
        assert_eq!(toasts.shown().len(), SHOWN);
        let fives = toasts
            .shown()
            .iter()
            .filter(|(_, toast)| *toast == said("5"));
        assert_eq!(fives.count(), 1);
        assert_eq!(toasts.undoable(), None);
        let cleared = toasts.put(Toast::Cleared("1 notice cleared".to_owned()));
        toasts.put(said("later"));
        assert_eq!(toasts.undoable().map(|(number, _)| number), Some(cleared));
        toasts.remove(last);
        assert!(toasts.shown().iter().all(|(number, _)| *number != last));
    }
}
