use leptos::prelude::*;
use leptos_router::components::A;

use crate::{
    actions::Actions,
    desk::Desk,
    kit::{Glyph, Icon, Keys, tooltip},
    model::{
        actions::known,
        format,
        inbox::Inbox,
        stack,
        world::{Link, World},
    },
    pages::{context::ContextHead, doctor::Checkups, tasks::TaskTray},
    theme::{Appearance, Theme},
    words::{common, palette, rail as words},
};

/// The navigation, and what the control plane says of itself.
#[component]
pub(crate) fn Rail() -> impl IntoView {
    let desk = Desk::get();
    let agents = Memo::new(move |_| {
        desk.world.with(|world| {
            world
                .agents
                .as_ref()
                .map(std::collections::BTreeMap::len)
                .filter(|many| *many > 0)
                .map(|many| many.to_string())
        })
    });
    let jobs = Memo::new(move |_| {
        let many = desk.world.with(World::unfinished_jobs);
        (many > 0).then(|| many.to_string())
    });
    let stack = Memo::new(move |_| {
        desk.world.with(|world| {
            let seen = world.status.iter().flat_map(|status| &status.stack);
            let (well, there) = match &world.stack {
                Some(stack) => stack::counts(&stack.services),
                None => stack::counts(seen),
            };
            (there > 0).then(|| format!("{well}/{there}"))
        })
    });
    let unread = Memo::new(move |_| {
        let many = desk.inbox.with(Inbox::unread);
        (many > 0).then(|| many.to_string())
    });
    let checkups = Checkups::get();
    let failures = Memo::new(move |_| checkups.failures().map(|many| many.to_string()));
    view! {
        <nav class="rail" aria-label=words::MAIN>
            <div class="context">
                <Mark />
                <ContextHead />
            </div>
            <SearchButton />
            <Entry id="go.home" href="/" glyph=Glyph::Home />
            <Entry id="go.agents" href="/agents" glyph=Glyph::Agents number=(agents, words::AGENTS) />
            <Entry id="go.chat" href="/chat" glyph=Glyph::Chat />
            <Entry id="go.traces" href="/traces" glyph=Glyph::Traces />
            <Entry id="go.logs" href="/logs" glyph=Glyph::Logs />
            <Entry id="go.stack" href="/stack" glyph=Glyph::Stack number=(stack, words::SERVICES_WELL) />
            <Entry id="go.activity" href="/activity" glyph=Glyph::Activity number=(jobs, words::JOBS_UNDER_WAY) />
            <Entry id="go.registry" href="/registry" glyph=Glyph::Registry />
            <div class="grow"></div>
            <Entry id="go.inbox" href="/inbox" glyph=Glyph::Inbox number=(unread, words::UNREAD_NOTICES) />
            <Entry id="go.doctor" href="/doctor" glyph=Glyph::Doctor number=(failures, words::CHECKS_FAILED) />
            <Entry id="go.settings" href="/settings" glyph=Glyph::Settings />
            <TaskTray />
            <ThemeChoice />
            <Resident />
        </nav>
    }
}

/// The way into the palette for who does not know its shortcut.
#[component]
fn SearchButton() -> impl IntoView {
    let actions = Actions::get();
    let shortcut = Signal::derive(move || actions.shortcut("palette.open"));
    view! {
        <button type="button" class="search-button" id="search" on:click=move |_| actions.palette.set(true)>
            <span class="clip">{palette::TITLE}</span>
            <Keys shortcut=shortcut />
        </button>
    }
}

/// The way to a page, named as its action is.
#[component]
fn Entry(
    /// The action.
    id: &'static str,
    href: &'static str,
    glyph: Glyph,
    /// How many there are, and of what.
    #[prop(optional)]
    number: Option<(Memo<Option<String>>, &'static str)>,
) -> impl IntoView {
    let actions = Actions::get();
    let name = known(id).map_or("", |known| known.words);
    // Every address begins as Home's does.
    let exact = href == "/";
    let count = number.map(|(number, what)| view! { <Count number=number what=what /> });
    view! {
        <A href=href exact=exact attr:title=move || tooltip(actions, id)>
            <Icon glyph=glyph />
            {name}
            {count}
        </A>
    }
}

#[component]
fn Count(number: Memo<Option<String>>, what: &'static str) -> impl IntoView {
    move || {
        number.get().map(|number| {
            view! {
                <i class="count">{number} <span class="unseen">" " {what}</span></i>
            }
        })
    }
}

#[component]
fn Mark() -> impl IntoView {
    view! {
        <svg class="brand" viewBox="0 0 28 28" aria-hidden="true" focusable="false">
            <rect width="28" height="28" rx="7" />
            <path d="M8 20V9.4c0-.9 1.1-1.3 1.7-.6l8.6 10.4c.6.7 1.7.3 1.7-.6V8" />
        </svg>
    }
}

#[component]
fn ThemeChoice() -> impl IntoView {
    let theme = Appearance::get().theme;
    let options = Theme::ALL
        .into_iter()
        .map(|choice| {
            view! { <option value=choice.key() selected=move || theme.get() == choice>{choice.word()}</option> }
        })
        .collect_view();
    view! {
        <label class="theme">
            <span>{common::THEME}</span>
            <select on:change:target=move |event| theme.set(Theme::from_key(&event.target().value()))>{options}</select>
        </label>
    }
}

/// The gateway's address and the control plane's memory.
#[component]
fn Resident() -> impl IntoView {
    let desk = Desk::get();
    let facts = Memo::new(move |_| {
        desk.world.with(|world| {
            let status = world.status.as_ref();
            let live = world.link == Link::Live;
            (
                status.map_or("–".to_owned(), |status| {
                    format::short_address(&status.gateway).to_owned()
                }),
                status.map_or("–".to_owned(), |status| {
                    format::bytes(status.memory_bytes)
                }),
                status
                    .map(|status| status.gateway.clone())
                    .unwrap_or_default(),
                if live { "ok" } else { "busy" },
                if live {
                    words::CONNECTED
                } else {
                    words::CONNECTING
                },
            )
        })
    });
    view! {
        <dl class="resident">
            <div>
                <dt>{words::STATUS}</dt>
                <dd class="state">
                    <i class=move || format!("shape {}", facts.with(|facts| facts.3)) aria-hidden="true"></i>
                    {move || facts.with(|facts| facts.4)}
                </dd>
            </div>
            <div>
                <dt>{words::GATEWAY}</dt>
                <dd>
                    <code title=move || facts.with(|facts| facts.2.clone())>{move || facts.with(|facts| facts.0.clone())}</code>
                </dd>
            </div>
            <div>
                <dt>{common::MEMORY}</dt>
                <dd>{move || facts.with(|facts| facts.1.clone())}</dd>
            </div>
        </dl>
    }
}
