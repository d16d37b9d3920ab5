use leptos::prelude::*;

use crate::{
    model::{
        format,
        save_times::{SaveTimes, Scale},
    },
    pages::updates::{
        Chosen, Open,
        point::{PlotPoint, down},
    },
    words::updates::{self as page_words, times as words},
};

/// How long the last saves took to be answered: two figures, and a point for each. The list below is its table.
#[component]
pub(crate) fn Times(times: Memo<SaveTimes>, chosen: Chosen, open: Open) -> impl IntoView {
    let figure = move |read: fn(&SaveTimes) -> Option<f64>| {
        Signal::derive(move || {
            let seconds = times.with(read);
            seconds.map_or("–".to_owned(), format::duration_seconds)
        })
    };
    let sample = move || times.with(|times| words::sample(times.live, times.failed));
    let told = move || times.with(SaveTimes::words);
    view! {
        <section class="panel times" aria-label=words::TITLE>
            <dl>
                <div>
                    <dt>{words::MEDIAN}</dt>
                    <dd>
                        <b>{figure(|times| times.median)}</b>
                    </dd>
                </div>
                <div>
                    <dt>{words::P95}</dt>
                    <dd>
                        <b>{figure(|times| times.p95)}</b>
                    </dd>
                </div>
                <div>
                    <dt>{words::LAST_SAVES}</dt>
                    <dd>{sample}</dd>
                </div>
            </dl>
            <div class="times-plot" role="img" aria-label=told>
                <Plot times=times chosen=chosen open=open />
            </div>
            <ul class="times-key" aria-hidden="true">
                <li>
                    <svg>
                        <circle class="point warm" cx="50%" cy="50%" r="3.5" />
                    </svg>
                    {page_words::WARM}
                </li>
                <li>
                    <svg>
                        <circle class="point" cx="50%" cy="50%" r="3.5" />
                    </svg>
                    {words::NOT_WARM}
                </li>
                <li>
                    <svg viewBox="-6 -6 12 12">
                        <path class="point failed" d="M0 -5 5 0 0 5 -5 0z" />
                    </svg>
                    {words::NOT_APPLIED}
                </li>
            </ul>
        </section>
    }
}

#[component]
fn Plot(times: Memo<SaveTimes>, chosen: Chosen, open: Open) -> impl IntoView {
    move || {
        times.with(|times| {
            let scale = Scale::of(&times.points);
            let figures = scale
                .marks()
                .map(|(place, word)| view! { <text x="100%" y=down(place)>{word}</text> })
                .collect_view();
            let lines = scale
                .marks()
                .map(|(place, _)| view! { <line x1="0" x2="100%" y1=down(place) y2=down(place) /> })
                .collect_view();
            let median = times.median.map(|median| {
                let y = down(scale.place(median));
                view! { <line class="median" x1="0" x2="100%" y1=y.clone() y2=y /> }
            });
            let width = 1.0 / times.points.len().max(1) as f64;
            let points = times
                .points
                .iter()
                .enumerate()
                .map(|(at, point)| {
                    let left = at as f64 * width;
                    view! { <PlotPoint point=point.clone() left=left width=width scale=scale chosen=chosen open=open /> }
                })
                .collect_view();
            view! {
                <svg class="times-marks">{figures}</svg>
                <svg class="times-field">{lines} {median} {points}</svg>
            }
        })
    }
}
