//! In which order to try what an agent may speak. Only refusals that came before anything ran lead to the next try.

use std::collections::VecDeque;

use reqwest::Url;

use super::{Hints, address};
use crate::card::Card;
use crate::dialect::Dialect;

/// One way of asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attempt {
    pub(super) dialect: Dialect,
    /// A path on the agent.
    pub(super) endpoint: String,
    pub(super) stream: bool,
}

/// Why an agent refused a way of asking, and so what else it will refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// 404 or 405: nothing of this dialect is at this path.
    Path,
    /// -32601 or 501: not under this name.
    Method,
    /// It does not stream.
    Stream,
    /// 400 or 422 from a plain agent: the body's field is another.
    Field,
}

/// Paths that are tried when the card's does not answer.
const USUAL_PATHS: [&str; 3] = ["/", "/a2a", "/jsonrpc"];

/// Paths and fields of plain agents, when nothing describes them.
const PLAIN_PATHS: [&str; 4] = ["/chat", "/query", "/invoke", "/run"];
const PLAIN_FIELDS: [&str; 3] = ["message", "query", "input"];

/// The tries left, best first.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    base: &'a Url,
    hints: &'a Hints,
    left: VecDeque<Attempt>,
}

impl<'a> Plan<'a> {
    /// Everything worth trying with what is known. `described` is what a plain agent's own documents say.
    pub(super) fn new(base: &'a Url, hints: &'a Hints, described: &[Dialect]) -> Self {
        let mut plan = Self {
            base,
            hints,
            left: VecDeque::new(),
        };
        if let Some(dialect) = &hints.dialect {
            plan.add_dialect(dialect);
        }
        if hints.card.is_none() {
            for dialect in described {
                plan.add_dialect(dialect);
            }
        }
        let from_card = hints.card.as_ref().map(Card::dialect);
        plan.add_dialect(from_card.as_ref().unwrap_or(&Dialect::V0));
        plan.add_dialect(&Dialect::V1);
        plan.add_dialect(&Dialect::V0);
        for dialect in described {
            plan.add_dialect(dialect);
        }
        for path in PLAIN_PATHS {
            for field in PLAIN_FIELDS {
                let dialect = Dialect::RestChat {
                    path: path.to_owned(),
                    field: field.to_owned(),
                };
                plan.add(&dialect, path, true);
            }
        }
        plan
    }

    /// The next try.
    pub(super) fn next(&mut self) -> Option<Attempt> {
        self.left.pop_front()
    }

    /// Drops the tries that a refusal makes pointless.
    pub(super) fn refused(&mut self, tried: &Attempt, refusal: Refusal) {
        self.left.retain(|attempt| match refusal {
            Refusal::Path if tried.dialect.spelling().is_none() => {
                attempt.endpoint != tried.endpoint
            }
            Refusal::Path => attempt.dialect != tried.dialect || attempt.endpoint != tried.endpoint,
            Refusal::Stream => !attempt.stream || attempt.dialect.spelling().is_none(),
            Refusal::Method | Refusal::Field => true,
        });
    }

    fn add_dialect(&mut self, dialect: &Dialect) {
        let hints = self.hints;
        let card = hints.card.as_ref();
        match dialect {
            Dialect::RestChat { path, .. } => self.add(dialect, path, true),
            Dialect::OpenAiChat => self.add(dialect, super::plain::OPENAI_PATH, true),
            Dialect::HttpJson => {
                let declared = card
                    .and_then(|card| card.endpoint(dialect))
                    .unwrap_or_else(|| "/".to_owned());
                let remembered = hints
                    .endpoint
                    .clone()
                    .filter(|_| hints.dialect.as_ref() == Some(dialect));
                let versioned = address::below(&declared, "/v1");
                for endpoint in remembered.into_iter().chain([declared, versioned]) {
                    self.both_ways(std::slice::from_ref(dialect), &endpoint);
                }
            }
            Dialect::V1 | Dialect::V0 => {
                let other = if *dialect == Dialect::V1 {
                    Dialect::V0
                } else {
                    Dialect::V1
                };
                let spellings = [dialect.clone(), other];
                let remembered = hints
                    .endpoint
                    .clone()
                    .filter(|_| hints.dialect.as_ref() == Some(dialect));
                let declared = card.and_then(|card| card.endpoint(dialect));
                let usual = USUAL_PATHS.into_iter().map(str::to_owned);
                for endpoint in remembered.into_iter().chain(declared).chain(usual) {
                    self.both_ways(&spellings, &endpoint);
                }
            }
        }
    }

    /// Streaming first unless the agent is known not to, in each spelling; then without.
    fn both_ways(&mut self, spellings: &[Dialect], endpoint: &str) {
        let hints = self.hints;
        let says_streaming = hints
            .streaming
            .or_else(|| hints.card.as_ref().and_then(Card::streaming));
        for stream in [true, false] {
            if stream && says_streaming == Some(false) {
                continue;
            }
            for dialect in spellings {
                self.add(dialect, endpoint, stream);
            }
        }
    }

    fn add(&mut self, dialect: &Dialect, endpoint: &str, stream: bool) {
        let attempt = Attempt {
            dialect: dialect.clone(),
            endpoint: address::path(self.base, endpoint),
            stream,
        };
        if !self.left.contains(&attempt) {
            self.left.push_back(attempt);
        }
    }
}
