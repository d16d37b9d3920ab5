mod add;
mod change;

use leptos::{prelude::*, task::spawn_local};
use nasiko_client::context::{Context, ContextName, Standing};
use nasiko_contract::Fault;

use crate::{
    desk::Desk,
    kit::{Button, CopyButton, Panel, Sentence, StateBadge},
    model::tone::Tone,
    pages::{
        context::{Contexts, place},
        settings::contexts::{
            add::AddForm,
            change::{Asked, EditDialog, RemoveDialog},
        },
    },
    shell::Shell,
    words::{common, contexts as changes, settings::contexts as words},
};

/// The control planes that this window may be pointed at.
#[component]
pub(super) fn ContextSettings() -> impl IntoView {
    let contexts = Contexts::get();
    let asked = Asked::default();
    let rows = move || {
        let list = contexts.list()?;
        let current = list.current;
        let rows = list.all.into_iter().map(move |context| {
            let in_use = context.name == current;
            view! { <ContextRow context=context in_use=in_use asked=asked /> }
        });
        Some(view! {
            <Panel title=words::TITLE class="bare">
                <div class="table-scroll">
                    <table class="rows contexts">
                        <thead>
                            <tr>
                                <th scope="col">{words::CONTEXT}</th>
                                <th scope="col">{words::PLACE}</th>
                                <th scope="col">{changes::STATE}</th>
                                <th scope="col" class="figure"><span class="unseen">{common::ACTIONS}</span></th>
                            </tr>
                        </thead>
                        <tbody>{rows.collect_view()}</tbody>
                    </table>
                </div>
                <AddForm />
            </Panel>
            <EditDialog asked=asked />
            <RemoveDialog asked=asked />
        })
    };
    let in_browser = move || {
        let none = contexts.list().is_none();
        none.then(|| view! { <p>{words::IN_BROWSER}</p> })
    };
    view! {
        {rows}
        <section class="panel setting-note" aria-label=words::ABOUT>
            {in_browser}
            <p>{words::WHAT_IT_IS}</p>
            <p class="command">
                <code>{words::ADD_COMMAND}</code>
                <CopyButton text=words::ADD_COMMAND.to_owned() what=words::COMMAND />
            </p>
            <p class="dim"><Sentence text=words::ELSEWHERE /></p>
        </section>
    }
}

#[component]
fn ContextRow(context: Context, in_use: bool, asked: Asked) -> impl IntoView {
    let desk = Desk::get();
    let contexts = Contexts::get();
    let name = context.name.clone();
    let used = if in_use {
        view! { <span class="tag ok">{words::IN_USE}</span> }.into_any()
    } else {
        let name = name.clone();
        view! {
            <Button label=words::use_context(name.as_str()) press=move |()| contexts.go(desk, name.clone())>
                {words::USE}
            </Button>
        }
        .into_any()
    };
    let own = (!name.is_local()).then(|| {
        let (edited, removed) = (context.clone(), context.clone());
        let remove = (!in_use).then(|| {
            view! {
                <Button label=changes::remove(name.as_str()) press=move |()| asked.remove(removed.clone())>
                    {changes::REMOVE}
                </Button>
            }
        });
        view! {
            <Button label=changes::edit(name.as_str()) press=move |()| asked.edit(edited.clone())>
                {changes::EDIT}
            </Button>
            {remove}
        }
    });
    let called = name.to_string();
    view! {
        <tr data-context=called.clone()>
            <th scope="row">
                <span class="context-name">
                    <i class=format!("context-dot {}", context.color.as_str()) aria-hidden="true"></i>
                    {called.clone()}
                </span>
            </th>
            <td class="rest"><code>{place(&context)}</code></td>
            <td><Stands name=name /></td>
            <td class="row-actions">{used} {own}</td>
        </tr>
    }
}

/// Whether it can be gone to: looked at once, when it is first shown.
#[component]
fn Stands(name: ContextName) -> impl IntoView {
    let found = RwSignal::new(None::<Result<Standing, Fault>>);
    if Shell::is_present() {
        spawn_local(async move {
            let standing = Shell::look_at_context(&name).await;
            let _gone = found.try_set(Some(standing));
        });
    }
    let badge = move || match found.get() {
        None => (Tone::Busy, changes::LOOKING.to_owned()),
        Some(Ok(Standing::Answers)) => (Tone::Ok, changes::ANSWERS.to_owned()),
        Some(Ok(Standing::NotRunning)) => (Tone::Idle, changes::NOT_RUNNING.to_owned()),
        Some(Err(fault)) => (Tone::Bad, fault.message),
    };
    let badge = Memo::new(move |_| badge());
    // The whole of it, of which the badge shows the beginning.
    let why = move || {
        found.with(|found| {
            let fault = found.as_ref()?.as_ref().err()?;
            let hint = fault.hint.iter().map(String::as_str);
            Some(
                std::iter::once(fault.message.as_str())
                    .chain(hint)
                    .collect::<Vec<_>>()
                    .join(". "),
            )
        })
    };
    view! {
        <span role="status" title=why>
            <StateBadge tone=Signal::derive(move || badge.get().0) word=Signal::derive(move || badge.get().1) />
        </span>
    }
}
