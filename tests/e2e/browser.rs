//! The web UI in a real browser.

use std::path::PathBuf;

use nasiko_tests::{
    Resident, example, skip,
    web_driver::{Web, free_port, until},
};

use crate::conversation::{self, ENTER};

pub(crate) const TAB: &str = "\u{e004}";
/// A focus that does not come to its goal within so many steps never does.
const MOST_TABS: usize = 40;

pub(crate) struct Browser {
    driver: PathBuf,
    chromium: PathBuf,
    scratch: tempfile::TempDir,
}

impl Browser {
    pub(crate) fn or_skip(test: &str) -> Option<Self> {
        Some(Self {
            driver: skip::path_or_skip(test, "NASIKO_TEST_CHROMEDRIVER", "driver of a browser")?,
            chromium: skip::path_or_skip(test, "NASIKO_TEST_CHROMIUM", "browser")?,
            scratch: tempfile::tempdir().unwrap(),
        })
    }

    pub(crate) async fn start(&self) -> Web {
        Web::chromium(&self.driver, &self.chromium, self.scratch.path()).await
    }
}

/// A link that lets a browser in, once.
pub(crate) fn link(resident: &Resident) -> String {
    let output = resident.run(&["open", "--print"]).ok();
    output.stdout.trim().to_owned()
}

#[tokio::test]
async fn browser_from_a_folder_to_a_conversation() {
    let test = "browser_from_a_folder_to_a_conversation";
    let Some(browser) = Browser::or_skip(test) else {
        return;
    };
    let resident = Resident::start();
    let web = browser.start().await;
    web.watched(test, async {
        web.open(&link(&resident)).await;
        conversation::walk(&web).await;
    })
    .await;
    web.quit().await;
}

#[tokio::test]
async fn browser_by_keyboard_alone() {
    let test = "browser_by_keyboard_alone";
    let Some(browser) = Browser::or_skip(test) else {
        return;
    };
    let resident = Resident::with_greeter();
    let web = browser.start().await;
    web.watched(test, async {
        web.open(&link(&resident)).await;
        web.read("table.rows", "greeter").await;
        tab_to(&web, "/agents/greeter").await;
        web.keys(ENTER).await;
        web.see("nav.tabs").await;
        tab_to(&web, "/agents/greeter/chat").await;
        web.keys(ENTER).await;
        until("the focus is where one writes", async || {
            let focus = web.script("return document.activeElement.id").await;
            if focus == "message" {
                Ok(())
            } else {
                Err(focus.to_string())
            }
        })
        .await;
        web.keys("My name is Grace").await;
        web.keys(ENTER).await;
        web.read(".answer:not(.arriving)", "Grace").await;
    })
    .await;
    web.quit().await;
}

/// Goes on with the Tab key until the link to `target` has the focus, and shows it.
async fn tab_to(web: &Web, target: &str) {
    let look = "const one = document.activeElement; const style = getComputedStyle(one);
        return [one.getAttribute('href') || '', one.matches(':focus-visible') && style.outlineStyle !== 'none'
            && parseFloat(style.outlineWidth) > 0, one.outerHTML.slice(0, 200)]";
    for _ in 0..MOST_TABS {
        web.keys(TAB).await;
        let focus = web.script(look).await;
        assert_eq!(focus[1], true, "who has the focus shows it: {focus}");
        if focus[0] == target {
            return;
        }
    }
    panic!("the Tab key does not come to {target}");
}

#[tokio::test]
async fn browser_at_an_agent_that_is_not_there() {
    let test = "browser_at_an_agent_that_is_not_there";
    let Some(browser) = Browser::or_skip(test) else {
        return;
    };
    let resident = Resident::with_greeter();
    let web = browser.start().await;
    web.watched(test, async {
        web.open(&link(&resident)).await;
        let (base, _) = resident.endpoint();
        web.open(&format!("{base}/agents/greter")).await;
        let card = web.read(".error-card", "agent.not_found").await;
        assert!(card.contains("greeter"), "the nearest one is named: {card}");
        web.open(&format!("{base}/no/such/page")).await;
        web.read("main", "There is no such page").await;
    })
    .await;
    web.quit().await;
}

#[tokio::test]
async fn browser_without_a_link_is_told_how_to_come_in() {
    let test = "browser_without_a_link_is_told_how_to_come_in";
    let Some(browser) = Browser::or_skip(test) else {
        return;
    };
    let resident = Resident::start();
    let web = browser.start().await;
    web.watched(test, async {
        let (base, _) = resident.endpoint();
        web.open(&base).await;
        web.read("body", "nasiko open").await;
        let used = link(&resident);
        web.open(&used).await;
        web.see("#deploy-path").await;
        let title = web.script("return document.title").await;
        assert_eq!(title, "Home · Nasiko");
        let cookie = web.script("return document.cookie").await;
        assert_eq!(cookie, "", "no script reads the session");
    })
    .await;
    web.quit().await;
}

#[tokio::test]
async fn browser_when_the_control_plane_dies() {
    let test = "browser_when_the_control_plane_dies";
    let Some(browser) = Browser::or_skip(test) else {
        return;
    };
    let port = free_port().to_string();
    let mut resident = Resident::prepared(
        "unix:///nonexistent/docker.sock",
        &[("NASIKO_API_PORT", &port)],
    );
    resident.serve();
    resident
        .run(&["deploy", example("greeter").to_str().unwrap()])
        .ok();
    let web = browser.start().await;
    web.watched(test, async {
        web.open(&link(&resident)).await;
        web.read("table.rows", "Running").await;
        web.read(".resident", "Connected").await;
        web.script("window.__same = true").await;

        resident.kill();
        web.read(".link-banner", "Trying again").await;
        web.read(".resident", "Connecting").await;
        web.read("table.rows", "greeter").await;

        resident.serve();
        // Sessions end with the control plane that opened them: the page says so, and how to come back.
        web.read("main", "Not signed in").await;
        web.read("main", "nasiko open").await;
        assert_eq!(
            web.script("return window.__same").await,
            true,
            "it was not loaded again"
        );
        web.open(&link(&resident)).await;
        web.read("table.rows", "Running").await;
        web.read(".resident", "Connected").await;
    })
    .await;
    web.quit().await;
}
