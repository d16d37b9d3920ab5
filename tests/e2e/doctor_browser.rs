//! The page of the doctor in a real browser.

use std::os::unix::fs::PermissionsExt;

use nasiko_tests::Resident;

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
