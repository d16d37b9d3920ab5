//! A real keyring on a session bus of its own: neither the bus nor the keyring of the person who runs the tests is touched.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// The variable with the keyring's program, which `cargo xtask test` sets.
pub const VARIABLE: &str = "NASIKO_TEST_KEYRING_DAEMON";

/// How long a program may take until it answers.
const PATIENCE: Duration = Duration::from_secs(60);
/// Unlocks the keyring.
pub const PASSWORD: &[u8] = b"of this test";
const NAME: &str = "org.freedesktop.secrets";
const SERVICE: &str = "/org/freedesktop/secrets";
/// The collection that new entries go to.
pub const COLLECTION: &str = "/org/freedesktop/secrets/collection/login";

/// A session with a bus, and with a keyring while one was started. Ended with the value.
pub struct Session {
    pub(crate) directory: TempDir,
    program: PathBuf,
    bus: Child,
    keyring: Option<Child>,
}

impl Session {
    /// A session with a bus and no keyring yet. Nothing is started by the bus itself, so that none comes back unasked, and
    /// nobody is there to ask a person for a password.
    pub fn start(program: PathBuf) -> Self {
        let directory = TempDir::new().expect("a temporary folder");
        let configuration = directory.path().join("bus.conf");
        let text = format!(
            "<busconfig><type>session</type><listen>unix:path={}</listen><policy context=\"default\">\
             <allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/>\
             </policy></busconfig>",
            directory.path().join("bus").display()
        );
        std::fs::write(&configuration, text).expect("the bus is configured");
        let bus = quiet(Command::new("dbus-daemon"))
            .arg("--nofork")
            .arg(format!("--config-file={}", configuration.display()))
            .spawn()
            .expect("a session bus starts");
        let session = Self {
            directory,
            program,
            bus,
            keyring: None,
        };
        session.until("the bus answers", |session| {
            session
                .directory
                .path()
                .join("bus")
                .try_exists()
                .is_ok_and(|there| there)
        });
        session
    }

    /// A session with a keyring that is unlocked.
    pub fn unlocked(program: PathBuf) -> Self {
        let mut session = Self::start(program);
        session.start_keyring(true);
        session
    }

    /// The address of the bus.
    pub fn bus(&self) -> String {
        format!("unix:path={}", self.directory.path().join("bus").display())
    }

    /// Starts the keyring, unlocked or as it is after a start without a login.
    pub fn start_keyring(&mut self, unlocked: bool) {
        self.spawn_keyring(unlocked);
        self.until("the keyring answers", |session| {
            session.is_locked() == Some(!unlocked)
        });
    }

    /// Starts a keyring that nobody ever unlocked.
    pub fn start_empty_keyring(&mut self) {
        self.spawn_keyring(false);
        self.until("the keyring answers", |session| {
            let alias = ["string:default"];
            session
                .call(SERVICE, "org.freedesktop.Secret.Service.ReadAlias", &alias)
                .is_some()
        });
    }

    fn spawn_keyring(&mut self, unlocked: bool) {
        let mut command = quiet(Command::new(&self.program));
        command
            .args(["--foreground", "--components=secrets"])
            .arg(argument(
                "--control-directory",
                &self.directory.path().join("control"),
            ))
            .env("HOME", self.directory.path())
            .env("XDG_RUNTIME_DIR", self.directory.path())
            .env("DBUS_SESSION_BUS_ADDRESS", self.bus())
            .env_remove("XDG_DATA_HOME")
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("GNOME_KEYRING_CONTROL");
        if unlocked {
            command.arg("--unlock").stdin(Stdio::piped());
        }
        let mut keyring = command.spawn().expect("a keyring starts");
        if let Some(mut password) = keyring.stdin.take() {
            password.write_all(PASSWORD).expect("it reads its password");
        }
        self.keyring = Some(keyring);
    }

    /// Ends the keyring as a crash does.
    pub fn kill_keyring(&mut self) {
        let mut keyring = self.keyring.take().expect("it runs");
        keyring.kill().expect("it is killed");
        keyring.wait().expect("it is reaped");
        self.until("the keyring is gone", |session| {
            session.is_locked().is_none()
        });
    }

    /// Locks the keyring.
    pub fn lock(&self) {
        let collections = format!("array:objpath:{COLLECTION}");
        self.call(
            SERVICE,
            "org.freedesktop.Secret.Service.Lock",
            &[&collections],
        );
        assert_eq!(self.is_locked(), Some(true));
    }

    /// How many entries the keyring has.
    pub fn entries(&self) -> usize {
        let said = self.call(
            COLLECTION,
            "org.freedesktop.DBus.Properties.Get",
            &["string:org.freedesktop.Secret.Collection", "string:Items"],
        );
        said.expect("the keyring answers")
            .matches("object path")
            .count()
    }

    fn is_locked(&self) -> Option<bool> {
        let said = self.call(
            COLLECTION,
            "org.freedesktop.DBus.Properties.Get",
            &["string:org.freedesktop.Secret.Collection", "string:Locked"],
        )?;
        Some(said.contains("boolean true"))
    }

    fn call(&self, object: &str, method: &str, arguments: &[&str]) -> Option<String> {
        self.ask(NAME, object, method, arguments)
    }

    pub(crate) fn ask(
        &self,
        name: &str,
        object: &str,
        method: &str,
        arguments: &[&str],
    ) -> Option<String> {
        let output = Command::new("dbus-send")
            .arg(format!("--bus={}", self.bus()))
            .args(["--print-reply", &format!("--dest={name}"), object, method])
            .args(arguments)
            .stderr(Stdio::null())
            .output()
            .expect("dbus-send can be run");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        output.status.success().then_some(said)
    }

    pub(crate) fn until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done(self) {
            assert!(Instant::now() < deadline, "{what}");
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for child in self.keyring.iter_mut().chain([&mut self.bus]) {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

pub(crate) fn quiet(mut command: Command) -> Command {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn argument(name: &str, path: &Path) -> String {
    format!("{name}={}", path.display())
}
