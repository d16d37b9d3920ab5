use leptos::{ev, html, prelude::*};

use crate::{
    browser,
    model::figures::{Plot, Shape},
    words::plots,
};

/// A figure with its plot: the number first, its unit and sample beside it, the course below. The pointer or the arrow
/// keys read a point; a screen reader is told what the plot shows.
#[component]
pub(crate) fn PlotCell(plot: Memo<Plot>) -> impl IntoView {
    let field = NodeRef::<html::Div>::new();
    let chosen = RwSignal::new(None::<usize>);
    let last = move || plot.with_untracked(|plot| plot.points.len().checked_sub(1));
    let point_at = move |event: ev::PointerEvent| {
        let width = field
            .get_untracked()
            .map_or(0, |field| field.client_width());
        let part = f64::from(event.offset_x()) / f64::from(width.max(1));
        chosen.set(plot.with_untracked(|plot| plot.nearest(part)));
    };
    let key = move |event: ev::KeyboardEvent| {
        let Some(last) = last() else {
            return;
        };
        let at = chosen.get_untracked();
        let next = match event.key().as_str() {
            "ArrowLeft" => Some(at.map_or(last, |at| at.saturating_sub(1))),
            "ArrowRight" => Some(at.map_or(0, |at| (at + 1).min(last))),
            "Home" => Some(0),
            "End" => Some(last),
            "Escape" if at.is_some() => None,
            _ => return,
        };
        event.prevent_default();
        event.stop_propagation();
        chosen.set(next);
    };
    let readout = Memo::new(move |_| {
        let at = chosen.get()?;
        plot.with(|plot| {
            let point = plot.points.get(at)?;
            let clock = browser::clock(point.at, false);
            Some(plots::at(&point.words, &clock))
        })
    });
    let mark = Memo::new(move |_| {
        let at = chosen.get()?;
        plot.with(|plot| {
            let (x, y) = plot.place(at, plot.most())?;
            Some((x / 240.0 * 100.0, y / 40.0 * 100.0))
        })
    });
    let words = move || {
        readout
            .get()
            .unwrap_or_else(|| plot.with(|plot| plot.unit.clone()))
    };
    view! {
        <div class="figure-cell">
            <dt>{move || plot.with(|plot| plot.label)}</dt>
            <dd>
                <b>{move || plot.with(|plot| plot.number.clone())}</b>
                " "
                <small aria-live=move || if chosen.get().is_some() { "polite" } else { "off" }>{words}</small>
                <div
                    class=move || plot.with(|plot| format!("plot s{}", plot.series))
                    class:bars=move || plot.with(|plot| plot.shape == Shape::Bars)
                    node_ref=field
                    role="img"
                    tabindex="0"
                    aria-label=move || plot.with(Plot::told)
                    on:pointermove=point_at
                    on:pointerleave=move |_| chosen.set(None)
                    on:keydown=key
                    on:blur=move |_| chosen.set(None)
                >
                    <svg viewBox="0 0 240 40" preserveAspectRatio="none" aria-hidden="true" focusable="false">
                        <path d=move || plot.with(Plot::path) />
                    </svg>
                    {move || {
                        mark.get()
                            .map(|(left, top)| {
                                view! { <i class="mark" style:left=format!("{left:.1}%") style:top=format!("{top:.1}%")></i> }
                            })
                    }}
                </div>
            </dd>
        </div>
    }
}
