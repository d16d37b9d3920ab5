use leptos::{ev::SubmitEvent, prelude::*};
use leptos_router::hooks::use_location;

use crate::{
    browser,
    desk::Offers,
    kit::{Button, Glyph, Icon, Look, Modal},
    model::offer::{Offer, named},
    pages::{
        deploy::{PathButtons, PathField},
        drop::item::{OfferedItem, OfferedRow},
    },
    words::{deploy, drop as words},
};

/// What was dropped: what each of it is, and one Enter to deploy what is well. Escape gives it up.
#[component]
pub(crate) fn OfferDialog() -> impl IntoView {
    let offers = Offers::get();
    let offer = offers.offer;
    let open = Memo::new(move |_| offer.with(Offer::is_open));
    let asking = Memo::new(move |_| offer.with(|offer| offer.asking));
    let numbers = Memo::new(move |_| {
        offer.with(|offer| {
            offer
                .items()
                .iter()
                .map(|item| item.number)
                .collect::<Vec<u64>>()
        })
    });
    let open_items = Memo::new(move |_| offer.with(Offer::open_items));
    let title = Signal::derive(move || words::title(numbers.with(Vec::len), open_items.get()));
    // Whoever goes on to an agent is done with it.
    let path = use_location().pathname;
    Effect::new(move |before: Option<String>| {
        let path = path.get();
        if before.is_some_and(|before| before != path) {
            offers.clear();
        }
        path
    });
    view! {
        <Modal open=open close=move |()| offers.clear() label=title class="offer">
            <Show when=move || open.get()>
                <header class="offer-head">
                    <h2>{title}</h2>
                    <Button look=Look::Flat label=words::GIVE_UP press=move |()| offers.clear()>
                        <Icon glyph=Glyph::Close />
                        {words::ESC}
                    </Button>
                </header>
                <Show when=move || asking.get() fallback=move || view! { <Offered numbers=numbers /> }>
                    <Asking />
                </Show>
            </Show>
        </Modal>
    }
}

/// What is offered, and what is to be decided.
#[component]
fn Offered(numbers: Memo<Vec<u64>>) -> impl IntoView {
    let several = Memo::new(move |_| numbers.with(|numbers| numbers.len() > 1));
    let one = move || numbers.with(|numbers| numbers.first().copied());
    view! {
        <Show
            when=move || several.get()
            fallback=move || one().map(|number| view! { <OfferedItem number=number /> })
        >
            <ul class="offer-list">
                <For
                    each=move || numbers.get()
                    key=|number| *number
                    children=|number| view! { <OfferedRow number=number /> }
                />
            </ul>
        </Show>
        <LeftOut />
        <Decision />
    }
}

/// The words of the one button, and what it does: deploy what waits for a decision, and nothing but close after that.
#[component]
fn Decision() -> impl IntoView {
    let offers = Offers::get();
    let open_items = Memo::new(move |_| offers.offer.with(Offer::open_items));
    let waits = Memo::new(move |_| offers.offer.with(Offer::waits));
    let folders = Memo::new(move |_| {
        offers.offer.with(|offer| {
            let mut items = offer.items().iter();
            items.any(|item| item.source.is_folder() && item.is_open())
        })
    });
    let press = move |()| {
        if open_items.get_untracked() == 0 {
            offers.clear();
        } else {
            offers.accept();
        }
    };
    // A dialog gives the keyboard to its first button; here it belongs to the one that is meant.
    Effect::new(|| request_animation_frame(|| browser::focus("offer-deploy")));
    view! {
        <footer class="offer-foot">
            <Show when=move || folders.get()>
                <label class="check">
                    <input
                        type="checkbox"
                        prop:checked=move || offers.keep_live.get()
                        on:change:target=move |event| offers.keep_live.set(event.target().checked())
                    />
                    <span>{deploy::KEEP_LIVE}</span>
                </label>
            </Show>
            <span class="grow dim" role="status">
                {move || waits.get().then_some(words::SOON_DEPLOYED)}
            </span>
            <Button look=Look::Primary id="offer-deploy" press=press>
                {move || words::decision(open_items.get())}
            </Button>
        </footer>
    }
}

/// Asks for a path or an address.
#[component]
fn Asking() -> impl IntoView {
    let offers = Offers::get();
    let path = RwSignal::new(String::new());
    let unclear = RwSignal::new(false);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let sources = path.with_untracked(|path| named(path));
        unclear.set(sources.is_empty());
        if !sources.is_empty() {
            offers.put(sources, None);
        }
    };
    Effect::new(|| request_animation_frame(|| browser::focus("offer-path")));
    view! {
        <form class="offer-ask" on:submit=submit>
            <PathField id="offer-path" path=path typed=move |typed: String| path.set(typed) />
            <div class="actions">
                <button type="submit" class="button primary">
                    {words::LOOK}
                </button>
                <PathButtons />
            </div>
            <p class="hint" role="alert">
                {move || unclear.get().then_some(words::UNCLEAR)}
            </p>
        </form>
    }
}

#[component]
fn LeftOut() -> impl IntoView {
    let offers = Offers::get();
    let many = Memo::new(move |_| offers.offer.with(Offer::left_out));
    move || {
        let many = many.get();
        (many > 0).then(|| view! { <p class="hint">{words::no_room(many)}</p> })
    }
}
