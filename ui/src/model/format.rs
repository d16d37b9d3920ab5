//! Figures as people read them: short, exact, the unit after a space.

use crate::words::time as words;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A duration given in nanoseconds: `820 µs`, `12.4 ms`, `380 ms`, `1.18 s`, `2 min 5 s`, `1 h 3 min`.
pub(crate) fn duration_ns(nanoseconds: u64) -> String {
    let milliseconds = nanoseconds as f64 / 1e6;
    if nanoseconds < 1_000_000 {
        return format!("{} µs", nanoseconds / 1_000);
    }
    // Each step begins where the one below it would round up into it: never `1000 ms` or `60.0 s`.
    if milliseconds < 99.95 {
        return format!("{} ms", trimmed(milliseconds, 1));
    }
    if milliseconds < 999.5 {
        return format!("{milliseconds:.0} ms");
    }
    let seconds = milliseconds / 1e3;
    if seconds < 9.995 {
        return format!("{seconds:.2} s");
    }
    if seconds < 59.95 {
        return format!("{seconds:.1} s");
    }
    let whole = nanoseconds.saturating_add(500_000_000) / 1_000_000_000;
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
    match (hours, minutes, rest) {
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, rest) => format!("{minutes} min {rest} s"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// A duration given in milliseconds.
pub(crate) fn duration_ms(milliseconds: u64) -> String {
    duration_ns(milliseconds.saturating_mul(1_000_000))
}

/// A duration given in seconds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and no duration is negative"
)]
pub(crate) fn duration_seconds(seconds: f64) -> String {
    duration_ns((seconds * 1e9).round() as u64)
}

/// A growing duration in whole units: `11 s`, `2 min`, `3 h 5 min`.
pub(crate) fn elapsed(milliseconds: i64) -> String {
    let seconds = milliseconds.max(0) / 1_000;
    match (seconds / DAY, seconds / HOUR % 24, seconds / MINUTE % 60) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, 0) => format!("{hours} h"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, ..) => words::days(days),
    }
}

/// How long ago, from Unix milliseconds: `now`, `12 s ago`, `3 min ago`, `2 h ago`, `yesterday`, `9 days ago`.
pub(crate) fn age(now: i64, then: i64) -> String {
    let seconds = now.saturating_sub(then).max(0) / 1_000;
    match seconds {
        0..5 => words::NOW.to_owned(),
        5..MINUTE => words::seconds_ago(seconds),
        MINUTE..HOUR => words::minutes_ago(seconds / MINUTE),
        HOUR..DAY => words::hours_ago(seconds / HOUR),
        _ if seconds < 2 * DAY => words::YESTERDAY.to_owned(),
        _ => words::days_ago(seconds / DAY),
    }
}

/// Bytes: `512 B`, `24 MB` (powers of ten, as the file manager counts).
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1_000.0;
        unit += 1;
    }
    if unit == 0 || value >= 9.95 {
        format!("{value:.0} {}", UNITS[unit])
    } else {
        format!("{} {}", trimmed(value, 1), UNITS[unit])
    }
}

/// A count with thousands apart: `1,204`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count as one says it: `980`, `1.24 k`, `31 k`, `1.24 M`.
pub(crate) fn short_count(number: u64) -> String {
    let value = number as f64;
    let (value, unit) = match number {
        0..=999 => return number.to_string(),
        1_000..=999_499 => (value / 1e3, "k"),
        999_500..=999_499_999 => (value / 1e6, "M"),
        _ => (value / 1e9, "G"),
    };
    let digits = if value < 9.995 {
        2
    } else {
        usize::from(value < 99.95)
    };
    format!("{value:.digits$} {unit}")
}

/// A part of one as per cent: `62 %`.
pub(crate) fn percent(part: f64) -> String {
    format!("{:.0} %", (part * 100.0).clamp(0.0, 100.0))
}

/// US dollars: `$0.0021`, `$1.24`.
pub(crate) fn dollars(amount: f64) -> String {
    if amount.abs() < 0.1 {
        format!("${amount:.4}")
    } else {
        format!("${amount:.2}")
    }
}

/// Milliseconds since midnight as a clock: `14:02:51`, with `.120` if `exact`.
pub(crate) fn clock(since_midnight: i64, exact: bool) -> String {
    let of_day = since_midnight.rem_euclid(DAY * 1_000);
    let (seconds, rest) = (of_day / 1_000, of_day % 1_000);
    let (hours, minutes) = (seconds / HOUR, seconds / MINUTE % 60);
    let text = format!("{hours:02}:{minutes:02}:{:02}", seconds % 60);
    if exact {
        format!("{text}.{rest:03}")
    } else {
        text
    }
}

/// An id shortened for the eye: `7f3a…c1`.
pub(crate) fn short_id(id: &str) -> String {
    if id.len() <= 8 || !id.is_ascii() {
        return id.to_owned();
    }
    format!("{}…{}", &id[..4], &id[id.len() - 2..])
}

/// An address without its scheme and, on this machine, without its host: `:9100/greeter`.
pub(crate) fn short_address(url: &str) -> &str {
    let bare = url.split_once("://").map_or(url, |(_, rest)| rest);
    for local in ["localhost", "127.0.0.1", "[::1]"] {
        if let Some(rest) = bare.strip_prefix(local)
            && rest.starts_with(':')
        {
            return rest;
        }
    }
    bare
}

/// A sentence taken apart at its backticks: words, and what is code.
pub(crate) fn code_spans(sentence: &str) -> Vec<(bool, &str)> {
    let parts: Vec<&str> = sentence.split('`').collect();
    // An odd backtick out belongs to the words.
    if parts.len().is_multiple_of(2) {
        return vec![(false, sentence)];
    }
    let marked = parts.into_iter().enumerate();
    marked
        .map(|(at, part)| (at % 2 == 1, part))
        .filter(|(_, part)| !part.is_empty())
        .collect()
}

/// `value` with at most `places` digits after the point, and none that say nothing.
fn trimmed(value: f64, places: usize) -> String {
    let text = format!("{value:.places$}");
    match text.strip_suffix(".0") {
        Some(whole) => whole.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_counts_are_said_shortly() {
        let said = [
            0,
            999,
            1_000,
            31_400,
            999_499,
            999_500,
            1_240_000,
            2_000_000_000,
        ]
        .map(short_count);
        assert_eq!(
            said,
            [
                "0", "999", "1.00 k", "31.4 k", "999 k", "1.00 M", "1.24 M", "2.00 G"
            ]
        );
    }

    #[test]
    fn durations_never_show_a_rounded_up_unit() {
        let cases: &[(u64, &str)] = &[
            (0, "0 µs"),
            (820_000, "820 µs"),
            (12_400_000, "12.4 ms"),
            (18_000_000, "18 ms"),
            (99_960_000, "100 ms"),
            (999_600_000, "1.00 s"),
            (1_180_000_000, "1.18 s"),
            (9_996_000_000, "10.0 s"),
            (59_960_000_000, "1 min"),
            (125_000_000_000, "2 min 5 s"),
            (3_600_000_000_000, "1 h"),
            (3_780_000_000_000, "1 h 3 min"),
        ];
        for (nanoseconds, text) in cases {
            assert_eq!(duration_ns(*nanoseconds), *text, "{nanoseconds} ns");
        }
        assert_eq!(duration_ms(u64::MAX), duration_ns(u64::MAX), "no overflow");
        assert_eq!(duration_seconds(0.084), "84 ms");
        assert_eq!(duration_seconds(-1.0), "0 µs");
    }

    #[test]
    fn ages_step_from_seconds_to_days() {
        let now = 10 * DAY * 1_000;
        let ago = |seconds: i64| age(now, now - seconds * 1_000);
        assert_eq!(ago(0), "now");
        assert_eq!(ago(12), "12 s ago");
        assert_eq!(ago(60), "1 min ago");
        assert_eq!(ago(7_200), "2 h ago");
        assert_eq!(ago(DAY), "yesterday");
        assert_eq!(ago(3 * DAY), "3 days ago");
        assert_eq!(
            age(0, 5_000),
            "now",
            "a clock that is behind is not the future"
        );
    }

    #[test]
    fn elapsed_time_grows_in_whole_units() {
        let after = |seconds: i64| elapsed(seconds * 1_000);
        assert_eq!(after(-3), "0 s");
        assert_eq!(after(11), "11 s");
        assert_eq!(after(119), "1 min");
        assert_eq!(after(3 * HOUR), "3 h");
        assert_eq!(after(3 * HOUR + 300), "3 h 5 min");
        assert_eq!(after(DAY), "1 day");
        assert_eq!(after(50 * HOUR), "2 days");
    }

    #[test]
    fn sizes_counts_and_clock() {
        assert_eq!(bytes(512), "512 B");
        assert_eq!(bytes(24_300_000), "24 MB");
        assert_eq!(bytes(1_500), "1.5 kB");
        assert_eq!(bytes(999_900), "1 MB");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(204), "204");
        assert_eq!(percent(0.624), "62 %");
        assert_eq!(clock(51_771_120, false), "14:22:51");
        assert_eq!(clock(51_771_120, true), "14:22:51.120");
        assert_eq!(clock(-1_000, false), "23:59:59");
        assert_eq!(dollars(0.0021), "$0.0021");
    }

    #[test]
    fn code_in_a_sentence_is_told_from_its_words() {
        assert_eq!(
            code_spans("Did you mean `greeter`?"),
            [(false, "Did you mean "), (true, "greeter"), (false, "?")]
        );
        assert_eq!(code_spans("a ` b"), [(false, "a ` b")]);
        assert_eq!(code_spans("plain"), [(false, "plain")]);
    }

    #[test]
    fn addresses_of_this_machine_lose_their_host() {
        assert_eq!(
            short_address("http://127.0.0.1:9100/greeter"),
            ":9100/greeter"
        );
        assert_eq!(
            short_address("https://agents.example/greeter"),
            "agents.example/greeter"
        );
        assert_eq!(short_id("7f3a0000000000000000000000000bc1"), "7f3a…c1");
    }
}
