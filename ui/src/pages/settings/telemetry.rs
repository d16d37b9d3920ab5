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
};

/// How long traces are kept, and who else gets them.
#[component]
pub(super) fn TelemetrySettings() -> impl IntoView {
    let form = Form::open();
    view! {
        <WhenRead form=form>
            <Panel title="Traces and logs">
                <Setting form=form spec=RETENTION />
            </Panel>
            <Panel title="Forwarding">
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
            return view! { <p class="setting-standing dim">"No viewer gets traces now."</p> }
                .into_any();
        };
        let (tone, word) = state(&forwarding);
        view! {
            <div class="setting-standing">
                <StateBadge tone=tone word=word />
                <dl class="facts">
                    {forwarding.target.map(|target| fact("To", target))}
                    {forwarding.service.map(|service| fact("Service", service))}
                    {fact("Sent", format::counted(forwarding.sent, "span"))}
                    {(forwarding.waiting > 0).then(|| fact("Waiting", format::count(forwarding.waiting)))}
                    {(forwarding.rejected > 0).then(|| fact("Refused", format::count(forwarding.rejected)))}
                    {(forwarding.dropped > 0).then(|| fact("Dropped", format::count(forwarding.dropped)))}
                </dl>
                {forwarding.last_error.map(|error| view! { <pre class="evidence" tabindex="0" aria-label="The last error">{error}</pre> })}
            </div>
        }
        .into_any()
    }
}

fn state(forwarding: &TraceForwarding) -> (Tone, &'static str) {
    match forwarding.state {
        ForwardingState::Sending => (Tone::Ok, "Sent as they come"),
        ForwardingState::Failing => (Tone::Bad, "The viewer did not take the last ones"),
        ForwardingState::Waiting => (Tone::Busy, "Waiting for the viewer"),
        ForwardingState::Refused => (
            Tone::Bad,
            "Not sent: that is this control plane's own address",
        ),
    }
}
