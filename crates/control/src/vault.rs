//! The key that secrets are sealed with: where it is kept, and what happens while it is locked.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use nasiko_contract::{
    Done, ErrorCode, Fault, GetVault, KeepVaultKey, KeyPlace, ResetVault, UnlockVault, VaultInfo,
    VaultState,
};
use nasiko_store::{
    KeyTier, SecretString, StoreError,
    vault::{KeyKeeper, KeyPlaces, KeyState, Keyring},
};

use crate::{
    api::{Caller, Serve},
    plane::{ControlPlane, Shared},
    records::Desired,
};

/// A file with the key, which somebody else provides.
const KEY_FILE: &str = "NASIKO_VAULT_KEY_FILE";
/// A file with the passphrase of a sealed key.
const PASSPHRASE_FILE: &str = "NASIKO_VAULT_PASSPHRASE_FILE";
/// `none`: no keyring is used.
const KEYRING: &str = "NASIKO_VAULT_KEYRING";
/// How long the answer to a wish to unlock waits for the person: less than any answer may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(45);
/// The session bus.
const BUS: &str = "DBUS_SESSION_BUS_ADDRESS";
/// The folder of the session, with its bus where nothing else says where that is.
const SESSION: &str = "XDG_RUNTIME_DIR";

/// What holds the key of a data directory, as the environment has it.
pub(crate) fn keeper(
    directory: &Path,
    installation: &str,
    environment: &[(OsString, OsString)],
) -> KeyKeeper {
    let named = |name: &str| {
        let found = environment.iter().find(|(variable, _)| variable == name);
        found
            .map(|(_, value)| value)
            .filter(|value| !value.is_empty())
    };
    let keyring = if named(KEYRING).is_some_and(|value| value == "none") {
        Keyring::none(format!("{KEYRING} says to use none"))
    } else {
        let in_session = || {
            let socket = Path::new(named(SESSION)?).join("bus");
            let there = socket.try_exists().unwrap_or_default();
            there.then(|| format!("unix:path={}", socket.display()))
        };
        let bus = named(BUS).and_then(|address| address.to_str().map(str::to_owned));
        Keyring::of_session(bus.or_else(in_session).as_deref())
    };
    KeyKeeper::new(KeyPlaces {
        directory: directory.to_owned(),
        installation: installation.to_owned(),
        provided: named(KEY_FILE).map(PathBuf::from),
        passphrase_file: named(PASSPHRASE_FILE).map(PathBuf::from),
        keyring,
    })
}

/// Lets the containers of an earlier run in again, and goes on with what waits whenever a locked key is unlocked. Off the
/// way of the start: a keyring takes its time, and a person takes theirs.
pub(crate) fn start(shared: &Arc<Shared>) {
    let watcher = Arc::clone(shared);
    shared.spawn(async move {
        if let Err(fault) = admit_earlier(&watcher).await {
            tracing::warn!(%fault, "containers of an earlier run are not let in yet");
        }
        loop {
            watcher.vault.until_locked().await;
            tracing::warn!("the key of secrets is locked: what needs them fails or waits");
            watcher.vault.until_open().await;
            tracing::info!("the key of secrets is unlocked");
            if let Err(fault) = go_on(&watcher).await {
                tracing::warn!(%fault, "not everything that waited for secrets goes on");
            }
        }
    });
}

async fn admit_earlier(shared: &Arc<Shared>) -> Result<(), Fault> {
    for agent in shared.all_agents().await? {
        shared.admit_earlier_credentials(&agent.name).await?;
    }
    Ok(())
}

/// Goes on with what failed because the key was locked.
async fn go_on(shared: &Arc<Shared>) -> Result<(), Fault> {
    admit_earlier(shared).await?;
    for agent in shared.all_agents().await? {
        let waits = agent.desired == Desired::Running
            && agent
                .fault
                .as_ref()
                .is_some_and(|fault| waits_for_key(fault.code));
        if let (true, Some(current)) = (waits, &agent.current) {
            shared
                .start_again(&agent.name, current, Duration::ZERO)
                .await?;
        }
    }
    Ok(())
}

impl Shared {
    async fn vault_info(&self) -> Result<VaultInfo, Fault> {
        let keeping = self.keeper.keeping()?;
        let (state, key_id, fault) = match self.vault.key_state() {
            KeyState::NotNeeded => (VaultState::NotNeeded, None, None),
            KeyState::Open { id } => (VaultState::Open, Some(id), None),
            KeyState::Closed(error) if error.is_locked() => {
                (VaultState::Locked, None, Some(error.into()))
            }
            KeyState::Closed(error) => (VaultState::Failed, None, Some(error.into())),
        };
        let keyring = match self.keeper.keyring().ready().await {
            Ok(()) => "ready".to_owned(),
            Err(StoreError::KeyringUnavailable { reason }) => reason,
            Err(StoreError::KeyLocked { reason, .. }) => format!("locked: {reason}"),
            Err(other) => other.to_string(),
        };
        Ok(VaultInfo {
            kept_in: keeping.tier.map(place),
            reason: keeping.reason,
            location: keeping.location,
            state,
            key_id,
            fault,
            keyring,
        })
    }
}

/// Whether what failed with this goes on once the key is at hand.
fn waits_for_key(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::VaultLocked | ErrorCode::KeyringUnavailable)
}

fn place(tier: KeyTier) -> KeyPlace {
    match tier {
        KeyTier::File => KeyPlace::File,
        KeyTier::Passphrase => KeyPlace::Passphrase,
        KeyTier::Keyring => KeyPlace::Keyring,
    }
}

fn tier(place: KeyPlace) -> KeyTier {
    match place {
        KeyPlace::File => KeyTier::File,
        KeyPlace::Passphrase => KeyTier::Passphrase,
        KeyPlace::Keyring => KeyTier::Keyring,
    }
}

impl Serve<GetVault> for ControlPlane {
    async fn serve(&self, _: &Caller, _: GetVault) -> Result<VaultInfo, Fault> {
        self.shared.vault_info().await
    }
}

impl Serve<KeepVaultKey> for ControlPlane {
    async fn serve(&self, _: &Caller, request: KeepVaultKey) -> Result<VaultInfo, Fault> {
        let passphrase = request.passphrase.map(SecretString::from);
        // On, even if whoever asked goes away.
        let shared = Arc::clone(&self.shared);
        let moving = self
            .shared
            .tasks
            .spawn(async move { shared.keeper.keep_in(tier(request.place), passphrase).await });
        moving.await.map_err(|error| {
            crate::plane::internal("moving the key of secrets broke off", &error)
        })??;
        self.shared.vault_info().await
    }
}

impl Serve<UnlockVault> for ControlPlane {
    async fn serve(&self, _: &Caller, request: UnlockVault) -> Result<VaultInfo, Fault> {
        let passphrase = request.passphrase.map(SecretString::from);
        let unlocking = self.shared.vault.unlock(passphrase.as_ref());
        // A question that is not answered by then stays open without whoever asked.
        if let Ok(unlocked) = tokio::time::timeout(ANSWER_LIMIT, unlocking).await {
            unlocked?;
        }
        self.shared.vault_info().await
    }
}

impl Serve<ResetVault> for ControlPlane {
    async fn serve(&self, _: &Caller, request: ResetVault) -> Result<Done, Fault> {
        let shared = &self.shared;
        let passphrase = request.passphrase.map(SecretString::from);
        match shared.vault.unlock(passphrase.as_ref()).await {
            Ok(()) => {}
            // To make a key beside one that is only locked would lose what that one opens.
            Err(error) if error.is_locked() => return Err(error.into()),
            Err(_) => {
                shared.keeper.renew(passphrase.clone()).await?;
                shared.vault.unlock(passphrase.as_ref()).await?;
            }
        }
        shared.vault.forget_everything().await?;
        Ok(Done {})
    }
}
