use leptos::prelude::*;

use crate::{
    kit::{Button, Look, Modal},
    words::common,
};

/// Asks before something is destroyed.
#[component]
pub(crate) fn ConfirmDialog(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// The question.
    #[prop(into)]
    title: String,
    /// The words of the button that does it.
    action: &'static str,
    /// The id of that button.
    #[prop(default = "confirm")]
    id: &'static str,
    /// What is done.
    #[prop(into)]
    confirm: Callback<()>,
    /// What it means.
    children: Children,
) -> impl IntoView {
    let decide = move |()| {
        open.set(false);
        confirm.run(());
    };
    let label = Signal::stored(title.clone());
    view! {
        <Modal open=open close=move |()| open.set(false) label=label>
            <h2>{title}</h2>
            <div class="dialog-text">{children()}</div>
            <div class="actions end">
                <Button press=move |()| open.set(false)>{common::KEEP}</Button>
                <Button look=Look::Danger id=id press=decide>
                    {action}
                </Button>
            </div>
        </Modal>
    }
}
