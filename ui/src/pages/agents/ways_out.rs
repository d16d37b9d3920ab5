use leptos::{ev::SubmitEvent, prelude::*, task::spawn_local};
use nasiko_contract::{AgentName, Fault, RebuildAgent, SetSecret, UnlockVault};

use crate::{
    desk::Desk,
    kit::{Button, ErrorCard, Look, Modal, SecretField},
    model::remedy::{self, Place, Remedy},
    words::{common, kit::copy, remedy as words},
};

/// The ways out of an agent's failure; the first one mends its cause.
#[component]
pub(crate) fn WaysOut(agent: AgentName, fault: Fault) -> impl IntoView {
    remedy::of(&fault)
        .into_iter()
        .enumerate()
        .map(|(number, remedy)| {
            let look = if number == 0 {
                Look::Primary
            } else {
                Look::Plain
            };
            view! { <WayOut agent=agent.clone() remedy=remedy look=look /> }
        })
        .collect_view()
}

#[component]
fn WayOut(agent: AgentName, remedy: Remedy, look: Look) -> impl IntoView {
    let desk = Desk::get();
    let rebuild = {
        let agent = agent.clone();
        move |()| {
            let agent = agent.clone();
            desk.start(RebuildAgent { agent });
        }
    };
    match remedy {
        Remedy::SetVariable(name) => {
            view! { <SetVariable agent=agent name=name look=look /> }.into_any()
        }
        Remedy::Correct(place) => {
            let words = words::copy(&place.name());
            view! { <Button look=look press=move |()| copy_place(desk, &agent, &place)>{words}</Button> }.into_any()
        }
        Remedy::UnlockKey => {
            let unlock = move |()| {
                desk.run(UnlockVault::default(), move |vault| match vault.fault {
                    Some(fault) => desk.report(fault),
                    None => desk.say(words::KEY_IS_OPEN),
                });
            };
            view! { <Button look=look press=unlock>{words::UNLOCK_KEY}</Button> }.into_any()
        }
        Remedy::AskDoctor => {
            view! { <a class=look.class() href="/doctor">{common::ASK_DOCTOR}</a> }.into_any()
        }
        Remedy::TryAgain => {
            view! { <Button look=look press=rebuild>{common::TRY_AGAIN}</Button> }.into_any()
        }
        Remedy::Rebuild => {
            view! { <Button look=look press=rebuild>{common::REBUILD}</Button> }.into_any()
        }
        Remedy::OpenLog => {
            let href = format!("/agents/{agent}/logs");
            view! { <a class=look.class() href=href>{common::OPEN_LOG}</a> }.into_any()
        }
    }
}

/// Puts a place into the clipboard as editors take it.
fn copy_place(desk: Desk, agent: &AgentName, place: &Place) {
    let text = desk.world.with_untracked(|world| {
        let folder = world.agent(agent).map(|agent| agent.source.as_str());
        place.path(folder.unwrap_or_default())
    });
    desk.copy(text, copy::copied(words::PLACE), copy::failed(words::PLACE));
}

/// Asks for the value of a variable, keeps it as a secret of the agent, and builds the agent anew.
#[component]
fn SetVariable(agent: AgentName, name: String, look: Look) -> impl IntoView {
    let desk = Desk::get();
    let open = RwSignal::new(false);
    let value = RwSignal::new(String::new());
    let fault = RwSignal::new(None::<Fault>);
    let busy = RwSignal::new(false);
    let incomplete = Signal::derive(move || busy.get() || value.with(String::is_empty));
    let meaning = words::variable::meaning(agent.as_str());
    let (title, button) = (words::variable::title(&name), words::set(&name));
    let submit = {
        let name = name.clone();
        move |event: SubmitEvent| {
            event.prevent_default();
            if incomplete.get_untracked() {
                return;
            }
            busy.set(true);
            fault.set(None);
            let request = SetSecret {
                agent: agent.clone(),
                name: name.clone(),
                // Gone from the page before it is known whether it was taken.
                value: std::mem::take(&mut *value.write()),
            };
            let agent = agent.clone();
            spawn_local(async move {
                let outcome = desk.client().call(request).await;
                let _gone = busy.try_set(false);
                match outcome {
                    Ok(_) => {
                        let _gone = open.try_set(false);
                        desk.start(RebuildAgent { agent });
                    }
                    Err(why) => {
                        let _gone = fault.try_set(Some(why));
                    }
                }
            });
        }
    };
    view! {
        <Button look=look press=move |()| open.set(true)>{button}</Button>
        <Modal open=open close=move |()| open.set(false) label=title.clone()>
            <h2>{title.clone()}</h2>
            <p class="dialog-text">{meaning}</p>
            <form class="down-form" on:submit=submit>
                <SecretField word=words::variable::VALUE text=value />
                {move || fault.get().map(|fault| view! { <ErrorCard fault=fault /> })}
                <div class="actions end">
                    <Button press=move |()| open.set(false)>{common::CANCEL}</Button>
                    <button type="submit" class=Look::Primary.class() disabled=incomplete>{words::variable::SET}</button>
                </div>
            </form>
        </Modal>
    }
}
