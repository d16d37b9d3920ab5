//! YAML as a tree in which every value knows its place. Anchors, aliases and merge keys are resolved here.

use std::collections::HashMap;
use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle, StrInput, Tag};
use indexmap::IndexMap;

use super::problem::{ComposeError, Problem, Reason};
use super::span::{Source, Span};

/// Values in one file, aliases counted each time they are used: what a few lines of YAML could otherwise grow to.
const MAX_NODES: usize = 200_000;

/// A value.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) span: Span,
    pub(super) mark: Mark,
    pub(super) value: Value,
}

/// What a value does to the one that an earlier file gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// It is merged with it.
    Merge,
    /// `!reset`: it removes it.
    Reset,
    /// `!override`: it replaces it.
    Override,
}

#[derive(Debug, Clone)]
pub(super) enum Value {
    Scalar(Scalar),
    Sequence(Vec<Node>),
    Mapping(Mapping),
}

#[derive(Debug, Clone)]
pub(super) struct Scalar {
    pub(super) text: String,
    pub(super) style: Style,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Unquoted: the text decides the type.
    Plain,
    /// Quoted or a block: a string.
    Quoted,
    /// Came out of a variable: whatever the key takes.
    Interpolated,
}

/// In the file's order.
pub(super) type Mapping = IndexMap<String, Entry>;

#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: Span,
    pub(super) node: Node,
}

/// The type of a scalar, by YAML's core schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Boolean,
    Number,
    Text,
}

impl Scalar {
    pub(super) fn kind(&self) -> Kind {
        if self.style != Style::Plain {
            return Kind::Text;
        }
        match self.text.as_str() {
            "" | "~" | "null" | "Null" | "NULL" => Kind::Null,
            "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => Kind::Boolean,
            text if is_number(text) => Kind::Number,
            _ => Kind::Text,
        }
    }
}

fn is_number(text: &str) -> bool {
    let digits = |text: &str, radix| {
        !text.is_empty() && text.chars().all(|character| character.is_digit(radix))
    };
    if let Some(octal) = text.strip_prefix("0o") {
        return digits(octal, 8);
    }
    if let Some(hexadecimal) = text.strip_prefix("0x") {
        return digits(hexadecimal, 16);
    }
    let starts = text
        .trim_start_matches(['+', '-'])
        .starts_with(|character: char| character.is_ascii_digit() || character == '.');
    starts && text.parse::<f64>().is_ok()
}

impl Node {
    pub(super) fn new(span: Span, value: Value) -> Self {
        Self {
            span,
            mark: Mark::Merge,
            value,
        }
    }

    pub(super) fn text(span: Span, text: impl Into<String>) -> Self {
        let (text, style) = (text.into(), Style::Quoted);
        Self::new(span, Value::Scalar(Scalar { text, style }))
    }

    pub(super) fn null(span: Span) -> Self {
        let (text, style) = (String::new(), Style::Plain);
        Self::new(span, Value::Scalar(Scalar { text, style }))
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if scalar.kind() == Kind::Null)
    }

    pub(super) fn as_scalar(&self) -> Option<&Scalar> {
        match &self.value {
            Value::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The text of a scalar that is not null.
    pub(super) fn as_text(&self) -> Option<&str> {
        self.as_scalar()
            .filter(|scalar| scalar.kind() != Kind::Null)
            .map(|scalar| scalar.text.as_str())
    }

    pub(super) fn as_mapping(&self) -> Option<&Mapping> {
        match &self.value {
            Value::Mapping(mapping) => Some(mapping),
            _ => None,
        }
    }

    pub(super) fn as_mapping_mut(&mut self) -> Option<&mut Mapping> {
        match &mut self.value {
            Value::Mapping(mapping) => Some(mapping),
            _ => None,
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        Some(&self.as_mapping()?.get(key)?.node)
    }

    /// In words.
    pub(super) fn what(&self) -> &'static str {
        match &self.value {
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
            Value::Scalar(scalar) => match scalar.kind() {
                Kind::Null => "nothing",
                Kind::Boolean => "true or false",
                Kind::Number => "a number",
                Kind::Text => "a text",
            },
        }
    }

    /// Whether two values are the same, wherever they stand.
    pub(super) fn same(&self, other: &Node) -> bool {
        match (&self.value, &other.value) {
            (Value::Scalar(one), Value::Scalar(two)) => one.text == two.text,
            (Value::Sequence(one), Value::Sequence(two)) => {
                one.len() == two.len() && one.iter().zip(two).all(|(one, two)| one.same(two))
            }
            (Value::Mapping(one), Value::Mapping(two)) => {
                one.len() == two.len()
                    && one.iter().all(|(key, entry)| {
                        two.get(key)
                            .is_some_and(|other| entry.node.same(&other.node))
                    })
            }
            _ => false,
        }
    }
}

/// The documents of a file, empty ones left out.
pub(super) fn parse(text: &str, source: &Arc<Source>) -> Result<Vec<Node>, ComposeError> {
    let mut reading = Reading {
        parser: Parser::new_from_str_with_options(
            text,
            granit_parser::options! { emit_comments: false },
        ),
        source,
        anchors: HashMap::new(),
        nodes: 0,
    };
    let mut documents = Vec::new();
    loop {
        let (event, span) = reading.next()?;
        match event {
            Event::StreamEnd => return Ok(documents),
            Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
            event => {
                let document = reading.node(event, span)?;
                if !document.is_null() {
                    documents.push(document);
                }
            }
        }
    }
}

struct Reading<'text> {
    parser: Parser<'text, StrInput<'text>>,
    source: &'text Arc<Source>,
    /// The values that were named so far, and how many values each is.
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
}

impl<'text> Reading<'text> {
    fn next(&mut self) -> Result<(Event<'text>, Span), ComposeError> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => Ok((event, self.span(span.start))),
            Some(Err(error)) => {
                let span = self.span(*error.marker());
                Err(invalid(span, error.info()))
            }
            None => Ok((Event::StreamEnd, Span::start(self.source))),
        }
    }

    fn span(&self, marker: granit_parser::Marker) -> Span {
        Span::new(self.source, marker.line().max(1), marker.col() + 1)
    }

    fn count(&mut self, nodes: usize, span: &Span) -> Result<(), ComposeError> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES {
            let text = format!("it holds more than {MAX_NODES} values");
            return Err(invalid(span.clone(), text));
        }
        Ok(())
    }

    /// The value that begins with an event. The parser limits how deep values lie in each other.
    fn node(&mut self, event: Event<'text>, span: Span) -> Result<Node, ComposeError> {
        let before = self.nodes;
        self.count(1, &span)?;
        let (value, anchor, tag) = match event {
            Event::Alias(id) => {
                let Some((node, nodes)) = self.anchors.get(&id).cloned() else {
                    let text = "an anchor cannot hold itself".to_owned();
                    return Err(invalid(span, text));
                };
                self.count(nodes, &span)?;
                return Ok(node);
            }
            Event::Scalar(text, style, anchor, tag) => {
                let quoted = style != ScalarStyle::Plain
                    || tag
                        .as_ref()
                        .is_some_and(|tag| tag.is_yaml_core_schema_tag("str"));
                let style = if quoted { Style::Quoted } else { Style::Plain };
                let text = text.into_owned();
                (Value::Scalar(Scalar { text, style }), anchor, tag)
            }
            Event::SequenceStart(_, anchor, tag) => {
                (Value::Sequence(self.sequence()?), anchor, tag)
            }
            Event::MappingStart(_, anchor, tag) => (Value::Mapping(self.mapping()?), anchor, tag),
            _ => return Err(invalid(span, "a value is expected here".to_owned())),
        };
        let mark = mark(tag.as_deref(), &span)?;
        let node = Node { span, mark, value };
        if anchor != 0 {
            // What is named is named as a value: its mark is for the place where it stands.
            let mut named = node.clone();
            named.mark = Mark::Merge;
            self.anchors.insert(anchor, (named, self.nodes - before));
        }
        Ok(node)
    }

    fn sequence(&mut self) -> Result<Vec<Node>, ComposeError> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(items);
            }
            items.push(self.node(event, span)?);
        }
    }

    fn mapping(&mut self) -> Result<Mapping, ComposeError> {
        let mut mapping = Mapping::new();
        let mut merged = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                break;
            }
            let key = self.node(event, span)?;
            let (event, span) = self.next()?;
            let node = self.node(event, span)?;
            let Some(scalar) = key.as_scalar() else {
                return Err(invalid(key.span, "a key must be a text".to_owned()));
            };
            if scalar.style == Style::Plain && scalar.text == "<<" {
                merged.push(node);
                continue;
            }
            let text = scalar.text.clone();
            let entry = Entry {
                key: key.span.clone(),
                node,
            };
            if let Some(first) = mapping.get(&text) {
                let text = format!(
                    "`{text}` stands here twice, first in line {}",
                    first.key.line()
                );
                return Err(invalid(key.span, text));
            }
            mapping.insert(text, entry);
        }
        for node in merged {
            merge_into(&mut mapping, node)?;
        }
        Ok(mapping)
    }
}

/// `<<`: the mapping's own keys win, then the mappings in their order.
fn merge_into(mapping: &mut Mapping, node: Node) -> Result<(), ComposeError> {
    match node.value {
        Value::Mapping(other) => {
            for (key, entry) in other {
                mapping.entry(key).or_insert(entry);
            }
            Ok(())
        }
        Value::Sequence(nodes) => nodes
            .into_iter()
            .try_for_each(|node| merge_into(mapping, node)),
        Value::Scalar(_) => Err(invalid(
            node.span,
            "`<<` takes a mapping or a list of mappings".to_owned(),
        )),
    }
}

fn mark(tag: Option<&Tag>, span: &Span) -> Result<Mark, ComposeError> {
    let Some(tag) = tag else {
        return Ok(Mark::Merge);
    };
    match tag.original().as_str() {
        "!reset" => Ok(Mark::Reset),
        "!override" => Ok(Mark::Override),
        _ if tag.is_yaml_core_schema() => Ok(Mark::Merge),
        "!" => Ok(Mark::Merge),
        other => Err(Problem {
            span: span.clone(),
            key: String::new(),
            reason: Reason::InvalidYaml(format!("the tag {other} is unknown")),
            hint: Some("Compose files know the tags !reset and !override".to_owned()),
        }
        .into()),
    }
}

fn invalid(span: Span, text: String) -> ComposeError {
    ComposeError::from(Problem {
        span,
        key: String::new(),
        reason: Reason::InvalidYaml(text),
        hint: None,
    })
}
