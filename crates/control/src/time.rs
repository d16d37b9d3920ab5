//! The one place where the control plane reads the clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// Waits for a moment; for ever without one.
pub(crate) async fn until(moment: Option<tokio::time::Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// Unix milliseconds.
pub(crate) fn now_ms() -> i64 {
    millis(SystemTime::now())
}

/// A moment as Unix milliseconds.
pub(crate) fn millis(at: SystemTime) -> i64 {
    at.duration_since(UNIX_EPOCH).map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

/// Unix milliseconds as RFC 3339 writes them, in UTC.
pub(crate) fn written(millis: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(millis).unwrap_or_default();
    // Spelled out: not every reader knows the `Z`.
    at.strftime("%Y-%m-%dT%H:%M:%S%.3f+00:00").to_string()
}

/// Unix nanoseconds.
pub(crate) fn now_ns() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
