//! A conversation as it is shown: stored messages, and the answer that is on its way.

use nasiko_contract::{ChatEvent, ChatMessage, ChatRole, Fault, MessageId, TraceId};
use serde_json::Value;

use crate::words::states::answer as words;

/// Questions that are suggested.
const SUGGESTIONS: usize = 3;
/// Characters of one that is.
const SUGGESTION: usize = 120;
/// Marks the id of an answer that was never whole on this page.
const PARTIAL: &str = "-partial";

/// An answer on its way.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Answering {
    /// What the person asked; part of the messages once it was accepted.
    pub(crate) question: String,
    /// The trace of the call, once it was accepted.
    pub(crate) trace: Option<TraceId>,
    /// The text so far.
    pub(crate) text: String,
    /// What the agent says it is doing.
    pub(crate) status: String,
    /// The person asked for it to stop.
    pub(crate) cancelling: bool,
    accepted: bool,
}

impl Answering {
    /// The question, while the control plane has not stored it yet.
    pub(crate) fn pending_question(&self) -> Option<&str> {
        (!self.accepted).then_some(self.question.as_str())
    }

    /// One line about what is going on, for the eye and the screen reader.
    pub(crate) fn line(&self) -> &str {
        match (self.cancelling, self.status.is_empty()) {
            (true, _) => words::STOPPING,
            (false, true) => words::ANSWERING,
            (false, false) => &self.status,
        }
    }
}

/// A conversation.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Conversation {
    /// Stored messages, oldest first.
    pub(crate) messages: Vec<ChatMessage>,
    /// The answer that is on its way.
    pub(crate) answering: Option<Answering>,
    /// Why the last question could not be asked.
    pub(crate) fault: Option<Fault>,
    /// The stored messages have been read.
    pub(crate) loaded: bool,
}

impl Conversation {
    /// Stored messages were read.
    pub(crate) fn load(&mut self, messages: Vec<ChatMessage>) {
        self.loaded = true;
        // An answer whose stream broke off may have been finished and stored all the same: then it stands for its part.
        let answered = messages
            .iter()
            .rev()
            .find(|message| message.role == ChatRole::Agent);
        if let Some(answered_at) = answered.map(|message| message.at) {
            self.messages
                .retain(|message| !is_partial(&message.id) || message.at > answered_at);
        }
        for message in messages {
            self.store(message);
        }
        self.messages.sort_by_key(|message| message.at);
    }

    /// How many of the messages are stored ones.
    pub(crate) fn stored(&self) -> usize {
        self.messages
            .iter()
            .filter(|message| !is_partial(&message.id))
            .count()
    }

    /// The person asks. Refused while an answer is on its way, and for nothing but space.
    pub(crate) fn ask(&mut self, text: &str) -> bool {
        if self.answering.is_some() || text.trim().is_empty() {
            return false;
        }
        self.fault = None;
        self.answering = Some(Answering {
            question: text.to_owned(),
            ..Answering::default()
        });
        true
    }

    /// Something of the answer arrived.
    pub(crate) fn apply(&mut self, event: ChatEvent) {
        match event {
            ChatEvent::Accepted {
                question, trace, ..
            } => {
                self.store(question);
                if let Some(answering) = &mut self.answering {
                    answering.accepted = true;
                    answering.trace = Some(trace);
                }
            }
            ChatEvent::Status { state, text } => {
                if let Some(answering) = &mut self.answering {
                    answering.status = status_line(&state, text);
                }
            }
            ChatEvent::Delta { text } => {
                if let Some(answering) = &mut self.answering {
                    answering.text.push_str(&text);
                }
            }
            ChatEvent::Rewritten { text } => {
                if let Some(answering) = &mut self.answering {
                    answering.text = text;
                }
            }
            ChatEvent::Answer { message } => {
                self.answering = None;
                self.store(message);
            }
        }
    }

    /// The stream ended. Without an answer that was a failure, and what had arrived must not vanish.
    pub(crate) fn end(&mut self, fault: Option<Fault>) {
        let Some(answering) = self.answering.take() else {
            return;
        };
        self.fault = fault;
        if !answering.text.is_empty()
            && let Some(question) = self.messages.last().cloned()
        {
            self.messages.push(ChatMessage {
                id: MessageId(format!("{}{PARTIAL}", question.id)),
                role: ChatRole::Agent,
                text: answering.text,
                parts: Vec::new(),
                trace: answering.trace,
                fault: self.fault.take(),
                ..question
            });
        }
    }

    /// The trace of a message; of the answer on its way, or else of the newest one, where none is given.
    pub(crate) fn trace_of(&self, message: Option<&MessageId>) -> Option<TraceId> {
        if let Some(wanted) = message {
            let found = self.messages.iter().find(|message| message.id == *wanted);
            return found.and_then(|message| message.trace.clone());
        }
        if let Some(answering) = &self.answering {
            return answering.trace.clone();
        }
        self.messages
            .iter()
            .rev()
            .find_map(|message| message.trace.clone())
    }

    fn store(&mut self, message: ChatMessage) {
        match self
            .messages
            .iter_mut()
            .find(|known| known.id == message.id)
        {
            Some(known) => *known = message,
            None => self.messages.push(message),
        }
    }
}

fn is_partial(id: &MessageId) -> bool {
    id.as_str().ends_with(PARTIAL)
}

/// The agent's own words, or what its state means; nothing for states that the answer itself shows.
fn status_line(state: &str, text: String) -> String {
    if !text.is_empty() {
        return text;
    }
    match state {
        "input-required" => words::INPUT_REQUIRED.to_owned(),
        "auth-required" => words::AUTH_REQUIRED.to_owned(),
        _ => String::new(),
    }
}

/// The questions that a card's skills name as examples, the first of each skill first.
pub(crate) fn suggestions(card: &Value) -> Vec<String> {
    let skills = card["skills"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let examples: Vec<&[Value]> = skills
        .iter()
        .map(|skill| {
            skill["examples"]
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default()
        })
        .collect();
    let longest = examples
        .iter()
        .map(|examples| examples.len())
        .max()
        .unwrap_or(0);
    let by_turns =
        (0..longest).flat_map(|at| examples.iter().filter_map(move |examples| examples.get(at)));
    let mut questions: Vec<String> = Vec::new();
    for question in by_turns.filter_map(Value::as_str).map(str::trim) {
        let fits = !question.is_empty() && question.chars().count() <= SUGGESTION;
        if fits && questions.len() < SUGGESTIONS && !questions.iter().any(|known| known == question)
        {
            questions.push(question.to_owned());
        }
    }
    questions
}

#[cfg(test)]
mod tests;
