//! The key of secrets in words.

use nasiko_contract::{ErrorCode, KeyPlace, VaultInfo, VaultState};

use crate::{model::tone::Tone, words::vault as words};

/// The places, the safest first.
pub(crate) const PLACES: [KeyPlace; 3] = [KeyPlace::Keyring, KeyPlace::Passphrase, KeyPlace::File];

/// What a place is chosen by.
pub(crate) fn id(place: KeyPlace) -> &'static str {
    match place {
        KeyPlace::Keyring => "keyring",
        KeyPlace::File => "file",
        KeyPlace::Passphrase => "passphrase",
    }
}

/// A place as it is called.
pub(crate) fn place(place: Option<KeyPlace>) -> &'static str {
    match place {
        Some(KeyPlace::Keyring) => words::place::KEYRING,
        Some(KeyPlace::File) => words::place::FILE,
        Some(KeyPlace::Passphrase) => words::place::PASSPHRASE,
        None => words::place::NONE,
    }
}

/// What keeping it there means.
pub(crate) fn meaning(place: Option<KeyPlace>) -> &'static str {
    match place {
        Some(KeyPlace::Keyring) => words::meaning::KEYRING,
        Some(KeyPlace::File) => words::meaning::FILE,
        Some(KeyPlace::Passphrase) => words::meaning::PASSPHRASE,
        None => words::meaning::NONE,
    }
}

/// How the key stands for who looks at it. One that a passphrase did not open is not lost: another one may.
pub(crate) fn standing(info: &VaultInfo) -> VaultState {
    match info.fault.as_ref().map(|fault| fault.code) {
        Some(
            ErrorCode::VaultLocked | ErrorCode::KeyringUnavailable | ErrorCode::WrongPassphrase,
        ) if info.state == VaultState::Failed => VaultState::Locked,
        _ => info.state,
    }
}

/// Whether it is at hand.
pub(crate) fn state(state: VaultState) -> (Tone, &'static str) {
    match state {
        VaultState::NotNeeded => (Tone::Idle, words::state::NOT_NEEDED),
        VaultState::Open => (Tone::Ok, words::state::OPEN),
        VaultState::Locked => (Tone::Busy, words::state::LOCKED),
        VaultState::Failed => (Tone::Bad, words::state::FAILED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_has_words_of_its_own() {
        for (at, one) in PLACES.iter().enumerate() {
            for other in &PLACES[at + 1..] {
                assert_ne!(id(*one), id(*other));
                assert_ne!(place(Some(*one)), place(Some(*other)));
                assert_ne!(meaning(Some(*one)), meaning(Some(*other)));
            }
        }
    }

    #[test]
    fn a_key_that_is_only_locked_is_not_taken_for_lost() {
        let standing = |code: ErrorCode| {
            standing(&VaultInfo {
                kept_in: Some(KeyPlace::Passphrase),
                reason: String::new(),
                location: None,
                state: VaultState::Failed,
                key_id: None,
                fault: Some(nasiko_contract::Fault::new(code, "It was not opened")),
                keyring: String::new(),
            })
        };
        assert_eq!(standing(ErrorCode::WrongPassphrase), VaultState::Locked);
        assert_eq!(standing(ErrorCode::KeyringUnavailable), VaultState::Locked);
        assert_eq!(standing(ErrorCode::VaultKeyMissing), VaultState::Failed);
        assert_eq!(standing(ErrorCode::VaultWrongKey), VaultState::Failed);
    }

    #[test]
    fn only_a_key_that_cannot_be_had_is_bad() {
        assert_eq!(state(VaultState::Failed).0, Tone::Bad);
        assert_ne!(state(VaultState::Locked).0, Tone::Bad);
    }
}
