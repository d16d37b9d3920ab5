//! What people do most besides, without a mouse: agents, jobs, settings, notices, secrets, the stack, the doctor.

use nasiko_tests::{
    Api, Resident, folder, program,
    web_driver::{Web, until},
};
use serde_json::{Value, json};

use crate::{
    browser::{Browser, TAB, link},
    conversation::ENTER,
    keyboard::{ESCAPE, focus_is, focus_named, has_keyboard, press, run, tab_to},
    stack::Scene,
};

const SPACE: &str = " ";
/// Starts or stops an agent, once no job of it is under way any more.
const READY: &str = "[id='agent.switch']:not([aria-disabled])";

/// One that stays, and one that nobody waits for.
const SERVICES: &str = r#"
services:
  worker:
    image: busybox
    init: true
    command: [sleep, "3600"]
"#;

/// Opens the pages and does something there by keys alone; nothing may go wrong in them.
async fn by_keyboard(test: &str, resident: &Resident, scenario: impl AsyncFnOnce(&Web)) {
    let Some(browser) = Browser::or_skip(test) else {
        return;
    };
    let web = browser.start().await;
    web.watched(test, async {
        web.open(&link(resident)).await;
        web.read(".resident", "Connected").await;
        scenario(&web).await;
        assert_eq!(web.wrong().await, Vec::<String>::new());
    })
    .await;
    web.quit().await;
}

/// Waits until an operation without fields answers what `is_it` looks for.
async fn told(resident: &Resident, path: &str, what: &str, is_it: impl Fn(&Value) -> bool) {
    let api = Api::of(resident);
    until(what, async || {
        let (_, answer) = api.get(path).await;
        if is_it(&answer) {
            Ok(())
        } else {
            Err(answer.to_string())
        }
    })
    .await;
}

#[tokio::test]
async fn browser_stops_and_starts_an_agent_by_keyboard() {
    let resident = Resident::with_greeter();
    let test = "browser_stops_and_starts_an_agent_by_keyboard";
    by_keyboard(test, &resident, async |web| {
        web.read("table.rows", "greeter").await;
        press(web, "greeter").await;
        web.see("nav.tabs").await;
        has_keyboard(web).await;
        press(web, "Stop").await;
        web.read(".page-head .state", "Stopped").await;
        // What stops gives way to what starts, and the keyboard with it.
        focus_named(web, "Start").await;
        web.see(READY).await;
        web.keys(ENTER).await;
        web.read(".page-head .state", "Running").await;
        focus_named(web, "Stop").await;
        // The same by shortcuts.
        web.see(READY).await;
        web.keys("ax").await;
        web.read(".page-head .state", "Stopped").await;
        web.see(READY).await;
        web.keys("as").await;
        web.read(".page-head .state", "Running").await;
        has_keyboard(web).await;
    })
    .await;
}

#[tokio::test]
async fn browser_cancels_a_job_by_keyboard() {
    let resident = Resident::start();
    // It never answers, so that its deploy goes on.
    let slow = folder(&[("main.py", &program::saying("WORD", "time.sleep(3600)"))]);
    let path = slow.path().to_str().unwrap();
    let mut deploy = resident
        .command(&["deploy", path, "--name", "slow"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let test = "browser_cancels_a_job_by_keyboard";
    by_keyboard(test, &resident, async |web| {
        web.read("#tasks", "1 task").await;
        web.keys("gj").await;
        focus_is(web, "task-list").await;
        press(web, "Cancel Deploy slow").await;
        web.read("#task-list", "Cancelled").await;
        focus_is(web, "task-list").await;
        web.keys(ESCAPE).await;
        web.gone("#task-list").await;
        focus_is(web, "tasks").await;
        told(&resident, "/jobs", "the job was cancelled", |jobs| {
            jobs["items"][0]["state"] == "cancelled"
        })
        .await;
    })
    .await;
    deploy.wait().unwrap();
}

#[tokio::test]
async fn browser_changes_settings_by_keyboard() {
    let resident = Resident::start();
    let test = "browser_changes_settings_by_keyboard";
    by_keyboard(test, &resident, async |web| {
        run(web, "Telemetry settings").await;
        web.see("#traceRetentionDays").await;
        // Coming to a field selects what stands there.
        tab_to(web, "traceRetentionDays").await;
        web.keys("30").await;
        web.keys(ENTER).await;
        web.read(".notice.undo", "30 days").await;
        told(&resident, "/settings", "it is kept", |settings| {
            settings["traceRetentionDays"] == 30
        })
        .await;
        focus_is(web, "traceRetentionDays").await;
        web.keys(TAB).await;
        has_keyboard(web).await;
        run(web, "Undo").await;
        web.read(".notices", "Put back").await;
        told(&resident, "/settings", "it is undone", |settings| {
            settings["traceRetentionDays"] == 14
        })
        .await;

        run(web, "General settings").await;
        web.see("#notifications").await;
        for on in [false, true] {
            tab_to(web, "notifications").await;
            web.keys(SPACE).await;
            told(&resident, "/settings", "it is switched", |settings| {
                settings["notifications"] == on
            })
            .await;
            web.see(&format!("#notifications[aria-checked='{on}']"))
                .await;
            focus_is(web, "notifications").await;
        }
    })
    .await;
}

#[tokio::test]
async fn browser_clears_notices_and_undoes_it_by_keyboard() {
    let resident = Resident::with_greeter();
    crate::inbox_browser::crash(&resident).await;
    let test = "browser_clears_notices_and_undoes_it_by_keyboard";
    by_keyboard(test, &resident, async |web| {
        web.keys("gi").await;
        web.read("h1", "Inbox").await;
        web.read(".inbox", "greeter crashed").await;
        web.read(".inbox", "greeter recovered").await;
        press(web, "Clear: greeter recovered").await;
        // The keyboard is at the next one, and the shortcut brings this one back.
        focus_named(web, "Clear: greeter crashed").await;
        web.read(".notice.undo", "1 notice cleared").await;
        web.keys("u").await;
        web.read(".inbox", "greeter recovered").await;
        focus_named(web, "Clear: greeter crashed").await;

        web.script("document.getElementById('content').focus()")
            .await;
        press(web, "read-all").await;
        web.read(".page-head", "All read").await;
        focus_is(web, "read-all").await;
        press(web, "clear-all").await;
        web.see(".empty").await;
        focus_is(web, "clear-all").await;
        press(web, "undo-clear").await;
        web.read(".inbox", "greeter crashed").await;
        has_keyboard(web).await;
    })
    .await;
}

#[tokio::test]
async fn browser_sets_and_removes_a_secret_by_keyboard() {
    let resident = Resident::with_greeter();
    let test = "browser_sets_and_removes_a_secret_by_keyboard";
    by_keyboard(test, &resident, async |web| {
        run(web, "Secrets").await;
        web.read(".secrets", "No secrets yet").await;
        // By its first letters, as a list is gone through.
        tab_to(web, "secret-agent").await;
        web.keys("gree").await;
        tab_to(web, "secret-name").await;
        web.keys("API_KEY").await;
        tab_to(web, "secret-value").await;
        web.keys("canary-5d2c11").await;
        press(web, "secret-set").await;
        web.read(".secrets table", "API_KEY").await;
        focus_is(web, "secret-name").await;
        let kept = resident.json(&["secret", "list", "greeter"]);
        assert_eq!(kept[0]["name"], "API_KEY", "{kept}");

        press(web, "Remove API_KEY of greeter").await;
        web.read("dialog[open]", "API_KEY").await;
        web.keys(ESCAPE).await;
        web.gone("dialog[open]").await;
        focus_named(web, "Remove API_KEY of greeter").await;
        web.keys(ENTER).await;
        web.read("dialog[open]", "API_KEY").await;
        press(web, "secret-remove").await;
        web.read(".secrets", "No secrets yet").await;
        focus_is(web, "secret-name").await;
        assert_eq!(resident.json(&["secret", "list", "greeter"]), json!([]));
    })
    .await;
}

#[tokio::test]
async fn browser_brings_a_service_up_and_down_by_keyboard() {
    let test = "browser_brings_a_service_up_and_down_by_keyboard";
    let Some(scene) = Scene::new(test) else {
        return;
    };
    let file = scene.write(SERVICES);
    by_keyboard(test, &scene.resident, async |web| {
        run(web, "Stack").await;
        web.read(".introduction-note", "Nothing is on").await;
        tab_to(web, "stack-file").await;
        web.keys(file.to_str().unwrap()).await;
        web.keys(ENTER).await;
        web.see("[aria-label='Stop worker']").await;
        focus_is(web, "stack-file").await;

        web.script("document.getElementById('content').focus()")
            .await;
        press(web, "Stop worker").await;
        focus_named(web, "Start worker").await;
        web.keys(ENTER).await;
        focus_named(web, "Stop worker").await;

        web.script("document.getElementById('content').focus()")
            .await;
        press(web, "stack-down").await;
        web.read("dialog[open]", "Take the stack down?").await;
        has_keyboard(web).await;
        web.keys(ESCAPE).await;
        web.gone("dialog[open]").await;
        focus_is(web, "stack-down").await;
        web.keys(ENTER).await;
        press(web, "stack-down-confirm").await;
        web.gone("dialog[open]").await;
        web.read(".introduction-note", "Nothing is on").await;
        has_keyboard(web).await;
    })
    .await;
    scene.assert_nothing_left();
}

#[tokio::test]
async fn browser_asks_the_doctor_by_keyboard() {
    use std::os::unix::fs::PermissionsExt;
    let resident = Resident::start();
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(resident.home(), open).unwrap();
    let test = "browser_asks_the_doctor_by_keyboard";
    by_keyboard(test, &resident, async |web| {
        run(web, "Doctor").await;
        web.read(".page-head", "checks failed").await;
        press(web, "Check again").await;
        web.read(".page-head", "checks failed").await;
        focus_named(web, "Check again").await;

        // A finding: its evidence can be read, and what mends it pressed.
        let finding = "[data-check=\"data.permissions\"]";
        web.read(finding, "0755").await;
        tab_to(web, "Evidence").await;
        let mend = web
            .script(&format!(
                "return document.querySelector('{finding} .fix button').getAttribute('aria-label')"
            ))
            .await;
        press(web, mend.as_str().unwrap()).await;
        web.read(finding, "Only the owner may read").await;
        has_keyboard(web).await;

        // What is well is behind a line that opens.
        web.script("document.getElementById('content').focus()")
            .await;
        let line = web.text(".checks summary").await.unwrap();
        press(web, line.lines().next().unwrap()).await;
        web.see(".quiet-row").await;

        web.script("document.getElementById('content').focus()")
            .await;
        press(web, "Report").await;
        web.read("pre.report", "`data.permissions`").await;
        press(web, "Copy report").await;
        web.read(".notices", "Copied the report").await;
        focus_named(web, "Copy report").await;
        web.keys(ESCAPE).await;
        web.gone("dialog[open]").await;
        focus_named(web, "Report").await;
    })
    .await;
}
