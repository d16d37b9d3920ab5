//! Numbered messages, put back in order.

use std::collections::BTreeMap;

/// Hands out messages in the order of their numbers, which begin at 0 and have no holes for ever.
pub(crate) struct Ordered<T> {
    next: u32,
    early: BTreeMap<u32, T>,
    limit: usize,
}

impl<T> Ordered<T> {
    /// At most `limit` messages are held that came before their turn.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            next: 0,
            early: BTreeMap::new(),
            limit,
        }
    }

    /// Takes message number `index` and gives those whose turn it is now. `None` once more are held than the limit:
    /// then one was lost, and there is no going on.
    pub(crate) fn put(&mut self, index: u32, message: T) -> Option<Vec<T>> {
        if index >= self.next {
            self.early.insert(index, message);
        }
        let mut ready = Vec::new();
        while let Some(message) = self.early.remove(&self.next) {
            self.next += 1;
            ready.push(message);
        }
        (self.early.len() <= self.limit).then_some(ready)
    }
}

#[cfg(test)]
mod tests {
    use super::Ordered;

    #[test]
    fn messages_that_come_early_wait_for_their_turn() {
        let mut ordered = Ordered::new(8);
        assert_eq!(ordered.put(1, "b"), Some(vec![]));
        assert_eq!(ordered.put(2, "c"), Some(vec![]));
        assert_eq!(ordered.put(0, "a"), Some(vec!["a", "b", "c"]));
        assert_eq!(ordered.put(3, "d"), Some(vec!["d"]));
    }

    #[test]
    fn a_message_told_twice_is_heard_once() {
        let mut ordered = Ordered::new(8);
        assert_eq!(ordered.put(0, "a"), Some(vec!["a"]));
        assert_eq!(ordered.put(0, "a"), Some(vec![]));
    }

    #[test]
    fn a_lost_message_is_noticed_in_the_end() {
        let mut ordered = Ordered::new(2);
        assert!(ordered.put(1, ()).is_some());
        assert!(ordered.put(2, ()).is_some());
        assert!(ordered.put(3, ()).is_none());
    }
}
