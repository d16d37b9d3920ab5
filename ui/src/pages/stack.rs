mod actions;
mod down;
mod engine;
mod files;
mod group;
mod head;
mod logs;
mod notes;
mod ports;
mod row;
mod services;
mod usage;
mod view;

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use crate::{
    browser,
    kit::{Empty, ErrorCard, JobStrip, Tab, Tabs, Waiting},
    pages::stack::{
        down::DownDialog,
        engine::EngineLine,
        head::Head,
        logs::StackLogs,
        notes::{Introduction, Notes},
        services::ServiceTable,
        view::StackView,
    },
    words::{
        common::{self, window_title},
        stack as words,
    },
};

/// The local stack: what there is of it, how it is, and what its services write.
#[component]
pub(crate) fn StackPage() -> impl IntoView {
    browser::set_title(&window_title(words::TITLE));
    let parameters = use_params_map();
    let of = move |name: &str| parameters.with(|map| map.get(name)).unwrap_or_default();
    let tab = Memo::new(move |_| of("tab"));
    let service = Memo::new(move |_| Some(of("service")).filter(|service| !service.is_empty()));
    let page = StackView::open();
    let asking = RwSignal::new(false);
    let body = move || match tab.get().as_str() {
        "" => view! { <Overview page=page /> }.into_any(),
        "logs" => view! { <StackLogs page=page service=service /> }.into_any(),
        _ => view! { <div class="page-body"><Empty title=common::NO_SUCH_PAGE /></div> }.into_any(),
    };
    let tabs = || {
        [
            (common::SERVICES, "/stack", true),
            (words::LOGS, "/stack/logs", false),
        ]
        .map(|(word, href, exact)| Tab {
            word,
            href: href.to_owned(),
            exact,
        })
        .into()
    };
    view! {
        <Head page=page asking=asking />
        <JobStrip job=page.job />
        <div class="tab-row">
            <Tabs label=words::TABS tabs=tabs() />
        </div>
        {body}
        <DownDialog page=page open=asking />
    }
}

#[component]
fn Overview(page: StackView) -> impl IntoView {
    let known = Memo::new(move |_| page.stack.with(Option::is_some));
    let body = move || {
        // Once it is known, no answer draws the page anew under what a person types.
        if known.get() {
            return view! {
                <EngineLine page=page />
                <Notes page=page />
                <Introduction page=page />
                <ServiceTable page=page />
            }
            .into_any();
        }
        match page.fault.get() {
            Some(fault) => view! { <ErrorCard fault=fault /> }.into_any(),
            None => view! { <Waiting what=words::READING /> }.into_any(),
        }
    };
    view! { <div class="page-body">{body}</div> }
}
