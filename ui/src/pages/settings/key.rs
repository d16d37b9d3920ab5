use leptos::{ev::SubmitEvent, prelude::*};
use nasiko_contract::{
    ErrorCode, Fault, GetVault, JsonOperation, KeepVaultKey, KeyPlace, ResetVault, UnlockVault,
    VaultInfo, VaultState,
};

use crate::{
    desk::{Desk, Loaded, fetch, put},
    kit::{Button, ConfirmDialog, ErrorCard, Look, Modal, Panel, SecretField, StateBadge, Waiting},
    model::vault,
    words::settings::key as words,
};

/// The key that secrets are sealed with: where it is, what that means, and what a person can do about it.
#[derive(Clone, Copy)]
struct Key {
    desk: Desk,
    info: RwSignal<Loaded<VaultInfo>>,
    /// Why the last wish was refused.
    fault: RwSignal<Option<Fault>>,
    busy: RwSignal<bool>,
}

impl Key {
    /// Carries out a wish; how the key stands then is shown, and `done` called if it was granted.
    fn wish<O>(self, operation: O, done: impl FnOnce() + 'static)
    where
        O: JsonOperation,
    {
        self.busy.set(true);
        self.fault.set(None);
        leptos::task::spawn_local(async move {
            let client = self.desk.client();
            let outcome = client.call(operation).await;
            if let Ok(now) = client.call(GetVault {}).await {
                put(self.info, Loaded::Ready(now));
            }
            let _gone = self.busy.try_set(false);
            match outcome {
                Ok(_) => done(),
                Err(fault) => {
                    let _gone = self.fault.try_set(Some(fault));
                }
            }
        });
    }
}

/// Where the key is kept, and moving it.
#[component]
pub(super) fn KeyPanel() -> impl IntoView {
    let desk = Desk::get();
    let key = Key {
        desk,
        info: RwSignal::new(Loaded::Loading),
        fault: RwSignal::new(None),
        busy: RwSignal::new(false),
    };
    Effect::new(move || fetch(desk, GetVault {}, key.info));
    let moving = RwSignal::new(false);
    let body = move || match key.info.get() {
        Loaded::Loading => view! { <Waiting what=words::READING /> }.into_any(),
        Loaded::Failed(fault) => view! { <ErrorCard fault=fault /> }.into_any(),
        Loaded::Ready(info) => view! { <Standing key=key info=info moving=moving /> }.into_any(),
    };
    view! {
        <Panel title=words::TITLE>
            {body}
        </Panel>
        <MoveKey key=key open=moving />
    }
}

#[component]
fn Standing(key: Key, info: VaultInfo, moving: RwSignal<bool>) -> impl IntoView {
    let state = vault::standing(&info);
    let (tone, word) = vault::state(state);
    let place = info.kept_in;
    let fact = |name: &'static str, value: String| {
        view! { <div><dt>{name}</dt><dd>{value}</dd></div> }
    };
    // What was answered to the last wish says more.
    let trouble = move || {
        let fault = info
            .fault
            .clone()
            .filter(|_| key.fault.with(Option::is_none));
        fault.map(|fault| view! { <ErrorCard fault=fault /> })
    };
    let way_out = match state {
        VaultState::Locked => Some(view! { <Unlock key=key place=place /> }.into_any()),
        VaultState::Failed => Some(view! { <Reset key=key place=place /> }.into_any()),
        VaultState::Open | VaultState::NotNeeded => None,
    };
    view! {
        <div class="setting">
            <div class="setting-words key">
                <p><b id="key-place">{vault::place(place)}</b> <StateBadge tone=tone word=word /></p>
                <p>{vault::meaning(place)}</p>
            </div>
            <div class="setting-value">
                <Button id="move-key" disabled=key.busy press=move |()| moving.set(true)>{words::MOVE}</Button>
            </div>
        </div>
        <dl class="facts key-facts">
            {fact(words::WHY_THERE, info.reason)}
            {info.location.map(|location| fact(words::PLACE, location))}
            {fact(words::KEYRING, info.keyring)}
            {info.key_id.map(|id| fact(words::KEY_ID, id))}
        </dl>
        {trouble}
        {way_out}
    }
}

/// Asks the keyring, or opens a sealed key with its passphrase.
#[component]
fn Unlock(key: Key, place: Option<KeyPlace>) -> impl IntoView {
    let typed = RwSignal::new(String::new());
    let sealed = place == Some(KeyPlace::Passphrase);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let passphrase = sealed.then(|| typed.get_untracked());
        typed.set(String::new());
        key.wish(UnlockVault { passphrase }, || {});
    };
    view! {
        <form class="key-form" on:submit=submit>
            {sealed.then(|| view! { <SecretField id="unlock-passphrase" word=words::PASSPHRASE text=typed /> })}
            <button id="unlock" type="submit" class=Look::Primary.class() disabled=key.busy>
                {if sealed { words::UNLOCK } else { words::ASK_KEYRING }}
            </button>
        </form>
        {move || key.fault.get().map(|fault| view! { <ErrorCard fault=fault /> })}
    }
}

/// For a key that is lost.
#[component]
fn Reset(key: Key, place: Option<KeyPlace>) -> impl IntoView {
    let asking = RwSignal::new(false);
    let typed = RwSignal::new(String::new());
    let sealed = place == Some(KeyPlace::Passphrase);
    let confirm = move |()| {
        let passphrase = sealed.then(|| typed.get_untracked());
        typed.set(String::new());
        key.wish(ResetVault { passphrase }, move || {
            key.desk.say(words::FORGOTTEN);
        });
    };
    view! {
        <div class="key-form">
            {sealed.then(|| view! { <SecretField id="reset-passphrase" word=words::NEW_PASSPHRASE text=typed /> })}
            <Button look=Look::Danger press=move |()| asking.set(true)>{words::FORGET_ALL}</Button>
        </div>
        {move || key.fault.get().map(|fault| view! { <ErrorCard fault=fault /> })}
        <ConfirmDialog open=asking title=words::FORGET_TITLE action=words::FORGET id="reset-confirm" confirm=confirm>
            <p>{words::FORGET_MEANS}</p>
        </ConfirmDialog>
    }
}

/// Keeps the key elsewhere. It is read back there before it goes from where it was.
#[component]
fn MoveKey(key: Key, open: RwSignal<bool>) -> impl IntoView {
    let chosen = RwSignal::new(None::<KeyPlace>);
    let (first, second) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let forget = move || {
        first.set(String::new());
        second.set(String::new());
        key.fault.set(None);
    };
    let close = move |()| {
        forget();
        chosen.set(None);
        open.set(false);
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(place) = chosen.get_untracked() else {
            return;
        };
        let mut passphrase = None;
        if place == KeyPlace::Passphrase {
            if first.with_untracked(|first| second.with_untracked(|second| first != second)) {
                let fault = Fault::new(ErrorCode::InvalidRequest, words::PASSPHRASES_DIFFER);
                return key.fault.set(Some(fault.hint(words::TYPE_IT_TWICE)));
            }
            passphrase = Some(first.get_untracked()).filter(|typed| !typed.is_empty());
        }
        key.wish(KeepVaultKey { place, passphrase }, move || {
            key.desk.say(words::kept(vault::place(Some(place))));
            close(());
        });
    };
    let options = move || {
        let present = key
            .info
            .with(|info| info.ready().and_then(|info| info.kept_in));
        let option = move |place: KeyPlace| {
            let word = vault::place(Some(place));
            view! {
                <label class="key-option">
                    <input
                        id=format!("key-{}", vault::id(place))
                        type="radio"
                        name="key-place"
                        disabled=present == Some(place)
                        prop:checked=move || chosen.get() == Some(place)
                        on:change=move |_| chosen.set(Some(place))
                    />
                    <span>
                        <b>{word}</b>
                        {(present == Some(place)).then(|| view! { " " {words::AS_NOW} })}
                        <small>{vault::meaning(Some(place))}</small>
                    </span>
                </label>
            }
        };
        vault::PLACES.map(option).collect_view()
    };
    let sealed = Memo::new(move |_| chosen.get() == Some(KeyPlace::Passphrase));
    let nothing = Signal::derive(move || chosen.with(Option::is_none) || key.busy.get());
    view! {
        <Modal open=open close=close label=words::MOVE_TITLE>
            <form class="down-form" on:submit=submit>
                <h2>{words::MOVE_TITLE}</h2>
                <fieldset class="key-options">
                    <legend class="unseen">{words::WHERE}</legend>
                    {options}
                </fieldset>
                <Show when=move || sealed.get()>
                    <SecretField id="key-new" word=words::PASSPHRASE text=first />
                    <SecretField id="key-again" word=words::PASSPHRASE_AGAIN text=second />
                </Show>
                {move || open.get().then(|| key.fault.get()).flatten().map(|fault| view! { <ErrorCard fault=fault /> })}
                <div class="actions end">
                    <Button press=close>{words::LEAVE_IT}</Button>
                    <button id="key-confirm" type="submit" class=Look::Primary.class() disabled=nothing>{words::KEEP_IT_THERE}</button>
                </div>
            </form>
        </Modal>
    }
}
