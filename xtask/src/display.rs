//! A display of our own for tests that open windows: a virtual X server and a session bus, so that nothing appears on
//! the developer's screen and nothing of the developer's desktop is seen.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::command::command;
use crate::daemon::Daemon;
use crate::places::{Places, program_on_path};

const START: Duration = Duration::from_secs(15);

/// Ends when dropped.
pub(crate) struct Display {
    /// Variables for programs that are to use it.
    pub(crate) env: Vec<(String, String)>,
    /// What is on the screen, as a window dump that changes with it.
    pub(crate) screen: PathBuf,
    _server: Daemon,
    _bus: Daemon,
}

/// Starts both on addresses that they choose themselves.
pub(crate) fn start(places: &Places, scratch: &Path) -> Result<Display> {
    let xvfb = program_on_path("Xvfb").context("Xvfb is not installed")?;
    let dbus = program_on_path("dbus-daemon").context("dbus-daemon is not installed")?;
    let mut server = command(places, xvfb);
    server.args([
        "-displayfd",
        "1",
        "-screen",
        "0",
        "1280x800x24",
        "-nolisten",
        "tcp",
        // Else it starts anew whenever its last client leaves, and refuses whoever comes just then.
        "-noreset",
        "-fbdir",
    ]);
    server.arg(scratch);
    let mut server = Daemon::start("Xvfb", &mut server, &places.logs().join("xvfb.log"))?;
    let mut bus = command(places, dbus);
    bus.args(["--session", "--nofork", "--print-address=1"]);
    let mut bus = Daemon::start("dbus-daemon", &mut bus, &places.logs().join("dbus.log"))?;

    let mut number = None;
    server.until(START, |said| {
        number = said
            .lines()
            .find(|line| !line.is_empty() && line.bytes().all(|b| b.is_ascii_digit()))
            .map(str::to_owned);
        number.is_some()
    })?;
    let mut address = None;
    bus.until(START, |said| {
        address = said
            .lines()
            .find(|line| line.starts_with("unix:"))
            .map(str::to_owned);
        address.is_some()
    })?;
    let env = [
        ("DISPLAY", format!(":{}", number.unwrap_or_default())),
        ("DBUS_SESSION_BUS_ADDRESS", address.unwrap_or_default()),
        ("XDG_RUNTIME_DIR", scratch.display().to_string()),
        ("GDK_BACKEND", "x11".to_owned()),
        ("NO_AT_BRIDGE", "1".to_owned()),
        ("WEBKIT_DISABLE_COMPOSITING_MODE", "1".to_owned()),
        ("NASIKO_TEST_DISPLAY", "1".to_owned()),
    ];
    let env = env
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    Ok(Display {
        env,
        screen: scratch.join("Xvfb_screen0"),
        _server: server,
        _bus: bus,
    })
}
