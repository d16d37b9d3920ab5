//! Settings: one record, read at start, changed through the API.

use std::sync::Arc;

use nasiko_contract::{ErrorCode, Fault, GetSettings, PatchSettings, Settings};
use nasiko_store::{Batch, Expected, Store};

use crate::{
    api::{Caller, Serve},
    plane::{ControlPlane, Shared},
    records::SettingsRecord,
};

/// The settings as stored, else the defaults.
pub(crate) async fn load(store: &Store) -> Result<Settings, Fault> {
    Ok(store
        .get::<SettingsRecord>("settings")
        .await?
        .map(|found| found.value.0)
        .unwrap_or_default())
}

impl Serve<GetSettings> for ControlPlane {
    async fn serve(&self, _: &Caller, _: GetSettings) -> Result<Settings, Fault> {
        Ok(Settings::clone(&self.shared.settings.load()))
    }
}

impl Serve<PatchSettings> for ControlPlane {
    async fn serve(&self, _: &Caller, request: PatchSettings) -> Result<Settings, Fault> {
        // Another control plane may have changed them a moment ago.
        let mut settings = load(&self.shared.store).await?;
        let PatchSettings {
            default_runtime,
            trace_retention_days,
            start_timeout_seconds,
            stop_timeout_seconds,
            parallel_jobs,
            kong_admin_url,
            otlp_forward_url,
            notifications,
            quiet_hours,
        } = request;
        settings.default_runtime = default_runtime.unwrap_or(settings.default_runtime);
        settings.trace_retention_days = checked(
            "traceRetentionDays",
            trace_retention_days,
            1..=365,
            settings.trace_retention_days,
        )?;
        settings.start_timeout_seconds = checked(
            "startTimeoutSeconds",
            start_timeout_seconds,
            1..=3_600,
            settings.start_timeout_seconds,
        )?;
        settings.stop_timeout_seconds = checked(
            "stopTimeoutSeconds",
            stop_timeout_seconds,
            0..=600,
            settings.stop_timeout_seconds,
        )?;
        settings.parallel_jobs = checked(
            "parallelJobs",
            parallel_jobs,
            1..=32,
            settings.parallel_jobs,
        )?;
        if let Some(address) = kong_admin_url {
            settings.kong_admin_url = crate::kong::checked_address(&address)?;
        }
        if let Some(address) = otlp_forward_url {
            settings.otlp_forward_url = self.shared.forwarding.checked_target(&address)?;
        }
        settings.notifications = notifications.unwrap_or(settings.notifications);
        if let Some(hours) = quiet_hours {
            settings.quiet_hours = crate::notices::checked(&hours)?;
        }
        let mut batch = Batch::new();
        batch.put(&SettingsRecord(settings.clone()), Expected::Any);
        batch.event("setting.changed", "settings", &settings);
        self.shared.store.commit(batch).await?;
        self.shared.apply_settings(settings.clone());
        Ok(settings)
    }
}

impl Shared {
    /// Lets settings take effect.
    pub(crate) fn apply_settings(&self, settings: Settings) {
        self.forwarding.follow_setting(&settings);
        self.settings.store(Arc::new(settings));
        self.job_slot.notify_one();
    }
}

fn checked(
    name: &str,
    given: Option<u32>,
    allowed: std::ops::RangeInclusive<u32>,
    present: u32,
) -> Result<u32, Fault> {
    match given {
        None => Ok(present),
        Some(value) if allowed.contains(&value) => Ok(value),
        Some(value) => Err(Fault::new(
            ErrorCode::InvalidRequest,
            format!("`{name}` cannot be {value}"),
        )
        .hint(format!(
            "It is between {} and {}",
            allowed.start(),
            allowed.end()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::checked;

    #[test]
    fn a_value_is_within_its_bounds_or_refused() {
        assert_eq!(checked("x", None, 1..=3, 2).unwrap(), 2);
        assert_eq!(checked("x", Some(3), 1..=3, 2).unwrap(), 3);
        for outside in [0, 4] {
            let fault = checked("x", Some(outside), 1..=3, 2).unwrap_err();
            assert_eq!(fault.hint.as_deref(), Some("It is between 1 and 3"));
        }
    }
}
