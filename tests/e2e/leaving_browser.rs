//! Pages that are left before they have come to rest: what was to happen in them must not happen to what follows.

use nasiko_tests::{Resident, example};
use serde_json::json;

use crate::{
    browser::{Browser, link},
    pages::PAGES,
};

/// Goes from a page to every other and back, after times that differ, while something of the page is scrolled and has the
/// keyboard. Tells what is there where the page broke, or how often it was left.
const LEAVE: &str = "(async (from, paths) => {
    const frame = () => new Promise(requestAnimationFrame);
    const turn = () => new Promise(done => setTimeout(done));
    const pauses = [async () => {}, frame, turn, async () => { await frame(); await frame(); }];
    let left = 0;
    for (const path of paths.flatMap(to => [from, to])) {
        history.pushState(null, '', path);
        dispatchEvent(new PopStateEvent('popstate'));
        await pauses[left++ % pauses.length]();
        for (const pane of document.querySelectorAll('#content [tabindex=\"0\"]')) pane.scrollTop += 60;
        const controls = document.querySelectorAll('#content button, #content select, #content input');
        controls[left % controls.length]?.focus();
        if (!document.querySelector('nav.rail')) return `${path}: ${document.body.innerText}`;
    }
    return left;
})";

#[tokio::test]
async fn browser_pages_may_be_left_at_any_moment() {
    let test = "browser_pages_may_be_left_at_any_moment";
    let Some(browser) = Browser::or_skip(test) else {
        return;
    };
    let resident = Resident::start();
    resident
        .run(&["deploy", example("greeter").to_str().unwrap()])
        .ok();
    resident.run(&["chat", "greeter", "hello"]).ok();
    let web = browser.start().await;
    web.watched(test, async {
        web.open(&link(&resident)).await;
        web.see("nav.rail").await;
        let paths: Vec<&str> = PAGES.iter().map(|page| page.path).collect();
        for from in &paths {
            let leave = format!("{LEAVE}({}, {})", json!(from), json!(paths));
            let told = web.promised(&leave).await;
            assert_eq!(told, json!({ "value": 2 * paths.len() }), "{from}");
        }
        // Whatever comes late has come by then.
        web.read("nav.rail", "Home").await;
        assert_eq!(web.wrong().await, Vec::<String>::new());
    })
    .await;
    web.quit().await;
}
