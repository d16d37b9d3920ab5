use leptos::{prelude::*, task::spawn_local};
use nasiko_client::context::{Context, ContextList, ContextName};

use crate::{browser, desk::Desk, kit::Menu, shell::Shell, words::context as words};

/// The contexts that this window may be pointed at; none in a browser, whose page belongs to one control plane.
#[derive(Clone, Copy)]
pub(crate) struct Contexts(RwSignal<Option<ContextList>>);

impl Contexts {
    /// Asks the window for them, and hands them down.
    pub(crate) fn provide(desk: Desk) {
        let contexts = Self(RwSignal::new(given()));
        provide_context(contexts);
        if Shell::is_present() {
            spawn_local(async move {
                match Shell::contexts().await {
                    Ok(list) => contexts.0.set(Some(list)),
                    Err(fault) => desk.report(fault),
                }
            });
        }
    }

    /// The contexts of this page.
    pub(crate) fn get() -> Self {
        expect_context()
    }

    /// All of them; none in a browser.
    pub(crate) fn list(self) -> Option<ContextList> {
        self.0.get()
    }

    /// The one that calls go to.
    pub(crate) fn current(self) -> Option<Context> {
        self.0
            .with(|list| list.as_ref().and_then(ContextList::current).cloned())
    }

    /// They are these from now on.
    pub(crate) fn put(self, list: ContextList) {
        self.0.set(Some(list));
    }

    /// Goes to another one. What the page knows is of the former, so it begins anew.
    pub(crate) fn go(self, desk: Desk, name: ContextName) {
        if self
            .0
            .with_untracked(|list| list.as_ref().is_some_and(|list| list.current == name))
        {
            return;
        }
        spawn_local(async move {
            match Shell::use_context(&name).await {
                Ok(()) => browser::begin_anew(),
                Err(fault) => desk.report(fault),
            }
        });
    }
}

/// Those that a made-up page has.
fn given() -> Option<ContextList> {
    #[cfg(all(feature = "fixtures", target_arch = "wasm32"))]
    if browser::query().contains("contexts") {
        return Some(crate::fixtures::contexts());
    }
    None
}

/// Where the control plane is, in words.
pub(crate) fn place(context: &Context) -> String {
    if context.name.is_local() {
        words::THIS_COMPUTER.to_owned()
    } else {
        context.place.to_string()
    }
}

/// Which control plane this is, and a way to another one.
#[component]
pub(crate) fn ContextHead() -> impl IntoView {
    let contexts = Contexts::get();
    let several = Memo::new(move |_| contexts.list().is_some_and(|list| list.all.len() > 1));
    let shown = Memo::new(move |_| {
        contexts.current().map_or_else(
            || (words::OWN.to_owned(), words::THIS_COMPUTER.to_owned()),
            |context| {
                let name = if context.name.is_local() {
                    words::OWN.to_owned()
                } else {
                    context.name.to_string()
                };
                (name, place(&context))
            },
        )
    });
    let name = Signal::derive(move || shown.with(|shown| shown.0.clone()));
    let place = move || shown.with(|shown| shown.1.clone());
    view! {
        <div class="context-words">
            {move || {
                if several.get() {
                    view! { <Menu title=name label=words::CONTEXT list=ContextRows /> }.into_any()
                } else {
                    view! { <b class="clip">{name}</b> }.into_any()
                }
            }}
            <small class="clip" title=place>{place}</small>
        </div>
    }
}

/// Every context, the one in use marked.
#[component]
fn ContextRows() -> impl IntoView {
    let desk = Desk::get();
    let contexts = Contexts::get();
    // Made anew each time that the menu opens.
    let list = contexts.0.get_untracked()?;
    let current = list.current.clone();
    let row = move |context: Context| {
        let in_use = context.name == current;
        let name = context.name.clone();
        let go = move |_| {
            if !in_use {
                contexts.go(desk, name.clone());
            }
        };
        view! {
            <button
                type="button"
                class="context-row"
                data-context=context.name.to_string()
                aria-current=in_use.then_some("true")
                on:click=go
            >
                <i class=format!("context-dot {}", context.color.as_str()) aria-hidden="true"></i>
                <b class="clip">{context.name.to_string()}</b>
                <small class="clip">{place(&context)}</small>
            </button>
        }
    };
    Some(list.all.into_iter().map(row).collect_view())
}

/// Says over every page that this is not the control plane of this computer's own.
#[component]
pub(crate) fn ContextBanner() -> impl IntoView {
    let contexts = Contexts::get();
    move || {
        let context = contexts.current().filter(|it| !it.name.is_local())?;
        Some(view! {
            <p class=format!("context-banner {}", context.color.as_str())>
                <span class="unseen">{words::CONTEXT} " "</span>
                <b>{context.name.to_string()}</b>
                <span class="clip">{place(&context)}</span>
            </p>
        })
    }
}
