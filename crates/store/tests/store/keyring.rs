//! The vault's key in a real keyring: found again, locked, gone and back, moved, and killed in the middle of a move.

#[expect(unreachable_pub, reason = "the harness of the end-to-end tests")]
#[path = "../../../../tests/src/keyring.rs"]
mod session;

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use nasiko_store::{
    ExposeSecret, KeyHolder, KeyTier, Scope, SecretString, Store, StoreError, Vault,
    vault::{Access, KeyKeeper, KeyPlaces, Keyring},
};
use session::{COLLECTION, Session};
use tempfile::TempDir;
use zbus::zvariant::{ObjectPath, OwnedObjectPath, OwnedValue, Value};

use crate::servers::skip;

const PATIENCE: Duration = Duration::from_secs(60);
const PASSPHRASE: &str = "open sesame";
/// For the child of the test that kills: the data directory, the address of the bus.
const DIRECTORY: &str = "NASIKO_STORE_MOVING_KEY";
const BUS: &str = "NASIKO_STORE_MOVING_KEY_BUS";
const ROUNDS: usize = 12;

fn program() -> Option<PathBuf> {
    let found = std::env::var_os(session::VARIABLE).filter(|path| !path.is_empty());
    if found.is_none() {
        skip(session::VARIABLE);
    }
    found.map(PathBuf::from)
}

/// A data directory and its vault, as one run of the product has them.
struct Run {
    keeper: KeyKeeper,
    vault: Vault,
}

fn keeper(directory: &Path, bus: Option<&str>) -> KeyKeeper {
    KeyKeeper::new(KeyPlaces {
        directory: directory.to_owned(),
        installation: directory.file_name().unwrap().to_str().unwrap().to_owned(),
        provided: None,
        passphrase_file: None,
        keyring: Keyring::of_session(bus),
    })
}

async fn run(directory: &TempDir, bus: Option<&str>) -> Run {
    let store = Store::open(directory.path().join("state.db"))
        .await
        .unwrap();
    let keeper = keeper(directory.path(), bus);
    Run {
        vault: Vault::new(store, keeper.clone()),
        keeper,
    }
}

fn scope() -> Scope {
    Scope::Agent("greeter".to_owned())
}

impl Run {
    async fn put(&self, value: &str) {
        self.vault
            .put_secret(&scope(), "KEY", &value.into())
            .await
            .unwrap();
    }

    async fn get(&self) -> Result<String, StoreError> {
        let value = self.vault.reveal(&scope(), "KEY").await?;
        Ok(value.expose_secret().to_owned())
    }
}

#[tokio::test]
async fn each_data_directory_has_an_entry_of_its_own_and_finds_it_again() {
    let Some(program) = program() else { return };
    let session = Session::unlocked(program);
    let bus = session.bus();
    let directories = [TempDir::new().unwrap(), TempDir::new().unwrap()];
    for (number, directory) in directories.iter().enumerate() {
        let first = run(directory, Some(&bus)).await;
        assert_eq!(first.vault.tier(), None);
        first.put(&format!("value {number}")).await;
        assert_eq!(first.vault.tier(), Some(KeyTier::Keyring));
        assert!(!directory.path().join("vault.key").try_exists().unwrap());
    }
    assert_eq!(session.entries(), 2);
    for (number, directory) in directories.iter().enumerate() {
        let later = run(directory, Some(&bus)).await;
        assert_eq!(later.get().await.unwrap(), format!("value {number}"));
    }
    assert_eq!(session.entries(), 2, "nothing is made anew");

    // Without the bus it is in, the key cannot be had, and another one is not made.
    let elsewhere = run(&directories[0], None).await;
    let refused = elsewhere.get().await;
    assert!(
        matches!(refused, Err(StoreError::KeyringUnavailable { .. })),
        "{refused:?}"
    );
    assert_eq!(elsewhere.vault.tier(), Some(KeyTier::Keyring));
}

#[tokio::test]
async fn where_no_keyring_is_unlocked_the_first_key_is_in_a_file() {
    let Some(program) = program() else { return };
    let mut session = Session::start(program);
    let bus = session.bus();
    for (what, reason) in [
        ("no bus", "no session bus"),
        ("a bus that is gone", "Failed to connect"),
        ("no keyring", "no keyring runs"),
        ("no collection", "no default collection"),
        ("locked", "locked"),
    ] {
        let directory = TempDir::new().unwrap();
        let gone = format!("unix:path={}/bus", directory.path().display());
        let address = match what {
            "no bus" => None,
            "a bus that is gone" => Some(gone.as_str()),
            _ => Some(bus.as_str()),
        };
        match what {
            "no collection" => session.start_empty_keyring(),
            "locked" => {
                session.kill_keyring();
                session.start_keyring(true);
                session.lock();
            }
            _ => {}
        }
        let first = run(&directory, address).await;
        first.put("value").await;
        let keeping = first.keeper.keeping().unwrap();
        assert_eq!(keeping.tier, Some(KeyTier::File), "{what}");
        assert!(keeping.reason.contains(reason), "{what}: {keeping:?}");
        // What was chosen once stays.
        let later = run(&directory, Some(&bus)).await;
        assert_eq!(later.get().await.unwrap(), "value", "{what}");
        assert_eq!(later.vault.tier(), Some(KeyTier::File));
    }
}

#[tokio::test]
async fn a_locked_keyring_is_asked_for_once_and_waited_for() {
    let Some(program) = program() else { return };
    let session = Session::unlocked(program);
    let bus = session.bus();
    let directory = TempDir::new().unwrap();
    run(&directory, Some(&bus)).await.put("value").await;

    session.lock();
    let asked = Prompter::start(&bus).await;
    let later = run(&directory, Some(&bus)).await;
    let answers = futures::join!(later.get(), later.get());
    for refused in [answers.0, answers.1, later.get().await] {
        assert!(
            matches!(
                refused,
                Err(StoreError::KeyLocked {
                    tier: KeyTier::Keyring,
                    ..
                })
            ),
            "{refused:?}"
        );
    }
    assert_eq!(asked.count(), 1, "a person is asked once");
    assert!(later.vault.unlock(None).await.is_err());
    assert_eq!(asked.count(), 2, "and when they want to be");

    // Unlocked in any other way, it is noticed.
    let unlocked = async {
        unlock(&bus).await;
    };
    let opened = tokio::time::timeout(PATIENCE, later.vault.until_open());
    let (opened, ()) = futures::join!(opened, unlocked);
    opened.expect("the keyring tells that it is unlocked");
    assert_eq!(later.get().await.unwrap(), "value");
    // What is at hand stays at hand.
    session.lock();
    assert_eq!(later.get().await.unwrap(), "value");
    assert_eq!(asked.count(), 2);
}

#[tokio::test]
async fn a_keyring_may_die_and_come_back() {
    let Some(program) = program() else { return };
    let mut session = Session::unlocked(program);
    let bus = session.bus();
    let directory = TempDir::new().unwrap();
    let first = run(&directory, Some(&bus)).await;
    first.put("value").await;
    session.kill_keyring();
    assert_eq!(first.get().await.unwrap(), "value", "the key is at hand");

    let later = run(&directory, Some(&bus)).await;
    let refused = later.get().await;
    assert!(
        matches!(refused, Err(StoreError::KeyringUnavailable { .. })),
        "{refused:?}"
    );
    let vault = later.vault.clone();
    let opened = tokio::spawn(async move { vault.until_open().await });
    session.start_keyring(true);
    tokio::time::timeout(PATIENCE, opened)
        .await
        .expect("it is noticed that the keyring is back")
        .unwrap();
    assert_eq!(later.get().await.unwrap(), "value");
}

#[tokio::test]
async fn an_entry_that_somebody_removed_is_missing() {
    let Some(program) = program() else { return };
    let session = Session::unlocked(program);
    let bus = session.bus();
    let directory = TempDir::new().unwrap();
    run(&directory, Some(&bus)).await.put("value").await;
    // As the keyring's own program does.
    let stranger = keeper(directory.path(), Some(&bus));
    stranger.keep_in(KeyTier::File, None).await.unwrap();
    let copy = fs_err::read(directory.path().join("vault.key")).unwrap();
    fs_err::remove_file(directory.path().join("vault.key")).unwrap();
    let marker = r#"{"tier":"keyring","reason":"of a test"}"#;
    fs_err::write(directory.path().join("vault.json"), marker).unwrap();
    assert_eq!(session.entries(), 0);

    let later = run(&directory, Some(&bus)).await;
    let refused = later.get().await;
    assert!(
        matches!(refused, Err(StoreError::KeyMissing { .. })),
        "{refused:?}"
    );
    assert_eq!(session.entries(), 0, "no other key is made");
    // A copy of it will do.
    let file = directory.path().join("copy");
    fs_err::write(&file, copy).unwrap();
    let places = KeyPlaces {
        directory: directory.path().to_owned(),
        installation: "any".to_owned(),
        provided: Some(file),
        passphrase_file: None,
        keyring: Keyring::of_session(Some(&bus)),
    };
    let store = Store::open(directory.path().join("state.db"))
        .await
        .unwrap();
    let vault = Vault::new(store, KeyKeeper::new(places));
    assert_eq!(
        vault.reveal(&scope(), "KEY").await.unwrap().expose_secret(),
        "value"
    );
}

#[tokio::test]
async fn the_key_moves_between_all_places() {
    let Some(program) = program() else { return };
    let mut session = Session::unlocked(program);
    let bus = session.bus();
    let directory = TempDir::new().unwrap();
    let first = run(&directory, Some(&bus)).await;
    first.put("value").await;
    let passphrase = SecretString::from(PASSPHRASE);
    let (keyring, file, sealed) = (KeyTier::Keyring, KeyTier::File, KeyTier::Passphrase);
    for to in [file, keyring, sealed, keyring, file, sealed, file] {
        // A sealed key is opened by the run that has its passphrase, and at hand for it from then on.
        let from = first.vault.tier();
        if from == Some(sealed) {
            fs_err::write(directory.path().join("passphrase"), PASSPHRASE).unwrap();
        }
        let mover = with_passphrase_file(directory.path(), &bus);
        let given = (to == sealed).then(|| passphrase.clone());
        mover.keep_in(to, given).await.unwrap();
        let later = run(&directory, Some(&bus)).await;
        assert_eq!(later.vault.tier(), Some(to), "from {from:?}");
        later
            .vault
            .unlock((to == sealed).then_some(&passphrase))
            .await
            .unwrap();
        assert_eq!(
            later.get().await.unwrap(),
            "value",
            "from {from:?} to {to:?}"
        );
        let exists = |name: &str| directory.path().join(name).try_exists().unwrap();
        assert_eq!(exists("vault.key"), to == file);
        assert_eq!(exists("vault.sealed"), to == sealed);
        assert_eq!(session.entries(), usize::from(to == keyring));
    }

    // To a keyring that is not there: the key stays where it is.
    session.kill_keyring();
    let refused = first.keeper.keep_in(keyring, None).await;
    assert!(
        matches!(refused, Err(StoreError::KeyringUnavailable { .. })),
        "{refused:?}"
    );
    let later = run(&directory, Some(&bus)).await;
    assert_eq!(later.vault.tier(), Some(file));
    assert_eq!(later.get().await.unwrap(), "value");
}

fn with_passphrase_file(directory: &Path, bus: &str) -> KeyKeeper {
    let file = directory.join("passphrase");
    KeyKeeper::new(KeyPlaces {
        directory: directory.to_owned(),
        installation: directory.file_name().unwrap().to_str().unwrap().to_owned(),
        provided: None,
        passphrase_file: file.try_exists().unwrap().then_some(file),
        keyring: Keyring::of_session(Some(bus)),
    })
}

/// The child: moves the key to and fro until it is killed.
#[tokio::test]
#[ignore = "runs as the child of the test below"]
async fn child() {
    let (Ok(directory), Ok(bus)) = (std::env::var(DIRECTORY), std::env::var(BUS)) else {
        return;
    };
    let keeper = with_passphrase_file(Path::new(&directory), &bus);
    println!("begun");
    loop {
        for to in [KeyTier::File, KeyTier::Keyring, KeyTier::Passphrase] {
            keeper.keep_in(to, None).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_killed_move_leaves_the_key_readable() {
    use std::io::BufRead;

    let Some(program) = program() else { return };
    let session = Session::unlocked(program);
    let bus = session.bus();
    let directory = TempDir::new().unwrap();
    run(&directory, Some(&bus)).await.put("value").await;
    fs_err::write(directory.path().join("passphrase"), PASSPHRASE).unwrap();
    let mut found_in = std::collections::BTreeMap::new();
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "keyring::child", "--nocapture"])
            .env(DIRECTORY, directory.path())
            .env(BUS, &bus)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(
            lines.any(|line| line.unwrap().ends_with("begun")),
            "the child begins"
        );
        // At another instant each time: the steps take from less than a millisecond to some hundred.
        let instant = Duration::from_micros(u64::from(rand::random::<u16>()) * 8);
        tokio::time::sleep(instant).await;
        child.kill().unwrap();
        child.wait().unwrap();

        let keeper = with_passphrase_file(directory.path(), &bus);
        let key = keeper.load(Access::Quiet).await;
        let tier = keeper.tier().unwrap();
        let key = key.unwrap_or_else(|error| panic!("round {round}, in {tier:?}: {error}"));
        let store = Store::open(directory.path().join("state.db"))
            .await
            .unwrap();
        let vault = Vault::new(store, keeper);
        let value = vault.reveal(&scope(), "KEY").await.unwrap();
        assert_eq!(value.expose_secret(), "value", "round {round}, {key:?}");
        let exists = |name: &str| directory.path().join(name).try_exists().unwrap();
        assert_eq!(
            (
                exists("vault.key"),
                exists("vault.sealed"),
                session.entries()
            ),
            (
                tier == KeyTier::File,
                tier == KeyTier::Passphrase,
                usize::from(tier == KeyTier::Keyring)
            ),
            "round {round}: no copy is left elsewhere"
        );
        assert!(!exists("vault.key.new") && !exists("vault.sealed.new"));
        *found_in.entry(format!("{tier:?}")).or_insert(0) += 1;
    }
    println!("found in {found_in:?}");
}

/// Where the keyring asks a person: counts, and answers nothing.
struct Prompter {
    count: Arc<AtomicUsize>,
    _bus: zbus::Connection,
}

struct Questions(Arc<AtomicUsize>);

#[zbus::interface(name = "org.gnome.keyring.internal.Prompter")]
impl Questions {
    fn begin_prompting(&self, callback: OwnedObjectPath) -> zbus::fdo::Result<()> {
        drop(callback);
        self.0.fetch_add(1, Ordering::SeqCst);
        Err(zbus::fdo::Error::Failed("nobody is here".to_owned()))
    }
}

impl Prompter {
    async fn start(bus: &str) -> Self {
        let count = Arc::<AtomicUsize>::default();
        let connection = zbus::connection::Builder::address(bus)
            .unwrap()
            .name("org.gnome.keyring.SystemPrompter")
            .unwrap()
            .serve_at("/org/gnome/keyring/Prompter", Questions(Arc::clone(&count)))
            .unwrap()
            .build()
            .await
            .unwrap();
        Self {
            count,
            _bus: connection,
        }
    }

    fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

/// Unlocks the keyring as a login does.
async fn unlock(bus: &str) {
    let bus = zbus::connection::Builder::address(bus)
        .unwrap()
        .build()
        .await
        .unwrap();
    let call = async |interface: &str, method: &str, body: Value<'_>| {
        let name = Some("org.freedesktop.secrets");
        let Value::Structure(body) = body else {
            unreachable!()
        };
        bus.call_method(
            name,
            "/org/freedesktop/secrets",
            Some(interface),
            method,
            &body,
        )
        .await
        .unwrap()
    };
    let opened = call(
        "org.freedesktop.Secret.Service",
        "OpenSession",
        Value::from(("plain", Value::from(""))),
    )
    .await;
    let (_, session): (OwnedValue, OwnedObjectPath) = opened.body().deserialize().unwrap();
    let secret = (
        session,
        Vec::<u8>::new(),
        session::PASSWORD.to_vec(),
        "text/plain",
    );
    let collection = ObjectPath::try_from(COLLECTION).unwrap();
    call(
        "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface",
        "UnlockWithMasterPassword",
        Value::from((collection, secret)),
    )
    .await;
}
