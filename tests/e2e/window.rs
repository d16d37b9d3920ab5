//! The desktop window itself, under a display of its own.

use std::process::Command;

use nasiko_tests::{
    resident::program,
    skip,
    web_driver::{Web, until},
};
use serde_json::Value;

use crate::{conversation, desk::Desk};

#[tokio::test]
async fn window_from_a_folder_to_a_conversation() {
    let test = "window_from_a_folder_to_a_conversation";
    let Some(desk) = Desk::or_skip(test) else {
        return;
    };
    let web = desk.open().await;
    web.watched(test, async {
        conversation::walk(&web).await;
        keeps_the_token_to_itself(&web, &desk).await;
        refuses_what_is_no_operation(&web).await;
        holds_its_policy(&web, &desk).await;
        outlives_the_control_plane(&web, &desk).await;
    })
    .await;
    leaves_the_resident(web, &desk).await;
}

/// Without a display there is no window, but a sentence that says so.
#[test]
fn window_without_a_display_says_so() {
    let program = program("nasiko-desktop");
    if !program.is_file() {
        return skip::skip(
            "window_without_a_display_says_so",
            "nasiko-desktop is not built",
        );
    }
    let home = tempfile::tempdir().unwrap();
    for (display, told) in [("", "`nasiko open`"), (":64000", "The window broke off")] {
        let output = Command::new(&program)
            .env_remove("WAYLAND_DISPLAY")
            .env("DISPLAY", display)
            .env("NASIKO_HOME", home.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{said}");
        assert!(
            said.contains(told) && !said.contains("stack backtrace"),
            "{said}"
        );
    }
    assert!(
        !home.path().join("resident.log").try_exists().unwrap(),
        "no control plane was started for it"
    );
}

/// Nothing in the webview holds the token: not the document, not what is stored, no variable, no answer of the bridge.
async fn keeps_the_token_to_itself(web: &Web, desk: &Desk) {
    let (_, token) = desk.resident.endpoint();
    let everything = web
        .script(
            "const seen = new Set(); const texts = [document.documentElement.outerHTML, document.cookie, location.href];
             for (const store of [localStorage, sessionStorage]) texts.push(JSON.stringify({ ...store }));
             const visit = (value, depth) => {
                 if (typeof value === 'string') texts.push(value);
                 if (typeof value === 'function') texts.push(String(value));
                 if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return;
                 if (seen.has(value) || depth > 5 || seen.size > 50000) return;
                 seen.add(value);
                 for (const name of Reflect.ownKeys(value)) {
                     try { visit(value[name], depth + 1); } catch { /* a getter that refuses */ }
                 }
             };
             visit(window, 0);
             return texts.join('\\n')",
        )
        .await;
    let everything = everything.as_str().unwrap();
    assert!(
        everything.contains("__TAURI_INTERNALS__") || everything.len() > 10_000,
        "something was searched"
    );
    assert!(!everything.contains(&token), "the token is in the webview");
}

/// A script in the page can do what the API allows, and nothing else.
async fn refuses_what_is_no_operation(web: &Web) {
    let call = |operation: &str, target: &str| {
        format!(
            "window.__TAURI_INTERNALS__.invoke('rpc', {{ call: {{ operation: '{operation}', target: '{target}', body: null }} }})"
        )
    };
    let allowed = web.promised(&call("agents.list", "/api/v1/agents")).await;
    assert!(
        allowed["value"].as_str().unwrap().contains("greeter"),
        "{allowed}"
    );
    for (operation, target) in [
        ("agents.shout", "/api/v1/agents"),
        ("agents.list", "/api/v1/settings"),
        ("agents.list", "http://127.0.0.1:1/api/v1/agents"),
    ] {
        let refused = web.promised(&call(operation, target)).await;
        assert_eq!(
            refused["fault"]["code"], "auth.forbidden",
            "{operation} {target}: {refused}"
        );
    }
    let command =
        "window.__TAURI_INTERNALS__.invoke('plugin:fs|read_text_file', { path: '/etc/hostname' })";
    let refused = web.promised(command).await;
    assert_eq!(refused["value"], Value::Null, "{refused}");
    assert!(!refused["fault"].is_null(), "{refused}");
}

/// A script that found its way into the page is not run, reaches no address, and changes nothing that all objects share.
async fn holds_its_policy(web: &Web, desk: &Desk) {
    let ran = "const script = document.createElement('script');
        script.textContent = 'window.__ran = true';
        document.body.append(script);
        return window.__ran === true";
    assert_eq!(
        web.script(ran).await,
        false,
        "a script in the document was run"
    );
    let (base, _) = desk.resident.endpoint();
    let fetched = web
        .promised(&format!("fetch('{base}/ready').then(() => true)"))
        .await;
    assert!(fetched["value"].is_null(), "{fetched}");
    assert_eq!(
        web.script("return Object.isFrozen(Object.prototype)").await,
        true
    );
    let wrong = web.wrong().await;
    let refused = |what: &str| {
        wrong
            .iter()
            .any(|note| note.starts_with("policy: ") && note.contains(what))
    };
    assert!(
        refused("script-src") && refused("connect-src"),
        "{wrong:#?}"
    );
}

/// An empty data directory, no engine, no key: the window itself starts all there is, and a sample answers.
#[tokio::test]
async fn window_first_run_ends_with_an_answer() {
    let test = "window_first_run_ends_with_an_answer";
    let Some(desk) = Desk::or_skip(test) else {
        return;
    };
    let web = desk.open().await;
    web.watched(test, async {
        web.read(".welcome", "Runs as a process").await;
        web.click("#start-sample").await;
        web.see("#message").await;
        web.click(".suggestion").await;
        web.read(".answer:not(.arriving) .prose", "Ada").await;
        web.click("nav.rail a[href='/']").await;
        web.read("table.rows tbody tr", "greeter").await;
        web.gone(".welcome").await;
        let wrong = web.wrong().await;
        assert!(wrong.is_empty(), "{wrong:#?}");
    })
    .await;
    desk.close(web).await;
}

/// A control plane that crashed is started again, and the page goes on without being loaded again.
async fn outlives_the_control_plane(web: &Web, desk: &Desk) {
    let before = desk.resident_process();
    web.script("window.__same = true").await;
    assert!(
        Command::new("kill")
            .args(["-9", &before.to_string()])
            .status()
            .unwrap()
            .success()
    );
    until("another control plane is there", async || {
        let status = desk.resident.try_json(&["status"]);
        match serde_json::from_str::<Value>(&status.stdout) {
            Ok(status) if status["running"] == true && status["pid"] != before => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    web.read(".resident", "Connected").await;
    web.gone(".link-banner p").await;
    assert_eq!(
        web.script("return window.__same").await,
        true,
        "the page was not loaded again"
    );
    web.click("nav.rail a[href='/agents']").await;
    web.read("table.rows tbody tr", "Running").await;
}

/// The window's process ends with it; the resident and its agents go on.
async fn leaves_the_resident(web: Web, desk: &Desk) {
    assert_eq!(desk.window_processes().len(), 1, "one window, one process");
    assert!(!desk.webview_processes().is_empty(), "WebKit has its own");
    let resident = desk.resident_process();
    desk.close(web).await;
    assert_eq!(desk.resident_process(), resident, "the resident goes on");
    let answer = desk.resident.json(&["chat", "greeter", "My name is Ada"]);
    assert!(
        answer["text"].as_str().unwrap().contains("Ada"),
        "{answer:#}"
    );
}
