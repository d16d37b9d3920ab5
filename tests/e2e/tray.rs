//! The tray and the notifications of the resident, on a session bus of the test.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use nasiko_tests::{
    Resident,
    api::ask,
    desktop_bus::{DesktopBus, NotificationDaemon, TrayHost, until},
    eventually, folder, program,
    resident::program as nasiko,
};
use serde_json::Value;
use tempfile::TempDir;

const NO_ENGINE: &str = "unix:///nonexistent/docker.sock";

/// Answers once; started again, it ends at once.
const FRAGILE: &str = "\
import pathlib, sys
started = pathlib.Path(__file__).with_name('started')
if started.exists():
    sys.exit(3)
started.touch()
";

/// A resident with a tray, and a program in place of the window's that writes down how it was started.
struct Desk {
    resident: Resident,
    bus: DesktopBus,
    programs: TempDir,
}

impl Desk {
    fn start() -> Self {
        Self::start_with(Resident::prepared(NO_ENGINE, &[]))
    }

    fn start_with(mut resident: Resident) -> Self {
        let bus = DesktopBus::start();
        // The window's program is looked for beside the resident's own.
        let programs = TempDir::new_in(nasiko("nasiko").parent().unwrap()).unwrap();
        let own = programs.path().join("nasiko");
        std::fs::hard_link(nasiko("nasiko"), &own).unwrap();
        write_window(programs.path());
        resident.serve_with(|as_usual| {
            let mut command = Command::new(&own);
            command.args(as_usual.get_args());
            for (name, value) in as_usual.get_envs() {
                match value {
                    Some(value) => command.env(name, value),
                    None => command.env_remove(name),
                };
            }
            command.env("NASIKO_NO_TRAY", "0");
            command.env("DBUS_SESSION_BUS_ADDRESS", bus.address());
            command
        });
        Self {
            resident,
            bus,
            programs,
        }
    }

    fn deploy(&self, name: &str, before: &str) -> TempDir {
        let source = folder(&[("main.py", &program::saying("WORD", before))]);
        let path = source.path().to_str().unwrap();
        self.resident.run(&["deploy", path, "--name", name]).ok();
        source
    }

    /// Waits until the window was asked to show a page.
    fn opened(&self, link: &str) {
        let record = self.programs.path().join("opened");
        eventually("the window is opened", || {
            let opened = std::fs::read_to_string(&record).unwrap_or_default();
            if opened.lines().any(|line| line == link) {
                Ok(())
            } else {
                Err(opened)
            }
        });
    }

    fn state_of(&self, agent: &str) -> String {
        let rows = self.resident.json(&["ps"]);
        let rows = rows.as_array().unwrap();
        let row = rows.iter().find(|row| row["name"] == agent);
        row.map_or_else(String::new, |row| row["state"].as_str().unwrap().to_owned())
    }

    fn has_ended(&mut self) {
        let home = self.resident.home().to_owned();
        eventually("the control plane ends", || {
            match home.join("endpoint.json").try_exists() {
                Ok(false) => Ok(()),
                _ => Err("it is there".to_owned()),
            }
        });
    }
}

fn write_window(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let window: PathBuf = folder.join("nasiko-desktop");
    let record = folder.join("opened");
    let script = format!("#!/bin/sh\necho \"$*\" >> '{}'\n", record.display());
    std::fs::write(&window, script).unwrap();
    std::fs::set_permissions(&window, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Ends an agent's process as a crash does.
fn crash(resident: &Resident) {
    let [pid] = resident.agent_processes()[..] else {
        panic!("one agent runs");
    };
    let killed = Command::new("kill").args(["-9", &pid.to_string()]).status();
    assert!(killed.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tray_stops_and_starts_an_agent_and_opens_its_page() {
    let desk = Desk::start();
    let host = TrayHost::start(&desk.bus).await;
    let item = host.item().await;
    item.entry(&["Stopped: nothing runs"]).await;
    let _source = desk.deploy("under_score".replace('_', "-").as_str(), "");
    let agent = ["Agents: 1", "under-score: active"];
    item.entry(&["Healthy: 1 agent answers"]).await;
    item.click(&[agent[0], agent[1], "Stop"]).await;
    item.entry(&["Agents: 1", "under-score: stopped"]).await;
    assert_eq!(desk.state_of("under-score"), "stopped");
    item.click(&["Agents: 1", "under-score: stopped", "Start"])
        .await;
    item.entry(&agent).await;
    item.click(&[agent[0], agent[1], "Open chat"]).await;
    desk.opened("nasiko://open/agents/under-score/chat");
    item.click(&["Doctor"]).await;
    desk.opened("nasiko://open/doctor");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_engine_the_tray_says_why_the_stack_does_not_start() {
    let desk = Desk::start();
    let host = TrayHost::start(&desk.bus).await;
    let item = host.item().await;
    item.click(&["Stack: off", "Start core"]).await;
    let entry = item.entry(&["Stack", "No container engine"]).await;
    assert!(!entry.enabled, "it is to be read");
    item.entry(&["Degraded: the stack cannot be looked at"])
        .await;
    let notice = &desk.resident.json(&["notices", "--unread"])[0];
    assert_eq!(notice["title"], "Bringing the stack up failed");
    assert_eq!(notice["target"], "/stack");
    item.click(&["Notices: 1 unread", "Mark all as read"]).await;
    until("it is read", async || {
        let unread = desk.resident.json(&["notices", "--unread"]);
        if unread.as_array().is_some_and(Vec::is_empty) {
            Ok(())
        } else {
            Err(unread.to_string())
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_changes_the_icon_and_its_notification_opens_the_agents_page() {
    let desk = Desk::start();
    let host = TrayHost::start(&desk.bus).await;
    let daemon = NotificationDaemon::start(&desk.bus).await;
    let item = host.item().await;
    let _source = desk.deploy("fragile", FRAGILE);
    item.entry(&["Healthy"]).await;
    let deployed = daemon.titled("fragile was deployed").await;
    let well = item.icons().await;
    let sizes: Vec<i32> = well.iter().map(|(width, ..)| *width).collect();
    assert_eq!(sizes, [22, 24, 32, 48]);
    assert_eq!(item.status().await, "Active");

    crash(&desk.resident);
    item.entry(&["Failing: 1 agent failed"]).await;
    let failing = until("the icon changes", async || match item.icons().await {
        icons if icons == well => Err("it is as before".to_owned()),
        icons => Ok(icons),
    })
    .await;
    let shape = |icons: &[(i32, i32, Vec<u8>)]| -> Vec<u8> {
        icons[0].2.chunks(4).map(|pixel| pixel[0]).collect()
    };
    assert_ne!(shape(&well), shape(&failing), "not by colour alone");
    assert_eq!(item.status().await, "NeedsAttention");
    assert!(item.tool_tip().await.starts_with("Failing: 1 agent failed"));

    let crashed = daemon.titled("fragile crashed").await;
    assert!(!crashed.body.is_empty(), "it says why");
    assert_eq!(crashed.actions, ["default", "Open", "open", "Open"]);
    daemon.click(&crashed).await;
    desk.opened("nasiko://open/agents/fragile");
    // What was read elsewhere is taken away.
    item.click(&["Notices", "Mark all as read"]).await;
    until("it is withdrawn", async || {
        let all = daemon.all();
        if all
            .iter()
            .any(|shown| shown.id == deployed.id && shown.withdrawn)
        {
            Ok(())
        } else {
            Err(format!("{all:?}"))
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_is_notified_once_a_minute_and_kept_unseen_while_notifications_are_off() {
    let desk = Desk::start();
    let daemon = NotificationDaemon::start(&desk.bus).await;
    let host = TrayHost::start(&desk.bus).await;
    host.item().await.entry(&["Stopped"]).await;
    desk.resident
        .run(&["settings", "set", "notifications", "false"])
        .ok();
    let _source = desk.deploy("steady", "");
    desk.resident
        .run(&["settings", "set", "notifications", "true"])
        .ok();
    for restarts in 1..=2 {
        crash(&desk.resident);
        until("it answers again", async || {
            let detail = desk.resident.json(&["ps"]);
            let row = &detail[0];
            if row["state"] == "active" && row["restarts"] == restarts {
                Ok(())
            } else {
                Err(detail.to_string())
            }
        })
        .await;
        daemon.titled("steady recovered").await;
    }
    let titles: Vec<String> = daemon
        .all()
        .into_iter()
        .map(|shown| shown.summary)
        .collect();
    assert_eq!(
        titles,
        ["steady crashed", "steady recovered"],
        "the second crash is held back"
    );
    let inbox = desk.resident.json(&["notices"]);
    let rows: Vec<(&str, bool)> = inbox
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["title"].as_str().unwrap(), row["shown"] == true))
        .collect();
    let kept = [
        ("steady recovered", true),
        ("steady crashed", true),
        ("steady was deployed", false),
    ];
    assert_eq!(rows, kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn to_quit_from_the_tray_keeps_agents_or_stops_them() {
    for (words, kept) in [
        ("Quit and keep agents running", true),
        ("Quit and stop agents", false),
    ] {
        let mut desk = Desk::start();
        let host = TrayHost::start(&desk.bus).await;
        let item = host.item().await;
        let _source = desk.deploy("stays", "");
        let answers = ask(&address_of(&desk.resident, "stays")).await;
        assert!(answers.starts_with("WORD"), "{answers}");
        item.click(&["Quit", words]).await;
        desk.has_ended();
        assert_eq!(
            desk.resident.agent_processes().len(),
            usize::from(kept),
            "{words}"
        );
        desk.resident.run(&["up"]).ok();
    }
}

fn address_of(resident: &Resident, agent: &str) -> String {
    let status: Value = resident.json(&["status"]);
    format!("{}/{agent}/", status["gateway"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tray_comes_back_after_the_panel_and_after_the_session() {
    let mut desk = Desk::start();
    let host = TrayHost::start(&desk.bus).await;
    host.item().await.entry(&["Stopped"]).await;

    // The panel is restarted.
    host.end().await;
    let host = TrayHost::start(&desk.bus).await;
    host.item().await.entry(&["Stopped"]).await;

    // The whole session ends; the control plane does not, and neither do its agents.
    desk.bus.end();
    let _source = desk.deploy("outlives", "");
    assert_eq!(desk.state_of("outlives"), "active");
    desk.bus.begin();
    let host = TrayHost::start(&desk.bus).await;
    host.item().await.entry(&["Healthy: 1 agent answers"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tray_goes_to_another_context_and_back() {
    let work = Resident::start();
    let desk = Desk::start();
    let path = work.home().to_str().unwrap();
    desk.resident.run(&["context", "add", "work", path]).ok();
    let host = TrayHost::start(&desk.bus).await;
    let item = host.item().await;
    item.look().await;
    let source = folder(&[("main.py", &program::saying("WORD", ""))]);
    let folder = source.path().to_str().unwrap();
    work.run(&["deploy", folder, "--name", "at-work"]).ok();
    let local = item.entry(&["Context: local", "local"]).await;
    assert!(local.checked, "{local:?}");
    item.click(&["Context: local", "work"]).await;
    item.entry(&["Agents: 1", "at-work: active"]).await;
    assert!(item.entry(&["Context: work", "work"]).await.checked);
    // Chosen elsewhere, it is seen when somebody looks.
    desk.resident.run(&["context", "use", "local"]).ok();
    item.look().await;
    item.entry(&["Agents: 0"]).await;
}
