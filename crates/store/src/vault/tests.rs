use tempfile::TempDir;

use super::*;
use crate::ExposeSecret;

const CANARY: &str = "canary-7f3a91c2-do-not-write-me";

async fn vault(directory: &TempDir) -> Vault {
    let store = Store::open(directory.path().join("state.db"))
        .await
        .unwrap();
    Vault::new(store, KeyFile::new(directory.path().join("vault.key")))
}

fn agent(name: &str) -> Scope {
    Scope::Agent(name.to_owned())
}

#[tokio::test]
async fn an_agent_gets_its_own_secrets_over_the_global_ones() {
    let directory = TempDir::new().unwrap();
    let vault = vault(&directory).await;
    vault
        .put_secret(&Scope::Global, "SHARED", &"everyone".into())
        .await
        .unwrap();
    vault
        .put_secret(&Scope::Global, "TOKEN", &"general".into())
        .await
        .unwrap();
    vault
        .put_secret(&agent("greeter"), "TOKEN", &"special".into())
        .await
        .unwrap();

    let revealed = vault.reveal_for("greeter").await.unwrap();
    let plain: Vec<_> = revealed
        .iter()
        .map(|(name, value)| (name.as_str(), value.expose_secret()))
        .collect();
    assert_eq!(plain, [("SHARED", "everyone"), ("TOKEN", "special")]);
    assert_eq!(vault.list(&agent("greeter")).await.unwrap(), ["TOKEN"]);
    let other = vault.reveal_for("other").await.unwrap();
    assert_eq!(
        other[1].1.expose_secret(),
        "general",
        "another agent's secret must not leak"
    );

    vault.remove(&agent("greeter"), "TOKEN").await.unwrap();
    let fallen_back = vault.reveal(&agent("greeter"), "TOKEN").await;
    assert!(matches!(
        fallen_back,
        Err(StoreError::SecretNotFound { .. })
    ));
    let again = vault.remove(&agent("greeter"), "TOKEN").await;
    assert!(matches!(again, Err(StoreError::SecretNotFound { .. })));
}

#[tokio::test]
async fn the_agents_that_have_secrets_are_known() {
    let directory = TempDir::new().unwrap();
    let vault = vault(&directory).await;
    assert!(vault.agents().await.unwrap().is_empty());
    vault
        .put_secret(&Scope::Global, "SHARED", &"everyone".into())
        .await
        .unwrap();
    for (name, key) in [("writer", "A"), ("greeter", "A"), ("greeter", "B")] {
        vault
            .put_secret(&agent(name), key, &"value".into())
            .await
            .unwrap();
    }
    assert_eq!(vault.agents().await.unwrap(), ["greeter", "writer"]);
}

#[tokio::test]
async fn the_value_is_nowhere_in_the_data_directory() {
    let directory = TempDir::new().unwrap();
    let vault = vault(&directory).await;
    vault
        .put_secret(&agent("greeter"), "KEY", &CANARY.into())
        .await
        .unwrap();
    vault
        .put_secret(&agent("greeter"), "KEY", &format!("{CANARY}-2").into())
        .await
        .unwrap();
    assert_eq!(
        files_with_canary(&directory),
        0,
        "while the store is open, in its journal too"
    );
    vault.store.close().await;
    assert_eq!(files_with_canary(&directory), 0);
    let key = vault.holder.load(Access::Quiet).await;
    assert!(
        !format!("{key:?}").contains('['),
        "a key does not print itself"
    );
}

/// How many files hold the canary; at least one file must be there to be read.
fn files_with_canary(directory: &TempDir) -> usize {
    let files: Vec<_> = fs_err::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(files.len() >= 2, "{files:?}");
    let holds = |bytes: &[u8]| {
        bytes
            .windows(CANARY.len())
            .any(|window| window == CANARY.as_bytes())
    };
    files
        .iter()
        .filter(|file| holds(&fs_err::read(file).unwrap()))
        .count()
}

#[tokio::test]
async fn a_sealed_value_opens_neither_elsewhere_nor_altered_nor_with_another_key() {
    let key = VaultKey::generate().unwrap();
    let sealed = seal::seal(&key, "agent:a/TOKEN", &CANARY.into()).unwrap();
    assert_eq!(
        seal::open(&key, "agent:a/TOKEN", &sealed)
            .unwrap()
            .expose_secret(),
        CANARY
    );
    assert!(
        seal::open(&key, "agent:b/TOKEN", &sealed).is_none(),
        "moved to another agent"
    );
    assert!(seal::open(&VaultKey::generate().unwrap(), "agent:a/TOKEN", &sealed).is_none());
    for place in (0..sealed.len()).step_by(7) {
        let mut altered = sealed.clone().into_bytes();
        altered[place] = if altered[place] == b'0' { b'1' } else { b'0' };
        let altered = String::from_utf8(altered).unwrap();
        assert!(
            seal::open(&key, "agent:a/TOKEN", &altered).is_none(),
            "altered at {place}"
        );
    }
    for broken in ["", "0", "zz", "00ff"] {
        assert!(
            seal::open(&key, "agent:a/TOKEN", broken).is_none(),
            "{broken:?}"
        );
    }
    assert_ne!(
        sealed,
        seal::seal(&key, "agent:a/TOKEN", &CANARY.into()).unwrap(),
        "the nonce is new each time"
    );
}

#[tokio::test]
async fn a_lost_key_is_told_and_not_replaced() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("vault.key");
    let first = vault(&directory).await;
    first
        .put_secret(&Scope::Global, "TOKEN", &"value".into())
        .await
        .unwrap();
    let again = || Vault::new(first.store.clone(), KeyFile::new(&path));

    let kept = fs_err::read(&path).unwrap();
    fs_err::remove_file(&path).unwrap();
    for _ in 0..2 {
        let lost = again().reveal_for("any").await;
        assert!(
            matches!(lost, Err(StoreError::KeyMissing { .. })),
            "{lost:?}"
        );
        let refused = again()
            .put_secret(&Scope::Global, "OTHER", &"value".into())
            .await;
        assert!(matches!(refused, Err(StoreError::KeyMissing { .. })));
    }
    assert!(
        !path.try_exists().unwrap(),
        "another key would only hide the loss"
    );

    fs_err::write(&path, b"short").unwrap();
    assert!(matches!(
        again().reveal_for("any").await,
        Err(StoreError::VaultKey { .. })
    ));

    fs_err::write(&path, [7; 32]).unwrap();
    let Err(StoreError::WrongKey {
        name,
        sealed_with,
        present,
    }) = again().reveal_for("any").await
    else {
        panic!("another key opens nothing");
    };
    assert_eq!(name, "TOKEN");
    assert_ne!(sealed_with, present);
    let fault = nasiko_contract::Fault::from(StoreError::WrongKey {
        name,
        sealed_with: sealed_with.clone(),
        present,
    });
    assert!(fault.hint.is_some() && fault.evidence[0].contains(&sealed_with));

    // As text, as a person copies it.
    let text = seal::hex(&kept) + "\n";
    fs_err::write(&path, text).unwrap();
    assert_eq!(again().reveal_for("any").await.unwrap().len(), 1);
}

#[cfg(unix)]
#[tokio::test]
async fn the_key_file_is_private_and_stays_the_same() {
    use std::os::unix::fs::PermissionsExt;

    let directory = TempDir::new().unwrap();
    let path = directory.path().join("vault.key");
    let holder = KeyFile::new(&path);
    let id = holder.create().await.unwrap().id();
    let found = || async { holder.load(Access::Quiet).await.unwrap().unwrap().id() };
    let mode = || fs_err::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(found().await, id);
    assert_eq!(mode(), 0o600, "opened up by somebody: closed again");
}

#[tokio::test]
async fn bad_names_and_large_values_are_refused() {
    let directory = TempDir::new().unwrap();
    let vault = vault(&directory).await;
    for name in [
        "",
        "a b",
        "a/b",
        "é",
        &"x".repeat(Vault::MAX_NAME_LENGTH + 1),
    ] {
        let refused = vault.put_secret(&Scope::Global, name, &"v".into()).await;
        assert!(
            matches!(refused, Err(StoreError::InvalidSecretName { .. })),
            "{name:?}"
        );
    }
    let large = "x".repeat(Vault::MAX_VALUE_BYTES + 1);
    let refused = vault
        .put_secret(&Scope::Global, "LARGE", &large.into())
        .await;
    assert!(matches!(refused, Err(StoreError::TooLarge { .. })));
}
