use std::path::Path;

use fs_err as fs;
use tempfile::TempDir;

use super::*;
use crate::{ExposeSecret, Scope, Store, Vault};

fn places(directory: &Path) -> KeyPlaces {
    KeyPlaces {
        directory: directory.to_owned(),
        installation: "test".to_owned(),
        provided: None,
        passphrase_file: None,
        keyring: Keyring::none("this test has none"),
    }
}

fn keeper(directory: &TempDir) -> KeyKeeper {
    KeyKeeper::new(places(directory.path()))
}

async fn id(keeper: &KeyKeeper) -> Result<String, StoreError> {
    let key = keeper.load(Access::Quiet).await?;
    Ok(key.expect("there is a key").id())
}

fn names(directory: &TempDir) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn without_a_keyring_the_key_is_in_a_file_and_says_why() {
    let directory = TempDir::new().unwrap();
    let keeper = keeper(&directory);
    assert_eq!(keeper.tier(), None);
    assert!(keeper.load(Access::AskOnce).await.unwrap().is_none());
    assert!(names(&directory).is_empty(), "looking makes nothing");

    let made = keeper.create().await.unwrap().id();
    assert_eq!(id(&keeper).await.unwrap(), made);
    assert_eq!(names(&directory), ["vault.json", "vault.key"]);
    let keeping = keeper.keeping().unwrap();
    assert_eq!(keeping.tier, Some(KeyTier::File));
    assert!(keeping.reason.contains("this test has none"), "{keeping:?}");
}

#[tokio::test]
async fn a_key_of_earlier_days_stays_where_it_is() {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("vault.key"), [7; 32]).unwrap();
    let mut places = places(directory.path());
    // A passphrase at hand, or a keyring, moves nothing by itself.
    let passphrase = directory.path().join("passphrase");
    fs::write(&passphrase, "open sesame\n").unwrap();
    places.passphrase_file = Some(passphrase);
    let keeper = KeyKeeper::new(places);
    assert_eq!(
        id(&keeper).await.unwrap(),
        VaultKey::from_bytes(&[7; 32]).unwrap().id()
    );
    assert_eq!(keeper.tier(), Some(KeyTier::File));
    assert_eq!(names(&directory), ["passphrase", "vault.key"]);
}

#[tokio::test]
async fn a_key_whose_place_is_known_and_that_is_gone_is_missing() {
    let directory = TempDir::new().unwrap();
    let keeper = keeper(&directory);
    keeper.create().await.unwrap();
    fs::remove_file(directory.path().join("vault.key")).unwrap();
    let missing = keeper.load(Access::AskNow).await;
    assert!(
        matches!(missing, Err(StoreError::KeyMissing { .. })),
        "{missing:?}"
    );
    // Somebody decides that it is lost.
    keeper.renew(None).await.unwrap();
    id(&keeper).await.unwrap();
    let refused = keeper.renew(None).await;
    assert!(
        matches!(refused, Err(StoreError::KeyNotMovable { .. })),
        "one that is there is not replaced: {refused:?}"
    );
}

#[tokio::test]
async fn a_passphrase_seals_the_key() {
    let directory = TempDir::new().unwrap();
    let keeper = keeper(&directory);
    let made = keeper.create().await.unwrap().id();
    let refused = keeper.keep_in(KeyTier::Passphrase, None).await;
    assert!(
        matches!(refused, Err(StoreError::KeyLocked { .. })),
        "{refused:?}"
    );
    assert_eq!(id(&keeper).await.unwrap(), made, "it is where it was");

    let passphrase = SecretString::from("open sesame");
    keeper
        .keep_in(KeyTier::Passphrase, Some(passphrase.clone()))
        .await
        .unwrap();
    assert_eq!(names(&directory), ["vault.json", "vault.sealed"]);
    let again = super::tests::keeper(&directory);
    assert!(matches!(
        again.load(Access::AskOnce).await,
        Err(StoreError::KeyLocked {
            tier: KeyTier::Passphrase,
            ..
        })
    ));
    let wrong = SecretString::from("open barley");
    assert!(matches!(
        again.load(Access::Passphrase(wrong.clone())).await,
        Err(StoreError::WrongPassphrase)
    ));
    let opened = again
        .load(Access::Passphrase(passphrase.clone()))
        .await
        .unwrap();
    assert_eq!(opened.unwrap().id(), made);

    // A server has it in a file; a text editor ends it with a new line.
    let mut places = places(directory.path());
    let file = directory.path().join("passphrase");
    places.passphrase_file = Some(file.clone());
    let by_file = KeyKeeper::new(places);
    for (content, opens) in [
        (None, false),
        (Some("\n"), false),
        (Some("open sesame\n"), true),
    ] {
        if let Some(content) = content {
            fs::write(&file, content).unwrap();
        }
        assert_eq!(id(&by_file).await.ok(), opens.then(|| made.clone()));
    }
    // And back, with nothing left of it.
    fs::write(&file, "open sesame").unwrap();
    by_file.keep_in(KeyTier::File, None).await.unwrap();
    assert_eq!(names(&directory), ["passphrase", "vault.json", "vault.key"]);
    assert_eq!(id(&by_file).await.unwrap(), made);
}

#[tokio::test]
async fn a_passphrase_at_hand_seals_the_first_key() {
    let directory = TempDir::new().unwrap();
    let mut places = places(directory.path());
    let file = directory.path().join("passphrase");
    fs::write(&file, "open sesame").unwrap();
    places.passphrase_file = Some(file);
    let keeper = KeyKeeper::new(places);
    let made = keeper.create().await.unwrap().id();
    assert_eq!(keeper.tier(), Some(KeyTier::Passphrase));
    assert_eq!(id(&keeper).await.unwrap(), made);
    assert_eq!(
        names(&directory),
        ["passphrase", "vault.json", "vault.sealed"]
    );
}

#[tokio::test]
async fn a_sealed_key_that_was_altered_is_not_opened_and_costs_no_fortune() {
    let directory = TempDir::new().unwrap();
    let keeper = keeper(&directory);
    keeper
        .keep_in(KeyTier::Passphrase, Some("open sesame".into()))
        .await
        .unwrap();
    let path = directory.path().join("vault.sealed");
    let text = fs::read_to_string(&path).unwrap();
    let mut document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let passphrase = SecretString::from("open sesame");
    let mut check = async |field: &str, value: serde_json::Value| {
        let before = std::mem::replace(document.pointer_mut(field).unwrap(), value);
        fs::write(&path, document.to_string()).unwrap();
        let opened = keeper.load(Access::Passphrase(passphrase.clone())).await;
        *document.pointer_mut(field).unwrap() = before;
        opened.err().unwrap_or_else(|| panic!("{field}"))
    };
    for field in ["/argon2id/memoryKib", "/argon2id/passes", "/argon2id/lanes"] {
        let refused = check(field, u32::MAX.into()).await;
        assert!(matches!(refused, StoreError::VaultKey { .. }), "{refused}");
    }
    assert!(matches!(
        check("/salt", "00".repeat(16).into()).await,
        StoreError::WrongPassphrase
    ));
    assert!(matches!(
        check("/form", 2.into()).await,
        StoreError::NewerData { .. }
    ));
    fs::write(&path, "{}").unwrap();
    assert!(matches!(
        keeper.load(Access::Passphrase(passphrase.clone())).await,
        Err(StoreError::VaultKey { .. })
    ));
}

#[cfg(unix)]
#[tokio::test]
async fn a_provided_file_wins_and_is_never_written() {
    use std::os::unix::fs::PermissionsExt;

    let directory = TempDir::new().unwrap();
    keeper(&directory).create().await.unwrap();
    let elsewhere = TempDir::new().unwrap();
    let path = elsewhere.path().join("key");
    let mut places = places(directory.path());
    places.provided = Some(path.clone());
    let keeper = KeyKeeper::new(places);

    let missing = keeper.load(Access::AskOnce).await;
    assert!(
        matches!(missing, Err(StoreError::KeyMissing { .. })),
        "{missing:?}"
    );
    assert!(!path.try_exists().unwrap());
    // As a mounted secret is.
    fs::write(&path, format!("{}\n", "07".repeat(32))).unwrap();
    fs::set_permissions(&path, std::fs::Permissions::from_mode(0o444)).unwrap();
    assert_eq!(
        id(&keeper).await.unwrap(),
        VaultKey::from_bytes(&[7; 32]).unwrap().id()
    );
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o444);
    let refused = keeper.keep_in(KeyTier::File, None).await;
    assert!(
        matches!(refused, Err(StoreError::KeyNotMovable { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_key_that_is_in_the_way_is_left_alone() {
    let directory = TempDir::new().unwrap();
    let keeper = keeper(&directory);
    let passphrase = SecretString::from("open sesame");
    keeper
        .keep_in(KeyTier::Passphrase, Some(passphrase.clone()))
        .await
        .unwrap();
    let path = directory.path().join("vault.key");
    fs::write(&path, [7; 32]).unwrap();
    let file = directory.path().join("passphrase");
    fs::write(&file, "open sesame").unwrap();
    let mut places = places(directory.path());
    places.passphrase_file = Some(file);
    let again = KeyKeeper::new(places);
    let refused = again.keep_in(KeyTier::File, None).await;
    assert!(
        matches!(refused, Err(StoreError::KeyNotMovable { .. })),
        "{refused:?}"
    );
    assert_eq!(fs::read(&path).unwrap(), [7; 32]);
    // Nor is it cleared as if it were a left-over of ours.
    id(&again).await.unwrap();
    assert_eq!(fs::read(&path).unwrap(), [7; 32]);
}

/// Where a move may be interrupted: after each of its steps, as files show it.
#[tokio::test]
async fn what_an_interrupted_move_left_is_cleared() {
    let directory = TempDir::new().unwrap();
    let path = |name: &str| directory.path().join(name);
    let keeper = keeper(&directory);
    let made = keeper.create().await.unwrap();
    let passphrase = SecretString::from("open sesame");
    let in_file = fs::read(path("vault.json")).unwrap();
    keeper.shared.sealed.write(&made, &passphrase).unwrap();
    let marker = |tier: &str, stale: &str| {
        let text = format!(r#"{{"tier":"{tier}","reason":"of a test","stale":"{stale}"}}"#);
        fs::write(path("vault.json"), text).unwrap();
    };

    // The new place is written, and not yet the one that counts; a draft is there too.
    marker("file", "passphrase");
    fs::write(path("vault.sealed.new"), b"half").unwrap();
    assert_eq!(id(&keeper).await.unwrap(), made.id());
    assert_eq!(names(&directory), ["vault.json", "vault.key"]);

    // It counts, and the old one is not cleared.
    keeper.shared.sealed.write(&made, &passphrase).unwrap();
    marker("passphrase", "file");
    fs::write(path("vault.key.new"), made.bytes()).unwrap();
    let opened = keeper
        .load(Access::Passphrase(passphrase.clone()))
        .await
        .unwrap();
    assert_eq!(opened.unwrap().id(), made.id());
    assert_eq!(names(&directory), ["vault.json", "vault.sealed"]);

    // What cannot be told from a key of somebody else's stays.
    fs::write(path("vault.json"), &in_file).unwrap();
    fs::write(path("vault.key"), made.bytes()).unwrap();
    assert_eq!(id(&keeper).await.unwrap(), made.id());
    assert!(path("vault.sealed").try_exists().unwrap());
}

#[tokio::test]
async fn a_vault_goes_on_over_moves_and_forgets_on_demand() {
    let directory = TempDir::new().unwrap();
    let store = Store::open(directory.path().join("state.db"))
        .await
        .unwrap();
    let keeper = keeper(&directory);
    let vault = Vault::new(store.clone(), keeper.clone());
    let scope = Scope::Agent("greeter".to_owned());
    vault
        .put_secret(&scope, "KEY", &"value".into())
        .await
        .unwrap();
    keeper
        .keep_in(KeyTier::Passphrase, Some("open sesame".into()))
        .await
        .unwrap();
    assert_eq!(
        vault.reveal(&scope, "KEY").await.unwrap().expose_secret(),
        "value"
    );

    let later = Vault::new(store.clone(), keeper.clone());
    let locked = later.reveal(&scope, "KEY").await;
    assert!(locked.is_err_and(|error| error.is_locked()));
    later.until_locked().await;
    let opened = later.until_open();
    let passphrase = SecretString::from("open sesame");
    let (unlocked, ()) = futures::join!(later.unlock(Some(&passphrase)), opened);
    unlocked.unwrap();
    assert_eq!(
        later.reveal(&scope, "KEY").await.unwrap().expose_secret(),
        "value"
    );
    later.forget_everything().await.unwrap();
    assert!(later.list(&scope).await.unwrap().is_empty());
}
