use std::collections::HashMap;

use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};
use nasiko_contract::{Fault, FollowStackLogs};

use crate::{
    browser,
    desk::{Followed, follow},
    kit::LogViewer,
    model::{logs::LogView, stack},
    pages::stack::view::StackView,
    words::stack::logs as words,
};

/// How much of the past is read: its word, lines of each service, and milliseconds back.
const PASTS: [(&str, u32, Option<i64>); 4] = [
    (words::LAST_200_LINES, 200, None),
    (words::LAST_2000_LINES, 2_000, None),
    (words::LAST_15_MINUTES, 10_000, Some(15 * 60_000)),
    (words::LAST_HOUR, 10_000, Some(60 * 60_000)),
];

/// What services write: one of them, or all interleaved.
#[component]
pub(super) fn StackLogs(page: StackView, service: Memo<Option<String>>) -> impl IntoView {
    let log = RwSignal::new(LogView::default());
    let fault = RwSignal::new(None::<Fault>);
    let past = RwSignal::new(0_usize);
    let names = Memo::new(move |_| {
        page.stack.with(|stack| {
            let services = stack.iter().flat_map(|stack| &stack.services);
            services
                .map(|service| service.service.clone())
                .collect::<Vec<_>>()
        })
    });
    Effect::new(move || {
        let (_, tail, back) = PASTS[past.get() % PASTS.len()];
        log.update(LogView::clear);
        fault.set(None);
        let wanted = FollowStackLogs {
            service: service.get(),
            tail: Some(tail),
            since: back.map(|back| browser::now() - back),
            follow: true,
        };
        follow(page.desk, wanted, move |learnt| match learnt {
            // Opened again it tells the past again: what is shown is replaced by it.
            Followed::Opened => log.update(LogView::clear),
            Followed::Items(lines) => log.update(|log| log.push(lines)),
            Followed::Ended(why) => fault.set(why),
        });
    });
    // By their first line, so that those who write have colours of their own.
    let places = StoredValue::new(HashMap::<String, usize>::new());
    let series = Callback::new(move |name: String| {
        let place = places.try_update_value(|places| {
            let next = places.len();
            *places.entry(name).or_insert(next)
        });
        stack::series(place.unwrap_or_default())
    });
    view! {
        <div class="log-page">
            <LogViewer log=log fault=fault label=words::LABEL series=series>
                <ServiceChoice names=names service=service />
                <select
                    aria-label=words::PAST
                    on:change:target=move |event| {
                        let chosen = event.target().value();
                        let place = PASTS.iter().position(|(word, ..)| *word == chosen);
                        past.set(place.unwrap_or_default());
                    }
                >
                    {PASTS.map(|(word, ..)| view! { <option>{word}</option> }).collect_view()}
                </select>
            </LogViewer>
        </div>
    }
}

/// Which service's log; each has an address of its own.
#[component]
fn ServiceChoice(names: Memo<Vec<String>>, service: Memo<Option<String>>) -> impl IntoView {
    let navigate = use_navigate();
    let choose = move |name: String| {
        let options = NavigateOptions {
            replace: true,
            ..NavigateOptions::default()
        };
        navigate(&format!("/stack/logs/{name}"), options);
    };
    let option = move |name: String| {
        let value = name.clone();
        let chosen = move || service.with(|service| service.as_deref() == Some(value.as_str()));
        view! { <option value=name.clone() selected=chosen>{name.clone()}</option> }
    };
    view! {
        <select id="log-service" aria-label=words::SERVICE on:change:target=move |event| choose(event.target().value())>
            <option value="" selected=move || service.with(Option::is_none)>
                {words::ALL_SERVICES}
            </option>
            <For each=move || names.get() key=String::clone children=option />
        </select>
    }
}
