//! From a folder to an answer, its pin, its trace and its logs, without a mouse.

use nasiko_tests::{
    Resident, example,
    web_driver::{Web, until},
};

use crate::{
    browser::{Browser, TAB, link},
    conversation::ENTER,
};

const ESCAPE: &str = "\u{e00c}";
/// A focus that does not come to its goal within so many steps never does.
const MOST_TABS: usize = 90;

/// Who has the keyboard: name, whether that can be seen, and what it is.
const FOCUS: &str = "const one = document.activeElement, style = getComputedStyle(one);
    const label = one.labels && one.labels.length ? one.labels[0].innerText : '';
    const name = one.getAttribute('aria-label') || label || one.innerText || one.title || one.id || '';
    const seen = (one.matches(':focus-visible') && style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0)
        || one.tabIndex < 0;
    return [name, one === document.body || seen, one === document.body, one.outerHTML.slice(0, 200), one.id]";

/// Goes on with the Tab key until what is called `name` (or has that id) has the keyboard. On the way whoever has it
/// shows it.
async fn tab_to(web: &Web, name: &str) {
    let mut passed = Vec::new();
    for _ in 0..MOST_TABS {
        let focus = web.script(FOCUS).await;
        assert_eq!(focus[1], true, "who has the keyboard shows it: {focus}");
        let called = focus[0].as_str().unwrap_or_default();
        if called.starts_with(name) || focus[4] == name {
            return;
        }
        passed.push(called.chars().take(30).collect::<String>());
        web.keys(TAB).await;
    }
    panic!("the Tab key does not come to `{name}`; it passed {passed:?}");
}

/// The keyboard is somewhere: what was pressed did not take it along.
async fn has_keyboard(web: &Web) {
    until("somebody has the keyboard", async || {
        let focus = web.script(FOCUS).await;
        if focus[2] == true {
            Err(focus.to_string())
        } else {
            Ok(())
        }
    })
    .await;
}

async fn focus_is(web: &Web, id: &str) {
    until(&format!("the keyboard is at {id}"), async || {
        let focus = web.script(FOCUS).await;
        if focus[4] == id {
            Ok(())
        } else {
            Err(focus.to_string())
        }
    })
    .await;
}

/// Does something by the palette.
async fn run(web: &Web, words: &str) {
    web.control('k').await;
    focus_is(web, "palette-input").await;
    web.keys(words).await;
    web.read(".palette [aria-selected='true']", words).await;
    web.keys(ENTER).await;
    web.gone("dialog.palette[open]").await;
    has_keyboard(web).await;
}

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
