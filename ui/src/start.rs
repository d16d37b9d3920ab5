//! The start of the page: how calls travel, and what happens when the program breaks.

use leptos::{prelude::*, task::spawn_local};
use nasiko_client::{
    Client, bridge::BridgeTransport, browser::BrowserTransport, window::PageState,
};

use crate::{app::App, browser};

/// Draws the application and, in the desktop window, asks for the window to be shown.
pub(crate) fn start() {
    std::panic::set_hook(Box::new(|panic| browser::crashed(&panic.to_string())));
    if BridgeTransport::is_present() {
        // Not that of Leptos: it has none before something is mounted.
        wasm_bindgen_futures::spawn_local(start_in_window());
    } else {
        mount(PageState::default());
    }
}

async fn start_in_window() {
    // Before anything is drawn: what was written and where one was is part of the first frame.
    mount(BridgeTransport::remembered().await.unwrap_or_default());
    // Not on an animation frame: a hidden window has none.
    let dark = browser::root_attribute("data-theme").is_some_and(|theme| theme.ends_with("dark"));
    BridgeTransport::first_frame(dark).await;
    // The second frame begins when the first one was painted.
    request_animation_frame(|| {
        request_animation_frame(|| spawn_local(BridgeTransport::painted()));
    });
}

fn mount(before: PageState) {
    let client = client();
    mount_to_body(move || view! { <App client=client before=before /> });
    browser::started();
}

fn client() -> Client {
    #[cfg(feature = "fixtures")]
    if let Some(transport) = crate::fixtures::FixtureTransport::of_query(&browser::query()) {
        return Client::new(transport);
    }
    if BridgeTransport::is_present() {
        Client::new(BridgeTransport)
    } else {
        Client::new(BrowserTransport)
    }
}
