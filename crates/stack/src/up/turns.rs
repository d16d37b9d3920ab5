//! Lets only so many work at the same time, and of those that wait the most urgent first.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

/// Whose turn it is. Cheap to clone.
#[derive(Clone)]
pub(super) struct Turns(Arc<Mutex<State>>);

struct State {
    free: usize,
    arrivals: u64,
    /// The most urgent first, then who came first.
    waiting: BTreeMap<(Reverse<usize>, u64), oneshot::Sender<Turn>>,
}

/// One's turn, until it is dropped.
pub(super) struct Turn(Turns);

impl Turns {
    pub(super) fn new(at_once: usize) -> Self {
        Self(Arc::new(Mutex::new(State {
            free: at_once,
            arrivals: 0,
            waiting: BTreeMap::new(),
        })))
    }

    /// Waits for one's turn. Giving up the waiting gives it to the next.
    pub(super) async fn take(&self, urgency: usize) -> Turn {
        let turn = {
            let mut state = self.0.lock();
            if state.free > 0 {
                state.free -= 1;
                return Turn(self.clone());
            }
            state.arrivals += 1;
            let place = (Reverse(urgency), state.arrivals);
            let (give, turn) = oneshot::channel();
            state.waiting.insert(place, give);
            turn
        };
        match turn.await {
            Ok(turn) => turn,
            // Nobody drops a place but by giving the turn.
            Err(_) => Turn(self.clone()),
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let next = {
            let mut state = self.0.0.lock();
            let next = state.waiting.pop_first();
            if next.is_none() {
                state.free += 1;
            }
            next
        };
        if let Some((_, give)) = next {
            // Who gave up the waiting hands it on: what could not be given is dropped.
            drop(give.send(Turn(self.0.clone())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_most_urgent_is_next_and_who_gave_up_is_passed_over() {
        let turns = Turns::new(1);
        let first = turns.take(0).await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let waiting = |urgency: usize, name: &'static str| {
            let (turns, order) = (turns.clone(), Arc::clone(&order));
            async move {
                let _turn = turns.take(urgency).await;
                order.lock().push(name);
            }
        };
        let mut gone = Box::pin(waiting(9, "gone"));
        assert!(futures::poll!(&mut gone).is_pending());
        let mut late = Box::pin(waiting(1, "late"));
        assert!(futures::poll!(&mut late).is_pending());
        let mut next = Box::pin(waiting(2, "next"));
        assert!(futures::poll!(&mut next).is_pending());
        let mut last = Box::pin(waiting(1, "last"));
        assert!(futures::poll!(&mut last).is_pending());
        drop(gone);
        drop(first);
        tokio::join!(last, late, next);
        assert_eq!(*order.lock(), ["next", "late", "last"]);
        let _free_again = turns.take(0).await;
    }
}
