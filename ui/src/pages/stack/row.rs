use leptos::{html, prelude::*};
use nasiko_contract::{ServicePhase, ServiceState, StackService};

use crate::{
    browser,
    kit::{Progress, StateBadge},
    model::{format, stack},
    pages::stack::{
        actions::Actions, ports::Ports, services::COLUMNS, usage::Usage, view::StackView,
    },
    words::stack::services as words,
};

/// One service; below it why it is not well.
#[component]
pub(super) fn ServiceRow(page: StackView, usage: Usage, name: String) -> impl IntoView {
    let service = {
        let name = name.clone();
        Memo::new(move |_| {
            page.stack.with(|stack| {
                let mut services = stack.iter().flat_map(|stack| &stack.services);
                services.find(|service| service.service == name).cloned()
            })
        })
    };
    let doing = {
        let name = name.clone();
        Memo::new(move |_| {
            page.doing
                .with(|doing| doing.iter().find(|told| told.service == name).cloned())
        })
    };
    let told = Memo::new(move |_| {
        doing.with(|doing| {
            service.with(|service| Some(stack::state(service.as_ref()?, doing.as_ref())))
        })
    });
    let pulled = Memo::new(move |_| doing.with(|doing| doing.as_ref().and_then(stack::pulled)));
    let why = Memo::new(move |_| {
        let failed = doing.with(|doing| {
            let failed = doing.as_ref()?;
            (failed.phase == ServicePhase::Failed).then(|| failed.note.clone())
        });
        failed.or_else(|| service.with(|service| service.as_ref()?.why.clone()))
    });
    let state = move || {
        told.get()
            .map(|(tone, word)| view! { <StateBadge tone=tone word=word /> })
    };
    let bar = move || {
        let value = Signal::derive(move || pulled.get().unwrap_or_default());
        view! { <Progress value=value label=words::IMAGE_PULLED /> }
    };
    let absent = Memo::new(move |_| {
        service.with(|service| {
            let there = service.as_ref().map(|service| service.state);
            there.is_none_or(|state| state == ServiceState::Absent)
        })
    });
    let row = NodeRef::<html::Tr>::new();
    {
        let name = name.clone();
        row.on_load(move |element| {
            browser::watch_sight(&element, move |seen| usage.see(&name, seen));
        });
    }
    let evidence = name.clone();
    view! {
        <tr node_ref=row class="service" class:off=move || absent.get()>
            <th scope="row">
                <span class="clip" title=name.clone()>{name.clone()}</span>
            </th>
            <td class="service-state" title=move || told.get().map(|(_, word)| word)>
                {state}
                <Show when=move || pulled.get().is_some()>{bar}</Show>
            </td>
            <Facts page=page service=service />
            <Figures service=service usage=usage name=name.clone() />
            <td class="row-actions">
                <Actions page=page service=service name=name />
            </td>
        </tr>
        <Show when=move || why.with(Option::is_some)>
            <tr class="why">
                <td colspan=COLUMNS>
                    <pre class="evidence" tabindex="0" aria-label=words::why_not_well(&evidence)>
                        {move || why.get()}
                    </pre>
                </td>
            </tr>
        </Show>
    }
}

/// What it is made of and where it is reached.
#[component]
fn Facts(page: StackView, service: Memo<Option<StackService>>) -> impl IntoView {
    let of = move |read: fn(&StackService) -> String| {
        Memo::new(move |_| {
            service
                .with(|service| service.as_ref().map(read))
                .unwrap_or_default()
        })
    };
    let image = of(|service| service.image.clone());
    let ports = Memo::new(move |_| {
        service.with(|service| {
            let service = service.as_ref()?;
            Some(stack::addresses(&service.ports))
        })
    });
    let up_for = move || {
        let started =
            service.with(|service| service.as_ref().filter(|it| stack::runs(it))?.started);
        started.map_or("–".to_owned(), |started| {
            format::elapsed(page.desk.now.get() - started)
        })
    };
    let restarts = of(|service| match service.state {
        ServiceState::Absent => "–".to_owned(),
        _ => format::count(service.restarts.into()),
    });
    view! {
        <td class="wide">
            <code class="dim clip" title=image>{image}</code>
        </td>
        <td>{move || ports.get().map(|ports| view! { <Ports addresses=ports /> })}</td>
        <td class="figure dim narrow-hides">{up_for}</td>
        <td class="figure dim wide">{restarts}</td>
    }
}

/// What it uses, while somebody looks.
#[component]
fn Figures(service: Memo<Option<StackService>>, usage: Usage, name: String) -> impl IntoView {
    let stats = Memo::new(move |_| {
        let runs = service.with(|service| service.as_ref().is_some_and(stack::runs));
        usage.of(&name).filter(|_| runs)
    });
    let cpu = move || {
        stats.with(|stats| {
            let percent = stats.as_ref().map(|stats| stats.cpu_percent);
            percent.map_or("–".to_owned(), |percent| format!("{percent:.1} %"))
        })
    };
    let memory = move || {
        stats.with(|stats| {
            let bytes = stats.as_ref().map(|stats| stats.memory_bytes);
            bytes.map_or("–".to_owned(), format::bytes)
        })
    };
    view! {
        <td class="figure narrow-hides">{cpu}</td>
        <td class="figure narrow-hides">{memory}</td>
    }
}
