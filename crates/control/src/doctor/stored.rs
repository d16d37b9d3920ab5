//! Whether the store opens, and whether the settings in it can be read.

use std::sync::Arc;

use nasiko_contract::{Check, CheckGroup, CheckState, ErrorCode, Fault, Settings};
use nasiko_store::{Batch, Expected, Record, Store};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    finding::{Finding, Spec},
    surroundings::Surroundings,
};
use crate::{home::Home, house::House, records::SettingsRecord};

pub(super) const STORE: Spec = Spec {
    id: "data.store",
    title: "The store",
    group: CheckGroup::Data,
};
pub(super) const SETTINGS: Spec = Spec {
    id: "data.settings",
    title: "Settings",
    group: CheckGroup::Data,
};

/// Where settings go that cannot be read.
const ASIDE: &str = "settings.broken.json";
/// Says that the store is elsewhere.
const STORE_URL: &str = "NASIKO_STORE_URL";

/// The record of settings as it is, whatever it is.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
struct AnySettings(Value);

impl Record for AnySettings {
    const KIND: &'static str = SettingsRecord::KIND;

    fn id(&self) -> &'static str {
        "settings"
    }
}

/// Opens the store as a start would, if nobody else has it open.
pub(super) async fn of_nobody(surroundings: Arc<Surroundings>) -> Vec<Check> {
    let (store, settings) = look(&surroundings).await;
    vec![store.of(&STORE, None), settings.of(&SETTINGS, None)]
}

async fn look(surroundings: &Surroundings) -> (Finding, Finding) {
    let there = |name: &str| {
        let path = surroundings.home.join(name);
        path.try_exists().unwrap_or(true)
    };
    let is_elsewhere = surroundings.variable(STORE_URL).is_some();
    if !there("") || !(there("nasiko.db") || there("store.json") || is_elsewhere) {
        let nothing = Finding::ok("Nothing is stored yet");
        return (nothing.clone(), nothing);
    }
    match open(surroundings).await {
        Ok((store, _lock)) => {
            let settings = settings(&store).await;
            let opened = Finding::ok(format!("It opens ({})", store.backend_name()));
            store.close().await;
            (opened, settings)
        }
        Err(fault) if fault.code == ErrorCode::DataDirectoryOwned => {
            let owned = Finding::skipped("The control plane that owns it has it open");
            (owned.clone(), owned)
        }
        Err(fault) => (
            Finding::of_fault(CheckState::Failed, fault),
            Finding::skipped("The store does not open"),
        ),
    }
}

/// The store, and the lock that is held as long as it is open.
async fn open(surroundings: &Surroundings) -> Result<(Store, std::fs::File), Fault> {
    let home = Home::existing(surroundings.home.clone());
    let lock = home.lock().await?;
    let keeper = crate::vault::keeper(
        home.root(),
        &home.installation()?,
        &surroundings.environment,
    );
    let house = House::find(&surroundings.environment, &home, &keeper).await?;
    Ok((house.open(&home).await?, lock))
}

/// Whether the settings in a store can be read.
pub(super) async fn settings(store: &Store) -> Finding {
    match crate::settings::load(store).await {
        Ok(_) => Finding::ok("They can be read"),
        Err(fault) => {
            let mut finding = Finding::of_fault(CheckState::Failed, fault);
            "The settings cannot be read: no control plane starts with them"
                .clone_into(&mut finding.cause);
            finding
                .hint("Begin with the usual ones; what is there is kept in a file")
                .fix(
                    "Begin with the usual settings",
                    format!("Writes the settings as they are to {ASIDE}, and the usual ones in their place"),
                )
        }
    }
}

/// [`renew_settings`] where no control plane runs.
pub(super) async fn renew_settings_of_nobody(surroundings: &Surroundings) -> Result<String, Fault> {
    let (store, _lock) = open(surroundings).await?;
    let renewed = renew_settings(&store, &Home::existing(surroundings.home.clone())).await;
    store.close().await;
    renewed
}

/// Puts the usual settings in place of those that cannot be read, which go to a file.
pub(super) async fn renew_settings(store: &Store, home: &Home) -> Result<String, Fault> {
    if crate::settings::load(store).await.is_ok() {
        return Ok("Nothing was changed: the settings can be read again".to_owned());
    }
    let aside = home.root().join(ASIDE);
    if let Some(found) = store.get::<AnySettings>("settings").await? {
        fs_err::write(&aside, found.value.0.to_string())
            .map_err(|error| crate::home::unwritable(&aside, &error))?;
    }
    let usual = Settings::default();
    let mut batch = Batch::new();
    batch.put(&SettingsRecord(usual.clone()), Expected::Any);
    batch.event("setting.changed", "settings", &usual);
    store.commit(batch).await?;
    Ok(format!(
        "The usual settings are in place; what was there is in {}",
        aside.display()
    ))
}
