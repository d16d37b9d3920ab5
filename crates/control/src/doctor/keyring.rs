//! The keyring and the key in it.

use std::sync::Arc;

use nasiko_contract::{CheckGroup, CheckState, Fault};
use nasiko_store::{
    StoreError,
    vault::{Access, KeyHolder, KeyKeeper, KeyState, KeyTier, Vault},
};

use super::{
    finding::{Finding, Spec},
    surroundings::Surroundings,
};

pub(super) const KEYRING: Spec = Spec {
    id: "secrets.keyring",
    title: "Where the key of secrets is kept",
    group: CheckGroup::Secrets,
};
pub(super) const KEY: Spec = Spec {
    id: "secrets.key",
    title: "The key of secrets",
    group: CheckGroup::Secrets,
};

/// Says that a keyring is not wanted.
const DECLINED: &str = "NASIKO_VAULT_KEYRING";

/// The keeper of the data directory's key, with what its installation is called.
fn keeper(surroundings: &Surroundings) -> KeyKeeper {
    let file = surroundings.home.join("installation");
    let installation = fs_err::read_to_string(file).unwrap_or_default();
    crate::vault::keeper(
        &surroundings.home,
        installation.trim(),
        &surroundings.environment,
    )
}

/// Whether what holds the key, or is to hold it, can give it. Asks nobody for anything.
pub(super) async fn keyring(surroundings: Arc<Surroundings>) -> Finding {
    let keeper = keeper(&surroundings);
    let keeping = match keeper.keeping() {
        Ok(keeping) => keeping,
        Err(error) => return Finding::of_fault(CheckState::Failed, error.into()),
    };
    let is_kept_there = keeping.tier == Some(KeyTier::Keyring);
    let place = keeping
        .location
        .map(|place| format!("{}: {place}", keeping.reason));
    if matches!(keeping.tier, Some(KeyTier::Passphrase)) {
        return Finding::ok("The key is in a file sealed with a passphrase").evidence(place);
    }
    match keeper.keyring().ready().await {
        Ok(()) if keeping.tier == Some(KeyTier::File) => {
            Finding::ok("The key is in a file that only you may read; the keyring could hold it")
                .evidence(place)
                .hint("To move it into the keyring: `nasiko secret keep-in keyring`")
        }
        Ok(()) => Finding::ok("The keyring is unlocked").evidence(place),
        Err(StoreError::KeyLocked { reason, .. }) => Finding::failed_if(
            is_kept_there,
            "The keyring is locked: agents that need secrets do not start until it is unlocked",
        )
        .evidence([reason])
        .evidence(place)
        .hint("Unlock it; your keyring asks for its password, we never see it")
        .fix(
            "Unlock the keyring",
            "Lets the keyring ask you for its password",
        ),
        Err(StoreError::KeyringUnavailable { reason }) if is_kept_there => {
            Finding::failed("The key of secrets is in a keyring that does not answer")
                .evidence([reason])
                .evidence(place)
                .hint("Log in to a session that has the keyring, or start it")
                .command("gnome-keyring-daemon --start --components=secrets")
        }
        Err(StoreError::KeyringUnavailable { reason }) => {
            let is_declined = surroundings
                .variable(DECLINED)
                .is_some_and(|said| said == "none");
            let cause = match keeping.tier {
                Some(_) => {
                    "There is no keyring: the key of secrets is in a file that only you may read"
                }
                None => {
                    "There is no keyring: the key of secrets will be in a file that only you may read"
                }
            };
            if is_declined {
                return Finding::ok(cause).evidence([reason]).evidence(place);
            }
            Finding::warning(cause)
                .evidence([reason])
                .evidence(place)
                .hint("Start a keyring such as GNOME Keyring, or set NASIKO_VAULT_KEYRING=none to be content with the file")
        }
        Err(other) => Finding::of_fault(CheckState::Failed, other.into()),
    }
}

/// How the key stands for a control plane that runs, and whether it is the one that values are sealed with. Asks nobody for it.
pub(super) async fn key(vault: &Vault) -> Finding {
    let error = match vault.key_state() {
        KeyState::NotNeeded => return Finding::ok("Nothing needed it yet"),
        KeyState::Open { id } => match vault.check_key().await {
            Ok(()) => return Finding::ok("It is at hand").evidence([format!("key {id}")]),
            Err(error) => error,
        },
        KeyState::Closed(error) => error,
    };
    let is_locked = error.is_locked();
    let finding = Finding::of_fault(CheckState::Failed, error.into());
    if is_locked {
        finding.fix(
            "Unlock it",
            "Lets what holds the key ask you for a password",
        )
    } else {
        finding
    }
}

/// Lets the keyring ask the person.
pub(super) async fn unlock(surroundings: &Surroundings) -> Result<String, Fault> {
    keeper(surroundings).load(Access::AskNow).await?;
    Ok("The keyring is unlocked".to_owned())
}
