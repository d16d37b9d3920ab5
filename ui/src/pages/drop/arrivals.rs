//! The ways in which something arrives: dragged onto a page, pasted into it, or handed over by the window's process.

use futures::StreamExt;
use leptos::{ev, prelude::*, task::spawn_local};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use nasiko_client::window::Opened;
use nasiko_contract::{AgentName, ErrorCode, Fault};
use wasm_bindgen::JsCast;

use crate::{
    browser,
    desk::{Desk, Offers},
    model::{
        offer::{Source, named},
        preview::is_absolute,
    },
    shell::Shell,
};

/// Where something was let go: the place under it, else the page.
type Place = Option<(f64, f64)>;

/// Takes what arrives, for as long as the calling component lives.
pub(crate) fn follow_arrivals(desk: Desk, offers: Offers, hovering: RwSignal<bool>) {
    if Shell::is_present() {
        refuse_the_webviews_own_drops();
        let navigate = use_navigate();
        spawn_local(follow_the_window(desk, offers, hovering, navigate));
    } else {
        take_drops(offers, hovering);
    }
    take_pastes(offers);
}

/// What the window's process hands over: there, drops come with the paths of what was dropped.
async fn follow_the_window(
    desk: Desk,
    offers: Offers,
    hovering: RwSignal<bool>,
    navigate: impl Fn(&str, NavigateOptions),
) {
    let mut opened = match Shell::opened().await {
        Ok(opened) => Box::pin(opened),
        Err(fault) => return desk.report(fault),
    };
    while let Some(arrived) = opened.next().await {
        let sources = |paths: Vec<String>| paths.into_iter().flat_map(handed_over).collect();
        // A drag tells of itself many times a second.
        let over = matches!(arrived, Opened::Enter | Opened::Over);
        if hovering.get_untracked() != over {
            hovering.set(over);
        }
        match arrived {
            Opened::Enter | Opened::Over | Opened::Leave => {}
            Opened::Drop { paths, position } => {
                let place = Some((position.x, position.y));
                offers.put(sources(paths), agent_at(place).as_ref());
            }
            Opened::Open { paths } => offers.put(sources(paths), None),
            Opened::Go { path } => {
                if is_page(&path) {
                    navigate(&path, NavigateOptions::default());
                }
            }
            Opened::Refused { message } => {
                desk.report(Fault::new(ErrorCode::InvalidRequest, message));
            }
        }
    }
}

/// A path is taken as it is: unlike a text it needs no reading.
fn handed_over(path: String) -> Vec<Source> {
    if is_absolute(&path) {
        vec![Source::Path(path)]
    } else {
        named(&path)
    }
}

fn is_page(path: &str) -> bool {
    path.starts_with('/') && !path.starts_with("//")
}

/// A webview that takes a drop itself would leave the page for what was dropped.
fn refuse_the_webviews_own_drops() {
    for handle in [
        window_event_listener(ev::dragover, |event| event.prevent_default()),
        window_event_listener(ev::drop, |event| event.prevent_default()),
    ] {
        on_cleanup(move || handle.remove());
    }
}

/// Drops as a browser tells of them.
fn take_drops(offers: Offers, hovering: RwSignal<bool>) {
    // Words and links of the page itself are dragged within it.
    let own = StoredValue::new(false);
    let is_ours = move |event: &web_sys::DragEvent| {
        let Some(data) = event.data_transfer().filter(|_| !own.get_value()) else {
            return false;
        };
        let types = data.types();
        ["Files", "text/uri-list"]
            .iter()
            .any(|kind| types.includes(&(*kind).into(), 0))
    };
    let over = move |event: web_sys::DragEvent| {
        if is_ours(&event) {
            event.prevent_default();
            if let Some(data) = event.data_transfer() {
                data.set_drop_effect("copy");
            }
            if !hovering.get_untracked() {
                hovering.set(true);
            }
        }
    };
    let let_go = move |event: web_sys::DragEvent| {
        if !is_ours(&event) {
            return;
        }
        event.prevent_default();
        hovering.set(false);
        let place = (f64::from(event.client_x()), f64::from(event.client_y()));
        let Some(data) = event.data_transfer() else {
            return;
        };
        let mut sources = browser::dropped(&data);
        if sources.is_empty() {
            let text = data.get_data("text/uri-list").unwrap_or_default();
            sources.extend(named(&text).into_iter().map(|source| (source, None)));
        }
        offers.put_with(sources, agent_at(Some(place)).as_ref());
    };
    let left = move |event: web_sys::DragEvent| {
        if event.related_target().is_none() {
            hovering.set(false);
        }
    };
    for handle in [
        window_event_listener(ev::dragstart, move |_| own.set_value(true)),
        window_event_listener(ev::dragend, move |_| own.set_value(false)),
        window_event_listener(ev::dragover, over),
        window_event_listener(ev::dragleave, left),
        window_event_listener(ev::drop, let_go),
    ] {
        on_cleanup(move || handle.remove());
    }
}

/// A path, an address or a file that is pasted anywhere but in a field.
fn take_pastes(offers: Offers) {
    let pasted = move |event: web_sys::Event| {
        let Some(event) = event.dyn_ref::<web_sys::ClipboardEvent>() else {
            return;
        };
        let Some(data) = event.clipboard_data().filter(|_| !in_a_field(event)) else {
            return;
        };
        let mut sources = browser::dropped(&data);
        let text = data.get_data("text/plain").unwrap_or_default();
        let of_text = named(&text);
        if !of_text.is_empty() {
            // A file manager puts the path beside the file: a path says more.
            sources = of_text.into_iter().map(|source| (source, None)).collect();
        }
        if !sources.is_empty() {
            event.prevent_default();
            offers.put_with(sources, agent_at(None).as_ref());
        }
    };
    // WebKit lets nothing be pasted outside of fields unless somebody asks for it.
    let before = move |event: web_sys::Event| {
        if !in_a_field(&event) {
            event.prevent_default();
        }
    };
    for handle in [
        window_event_listener_untyped("paste", pasted),
        window_event_listener_untyped("beforepaste", before),
    ] {
        on_cleanup(move || handle.remove());
    }
}

fn in_a_field(event: &web_sys::Event) -> bool {
    let target = event.target().and_then(|target| target.dyn_into().ok());
    target.is_some_and(|element: web_sys::Element| {
        let field = element.closest("input, textarea, select, [contenteditable]");
        field.is_ok_and(|field| field.is_some())
    })
}

/// The agent whose row is there, else the one whose page this is. It is offered as a choice and never taken for granted:
/// where a drop lands is not told rightly everywhere.
fn agent_at(place: Place) -> Option<AgentName> {
    let row = place.and_then(|(x, y)| browser::link_at(x, y, "/agents/"));
    let path = row.or_else(browser::path)?;
    let name = path.strip_prefix("/agents/")?.split('/').next()?;
    let name = percent_encoding::percent_decode_str(name)
        .decode_utf8()
        .ok()?;
    (!name.is_empty()).then(|| AgentName(name.into_owned()))
}
