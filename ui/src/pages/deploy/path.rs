use leptos::{html, prelude::*, task::spawn_local};

use crate::{
    browser,
    desk::{Desk, Offers},
    kit::Button,
    model::offer::Source,
    shell::Shell,
    words::deploy as words,
};

/// What a browser's dialog shows.
const ARCHIVES: &str = ".zip,.tar,.gz,.tgz,.zst,.xz,.txz,.bz2,.tbz2";

/// A field for a path.
#[component]
pub(crate) fn PathField(
    id: &'static str,
    path: RwSignal<String>,
    /// What was typed.
    #[prop(into)]
    typed: Callback<String>,
) -> impl IntoView {
    view! {
        <label class="field grow">
            <span>{words::PATH}</span>
            <input
                id=id
                class="mono"
                type="text"
                placeholder="/home/me/agents/greeter"
                autocomplete="off"
                spellcheck="false"
                prop:value=path
                on:input:target=move |event| typed.run(event.target().value())
            />
        </label>
    }
}

/// Choosing instead of typing: in the window with the system's dialogs, in a browser an archive that is sent along.
#[component]
pub(crate) fn PathButtons() -> impl IntoView {
    let (desk, offers) = (Desk::get(), Offers::get());
    if Shell::is_present() {
        view! {
            <Button id="pick-folder" press=move |()| pick(desk, offers, true)>
                {words::CHOOSE_FOLDER}
            </Button>
            <Button press=move |()| pick(desk, offers, false)>{words::CHOOSE_ARCHIVE}</Button>
        }
        .into_any()
    } else {
        view! { <UploadButton /> }.into_any()
    }
}

fn pick(desk: Desk, offers: Offers, folder: bool) {
    spawn_local(async move {
        match Shell::pick(folder).await {
            Ok(paths) => offers.put(paths.into_iter().map(Source::Path).collect(), None),
            Err(fault) => desk.report(fault),
        }
    });
}

#[component]
fn UploadButton() -> impl IntoView {
    let offers = Offers::get();
    let field = NodeRef::<html::Input>::new();
    let choose = move |()| {
        if let Some(field) = field.get_untracked() {
            field.click();
        }
    };
    let take = move |_| {
        let Some(field) = field.get_untracked() else {
            return;
        };
        if let Some(files) = field.files() {
            offers.put_with(browser::chosen(&files), None);
        }
        // The same file may be chosen again.
        field.set_value("");
    };
    view! {
        <input
            type="file"
            id="upload-file"
            class="unseen"
            tabindex="-1"
            aria-hidden="true"
            multiple=true
            accept=ARCHIVES
            node_ref=field
            on:change=take
        />
        <Button id="upload" press=choose>
            {words::UPLOAD_ARCHIVE}
        </Button>
    }
}
