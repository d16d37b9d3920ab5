//! One answer, shown as it comes.

use std::time::Duration;

use futures::StreamExt;
use nasiko_client::{Client, ItemStream};
use nasiko_contract::{
    CancelAnswer, ChatEvent, ChatMessage, ChatSession, ErrorCode, Fault, SendMessage,
};

use crate::{
    failure::Failure,
    output::{Look, Output},
};

/// How long an answer that was stopped may take to end.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// Asks, shows the answer as it comes, and returns it whole. Interrupted, it stops the answer.
pub(crate) async fn receive(
    output: Output,
    client: &Client,
    conversation: &ChatSession,
    message: &str,
) -> Result<ChatMessage, Failure> {
    let request = SendMessage {
        session: conversation.id.clone(),
        text: message.to_owned(),
    };
    let mut events = client.stream(request).await?;
    let mut shown = Shown::new(output);
    let answer = tokio::select! {
        answer = shown.all(&mut events) => answer?,
        _ = tokio::signal::ctrl_c() => {
            let session = conversation.id.clone();
            client.call(CancelAnswer { session }).await?;
            // What the agent still says belongs to the conversation; how it ends does not change that we stopped it.
            let _ = tokio::time::timeout(STOP_LIMIT, shown.all(&mut events)).await;
            return Err(Fault::new(ErrorCode::Cancelled, "The answer was stopped").into());
        }
    };
    match answer.fault {
        Some(fault) => Err(Failure::Work(fault)),
        None => {
            shown.footer(&answer);
            Ok(answer)
        }
    }
}

/// What of the answer stands on the terminal.
struct Shown {
    output: Output,
    text: String,
}

impl Shown {
    fn new(output: Output) -> Self {
        Self {
            output,
            text: String::new(),
        }
    }

    async fn all(&mut self, events: &mut ItemStream<ChatEvent>) -> Result<ChatMessage, Failure> {
        while let Some(event) = events.next().await {
            match event?.item {
                ChatEvent::Delta { text } => self.more(&text)?,
                ChatEvent::Rewritten { text } => self.anew(&text)?,
                ChatEvent::Status { state, text } => self.status(&state, &text),
                ChatEvent::Answer { message } => {
                    self.whole(&message.text)?;
                    return Ok(message);
                }
                ChatEvent::Accepted { .. } => {}
            }
        }
        Err(Fault::new(
            ErrorCode::AgentUnreachable,
            "The answer broke off before its end",
        )
        .retryable()
        .into())
    }

    fn more(&mut self, text: &str) -> Result<(), Failure> {
        self.text.push_str(text);
        if self.output.json {
            return Ok(());
        }
        self.output.piece(text)
    }

    /// What stands there cannot be taken back; what is new in it is said, else all of it on a new line.
    fn anew(&mut self, text: &str) -> Result<(), Failure> {
        if let Some(rest) = text.strip_prefix(self.text.as_str()) {
            return self.more(rest);
        }
        let gap = if self.text.is_empty() { "" } else { "\n" };
        self.text.clear();
        self.text.push_str(text);
        if self.output.json {
            return Ok(());
        }
        self.output.piece(&format!("{gap}{text}"))
    }

    fn whole(&mut self, text: &str) -> Result<(), Failure> {
        self.anew(text)?;
        if self.output.json || self.text.ends_with('\n') || self.text.is_empty() {
            return Ok(());
        }
        self.output.piece("\n")
    }

    fn status(&self, state: &str, text: &str) {
        if self.output.is_watched() && self.text.is_empty() && !text.is_empty() {
            let words = self
                .output
                .talk_look(Look::Dim, &format!("{state}: {text}"));
            self.output.say(words);
        }
    }

    fn footer(&self, answer: &ChatMessage) {
        if !self.output.is_watched() {
            return;
        }
        let mut facts = Vec::new();
        if let Some(millis) = answer.duration_ms {
            facts.push(format!("{:.2} s", millis as f64 / 1e3));
        }
        if let Some(tokens) = answer.tokens {
            facts.push(format!("{tokens} tokens"));
        }
        if let Some(trace) = &answer.trace {
            facts.push(format!("trace {trace}"));
        }
        self.output
            .say(self.output.talk_look(Look::Dim, &facts.join(" · ")));
    }
}
