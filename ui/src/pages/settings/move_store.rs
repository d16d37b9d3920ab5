use futures::StreamExt;
use leptos::{ev::SubmitEvent, prelude::*};
use nasiko_contract::{ErrorCode, Fault, MoveProgress, MoveReport, MoveStep, MoveStore};

use crate::{
    desk::{Desk, spawn_for_the_owner},
    kit::{Button, ErrorCard, Look, Modal, Progress, SecretField, Sentence},
    pages::settings::store::told,
    words::{common, settings::move_store as words},
};

/// Where a store can go to.
const PLACES: [(&str, &str); 3] = [
    ("sqlite", words::TO_FILE),
    ("stack", words::TO_STACK),
    ("", words::TO_OTHER),
];

/// How a move stands.
#[derive(Debug, Clone, PartialEq)]
enum Moving {
    /// It is decided where to.
    Asking,
    /// Under way; what it told last.
    Going(Option<MoveProgress>),
    /// Done.
    Done(MoveReport),
}

/// Moves the store. Gateway and agents go on meanwhile, whoever writes waits; until its end it can be given up.
#[component]
pub(super) fn MoveDialog(
    open: RwSignal<bool>,
    /// It was moved.
    #[prop(into)]
    moved: Callback<()>,
) -> impl IntoView {
    let moving = RwSignal::new(Moving::Asking);
    let fault = RwSignal::new(None::<Fault>);
    let request = RwSignal::new(None::<MoveStore>);
    let desk = Desk::get();
    Effect::new(move || {
        // Dropped with the request, which gives the move up.
        let Some(request) = request.get() else {
            return;
        };
        moving.set(Moving::Going(None));
        spawn_for_the_owner(async move {
            let told = carry_out(desk, request, moving).await;
            match told {
                Ok(report) => {
                    moving.set(Moving::Done(report));
                    moved.run(());
                }
                Err(why) => {
                    fault.set(Some(why));
                    moving.set(Moving::Asking);
                }
            }
        });
    });
    let close = move |()| {
        request.set(None);
        fault.set(None);
        moving.set(Moving::Asking);
        open.set(false);
    };
    let stage = Memo::new(move |_| moving.with(std::mem::discriminant));
    let body = move || {
        let _changed = stage.get();
        match moving.get_untracked() {
            Moving::Asking => {
                view! { <Where request=request fault=fault close=close /> }.into_any()
            }
            Moving::Going(_) => view! { <Going moving=moving close=close /> }.into_any(),
            Moving::Done(report) => view! { <Done report=report close=close /> }.into_any(),
        }
    };
    view! {
        <Modal open=open close=close label=words::TITLE>
            <h2>{words::TITLE}</h2>
            {body}
        </Modal>
    }
}

async fn carry_out(
    desk: Desk,
    request: MoveStore,
    moving: RwSignal<Moving>,
) -> Result<MoveReport, Fault> {
    let mut items = desk.client().stream(request).await?;
    while let Some(item) = items.next().await {
        let progress = item?.item;
        if let Some(report) = progress.report {
            return Ok(report);
        }
        let _gone = moving.try_set(Moving::Going(Some(progress)));
    }
    Err(Fault::new(ErrorCode::Unreachable, words::ENDED_EARLY))
}

#[component]
fn Where(
    request: RwSignal<Option<MoveStore>>,
    fault: RwSignal<Option<Fault>>,
    #[prop(into)] close: Callback<()>,
) -> impl IntoView {
    let place = RwSignal::new("sqlite".to_owned());
    let address = RwSignal::new(String::new());
    let redis = RwSignal::new(String::new());
    let join = RwSignal::new(false);
    let other = Memo::new(move |_| place.with(String::is_empty));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        fault.set(None);
        let given = |text: RwSignal<String>| Some(text.get_untracked().trim().to_owned());
        let is_other = other.get_untracked();
        request.set(Some(MoveStore {
            to: if is_other {
                given(address).unwrap_or_default()
            } else {
                place.get_untracked()
            },
            redis: given(redis).filter(|redis| is_other && !redis.is_empty()),
            join: is_other && join.get_untracked(),
        }));
    };
    let places = PLACES
        .iter()
        .map(|(value, word)| view! { <option value=*value>{*word}</option> })
        .collect_view();
    view! {
        <form class="down-form" on:submit=submit>
            <p class="dialog-text">{words::WHAT_HAPPENS}</p>
            <label class="field">
                <span>{words::TO}</span>
                <select id="store-place" on:change:target=move |event| place.set(event.target().value())>{places}</select>
            </label>
            <Show when=move || other.get()>
                <SecretField id="store-address" word=words::ADDRESS address="mongodb://user:password@host:27017/nasiko" text=address />
                <SecretField id="store-redis" word=words::REDIS address="redis://:password@host:6379" text=redis />
                <label class="check">
                    <input type="checkbox" on:change:target=move |event| join.set(event.target().checked()) />
                    {words::JOIN}
                </label>
            </Show>
            {move || fault.get().map(|fault| view! { <ErrorCard title=words::NOT_MOVED fault=fault /> })}
            <div class="actions end">
                <Button press=move |()| close.run(())>{common::KEEP}</Button>
                <button id="store-move" type="submit" class=Look::Primary.class()>{words::MOVE}</button>
            </div>
        </form>
    }
}

#[component]
fn Going(moving: RwSignal<Moving>, #[prop(into)] close: Callback<()>) -> impl IntoView {
    let told = Memo::new(move |_| match moving.get() {
        Moving::Going(told) => told,
        _ => None,
    });
    let step = move || {
        told.with(|told| match told.as_ref().map(|told| told.step) {
            None | Some(MoveStep::Preparing) => words::PREPARING,
            Some(MoveStep::Copying) => words::COPYING,
            Some(MoveStep::Comparing) => words::COMPARING,
            Some(MoveStep::Switching) => words::SWITCHING,
        })
    };
    let pieces = move || {
        told.with(|told| {
            let told = told.as_ref().filter(|told| told.total > 0)?;
            Some(words::pieces(told.done, told.total))
        })
    };
    let value = Signal::derive(move || {
        told.with(|told| {
            let told = told.as_ref().filter(|told| told.total > 0);
            told.map_or(0.0, |told| told.done as f64 / told.total as f64)
        })
    });
    view! {
        <p role="status">{step} " " <span class="dim figure">{pieces}</span></p>
        <Progress value=value label=words::PROGRESS />
        <div class="actions end">
            <Button press=move |()| close.run(())>{common::CANCEL}</Button>
        </div>
    }
}

#[component]
fn Done(report: MoveReport, #[prop(into)] close: Callback<()>) -> impl IntoView {
    let copied: u64 = report.counts.values().sum();
    let restart = report
        .restart
        .then(|| view! { <p><Sentence text=words::FROM_NEXT_START /></p> });
    view! {
        <p role="status"><Sentence text=words::moved(&told(&report.place), copied) /></p>
        <p class="dim"><Sentence text=words::stays_at(&told(&report.before)) /></p>
        {restart}
        <div class="actions end">
            <Button look=Look::Primary press=move |()| close.run(())>{common::CLOSE}</Button>
        </div>
    }
}
