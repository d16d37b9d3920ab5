//! The page of the doctor in a real browser.

use std::os::unix::{fs::PermissionsExt, net::UnixListener};

use nasiko_tests::{Resident, folder};

use crate::browser::{Browser, link};

const FINDING: &str = "[data-check=\"data.permissions\"]";

#[tokio::test]
async fn browser_shows_what_is_wrong_mends_it_and_makes_a_report() {
    let test = "browser_shows_what_is_wrong_mends_it_and_makes_a_report";
    let Some(browser) = Browser::or_skip(test) else {
        return;
    };
    let resident = Resident::start();
    let mode = || {
        let about = std::fs::metadata(resident.home()).unwrap();
        about.permissions().mode() & 0o777
    };
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(resident.home(), open).unwrap();
    let web = browser.start().await;
    web.watched(test, async {
        web.open(&link(&resident)).await;
        let (base, _) = resident.endpoint();
        web.open(&format!("{base}/doctor")).await;
        web.read(".page-head", "checks failed").await;
        web.read(&format!("{FINDING} .evidence"), "0755").await;
        web.read(".rail a[href=\"/doctor\"]", "checks failed").await;

        web.click(&format!("{FINDING} button")).await;
        web.read(FINDING, "Only the owner may read").await;
        assert_eq!(mode(), 0o700);
        web.gone(&format!("{FINDING} .evidence")).await;

        // What is well is behind a line.
        web.click(".checks summary").await;
        web.see(".quiet-row").await;

        web.script("[...document.querySelectorAll('.page-head button')].find((one) => one.textContent.includes('Report')).click()")
            .await;
        let report = web.read("pre.report", "`data.permissions`").await;
        let (_, token) = resident.endpoint();
        assert!(!report.contains(&token), "{report}");
    })
    .await;
    web.quit().await;
}

#[tokio::test]
async fn browser_shows_each_check_as_it_ends_until_it_is_stopped() {
    let test = "browser_shows_each_check_as_it_ends_until_it_is_stopped";
    let Some(browser) = Browser::or_skip(test) else {
        return;
    };
    // The resident of a test leaves an engine alone that it finds at such a place.
    let place = folder(&[("nonexistent/here", "")]);
    let socket = place.path().join("nonexistent/docker.sock");
    let _takes_calls_and_never_answers = UnixListener::bind(&socket).unwrap();
    let mut resident = Resident::prepared(&format!("unix://{}", socket.display()), &[]);
    resident.serve();
    let web = browser.start().await;
    web.watched(test, async {
        web.open(&link(&resident)).await;
        let (base, _) = resident.endpoint();
        web.open(&format!("{base}/doctor")).await;
        web.see(".doctor-course [role=progressbar]").await;
        // Others are told while the engine is still waited for.
        web.see(".checks summary").await;
        let button = ".page-head .button.primary";
        web.read(button, "Stop").await;
        web.click(button).await;
        web.gone(".doctor-course").await;
        web.see(".checks summary").await;

        web.click(button).await;
        web.see(".doctor-course").await;
        web.read("[data-check=\"engine.running\"]", "does not answer")
            .await;
        web.read(button, "Check again").await;
    })
    .await;
    web.quit().await;
}

#[tokio::test]
async fn browser_says_in_the_rail_what_anybodys_look_found() {
    let test = "browser_says_in_the_rail_what_anybodys_look_found";
    let Some(browser) = Browser::or_skip(test) else {
        return;
    };
    let resident = Resident::start();
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(resident.home(), open).unwrap();
    let failed = |words: &[&str]| {
        let document = resident.try_json(words).json();
        let checks = document.as_array().unwrap().iter();
        checks.filter(|check| check["state"] == "failed").count()
    };
    let before = failed(&["doctor"]);
    assert!(before > 0);
    let web = browser.start().await;
    web.watched(test, async {
        const COUNT: &str = ".rail a[href=\"/doctor\"] .count";
        web.open(&link(&resident)).await;
        web.read(COUNT, &before.to_string()).await;
        match failed(&["doctor", "--fix"]) {
            0 => web.gone(COUNT).await,
            left => drop(web.read(COUNT, &left.to_string()).await),
        }
    })
    .await;
    web.quit().await;
}
