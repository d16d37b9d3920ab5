//! The window in which a keyring asks for its password.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command},
};

use crate::keyring::{Session, quiet};

/// The keyring's program that asks a person for its password, in a window. Ended with the value.
pub struct Prompter(Child);

impl Prompter {
    /// Where it is, if it came with the keyring.
    pub fn program() -> Option<PathBuf> {
        let places = ["/usr/libexec", "/usr/lib", "/usr/lib/gcr"];
        let mut programs = places
            .map(|place| Path::new(place).join("gcr-prompter"))
            .into_iter();
        programs.find(|program| program.try_exists().is_ok_and(|there| there))
    }

    /// Starts it in a session, on the display of the environment, and waits until it can be asked. It ends by itself when nobody
    /// has asked for a while.
    pub fn start(session: &Session, program: PathBuf) -> Self {
        let child = quiet(Command::new(program))
            .env("DBUS_SESSION_BUS_ADDRESS", session.bus())
            .env("HOME", session.directory.path())
            .spawn()
            .expect("it can be run");
        let name = "string:org.gnome.keyring.SystemPrompter";
        session.until("the keyring's window can be asked for", |session| {
            let bus = "org.freedesktop.DBus";
            let has = session.ask(bus, "/", "org.freedesktop.DBus.NameHasOwner", &[name]);
            has.is_some_and(|said| said.contains("boolean true"))
        });
        Self(child)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Prompter {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
