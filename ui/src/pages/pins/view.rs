use leptos::prelude::*;
use nasiko_contract::{ListPinAnswers, Page, PinAnswer, PinId};

use crate::{
    browser,
    desk::{Desk, Loaded, fetch},
    kit::{Button, ConfirmDialog, Glyph, Icon, Look, StateBadge},
    model::{pins as told, tone},
    pages::pins::{Pins, answer::AnswerColumn, history::AnswerHistory},
    words::{common, pins as words},
};

/// A pinned question: the accepted answer beside another one, and all that came before.
#[component]
pub(crate) fn PinView(pins: Pins, id: PinId) -> impl IntoView {
    let desk = Desk::get();
    let removing = RwSignal::new(false);
    // The answer that is compared, by its time; else the latest.
    let chosen = RwSignal::new(None::<i64>);
    let pin = {
        let id = id.clone();
        Memo::new(move |_| pins.pin(&id))
    };
    let state = Memo::new(move |_| pin.with(|pin| pin.as_ref().map(|pin| tone::pin(pin.state))));
    let accepted = Memo::new(move |_| pin.with(|pin| pin.as_ref()?.accepted.clone()));
    let latest = Memo::new(move |_| pin.with(|pin| pin.as_ref()?.latest.clone()));
    let history = RwSignal::new(Loaded::<Page<PinAnswer>>::Loading);
    {
        let id = id.clone();
        let latest_at = Memo::new(move |_| latest.with(|latest| latest.as_ref().map(|it| it.at)));
        Effect::new(move || {
            latest_at.get();
            let wanted = ListPinAnswers {
                agent: pins.agent(),
                pin: id.clone(),
                cursor: None,
                limit: None,
            };
            fetch(desk, wanted, history);
        });
    }
    let other = Memo::new(move |_| {
        let Some(at) = chosen.get() else {
            return latest.get();
        };
        history.with(|history| {
            let answers = &history.ready()?.items;
            answers.iter().find(|answer| answer.at == at).cloned()
        })
    });
    let comparison = Memo::new(move |_| {
        accepted.with(|accepted| {
            other.with(|other| told::comparison(accepted.as_ref(), other.as_ref()))
        })
    });
    let pieces = move |accepted: bool| {
        Signal::derive(move || {
            comparison.with(|comparison| {
                let pieces = if accepted {
                    &comparison.accepted
                } else {
                    &comparison.other
                };
                pieces.clone()
            })
        })
    };
    let can_accept = Memo::new(move |_| {
        chosen.with(Option::is_none) && pin.with(|pin| pin.as_ref().is_some_and(told::can_accept))
    });
    let too_long = move || comparison.with(|comparison| comparison.too_long);
    let title = Signal::derive(move || {
        if chosen.with(Option::is_none) {
            words::LATEST
        } else {
            words::EARLIER
        }
    });
    // With the pin goes the chip that the keyboard would come back to.
    let away = || request_animation_frame(|| browser::focus("content"));
    let [accept, remove] = [id.clone(), id];
    view! {
        <header class="pin-head">
            <p class="pin-question">{move || pin.with(|pin| pin.as_ref().map(|pin| pin.text.clone()))}</p>
            {move || state.get().map(|(tone, word)| view! { <StateBadge tone=tone word=word /> })}
            <Button look=Look::Flat press=move |()| pins.opened.set(None)>
                <Icon glyph=Glyph::Close />
                {common::CLOSE}
            </Button>
        </header>
        <div class="pin-body">
            <div class="pin-answers">
                <AnswerColumn
                    title=words::ACCEPTED
                    nothing=words::NONE_ACCEPTED
                    agent=pins.agent()
                    answer=accepted
                    pieces=pieces(true)
                    removed=true
                />
                <AnswerColumn
                    title=title
                    nothing=words::NOT_ASKED
                    agent=pins.agent()
                    answer=other
                    pieces=pieces(false)
                    removed=false
                />
            </div>
            <Show when=too_long>
                <p class="dim">{words::TOO_LONG}</p>
            </Show>
            <AnswerHistory agent=pins.agent() history=history accepted=accepted latest=latest chosen=chosen />
        </div>
        <div class="actions">
            <Button
                look=Look::Primary
                disabled=Signal::derive(move || !can_accept.get())
                press=move |()| desk.accept_pin(pins.agent(), accept.clone())
            >
                {words::ACCEPT_LATEST}
            </Button>
            <Button press=move |()| desk.ask_pins(pins.agent())>{words::ASK_AGAIN}</Button>
            <span class="grow"></span>
            <Button look=Look::Flat press=move |()| removing.set(true)>
                {common::REMOVE}
            </Button>
        </div>
        <ConfirmDialog
            open=removing
            title=words::REMOVE_TITLE
            action=common::REMOVE
            id="confirm-pin"
            confirm=move |()| desk.remove_pin(pins.agent(), remove.clone(), away)
        >
            {words::REMOVE_MEANS}
        </ConfirmDialog>
    }
}
