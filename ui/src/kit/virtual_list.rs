use leptos::{html, prelude::*};

use crate::model::windowing::Window;

/// A height to begin with, until the element has been measured.
const FIRST_HEIGHT: f64 = 800.0;

/// A long list of rows of one height, of which only those in sight are drawn.
#[component]
pub(crate) fn VirtualList<T, V>(
    /// All rows.
    #[prop(into)]
    rows: Signal<Vec<T>>,
    /// A row's height in pixels.
    row_height: f64,
    /// Draws a row.
    draw: impl Fn(T) -> V + Send + Sync + 'static,
    /// Stay at the end while rows are added, unless the person scrolled away from it.
    #[prop(into, optional)]
    stick: Signal<bool>,
    /// The person scrolled to the end, or away from it.
    #[prop(optional)]
    ended: Option<Callback<bool>>,
    /// The row to bring into sight, whenever it changes.
    #[prop(into, optional)]
    reveal: Signal<Option<usize>>,
    /// Whether two rows are the same one. Given, what is in sight keeps its place when rows come above it.
    #[prop(optional)]
    same: Option<fn(&T, &T) -> bool>,
    /// The id of the row that the keyboard is on.
    #[prop(into, optional)]
    active: Signal<Option<String>>,
    /// For what controls it.
    #[prop(optional)]
    id: Option<&'static str>,
    /// What it is to a screen reader.
    #[prop(optional)]
    role: Option<&'static str>,
    /// Its name.
    #[prop(into)]
    label: String,
    /// For styles.
    #[prop(optional)]
    class: &'static str,
) -> impl IntoView
where
    T: Clone + Send + Sync + 'static,
    V: IntoView + 'static,
{
    let element = NodeRef::<html::Div>::new();
    let sight = RwSignal::new((0.0, FIRST_HEIGHT));
    let at_end = StoredValue::new(true);
    // Where the list itself has just gone to be at its end, which may be further by the time it is told of that.
    let went_to = StoredValue::new(None::<i32>);
    // The first row in sight, and where it stood.
    let anchor = StoredValue::new(None::<(usize, T)>);
    let remember = move || {
        let at = Window::first_in_sight(row_height, sight.get_untracked().0);
        let row = rows.with_untracked(|rows| rows.get(at).cloned());
        anchor.set_value(row.map(|row| (at, row)));
    };
    let measure = move || {
        if let Some(element) = element.get_untracked() {
            let (top, height) = (
                f64::from(element.scroll_top()),
                f64::from(element.client_height()),
            );
            sight.set((top, height.max(row_height)));
            remember();
            at_end.set_value(top + height >= f64::from(element.scroll_height()) - row_height);
        }
    };
    let scrolled = move || {
        // Told of by a frame that comes when the list may be gone.
        if element.is_disposed() {
            return;
        }
        let before = sight.get_untracked().0;
        measure();
        let went_to = went_to.try_update_value(Option::take).flatten();
        if went_to.is_some_and(|to| sight.get_untracked().0 >= f64::from(to)) {
            at_end.set_value(true);
        }
        // Only a person scrolls back: the list itself goes on to its end.
        let (at_end, back) = (at_end.get_value(), sight.get_untracked().0 < before);
        if let Some(ended) = ended.filter(|_| at_end || back) {
            ended.run(at_end);
        }
    };
    let total = Memo::new(move |_| rows.with(Vec::len));
    let window = Memo::new(move |_| {
        let (top, height) = sight.get();
        Window::of(total.get(), row_height, top, height)
    });
    // After rows were added the end is somewhere else; the element knows its new height only once they are drawn.
    Effect::new(move || {
        let many = total.get();
        let Some(element) = element.get() else {
            return;
        };
        if stick.get() && at_end.get_value() {
            request_animation_frame(move || {
                let before = element.scroll_top();
                element.set_scroll_top(i32::MAX);
                let after = element.scroll_top();
                let _gone = went_to.try_set_value((after != before).then_some(after));
            });
        } else if many == 0 {
            sight.update(|(top, _)| *top = 0.0);
        }
    });
    Effect::new(move || {
        let Some(same) = same else {
            return;
        };
        let moved = rows.with(|rows| {
            anchor.with_value(|anchor| {
                let (was, row) = anchor.as_ref()?;
                let now = rows.iter().position(|other| same(other, row))?;
                Some((now as f64 - *was as f64) * row_height)
            })
        });
        let (top, height) = sight.get_untracked();
        // At its very beginning a list shows what is new.
        if let (Some(moved), Some(element)) = (moved, element.get_untracked())
            && moved != 0.0
            && top > 0.0
        {
            sight.set(((top + moved).max(0.0), height));
            // The element can scroll as far only once the rows are drawn.
            request_animation_frame(move || element.scroll_by_with_x_and_y(0.0, moved));
        }
        remember();
    });
    Effect::new(move || {
        let (Some(row), Some(element)) = (reveal.get(), element.get_untracked()) else {
            return;
        };
        let (top, height) = sight.get_untracked();
        let place = row as f64 * row_height;
        if place < top || place + row_height > top + height {
            element.set_scroll_top(whole(place - height / 2.0));
        }
    });
    let resized = window_event_listener(leptos::ev::resize, move |_| measure());
    on_cleanup(move || resized.remove());
    let draw = StoredValue::new(draw);
    let drawn = move || {
        // Rows before the window made of them: asked first, a window that stays as it is hides that a row changed.
        rows.with(|rows| {
            rows.get(window.get().range())
                .unwrap_or_default()
                .iter()
                .map(|row| draw.with_value(|draw| draw(row.clone())))
                .collect_view()
        })
    };
    view! {
        <div
            id=id
            class=format!("virtual {class}")
            node_ref=element
            tabindex="0"
            role=role.unwrap_or("group")
            aria-activedescendant=active
            aria-label=label
            data-follows=move || stick.get().then_some("")
            on:scroll=move |_| scrolled()
        >
            <div class="virtual-size" style:height=move || format!("{}px", total.get() as f64 * row_height)>
                <div
                    class="virtual-rows"
                    style:transform=move || format!("translateY({}px)", window.get().first as f64 * row_height)
                >
                    {drawn}
                </div>
            </div>
        </div>
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the cast saturates, and so does scrolling"
)]
fn whole(pixels: f64) -> i32 {
    pixels.max(0.0) as i32
}
