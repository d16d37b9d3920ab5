//! The key that seals secrets: where it is, moving it, getting at it.

use std::io::{self, IsTerminal, Read, Write};

use nasiko_client::Client;
use nasiko_contract::{
    GetVault, KeepVaultKey, KeyPlace, ResetVault, UnlockVault, VaultInfo, VaultState,
};

use crate::{
    arguments::KeyPlaceWord,
    documents::VaultDocument,
    failure::{Failure, local, usage},
    output::Output,
    session::Session,
};

/// Bytes of a passphrase.
const LONGEST: u64 = 4096;

pub(super) async fn show(session: &Session) -> Result<(), Failure> {
    let client = session.attach().await?;
    let vault = client.call(GetVault {}).await?;
    tell(session.output, vault)
}

/// Says beside a list how well what is listed is kept. That it cannot be known is no failure of the list.
pub(super) async fn say_place(client: &Client, output: Output) {
    let Ok(vault) = client.call(GetVault {}).await else {
        return;
    };
    if let Some(place) = vault.kept_in {
        output.say(format!(
            "Sealed with a key in {}: {}",
            named(place),
            vault.reason
        ));
    }
    if let Some(fault) = vault.fault {
        output.say(fault.message);
    }
}

pub(super) async fn keep_in(session: &Session, place: KeyPlaceWord) -> Result<(), Failure> {
    let place = match place {
        KeyPlaceWord::Keyring => KeyPlace::Keyring,
        KeyPlaceWord::File => KeyPlace::File,
        KeyPlaceWord::Passphrase => KeyPlace::Passphrase,
    };
    let passphrase = match place {
        KeyPlace::Passphrase => new_passphrase(session)?,
        KeyPlace::Keyring | KeyPlace::File => None,
    };
    let client = session.attach_or_start().await?;
    let vault = client.call(KeepVaultKey { place, passphrase }).await?;
    tell(session.output, vault)
}

pub(super) async fn unlock(session: &Session) -> Result<(), Failure> {
    let client = session.attach().await?;
    let vault = client.call(GetVault {}).await?;
    let passphrase = match (vault.state, vault.kept_in) {
        (VaultState::Open, _) => return tell(session.output, vault),
        (_, Some(KeyPlace::Passphrase)) => passphrase(session, "Passphrase:")?,
        _ => None,
    };
    let vault = client.call(UnlockVault { passphrase }).await?;
    if vault.state != VaultState::Open {
        session
            .output
            .say("Not unlocked yet: the keyring's question waits for your answer");
    }
    tell(session.output, vault)
}

pub(super) async fn reset(session: &Session, yes: bool) -> Result<(), Failure> {
    if !yes && !agreed(session)? {
        session.output.say("Nothing was forgotten");
        return Ok(());
    }
    let client = session.attach().await?;
    let vault = client.call(GetVault {}).await?;
    let passphrase = match vault.kept_in {
        Some(KeyPlace::Passphrase) if vault.state != VaultState::Open => new_passphrase(session)?,
        _ => None,
    };
    client.call(ResetVault { passphrase }).await?;
    if session.output.json {
        return tell(session.output, client.call(GetVault {}).await?);
    }
    session
        .output
        .line("All secrets are forgotten: set them again, then deploy the agents again")
}

fn tell(output: Output, vault: VaultInfo) -> Result<(), Failure> {
    if output.json {
        return output.document(&VaultDocument::from(vault));
    }
    let state = match vault.state {
        VaultState::NotNeeded => "not needed since the start",
        VaultState::Open => "at hand",
        VaultState::Locked => "locked",
        VaultState::Failed => "not to be had",
    };
    let mut rows = vec![
        (
            "Kept in",
            vault.kept_in.map_or("no place yet", named).to_owned(),
        ),
        ("Why", vault.reason),
        ("State", state.to_owned()),
        ("Keyring", vault.keyring),
    ];
    rows.extend(vault.location.map(|location| ("Place", location)));
    rows.extend(vault.key_id.map(|id| ("Key id", id)));
    for (name, value) in rows {
        output.line(format!("{name:8} {value}"))?;
    }
    if let Some(fault) = vault.fault {
        output.say(fault.message);
        if let Some(hint) = fault.hint {
            output.say(hint);
        }
    }
    Ok(())
}

fn named(place: KeyPlace) -> &'static str {
    match place {
        KeyPlace::Keyring => "the keyring",
        KeyPlace::File => "a file",
        KeyPlace::Passphrase => "a file sealed with a passphrase",
    }
}

/// A passphrase that is typed twice, so that a slip of the finger loses nothing.
fn new_passphrase(session: &Session) -> Result<Option<String>, Failure> {
    let first = passphrase(session, "New passphrase:")?;
    if io::stdin().is_terminal() && passphrase(session, "Again:")? != first {
        return Err(usage(
            "The two passphrases differ",
            "Type the same one twice",
        ));
    }
    Ok(first)
}

/// From the terminal, where it is not shown, or from standard input; none where nothing is there.
fn passphrase(session: &Session, question: &str) -> Result<Option<String>, Failure> {
    let unreadable = |error: io::Error| local("The passphrase cannot be read", &error);
    let stdin = io::stdin();
    let typed = if stdin.is_terminal() {
        session.output.say(question);
        rpassword::read_password().map_err(unreadable)?
    } else {
        let mut text = String::new();
        stdin
            .take(LONGEST)
            .read_to_string(&mut text)
            .map_err(unreadable)?;
        text
    };
    let typed = typed.trim_end_matches(['\r', '\n']);
    Ok((!typed.is_empty()).then(|| typed.to_owned()))
}

/// Asks at a terminal; where nobody can be asked, `--yes` must have been said.
fn agreed(session: &Session) -> Result<bool, Failure> {
    if !session.output.is_watched() || !io::stdin().is_terminal() {
        return Err(usage(
            "Forgetting all secrets needs --yes where nobody can be asked",
            "Add --yes",
        ));
    }
    let mut stderr = io::stderr();
    write!(
        stderr,
        "Forget the secrets of all agents and of the stack? They cannot be brought back. [y/N] "
    )?;
    stderr.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes" | "Yes"))
}
