use leptos::{ev::SubmitEvent, prelude::*};
use nasiko_contract::{Fault, StackDown, StackUp};

use crate::{
    kit::{Button, ErrorCard, Look, Panel, empty_once_taken},
    model::{preview::clean_path, stack},
    pages::stack::view::StackView,
    words::stack::{self as page_words, files as words},
};

/// The person's Compose files: those that belong to the stack, and a way to add one.
#[component]
pub(super) fn OwnFiles(page: StackView) -> impl IntoView {
    let path = RwSignal::new(String::new());
    let refused = RwSignal::new(None::<Fault>);
    let asking = RwSignal::new(false);
    let files = Memo::new(move |_| {
        page.stack
            .with(|stack| stack.as_ref().map(stack::own_files))
            .unwrap_or_default()
    });
    let busy = Signal::derive(move || asking.get() || page.job.with(Option::is_some));
    let bring_up = move |files: Vec<String>, typed: String| {
        asking.set(true);
        refused.set(None);
        let wanted = StackUp {
            files: Some(files),
            ..StackUp::default()
        };
        page.desk.order(wanted, move |outcome| {
            let _gone = asking.try_set(false);
            match outcome {
                Ok(_) => empty_once_taken(path, &typed),
                Err(fault) => drop(refused.try_set(Some(fault))),
            }
        });
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let typed = path.get_untracked();
        let added = clean_path(&typed);
        if added.is_empty() || busy.get_untracked() {
            return;
        }
        let mut wanted = files.get_untracked();
        if !wanted.contains(&added) {
            wanted.push(added);
        }
        bring_up(wanted, typed);
    };
    let row = move |file: String| {
        let take_down = StackDown {
            files: vec![file.clone()],
            ..StackDown::default()
        };
        view! {
            <li class="own-file">
                <code class="clip" title=file.clone()>{file.clone()}</code>
                <Button
                    look=Look::Flat
                    disabled=busy
                    label=page_words::take_down(&file)
                    press=move |()| page.desk.start(take_down.clone())
                >
                    {page_words::TAKE_DOWN}
                </Button>
            </li>
        }
    };
    view! {
        <Panel title=words::TITLE class="own-files">
            <ul>
                <For each=move || files.get() key=String::clone children=row />
            </ul>
            <form class="deploy-form" on:submit=submit>
                <label class="field grow">
                    <span>{words::PATH}</span>
                    <input
                        id="stack-file"
                        class="mono"
                        type="text"
                        placeholder="/home/me/project/compose.yml"
                        autocomplete="off"
                        spellcheck="false"
                        prop:value=path
                        on:input:target=move |event| path.set(event.target().value())
                    />
                </label>
                <button type="submit" class="button" disabled=busy>
                    {page_words::BRING_UP}
                </button>
            </form>
            {move || {
                refused.get().map(|fault| view! { <ErrorCard title=words::NOT_BROUGHT_UP fault=fault /> })
            }}
        </Panel>
    }
}
