//! The window: made hidden, shown on its first frame, closed with the process.

use std::time::Duration;

use tauri::{
    AppHandle, Manager, WebviewUrl, WebviewWindowBuilder, utils::config::Color,
    webview::PageLoadEvent,
};

use crate::bridge::{self, Bridge};

/// The one window's label; the capability names it.
const MAIN: &str = "main";
/// A page that has not drawn by then is shown all the same: an empty window tells more than none.
const FIRST_FRAME_LIMIT: Duration = Duration::from_secs(3);
/// The ground colour of the dark and the light theme, so that nothing flashes before the first frame.
const DARK_GROUND: Color = Color(0x10, 0x15, 0x13, 0xff);
const LIGHT_GROUND: Color = Color(0xf6, 0xf7, 0xf5, 0xff);

/// Opens the window and returns when it was closed.
#[expect(
    clippy::exit,
    reason = "the context that Tauri generates ends a process whose plist is broken"
)]
pub(crate) fn run() -> tauri::Result<()> {
    tauri::Builder::default()
        .manage(Bridge::default())
        .invoke_handler(tauri::generate_handler![
            bridge::rpc,
            bridge::rpc_stream,
            bridge::rpc_cancel,
            first_frame
        ])
        .setup(|app| {
            // Beside the making of the window, so that the first call finds a connection.
            let handle = app.handle().clone();
            tauri::async_runtime::spawn(async move { handle.state::<Bridge>().prepare().await });
            open(app.handle())?;
            Ok(())
        })
        .run(tauri::generate_context!())
}

fn open(app: &AppHandle) -> tauri::Result<()> {
    let window = WebviewWindowBuilder::new(app, MAIN, WebviewUrl::App("index.html".into()))
        .title("Nasiko")
        .inner_size(1280.0, 820.0)
        .min_inner_size(760.0, 520.0)
        .visible(false)
        // Links in answers open in the browser of the person, never in this window.
        .on_navigation(|url| url.scheme() == "tauri" || url.host_str() == Some("tauri.localhost"))
        .on_page_load(|window, load| {
            if load.event() == PageLoadEvent::Started {
                window.state::<Bridge>().close_streams();
            }
        })
        .build()?;
    let dark = matches!(window.theme(), Ok(tauri::Theme::Dark));
    window.set_background_color(Some(ground(dark)))?;
    tauri::async_runtime::spawn(async move {
        tokio::time::sleep(FIRST_FRAME_LIMIT).await;
        show(&window);
    });
    Ok(())
}

fn show(window: &tauri::WebviewWindow) {
    if !window.is_visible().unwrap_or(false) {
        // A window that cannot be shown was closed meanwhile.
        let _ = window.show().and_then(|()| window.set_focus());
    }
}

fn ground(dark: bool) -> Color {
    if dark { DARK_GROUND } else { LIGHT_GROUND }
}

/// The pages have drawn their first frame, in their own theme: a person may have chosen another than the system's.
#[tauri::command]
#[expect(
    clippy::needless_pass_by_value,
    reason = "a command's handle is handed over"
)]
fn first_frame(app: AppHandle, dark: bool) {
    if let Some(window) = app.get_webview_window(MAIN) {
        // What is not painted yet has the page's ground, so that nothing flashes.
        let _ = window.set_background_color(Some(ground(dark)));
        show(&window);
    }
}
