//! A desk for a test of the window: a data directory of its own, and the processes that show its window.

use std::{
    path::PathBuf,
    process::{Command, Output},
};

use nasiko_tests::{
    Resident,
    desktop_bus::DesktopBus,
    resident::program,
    screen::Screen,
    skip,
    web_driver::{Web, until},
};
use serde_json::Value;

const NO_ENGINE: &str = "unix:///nonexistent/docker.sock";

/// A data directory whose resident nobody started but the window.
pub(crate) struct Desk {
    pub(crate) resident: Resident,
    driver: PathBuf,
    scratch: tempfile::TempDir,
}

impl Desk {
    pub(crate) fn or_skip(test: &str) -> Option<Self> {
        Self::with_engine_or_skip(test, NO_ENGINE)
    }

    pub(crate) fn with_engine_or_skip(test: &str, docker_host: &str) -> Option<Self> {
        Self::prepared_or_skip(test, docker_host, &[])
    }

    /// One whose resident shows its tray and its notifications on this bus.
    pub(crate) fn on_bus_or_skip(
        test: &str,
        engine: Option<&str>,
        bus: &DesktopBus,
    ) -> Option<Self> {
        let address = bus.address();
        let environment = [
            ("NASIKO_NO_TRAY", "0"),
            ("DBUS_SESSION_BUS_ADDRESS", &address),
        ];
        Self::prepared_or_skip(test, engine.unwrap_or(NO_ENGINE), &environment)
    }

    fn prepared_or_skip(
        test: &str,
        docker_host: &str,
        environment: &[(&str, &str)],
    ) -> Option<Self> {
        skip::path_or_skip(test, "NASIKO_TEST_DISPLAY", "display")?;
        let driver =
            skip::path_or_skip(test, "NASIKO_TEST_WEBKIT_DRIVER", "driver of the webview")?;
        Some(Self {
            resident: Resident::prepared(docker_host, environment),
            driver,
            scratch: tempfile::tempdir().unwrap(),
        })
    }

    /// Opens the window.
    pub(crate) async fn open(&self) -> Web {
        self.open_with(&[]).await
    }

    /// Opens the window with arguments.
    pub(crate) async fn open_with(&self, arguments: &[&str]) -> Web {
        self.open_prepared(arguments, |_| ()).await
    }

    /// Opens the window with arguments, and with variables of its own.
    pub(crate) async fn open_prepared(
        &self,
        arguments: &[&str],
        prepare: impl FnOnce(&mut Command),
    ) -> Web {
        let like = self.resident.command(&[]);
        let window = program("nasiko-desktop");
        let web = Web::window_with(
            &self.driver,
            &window,
            arguments,
            self.scratch.path(),
            |command: &mut Command| {
                for (name, value) in like.get_envs() {
                    match value {
                        Some(value) => command.env(name, value),
                        None => command.env_remove(name),
                    };
                }
                prepare(command);
            },
        )
        .await;
        web.watch().await;
        web
    }

    /// Starts the program once more while the window is open; gives how that ended.
    pub(crate) fn start_again(&self, arguments: &[&str]) -> Output {
        self.program().args(arguments).output().unwrap()
    }

    /// The program of the window, not yet run, and driven by nobody.
    pub(crate) fn program(&self) -> Command {
        let like = self.resident.command(&[]);
        let mut command = Command::new(program("nasiko-desktop"));
        for (name, value) in like.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }

    /// The resident's process, as it says itself.
    pub(crate) fn resident_process(&self) -> u64 {
        self.resident.json(&["status"])["pid"].as_u64().unwrap()
    }

    /// Deploys an example.
    pub(crate) fn deploy(&self, example: &str) {
        let folder = nasiko_tests::example(example).canonicalize().unwrap();
        self.resident.json(&["deploy", folder.to_str().unwrap()]);
    }

    /// The processes of the window: the program's own.
    pub(crate) fn window_processes(&self) -> Vec<u32> {
        let own = program("nasiko-desktop");
        self.processes(|exe| exe == own)
    }

    /// The processes that WebKit runs for it.
    pub(crate) fn webview_processes(&self) -> Vec<u32> {
        self.processes(|exe| {
            exe.to_string_lossy().contains("WebKit") && !exe.ends_with("WebKitWebDriver")
        })
    }

    /// Closes the window, and waits until nothing of it runs.
    pub(crate) async fn close(&self, web: Web) {
        web.close().await;
        self.has_closed(web).await;
    }

    /// Closes the window as the cross in its corner does, and waits until nothing of it runs. A driver leaves the process no
    /// time to end.
    pub(crate) async fn close_by_hand(&self, web: Web, screen: &Screen) {
        screen.close(screen.window_of(self.window_processes()[0]));
        self.has_closed(web).await;
    }

    async fn has_closed(&self, web: Web) {
        until("the window's processes end", async || {
            match [self.window_processes(), self.webview_processes()].concat() {
                none if none.is_empty() => Ok(()),
                some => Err(format!("{some:?}")),
            }
        })
        .await;
        web.quit().await;
    }

    /// What the window's process has written down for the next one.
    pub(crate) fn kept(&self) -> Value {
        let text = std::fs::read_to_string(self.resident.home().join("window.json"));
        text.ok()
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default()
    }

    /// Waits until the window's process has written down what `is_it` looks for.
    pub(crate) async fn keeps(&self, what: &str, is_it: impl Fn(&Value) -> bool) {
        until(what, async || {
            let kept = self.kept();
            if is_it(&kept) {
                Ok(())
            } else {
                Err(kept.to_string())
            }
        })
        .await;
    }

    fn processes(&self, is_it: impl Fn(&std::path::Path) -> bool) -> Vec<u32> {
        let mark = format!("NASIKO_HOME={}", self.resident.home().display());
        let processes = std::fs::read_dir("/proc").unwrap();
        processes
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
            .filter(|pid| {
                let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
                std::fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| is_it(&exe))
                    && environment
                        .split(|byte| *byte == 0)
                        .any(|variable| variable == mark.as_bytes())
            })
            .collect()
    }
}

/// Waits until the page is at that path.
pub(crate) async fn is_at(web: &Web, path: &str) {
    until(&format!("the page is at {path}"), async || {
        match web.script("return location.pathname").await {
            at if at == path => Ok(()),
            at => Err(at.to_string()),
        }
    })
    .await;
}

impl Drop for Desk {
    fn drop(&mut self) {
        // Nobody's child: it is asked to end, as a person would.
        self.resident.run(&["down", "--stop-agents"]);
    }
}
