use leptos::prelude::*;

use crate::{
    desk::Desk,
    kit::{Glyph, Icon},
    model::stack::Address,
    words::stack::services as words,
};

/// Where a service is reached: each address to be opened, and to be copied.
#[component]
pub(super) fn Ports(addresses: Vec<Address>) -> impl IntoView {
    if addresses.is_empty() {
        return view! { <span class="dim">"–"</span> }.into_any();
    }
    let all = addresses
        .into_iter()
        .map(|address| view! { <Port address=address /> })
        .collect_view();
    view! { <span class="ports">{all}</span> }.into_any()
}

#[component]
fn Port(address: Address) -> impl IntoView {
    let desk = Desk::get();
    let Address {
        reached,
        shown,
        url,
        target,
    } = address;
    let title = format!("{reached} → {target}");
    let label = words::copy(&reached);
    let copy = move |_| {
        desk.copy(
            reached.clone(),
            words::copied(&reached),
            words::not_copied(&reached),
        );
    };
    let way = match url {
        Some(url) => view! {
            <a class="link" href=url title=title target="_blank" rel="external noopener noreferrer">
                <code>{shown}</code>
            </a>
        }
        .into_any(),
        None => view! { <code title=title>{shown}</code> }.into_any(),
    };
    view! {
        <span class="port">
            {way}
            <button type="button" class="button flat copy-port" aria-label=label.clone() title=label.clone() on:click=copy>
                <Icon glyph=Glyph::Copy />
            </button>
        </span>
    }
}
