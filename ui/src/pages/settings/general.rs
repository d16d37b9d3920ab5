use leptos::prelude::*;

use crate::{
    kit::Panel,
    model::settings::{DEFAULT_RUNTIME, NOTIFICATIONS, QUIET_HOURS},
    pages::settings::{
        field::{Form, Row, Setting, WhenRead},
        startup::{StartPanel, UpdatePanel},
    },
    theme::{Appearance, Density, Theme},
    words::{common, settings::general as words},
};

/// Agents, notices, and how the pages look.
#[component]
pub(super) fn GeneralSettings() -> impl IntoView {
    let form = Form::open();
    view! {
        <WhenRead form=form>
            <Panel title=common::AGENTS>
                <Setting form=form spec=DEFAULT_RUNTIME />
            </Panel>
            <Panel title=words::NOTICES>
                <Setting form=form spec=NOTIFICATIONS />
                <Setting form=form spec=QUIET_HOURS />
            </Panel>
        </WhenRead>
        <StartPanel />
        <UpdatePanel />
        <Looks />
    }
}

#[component]
fn Looks() -> impl IntoView {
    let Appearance { theme, density } = Appearance::get();
    let themes = Theme::ALL
        .into_iter()
        .map(|choice| {
            view! { <option value=choice.key() selected=move || theme.get() == choice>{choice.word()}</option> }
        })
        .collect_view();
    let densities = Density::ALL
        .into_iter()
        .map(|choice| {
            view! { <option value=choice.key() selected=move || density.get() == choice>{choice.word()}</option> }
        })
        .collect_view();
    let of_machine = Box::new(|| view! { <em>{words::OF_THIS_MACHINE}</em> }.into_any());
    view! {
        <Panel title=words::APPEARANCE aside=of_machine>
            <Row id="theme" label=common::THEME about=words::ABOUT_THEME>
                <div class="setting-value">
                    <select
                        id="theme"
                        aria-describedby="theme-about"
                        on:change:target=move |event| theme.set(Theme::from_key(&event.target().value()))
                    >
                        {themes}
                    </select>
                </div>
            </Row>
            <Row id="density" label=words::DENSITY about=words::ABOUT_DENSITY>
                <div class="setting-value">
                    <select
                        id="density"
                        aria-describedby="density-about"
                        on:change:target=move |event| density.set(Density::from_key(&event.target().value()))
                    >
                        {densities}
                    </select>
                </div>
            </Row>
        </Panel>
    }
}
