use leptos::prelude::*;

use crate::{
    model::{
        format,
        save_times::{Point, Scale},
    },
    pages::updates::{Chosen, Open},
};

/// A column of the plot, as high as the plot so that it is easily hit, with its point in it.
#[component]
pub(crate) fn PlotPoint(
    point: Point,
    left: f64,
    width: f64,
    scale: Scale,
    chosen: Chosen,
    open: Open,
) -> impl IntoView {
    let Point {
        id,
        seconds,
        failed,
        warm,
    } = point;
    let is_chosen = {
        let id = id.clone();
        Memo::new(move |_| {
            chosen.with(|chosen| chosen.as_ref().is_some_and(|chosen| chosen.id == id))
        })
    };
    let (x, y) = (percent(left + width / 2.0), down(scale.place(seconds)));
    let mark = if failed {
        view! {
            <svg x=x y=y>
                <path class="point failed" d="M0 -5 5 0 0 5 -5 0z" />
            </svg>
        }
        .into_any()
    } else {
        view! { <circle class="point" class:warm=warm cx=x cy=y r="3.5" /> }.into_any()
    };
    view! {
        <g class="times-column" class:chosen=is_chosen on:click=move |_| open.run(Some(id.clone()))>
            <title>{format::duration_seconds(seconds)}</title>
            <rect x=percent(left) width=percent(width) height="100%" />
            {mark}
        </g>
    }
}

fn percent(part: f64) -> String {
    format!("{:.2}%", part * 100.0)
}

/// A place above the bottom as one below the top.
pub(crate) fn down(place: f64) -> String {
    percent(1.0 - place)
}
