use leptos::prelude::*;

use crate::{
    kit::Panel,
    model::settings::{DEFAULT_RUNTIME, NOTIFICATIONS, QUIET_HOURS},
    pages::settings::field::{Form, Row, Setting, WhenRead},
    theme::{Appearance, Density, Theme},
};

/// Agents, notices, and how the pages look.
#[component]
pub(super) fn GeneralSettings() -> impl IntoView {
    let form = Form::open();
    view! {
        <WhenRead form=form>
            <Panel title="Agents">
                <Setting form=form spec=DEFAULT_RUNTIME />
            </Panel>
            <Panel title="Notices">
                <Setting form=form spec=NOTIFICATIONS />
                <Setting form=form spec=QUIET_HOURS />
            </Panel>
        </WhenRead>
        <Looks />
    }
}

#[component]
fn Looks() -> impl IntoView {
    let Appearance { theme, density } = Appearance::get();
    let themes = Theme::ALL
        .into_iter()
        .map(|(choice, word)| {
            view! { <option selected=move || theme.get() == choice>{word}</option> }
        })
        .collect_view();
    let densities = Density::ALL
        .into_iter()
        .map(|(choice, word)| {
            view! { <option selected=move || density.get() == choice>{word}</option> }
        })
        .collect_view();
    let of_machine = Box::new(|| view! { <em>"of this machine alone"</em> }.into_any());
    view! {
        <Panel title="Appearance" aside=of_machine>
            <Row id="theme" label="Theme" about="System follows the colours and the contrast that the system asks for.">
                <div class="setting-value">
                    <select
                        id="theme"
                        aria-describedby="theme-about"
                        on:change:target=move |event| theme.set(Theme::from_word(&event.target().value()))
                    >
                        {themes}
                    </select>
                </div>
            </Row>
            <Row id="density" label="Density" about="How close the rows of tables and lists stand.">
                <div class="setting-value">
                    <select
                        id="density"
                        aria-describedby="density-about"
                        on:change:target=move |event| density.set(Density::from_word(&event.target().value()))
                    >
                        {densities}
                    </select>
                </div>
            </Row>
        </Panel>
    }
}
