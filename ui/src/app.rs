//! The frame of all pages.

use leptos::{ev::MouseEvent, prelude::*};
use leptos_router::{
    components::{FlatRoutes, Route, Router},
    path,
};
use nasiko_client::{Client, window::PageState};

use crate::{
    actions::{Action, Actions},
    browser,
    desk::{Desk, Toast, Toasts},
    kit::{Button, Empty, ErrorCard, Glyph, Icon, Look},
    model::world::Link,
    pages::{
        ActivityPage, AgentPage, AgentsPage, ChatPage, Checkups, ContextBanner, Contexts,
        DoctorPage, DropTarget, Everywhere, GalleryPage, HomePage, InboxPage, LogsPage, Newer,
        Rail, Refused, RegistryPage, SettingsPage, StackPage, TracesPage,
    },
    restore::{Restore, Whereabouts},
    theme::Appearance,
    words::{app as words, common},
};

/// The application.
#[component]
pub(crate) fn App(
    client: Client,
    /// Where the person was in the last window.
    before: PageState,
) -> impl IntoView {
    Restore::provide(before);
    let desk = Desk::provide(client);
    Appearance::provide();
    Contexts::provide(desk);
    Newer::provide();
    Checkups::provide(desk);
    Actions::provide();
    let refused = Memo::new(move |_| {
        desk.world.with(|world| match &world.link {
            Link::Refused(fault) => Some(fault.clone()),
            _ => None,
        })
    });
    let skip = move |event: MouseEvent| {
        event.prevent_default();
        browser::focus("content");
    };
    view! {
        <a class="skip" href="#content" on:click=skip>
            {words::SKIP}
        </a>
        <Router>
            <ContextBanner />
            <div class="app">
                <Rail />
                <main id="content" tabindex="-1">
                    <LinkBanner />
                    {move || match refused.get() {
                        Some(fault) => view! { <Refused fault=fault /> }.into_any(),
                        None => view! { <Pages /> }.into_any(),
                    }}
                </main>
            </div>
            <Everywhere />
            <Whereabouts />
            <DropTarget desk=desk />
        </Router>
        <ToastStack />
    }
}

#[component]
fn Pages() -> impl IntoView {
    view! {
        <FlatRoutes fallback=|| view! { <NoSuchPage /> }>
            <Route path=path!("/") view=HomePage />
            <Route path=path!("/agents") view=AgentsPage />
            <Route path=path!("/agents/:name/:tab?/:item?") view=AgentPage />
            <Route path=path!("/chat/:session?") view=ChatPage />
            <Route path=path!("/traces/:trace?") view=TracesPage />
            <Route path=path!("/logs") view=LogsPage />
            <Route path=path!("/stack/:tab?/:service?") view=StackPage />
            <Route path=path!("/activity") view=ActivityPage />
            <Route path=path!("/doctor/:agent?") view=DoctorPage />
            <Route path=path!("/gallery") view=GalleryPage />
            <Route path=path!("/registry/:agent?") view=RegistryPage />
            <Route path=path!("/inbox") view=InboxPage />
            <Route path=path!("/settings/:tab?") view=SettingsPage />
        </FlatRoutes>
    }
}

#[component]
fn NoSuchPage() -> impl IntoView {
    view! {
        <h1 class="unseen">{words::NOT_FOUND}</h1>
        <div class="page-body">
            <Empty title=common::NO_SUCH_PAGE>
                <a href="/agents">{words::TO_AGENTS}</a>
            </Empty>
        </div>
    }
}

/// Says that the picture is not up to date, while it is not.
#[component]
fn LinkBanner() -> impl IntoView {
    let desk = Desk::get();
    let lost = Memo::new(move |_| {
        desk.world.with(|world| match &world.link {
            Link::Lost(fault) => Some(fault.message.clone()),
            _ => None,
        })
    });
    view! {
        <div class="link-banner" role="status">
            {move || {
                lost.get()
                    .map(|message| {
                        view! {
                            <p>
                                <i class="shape busy" aria-hidden="true"></i>
                                {words::connection_lost(&message)}
                            </p>
                        }
                    })
            }}
        </div>
    }
}

#[component]
fn ToastStack() -> impl IntoView {
    let desk = Desk::get();
    let put_away = move |number| desk.toasts.update(|toasts| toasts.remove(number));
    let undoable = Memo::new(move |_| desk.toasts.with(|toasts| toasts.undoable().is_some()));
    let undo_newest = move || {
        if let Some((number, toast)) = desk.toasts.with_untracked(Toasts::undoable) {
            undo(desk, number, &toast);
        }
    };
    Actions::get().offer([Action::known("undo", undo_newest).when(undoable)]);
    let draw = move |(number, toast): (u64, Toast)| match toast {
        Toast::Said(words) => view! { <div class="notice said">{words}</div> }.into_any(),
        Toast::Changed { ref words, .. } | Toast::Cleared(ref words) => {
            let (words, id) = (words.clone(), undo_button(&toast));
            let press = move |()| {
                // The button goes with the toast.
                browser::focus("content");
                undo(desk, number, &toast);
            };
            view! {
                <div class="notice said undo">
                    <span>{words}</span>
                    <Button look=Look::Flat id=id action="undo" press=press>
                        {common::UNDO}
                    </Button>
                </div>
            }
            .into_any()
        }
        Toast::Fault(fault) => view! {
            <div class="notice">
                <ErrorCard fault=fault>
                    <Button look=Look::Plain press=move |()| put_away(number)>
                        <Icon glyph=Glyph::Close />
                        {words::PUT_AWAY}
                    </Button>
                </ErrorCard>
            </div>
        }
        .into_any(),
    };
    view! {
        <div class="notices" role="status" aria-live="polite">
            <For
                each=move || desk.toasts.with(|toasts| toasts.shown().to_vec())
                key=|(number, _)| *number
                children=draw
            />
        </div>
    }
}

/// The id of the button that undoes what a toast tells of.
fn undo_button(toast: &Toast) -> &'static str {
    match toast {
        Toast::Cleared(_) => "undo-clear",
        _ => "undo",
    }
}

/// Undoes what a toast tells of, and puts it away.
fn undo(desk: Desk, number: u64, toast: &Toast) {
    desk.toasts.update(|toasts| toasts.remove(number));
    match toast {
        Toast::Changed { undo, .. } => desk.undo_settings((**undo).clone()),
        Toast::Cleared(_) => desk.restore_notices(),
        Toast::Said(_) | Toast::Fault(_) => {}
    }
}
