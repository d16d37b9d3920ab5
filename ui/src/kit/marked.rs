use leptos::prelude::*;

/// A text in which the letters that were typed stand out.
#[component]
pub(crate) fn Marked(
    /// Its pieces in order, each with whether it was typed.
    pieces: Vec<(bool, String)>,
) -> impl IntoView {
    let piece = |(is_typed, piece): (bool, String)| {
        if is_typed {
            view! { <mark>{piece}</mark> }.into_any()
        } else {
            piece.into_any()
        }
    };
    pieces.into_iter().map(piece).collect_view()
}
