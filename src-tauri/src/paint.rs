//! The window's first frame: it is shown when the page has drawn itself, and watched until that was seen to be painted.
//! Some graphics drivers leave the window empty though the page believes that it has drawn.

use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::{Duration, Instant},
};

use tauri::{AppHandle, Manager, Runtime, State, WebviewWindow, utils::config::Color};

use crate::{environment, window::MAIN};

/// A page that has not drawn by then is shown all the same: an empty window tells more than none.
const DRAWN_LIMIT: Duration = Duration::from_secs(3);
/// What is shown and not painted by then never will be. A machine that was slow until then is given as long again.
const PAINT_LIMIT: Duration = Duration::from_secs(2);
/// The ground colour of the dark and the light theme, so that nothing flashes before the first frame.
const DARK_GROUND: Color = Color(0x10, 0x15, 0x13, 0xff);
const LIGHT_GROUND: Color = Color(0xf6, 0xf7, 0xf5, 0xff);

/// How the window came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It was closed.
    Closed,
    /// It stayed empty.
    NothingPainted,
}

/// How far the first frame has come.
pub(crate) struct Paint {
    begun: Instant,
    is_shown: AtomicBool,
    is_painted: AtomicBool,
    has_failed: AtomicBool,
}

impl Paint {
    pub(crate) fn new() -> Self {
        Self {
            begun: Instant::now(),
            is_shown: AtomicBool::new(false),
            is_painted: AtomicBool::new(false),
            has_failed: AtomicBool::new(false),
        }
    }

    /// How the window ended.
    pub(crate) fn end(&self) -> End {
        if self.has_failed.load(Relaxed) {
            End::NothingPainted
        } else {
            End::Closed
        }
    }

    /// Whether the window has been shown.
    pub(crate) fn is_shown(&self) -> bool {
        self.is_shown.load(Relaxed)
    }
}

/// Gives a hidden window the ground of the system's theme, and shows it in time even if its page never draws.
pub(crate) fn expect_first_frame<R: Runtime>(window: WebviewWindow<R>) -> tauri::Result<()> {
    let is_dark = matches!(window.theme(), Ok(tauri::Theme::Dark));
    window.set_background_color(Some(ground(is_dark)))?;
    tauri::async_runtime::spawn(async move {
        tokio::time::sleep(DRAWN_LIMIT).await;
        show(&window);
    });
    Ok(())
}

fn show<R: Runtime>(window: &WebviewWindow<R>) {
    let paint = window.state::<Paint>();
    if paint.is_shown.swap(true, Relaxed) {
        return;
    }
    // A window that cannot be shown was closed meanwhile.
    let _ = window.show().and_then(|()| window.set_focus());
    let limit = PAINT_LIMIT.max(paint.begun.elapsed());
    let window = window.clone();
    tauri::async_runtime::spawn(async move {
        tokio::time::sleep(limit).await;
        let paint = window.state::<Paint>();
        // What is out of sight need not be painted.
        let is_in_sight = !window.is_minimized().unwrap_or(true);
        if is_in_sight && !paint.is_painted.load(Relaxed) && environment::may_draw_plainer() {
            paint.has_failed.store(true, Relaxed);
            window.app_handle().exit(0);
        }
    });
}

fn ground(is_dark: bool) -> Color {
    if is_dark { DARK_GROUND } else { LIGHT_GROUND }
}

/// The page has drawn itself, in its own theme: a person may have chosen another than the system's.
#[tauri::command]
#[expect(
    clippy::needless_pass_by_value,
    reason = "a command's handle is handed over"
)]
pub(crate) fn first_frame<R: Runtime>(app: AppHandle<R>, dark: bool) {
    if let Some(window) = app.get_webview_window(MAIN) {
        // What is not painted yet has the page's ground, so that nothing flashes.
        let _ = window.set_background_color(Some(ground(dark)));
        show(&window);
    }
}

/// The page has seen frames go by in the window that is shown.
#[tauri::command]
#[expect(
    clippy::needless_pass_by_value,
    reason = "a command's state is handed over"
)]
pub(crate) fn painted(paint: State<'_, Paint>) {
    paint.is_painted.store(true, Relaxed);
}
