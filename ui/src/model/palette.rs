//! What the command palette finds: actions, agents, what can be done with them, conversations, traces and services,
//! ranked by how well they match and how lately they were used.

use std::sync::Arc;

use nasiko_contract::{AgentName, AgentState, SessionId, TraceId};

use crate::model::{
    actions::Group,
    deeds::Deed,
    fuzzy::{Haystack, Pattern, Scratch},
};
use crate::words::{actions as words, common};

/// Entries of one section that are shown; who wants others types more.
const MOST_SHOWN: usize = 200;
/// The same while nothing was typed.
const MOST_OFFERED: usize = 6;
/// Agents offered for a deed alone.
const MOST_DEEDS: usize = 12;
/// Letters of a word from which it can stand for a deed.
const LEAST_VERB: usize = 2;
/// Uses that are remembered.
const MOST_RECENT: usize = 40;
/// What the latest use adds to a score; each one before it a little less.
const RECENCY: i32 = 24;

/// What an entry stands for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    /// An action that is registered now, by its id.
    Action(String),
    /// An agent.
    Agent(AgentName),
    /// Something done with an agent.
    Deed(Deed, AgentName),
    /// A conversation.
    Conversation(SessionId),
    /// A trace.
    Trace(TraceId),
    /// A service of the local stack.
    Service(String),
    /// Something done with a service.
    ServiceDeed(ServiceDeed, String),
}

/// Something that can be done with a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ServiceDeed {
    Logs,
    Start,
    Stop,
    Restart,
}

impl ServiceDeed {
    /// Its words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Logs => words::service::LOGS,
            Self::Start => common::START,
            Self::Stop => common::STOP,
            Self::Restart => common::RESTART,
        }
    }

    /// Its name for the program.
    fn id(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
        }
    }
}

impl Subject {
    /// What its use is remembered by.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Action(id) => format!("action:{id}"),
            Self::Agent(name) => format!("agent:{name}"),
            Self::Deed(deed, name) => format!("deed:{}:{name}", deed.id()),
            Self::Conversation(id) => format!("chat:{id}"),
            Self::Trace(id) => format!("trace:{id}"),
            Self::Service(name) => format!("service:{name}"),
            Self::ServiceDeed(deed, name) => format!("service:{}:{name}", deed.id()),
        }
    }
}

/// Entries that are shown together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Recent,
    Agents,
    Deeds,
    Conversations,
    Traces,
    Services,
    Actions(Group),
}

impl Section {
    /// Its heading.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Recent => words::section::RECENT,
            Self::Agents => words::section::AGENTS,
            Self::Deeds => words::section::WITH_AGENT,
            Self::Conversations => words::section::CONVERSATIONS,
            Self::Traces => words::section::TRACES,
            Self::Services => words::section::SERVICES,
            Self::Actions(Group::Agents) => words::section::ADD_AND_ASK,
            Self::Actions(group) => group.words(),
        }
    }

    /// What is meant more often counts a little more.
    fn bias(self) -> i32 {
        match self {
            Self::Actions(Group::Page) => 6,
            Self::Agents => 5,
            Self::Actions(_) => 4,
            Self::Recent | Self::Deeds | Self::Services => 3,
            Self::Conversations => 0,
            Self::Traces => -6,
        }
    }
}

/// Something that can be found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    /// What it stands for.
    pub(crate) subject: Subject,
    /// What it is shown among.
    pub(crate) section: Section,
    /// What it is called.
    pub(crate) words: String,
    /// Said beside it, quieter; found as well.
    pub(crate) aside: String,
    haystack: Haystack,
}

impl Entry {
    /// An entry that is found by its words and by what is said beside them, which may be empty.
    pub(crate) fn new(subject: Subject, section: Section, words: String, aside: String) -> Self {
        let haystack = if aside.is_empty() {
            Haystack::new(&words)
        } else {
            Haystack::new(&format!("{words} {aside}"))
        };
        Self {
            subject,
            section,
            words,
            aside,
            haystack,
        }
    }

    /// An entry that is found by its words alone: a whole sentence holds nearly every few letters.
    fn described(subject: Subject, section: Section, words: String, sentence: String) -> Self {
        Self {
            aside: sentence,
            ..Self::new(subject, section, words, String::new())
        }
    }

    /// Words and aside in pieces, each with whether it is what was typed.
    pub(crate) fn marked(&self, pattern: &Pattern) -> [Vec<(bool, String)>; 2] {
        let places = pattern.positions(&self.haystack, &mut Scratch::default());
        let words = self.words.chars().count();
        [
            pieces(&self.words, 0, &places),
            pieces(&self.aside, words + 1, &places),
        ]
    }
}

fn pieces(text: &str, offset: usize, places: &[usize]) -> Vec<(bool, String)> {
    let mut pieces: Vec<(bool, String)> = Vec::new();
    for (at, letter) in text.chars().enumerate() {
        let is_typed = places.binary_search(&(at + offset)).is_ok();
        match pieces.last_mut() {
            Some((same, piece)) if *same == is_typed => piece.push(letter),
            _ => pieces.push((is_typed, letter.to_string())),
        }
    }
    pieces
}

/// A row of the list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Row {
    /// Begins a section of so many entries, of which so many are shown.
    Head(Section, usize, usize),
    /// An entry.
    Item(Arc<Entry>),
}

/// What is known of an agent to say what can be done with it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AgentFacts {
    /// Its name.
    pub(crate) name: AgentName,
    /// One sentence.
    pub(crate) description: String,
    /// Its state.
    pub(crate) state: AgentState,
    /// A job is at work on it.
    pub(crate) busy: bool,
}

/// All that can be found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    entries: Vec<Arc<Entry>>,
    agents: Vec<(Arc<Entry>, AgentFacts)>,
}

impl Index {
    /// Agents first, then what else there is, in the order in which it is offered.
    pub(crate) fn new(agents: Vec<AgentFacts>, others: impl IntoIterator<Item = Entry>) -> Self {
        let entry = |facts: &AgentFacts| {
            let name = facts.name.to_string();
            let subject = Subject::Agent(facts.name.clone());
            Entry::described(subject, Section::Agents, name, facts.description.clone())
        };
        let agents: Vec<_> = agents
            .into_iter()
            .map(|facts| (Arc::new(entry(&facts)), facts))
            .collect();
        let (page, rest): (Vec<Arc<Entry>>, Vec<Arc<Entry>>) = others
            .into_iter()
            .map(Arc::new)
            .partition(|entry| entry.section == Section::Actions(Group::Page));
        let named = agents.iter().map(|(entry, _)| Arc::clone(entry));
        Self {
            entries: page.into_iter().chain(named).chain(rest).collect(),
            agents,
        }
    }

    /// What `typed` finds, the best section first and the best of each first; with nothing typed what is likely.
    pub(crate) fn find(&self, typed: &str, recent: &Recent) -> Vec<Row> {
        let pattern = Pattern::new(typed);
        if pattern.is_empty() {
            return self.offer(recent);
        }
        let mut scratch = Scratch::default();
        let mut found: Vec<(i32, Arc<Entry>)> = self
            .entries
            .iter()
            .filter_map(|entry| {
                let score = pattern.score(&entry.haystack, &mut scratch)?;
                Some((score + entry.section.bias(), Arc::clone(entry)))
            })
            .collect();
        found.extend(self.deeds(typed, &mut scratch));
        for (score, entry) in &mut found {
            *score += recent.bonus(&entry.subject);
        }
        // Among equals the shorter one is meant; what was there first stays first.
        found.sort_by_key(|(score, entry)| (std::cmp::Reverse(*score), entry.haystack.len()));
        sections(found.into_iter().map(|(_, entry)| entry), MOST_SHOWN)
    }

    /// `stop greeter`: one word stands for a deed, the others for an agent.
    fn deeds(&self, typed: &str, scratch: &mut Scratch) -> Vec<(i32, Arc<Entry>)> {
        let typed: Vec<String> = typed.split_whitespace().map(str::to_lowercase).collect();
        let mut found = Vec::new();
        for deed in Deed::ALL {
            let phrase = deed.words().to_lowercase();
            let stands = |word: &String| {
                word.chars().count() >= LEAST_VERB
                    && phrase
                        .split(' ')
                        .any(|part| part.starts_with(word.as_str()))
            };
            let Some(verb) = typed.iter().position(stands) else {
                continue;
            };
            let others = typed.iter().enumerate().filter(|(at, _)| *at != verb);
            let pattern = Pattern::of_words(others.map(|(_, word)| word.as_str()));
            let letters = i32::try_from(typed[verb].len()).unwrap_or_default();
            let matching = self.agents.iter().filter_map(|(entry, facts)| {
                let score = if pattern.is_empty() {
                    0
                } else {
                    pattern.score(&entry.haystack, scratch)?
                };
                deed.applies(facts.state, facts.busy)
                    .then_some((score + 20 * letters, facts))
            });
            let entries = matching.map(|(score, facts)| {
                let subject = Subject::Deed(deed, facts.name.clone());
                let words = deed.phrase(&facts.name);
                let entry = Entry::new(subject, Section::Deeds, words, String::new());
                (score, Arc::new(entry))
            });
            if pattern.is_empty() {
                found.extend(entries.take(MOST_DEEDS));
            } else {
                found.extend(entries);
            }
        }
        found
    }

    fn offer(&self, recent: &Recent) -> Vec<Row> {
        let mut lately: Vec<(usize, Arc<Entry>)> = self
            .entries
            .iter()
            .filter_map(|entry| Some((recent.place(&entry.subject)?, Arc::clone(entry))))
            .collect();
        lately.sort_by_key(|(place, _)| *place);
        lately.truncate(MOST_OFFERED);
        let mut rows = Vec::new();
        if !lately.is_empty() {
            rows.push(Row::Head(Section::Recent, lately.len(), lately.len()));
            rows.extend(lately.into_iter().map(|(_, entry)| Row::Item(entry)));
        }
        let limit = |section: Section| match section {
            Section::Actions(_) | Section::Deeds => MOST_SHOWN,
            _ => MOST_OFFERED,
        };
        rows.extend(sections_limited(self.entries.iter().cloned(), limit));
        rows
    }
}

fn sections(entries: impl Iterator<Item = Arc<Entry>>, most: usize) -> Vec<Row> {
    sections_limited(entries, |_| most)
}

/// Entries in sections, which come in the order of their first entries.
fn sections_limited(
    entries: impl Iterator<Item = Arc<Entry>>,
    most: impl Fn(Section) -> usize,
) -> Vec<Row> {
    let mut sections: Vec<(Section, Vec<Arc<Entry>>)> = Vec::new();
    for entry in entries {
        match sections
            .iter_mut()
            .find(|(section, _)| *section == entry.section)
        {
            Some((_, entries)) => entries.push(entry),
            None => sections.push((entry.section, vec![entry])),
        }
    }
    let mut rows = Vec::new();
    for (section, mut entries) in sections {
        let all = entries.len();
        entries.truncate(most(section));
        rows.push(Row::Head(section, all, entries.len()));
        rows.extend(entries.into_iter().map(Row::Item));
    }
    rows
}

/// What was used, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Recent(Vec<String>);

impl Recent {
    /// Reads what was remembered.
    pub(crate) fn read(text: &str) -> Self {
        let mut keys: Vec<String> = serde_json::from_str(text).unwrap_or_default();
        keys.truncate(MOST_RECENT);
        Self(keys)
    }

    /// As [`Recent::read`] reads it.
    pub(crate) fn written(&self) -> String {
        serde_json::to_string(&self.0).unwrap_or_default()
    }

    /// Something was used.
    pub(crate) fn put(&mut self, subject: &Subject) {
        let key = subject.key();
        self.0.retain(|known| *known != key);
        self.0.insert(0, key);
        self.0.truncate(MOST_RECENT);
    }

    fn place(&self, subject: &Subject) -> Option<usize> {
        if self.0.is_empty() {
            return None;
        }
        let key = subject.key();
        self.0.iter().position(|known| *known == key)
    }

    fn bonus(&self, subject: &Subject) -> i32 {
        let place = self
            .place(subject)
            .and_then(|place| i32::try_from(place).ok());
        place.map_or(0, |place| (RECENCY - 2 * place).max(2))
    }
}

/// Names like those people give, to measure with.
#[cfg(any(test, feature = "fixtures"))]
pub(crate) fn made_up_names(many: usize) -> impl Iterator<Item = String> {
    const FIRST: [&str; 10] = [
        "invoice", "contract", "weather", "github", "paper", "support", "travel", "sales",
        "release", "incident",
    ];
    const SECOND: [&str; 10] = [
        "reader",
        "checker",
        "helper",
        "digest",
        "translator",
        "planner",
        "reviewer",
        "router",
        "summary",
        "watcher",
    ];
    (0..many).map(|number| {
        let (first, second) = (FIRST[number % 10], SECOND[number / 10 % 10]);
        format!("{first}-{second}-{}", number / 100)
    })
}

#[cfg(test)]
mod tests;
