use leptos::{ev::SubmitEvent, prelude::*, task::spawn_local};
use nasiko_contract::{
    AgentName, Fault, ListSecrets, Page, RemoveSecret, RemoveSharedSecret, SecretInfo, SetSecret,
    SetSharedSecret,
};

use crate::{
    browser,
    desk::{Desk, Loaded, fetch},
    kit::{
        AgentOptions, Button, ConfirmDialog, Empty, ErrorCard, Look, Panel, SecretField, Sentence,
        Waiting, empty_once_taken,
    },
    pages::settings::key::KeyPanel,
    words::{common, settings::secrets as words},
};

/// Secrets of agents: their names, and new values for them. A value goes in and is never shown.
#[component]
pub(super) fn SecretSettings() -> impl IntoView {
    let secrets = Secrets::open();
    let list = move || match secrets.list.get() {
        Loaded::Loading => view! { <Waiting what=words::READING /> }.into_any(),
        Loaded::Failed(fault) => view! { <ErrorCard fault=fault /> }.into_any(),
        Loaded::Ready(page) if page.items.is_empty() => view! {
            <Empty title=words::NONE>{words::WHAT_THEY_ARE}</Empty>
        }
        .into_any(),
        Loaded::Ready(page) => view! { <SecretTable secrets=secrets rows=page.items /> }.into_any(),
    };
    view! {
        <Panel title=words::TITLE class="secrets">
            {list}
            <SetForm secrets=secrets />
        </Panel>
        <KeyPanel />
        <RemoveDialog secrets=secrets />
    }
}

/// The names, and which one is about to be removed.
#[derive(Clone, Copy)]
struct Secrets {
    desk: Desk,
    list: RwSignal<Loaded<Page<SecretInfo>>>,
    asked: RwSignal<u32>,
    /// The one that is about to be removed, and whether the person is asked just now.
    removing: RwSignal<Option<SecretInfo>>,
    asking: RwSignal<bool>,
}

impl Secrets {
    fn open() -> Self {
        let desk = Desk::get();
        let secrets = Self {
            desk,
            list: RwSignal::new(Loaded::Loading),
            asked: RwSignal::new(0),
            removing: RwSignal::new(None),
            asking: RwSignal::new(false),
        };
        Effect::new(move || {
            secrets.asked.track();
            fetch(desk, ListSecrets { agent: None }, secrets.list);
        });
        secrets
    }

    fn ask_to_remove(self, secret: SecretInfo) {
        self.removing.set(Some(secret));
        self.asking.set(true);
    }

    fn read_again(self) {
        let _gone = self.asked.try_update(|asked| *asked += 1);
    }
}

/// Whose it is, in words.
fn whose(secret: &SecretInfo) -> String {
    match &secret.agent {
        Some(agent) => agent.to_string(),
        None => words::ALL_AGENTS.to_owned(),
    }
}

#[component]
fn SecretTable(secrets: Secrets, rows: Vec<SecretInfo>) -> impl IntoView {
    let row = move |secret: SecretInfo| {
        let name = secret.name.clone();
        let of = whose(&secret);
        let label = words::remove(&name, &of);
        view! {
            <tr>
                <th scope="row">{of}</th>
                <td class="rest"><code>{name}</code></td>
                <td class="row-actions">
                    <Button look=Look::Flat label=label press=move |()| secrets.ask_to_remove(secret.clone())>
                        {common::REMOVE}
                    </Button>
                </td>
            </tr>
        }
    };
    view! {
        <div class="table-scroll">
            <table class="rows">
                <thead>
                    <tr>
                        <th scope="col">{common::AGENT}</th>
                        <th scope="col">{words::NAME}</th>
                        <th scope="col"><span class="unseen">{common::ACTIONS}</span></th>
                    </tr>
                </thead>
                <tbody>{rows.into_iter().map(row).collect_view()}</tbody>
            </table>
        </div>
    }
}

#[component]
fn SetForm(secrets: Secrets) -> impl IntoView {
    let agent = RwSignal::new(None::<AgentName>);
    let name = RwSignal::new(String::new());
    let value = RwSignal::new(String::new());
    let fault = RwSignal::new(None::<Fault>);
    let busy = RwSignal::new(false);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        fault.set(None);
        let (agent, typed) = (agent.get_untracked(), name.get_untracked());
        let secret = value.get_untracked();
        // Gone from the page before it is known whether it was taken.
        value.set(String::new());
        spawn_local(async move {
            let outcome = put(secrets.desk, agent, typed.trim().to_owned(), secret).await;
            let _gone = busy.try_set(false);
            // The button that was pressed cannot be pressed any more.
            browser::keys::focus_unless_held("secret-name");
            match outcome {
                Ok(made) => {
                    let agent = made.agent.as_ref().map(AgentName::as_str);
                    secrets.desk.say(words::kept(&made.name, agent));
                    empty_once_taken(name, &typed);
                    secrets.read_again();
                }
                Err(why) => {
                    let _gone = fault.try_set(Some(why));
                }
            }
        });
    };
    let near = RwSignal::new(false);
    let choose =
        move |word: String| agent.set(Some(word).filter(|word| !word.is_empty()).map(AgentName));
    let why = move || {
        let fault = fault.get()?;
        Some(
            view! { <Sentence text=fault.message /> {fault.hint.map(|hint| view! { ". " <Sentence text=hint /> })} },
        )
    };
    let incomplete = Signal::derive(move || {
        busy.get() || name.with(|name| name.trim().is_empty()) || value.with(String::is_empty)
    });
    view! {
        <form class="secret-form" on:submit=submit on:focusin=move |_| near.set(true)>
            <label class="field">
                <span>{common::AGENT}</span>
                <select id="secret-agent" on:change:target=move |event| choose(event.target().value())>
                    <option value="">{words::ALL_AGENTS}</option>
                    <AgentOptions near=near chosen=agent value=AgentName::to_string />
                </select>
            </label>
            <label class="field">
                <span>{words::NAME}</span>
                <input
                    id="secret-name"
                    class="mono"
                    type="text"
                    autocomplete="off"
                    spellcheck="false"
                    placeholder="OPENAI_API_KEY"
                    aria-describedby="secret-fault"
                    aria-invalid=move || fault.with(Option::is_some).then_some("true")
                    prop:value=name
                    on:input:target=move |event| name.set(event.target().value())
                />
            </label>
            <SecretField id="secret-value" word=words::VALUE text=value />
            <button id="secret-set" type="submit" class=Look::Primary.class() disabled=incomplete>{words::SET}</button>
            <div id="secret-fault" class="setting-fault" role="alert">{why}</div>
        </form>
        <p class="secret-note dim"><Sentence text=words::NOTE /></p>
    }
}

async fn put(
    desk: Desk,
    agent: Option<AgentName>,
    name: String,
    value: String,
) -> Result<SecretInfo, Fault> {
    let client = desk.client();
    match agent {
        None => client.call(SetSharedSecret { name, value }).await,
        Some(agent) => client.call(SetSecret { agent, name, value }).await,
    }
}

#[component]
fn RemoveDialog(secrets: Secrets) -> impl IntoView {
    let desk = secrets.desk;
    let confirm = move |()| {
        let Some(SecretInfo { name, agent }) = secrets.removing.get_untracked() else {
            return;
        };
        let said = words::removed(&name);
        let done = move || {
            desk.say(said);
            secrets.read_again();
            // Its row goes.
            browser::focus("secret-name");
        };
        match agent {
            Some(agent) => desk.run(RemoveSecret { agent, name }, move |_| done()),
            None => desk.run(RemoveSharedSecret { name }, move |_| done()),
        }
    };
    let meaning = move || {
        secrets.removing.with(|secret| {
            let secret = secret.as_ref()?;
            let agent = secret.agent.as_ref().map(AgentName::as_str);
            Some(view! { <Sentence text=words::removal(&secret.name, agent) /> })
        })
    };
    view! {
        <ConfirmDialog open=secrets.asking title=words::REMOVE_TITLE action=common::REMOVE id="secret-remove" confirm=confirm>
            <p>{meaning}</p>
        </ConfirmDialog>
    }
}
