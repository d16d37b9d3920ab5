//! What only the window's settings can do: contexts, and newer versions.

use nasiko_tests::web_driver::{Web, free_port};

use crate::{desk::Desk, settings_browser::pictures};

async fn add(web: &Web, name: &str, place: &str) {
    web.fill("#context-name", name).await;
    web.fill("#context-place", place).await;
}

#[tokio::test]
async fn window_adds_edits_and_removes_contexts() {
    let test = "window_adds_edits_and_removes_contexts";
    let Some(desk) = Desk::or_skip(test) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let web = desk.open().await;
    web.watched(test, async {
        web.click("nav.rail a[href='/settings']").await;
        web.click("nav.tabs a[href='/settings/contexts']").await;
        web.read("tr[data-context=local]", "Answers").await;

        let place = folder.path().join("work");
        add(&web, "work", place.to_str().unwrap()).await;
        web.click("#context-add").await;
        web.read("tr[data-context=work]", "Not running").await;

        // A second one of that name is refused, and says why beside what was typed.
        add(&web, "work", folder.path().join("other").to_str().unwrap()).await;
        web.click("#context-add").await;
        web.read("#context-fault", "already").await;

        // Nobody answers at that place: it is told at once.
        let token = folder.path().join("token");
        std::fs::write(&token, "a-token").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&token, mode).unwrap();
        add(&web, "far", &format!("http://127.0.0.1:{}", free_port())).await;
        web.fill("#context-token", token.to_str().unwrap()).await;
        web.click("#context-add").await;
        web.see("tr[data-context=far] .shape.bad").await;
        pictures(&web, "window-contexts").await;

        web.click("button[aria-label='Edit work']").await;
        web.fill("#edited-name", "job").await;
        web.click("#context-save").await;
        web.read("tr[data-context=job]", "Not running").await;

        web.click("button[aria-label='Remove job']").await;
        web.read("dialog[open]", "stay at").await;
        web.click("#context-remove").await;
        web.gone("tr[data-context=job]").await;
        web.see("tr[data-context=far]").await;
        let wrong = web.wrong().await;
        assert!(wrong.is_empty(), "{wrong:#?}");
    })
    .await;
    let list = desk.resident.json(&["context", "list"]);
    let names: Vec<&str> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["local", "far"]);
    desk.close(web).await;
}

#[tokio::test]
async fn window_looks_for_newer_versions_when_asked() {
    let test = "window_looks_for_newer_versions_when_asked";
    let Some(desk) = Desk::or_skip(test) else {
        return;
    };
    let web = desk.open().await;
    web.watched(test, async {
        web.click("nav.rail a[href='/settings']").await;
        web.click("#check-for-updates").await;
        // The programs of tests were built without a place to look at.
        web.read("#newer-version", "without a place to look").await;
        pictures(&web, "window-general").await;
    })
    .await;
    desk.close(web).await;
}
