//! From a folder to an answer, its pin, its trace and its logs, without a mouse.

use nasiko_tests::{Resident, example, web_driver::Web};

use crate::{
    browser::{Browser, link},
    conversation::ENTER,
    keyboard::{ESCAPE, focus_is, has_keyboard, run, tab_to},
};

#[tokio::test]
async fn browser_from_a_folder_to_its_logs_by_keyboard() {
    let test = "browser_from_a_folder_to_its_logs_by_keyboard";
    let Some(browser) = Browser::or_skip(test) else {
        return;
    };
    let resident = Resident::start();
    let web = browser.start().await;
    web.watched(test, async {
        web.open(&link(&resident)).await;
        web.read(".resident", "Connected").await;
        deploys_a_folder(&web).await;
        asks(&web).await;
        pins(&web).await;
        reads_a_trace(&web).await;
        reads_logs(&web).await;
        // A trace is asked for as soon as its answer is there, and tried again until its spans are.
        let wrong = web.wrong().await.into_iter();
        let wrong: Vec<String> = wrong
            .filter(|note| !note.contains("/api/v1/traces/"))
            .collect();
        assert_eq!(wrong, Vec::<String>::new());
    })
    .await;
    web.quit().await;
}

async fn deploys_a_folder(web: &Web) {
    run(web, "Add agent").await;
    focus_is(web, "offer-path").await;
    web.keys(example("greeter").to_str().unwrap()).await;
    web.keys(ENTER).await;
    focus_is(web, "offer-deploy").await;
    web.read("dialog.offer", "python").await;
    web.keys(ENTER).await;
    web.read("dialog.offer .outcome", "Chat with greeter").await;
    has_keyboard(web).await;
    tab_to(web, "Chat with greeter").await;
    web.keys(ENTER).await;
    web.gone("dialog[open]").await;
}

async fn asks(web: &Web) {
    focus_is(web, "message").await;
    web.keys("My name is Grace").await;
    web.keys(ENTER).await;
    web.read(".answer:not(.arriving)", "Grace").await;
    has_keyboard(web).await;
}

async fn pins(web: &Web) {
    web.script("document.getElementById('content').focus()")
        .await;
    tab_to(web, "Pin: ask again").await;
    web.keys(ENTER).await;
    web.read(".pins", "Grace").await;
    has_keyboard(web).await;
}

async fn reads_a_trace(web: &Web) {
    web.keys(ESCAPE).await;
    run(web, "Traces").await;
    web.see(".page-head").await;
    web.read("#content", "greeter").await;
    web.script("document.getElementById('content').focus()")
        .await;
    tab_to(web, "greeter").await;
    web.keys(ENTER).await;
    web.see(".span-row").await;
    has_keyboard(web).await;
}

async fn reads_logs(web: &Web) {
    web.keys("gl").await;
    web.read("h1", "Logs").await;
    web.see(".log-line").await;
    has_keyboard(web).await;
}
