//! One-time codes: what turns a link on a terminal into a session of a browser.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use uuid::Uuid;

/// How long a code is good.
pub const CODE_LIFE: Duration = Duration::from_mins(1);

/// Codes held at the same time; the oldest goes first.
const MOST_CODES: usize = 16;

/// The codes that were issued and not yet used; a code is good once, and for [`CODE_LIFE`]. A cheap handle: the
/// operation that issues them and the transport that redeems them hold the same ones.
#[derive(Debug, Clone, Default)]
pub struct BrowserCodes {
    codes: Arc<Mutex<Vec<Code>>>,
}

struct Code {
    text: String,
    issued: Instant,
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Code").finish_non_exhaustive()
    }
}

impl BrowserCodes {
    /// A new code: 244 random bits as hex.
    pub fn issue(&self) -> String {
        self.issue_at(Instant::now())
    }

    /// Uses a code up; whether it was good.
    pub fn redeem(&self, code: &str) -> bool {
        self.redeem_at(code, Instant::now())
    }

    fn issue_at(&self, now: Instant) -> String {
        let text = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let mut codes = self.codes.lock();
        codes.retain(|code| code.is_good(now));
        if codes.len() >= MOST_CODES {
            codes.remove(0);
        }
        codes.push(Code {
            text: text.clone(),
            issued: now,
        });
        text
    }

    fn redeem_at(&self, text: &str, now: Instant) -> bool {
        let mut codes = self.codes.lock();
        codes.retain(|code| code.is_good(now));
        let Some(place) = codes.iter().position(|code| code.text == text) else {
            return false;
        };
        codes.remove(place);
        true
    }
}

impl Code {
    fn is_good(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.issued) < CODE_LIFE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_good_once() {
        let codes = BrowserCodes::default();
        let code = codes.issue();
        assert!(!codes.redeem("another"), "only what was issued is good");
        assert!(codes.redeem(&code));
        assert!(!codes.redeem(&code), "a code that was used is used up");
    }

    #[test]
    fn a_code_is_good_for_a_minute() {
        let codes = BrowserCodes::default();
        let now = Instant::now();
        let code = codes.issue_at(now);
        assert!(
            !codes.redeem_at(&code, now + CODE_LIFE),
            "after a minute it is too late"
        );
    }

    #[test]
    fn the_oldest_code_makes_room() {
        let codes = BrowserCodes::default();
        let first = codes.issue();
        let others: Vec<String> = (0..MOST_CODES).map(|_| codes.issue()).collect();
        assert!(!codes.redeem(&first));
        assert!(others.iter().all(|code| codes.redeem(code)));
    }
}
