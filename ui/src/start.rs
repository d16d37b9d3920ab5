//! The start of the page: how calls travel, and what happens when the program breaks.

use leptos::{prelude::*, task::spawn_local};
use nasiko_client::{Client, bridge::BridgeTransport, browser::BrowserTransport};

use crate::{app::App, browser};

/// Draws the application and, in the desktop window, asks for the window to be shown.
pub(crate) fn start() {
    std::panic::set_hook(Box::new(|panic| browser::crashed(&panic.to_string())));
    let client = client();
    mount_to_body(move || view! { <App client=client /> });
    browser::started();
    if BridgeTransport::is_present() {
        // Not on an animation frame: a hidden window has none.
        let dark = browser::root_attribute("data-theme").as_deref() == Some("dark");
        spawn_local(BridgeTransport::first_frame(dark));
    }
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
