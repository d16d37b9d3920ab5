//! Quiet hours: notices that come then are kept in the inbox alone.

use jiff::{Timestamp, civil::Time, tz::TimeZone};
use nasiko_contract::{ErrorCode, Fault, Settings};

/// A part of each day, over midnight where it ends before it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct QuietHours {
    from: Time,
    /// No longer part of it.
    until: Time,
}

impl QuietHours {
    /// Reads `22:00-07:00`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (from, until) = text.split_once('-')?;
        let time = |text: &str| Time::strptime("%H:%M", text.trim()).ok();
        let hours = Self {
            from: time(from)?,
            until: time(until)?,
        };
        (hours.from != hours.until).then_some(hours)
    }

    /// Whether a time of day is part of it.
    pub(super) fn contain(self, time: Time) -> bool {
        if self.from < self.until {
            (self.from..self.until).contains(&time)
        } else {
            time >= self.from || time < self.until
        }
    }
}

/// Whether it is quiet at a moment (Unix milliseconds), in this machine's time zone.
pub(super) fn is_quiet(settings: &Settings, at: i64) -> bool {
    let Some(hours) = settings.quiet_hours.as_deref().and_then(QuietHours::parse) else {
        return false;
    };
    let at = Timestamp::from_millisecond(at).unwrap_or_default();
    hours.contain(at.to_zoned(TimeZone::system()).time())
}

/// The setting `quietHours` as it was given; an empty text is none.
pub(crate) fn checked(text: &str) -> Result<Option<String>, Fault> {
    let text = text.trim();
    if text.is_empty() || QuietHours::parse(text).is_some() {
        return Ok((!text.is_empty()).then(|| text.to_owned()));
    }
    Err(Fault::new(
        ErrorCode::InvalidRequest,
        format!("`{text}` is not a part of the day"),
    )
    .hint("Quiet hours are written as `22:00-07:00`, in local time"))
}
