use leptos::{html, prelude::*};

use crate::kit::{Button, Look};

/// Asks before something is destroyed. The browser's own dialog: it holds the keyboard, and Escape closes it.
#[component]
pub(crate) fn ConfirmDialog(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// The question.
    #[prop(into)]
    title: String,
    /// The words of the button that does it.
    action: &'static str,
    /// What is done.
    #[prop(into)]
    confirm: Callback<()>,
    /// What it means.
    children: Children,
) -> impl IntoView {
    let element = NodeRef::<html::Dialog>::new();
    Effect::new(move || {
        let Some(dialog) = element.get() else {
            return;
        };
        match (open.get(), dialog.open()) {
            // Fails only for a dialog that is open or gone.
            (true, false) => drop(dialog.show_modal()),
            (false, true) => dialog.close(),
            _ => {}
        }
    });
    let decide = move |()| {
        open.set(false);
        confirm.run(());
    };
    view! {
        <dialog class="dialog" node_ref=element aria-labelledby="dialog-title" on:close=move |_| open.set(false)>
            <h2 id="dialog-title">{title}</h2>
            <div class="dialog-text">{children()}</div>
            <div class="actions end">
                <Button press=move |()| open.set(false)>"Keep"</Button>
                <Button look=Look::Danger id="confirm" press=decide>
                    {action}
                </Button>
            </div>
        </dialog>
    }
}
