//! Moments and times as they are said. The symbols of units (`s`, `min`) stand in `model::format`.

pub(crate) const NOW: &str = "now";
pub(crate) const YESTERDAY: &str = "yesterday";

pub(crate) fn seconds_ago(seconds: i64) -> String {
    format!("{seconds} s ago")
}

pub(crate) fn minutes_ago(minutes: i64) -> String {
    format!("{minutes} min ago")
}

pub(crate) fn hours_ago(hours: i64) -> String {
    format!("{hours} h ago")
}

pub(crate) fn days_ago(days: i64) -> String {
    format!("{days} days ago")
}

pub(crate) fn days(days: i64) -> String {
    match days {
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

// What a job still takes.
pub(crate) const A_FEW_SECONDS_LEFT: &str = "a few seconds left";

pub(crate) fn seconds_left(seconds: i64) -> String {
    format!("about {seconds} s left")
}

pub(crate) fn minutes_left(minutes: i64) -> String {
    format!("about {minutes} min left")
}

pub(crate) fn hours_left(hours: i64) -> String {
    format!("about {hours} h left")
}
