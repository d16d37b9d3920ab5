//! Whether this control plane can open what the others sealed.

use nasiko_contract::{ErrorCode, Fault};

use crate::plane::Shared;

/// Opens the one value that every control plane needs; the first one on a store seals it. With another key than the
/// one it was sealed with, jobs of all agents with secrets would fail here and succeed elsewhere.
pub(super) async fn check(shared: &Shared) -> Result<(), Fault> {
    let Err(fault) = shared.fingerprint_key().await else {
        return Ok(());
    };
    match fault.code {
        ErrorCode::VaultWrongKey | ErrorCode::VaultKeyMissing => {
            let mut evidence = fault.evidence;
            evidence.push(format!(
                "{}: {}",
                shared.home.root().display(),
                fault.message
            ));
            Err(Fault::new(
                fault.code,
                "Values in the shared store are sealed with a key that this data directory does not have",
            )
            .hint("Copy `vault.key` from the data directory of a control plane that uses this store, or use another store")
            .evidence(evidence))
        }
        // Whether it is the right one turns out when somebody unlocks it.
        ErrorCode::VaultLocked | ErrorCode::KeyringUnavailable => Ok(()),
        _ => Err(fault),
    }
}
