//! The page of the local stack, in a real browser over a real engine.

use std::path::Path;

use nasiko_tests::{
    Resident,
    web_driver::{Web, until},
};

use crate::{
    browser::{Browser, link},
    conversation::ENTER,
    keyboard::tab_to,
    stack::Scene,
};

const SPACE: &str = " ";
/// Widths that pictures are taken at.
const WIDTHS: [u32; 3] = [1440, 1024, 720];

/// One that takes its time to be healthy, one that waits for it and writes without end, and one that fails.
const SERVICES: &str = r#"
services:
  web:
    image: python:3.11-slim
    init: true
    command: [sh, -c, "sleep 4; echo web is here; exec python -m http.server 8000"]
    ports: ["127.0.0.1::8000"]
    volumes: ["kept:/kept"]
    healthcheck:
      test: [CMD, python, -c, "import urllib.request as u; u.urlopen('http://127.0.0.1:8000')"]
      interval: 1s
      timeout: 5s
      retries: 60
  worker:
    image: busybox
    init: true
    command:
      - sh
      - -c
      - printf '\033[31mred\033[0m <script>window.__evil = 1</script><img src=x onerror=alert(1)>\n'; i=0; while true; do echo "tick $$i"; i=$$((i+1)); sleep 0.2; done
    depends_on: {web: {condition: service_healthy}}
  broken:
    image: busybox
    command: [sh, -c, "echo cannot find its key >&2; exit 7"]
volumes:
  kept:
"#;

/// One that never becomes healthy, and one that waits for it.
const NEVER_HEALTHY: &str = r#"
services:
  sick:
    image: busybox
    init: true
    command: [sleep, "3600"]
    healthcheck: {test: [CMD-SHELL, "echo the disk is not mounted; exit 1"], interval: 1s, retries: 2}
  patient:
    image: busybox
    command: [sleep, "3600"]
    depends_on: {sick: {condition: service_healthy}}
"#;

/// Lets the browser in and opens a page of the stack.
async fn open(web: &Web, resident: &Resident, path: &str) {
    web.open(&link(resident)).await;
    go(web, resident, path).await;
}

async fn go(web: &Web, resident: &Resident, path: &str) {
    let (base, _) = resident.endpoint();
    web.open(&format!("{base}/stack{path}")).await;
}

/// What the row of a service says, once it says `words`.
async fn row(web: &Web, service: &str, words: &str) -> String {
    let script = format!(
        "const rows = [...document.querySelectorAll('.stack tr')];
         const row = rows.find((row) => row.querySelector('th .clip')?.textContent === '{service}');
         return row ? row.innerText.replaceAll('\\n', ' ') : ''"
    );
    until(
        &format!("the row of {service} says `{words}`"),
        async || {
            let told = web.script(&script).await;
            match told.as_str() {
                Some(told) if told.contains(words) => Ok(told.to_owned()),
                _ => Err(told.to_string()),
            }
        },
    )
    .await
}

#[tokio::test]
async fn browser_brings_the_stack_up_looks_into_it_and_takes_it_down() {
    let test = "browser_brings_the_stack_up_looks_into_it_and_takes_it_down";
    let (Some(browser), Some(scene)) = (Browser::or_skip(test), Scene::new(test)) else {
        return;
    };
    let resident = &scene.resident;
    let file = scene.write(SERVICES);
    let web = browser.start().await;
    web.watched(test, async {
        open(&web, resident, "").await;
        web.read(".introduction-note", "Nothing is on").await;
        web.read(".engine", "Docker").await;
        row(&web, "redis", "Not running").await;
        picture(&web, "stack-empty").await;

        web.fill("#stack-file", file.to_str().unwrap()).await;
        web.keys(ENTER).await;
        web.see(".job-strip").await;
        // In the middle of it: what is shown comes from the control plane.
        web.reload().await;
        row(&web, "worker", "Waits until web is healthy").await;
        picture(&web, "stack-progress").await;
        row(&web, "web", "Healthy").await;
        row(&web, "worker", "Running").await;
        web.gone(".job-strip").await;
        row(&web, "broken", "Exited with 7").await;
        web.read(".why .evidence", "cannot find its key").await;
        // What it uses is asked for while its row is seen.
        row(&web, "web", "MB").await;
        let address = web
            .script("return document.querySelector('.port a').href")
            .await;
        assert!(
            address.as_str().unwrap().starts_with("http://127.0.0.1:"),
            "{address}"
        );
        picture(&web, "stack").await;

        web.click("[aria-label='Stop worker']").await;
        row(&web, "worker", "Stopped").await;
        web.click("[aria-label='Start worker']").await;
        row(&web, "worker", "Running").await;

        logs(&web).await;
        go(&web, resident, "").await;
        down_by_keyboard(&web, resident).await;
        let wrong = web.wrong().await;
        assert!(wrong.is_empty(), "errors in the page: {wrong:#?}");
    })
    .await;
    web.quit().await;
}

/// One service's log, then all; held still by scrolling back; nothing in it is more than text.
async fn logs(web: &Web) {
    web.click("[aria-label='Logs of worker']").await;
    web.read(".log", "tick").await;
    let said = web.text(".log").await.unwrap();
    assert!(
        !said.contains("web is here"),
        "of one service alone: {said}"
    );
    // Of all services, with the line that would like to be more than text.
    web.script(
        "const choice = document.getElementById('log-service');
         choice.value = ''; choice.dispatchEvent(new Event('change', { bubbles: true }));",
    )
    .await;
    web.fill(".filter input[type=search]", "script").await;
    let said = web.read(".log", "<script>window.__evil").await;
    assert!(
        said.contains("red <script>"),
        "its colours are gone: {said}"
    );
    web.fill(".filter input[type=search]", "is here").await;
    web.read(".log .log-from", "web").await;
    web.see(".log mark").await;
    let evil = "return [window.__evil, document.querySelectorAll('.log script, .log img').length]";
    assert_eq!(web.script(evil).await, serde_json::json!([null, 0]));
    web.script(
        "const field = document.querySelector('.filter input[type=search]');
         field.value = ''; field.dispatchEvent(new Event('input', { bubbles: true }));",
    )
    .await;

    let lines = "const log = document.querySelector('.virtual.log');
        return [log.scrollHeight > log.clientHeight + 100, log.scrollTop + log.clientHeight >= log.scrollHeight - 40]";
    until("the log is long, and shows its end", async || {
        let told = web.script(lines).await;
        if told == serde_json::json!([true, true]) {
            Ok(())
        } else {
            Err(told.to_string())
        }
    })
    .await;
    picture(web, "stack-logs").await;
    web.script("document.querySelector('.virtual.log').scrollTop = 0")
        .await;
    web.read(".filter .figure", "arrived meanwhile").await;
    web.script(
        "const log = document.querySelector('.virtual.log'); log.scrollTop = log.scrollHeight",
    )
    .await;
    web.read(".filter .button:last-child", "Pause").await;
}

/// With the volumes, which takes the project's name.
async fn down_by_keyboard(web: &Web, resident: &Resident) {
    row(web, "web", "Healthy").await;
    tab_to(web, "stack-down").await;
    web.keys(ENTER).await;
    web.read("dialog[open]", "Take the stack down?").await;
    // Escape leaves everything as it is.
    web.keys("\u{e00c}").await;
    web.gone("dialog[open]").await;
    let focus = web.script("return document.activeElement.id").await;
    assert_eq!(focus, "stack-down", "the focus goes back");
    web.keys(ENTER).await;
    tab_to(web, "stack-volumes").await;
    web.keys(SPACE).await;
    let volume = format!("{}_kept", resident.network());
    let said = web.read("dialog[open]", &volume).await;
    assert!(said.contains("cannot be undone"), "{said}");
    picture(web, "stack-down").await;
    tab_to(web, "stack-project").await;
    web.keys("something else").await;
    web.keys(ENTER).await;
    let ready = "return !document.getElementById('stack-down-confirm').disabled";
    assert_eq!(web.script(ready).await, false);
    web.fill("#stack-project", resident.network()).await;
    web.keys(ENTER).await;
    web.gone("dialog[open]").await;
    row(web, "web", "Not running").await;
    web.read(".introduction-note", "Nothing is on").await;
    let volumes = resident.docker(&["volume", "ls", "-q"]);
    assert!(!volumes.contains(&volume), "{volumes}");
}

#[tokio::test]
async fn browser_tells_why_the_stack_did_not_come_up() {
    let test = "browser_tells_why_the_stack_did_not_come_up";
    let (Some(browser), Some(scene)) = (Browser::or_skip(test), Scene::new(test)) else {
        return;
    };
    let resident = &scene.resident;
    let file = scene.write(NEVER_HEALTHY);
    let web = browser.start().await;
    web.watched(test, async {
        open(&web, resident, "").await;
        web.fill("#stack-file", file.to_str().unwrap()).await;
        web.keys(ENTER).await;
        let card = web
            .read(".error-card", "The stack could not be brought up")
            .await;
        assert!(card.contains("sick is not healthy"), "{card}");
        assert!(card.contains("the disk is not mounted"), "{card}");
        row(&web, "sick", "Unhealthy").await;
        web.read(".why .evidence", "the disk is not mounted").await;
        picture(&web, "stack-failed").await;
    })
    .await;
    web.quit().await;
}

#[tokio::test]
async fn browser_without_an_engine_says_what_to_do_and_reads_files_all_the_same() {
    let test = "browser_without_an_engine_says_what_to_do_and_reads_files_all_the_same";
    let Some(browser) = Browser::or_skip(test) else {
        return;
    };
    let resident = Resident::start();
    let folder = nasiko_tests::folder(&[("broken.yml", "services:\n  web:\n    imaeg: busybox\n")]);
    let web = browser.start().await;
    web.watched(test, async {
        open(&web, &resident, "").await;
        let card = web.read(".error-card", "No container engine answers").await;
        assert!(card.contains("engine.absent"), "{card}");
        assert!(card.contains("Install and start"), "{card}");
        picture(&web, "stack-no-engine").await;

        // What is typed outlives the answer to what was asked meanwhile.
        let file = folder.path().join("broken.yml");
        web.fill("#stack-file", file.to_str().unwrap()).await;
        web.click("#look-again").await;
        web.see("#look-again:not([aria-disabled])").await;
        web.read(".error-card", "No container engine answers").await;
        let typed = web
            .script("return document.getElementById('stack-file').value")
            .await;
        assert_eq!(typed.as_str(), file.to_str());
        web.click("#stack-file").await;
        web.keys(ENTER).await;
        let card = web.read(".own-files .error-card", "imaeg").await;
        assert!(card.contains("broken.yml:3"), "file and line: {card}");
    })
    .await;
    web.quit().await;
}

/// Pictures in both themes and three widths, where `NASIKO_TEST_PICTURES` names a folder for them.
async fn picture(web: &Web, name: &str) {
    let Some(folder) = std::env::var_os("NASIKO_TEST_PICTURES") else {
        return;
    };
    for width in WIDTHS {
        web.resize(width, 900).await;
        for theme in ["light", "dark"] {
            // Without the way from one theme to the other.
            let script = format!(
                "document.documentElement.dataset.theme = '{theme}'; document.body.offsetHeight;
                 document.getAnimations().filter((one) => one instanceof CSSTransition).forEach((one) => one.finish());"
            );
            web.script(&script).await;
            let file = format!("{name}-{width}-{theme}.png");
            web.picture(&Path::new(&folder).join(file)).await;
        }
    }
    web.resize(WIDTHS[0], 900).await;
}
