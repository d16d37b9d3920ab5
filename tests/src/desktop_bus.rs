//! A session bus of its own with doubles of what a desktop has there: the host of the tray, and whoever shows
//! notifications. The desktop of the person who runs the tests is not touched.

mod notifications;
mod tray_host;

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;
use zbus::{Connection, connection};

pub use notifications::{Notification, NotificationDaemon};
pub use tray_host::{Entry, TrayHost, TrayItem};

use crate::{eventually, wait::PATIENCE};

/// A session bus, ended with the value.
pub struct DesktopBus {
    folder: TempDir,
    daemon: Option<Child>,
}

impl DesktopBus {
    /// Starts one.
    pub fn start() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let text = format!(
            "<busconfig><type>session</type><listen>{}</listen><policy context=\"default\">\
             <allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/>\
             </policy></busconfig>",
            address_in(&folder)
        );
        std::fs::write(folder.path().join("bus.conf"), text).expect("the bus is configured");
        let mut bus = Self {
            folder,
            daemon: None,
        };
        bus.begin();
        bus
    }

    /// Starts it at its address, after [`DesktopBus::end`].
    pub fn begin(&mut self) {
        let configuration = self.folder.path().join("bus.conf");
        let daemon = Command::new("dbus-daemon")
            .args(["--nofork", "--print-address"])
            .arg(format!("--config-file={}", configuration.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a session bus starts");
        self.daemon = Some(daemon);
        eventually("the bus answers", || {
            std::os::unix::net::UnixStream::connect(self.socket())
                .map(drop)
                .map_err(|error| error.to_string())
        });
    }

    /// Ends it, as the end of a desktop session does.
    pub fn end(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            drop(daemon.kill());
            drop(daemon.wait());
            drop(std::fs::remove_file(self.socket()));
        }
    }

    /// Its address.
    pub fn address(&self) -> String {
        address_in(&self.folder)
    }

    /// A connection of its own.
    pub async fn connect(&self) -> Connection {
        self.builder()
            .build()
            .await
            .expect("the bus takes a connection")
    }

    fn builder(&self) -> connection::Builder<'static> {
        connection::Builder::address(self.address().as_str())
            .expect("an address")
            .method_timeout(PATIENCE)
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("bus")
    }
}

impl Drop for DesktopBus {
    fn drop(&mut self) {
        self.end();
    }
}

fn address_in(folder: &TempDir) -> String {
    format!("unix:path={}", folder.path().join("bus").display())
}

/// Looks until `look` gives something; fails with `what` and the last reason when that takes too long.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Result<T, String>) -> T {
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        match look().await {
            Ok(found) => return found,
            Err(reason) => {
                assert!(std::time::Instant::now() < deadline, "{what}: {reason}");
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        }
    }
}
