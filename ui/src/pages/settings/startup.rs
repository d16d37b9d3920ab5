use leptos::{prelude::*, task::spawn_local};
use nasiko_contract::{Fault, GetLoginStart, LoginStart, SetLoginStart};

use crate::{
    desk::{Desk, Loaded, fetch},
    kit::{Button, Panel},
    pages::{
        newer::{Known, Newer, in_words},
        settings::field::{Row, Toggle, Why},
    },
    shell::Shell,
    words::startup::{login as words, newer},
};

/// The ids of switch and button.
const START_AT_LOGIN: &str = "start-at-login";
const CHECK_FOR_UPDATES: &str = "check-for-updates";

/// Whether the control plane is there without anybody starting it.
#[component]
pub(super) fn StartPanel() -> impl IntoView {
    let desk = Desk::get();
    let login = RwSignal::new(Loaded::<LoginStart>::Loading);
    let refusal = RwSignal::new(None::<Fault>);
    let saving = RwSignal::new(false);
    fetch(desk, GetLoginStart {}, login);
    let on =
        Signal::derive(move || login.with(|login| login.ready().is_some_and(|login| login.on)));
    let busy = Signal::derive(move || {
        saving.get() || login.with(|login| matches!(login, Loaded::Loading))
    });
    let fault = Signal::derive(move || {
        refusal.get().or_else(|| match login.get() {
            Loaded::Failed(fault) => Some(fault),
            Loaded::Loading | Loaded::Ready(_) => None,
        })
    });
    let set = move |on: bool| {
        saving.set(true);
        spawn_local(async move {
            let outcome = desk.client().call(SetLoginStart { on }).await;
            let _gone = saving.try_set(false);
            match outcome {
                Ok(now) => {
                    desk.say(if now.on { words::ON } else { words::OFF });
                    let _gone = refusal.try_set(None);
                    let _gone = login.try_set(Loaded::Ready(now));
                }
                Err(fault) => {
                    let _gone = refusal.try_set(Some(fault));
                }
            }
        });
    };
    view! {
        <Panel title=words::TITLE>
            <Row id=START_AT_LOGIN label=words::LABEL about=words::ABOUT>
                <div class="setting-value">
                    <Toggle id=START_AT_LOGIN on=on busy=busy set=set />
                </div>
                <div id=format!("{START_AT_LOGIN}-fault") class="setting-fault" role="alert">
                    <Why fault=fault />
                </div>
            </Row>
        </Panel>
    }
}

/// Whether there is a newer version of the desktop program, which is what looks.
#[component]
pub(super) fn UpdatePanel() -> impl IntoView {
    let desk = Desk::get();
    let look = Newer::get();
    let looking = Signal::derive(move || look.known() == Known::Looking);
    let fault = Signal::derive(move || match look.known() {
        Known::Failed(fault) => Some(fault),
        Known::Nothing | Known::Looking | Known::Found(_) => None,
    });
    let found = move || {
        let words = match look.known() {
            Known::Nothing | Known::Failed(_) => return None,
            Known::Looking => newer::CHECKING.to_owned(),
            Known::Found(found) => in_words(&found),
        };
        Some(view! { <p id="newer-version" class="setting-standing dim">{words}</p> })
    };
    let body = if Shell::is_present() {
        view! {
            <Row id=CHECK_FOR_UPDATES label=newer::LABEL about=newer::ABOUT>
                <div class="setting-value">
                    <Button id=CHECK_FOR_UPDATES action="updates.check" disabled=looking press=move |()| look.look(desk)>
                        {newer::CHECK}
                    </Button>
                </div>
                <div id=format!("{CHECK_FOR_UPDATES}-fault") class="setting-fault" role="alert">
                    <Why fault=fault />
                </div>
            </Row>
            {found}
        }
        .into_any()
    } else {
        view! { <p class="setting-standing dim">{newer::IN_BROWSER}</p> }.into_any()
    };
    view! { <Panel title=newer::TITLE>{body}</Panel> }
}
