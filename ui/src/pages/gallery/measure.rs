use leptos::prelude::*;

use crate::{
    browser,
    kit::Button,
    model::{
        format,
        fuzzy::{Haystack, Pattern, Scratch},
        palette::made_up_names,
    },
};

/// Names that are gone through.
const NAMES: usize = 10_000;
/// What is typed, from what finds most to what finds least.
const TYPED: [&str; 4] = ["i", "ir", "invrd", "reader 42"];

/// How long the palette's match takes on this machine.
#[component]
pub(super) fn Measures() -> impl IntoView {
    let measured = RwSignal::new(Vec::<(&'static str, usize, f64)>::new());
    let measure = move |()| {
        let names: Vec<Haystack> = made_up_names(NAMES)
            .map(|name| Haystack::new(&name))
            .collect();
        measured.set(TYPED.map(|typed| one(typed, &names)).into());
    };
    let row = |(typed, found, took): (&'static str, usize, f64)| {
        view! {
            <li>
                <code>{typed}</code>
                " finds "
                {format::count(found as u64)}
                " in "
                <b class="measured">{format!("{took:.1} ms")}</b>
            </li>
        }
    };
    view! {
        <section class="gallery-group" aria-label="Figures">
            <h2>"Figures"</h2>
            <p class="actions">
                <Button id="measure" press=measure>"Match 10,000 names"</Button>
            </p>
            <ul class="measures" role="status">
                {move || measured.get().into_iter().map(row).collect_view()}
            </ul>
        </section>
    }
}

fn one(typed: &'static str, names: &[Haystack]) -> (&'static str, usize, f64) {
    let pattern = Pattern::new(typed);
    let mut scratch = Scratch::default();
    let began = browser::passed();
    let found = names
        .iter()
        .filter(|name| pattern.score(name, &mut scratch).is_some())
        .count();
    (typed, found, browser::passed() - began)
}
