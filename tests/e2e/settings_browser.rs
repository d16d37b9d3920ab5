//! The pages of settings and registry in a real browser.

use std::path::Path;

use nasiko_tests::{
    Api, Resident, example,
    web_driver::{Web, until},
};
use serde_json::{Value, json};

use crate::{
    browser::{Browser, TAB, link},
    conversation::ENTER,
};

/// What must never be seen again once it was typed.
const CANARY: &str = "canary-7f3a91";
/// Widths that pictures are taken at.
const WIDTHS: [u32; 3] = [1600, 1280, 760];

/// Lets the browser in and opens a page.
async fn open(web: &Web, resident: &Resident, path: &str) {
    web.open(&link(resident)).await;
    go(web, resident, path).await;
}

async fn go(web: &Web, resident: &Resident, path: &str) {
    let (base, _) = resident.endpoint();
    web.open(&format!("{base}{path}")).await;
}

/// Types a setting's value, as people do: what was there goes.
async fn type_into(web: &Web, css: &str, words: &str) {
    web.click(css).await;
    web.script(&format!("document.querySelector('{css}').select()"))
        .await;
    web.keys(words).await;
}

async fn value_of(web: &Web, css: &str, expected: &str) {
    until(&format!("{css} is `{expected}`"), async || {
        let value = web
            .script(&format!("return document.querySelector('{css}')?.value"))
            .await;
        if value == expected {
            Ok(())
        } else {
            Err(value.to_string())
        }
    })
    .await;
}

/// What of the settings the control plane has.
async fn setting(resident: &Resident, key: &str, expected: Value) {
    let api = Api::of(resident);
    until(&format!("{key} is {expected}"), async || {
        let (_, settings) = api.get("/settings").await;
        let found = settings[key].clone();
        if found == expected {
            Ok(())
        } else {
            Err(found.to_string())
        }
    })
    .await;
}

/// Everything that the page holds: its text, its attributes, and what stands in its fields.
async fn whole_page(web: &Web) -> String {
    let page = web
        .script(
            "return document.documentElement.outerHTML + JSON.stringify([...document.querySelectorAll('input, textarea')]
                .map((one) => one.value)) + JSON.stringify(localStorage)",
        )
        .await;
    page.as_str().unwrap().to_owned()
}

/// Takes pictures in all themes and widths where they are asked for.
pub(crate) async fn pictures(web: &Web, name: &str) {
    let folder = std::env::var_os("NASIKO_TEST_PICTURES");
    let Some(folder) = folder.filter(|folder| !folder.is_empty()) else {
        return;
    };
    for theme in ["light", "dark", "contrast", "contrast-dark"] {
        web.script(&format!(
            "document.documentElement.dataset.theme = '{theme}'"
        ))
        .await;
        for width in WIDTHS {
            web.resize(width, 1000).await;
            let file = format!("{name}-{theme}-{width}.png");
            web.picture(&Path::new(&folder).join(file)).await;
        }
    }
    web.resize(1280, 900).await;
}

#[tokio::test]
async fn browser_changes_a_setting_and_undoes_it() {
    let test = "browser_changes_a_setting_and_undoes_it";
    let Some(browser) = Browser::or_skip(test) else {
        return;
    };
    let resident = Resident::start();
    let web = browser.start().await;
    web.watched(test, async {
        open(&web, &resident, "/settings/telemetry").await;
        value_of(&web, "#traceRetentionDays", "14").await;
        type_into(&web, "#traceRetentionDays", "30").await;
        web.keys(ENTER).await;
        web.read(".notice.undo", "Keep traces for: 30 days").await;
        setting(&resident, "traceRetentionDays", json!(30)).await;
        web.click("#undo").await;
        value_of(&web, "#traceRetentionDays", "14").await;
        setting(&resident, "traceRetentionDays", json!(14)).await;

        // What is optional comes and goes as well.
        type_into(&web, "#otlpForwardUrl", "http://127.0.0.1:9/").await;
        web.keys(TAB).await;
        web.read(".notice.undo", "Forward traces to").await;
        web.read(".setting-standing", "127.0.0.1:9").await;
        web.click("#undo").await;
        value_of(&web, "#otlpForwardUrl", "").await;
        setting(&resident, "otlpForwardUrl", Value::Null).await;

        // A switch and a choice are saved at once.
        go(&web, &resident, "/settings").await;
        web.click("#notifications").await;
        setting(&resident, "notifications", json!(false)).await;
        let checked =
            "return document.querySelector('#notifications').getAttribute('aria-checked')";
        assert_eq!(web.script(checked).await, "false");
        web.read(".notice.undo", "Notifications: off").await;

        // What another client changes is shown, and said to be so.
        go(&web, &resident, "/settings/runtime").await;
        value_of(&web, "#parallelJobs", "4").await;
        resident
            .run(&["settings", "set", "parallel-jobs", "9"])
            .ok();
        value_of(&web, "#parallelJobs", "9").await;
        web.read(".setting .tag", "Changed elsewhere").await;
        web.read(".notices", "Parallel jobs was changed elsewhere: 9 jobs")
            .await;
    })
    .await;
    web.quit().await;
}

#[tokio::test]
async fn browser_refuses_wrong_input_at_its_field() {
    let test = "browser_refuses_wrong_input_at_its_field";
    let Some(browser) = Browser::or_skip(test) else {
        return;
    };
    let resident = Resident::start();
    let web = browser.start().await;
    web.watched(test, async {
        open(&web, &resident, "/settings/telemetry").await;
        value_of(&web, "#traceRetentionDays", "14").await;
        type_into(&web, "#traceRetentionDays", "0").await;
        web.keys(ENTER).await;
        // The control plane's own words.
        web.read("#traceRetentionDays-fault", "between 1 and 365")
            .await;
        value_of(&web, "#traceRetentionDays", "0").await;
        let invalid =
            "return document.querySelector('#traceRetentionDays').getAttribute('aria-invalid')";
        assert_eq!(web.script(invalid).await, "true");
        assert_eq!(web.count(".notice.undo").await, 0, "nothing was changed");
        type_into(&web, "#traceRetentionDays", "soon").await;
        web.keys(ENTER).await;
        web.read("#traceRetentionDays-fault", "whole number").await;
        web.click("#traceRetentionDays-fault button").await;
        value_of(&web, "#traceRetentionDays", "14").await;
        web.gone("[aria-invalid]").await;
        setting(&resident, "traceRetentionDays", json!(14)).await;

        type_into(&web, "#otlpForwardUrl", "not an address").await;
        web.keys(ENTER).await;
        web.see("#otlpForwardUrl-fault .button").await;

        go(&web, &resident, "/settings/secrets").await;
        web.fill("#secret-name", "NOT A NAME").await;
        web.fill("#secret-value", CANARY).await;
        web.keys(ENTER).await;
        web.read("#secret-fault", "cannot be the name of a variable")
            .await;
        assert!(
            !whole_page(&web).await.contains(CANARY),
            "it does not stay in the page"
        );
    })
    .await;
    web.quit().await;
}

#[tokio::test]
async fn browser_sets_and_removes_secrets_that_are_never_shown() {
    let test = "browser_sets_and_removes_secrets_that_are_never_shown";
    let Some(browser) = Browser::or_skip(test) else {
        return;
    };
    let resident = Resident::with_greeter();
    let web = browser.start().await;
    web.watched(test, async {
        open(&web, &resident, "/settings/secrets").await;
        web.read(".secrets", "No secrets yet").await;
        web.script("document.querySelector('#secret-agent').focus()").await;
        web.see("#secret-agent option[value='greeter']").await;
        web.fill("#secret-name", "SHARED_KEY").await;
        web.fill("#secret-value", CANARY).await;
        web.keys(ENTER).await;
        web.read(".secrets table", "SHARED_KEY").await;
        web.read(".secrets table", "All agents").await;

        web.script("const one = document.querySelector('#secret-agent'); one.value = 'greeter'; one.dispatchEvent(new Event('change', { bubbles: true }))")
            .await;
        web.fill("#secret-name", "OWN_KEY").await;
        web.fill("#secret-value", CANARY).await;
        web.click("#secret-set").await;
        web.read(".secrets table", "OWN_KEY").await;
        web.read("#key-place", "In a file of yours").await;
        pictures(&web, "secrets").await;
        assert!(!whole_page(&web).await.contains(CANARY));
        for path in ["/secrets", "/secrets?agent=greeter", "/agents/greeter", "/vault", "/settings", "/status"] {
            let (_, answer) = Api::of(&resident).get(path).await;
            assert!(!answer.to_string().contains(CANARY), "{path}");
        }
        // The agent gets both.
        resident.run(&["restart", "greeter"]).ok();
        let environments = resident.agent_processes().into_iter().map(|pid| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            String::from_utf8_lossy(&environment).into_owned()
        });
        let has_both = |text: String| ["SHARED_KEY", "OWN_KEY"].iter().all(|name| text.contains(&format!("{name}={CANARY}")));
        assert!(environments.into_iter().any(has_both), "its environment has them");

        web.click("[aria-label='Remove SHARED_KEY of All agents']").await;
        web.read("dialog[open]", "SHARED_KEY").await;
        web.click("dialog[open] #secret-remove").await;
        web.gone("[aria-label='Remove SHARED_KEY of All agents']").await;
        web.see("[aria-label='Remove OWN_KEY of greeter']").await;
        let list = resident.json(&["secret", "list"]);
        let names: Vec<&str> = list.as_array().unwrap().iter().filter_map(|row| row["name"].as_str()).collect();
        assert_eq!(names, ["OWN_KEY"]);
    })
    .await;
    web.quit().await;
}

#[tokio::test]
async fn browser_moves_the_key_to_a_passphrase_and_back() {
    let test = "browser_moves_the_key_to_a_passphrase_and_back";
    let Some(browser) = Browser::or_skip(test) else {
        return;
    };
    let mut resident = Resident::start();
    resident
        .run(&["secret", "set", "--shared", "KEPT", CANARY])
        .ok();
    let web = browser.start().await;
    web.watched(test, async {
        open(&web, &resident, "/settings/secrets").await;
        web.read("#key-place", "In a file of yours").await;
        web.click("#move-key").await;
        web.click("#key-passphrase").await;
        web.fill("#key-new", "one passphrase").await;
        web.fill("#key-again", "another one").await;
        web.click("#key-confirm").await;
        web.read("dialog[open]", "The two passphrases differ").await;
        web.fill("#key-again", "one passphrase").await;
        web.click("#key-confirm").await;
        web.read("#key-place", "sealed with a passphrase").await;
        assert!(!whole_page(&web).await.contains("one passphrase"));
        assert_eq!(resident.json(&["secret", "key"])["kept_in"], "passphrase");

        // After a start it is locked until somebody types it.
        resident.run(&["down"]).ok();
        resident.serve();
        open(&web, &resident, "/settings/secrets").await;
        web.read("#key-place", "sealed with a passphrase").await;
        resident.run(&["secret", "set", "--shared", "ANOTHER", CANARY]);
        web.reload().await;
        web.fill("#unlock-passphrase", "wrong").await;
        web.click("#unlock").await;
        web.read(".settings .error-card", "vault.wrong_passphrase")
            .await;
        web.fill("#unlock-passphrase", "one passphrase").await;
        web.click("#unlock").await;
        web.read(".setting-words.key", "At hand").await;

        web.click("#move-key").await;
        web.click("#key-file").await;
        web.click("#key-confirm").await;
        web.read("#key-place", "In a file of yours").await;
        assert_eq!(resident.json(&["secret", "key"])["kept_in"], "file");
        assert_eq!(resident.json(&["secret", "list"])[0]["name"], "KEPT");
    })
    .await;
    web.quit().await;
}

#[tokio::test]
async fn browser_edits_a_registry_entry_and_resets_it() {
    let test = "browser_edits_a_registry_entry_and_resets_it";
    let Some(browser) = Browser::or_skip(test) else {
        return;
    };
    let resident = Resident::start();
    let web = browser.start().await;
    web.watched(test, async {
        open(&web, &resident, "/registry").await;
        web.read(".registry", "No agents yet").await;
        // It comes by itself.
        resident
            .run(&["deploy", example("greeter").to_str().unwrap()])
            .ok();
        web.read(".registry-row", "greeter").await;
        let before = resident.json(&["registry", "get", "greeter"]);
        web.see("#registry-description").await;
        type_into(&web, "#registry-description", "Says hello to everybody").await;
        type_into(&web, "#registry-tags", "hello, manners").await;
        web.click("#registry-save").await;
        web.read(".registry-row", "Says hello to everybody").await;
        web.read(".registry-row", "Edited").await;
        let edited = resident.json(&["registry", "get", "greeter"]);
        assert_eq!(edited["tags"], json!(["hello", "manners"]), "{edited:#}");
        assert_eq!(edited["card"]["description"], "Says hello to everybody");
        web.read(".registry-entry .document", "Says hello to everybody")
            .await;
        pictures(&web, "registry").await;

        // What does not fit is refused at its field.
        type_into(&web, "#registry-tags", &"x".repeat(65)).await;
        web.click("#registry-save").await;
        web.read("#registry-fault", "64 letters").await;
        assert_eq!(
            resident.json(&["registry", "get", "greeter"])["tags"],
            edited["tags"]
        );

        web.fill("#registry-filter", "nobody has this").await;
        web.read(".registry", "No agent has these words").await;
        web.fill("#registry-filter", "manners").await;
        web.read(".registry-row", "greeter").await;

        web.click("#registry-reset").await;
        web.click("dialog[open] #registry-reset-confirm").await;
        web.gone("#registry-reset").await;
        let reset = resident.json(&["registry", "get", "greeter"]);
        assert_eq!(reset["description"], before["description"]);
        assert_eq!(reset["tags"], before["tags"]);
        value_of(
            &web,
            "#registry-description",
            before["description"].as_str().unwrap(),
        )
        .await;
    })
    .await;
    web.quit().await;
}

#[tokio::test]
async fn browser_shows_every_page_of_the_settings_in_every_theme() {
    let test = "browser_shows_every_page_of_the_settings_in_every_theme";
    let Some(browser) = Browser::or_skip(test) else {
        return;
    };
    let resident = Resident::with_greeter();
    let web = browser.start().await;
    web.watched(test, async {
        open(&web, &resident, "/settings").await;
        for (tab, words) in [
            ("", "Default runtime"),
            ("/contexts", "A context is a control plane"),
            ("/secrets", "No secrets yet"),
            ("/watch", "greeter"),
            ("/runtime", "nasiko.db"),
            ("/telemetry", "Keep traces for"),
        ] {
            go(&web, &resident, &format!("/settings{tab}")).await;
            web.read(".page-body.settings", words).await;
            pictures(&web, &format!("settings{}", tab.replace('/', "-"))).await;
        }
        // The theme is a choice of this machine, and there from the first frame on.
        go(&web, &resident, "/settings").await;
        let choose =
            "const one = document.querySelector('select#theme'); one.value = 'High contrast, dark';
            one.dispatchEvent(new Event('change', { bubbles: true }))";
        web.see("select#theme").await;
        web.script(choose).await;
        let theme = "return document.documentElement.dataset.theme";
        until("the theme is shown", async || {
            let shown = web.script(theme).await;
            if shown == "contrast-dark" {
                Ok(())
            } else {
                Err(shown.to_string())
            }
        })
        .await;
        web.reload().await;
        web.see("select#theme").await;
        assert_eq!(web.script(theme).await, "contrast-dark");
        let ground = web
            .script("return getComputedStyle(document.body).backgroundColor")
            .await;
        assert_eq!(ground, "rgb(0, 0, 0)");

        go(&web, &resident, "/settings/watch").await;
        web.click(".watch-row .switch").await;
        web.see(".watch-row .switch[aria-checked='true']").await;
        let watch = resident.json(&["watch", "greeter", "--status"]);
        assert_ne!(watch["mode"], "off", "{watch:#}");
    })
    .await;
    web.quit().await;
}

#[tokio::test]
async fn browser_refuses_to_move_the_store_where_nothing_answers() {
    let test = "browser_refuses_to_move_the_store_where_nothing_answers";
    let Some(browser) = Browser::or_skip(test) else {
        return;
    };
    let resident = Resident::start();
    let web = browser.start().await;
    web.watched(test, async {
        open(&web, &resident, "/settings/runtime").await;
        web.click("#move-store").await;
        web.click("#store-place option[value='']").await;
        let address = format!("nowhere://nobody:{CANARY}@127.0.0.1/nasiko");
        web.fill("#store-address", &address).await;
        let kinds =
            "return ['store-address', 'store-redis'].map((id) => document.getElementById(id).type)";
        assert_eq!(web.script(kinds).await, json!(["password", "password"]));
        web.click("#store-move").await;
        let said = web
            .read("dialog[open] .error-card", "That is no place for a store")
            .await;
        assert!(!said.contains(CANARY), "{said}");
    })
    .await;
    web.quit().await;
}
