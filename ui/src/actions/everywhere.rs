//! What can be done on every page.

use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};
use nasiko_contract::{StackDown, StackUp};

use crate::{
    actions::{Action, Actions, Question, listen::listen},
    browser,
    desk::Desk,
    model::{actions::Group, stack},
    pages::{Contexts, Newer},
    shell::Shell,
    theme::{Appearance, Theme},
    words::actions::{self as words, ask},
};

/// Pages by the ids of their actions.
const PAGES: [(&str, &str); 20] = [
    ("go.home", "/"),
    ("go.agents", "/agents"),
    ("go.chat", "/chat"),
    ("go.traces", "/traces"),
    ("go.logs", "/logs"),
    ("go.stack", "/stack"),
    ("go.activity", "/activity"),
    ("go.registry", "/registry"),
    ("go.inbox", "/inbox"),
    ("go.doctor", "/doctor"),
    ("go.settings", "/settings"),
    ("chat.new", "/chat/new"),
    ("stack.logs", "/stack/logs"),
    ("settings.general", "/settings"),
    ("settings.contexts", "/settings/contexts"),
    ("settings.secrets", "/settings/secrets"),
    ("settings.watch", "/settings/watch"),
    ("settings.runtime", "/settings/runtime"),
    ("settings.telemetry", "/settings/telemetry"),
    ("settings.keyboard", "/settings/keyboard"),
];

/// Offers it, and listens for shortcuts from now on.
pub(crate) fn offer_everywhere(desk: Desk) {
    let actions = Actions::get();
    let theme = Appearance::get().theme;
    let navigate = use_navigate();
    actions.lead(move |path| navigate(&path, NavigateOptions::default()));
    actions.offer(PAGES.map(|(id, path)| Action::known(id, move || actions.go(path))));
    actions.offer([
        Action::known("palette.open", move || {
            actions.palette.update(|open| *open = !*open);
        }),
        Action::known("help.keys", move || actions.sheet.set(true)),
        Action::known("page.search", || {
            browser::keys::focus_first("#content input[type=search]");
        }),
        Action::known("tasks.open", move || {
            actions.tray.update(|open| *open = !*open);
        }),
    ]);
    if cfg!(feature = "fixtures") {
        let words = words::GALLERY;
        actions.offer([Action::made(
            "help.gallery",
            words,
            Group::Help,
            move || {
                actions.go("/gallery");
            },
        )]);
    }
    if Shell::is_present() {
        let newer = Newer::get();
        actions.offer([Action::known("updates.check", move || newer.look(desk))]);
    }
    offer_stack(desk, actions);
    let next = move || {
        let themes = Theme::ALL;
        let at = themes
            .iter()
            .position(|choice| *choice == theme.get_untracked());
        theme.set(themes[(at.unwrap_or_default() + 1) % themes.len()]);
    };
    actions.offer([Action::known("theme.next", next)]);
    actions.offer(Theme::ALL.map(|choice| {
        let id = format!("theme.{}", choice.key().to_lowercase());
        Action::made(
            id,
            words::set_theme(choice.word()),
            Group::Appearance,
            move || {
                theme.set(choice);
            },
        )
    }));
    offer_contexts(desk, actions);
    listen(actions);
}

/// The other contexts that this window may be pointed at.
fn offer_contexts(desk: Desk, actions: Actions) {
    let contexts = Contexts::get();
    Effect::new(move || {
        let all = contexts.list().map(|list| list.all).unwrap_or_default();
        let current = contexts.current().map(|context| context.name);
        let others = all.into_iter().map(|context| context.name);
        let others = others.filter(|name| Some(name) != current.as_ref());
        actions.offer(others.map(|name| {
            let words = words::use_context(name.as_str());
            let id = format!("context.use.{name}");
            Action::made(id, words, Group::Contexts, move || {
                contexts.go(desk, name.clone());
            })
        }));
    });
}

fn offer_stack(desk: Desk, actions: Actions) {
    let can_go = Memo::new(move |_| {
        desk.world.with(|world| match &world.stack {
            Some(stack) => stack::can_go(stack),
            None => world.status.iter().any(|status| !status.stack.is_empty()),
        })
    });
    let down = move || {
        actions.question.set(Some(Question {
            title: ask::TAKE_DOWN.to_owned(),
            text: ask::TAKING_DOWN,
            action: ask::TAKE_DOWN_NOW,
            confirm: Callback::new(move |()| desk.start(StackDown::default())),
        }));
    };
    actions.offer([
        Action::known("stack.up", move || desk.start(StackUp::default())),
        Action::known("stack.down", down).when(can_go),
    ]);
}
