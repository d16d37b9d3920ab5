use leptos::prelude::*;
use nasiko_contract::{DoctorReport, ReportDoctor};

use crate::{
    desk::{Desk, Loaded, fetch},
    kit::{Button, CopyButton, ErrorCard, Look, Modal, Waiting},
    words::{common, doctor::report as words, kit},
};

/// All checks as a text to show to others, to be read before it is copied.
#[component]
pub(super) fn ReportDialog(open: RwSignal<bool>) -> impl IntoView {
    let desk = Desk::get();
    let report = RwSignal::new(Loaded::<DoctorReport>::Loading);
    Effect::new(move || {
        if open.get() {
            report.set(Loaded::Loading);
            fetch(desk, ReportDoctor {}, report);
        }
    });
    let text = Signal::derive(move || {
        report.with(|report| {
            report
                .ready()
                .map(|report| report.text.clone())
                .unwrap_or_default()
        })
    });
    let body = move || match report.get() {
        Loaded::Loading => view! { <Waiting what=words::READING /> }.into_any(),
        Loaded::Failed(fault) => view! { <ErrorCard fault=fault /> }.into_any(),
        Loaded::Ready(report) => view! {
            <pre class="document report" tabindex="0" aria-label=words::TEXT>
                {report.text}
            </pre>
        }
        .into_any(),
    };
    view! {
        <Modal open=open close=move |()| open.set(false) label=words::TITLE class="wide-dialog">
            <h2>{words::TITLE}</h2>
            <p class="dialog-text">
                {words::PROMISE}
            </p>
            {body}
            <div class="actions end">
                <CopyButton text=text what=kit::REPORT words=kit::COPY_REPORT />
                <Button look=Look::Primary press=move |()| open.set(false)>
                    {common::CLOSE}
                </Button>
            </div>
        </Modal>
    }
}
