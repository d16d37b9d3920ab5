use leptos::prelude::*;
use nasiko_contract::{DoctorReport, ReportDoctor};

use crate::{
    desk::{Desk, Loaded, fetch},
    kit::{Button, CopyButton, ErrorCard, Look, Modal, Waiting},
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
        Loaded::Loading => view! { <Waiting what="everything once more" /> }.into_any(),
        Loaded::Failed(fault) => view! { <ErrorCard fault=fault /> }.into_any(),
        Loaded::Ready(report) => view! {
            <pre class="document report" tabindex="0" aria-label="The report">
                {report.text}
            </pre>
        }
        .into_any(),
    };
    view! {
        <Modal open=open close=move |()| open.set(false) label="Report" class="wide-dialog">
            <h2>"Report"</h2>
            <p class="dialog-text">
                "Without secrets, your name, and the path of your home. Names of your agents are in it, and what their tools said."
            </p>
            {body}
            <div class="actions end">
                <CopyButton text=text what="report" words="Copy report" />
                <Button look=Look::Primary press=move |()| open.set(false)>
                    "Close"
                </Button>
            </div>
        </Modal>
    }
}
