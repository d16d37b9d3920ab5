//! Notices: what is said in passing, and faults until they are put away.

use std::time::Duration;

use nasiko_contract::{Fault, PatchSettings};

/// Notices shown at once; the oldest give way.
const SHOWN: usize = 4;

/// A notice.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Notice {
    /// Words that go by themselves.
    Said(String),
    /// Settings were changed, which can be undone for a while.
    Changed {
        /// What was done.
        words: String,
        /// What undoes it.
        undo: Box<PatchSettings>,
    },
    /// A fault, until it is put away.
    Fault(Fault),
}

/// The notices that are shown, oldest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Notices {
    shown: Vec<(u64, Notice)>,
    next: u64,
}

impl Notices {
    /// How long words stay.
    pub(crate) const SHOWN_FOR: Duration = Duration::from_secs(5);
    /// How long something can be undone in passing.
    pub(crate) const UNDO_FOR: Duration = Duration::from_secs(20);

    /// Shows a notice and gives its number. The same fault is not shown twice.
    pub(crate) fn put(&mut self, notice: Notice) -> u64 {
        self.shown.retain(|(_, shown)| *shown != notice);
        if self.shown.len() >= SHOWN {
            self.shown.remove(0);
        }
        let number = self.next;
        self.next += 1;
        self.shown.push((number, notice));
        number
    }

    /// Puts a notice away.
    pub(crate) fn remove(&mut self, number: u64) {
        self.shown.retain(|(shown, _)| *shown != number);
    }

    /// What is shown.
    pub(crate) fn shown(&self) -> &[(u64, Notice)] {
        &self.shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(words: &str) -> Notice {
        Notice::Said(words.to_owned())
    }

    #[test]
    fn old_notices_give_way_and_none_is_shown_twice() {
        let mut notices = Notices::default();
        for number in 0..SHOWN + 3 {
            notices.put(said(&number.to_string()));
        }
        let last = notices.put(said("5"));
        assert_eq!(notices.shown().len(), SHOWN);
        let fives = notices
            .shown()
            .iter()
            .filter(|(_, notice)| *notice == said("5"));
        assert_eq!(fives.count(), 1);
        notices.remove(last);
        assert!(notices.shown().iter().all(|(number, _)| *number != last));
    }
}
