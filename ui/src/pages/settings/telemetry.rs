use leptos::prelude::*;
use nasiko_contract::{ForwardingState, TraceForwarding};

use crate::{
    desk::Desk,
    kit::{Panel, StateBadge},
    model::{
        format,
        settings::{FORWARDING, RETENTION},
        tone::Tone,
    },
    pages::settings::field::{Form, Setting, WhenRead},
    words::settings::telemetry as words,
};

/// How long traces are kept, and who else gets them.
#[component]
pub(super) fn TelemetrySettings() -> impl IntoView {
    let form = Form::open();
    view! {
        <WhenRead form=form>
            <Panel title=words::TRACES_AND_LOGS>
                <Setting form=form spec=RETENTION />
            </Panel>
            <Panel title=words::FORWARDING>
                <Setting form=form spec=FORWARDING />
                <Standing />
            </Panel>
        </WhenRead>
    }
}

/// How forwarding stands; nothing while there is no viewer.
#[component]
fn Standing() -> impl IntoView {
    let desk = Desk::get();
    let standing = Memo::new(move |_| {
        desk.world
            .with(|world| world.status.as_ref()?.forwarding.clone())
    });
    let target = Memo::new(move |_| {
        desk.world
            .with(|world| world.settings.as_ref()?.otlp_forward_url.clone())
    });
    Effect::new(move |before: Option<()>| {
        let _now = target.get();
        if before.is_some() {
            desk.read_status();
        }
    });
    let fact = |name: &'static str, value: String| {
        view! { <div><dt>{name}</dt><dd>{value}</dd></div> }
    };
    move || {
        let Some(forwarding) = standing.get() else {
            return view! { <p class="setting-standing dim">{words::NO_VIEWER}</p> }.into_any();
        };
        let (tone, word) = state(&forwarding);
        view! {
            <div class="setting-standing">
                <StateBadge tone=tone word=word />
                <dl class="facts">
                    {forwarding.target.map(|target| fact(words::TO, target))}
                    {forwarding.service.map(|service| fact(words::SERVICE, service))}
                    {fact(words::SENT, words::spans(forwarding.sent))}
                    {(forwarding.waiting > 0).then(|| fact(words::WAITING, format::count(forwarding.waiting)))}
                    {(forwarding.rejected > 0).then(|| fact(words::REFUSED, format::count(forwarding.rejected)))}
                    {(forwarding.dropped > 0).then(|| fact(words::DROPPED, format::count(forwarding.dropped)))}
                </dl>
                {forwarding.last_error.map(|error| view! { <pre class="evidence" tabindex="0" aria-label=words::LAST_ERROR>{error}</pre> })}
            </div>
        }
        .into_any()
    }
}

fn state(forwarding: &TraceForwarding) -> (Tone, &'static str) {
    match forwarding.state {
        ForwardingState::Sending => (Tone::Ok, words::SENDING),
        ForwardingState::Failing => (Tone::Bad, words::FAILING),
        ForwardingState::Waiting => (Tone::Busy, words::WAITING_FOR_VIEWER),
        ForwardingState::Refused => (Tone::Bad, words::OWN_ADDRESS),
    }
}
