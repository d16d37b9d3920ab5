//! Durations counted by size, so that percentiles of any sum of times can be told without keeping each.

/// Sizes per power of two: a percentile is off by at most one part in 64.
const STEPS: u64 = 32;
const STEP_BITS: u32 = STEPS.trailing_zeros();
/// A bin and its count as bytes.
const ENTRY: usize = 6;

/// Durations counted by size. Holds only sizes that occurred.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Histogram {
    /// Bins and counts, in the order of the bins.
    bins: Vec<(u16, u32)>,
}

impl Histogram {
    /// Counts a duration in microseconds.
    pub fn add(&mut self, micros: u64) {
        self.add_many(bin_of(micros), 1);
    }

    /// Counts what another one counted.
    pub fn merge(&mut self, other: &Self) {
        for (bin, count) in &other.bins {
            self.add_many(*bin, *count);
        }
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.bins.iter().map(|(_, count)| u64::from(*count)).sum()
    }

    /// Microseconds that `percent` of 100 did not exceed, in the middle of their size; none without any.
    pub fn percentile(&self, percent: u64) -> Option<u64> {
        let wanted = (self.count() * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let found = self.bins.iter().find(|(_, count)| {
            seen += u64::from(*count);
            seen >= wanted
        });
        found.map(|(bin, _)| middle_of(*bin))
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let entries = self.bins.iter().flat_map(|(bin, count)| {
            let (bin, count) = (bin.to_le_bytes(), count.to_le_bytes());
            [bin[0], bin[1], count[0], count[1], count[2], count[3]]
        });
        entries.collect()
    }

    /// Reads what [`Histogram::to_bytes`] wrote.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        let mut read = Self::default();
        for entry in bytes.chunks_exact(ENTRY) {
            if let [low, high, count @ ..] = entry
                && let Ok(count) = count.try_into()
            {
                read.add_many(u16::from_le_bytes([*low, *high]), u32::from_le_bytes(count));
            }
        }
        read
    }

    fn add_many(&mut self, bin: u16, many: u32) {
        match self.bins.binary_search_by_key(&bin, |(known, _)| *known) {
            Ok(at) => {
                if let Some((_, count)) = self.bins.get_mut(at) {
                    *count = count.saturating_add(many);
                }
            }
            Err(at) => self.bins.insert(at, (bin, many)),
        }
    }
}

/// Sizes below [`STEPS`] have a bin each; above, each power of two is parted into as many.
fn bin_of(micros: u64) -> u16 {
    let exponent = micros.max(1).ilog2();
    let bin = if exponent < STEP_BITS {
        micros
    } else {
        let part = (micros >> (exponent - STEP_BITS)) & (STEPS - 1);
        u64::from(exponent - STEP_BITS + 1) * STEPS + part
    };
    u16::try_from(bin).unwrap_or(u16::MAX)
}

fn middle_of(bin: u16) -> u64 {
    let (power, part) = (u64::from(bin) / STEPS, u64::from(bin) % STEPS);
    let Some(shift) = power.checked_sub(1) else {
        return part;
    };
    // No bin that a duration is counted in is shifted out.
    let width = 1_u64
        .checked_shl(u32::try_from(shift).unwrap_or(u32::MAX))
        .unwrap_or(u64::MAX);
    (STEPS + part)
        .saturating_mul(width)
        .saturating_add(width / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_near_what_was_counted() {
        let mut histogram = Histogram::default();
        (1..=1_000_u64).for_each(|number| histogram.add(number * 1_000));
        for (percent, exact) in [(50, 500_000.0), (95, 950_000.0), (100, 1_000_000.0)] {
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let told = histogram.percentile(percent).unwrap() as f64;
            assert!((told / exact - 1.0).abs() < 0.02, "{percent}: {told}");
        }
        assert_eq!(Histogram::default().percentile(50), None);
    }

    #[test]
    fn every_size_has_its_bin() {
        for micros in [0, 1, 31, 32, 33, 63, 64, 1_000_000, u64::MAX / 2, u64::MAX] {
            let middle = middle_of(bin_of(micros));
            assert!(
                middle.abs_diff(micros) <= micros / 32,
                "{micros} is told as {middle}"
            );
        }
        let bins: Vec<u16> = (0..10_000).map(bin_of).collect();
        assert!(bins.is_sorted(), "larger is never counted as smaller");
    }

    #[test]
    fn sums_and_bytes_keep_everything() {
        let (mut one, mut other) = (Histogram::default(), Histogram::default());
        for micros in [5, 5, 900, 70_000] {
            one.add(micros);
        }
        for micros in [5, 1_000_000] {
            other.add(micros);
        }
        one.merge(&other);
        assert_eq!(one.count(), 6);
        assert_eq!(Histogram::from_bytes(&one.to_bytes()), one);
    }
}
