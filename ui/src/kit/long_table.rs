use std::hash::Hash;

use leptos::{ev, html, prelude::*};

use crate::model::windowing::Window;

/// A height to begin with, until the element has been measured.
const FIRST_HEIGHT: f64 = 800.0;
/// So many rows from the end, more are asked for.
const NEAR_END: usize = 60;

/// A table of any length, of which only the rows in sight are drawn. It stays a table to screen readers. Rows keep their
/// elements while they stay in sight.
#[component]
pub(crate) fn LongTable<T, K, V>(
    /// All rows.
    #[prop(into)]
    rows: Signal<Vec<T>>,
    /// What a row is known by: of the same key, it is drawn once.
    key: fn(&T) -> K,
    /// Draws a row, as a `tr`.
    draw: impl Fn(T) -> V + Clone + Send + Sync + 'static,
    /// A row's height in pixels.
    row_height: f64,
    /// Its name.
    #[prop(into)]
    label: String,
    /// For styles.
    #[prop(optional)]
    class: &'static str,
    /// The person has come near the end.
    #[prop(optional)]
    near_end: Option<Callback<()>>,
    /// The heads of the columns, as `th`s.
    children: Children,
) -> impl IntoView
where
    T: Clone + Send + Sync + 'static,
    K: Eq + Hash + 'static,
    V: IntoView + 'static,
{
    let element = NodeRef::<html::Div>::new();
    let sight = RwSignal::new((0.0, FIRST_HEIGHT));
    let measure = move || {
        // Asked for by a frame that comes when the table may be gone.
        if let Some(element) = element.try_get_untracked().flatten() {
            let (top, height) = (
                f64::from(element.scroll_top()),
                f64::from(element.client_height()),
            );
            sight.set((top, height.max(row_height)));
        }
    };
    let total = Memo::new(move |_| rows.with(Vec::len));
    let window = Memo::new(move |_| {
        let (top, height) = sight.get();
        Window::of(total.get(), row_height, top, height)
    });
    let at_end = Memo::new(move |_| window.get().range().end + NEAR_END > total.get());
    if let Some(near_end) = near_end {
        Effect::new(move || {
            // Asked again whenever rows came and the end is still near.
            total.track();
            if at_end.get() {
                near_end.run(());
            }
        });
    }
    // A list that became shorter leaves the element at another place than it was.
    Effect::new(move || {
        total.track();
        request_animation_frame(measure);
    });
    let resized = window_event_listener(ev::resize, move |_| measure());
    on_cleanup(move || resized.remove());
    let shown = move || {
        let range = window.get().range();
        rows.with(|rows| rows.get(range).unwrap_or_default().to_vec())
    };
    let space = move |rows: usize| format!("{}px", rows as f64 * row_height);
    let above = Memo::new(move |_| window.get().first);
    let below = Memo::new(move |_| total.get() - window.get().range().end);
    view! {
        <div
            class=format!("table-scroll long {class}")
            node_ref=element
            tabindex="0"
            role="group"
            aria-label=label
            on:scroll=move |_| measure()
        >
            <table class="rows" aria-rowcount=move || (total.get() + 1).to_string()>
                <thead>
                    <tr>{children()}</tr>
                </thead>
                <tbody class="space" aria-hidden="true">
                    <tr style:height=move || space(above.get())></tr>
                </tbody>
                <tbody>
                    <For each=shown key=key children=draw />
                </tbody>
                <tbody class="space" aria-hidden="true">
                    <tr style:height=move || space(below.get())></tr>
                </tbody>
            </table>
        </div>
    }
}
