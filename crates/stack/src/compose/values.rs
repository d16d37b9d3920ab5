//! The small languages within values: durations, sizes, command lines, paths.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

const UNITS: [(&str, u64); 6] = [
    ("us", 1),
    ("ms", 1_000),
    ("s", 1_000_000),
    ("m", 60_000_000),
    ("h", 3_600_000_000),
    ("d", 86_400_000_000),
];

/// `1m30s`, `500ms`, `1.5h`. A bare 0 is allowed, other bare numbers are not.
pub(super) fn duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits =
            rest.find(|character: char| !character.is_ascii_digit() && character != '.')?;
        let (number, after) = rest.split_at(digits);
        let letters = after
            .find(|character: char| !character.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let (_, micros) = UNITS.iter().find(|(name, _)| *name == unit)?;
        let part = Duration::try_from_secs_f64(number.parse::<f64>().ok()? * *micros as f64 / 1e6);
        total = total.checked_add(part.ok()?)?;
        rest = after;
    }
    (!text.is_empty()).then_some(total)
}

/// `64m`, `2gb`, `1024`: units are powers of 1024.
pub(super) fn bytes(text: &str) -> Option<i64> {
    let lower = text.trim().to_ascii_lowercase();
    let digits = lower
        .find(|character: char| !character.is_ascii_digit() && character != '.')
        .unwrap_or(lower.len());
    let (number, unit) = lower.split_at(digits);
    let power = match unit.trim() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 1,
        "m" | "mb" | "mib" => 2,
        "g" | "gb" | "gib" => 3,
        "t" | "tb" | "tib" => 4,
        _ => return None,
    };
    let scale = 1_i64.checked_shl(10 * power)?;
    if let Ok(whole) = number.parse::<i64>() {
        return whole.checked_mul(scale);
    }
    let bytes = number.parse::<f64>().ok()? * scale as f64;
    #[expect(clippy::cast_possible_truncation, reason = "within range by the check")]
    (bytes >= 0.0 && bytes < i64::MAX as f64).then_some(bytes as i64)
}

/// Splits a command line as a shell does.
pub(super) fn words(text: &str) -> Option<Vec<String>> {
    shlex::split(text)
}

/// Without `.` and `..`, as far as the text alone tells.
pub(super) fn normal(path: &Path) -> PathBuf {
    let mut result = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if result.file_name().is_some() => {
                result.pop();
            }
            other => result.push(other),
        }
    }
    result
}
