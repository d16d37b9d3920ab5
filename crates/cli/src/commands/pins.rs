//! Pinned questions: asked again after each update.

use nasiko_contract::{AcceptPin, CreatePin, DeletePin, ListPins, Pin, PinState, RunPins};

use crate::{
    arguments::PinCommand,
    documents::PinDocument,
    failure::Failure,
    output::{Look, Output},
    session::Session,
    table::Table,
};

/// Letters of a question in a row.
const ROW: usize = 60;

pub(crate) async fn run(session: &Session, command: PinCommand) -> Result<(), Failure> {
    let client = session.attach_or_start().await?;
    let output = session.output;
    let pin = match command {
        PinCommand::List { agent } => {
            let pins = client.call(ListPins { agent }).await?.items;
            return show_all(output, pins);
        }
        PinCommand::Run { agent } => {
            let pins = client.call(RunPins { agent }).await?.items;
            return show_all(output, pins);
        }
        PinCommand::Rm(words) => {
            let request = DeletePin {
                agent: words.agent,
                pin: words.pin.clone(),
            };
            client.call(request).await?;
            return if output.json {
                output.document(&serde_json::json!({ "id": words.pin, "removed": true }))
            } else {
                output.line("Removed")
            };
        }
        PinCommand::Add { agent, question } => {
            let text = question.join(" ");
            client.call(CreatePin { agent, text }).await?
        }
        PinCommand::Accept(words) => {
            let request = AcceptPin {
                agent: words.agent,
                pin: words.pin,
            };
            client.call(request).await?
        }
    };
    if output.json {
        return output.document(&PinDocument::from(pin));
    }
    output.line(line(output, &pin))
}

fn show_all(output: Output, pins: Vec<Pin>) -> Result<(), Failure> {
    if output.json {
        let rows: Vec<PinDocument> = pins.into_iter().map(Into::into).collect();
        return output.document(&rows);
    }
    let mut table = Table::new(&["pin", "state", "took", "question"]);
    for pin in pins {
        let took = pin.latest.as_ref().map_or_else(String::new, |answer| {
            super::live::millis(answer.duration_ms as f64 / 1e3)
        });
        table.row([pin.id.0, word(pin.state).to_owned(), took, short(&pin.text)]);
    }
    table.print(
        output,
        "No pinned questions: `nasiko pin add AGENT QUESTION`",
    )
}

/// How a pinned question stands, in one line.
pub(crate) fn line(output: Output, pin: &Pin) -> String {
    let look = match pin.state {
        PinState::Pass => Look::Good,
        PinState::Changed => Look::Busy,
        PinState::Failed => Look::Bad,
        PinState::Waiting | PinState::Asking => Look::Dim,
    };
    format!(
        "{}  {}  {}",
        output.look(look, word(pin.state)),
        short(&pin.text),
        output.look(Look::Dim, pin.id.as_str())
    )
}

fn word(state: PinState) -> &'static str {
    match state {
        PinState::Waiting => "waiting",
        PinState::Asking => "asking",
        PinState::Pass => "pass",
        PinState::Changed => "changed",
        PinState::Failed => "failed",
    }
}

/// A question that fits into a row.
fn short(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() <= ROW {
        return line.to_owned();
    }
    line.chars().take(ROW - 1).chain(['…']).collect()
}
