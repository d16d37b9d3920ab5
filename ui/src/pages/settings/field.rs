use std::collections::BTreeSet;

use leptos::{ev::KeyboardEvent, prelude::*};
use nasiko_contract::{Fault, Settings};

use crate::{
    desk::Desk,
    kit::{Button, ErrorCard, Look, Sentence, Waiting, empty_once_taken},
    model::settings::{Kind, Spec},
    words::{common, settings as words},
};

/// The settings as a page shows them.
#[derive(Clone, Copy)]
pub(super) struct Form {
    desk: Desk,
    settings: Memo<Option<Settings>>,
    /// Why they could not be read.
    fault: RwSignal<Option<Fault>>,
    /// Those that somebody else changed while the page was looked at.
    elsewhere: RwSignal<BTreeSet<&'static str>>,
}

impl Form {
    /// Reads the settings, and follows them from then on.
    pub(super) fn open() -> Self {
        let desk = Desk::get();
        let form = Self {
            desk,
            settings: Memo::new(move |_| desk.world.with(|world| world.settings.clone())),
            fault: RwSignal::new(None),
            elsewhere: RwSignal::default(),
        };
        let missed = Memo::new(move |_| desk.live.with(|live| live.missed));
        Effect::new(move || {
            let _asked_anew = missed.get();
            form.read();
        });
        Effect::new(move |before: Option<Option<Settings>>| {
            let now = form.settings.get();
            if let (Some(Some(before)), Some(now)) = (before, &now) {
                form.tell_others(&before, now);
            }
            now
        });
        form
    }

    fn read(self) {
        self.desk.read_settings(move |fault| {
            let _gone = self.fault.try_set(fault);
        });
    }

    fn tell_others(self, before: &Settings, now: &Settings) {
        let others = self
            .desk
            .own_settings
            .with_value(|own| own.others(before, now));
        for spec in others {
            self.elsewhere.update(|marked| {
                marked.insert(spec.key);
            });
            let value = spec.words(&spec.shown(now));
            self.desk
                .say(words::was_changed_elsewhere(spec.label, &value));
        }
    }
}

/// What is drawn once the settings are there; until then that they are read, or why they cannot be.
#[component]
pub(super) fn WhenRead(form: Form, children: ChildrenFn) -> impl IntoView {
    let known = Memo::new(move |_| form.settings.with(Option::is_some));
    move || {
        // Once they are known, no answer draws them anew under what a person types.
        if known.get() {
            return children().into_any();
        }
        match form.fault.get() {
            Some(fault) => view! {
                <ErrorCard fault=fault>
                    <Button look=Look::Primary press=move |()| form.read()>
                        {common::TRY_AGAIN}
                    </Button>
                </ErrorCard>
            }
            .into_any(),
            None => view! { <Waiting what=words::READING /> }.into_any(),
        }
    }
}

/// One setting: its words, its value, and why a value was refused.
#[component]
pub(super) fn Setting(form: Form, spec: Spec) -> impl IntoView {
    let shown = Memo::new(move |_| {
        form.settings
            .with(|settings| settings.as_ref().map(|settings| spec.shown(settings)))
            .unwrap_or_default()
    });
    let draft = RwSignal::new(None::<String>);
    let fault = RwSignal::new(None::<Fault>);
    let saving = RwSignal::new(false);
    let set = move |typed: String| {
        // While a change is under way, what is shown is about to be something else.
        if typed.trim() == shown.get_untracked() && !saving.get_untracked() {
            draft.set(None);
            fault.set(None);
            return;
        }
        let patch = match spec.patch(&typed) {
            Ok(patch) => patch,
            Err(why) => return fault.set(Some(refused(why))),
        };
        form.elsewhere.update(|marked| {
            marked.remove(spec.key);
        });
        saving.set(true);
        let told = words::changed(spec.label, &spec.words(typed.trim()));
        form.desk.change_settings(patch, told, move |refusal| {
            let _gone = saving.try_set(false);
            if refusal.is_none() {
                empty_once_taken(draft, &Some(typed));
            }
            let _gone = fault.try_set(refusal);
        });
    };
    let put_back = move || {
        draft.set(None);
        fault.set(None);
    };
    let elsewhere = Memo::new(move |_| form.elsewhere.with(|marked| marked.contains(spec.key)));
    let back = move || {
        fault.with(Option::is_some).then(|| {
            view! {
                <Button look=Look::Flat press=move |()| put_back()>
                    {common::PUT_BACK}
                </Button>
            }
        })
    };
    let value = Value {
        shown,
        draft,
        saving,
        refused: Signal::derive(move || fault.with(Option::is_some)),
        set: Callback::new(set),
    };
    view! {
        <Row id=spec.key label=spec.label about=spec.about>
            <div class="setting-value">
                <Show when=move || elsewhere.get()>
                    <span class="tag">{words::CHANGED_ELSEWHERE}</span>
                </Show>
                <Input spec=spec value=value />
            </div>
            <div id=format!("{}-fault", spec.key) class="setting-fault" role="alert">
                <Why fault=fault />
                {back}
            </div>
        </Row>
    }
}

fn refused(why: &str) -> Fault {
    Fault::new(nasiko_contract::ErrorCode::InvalidRequest, why)
}

/// A row of a page of settings.
#[component]
pub(super) fn Row(
    /// The id of what it labels.
    id: &'static str,
    label: &'static str,
    about: &'static str,
    children: Children,
) -> impl IntoView {
    view! {
        <div class="setting">
            <div class="setting-words">
                <label for=id id=format!("{id}-label")>{label}</label>
                <p id=format!("{id}-about")>{about}</p>
            </div>
            {children()}
        </div>
    }
}

/// What is on or off, in a [`Row`] of the same id.
#[component]
pub(super) fn Toggle(
    id: &'static str,
    #[prop(into)] on: Signal<bool>,
    /// A change is under way.
    #[prop(into)]
    busy: Signal<bool>,
    #[prop(into)] set: Callback<bool>,
) -> impl IntoView {
    view! {
        <button
            id=id
            type="button"
            class="switch"
            role="switch"
            aria-labelledby=format!("{id}-label")
            aria-describedby=format!("{id}-about {id}-fault")
            aria-checked=move || if on.get() { "true" } else { "false" }
            aria-disabled=move || busy.get().then_some("true")
            on:click=move |_| {
                if !busy.get_untracked() {
                    set.run(!on.get_untracked());
                }
            }
        >
            <i class="switch-track" aria-hidden="true"></i>
        </button>
    }
}

/// Why a setting is not as it was asked for.
#[component]
pub(super) fn Why(#[prop(into)] fault: Signal<Option<Fault>>) -> impl IntoView {
    move || {
        let fault = fault.get()?;
        Some(view! {
            <span><Sentence text=fault.message /> {fault.hint.map(|hint| view! { ". " <Sentence text=hint /> })}</span>
        })
    }
}

/// A value as it is edited.
#[derive(Clone, Copy)]
struct Value {
    shown: Memo<String>,
    /// What was typed and not taken.
    draft: RwSignal<Option<String>>,
    saving: RwSignal<bool>,
    refused: Signal<bool>,
    set: Callback<String>,
}

#[component]
fn Input(spec: Spec, value: Value) -> impl IntoView {
    let Spec { key, kind, .. } = spec;
    let described = format!("{key}-about {key}-fault");
    let invalid = move || value.refused.get().then_some("true");
    let text = move || value.draft.get().unwrap_or_else(|| value.shown.get());
    let escape = move |event: KeyboardEvent| {
        if event.key() == "Escape" {
            value.draft.set(None);
        }
    };
    let field = move |class: &'static str, mode: &'static str, hint: &'static str| {
        view! {
            <input
                id=key
                type="text"
                class=class
                inputmode=mode
                placeholder=hint
                autocomplete="off"
                spellcheck="false"
                aria-describedby=described.clone()
                aria-invalid=invalid
                prop:value=text
                on:input:target=move |event| value.draft.set(Some(event.target().value()))
                on:change:target=move |event| value.set.run(event.target().value())
                on:keydown=escape
            />
        }
    };
    match kind {
        Kind::Number(unit) => view! {
            {field("figure number", "numeric", "")}
            <span class="unit">{unit}</span>
        }
        .into_any(),
        Kind::Text(hint) => field("mono address", "text", hint).into_any(),
        Kind::Switch => {
            let on = Signal::derive(move || value.shown.with(|shown| shown == "true"));
            let set = move |on: bool| value.set.run(on.to_string());
            view! { <Toggle id=key on=on busy=value.saving set=set /> }.into_any()
        }
        Kind::Choice(choices) => {
            let options = choices
                .iter()
                .map(|(choice, word)| {
                    view! { <option value=*choice selected=move || value.shown.with(|shown| shown == choice)>{*word}</option> }
                })
                .collect_view();
            view! {
                <select
                    id=key
                    aria-describedby=format!("{key}-about {key}-fault")
                    on:change:target=move |event| value.set.run(event.target().value())
                >
                    {options}
                </select>
            }
            .into_any()
        }
    }
}
