//! Stands for the gallery in what is delivered, where it would only be carried along.

use leptos::prelude::*;

use crate::kit::Empty;

/// Says where the gallery is.
#[component]
pub(crate) fn GalleryPage() -> impl IntoView {
    view! {
        <header class="page-head">
            <h1>"Gallery"</h1>
        </header>
        <div class="page-body">
            <Empty title="The gallery is not part of this program">
                "It is there in one that was built with the feature " <code>"fixtures"</code> "."
            </Empty>
        </div>
    }
}
