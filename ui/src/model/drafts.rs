//! What was begun to be written and not yet sent, by conversation.

/// Drafts that are kept; the oldest give way.
const KEPT: usize = 30;
/// Letters of one that are kept over a reload.
const MOST_LETTERS: usize = 20_000;

/// The drafts, the one written in last at the end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Drafts(Vec<(String, String)>);

impl Drafts {
    /// Reads what was remembered.
    pub(crate) fn read(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap_or_default())
    }

    /// As [`Drafts::read`] reads it.
    pub(crate) fn written(&self) -> String {
        serde_json::to_string(&self.0).unwrap_or_default()
    }

    /// The draft of a conversation; empty if there is none.
    pub(crate) fn of(&self, conversation: &str) -> String {
        let draft = self.0.iter().find(|(of, _)| of == conversation);
        draft.map(|(_, text)| text.clone()).unwrap_or_default()
    }

    /// Something was written; nothing but space is no draft.
    pub(crate) fn put(&mut self, conversation: &str, text: &str) {
        self.0.retain(|(of, _)| of != conversation);
        if text.trim().is_empty() {
            return;
        }
        if self.0.len() >= KEPT {
            self.0.remove(0);
        }
        let text = text.chars().take(MOST_LETTERS).collect();
        self.0.push((conversation.to_owned(), text));
    }

    /// What is being written in one conversation goes on in another, such as the one that has just begun.
    pub(crate) fn carry(&mut self, from: &str, to: &str) {
        let text = self.of(from);
        if !text.is_empty() {
            self.put(from, "");
            self.put(to, &text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_conversation_has_its_own() {
        let mut drafts = Drafts::default();
        drafts.put("a", "Hello");
        drafts.put("b", "Good bye");
        drafts.put("a", "Hello you");
        assert_eq!(
            (drafts.of("a"), drafts.of("b")),
            ("Hello you".into(), "Good bye".into())
        );
        assert_eq!(Drafts::read(&drafts.written()), drafts);
        drafts.put("a", "  ");
        assert_eq!(drafts.of("a"), "");
        assert_eq!(Drafts::read("not a document"), Drafts::default());
    }

    #[test]
    fn what_is_written_while_a_conversation_begins_goes_on_in_it() {
        let mut drafts = Drafts::default();
        drafts.put("new:echo", "And then");
        drafts.carry("new:echo", "1");
        assert_eq!(
            (drafts.of("new:echo"), drafts.of("1")),
            (String::new(), "And then".to_owned())
        );
        drafts.carry("new:echo", "1");
        assert_eq!(drafts.of("1"), "And then", "nothing takes no place");
    }

    #[test]
    fn the_oldest_give_way() {
        let mut drafts = Drafts::default();
        for number in 0..=KEPT {
            drafts.put(&number.to_string(), "x");
        }
        assert_eq!(drafts.of("0"), "");
        assert_eq!(drafts.of("1"), "x");
        drafts.put("1", &"x".repeat(MOST_LETTERS + 9));
        assert_eq!(drafts.of("1").len(), MOST_LETTERS);
    }
}
