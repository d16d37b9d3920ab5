use leptos::prelude::*;
use nasiko_contract::FiguresWindow;

use crate::{
    browser,
    kit::{Panel, PlotCell},
    model::{
        figures::{FigureBoard, Plot, or_dash},
        format,
    },
    words::{home::table as words, plots},
};

/// The figures of the window, each with its course.
#[component]
pub(crate) fn Plots(
    board: RwSignal<FigureBoard>,
    window: RwSignal<FiguresWindow>,
) -> impl IntoView {
    let plots = Memo::new(move |_| board.with(|board| board.plots(window.get())));
    view! { <dl class="figures plots">{cells(plots)}</dl> }
}

/// What all agents use, for as long as somebody looks; nothing before it was measured.
#[component]
pub(crate) fn UsagePlots(board: RwSignal<FigureBoard>) -> impl IntoView {
    let plots = Memo::new(move |_| board.with(FigureBoard::usage_plots));
    let measured = Memo::new(move |_| {
        plots.with(|plots| plots.first().is_some_and(|plot| !plot.points.is_empty()))
    });
    view! {
        <Show when=move || measured.get()>
            <dl class="figures plots usage">{cells(plots)}</dl>
        </Show>
    }
}

fn cells(plots: Memo<Vec<Plot>>) -> impl IntoView {
    // Which figures there are never changes, only what they say.
    let many = plots.with_untracked(Vec::len);
    (0..many)
        .filter_map(|at| {
            let first = plots.with_untracked(|plots| plots.get(at).cloned())?;
            let plot = Memo::new(move |_| {
                plots
                    .with(|plots| plots.get(at).cloned())
                    .unwrap_or_else(|| first.clone())
            });
            Some(view! { <PlotCell plot=plot /> })
        })
        .collect_view()
}

/// The same as a table, the newest bucket first.
#[component]
pub(crate) fn FigureTable(board: RwSignal<FigureBoard>) -> impl IntoView {
    let rows = move || {
        board.with(|board| {
            board
                .buckets()
                .rev()
                .map(|(at, sums)| {
                    let cost = sums.cost.map_or("–".to_owned(), format::dollars);
                    let cells = [
                        format::count(sums.requests),
                        format::count(sums.errors),
                        or_dash(sums.p50_ms),
                        or_dash(sums.p95_ms),
                        format::count(sums.tokens_in),
                        format::count(sums.tokens_out),
                        cost,
                        format::count(sums.saves),
                        or_dash(sums.save_ms),
                    ];
                    let cells = cells.map(|cell| view! { <td class="figure">{cell}</td> });
                    view! {
                        <tr>
                            <th scope="row">{browser::clock(at, false)}</th>
                            {cells.into_iter().collect_view()}
                        </tr>
                    }
                })
                .collect_view()
        })
    };
    let heads = [
        plots::REQUESTS,
        plots::ERRORS,
        words::MEDIAN,
        words::LATENCY,
        words::TOKENS_IN,
        words::TOKENS_OUT,
        words::COST,
        words::SAVES,
        plots::SAVE_TO_ANSWER,
    ];
    let heads = heads.map(|head| view! { <th scope="col" class="figure">{head}</th> });
    view! {
        <Panel title=words::TITLE class="figure-table">
            <div class="table-scroll" tabindex="0" role="group" aria-label=words::TITLE>
                <table class="rows">
                    <thead>
                        <tr>
                            <th scope="col">{words::FROM}</th>
                            {heads.into_iter().collect_view()}
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </Panel>
    }
}
