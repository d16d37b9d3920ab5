use leptos::prelude::*;
use nasiko_contract::{ErrorCode, Fault, Finding, Severity};

use super::Specimen;
use crate::kit::{
    Button, ConfirmDialog, CopyButton, ErrorCard, FindingRow, Look, Markdown, Marked, Modal, Panel,
    Sentence,
};

const PROSE: &str = "Invoice **2026-031** comes to *€ 4,318.20*, see [the file](https://example.org).\n\n\
    1. Consulting\n2. Travel\n\n> Due in 30 days.\n\n| line | net |\n|---|---|\n| 1 | 88.00 |\n\n```python\ntotal = sum(lines)\n```";

#[component]
pub(super) fn Texts() -> impl IntoView {
    let pieces = vec![
        (true, "i".to_owned()),
        (false, "nvoice-".to_owned()),
        (true, "r".to_owned()),
        (false, "eader".to_owned()),
    ];
    view! {
        <Specimen name="Sentence"><p><Sentence text="It imports `github`, which is not installed" /></p></Specimen>
        <Specimen name="Marked"><p><Marked pieces=pieces /></p></Specimen>
        <Specimen name="Markdown"><Markdown text=Signal::stored(PROSE.to_owned()) /></Specimen>
        <Specimen name="Evidence">
            <pre class="evidence" tabindex="0" aria-label="Example of evidence">"src/tools.py:3  from github import Github"</pre>
        </Specimen>
        <Specimen name="Panel">
            <Panel title="Updates" aside=Box::new(|| view! { <em>"what each save did"</em> }.into_any())>
                <p class="finding">"14:02" <span>"src/prompts.py synced"</span></p>
            </Panel>
        </Specimen>
    }
}

#[component]
pub(super) fn Findings() -> impl IntoView {
    let fault = Fault::new(
        ErrorCode::WrongState,
        "It imports a package that is not installed",
    )
    .hint("Add `PyGithub` to requirements.txt")
    .evidence([
        "src/tools.py:3  from github import Github",
        "ModuleNotFoundError: No module named 'github'",
    ]);
    let short = Fault::new(
        ErrorCode::Unreachable,
        "The control plane cannot be reached",
    );
    let finding = |severity, message: &str| Finding {
        code: "dockerfile.copy_missing".to_owned(),
        severity,
        file: Some("Dockerfile".to_owned()),
        line: Some(7),
        message: message.to_owned(),
        hint: None,
    };
    let findings = [
        finding(
            Severity::Error,
            "`COPY app/` names a folder that is not there",
        ),
        finding(Severity::Warning, "The image runs as root"),
        finding(Severity::Info, "No card: one is generated"),
    ];
    view! {
        <Specimen name="Error" wide=true>
            <ErrorCard title="github-helper stopped right after it started" fault=fault>
                <Button look=Look::Primary press=|()| ()>"Add PyGithub and restart"</Button>
            </ErrorCard>
            <ErrorCard fault=short />
        </Specimen>
        <Specimen name="Finding" wide=true>
            <ul class="findings">{findings.map(|finding| view! { <FindingRow finding=finding /> }).collect_view()}</ul>
        </Specimen>
    }
}

#[component]
pub(super) fn Above() -> impl IntoView {
    let asking = RwSignal::new(false);
    let open = RwSignal::new(false);
    let label = Signal::stored("Example".to_owned());
    view! {
        <Specimen name="Question">
            <Button press=move |()| asking.set(true)>"Ask"</Button>
            <ConfirmDialog open=asking title="Delete greeter?" action="Delete" id="gallery-confirm" confirm=|()| ()>
                "Its folder stays as it is."
            </ConfirmDialog>
        </Specimen>
        <Specimen name="Dialog">
            <Button press=move |()| open.set(true)>"Open"</Button>
            <Modal open=open close=move |()| open.set(false) label=label>
                <h2>"A dialog"</h2>
                <p class="dialog-text">"It holds the keyboard. Escape closes it."</p>
                <div class="actions end">
                    <CopyButton text=label what="example" />
                    <Button press=move |()| open.set(false)>"Close"</Button>
                </div>
            </Modal>
        </Specimen>
    }
}
