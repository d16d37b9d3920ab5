//! The window: made hidden where it was last, shown on its first frame, closed with the process.

use std::{path::Path, sync::mpsc::Receiver};

use nasiko_client::window::{Opened, Zoom};
use tauri::{
    AppHandle, Manager, RunEvent, Runtime, WebviewUrl, WebviewWindow, WebviewWindowBuilder,
    WindowEvent, webview::PageLoadEvent,
};

use crate::{
    bridge::{self, Bridge},
    environment,
    instance::Instance,
    kept::{self, Keeper},
    opened::{self, Arrivals},
    paint::{self, End, Paint},
    pick,
    place::{Place, Screen},
    update::{self, Updates},
};

/// The one window's label; the capability names it.
pub(crate) const MAIN: &str = "main";

/// Opens the window of `home`, shows it what was `opened`, and returns when it ended.
#[expect(
    clippy::exit,
    reason = "the context that Tauri generates ends a process whose plist is broken"
)]
pub(crate) fn run(home: &Path, instance: Instance, mut opened: Vec<Opened>) -> tauri::Result<End> {
    let first_page = first_page(&mut opened);
    let app = with_bridge(tauri::Builder::default(), home).build(tauri::generate_context!())?;
    let page = first_page.or_else(|| app.state::<Keeper>().page());
    open(app.handle(), home, page)?;
    let arrivals = app.state::<Arrivals>();
    for one in opened {
        arrivals.put(one);
    }
    let Instance { lock, later } = instance;
    hear_later_starts(app.handle().clone(), later)?;

    let handle = app.handle().clone();
    tauri::async_runtime::spawn(async move { handle.state::<Keeper>().keep_up().await });
    let handle = app.handle().clone();
    tauri::async_runtime::spawn(async move { handle.state::<Updates>().keep_up().await });
    let handle = app.handle().clone();
    // Its code means nothing to us: how the window ended is known better.
    let _ = app.run_return(hear_the_system);
    handle.state::<Keeper>().write();
    let installed = tauri::async_runtime::block_on(handle.state::<Updates>().install());
    if let Err(fault) = installed {
        environment::complain(&format!("The update was not put in place: {fault}"));
    }
    drop(lock);
    Ok(handle.state::<Paint>().end())
}

/// The commands that the page may call, over what they work on.
pub(crate) fn with_bridge<R: Runtime>(
    builder: tauri::Builder<R>,
    home: &Path,
) -> tauri::Builder<R> {
    builder
        .manage(Bridge::new(home))
        .manage(Keeper::of(home))
        .manage(Arrivals::default())
        .manage(Paint::new())
        .manage(Updates::new(home))
        .invoke_handler(tauri::generate_handler![
            bridge::rpc,
            bridge::rpc_stream,
            bridge::rpc_cancel,
            bridge::contexts,
            bridge::use_context,
            bridge::contexts::add_context,
            bridge::contexts::edit_context,
            bridge::contexts::remove_context,
            bridge::contexts::look_at_context,
            kept::remember,
            kept::remembered,
            opened::opened,
            paint::first_frame,
            paint::painted,
            pick::pick,
            update::look_for_update,
            zoom,
        ])
        .setup(|app| {
            // Beside the making of the window, so that the first call finds a connection.
            let handle = app.handle().clone();
            tauri::async_runtime::spawn(async move { handle.state::<Bridge>().prepare().await });
            Ok(())
        })
}

/// The page that a link asks for: it is opened at once, instead of another before it.
fn first_page(opened: &mut Vec<Opened>) -> Option<String> {
    let last = opened
        .iter()
        .rposition(|opened| matches!(opened, Opened::Go { .. }))?;
    match opened.remove(last) {
        Opened::Go { path } => Some(path),
        _ => None,
    }
}

fn open(app: &AppHandle, home: &Path, page: Option<String>) -> tauri::Result<()> {
    let page = page.unwrap_or_else(|| "index.html".to_owned());
    let window = WebviewWindowBuilder::new(app, MAIN, WebviewUrl::App(page.into()))
        .title("Nasiko")
        .inner_size(1280.0, 820.0)
        .min_inner_size(760.0, 520.0)
        .visible(false)
        // What WebKit keeps belongs to the data directory, as everything does that this window shows.
        .data_directory(home.join("webview"))
        // Links in answers open in the browser of the person, never in this window.
        .on_navigation(|url| url.scheme() == "tauri" || url.host_str() == Some("tauri.localhost"))
        .on_page_load(|window, load| {
            if load.event() == PageLoadEvent::Started {
                window.state::<Bridge>().close_streams();
                window.state::<Arrivals>().page_is_gone();
            }
        })
        .build()?;
    let keeper = app.state::<Keeper>();
    if let Some(place) = keeper.place() {
        put(&window, place.within(&screens(&window)))?;
    }
    window.set_zoom(keeper.zoom())?;
    let told = window.clone();
    window.on_window_event(move |event| hear(&told, event));
    paint::expect_first_frame(window)
}

fn hear(window: &WebviewWindow, event: &WindowEvent) {
    match event {
        WindowEvent::Moved(_) | WindowEvent::Resized(_) => keep_place(window),
        WindowEvent::DragDrop(event) => {
            // WebKitGTK and macOS tell it in the window's own pixels, Windows in the screen's.
            let own = if cfg!(windows) {
                window.scale_factor().unwrap_or(1.0)
            } else {
                1.0
            };
            let scale = own * window.state::<Keeper>().zoom();
            for opened in opened::of_drag(event, scale) {
                window.state::<Arrivals>().put(opened);
            }
        }
        // Else a screen reader on Windows finds nothing after a change of windows (tauri-apps/tauri#15624).
        WindowEvent::Focused(true) if cfg!(windows) => {
            let _ = window.as_ref().set_focus();
        }
        _ => {}
    }
}

fn keep_place(window: &WebviewWindow) {
    // Before it is shown, its place is what we gave it; minimised it has none.
    if !window.state::<Paint>().is_shown() || window.is_minimized().unwrap_or(true) {
        return;
    }
    let (Ok(position), Ok(size)) = (window.outer_position(), window.inner_size()) else {
        return;
    };
    let maximized = window.is_maximized().unwrap_or(false);
    window.state::<Keeper>().put_place(|before| match before {
        Some(before) if maximized => Place {
            maximized,
            ..before
        },
        _ => Place {
            x: position.x,
            y: position.y,
            width: size.width,
            height: size.height,
            maximized,
        },
    });
}

fn put(window: &WebviewWindow, place: Place) -> tauri::Result<()> {
    window.set_size(tauri::PhysicalSize::new(place.width, place.height))?;
    window.set_position(tauri::PhysicalPosition::new(place.x, place.y))?;
    if place.maximized {
        window.maximize()?;
    }
    Ok(())
}

/// The screens, the main one first.
fn screens(window: &WebviewWindow) -> Vec<Screen> {
    let main = window.primary_monitor().ok().flatten();
    let all = window.available_monitors().unwrap_or_default();
    main.into_iter()
        .chain(all)
        .map(|monitor| {
            let area = monitor.work_area();
            Screen {
                x: area.position.x,
                y: area.position.y,
                width: area.size.width,
                height: area.size.height,
            }
        })
        .collect()
}

/// Takes what later starts of the program were asked to open.
fn hear_later_starts(app: AppHandle, later: Receiver<Vec<Opened>>) -> std::io::Result<()> {
    std::thread::Builder::new()
        .name("what is opened".to_owned())
        .spawn(move || {
            while let Ok(all) = later.recv() {
                for opened in all {
                    app.state::<Arrivals>().put(opened);
                }
                come_forward(&app);
            }
        })?;
    Ok(())
}

fn come_forward(app: &AppHandle) {
    // One that has not drawn itself yet comes forward when it has.
    if let Some(window) = app.get_webview_window(MAIN)
        && window.state::<Paint>().is_shown()
    {
        // A window that cannot be shown was closed meanwhile.
        let _ = window
            .unminimize()
            .and_then(|()| window.show())
            .and_then(|()| window.set_focus());
    }
}

/// What systems say to a program that runs, instead of starting it again.
#[cfg(target_os = "macos")]
fn hear_the_system(app: &AppHandle, event: RunEvent) {
    match event {
        RunEvent::Opened { urls } => {
            let arguments = urls.into_iter().map(|url| String::from(url).into());
            for opened in crate::arguments::read(arguments, Path::new("/")) {
                app.state::<Arrivals>().put(opened);
            }
            come_forward(app);
        }
        RunEvent::Reopen { .. } => come_forward(app),
        _ => {}
    }
}

/// Other systems start the program again.
#[cfg(not(target_os = "macos"))]
fn hear_the_system(_app: &AppHandle, _event: RunEvent) {}

/// Changes the zoom; gives it in percent.
#[tauri::command]
#[expect(
    clippy::needless_pass_by_value,
    reason = "what a command is given is handed over"
)]
fn zoom<R: Runtime>(window: WebviewWindow<R>, change: Zoom) -> u16 {
    let percent = window.state::<Keeper>().put_zoom(change);
    // A window that is gone has no zoom.
    let _ = window.set_zoom(f64::from(percent) / 100.0);
    percent
}
