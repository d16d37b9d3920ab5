use leptos::prelude::*;
use nasiko_contract::{AgentName, Job};

use crate::{
    browser,
    desk::{Desk, Offers},
    kit::{Button, ErrorCard, FindingRow, Glyph, Icon, Look, Sentence},
    model::offer::{Item, State, word},
    pages::deploy::{Course, Description},
    words::drop::item as words,
};

fn item_of(number: u64) -> Memo<Option<Item>> {
    let offers = Offers::get();
    Memo::new(move |_| offers.offer.with(|offer| offer.item(number).cloned()))
}

fn job_of(item: Memo<Option<Item>>) -> Memo<Option<Job>> {
    let desk = Desk::get();
    Memo::new(move |_| {
        let State::Deploying(id) = item.get()?.state else {
            return None;
        };
        desk.world.with(|world| world.jobs.get(&id).cloned())
    })
}

/// The only thing that is offered: all that is known of it.
#[component]
pub(crate) fn OfferedItem(number: u64) -> impl IntoView {
    let offers = Offers::get();
    let item = item_of(number);
    let job = job_of(item);
    let body = move || {
        let item = item.get()?;
        Some(match item.state {
            State::Looking => {
                view! { <p class="dim" role="status">{words::LOOKING}</p> }.into_any()
            }
            State::Understood(description) => {
                view! { <Description description=*description /> }.into_any()
            }
            State::Unseen => view! { <p class="dim">{words::UNSEEN}</p> }.into_any(),
            State::Hopeless(fault) | State::Refused(fault) => {
                view! { <ErrorCard fault=fault /> }.into_any()
            }
            State::Ordered | State::Deploying(_) => ().into_any(),
        })
    };
    view! {
        <div class="offered">
            <Heading item=item job=job alone=true />
            {body}
            <Replace number=number item=item />
            <Course job=job again=move |()| offers.again(number) />
        </div>
    }
}

/// One of several: a line, and below it what stands in its way.
#[component]
pub(crate) fn OfferedRow(number: u64) -> impl IntoView {
    let offers = Offers::get();
    let item = item_of(number);
    let job = job_of(item);
    let trouble = move || {
        let item = item.get()?;
        match item.state {
            State::Hopeless(fault) | State::Refused(fault) => Some(
                view! {
                    <p class="offer-trouble">
                        <Sentence text=fault.message />
                        {fault.hint.map(|hint| view! { " " <span class="dim"><Sentence text=hint /></span> })}
                    </p>
                }
                .into_any(),
            ),
            State::Understood(description) => {
                let findings = description.findings.into_iter();
                let findings = findings
                    .filter(|finding| finding.severity == nasiko_contract::Severity::Error)
                    .map(|finding| view! { <FindingRow finding=finding /> })
                    .collect_view();
                Some(view! { <ul class="findings">{findings}</ul> }.into_any())
            }
            _ => None,
        }
    };
    let failure = move || {
        job.get()
            .and_then(|job| job.fault)
            .map(|fault| view! { <ErrorCard fault=fault /> })
    };
    let leave_out = move |()| {
        offers.remove(number);
        // The button that had the keyboard is gone.
        browser::focus("offer-deploy");
    };
    let name = move || item.with(|item| item.as_ref().map(|item| item.source.name().to_owned()));
    view! {
        <li>
            <div class="offer-line">
                <Heading item=item job=job />
                <Button
                    look=Look::Flat
                    label=words::leave_out(&name().unwrap_or_default())
                    press=leave_out
                >
                    <Icon glyph=Glyph::Close />
                    {words::LEAVE_OUT}
                </Button>
            </div>
            <Replace number=number item=item />
            {trouble}
            {failure}
        </li>
    }
}

/// Its name, where it lies, and how far it is.
#[component]
fn Heading(
    item: Memo<Option<Item>>,
    job: Memo<Option<Job>>,
    /// What it was understood to be is said below.
    #[prop(optional)]
    alone: bool,
) -> impl IntoView {
    move || {
        let item = item.get()?;
        let (tone, word) = job.with(|job| word(&item, job.as_ref()));
        let described = item.description();
        let name = described.map_or(item.source.name(), |description| description.name.as_str());
        let name = name.to_owned();
        let shown = item.source.shown();
        let name = (!alone || described.is_none())
            .then(|| view! { <strong class="clip" title=name.clone()>{name.clone()}</strong> });
        Some(view! {
            <p class="offer-name">
                {name}
                <code class="dim clip" title=shown.clone()>{shown.clone()}</code>
                <span class=format!("tag {tone}") role="status">{word}</span>
            </p>
        })
    }
}

/// Whose place it takes, where there is a choice.
#[component]
fn Replace(number: u64, item: Memo<Option<Item>>) -> impl IntoView {
    let (desk, offers) = (Desk::get(), Offers::get());
    let choices = Memo::new(move |_| {
        let item = item.get().filter(Item::is_well)?;
        let agents = desk
            .world
            .with(|world| item.replaceable(|agent| world.agent(agent).is_some()));
        (!agents.is_empty()).then_some(agents)
    });
    let chosen =
        Memo::new(move |_| item.with(|item| item.as_ref().and_then(|item| item.replace.clone())));
    let choose = move |name: String| {
        let agent = (!name.is_empty()).then_some(AgentName(name));
        offers
            .offer
            .update(|offer| offer.set_replace(number, agent));
    };
    move || {
        let options = choices.get()?.into_iter().map(|agent| {
            let (value, word) = (agent.to_string(), words::replace(agent.as_str()));
            view! {
                <option value=value selected=move || chosen.get().as_ref() == Some(&agent)>
                    {word}
                </option>
            }
        });
        Some(view! {
            <label class="field inline offer-replace">
                <span>{words::DEPLOY_AS}</span>
                <select on:change:target=move |event| choose(event.target().value())>
                    <option value="" selected=move || chosen.with(Option::is_none)>
                        {words::NEW_AGENT}
                    </option>
                    {options.collect_view()}
                </select>
            </label>
        })
    }
}
