//! An answer's Markdown as a tree that views draw node by node. Nothing of it is ever parsed as HTML: raw HTML is
//! text, images are their description, and links lead only where [`link`] allows.

use pulldown_cmark::{Alignment, CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// Blocks nest at most this deep; what lies deeper is drawn at this depth.
const DEPTH_LIMIT: usize = 16;

/// A node of the tree.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    /// Words.
    Text(String),
    /// Code within a line.
    Code(String),
    /// A line's end that is meant.
    Break,
    /// A line across.
    Rule,
    /// Code of its own lines, and its language.
    CodeBlock(String, String),
    /// Something that holds others.
    Holder(Kind, Vec<Node>),
}

/// What a node that holds others is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// A paragraph.
    Paragraph,
    /// A heading, 1 to 6.
    Heading(u8),
    /// A quotation.
    Quote,
    /// A list; numbered from, if numbered.
    List(Option<u64>),
    /// An item of a list.
    Item,
    /// A table.
    Table,
    /// Its head row or a row of its body.
    Row,
    /// A cell; of the head, and with figures (to the right).
    Cell {
        /// In the head row.
        head: bool,
        /// Figures stand to the right.
        right: bool,
    },
    /// Stressed.
    Emphasis,
    /// Strong.
    Strong,
    /// Struck out.
    Strike,
    /// A link to an allowed place.
    Link(String),
    /// Just its children.
    Plain,
}

/// Parses a text.
pub(crate) fn parse(text: &str) -> Vec<Node> {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut builder = Builder::default();
    for event in Parser::new_ext(text, options) {
        builder.take(event);
    }
    builder.finish()
}

/// Where a link may lead: the web and mail. Everything else (`javascript:`, `data:`, `file:`, paths into this
/// application) is shown as text.
pub(crate) fn link(target: &str) -> Option<&str> {
    let allowed = ["https://", "http://", "mailto:"];
    let lower = target.get(..8).unwrap_or(target).to_ascii_lowercase();
    allowed
        .iter()
        .any(|scheme| lower.starts_with(scheme))
        .then_some(target)
}

#[derive(Default)]
struct Builder {
    /// What is open, outermost first, with what it holds so far.
    open: Vec<(Kind, Vec<Node>)>,
    done: Vec<Node>,
    code: Option<(String, String)>,
    alignments: Vec<Alignment>,
    column: usize,
    in_head: bool,
    /// Opened beyond the limit: as many ends are to be passed over.
    passed_over: usize,
}

impl Builder {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(end) => self.end(end),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.text(&text),
            Event::Code(code) | Event::InlineMath(code) | Event::DisplayMath(code) => {
                self.put(Node::Code(code.into_string()));
            }
            Event::SoftBreak => self.text(" "),
            Event::HardBreak => self.put(Node::Break),
            Event::Rule => self.put(Node::Rule),
            Event::TaskListMarker(done) => self.text(if done { "☑ " } else { "☐ " }),
            Event::FootnoteReference(name) => self.text(&format!("[{name}]")),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        let kind = match tag {
            Tag::CodeBlock(kind) => {
                let language = match kind {
                    CodeBlockKind::Fenced(info) => info
                        .split_whitespace()
                        .next()
                        .unwrap_or_default()
                        .to_owned(),
                    CodeBlockKind::Indented => String::new(),
                };
                self.code = Some((language, String::new()));
                return;
            }
            Tag::Paragraph => Kind::Paragraph,
            Tag::Heading { level, .. } => Kind::Heading(heading(level)),
            Tag::BlockQuote(_) => Kind::Quote,
            Tag::List(first) => Kind::List(first),
            Tag::Item => Kind::Item,
            Tag::Table(alignments) => {
                self.alignments = alignments;
                Kind::Table
            }
            Tag::TableHead => {
                self.column = 0;
                self.in_head = true;
                Kind::Row
            }
            Tag::TableRow => {
                self.column = 0;
                Kind::Row
            }
            Tag::TableCell => {
                let right = self.alignments.get(self.column) == Some(&Alignment::Right);
                self.column += 1;
                Kind::Cell {
                    head: self.in_head,
                    right,
                }
            }
            Tag::Emphasis => Kind::Emphasis,
            Tag::Strong => Kind::Strong,
            Tag::Strikethrough => Kind::Strike,
            Tag::Link { dest_url, .. } => {
                link(&dest_url).map_or(Kind::Plain, |target| Kind::Link(target.to_owned()))
            }
            // An image would be fetched from somebody else's server: its description stands for it.
            _ => Kind::Plain,
        };
        if self.open.len() >= DEPTH_LIMIT {
            self.passed_over += 1;
        } else {
            self.open.push((kind, Vec::new()));
        }
    }

    fn end(&mut self, end: TagEnd) {
        match end {
            TagEnd::CodeBlock => {
                if let Some((language, text)) = self.code.take() {
                    let text = text.strip_suffix('\n').unwrap_or(&text).to_owned();
                    self.put(Node::CodeBlock(language, text));
                }
                return;
            }
            TagEnd::TableHead => self.in_head = false,
            _ => {}
        }
        if self.passed_over > 0 {
            self.passed_over -= 1;
        } else if let Some((kind, children)) = self.open.pop() {
            self.put(Node::Holder(kind, children));
        }
    }

    fn text(&mut self, text: &str) {
        if let Some((_, code)) = &mut self.code {
            code.push_str(text);
            return;
        }
        let siblings = self.siblings();
        if let Some(Node::Text(before)) = siblings.last_mut() {
            before.push_str(text);
        } else {
            siblings.push(Node::Text(text.to_owned()));
        }
    }

    fn put(&mut self, node: Node) {
        self.siblings().push(node);
    }

    fn siblings(&mut self) -> &mut Vec<Node> {
        match self.open.last_mut() {
            Some((_, children)) => children,
            None => &mut self.done,
        }
    }

    fn finish(mut self) -> Vec<Node> {
        while let Some((kind, children)) = self.open.pop() {
            self.put(Node::Holder(kind, children));
        }
        self.done
    }
}

fn heading(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(words: &str) -> Node {
        Node::Text(words.to_owned())
    }

    fn words(nodes: &[Node]) -> String {
        nodes
            .iter()
            .map(|node| match node {
                Node::Text(text) | Node::Code(text) | Node::CodeBlock(_, text) => text.clone(),
                Node::Holder(_, children) => words(children),
                Node::Break | Node::Rule => String::new(),
            })
            .collect()
    }

    fn links(nodes: &[Node]) -> usize {
        nodes
            .iter()
            .map(|node| match node {
                Node::Holder(kind, children) => {
                    usize::from(matches!(kind, Kind::Link(_))) + links(children)
                }
                _ => 0,
            })
            .sum()
    }

    fn depth(nodes: &[Node]) -> usize {
        nodes
            .iter()
            .map(|node| match node {
                Node::Holder(_, children) => 1 + depth(children),
                _ => 0,
            })
            .max()
            .unwrap_or(0)
    }

    #[test]
    fn paragraphs_hold_stress_and_code() {
        let nodes = parse("Comes to **€ 4** and `x`.");
        assert_eq!(
            nodes,
            [Node::Holder(
                Kind::Paragraph,
                vec![
                    text("Comes to "),
                    Node::Holder(Kind::Strong, vec![text("€ 4")]),
                    text(" and "),
                    Node::Code("x".to_owned()),
                    text("."),
                ]
            )]
        );
    }

    #[test]
    fn raw_html_is_text() {
        let nodes = parse("<script>alert(1)</script>\n\nand <b onclick=x>this</b>");
        assert!(words(&nodes).contains("<script>alert(1)</script>"));
        assert!(words(&nodes).contains("<b onclick=x>this</b>"));
    }

    #[test]
    fn links_lead_to_the_web_or_mail_only() {
        assert_eq!(links(&parse("[a](https://example.org) <mailto:a@b.c>")), 2);
        let refused = [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "/api/v1/shutdown",
            "//example.org",
            "vbscript:x",
        ];
        for target in refused {
            let nodes = parse(&format!("[words](<{target}>)"));
            assert_eq!(links(&nodes), 0, "{target}");
            assert_eq!(words(&nodes), "words", "the words stay");
        }
    }

    #[test]
    fn images_are_their_description() {
        let nodes = parse("![a chart](https://example.org/x.png)");
        assert_eq!(words(&nodes), "a chart");
        assert_eq!(links(&nodes), 0);
    }

    #[test]
    fn code_blocks_keep_their_lines_and_language() {
        let nodes = parse("```python x\nprint(1)\n\nprint(2)\n```");
        assert_eq!(
            nodes,
            [Node::CodeBlock(
                "python".to_owned(),
                "print(1)\n\nprint(2)".to_owned()
            )]
        );
        let unfinished = parse("```\nstill com");
        assert_eq!(
            words(&unfinished),
            "still com",
            "an answer that is still arriving"
        );
    }

    #[test]
    fn tables_know_their_head_and_figures() {
        let nodes = parse("|a|b|\n|-|-:|\n|x|1|");
        let Node::Holder(Kind::Table, rows) = &nodes[0] else {
            panic!("no table: {nodes:?}");
        };
        let Node::Holder(Kind::Row, cells) = &rows[1] else {
            panic!("no row: {rows:?}");
        };
        assert!(matches!(
            &cells[1],
            Node::Holder(
                Kind::Cell {
                    head: false,
                    right: true
                },
                _
            )
        ));
    }

    #[test]
    fn nesting_is_bounded_and_loses_no_words() {
        let deep = format!("{}end", "> ".repeat(200));
        let nodes = parse(&deep);
        assert!(depth(&nodes) <= DEPTH_LIMIT);
        assert!(words(&nodes).contains("end"));
    }
}
