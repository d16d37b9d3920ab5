//! What an answer says in the end, gathered from its events.
//!
//! Agents tell the same thing in many ways: in artifacts (whole, in chunks of one id, in chunks of ever new ids), in
//! messages, in the words beside a state; and once more in the final status or a closing snapshot. This keeps one text
//! in the order of arrival and says how each event changed it. It is pure: no clock, no I/O.

mod pieces;
#[cfg(test)]
mod tests;

use pieces::{appended, join, joint, merge, only_text, squeeze, weight};

use crate::message::{
    AgentEvent, Artifact, ArtifactUpdate, Message, Part, Role, Task, TaskState, plain_text,
};

/// How an event changed what is to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Not at all.
    None,
    /// This was added at the end of [`Transcript::text`].
    Appended(String),
    /// The text before is no longer right: show [`Transcript::text`] anew.
    Rewritten,
    /// The agent tells how it gets on; see [`Transcript::progress`].
    Progress,
}

/// Gathers the events of one answer.
#[derive(Debug, Clone, Default)]
pub struct Transcript {
    segments: Vec<Segment>,
    /// The text of all segments: derived, kept because it is asked for after every chunk.
    text: String,
    progress: Vec<Segment>,
    progress_text: String,
    context_id: Option<String>,
    task_id: Option<String>,
    state: Option<TaskState>,
    held: usize,
    truncated: bool,
}

#[derive(Debug, Clone)]
struct Segment {
    source: Source,
    name: Option<String>,
    parts: Vec<Part>,
    closed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    Artifact(String),
    Message(String),
    Status,
    Stream,
}

impl Segment {
    fn new(source: Source, parts: Vec<Part>) -> Self {
        Self {
            source,
            name: None,
            parts,
            closed: false,
        }
    }

    fn text(&self) -> String {
        plain_text(&self.parts)
    }

    fn has_text(&self) -> bool {
        self.parts
            .iter()
            .any(|part| matches!(part, Part::Text(text) if !text.is_empty()))
    }

    /// Whether `text` is this one's text and more.
    fn is_beginning_of(&self, text: &str) -> bool {
        let mut rest = text;
        for part in &self.parts {
            if let Part::Text(own) = part {
                let Some(after) = rest.strip_prefix(own.as_str()) else {
                    return false;
                };
                rest = after;
            }
        }
        !rest.is_empty() && self.has_text()
    }
}

impl Transcript {
    /// The most that one answer may make us hold, in bytes; what comes after is dropped, and [`Self::is_truncated`] says so.
    pub const MAX_BYTES: usize = 32 * 1024 * 1024;

    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next event.
    pub fn push(&mut self, event: &AgentEvent) -> Change {
        if let Some(id) = event.context_id() {
            self.context_id = Some(id.to_owned());
        }
        if let Some(id) = event.task_id() {
            self.task_id = Some(id.to_owned());
        }
        if let Some(state) = event.state() {
            self.state = Some(state.clone());
        }
        if self.truncated || !self.admit(event) {
            self.truncated = true;
            return Change::None;
        }
        match event {
            AgentEvent::Text(text) => self.stream_text(text),
            AgentEvent::Message(message) => self.message(message),
            AgentEvent::Artifact(update) => self.artifact(update),
            AgentEvent::Task(task) => self.task(task),
            AgentEvent::Status(update) => match &update.message {
                Some(message) => self.status(message, update.is_final || update.state.ends_turn()),
                None => Change::None,
            },
        }
    }

    /// The answer so far. An agent that only ever told its progress has that as its answer.
    pub fn text(&self) -> &str {
        if self.segments.is_empty() {
            &self.progress_text
        } else {
            &self.text
        }
    }

    /// What the agent said last about how it gets on, while it works.
    pub fn progress(&self) -> Option<String> {
        self.progress
            .last()
            .map(Segment::text)
            .filter(|text| !text.is_empty())
    }

    /// The answer's parts in order, neighbouring texts joined, a file or datum that was sent twice only once.
    pub fn parts(&self) -> Vec<Part> {
        let segments = if self.segments.is_empty() {
            &self.progress
        } else {
            &self.segments
        };
        let mut parts: Vec<Part> = Vec::new();
        let mut previous: Option<&Segment> = None;
        for segment in segments {
            let mut first_text = true;
            for part in &segment.parts {
                let Part::Text(text) = part else {
                    if !parts.contains(part) {
                        parts.push(part.clone());
                    }
                    continue;
                };
                match parts.last_mut() {
                    Some(Part::Text(before)) => {
                        if first_text {
                            before.push_str(joint(previous, segment, before, text));
                        }
                        before.push_str(text);
                    }
                    _ => parts.push(Part::Text(text.clone())),
                }
                first_text = false;
            }
            previous = Some(segment);
        }
        parts
    }

    /// The conversation as the agent calls it: to be used from the next message on.
    pub fn context_id(&self) -> Option<&str> {
        self.context_id.as_deref()
    }

    /// The task as the agent calls it.
    pub fn task_id(&self) -> Option<&str> {
        self.task_id.as_deref()
    }

    /// The last state that was told; `None` for agents that answer with a message.
    pub fn state(&self) -> Option<&TaskState> {
        self.state.as_ref()
    }

    /// Whether something was dropped at [`Self::MAX_BYTES`].
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    fn stream_text(&mut self, text: &str) -> Change {
        if text.is_empty() {
            return Change::None;
        }
        if let Some(last) = self
            .segments
            .last_mut()
            .filter(|segment| segment.source == Source::Stream)
        {
            match last.parts.last_mut() {
                Some(Part::Text(before)) => before.push_str(text),
                _ => last.parts.push(Part::Text(text.to_owned())),
            }
            self.text.push_str(text);
            return appended(text);
        }
        self.add(Segment::new(
            Source::Stream,
            vec![Part::Text(text.to_owned())],
        ))
    }

    fn message(&mut self, message: &Message) -> Change {
        if message.role == Role::User {
            return Change::None; // agents that echo the question
        }
        let source = Source::Message(message.id.clone());
        if let Some(index) = self.find(&source) {
            return self.replace(index, &message.parts);
        }
        // A message after chunks of the same words sums them up.
        if self.repeats(&message.plain_text(), Repeat::Whole) && only_text(&message.parts) {
            return Change::None;
        }
        self.add(Segment::new(source, message.parts.clone()))
    }

    fn artifact(&mut self, update: &ArtifactUpdate) -> Change {
        let artifact = &update.artifact;
        let known = (!artifact.id.is_empty())
            .then(|| self.find(&Source::Artifact(artifact.id.clone())))
            .flatten();
        let change = match known {
            Some(index) if self.replaces(index, update) => self.replace(index, &artifact.parts),
            Some(index) => self.extend(index, &artifact.parts),
            None => {
                let mut segment = Segment::new(
                    Source::Artifact(artifact.id.clone()),
                    artifact.parts.clone(),
                );
                segment.name.clone_from(&artifact.name);
                self.add(segment)
            }
        };
        let index = known.unwrap_or(self.segments.len().saturating_sub(1));
        if let Some(segment) = self.segments.get_mut(index) {
            segment.closed = update.last;
        }
        change
    }

    /// Whether an update of a known artifact replaces it. Where the agent does not say: a repetition of what is there
    /// plus more replaces it, so does anything after its last chunk; all else continues it.
    fn replaces(&self, index: usize, update: &ArtifactUpdate) -> bool {
        update.append.map_or_else(
            || {
                let before = &self.segments[index];
                before.closed || before.is_beginning_of(&plain_text(&update.artifact.parts))
            },
            |append| !append,
        )
    }

    fn status(&mut self, message: &Message, ends_turn: bool) -> Change {
        if message.role == Role::User {
            return Change::None;
        }
        if !ends_turn {
            return self.progress_message(message);
        }
        self.closing_words(message)
    }

    fn progress_message(&mut self, message: &Message) -> Change {
        let text = message.plain_text();
        let source = Source::Message(message.id.clone());
        let known = self
            .progress
            .iter()
            .rposition(|segment| segment.source == source)
            .or_else(|| {
                let last = self.progress.len().checked_sub(1)?;
                self.progress[last].is_beginning_of(&text).then_some(last)
            });
        if let Some(index) = known {
            self.progress[index].parts.clone_from(&message.parts);
            self.progress_text = join(&self.progress);
        } else {
            let segment = Segment::new(source, message.parts.clone());
            self.progress_text.push_str(joint(
                self.progress.last(),
                &segment,
                &self.progress_text,
                &text,
            ));
            self.progress_text.push_str(&text);
            self.progress.push(segment);
        }
        Change::Progress
    }

    /// The words of the last status: the answer, more of it, or what was already said.
    fn closing_words(&mut self, message: &Message) -> Change {
        let text = message.plain_text();
        if self.repeats(&text, Repeat::Tail) {
            let files: Vec<Part> = message
                .parts
                .iter()
                .filter(|part| !matches!(part, Part::Text(_)))
                .cloned()
                .collect();
            return if files.is_empty() {
                Change::None
            } else {
                self.add(Segment::new(Source::Status, files))
            };
        }
        let said = squeeze(&self.text);
        if !said.is_empty()
            && squeeze(&text).starts_with(&said)
            && self.segments.iter().all(|one| only_text(&one.parts))
        {
            self.segments.clear();
            self.segments
                .push(Segment::new(Source::Status, message.parts.clone()));
            return self.refresh();
        }
        self.add(Segment::new(Source::Status, message.parts.clone()))
    }

    fn task(&mut self, task: &Task) -> Change {
        let mut change = Change::None;
        for artifact in &task.artifacts {
            change = merge(change, self.snapshot_artifact(artifact));
        }
        if let Some(message) = &task.status_message {
            change = merge(change, self.status(message, task.state.ends_turn()));
        }
        if task.state.ends_turn() && self.segments.is_empty() && self.progress.is_empty() {
            let asked = task
                .history
                .iter()
                .rposition(|message| message.role == Role::User)
                .map_or(0, |at| at + 1);
            for message in &task.history[asked..] {
                change = merge(change, self.message(message));
            }
        }
        change
    }

    /// An artifact of a snapshot is whole: it replaces its chunks, and says nothing new when they were told under other ids.
    fn snapshot_artifact(&mut self, artifact: &Artifact) -> Change {
        let source = Source::Artifact(artifact.id.clone());
        if let Some(index) = self.find(&source).filter(|_| !artifact.id.is_empty()) {
            return self.replace(index, &artifact.parts);
        }
        if only_text(&artifact.parts) && self.repeats(&plain_text(&artifact.parts), Repeat::Whole) {
            return Change::None;
        }
        let mut segment = Segment::new(source, artifact.parts.clone());
        segment.name.clone_from(&artifact.name);
        self.add(segment)
    }

    /// Whether `text` was already said: as the whole answer, as one piece of it, or (for [`Repeat::Tail`]) at its end.
    fn repeats(&self, text: &str, how: Repeat) -> bool {
        let new = squeeze(text);
        if new.is_empty() {
            return true;
        }
        let said = squeeze(&self.text);
        said == new
            || (how == Repeat::Tail && said.ends_with(&new) && new.len() >= MIN_TAIL)
            || self
                .segments
                .iter()
                .any(|segment| how == Repeat::Tail && squeeze(&segment.text()) == new)
    }

    fn find(&self, source: &Source) -> Option<usize> {
        self.segments
            .iter()
            .rposition(|segment| segment.source == *source)
    }

    fn add(&mut self, segment: Segment) -> Change {
        let text = segment.text();
        let joint = joint(self.segments.last(), &segment, &self.text, &text);
        let addition = if text.is_empty() {
            String::new()
        } else {
            format!("{joint}{text}")
        };
        self.segments.push(segment);
        self.text.push_str(&addition);
        appended(&addition)
    }

    fn extend(&mut self, index: usize, parts: &[Part]) -> Change {
        let is_last = index + 1 == self.segments.len();
        let Some(segment) = self.segments.get_mut(index) else {
            return Change::None;
        };
        let had_text = segment.has_text();
        for part in parts {
            match (segment.parts.last_mut(), part) {
                (Some(Part::Text(before)), Part::Text(text)) => before.push_str(text),
                _ => segment.parts.push(part.clone()),
            }
        }
        if !is_last || !had_text {
            return self.refresh();
        }
        let text = plain_text(parts);
        self.text.push_str(&text);
        appended(&text)
    }

    fn replace(&mut self, index: usize, parts: &[Part]) -> Change {
        if let Some(segment) = self.segments.get_mut(index) {
            segment.parts = parts.to_vec();
        }
        self.refresh()
    }

    /// Derives the text anew and says what that changed.
    fn refresh(&mut self) -> Change {
        let text = join(&self.segments);
        let change = match text.strip_prefix(self.text.as_str()) {
            Some(addition) => appended(addition),
            None => Change::Rewritten,
        };
        self.text = text;
        change
    }

    /// Counts what an event makes us hold; false beyond the limit.
    fn admit(&mut self, event: &AgentEvent) -> bool {
        let size = match event {
            AgentEvent::Text(text) => text.len(),
            AgentEvent::Message(message) => weight(&message.parts),
            AgentEvent::Artifact(update) => weight(&update.artifact.parts),
            AgentEvent::Status(update) => update
                .message
                .as_ref()
                .map_or(0, |message| weight(&message.parts)),
            AgentEvent::Task(task) => {
                let artifacts: usize = task
                    .artifacts
                    .iter()
                    .map(|artifact| weight(&artifact.parts))
                    .sum();
                artifacts
                    + task
                        .status_message
                        .as_ref()
                        .map_or(0, |message| weight(&message.parts))
            }
        };
        self.held = self.held.saturating_add(size);
        self.held <= Self::MAX_BYTES
    }
}

/// What counts as saying it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repeat {
    Whole,
    Tail,
}

/// Closing words shorter than this are not looked for at the end of a longer answer: "no" may well be said twice.
const MIN_TAIL: usize = 12;
