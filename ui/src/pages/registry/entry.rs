use leptos::{ev::SubmitEvent, prelude::*, task::spawn_local};
use nasiko_contract::{
    AgentName, Fault, GetRegistryEntry, RegistryEntry, ResetRegistryEntry, UpdateRegistryEntry,
};

use crate::{
    desk::{Desk, Loaded, fetch},
    kit::{Button, ConfirmDialog, CopyButton, ErrorCard, Look, Sentence, Waiting},
    model::registry::{tags_of, tags_text},
    words::registry::entry as words,
};

/// One entry: its words, which a person may change, and its card.
#[component]
pub(super) fn EntryView(agent: AgentName) -> impl IntoView {
    let desk = Desk::get();
    let entry = RwSignal::new(Loaded::<RegistryEntry>::Loading);
    let asked = RwSignal::new(0_u32);
    let touched = {
        let agent = agent.clone();
        Memo::new(move |_| desk.world.with(|world| world.touched.get(&agent).copied()))
    };
    {
        let agent = agent.clone();
        Effect::new(move || {
            let _told = touched.get();
            asked.track();
            let agent = agent.clone();
            fetch(desk, GetRegistryEntry { agent }, entry);
        });
    }
    let label = words::of(agent.as_str());
    let stage = Memo::new(move |_| {
        entry.with(|entry| match entry {
            Loaded::Loading => Loaded::Loading,
            Loaded::Failed(fault) => Loaded::Failed(fault.clone()),
            Loaded::Ready(_) => Loaded::Ready(()),
        })
    });
    // Parts that do not change stay as they are when it is read again: somebody may be writing.
    let head = of(entry, |entry| {
        let RegistryEntry {
            id,
            name,
            url,
            edited,
            ..
        } = entry;
        (id.clone(), name.clone(), url.clone(), *edited)
    });
    let words = of(entry, |entry| {
        let RegistryEntry {
            id,
            description,
            tags,
            ..
        } = entry;
        (id.clone(), description.clone(), tags_text(tags))
    });
    let card = of(entry, |entry| {
        serde_json::to_string_pretty(&entry.card).unwrap_or_default()
    });
    let body = move || {
        match stage.get() {
        Loaded::Loading => view! { <Waiting what=words::READING /> }.into_any(),
        Loaded::Failed(fault) => view! { <ErrorCard fault=fault /> }.into_any(),
        Loaded::Ready(()) => view! {
            {move || head.get().map(|(id, name, url, edited)| view! { <Head id=id name=name url=url edited=edited asked=asked /> })}
            {move || words.get().map(|(id, description, tags)| view! { <Words agent=id description=description tags=tags asked=asked /> })}
            {move || card.get().map(|card| view! { <Card document=card /> })}
        }
        .into_any(),
    }
    };
    view! { <section class="panel list registry-entry" aria-label=label>{body}</section> }
}

/// A part of the entry, once it is there.
fn of<T: Clone + PartialEq + Send + Sync + 'static>(
    entry: RwSignal<Loaded<RegistryEntry>>,
    read: fn(&RegistryEntry) -> T,
) -> Memo<Option<T>> {
    Memo::new(move |_| entry.with(|entry| entry.ready().map(read)))
}

#[component]
fn Head(
    id: AgentName,
    name: String,
    url: String,
    edited: bool,
    asked: RwSignal<u32>,
) -> impl IntoView {
    let desk = Desk::get();
    let asking = RwSignal::new(false);
    let agent = id.clone();
    let confirm = move |()| {
        desk.run(
            ResetRegistryEntry {
                agent: agent.clone(),
            },
            move |_| {
                desk.say(words::IS_RESET);
                let _gone = asked.try_update(|asked| *asked += 1);
            },
        );
    };
    let reset = edited.then(|| {
        view! { <Button id="registry-reset" press=move |()| asking.set(true)>{words::RESET_ASK}</Button> }
    });
    view! {
        <header class="panel-head">
            <h2><a href=format!("/agents/{id}")>{name}</a></h2>
            <code class="dim clip" title=url.clone()>{url.clone()}</code>
            <CopyButton text=url what=words::ADDRESS />
            <span class="grow"></span>
            {reset}
        </header>
        <ConfirmDialog open=asking title=words::RESET_TITLE action=words::RESET id="registry-reset-confirm" confirm=confirm>
            <p>{words::RESET_MEANS}</p>
        </ConfirmDialog>
    }
}

#[component]
fn Words(
    agent: AgentName,
    description: String,
    tags: String,
    asked: RwSignal<u32>,
) -> impl IntoView {
    let desk = Desk::get();
    let before = (description, tags);
    let description = RwSignal::new(before.0.clone());
    let tags = RwSignal::new(before.1.clone());
    let fault = RwSignal::new(None::<Fault>);
    let busy = RwSignal::new(false);
    let changed = Memo::new(move |_| description.get() != before.0 || tags.get() != before.1);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        busy.set(true);
        let request = UpdateRegistryEntry {
            agent: agent.clone(),
            description: Some(description.get_untracked().trim().to_owned()),
            tags: Some(tags_of(&tags.get_untracked())),
        };
        spawn_local(async move {
            let outcome = desk.client().call(request).await;
            let _gone = busy.try_set(false);
            match outcome {
                Ok(_) => {
                    desk.say(words::CHANGED);
                    let _gone = asked.try_update(|asked| *asked += 1);
                }
                Err(why) => {
                    let _gone = fault.try_set(Some(why));
                }
            }
        });
    };
    let why = move || {
        let fault = fault.get()?;
        Some(
            view! { <Sentence text=fault.message /> {fault.hint.map(|hint| view! { ". " <Sentence text=hint /> })} },
        )
    };
    let invalid = move || fault.with(Option::is_some).then_some("true");
    let idle = Signal::derive(move || busy.get() || !changed.get());
    view! {
        <form class="registry-form" on:submit=submit>
            <label class="field">
                <span>{words::DESCRIPTION}</span>
                <textarea
                    id="registry-description"
                    rows="3"
                    aria-describedby="registry-fault"
                    aria-invalid=invalid
                    prop:value=description
                    on:input:target=move |event| description.set(event.target().value())
                ></textarea>
            </label>
            <label class="field">
                <span>{words::TAGS}</span>
                <input
                    id="registry-tags"
                    type="text"
                    autocomplete="off"
                    aria-describedby="registry-fault"
                    aria-invalid=invalid
                    prop:value=tags
                    on:input:target=move |event| tags.set(event.target().value())
                />
            </label>
            <div id="registry-fault" class="setting-fault" role="alert">{why}</div>
            <div class="actions end">
                <button id="registry-save" type="submit" class=Look::Primary.class() disabled=idle>{words::SAVE}</button>
            </div>
        </form>
    }
}

#[component]
fn Card(document: String) -> impl IntoView {
    view! {
        <header class="panel-head card-head">
            <h3>{words::CARD}</h3>
            <span class="grow"></span>
            <CopyButton text=document.clone() what=words::THE_CARD />
        </header>
        <pre class="document" tabindex="0" aria-label=words::CARD_JSON>{document}</pre>
    }
}
