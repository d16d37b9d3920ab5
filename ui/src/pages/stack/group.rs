use leptos::prelude::*;
use nasiko_contract::{StackDown, StackUp};

use crate::{
    kit::{Button, Look},
    model::stack::{self, Group},
    pages::stack::{services::COLUMNS, view::StackView},
    words::stack::{self as words, services},
};

/// The head of services that are brought up together: what they are for, how many run, and a way to bring them up.
#[component]
pub(super) fn GroupHead(page: StackView, group: Group) -> impl IntoView {
    let Group {
        profile,
        on,
        services,
    } = group;
    let (name, purpose) = match &profile {
        Some(profile) => (profile.clone(), stack::purpose(profile)),
        None => (services::OWN.to_owned(), services::OF_OWN_FILES),
    };
    let counts = move || {
        page.stack.with(|stack| {
            let all = stack.iter().flat_map(|stack| &stack.services);
            let (well, there) = stack::counts(all.filter(|row| services.contains(&row.service)));
            (there > 0).then(|| words::well(well, there))
        })
    };
    let action = switch(page, profile, on, &name);
    view! {
        <tr class="group">
            <th scope="rowgroup" colspan=COLUMNS>
                <div class="group-head">
                    <strong>{name}</strong>
                    <span class="dim clip">{purpose}</span>
                    <span class="grow"></span>
                    <span class="dim figure">{counts}</span>
                    {action}
                </div>
            </th>
        </tr>
    }
}

/// Brings a profile up, or takes it down; the person's own services go with their files.
fn switch(page: StackView, profile: Option<String>, on: bool, name: &str) -> AnyView {
    let busy = Signal::derive(move || page.job.with(Option::is_some));
    let profiles: Vec<String> = profile.iter().cloned().collect();
    let id = format!("switch-{}", profile.as_deref().unwrap_or("own"));
    let mark = on.then(|| view! { <span class="tag ok">{services::ON}</span> });
    if on {
        let take_down = move |()| {
            page.desk.start(StackDown {
                profiles: profiles.clone(),
                ..StackDown::default()
            });
        };
        let button = profile.is_some().then(|| {
            view! {
                <Button look=Look::Flat id=id label=words::take_down(name) disabled=busy press=take_down>
                    {words::TAKE_DOWN}
                </Button>
            }
        });
        return view! { {mark} {button} }.into_any();
    }
    let bring_up = move |()| {
        page.desk.start(StackUp {
            profiles: profiles.clone(),
            ..StackUp::default()
        });
    };
    view! {
        <Button id=id label=words::bring_up(name) disabled=busy press=bring_up>
            {words::BRING_UP}
        </Button>
    }
    .into_any()
}
