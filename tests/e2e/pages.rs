//! All pages of the UI, and how to come to one without loading it anew.

use nasiko_tests::web_driver::{Web, until};
use serde_json::json;

/// A page: its path, and what is there once it is drawn.
#[derive(Clone, Copy)]
pub(crate) struct Page {
    pub(crate) path: &'static str,
    pub(crate) drawn: &'static str,
}

/// A page.
pub(crate) const fn page(path: &'static str, drawn: &'static str) -> Page {
    Page { path, drawn }
}

/// Every page, over a control plane that has an agent `greeter`.
pub(crate) const PAGES: &[Page] = &[
    page("/", "h1"),
    page("/agents", "h1"),
    page("/agents/greeter", "h1"),
    page("/agents/greeter/chat", "#message"),
    page("/agents/greeter/traces", "h1"),
    page("/agents/greeter/updates", "h1"),
    page("/agents/greeter/logs", ".log-line"),
    page("/agents/greeter/card", "h1"),
    page("/chat", "h1"),
    page("/traces", "h1"),
    page("/logs", "h1"),
    page("/stack", "h1"),
    page("/activity", "h1"),
    page("/registry", "h1"),
    page("/registry/greeter", "h1"),
    page("/settings", "h1"),
    page("/settings/contexts", "h1"),
    page("/settings/secrets", "h1"),
    page("/settings/watch", "h1"),
    page("/settings/runtime", "h1"),
    page("/settings/telemetry", "h1"),
    page("/settings/keyboard", "h1"),
    page("/doctor", "h1"),
    page("/inbox", "h1"),
    page("/gallery", "h1"),
    page("/no/such/page", ".empty"),
];

/// Goes to a path as a link of the page does.
pub(crate) async fn go(web: &Web, path: &str) {
    let script = format!(
        "history.pushState(null, '', {});
         dispatchEvent(new PopStateEvent('popstate'));",
        json!(path)
    );
    web.script(&script).await;
}

/// Goes to a page and waits until it is drawn and nothing of it moves any more.
pub(crate) async fn show(web: &Web, page: &Page) {
    go(web, page.path).await;
    web.see(page.drawn).await;
    settled(web).await;
}

/// Waits until no animation that ends is under way.
pub(crate) async fn settled(web: &Web) {
    let script = "return document.getAnimations()
        .filter((one) => one.playState === 'running' && one.effect.getComputedTiming().endTime !== Infinity).length";
    until("nothing moves", async || match web.script(script).await {
        none if none == 0 => Ok(()),
        some => Err(format!("{some} animations")),
    })
    .await;
}
