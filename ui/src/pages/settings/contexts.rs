use leptos::prelude::*;
use nasiko_client::context::Context;

use crate::{
    desk::Desk,
    kit::{Button, CopyButton, Panel},
    pages::context::{Contexts, place},
};

const ADD: &str = "nasiko context add NAME FOLDER";

/// The control planes that this window may be pointed at.
#[component]
pub(super) fn ContextSettings() -> impl IntoView {
    let contexts = Contexts::get();
    let rows = move || {
        let list = contexts.list()?;
        let current = list.current;
        let rows = list.all.into_iter().map(move |context| {
            let in_use = context.name == current;
            view! { <ContextRow context=context in_use=in_use /> }
        });
        Some(view! {
            <Panel title="Contexts" class="bare">
                <div class="table-scroll">
                    <table class="rows contexts">
                        <thead>
                            <tr>
                                <th scope="col">"Context"</th>
                                <th scope="col">"Place"</th>
                                <th scope="col" class="figure"><span class="unseen">"Actions"</span></th>
                            </tr>
                        </thead>
                        <tbody>{rows.collect_view()}</tbody>
                    </table>
                </div>
            </Panel>
        })
    };
    let in_browser = move || {
        contexts.list().is_none().then(|| {
            view! {
                <p>"These pages are those of one control plane, the one that their address leads to. The desktop window and the command line go to others too."</p>
            }
        })
    };
    view! {
        {rows}
        <section class="panel setting-note" aria-label="About contexts">
            {in_browser}
            <p>"A context is a control plane with agents, settings and secrets of its own: in another data directory of this computer, or elsewhere. Windows show its colour on top."</p>
            <p class="command"><code>{ADD}</code><CopyButton text=ADD.to_owned() what="command" /></p>
            <p class="dim">"A place elsewhere takes an address instead of a folder, and "<code>"--token-file"</code>". To forget one: "<code>"nasiko context rm NAME"</code>"; what is there stays."</p>
        </section>
    }
}

#[component]
fn ContextRow(context: Context, in_use: bool) -> impl IntoView {
    let desk = Desk::get();
    let contexts = Contexts::get();
    let name = context.name.clone();
    let action = if in_use {
        view! { <span class="tag ok">"In use"</span> }.into_any()
    } else {
        view! {
            <Button label=format!("Use {name}") press=move |()| contexts.go(desk, name.clone())>
                "Use"
            </Button>
        }
        .into_any()
    };
    view! {
        <tr>
            <th scope="row">
                <span class="context-name">
                    <i class=format!("context-dot {}", context.color.as_str()) aria-hidden="true"></i>
                    {context.name.to_string()}
                </span>
            </th>
            <td class="rest"><code>{place(&context)}</code></td>
            <td class="row-actions">{action}</td>
        </tr>
    }
}
