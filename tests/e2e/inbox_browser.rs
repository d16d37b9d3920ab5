//! The inbox in a browser: a crash that nobody saw, from its notice to the page that tells more.

use std::process::Command;

use nasiko_tests::{
    Api, Resident,
    web_driver::{Web, until},
};
use serde_json::{Value, json};

use crate::browser::{Browser, link};

/// Ends the one agent as a crash does, and waits until it answers again.
pub(crate) async fn crash(resident: &Resident) {
    let [pid] = resident.agent_processes()[..] else {
        panic!("one agent runs");
    };
    let killed = Command::new("kill").args(["-9", &pid.to_string()]).status();
    assert!(killed.unwrap().success());
    let api = Api::of(resident);
    until("it is told of, and that it answers again", async || {
        let (_, notices) = api.get("/notices").await;
        let kinds = kinds(&notices);
        if kinds.iter().any(|kind| kind == "agent-recovered") {
            Ok(())
        } else {
            Err(format!("{kinds:?}"))
        }
    })
    .await;
}

fn kinds(notices: &Value) -> Vec<String> {
    let items = notices["items"].as_array().unwrap().iter();
    items
        .map(|notice| notice["kind"].as_str().unwrap().to_owned())
        .collect()
}

/// The titles that are shown, newest first.
async fn titles(web: &Web) -> Value {
    web.script(
        "return [...document.querySelectorAll('.inbox-what strong')].map((one) => one.textContent)",
    )
    .await
}

#[tokio::test]
async fn browser_inbox_tells_of_a_crash_until_it_is_cleared() {
    let test = "browser_inbox_tells_of_a_crash_until_it_is_cleared";
    let Some(browser) = Browser::or_skip(test) else {
        return;
    };
    let resident = Resident::start();
    let web = browser.start().await;
    web.watched(test, async {
        web.open(&link(&resident)).await;
        web.click("nav.rail a[href='/inbox']").await;
        web.read(".empty", "Nothing has happened that you have not seen")
            .await;
        web.read(".page-head", "All read").await;

        let greeter = nasiko_tests::example("greeter");
        resident.run(&["deploy", greeter.to_str().unwrap()]).ok();
        web.read(".inbox", "greeter").await;
        crash(&resident).await;
        web.read(".inbox", "greeter recovered").await;
        web.read("nav.rail a[href='/inbox']", "3").await;
        web.read(".page-head", "3 unread").await;
        let shown = titles(&web).await;
        assert_eq!(shown[0], "greeter recovered", "the newest first: {shown}");
        assert_eq!(shown[1], "greeter crashed", "{shown}");

        // It leads to the agent, and is read by that.
        web.click(".inbox-row:nth-child(2) a").await;
        web.read(".page-head h1", "greeter").await;
        web.click("nav.rail a[href='/inbox']").await;
        web.read(".page-head", "2 unread").await;
        assert_eq!(web.count(".inbox-row.unread").await, 2);
        web.click("#read-all").await;
        web.read(".page-head", "All read").await;
        web.gone(".inbox-row.unread").await;

        // One is cleared and comes back, then all of them.
        web.click("[aria-label='Clear: greeter crashed']").await;
        web.gone("[aria-label='Clear: greeter crashed']").await;
        web.read(".notice.undo", "1 notice cleared").await;
        web.click("#undo-clear").await;
        web.see("[aria-label='Clear: greeter crashed']").await;
        assert_eq!(titles(&web).await, shown, "where it was");
        web.click("#clear-all").await;
        web.see(".empty").await;
        web.read(".notice.undo", "3 notices cleared").await;
        let (_, kept) = Api::of(&resident).get("/notices").await;
        assert_eq!(kept["items"], json!([]));
        web.click("#undo-clear").await;
        web.read(".inbox", "greeter crashed").await;
        web.read(".page-head", "All read").await;
        assert_eq!(web.wrong().await, Vec::<String>::new());
    })
    .await;
    web.quit().await;
}

#[tokio::test]
async fn browser_inbox_keeps_what_came_in_quiet_hours() {
    let test = "browser_inbox_keeps_what_came_in_quiet_hours";
    let Some(browser) = Browser::or_skip(test) else {
        return;
    };
    let resident = Resident::with_greeter();
    // The whole day but a minute that is not now.
    resident
        .run(&["settings", "set", "quiet-hours", &nearly_always()])
        .ok();
    crash(&resident).await;
    let web = browser.start().await;
    web.watched(test, async {
        web.open(&link(&resident)).await;
        // Nothing pops up, but it is counted and kept.
        web.click("nav.rail a[href='/inbox']").await;
        web.read(".inbox-row:nth-child(2)", "Quiet").await;
        web.read(".page-head", "unread").await;
        let deployed = web.text(".inbox-row:last-child").await.unwrap();
        assert!(
            !deployed.contains("Quiet"),
            "it came before they began: {deployed}"
        );
    })
    .await;
    web.quit().await;
}

/// Quiet hours of the whole day but one minute of its first hour.
fn nearly_always() -> String {
    let minutes = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs()
        / 60;
    // Time zones differ by quarters of an hour: in none of them is that minute now, or soon.
    let off = (minutes + 7) % 15;
    format!("00:{:02}-00:{off:02}", off + 1)
}
