use leptos::{html, prelude::*};

/// Something above the page. The browser's own dialog: it holds the keyboard, Escape closes it, and the keyboard goes
/// back to where it was.
#[component]
pub(crate) fn Modal(
    /// Whether it is open.
    #[prop(into)]
    open: Signal<bool>,
    /// It is to be closed.
    #[prop(into)]
    close: Callback<()>,
    /// What it is about.
    #[prop(into)]
    label: Signal<String>,
    /// For styles.
    #[prop(optional)]
    class: &'static str,
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
    // Told of later than it is closed, when who opened it may be gone.
    let closed = move |_| {
        let _gone = close.try_run(());
    };
    view! {
        <dialog class=format!("dialog {class}") node_ref=element aria-label=label on:close=closed>
            {children()}
        </dialog>
    }
}
