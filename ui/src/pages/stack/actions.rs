use leptos::prelude::*;
use nasiko_contract::{ServiceState, StackService};

use crate::{
    desk::Switch,
    kit::{Button, Controls, Look},
    pages::stack::view::StackView,
    words::{
        common,
        stack::{self, services as words},
    },
};

/// Starting, stopping, and its log.
#[component]
pub(super) fn Actions(
    page: StackView,
    service: Memo<Option<StackService>>,
    name: String,
) -> impl IntoView {
    let state = Memo::new(move |_| service.with(|service| service.as_ref().map(|it| it.state)));
    // The state in which something was asked of it. Once it is in another, what can be done with that can be pressed, although
    // the answer is still on its way.
    let asked_in = RwSignal::new(None::<ServiceState>);
    let asking = move || asked_in.with(|asked| asked.is_some() && *asked == state.get());
    let busy = Signal::derive(move || asking() || page.job.with(Option::is_some));
    let logs = format!("/stack/logs/{name}");
    let logs_label = words::logs(&name);
    let name = StoredValue::new(name);
    let button = move |word: &'static str, label: fn(&str) -> String, switch: Switch| {
        let press = move |()| {
            let now = state.get_untracked();
            asked_in.set(now);
            page.desk.switch_service(name.get_value(), switch, move || {
                let _gone = asked_in.try_update(|asked| {
                    if *asked == now {
                        *asked = None;
                    }
                });
            });
        };
        view! {
            <Button look=Look::Flat disabled=busy label=name.with_value(|name| label(name)) press=press>
                {word}
            </Button>
        }
    };
    let switches = move || match state.get() {
        Some(ServiceState::Running | ServiceState::Restarting) => view! {
            {button(common::STOP, words::stop, Switch::Stop)}
            {button(common::RESTART, words::restart, Switch::Restart)}
        }
        .into_any(),
        Some(ServiceState::Created | ServiceState::Paused | ServiceState::Exited) => {
            button(common::START, words::start, Switch::Start).into_any()
        }
        Some(ServiceState::Absent) | None => ().into_any(),
    };
    let log = move || {
        let there = state
            .get()
            .is_some_and(|state| state != ServiceState::Absent);
        there.then(|| {
            view! {
                <a class="button flat" href=logs.clone() aria-label=logs_label.clone()>
                    {stack::LOGS}
                </a>
            }
        })
    };
    view! { <Controls follow=move || state.track()>{switches} {log}</Controls> }
}
