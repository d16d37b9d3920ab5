//! The figures of a window, followed for as long as a page shows them.

use leptos::prelude::*;
use nasiko_contract::{FiguresWindow, FollowFigures};

use crate::{
    browser,
    desk::{Desk, Followed, follow},
    model::figures::FigureBoard,
};

/// Where the window is remembered.
const REMEMBERED: &str = "nasiko-figures-window";

/// The window that was looked at last.
pub(crate) fn use_window() -> RwSignal<FiguresWindow> {
    let word = browser::recall(REMEMBERED).unwrap_or_default();
    let known = FiguresWindow::ALL
        .into_iter()
        .find(|window| window.as_str() == word);
    let window = RwSignal::new(known.unwrap_or_default());
    Effect::new(move || browser::remember(REMEMBERED, window.get().as_str()));
    window
}

/// The figures of all agents in a window.
pub(crate) fn use_figures(window: Signal<FiguresWindow>) -> RwSignal<FigureBoard> {
    let desk = Desk::get();
    let board = RwSignal::new(FigureBoard::default());
    Effect::new(move || {
        let wanted = FollowFigures {
            agent: None,
            window: window.get(),
        };
        // What was known stays in sight until the new window is told as a whole.
        follow(desk, wanted, move |learnt| match learnt {
            Followed::Items(items) => board.update(|board| {
                for item in items {
                    board.put(item);
                }
            }),
            Followed::Ended(Some(fault)) => desk.report(fault),
            Followed::Opened | Followed::Ended(None) => {}
        });
    });
    board
}
