//! Chance that can be had again: a failing run says the seed, `NASIKO_TEST_SEED` brings it back.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A small generator (SplitMix64).
pub struct Chance(u64);

impl Chance {
    /// From `NASIKO_TEST_SEED`, else from the clock; says which.
    pub fn new() -> Self {
        let given = std::env::var("NASIKO_TEST_SEED").ok();
        let seed = given.and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(1, |since| u64::from(since.subsec_nanos()))
        });
        eprintln!("NASIKO_TEST_SEED={seed}");
        Self(seed)
    }

    /// A number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.number() % limit.max(1)
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let index = self.below(of.len() as u64);
        &of[usize::try_from(index).unwrap_or_default()]
    }

    /// A time up to `limit`, in microseconds.
    pub fn within(&mut self, limit: Duration) -> Duration {
        let micros = u64::try_from(limit.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.below(micros))
    }
}

impl Default for Chance {
    fn default() -> Self {
        Self::new()
    }
}
