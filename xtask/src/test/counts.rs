//! How many tests ran, read from the closing lines of their runners.

/// The sum over all runners.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Counts {
    /// Takes in a line of output; only closing lines count.
    pub(crate) fn read(&mut self, line: &str) {
        let line = plain(line);
        // cargo nextest: `Summary [ 1.2s] 3 tests run: 2 passed (1 slow), 1 failed, 0 skipped`
        let nextest = line
            .trim_start()
            .strip_prefix("Summary [")
            .and_then(|rest| rest.split_once("run: "));
        // cargo test, not indented as in the output of a failed test: `test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; ...`
        let libtest = line
            .strip_prefix("test result: ")
            .and_then(|rest| rest.split_once(". "));
        let Some((_, counts)) = nextest.or(libtest) else {
            return;
        };
        for part in outside_parentheses(counts).split([',', ';']) {
            let mut words = part.split_whitespace();
            let Some(count) = words.next().and_then(|word| word.parse::<u64>().ok()) else {
                continue;
            };
            match words.next() {
                Some("passed") => self.passed += count,
                Some("failed" | "timed" | "exec") => self.failed += count,
                _ => {}
            }
        }
    }
}

fn outside_parentheses(text: &str) -> String {
    let mut depth = 0_u32;
    let keep = |c: &char| {
        match c {
            '(' => depth += 1,
            ')' => {
                depth = depth.saturating_sub(1);
                return false;
            }
            _ => {}
        }
        depth == 0
    };
    text.chars().filter(keep).collect()
}

/// Without colour codes.
fn plain(line: &str) -> String {
    let mut parts = line.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + part.split_once('m').map_or("", |(_, rest)| rest)
    })
}

#[cfg(test)]
mod tests {
    use super::Counts;

    #[test]
    fn closing_lines_of_both_runners_add_up() {
        let mut counts = Counts::default();
        for line in [
            "running 3 tests",
            "    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 45 filtered out",
            "\x1b[32m     Summary\x1b[0m [   1.4s] 12 tests run: 9 passed (1 slow, 1 flaky), 2 failed, 1 timed out, 4 skipped",
            "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        ] {
            counts.read(line);
        }
        assert_eq!(
            counts,
            Counts {
                passed: 14,
                failed: 3
            }
        );
    }
}
