//! Owns the icon in the desktop's tray and the notifications on the desktop. Must never see anything of the product but the
//! client and the contract, nor draw a window: it lives in the resident, which has neither webview nor GTK.
//!
//! [`follow`] keeps a [`picture`] of the context's control plane by its event stream; [`menu`] turns that into a menu,
//! [`icon`] into a shape; a click is a [`deed`]. What shows both is of the desktop: on Linux a StatusNotifierItem and
//! `org.freedesktop.Notifications`, both over the session bus. macOS and Windows show nothing yet: their tray belongs to
//! a program's main thread and its event loop, which the resident does not have. There the window and the command line
//! do all that the menu does.

mod clipboard;
mod deed;
mod follow;
mod icon;
mod menu;
mod open;
mod picture;

#[cfg(target_os = "linux")]
mod session_bus;

use std::path::PathBuf;

/// Where the tray finds what it needs.
#[derive(Debug, Clone)]
pub struct Config {
    /// The data directory of the resident that shows it.
    pub home: PathBuf,
    /// The resident's own executable: the window's program is looked for beside it, then in `path`.
    pub program: PathBuf,
    /// The folders of the variable `PATH`.
    pub path: Vec<PathBuf>,
    /// There is a Wayland display.
    pub wayland: bool,
    /// There is an X11 display.
    pub x11: bool,
}

impl Config {
    /// What this process's environment says; none where no desktop session is there to show anything.
    pub fn of_session(home: PathBuf) -> Option<Self> {
        let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        has_session(&named).then(|| Self {
            home,
            program: std::env::current_exe().unwrap_or_default(),
            path: named("PATH")
                .map(|path| std::env::split_paths(&path).collect())
                .unwrap_or_default(),
            wayland: named("WAYLAND_DISPLAY").is_some(),
            x11: named("DISPLAY").is_some(),
        })
    }
}

/// A session bus was named, or is where the system's manager of sessions puts it.
#[cfg(target_os = "linux")]
fn has_session(named: &dyn Fn(&str) -> Option<std::ffi::OsString>) -> bool {
    named("DBUS_SESSION_BUS_ADDRESS").is_some()
        || named("XDG_RUNTIME_DIR").is_some_and(|folder| {
            matches!(PathBuf::from(folder).join("bus").try_exists(), Ok(true))
        })
}

#[cfg(not(target_os = "linux"))]
fn has_session(_: &dyn Fn(&str) -> Option<std::ffi::OsString>) -> bool {
    false
}

/// Shows icon, menu and notifications for as long as the future is polled; dropping it takes them away.
///
/// It never ends by itself: a desktop without a tray, a tray that comes later or is restarted, and a session bus that goes
/// away and comes back are all waited for.
#[cfg(target_os = "linux")]
pub async fn run(config: Config) {
    let (picture, pictures) = tokio::sync::watch::channel(picture::Picture::default());
    let (deeds, asked) = tokio::sync::mpsc::channel(deed::MOST_WAITING);
    let (heard, notices) = tokio::sync::mpsc::channel(follow::MOST_NOTICES);
    let address = clipboard::offer(&config);
    let way = follow::Way::default();
    let follower = follow::Follower::new(&config, way.clone(), picture.clone(), heard);
    let doer = deed::Doer::new(config, way, picture);
    tokio::join!(
        follower.follow(),
        doer.carry_out(asked),
        session_bus::show(address, pictures, deeds, notices),
    );
}

/// Shows nothing: see the crate's introduction.
#[cfg(not(target_os = "linux"))]
pub async fn run(_: Config) {
    std::future::pending().await
}

// The resident polls it on whichever thread is free.
#[cfg(target_os = "linux")]
const _: fn(Config) = |config| {
    fn is_send(_: impl Send) {}
    is_send(run(config));
};
