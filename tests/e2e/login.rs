//! Starting at login: switched on and off by the command line and in the pages, told by the entry that the desktop reads.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use nasiko_tests::{
    Resident,
    web_driver::{Web, until},
};

use crate::browser::{Browser, link};

/// A person whose folder for configuration is the test's own.
struct Person {
    configuration: tempfile::TempDir,
    resident: Resident,
}

impl Person {
    fn new() -> Self {
        let configuration = tempfile::tempdir().unwrap();
        let folder = configuration.path().to_str().unwrap();
        let resident = Resident::prepared(
            "unix:///nonexistent/docker.sock",
            &[("XDG_CONFIG_HOME", folder)],
        );
        Self {
            configuration,
            resident,
        }
    }

    fn entry(&self) -> PathBuf {
        self.configuration.path().join("autostart/nasiko.desktop")
    }

    fn is_said_to_start(&self) -> bool {
        self.resident.json(&["settings"])["start_at_login"]
            .as_bool()
            .unwrap()
    }
}

/// The command of a desktop entry, as a desktop hands it to the system.
fn command_of(entry: &Path) -> String {
    let text = std::fs::read_to_string(entry).unwrap();
    let command = text.lines().find_map(|line| line.strip_prefix("Exec="));
    command.unwrap().replace("\\\\", "\\").replace("%%", "%")
}

#[test]
fn what_the_desktop_starts_at_login_is_a_resident() {
    let person = Person::new();
    let resident = &person.resident;
    resident.run(&["up"]).ok();
    assert!(!person.is_said_to_start(), "nobody asked for it");
    let on = resident.json(&["settings", "set", "start_at_login", "true"]);
    assert_eq!(on["start_at_login"], true, "{on:#}");
    resident.run(&["down"]).ok();

    // A login: the desktop runs the entry. Nothing but the entry says which data directory is meant.
    let command = command_of(&person.entry());
    let like = resident.command(&[]);
    let mut desktop = Command::new("/bin/sh");
    desktop.args(["-c", &command]).current_dir("/");
    for (name, value) in like.get_envs().filter(|(name, _)| *name != "NASIKO_HOME") {
        match value {
            Some(value) => desktop.env(name, value),
            None => desktop.env_remove(name),
        };
    }
    let output = desktop.env_remove("NASIKO_HOME").output().unwrap();
    assert!(output.status.success(), "{command}: {output:?}");
    let status = resident.json(&["status"]);
    assert_eq!(status["running"], true, "{status:#}");
    // What a session does that logs in twice, or a person who was faster.
    assert!(desktop.output().unwrap().status.success());
    assert_eq!(resident.json(&["status"])["pid"], status["pid"]);

    // A tool of the desktop that switches programs off writes this.
    let text = std::fs::read_to_string(person.entry()).unwrap();
    std::fs::write(person.entry(), format!("{text}Hidden=true\n")).unwrap();
    assert!(!person.is_said_to_start());
    resident
        .run(&["settings", "set", "start-at-login", "true"])
        .ok();
    assert!(person.is_said_to_start());
    resident
        .run(&["settings", "set", "start-at-login", "false"])
        .ok();
    assert!(!person.is_said_to_start());
    assert!(!person.entry().try_exists().unwrap());

    let refused = resident.run(&["settings", "set", "start-at-login", "perhaps"]);
    assert_eq!(refused.code, 2, "{}", refused.stderr);
}

/// Waits until the switch shows that.
async fn shows(web: &Web, on: &str) {
    until(&format!("the switch says {on}"), async || {
        let state = web
            .script(
                "return document.querySelector('#start-at-login')?.getAttribute('aria-checked')",
            )
            .await;
        if state == on {
            Ok(())
        } else {
            Err(state.to_string())
        }
    })
    .await;
}

#[tokio::test]
async fn browser_switches_the_start_at_login() {
    let test = "browser_switches_the_start_at_login";
    let Some(browser) = Browser::or_skip(test) else {
        return;
    };
    let mut person = Person::new();
    person.resident.serve();
    let web = browser.start().await;
    web.watched(test, async {
        web.open(&link(&person.resident)).await;
        let (base, _) = person.resident.endpoint();
        let page = format!("{base}/settings");
        web.open(&page).await;
        shows(&web, "false").await;
        web.click("#start-at-login").await;
        shows(&web, "true").await;
        web.read(".notices", "starts at login").await;
        assert!(person.entry().is_file());

        // Removed with a tool of the desktop: the page says what is.
        std::fs::remove_file(person.entry()).unwrap();
        web.open(&page).await;
        shows(&web, "false").await;

        // The folder is in the way: it stays off, and says why.
        let folder = person.configuration.path().join("autostart");
        std::fs::remove_dir(&folder).unwrap();
        std::fs::write(&folder, "").unwrap();
        web.click("#start-at-login").await;
        web.read("#start-at-login-fault", "cannot be read or written")
            .await;
        shows(&web, "false").await;
    })
    .await;
    web.quit().await;
}
