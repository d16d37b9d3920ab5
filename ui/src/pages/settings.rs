mod contexts;
mod field;
mod general;
mod key;
mod move_store;
mod runtime;
mod secrets;
mod startup;
mod store;
mod telemetry;
mod watch;

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use crate::{
    browser,
    kit::{Empty, Tab, Tabs},
    pages::KeyboardSettings,
    pages::settings::{
        contexts::ContextSettings, general::GeneralSettings, runtime::RuntimeSettings,
        secrets::SecretSettings, telemetry::TelemetrySettings, watch::WatchSettings,
    },
    words::{
        common::{self, window_title},
        settings::{self as words, tab},
    },
};

/// The pages of the settings: word and place in the address.
const TABS: [(&str, &str); 7] = [
    (tab::GENERAL, ""),
    (tab::CONTEXTS, "contexts"),
    (tab::SECRETS, "secrets"),
    (tab::WATCH, "watch"),
    (tab::RUNTIME, "runtime"),
    (tab::TELEMETRY, "telemetry"),
    (tab::KEYBOARD, "keyboard"),
];

/// What a person decides for all agents and all pages. Every change is saved at once and can be undone in passing.
#[component]
pub(crate) fn SettingsPage() -> impl IntoView {
    browser::set_title(&window_title(words::TITLE));
    let parameters = use_params_map();
    let tab = Memo::new(move |_| parameters.with(|map| map.get("tab")).unwrap_or_default());
    let tabs = TABS
        .iter()
        .map(|(word, tab)| Tab {
            word,
            href: format!("/settings/{tab}").trim_end_matches('/').to_owned(),
            exact: tab.is_empty(),
        })
        .collect();
    let body = move || {
        match tab.get().as_str() {
        "" | "general" => view! { <GeneralSettings /> }.into_any(),
        "contexts" => view! { <ContextSettings /> }.into_any(),
        "secrets" => view! { <SecretSettings /> }.into_any(),
        "watch" => view! { <WatchSettings /> }.into_any(),
        "runtime" => view! { <RuntimeSettings /> }.into_any(),
        "telemetry" => view! { <TelemetrySettings /> }.into_any(),
        "keyboard" => view! { <KeyboardSettings /> }.into_any(),
        _ => view! { <Empty title=common::NO_SUCH_PAGE><a href="/settings">{words::GO_TO_SETTINGS}</a></Empty> }
            .into_any(),
    }
    };
    view! {
        <header class="page-head">
            <h1>{words::TITLE}</h1>
            <span class="sub">{words::SAVED_AT_ONCE}</span>
        </header>
        <div class="tab-row">
            <Tabs label=words::TABS tabs=tabs />
        </div>
        <div class="page-body settings">{body}</div>
    }
}
