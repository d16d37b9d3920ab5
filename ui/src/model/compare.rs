//! Two answers side by side: which words only one of them has.

use similar::{ChangeTag, TextDiff};

/// Bytes of an answer beyond which it is not compared word by word: the work grows with the product of what differs.
const LONGEST: usize = 40_000;

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The text.
    pub(crate) text: String,
    /// Only this answer has it.
    pub(crate) own: bool,
}

/// Two answers in pieces; put together again they are the answers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Comparison {
    /// The accepted answer.
    pub(crate) accepted: Vec<Piece>,
    /// The other one.
    pub(crate) other: Vec<Piece>,
    /// They are too long to be compared word by word.
    pub(crate) too_long: bool,
}

/// Compares two answers word by word.
pub(crate) fn compare(accepted: &str, other: &str) -> Comparison {
    if accepted != other && accepted.len().max(other.len()) > LONGEST {
        let whole = |text: &str| {
            vec![Piece {
                text: text.to_owned(),
                own: false,
            }]
        };
        return Comparison {
            accepted: whole(accepted),
            other: whole(other),
            too_long: true,
        };
    }
    let mut comparison = Comparison::default();
    for change in TextDiff::from_unicode_words(accepted, other).iter_all_changes() {
        let (text, tag) = (change.value(), change.tag());
        let own = tag != ChangeTag::Equal;
        if tag != ChangeTag::Insert {
            push(&mut comparison.accepted, text, own);
        }
        if tag != ChangeTag::Delete {
            push(&mut comparison.other, text, own);
        }
    }
    join_over_space(&mut comparison.accepted);
    join_over_space(&mut comparison.other);
    comparison
}

/// Words of one's own with nothing but space between them are one piece: they are read as one.
fn join_over_space(pieces: &mut Vec<Piece>) {
    for at in 1..pieces.len().saturating_sub(1) {
        let between = pieces[at - 1].own && pieces[at + 1].own;
        if between && pieces[at].text.chars().all(char::is_whitespace) {
            pieces[at].own = true;
        }
    }
    let mut joined = Vec::with_capacity(pieces.len());
    for Piece { text, own } in pieces.drain(..) {
        push(&mut joined, &text, own);
    }
    *pieces = joined;
}

fn push(pieces: &mut Vec<Piece>, text: &str, own: bool) {
    match pieces.last_mut() {
        Some(last) if last.own == own => last.text.push_str(text),
        _ => pieces.push(Piece {
            text: text.to_owned(),
            own,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(pieces: &[Piece]) -> Vec<&str> {
        let own = pieces.iter().filter(|piece| piece.own);
        own.map(|piece| piece.text.as_str()).collect()
    }

    fn whole(pieces: &[Piece]) -> String {
        pieces.iter().map(|piece| piece.text.as_str()).collect()
    }

    #[test]
    fn only_the_words_that_differ_are_marked() {
        let (accepted, other) = (
            "It comes to € 4,318.20, due on 14 December.",
            "It comes to € 4,406.20, due on 14 January.",
        );
        let comparison = compare(accepted, other);
        assert_eq!(own(&comparison.accepted), ["4,318.20", "December"]);
        assert_eq!(own(&comparison.other), ["4,406.20", "January"]);
        assert_eq!(whole(&comparison.accepted), accepted);
        assert_eq!(whole(&comparison.other), other);
    }

    #[test]
    fn equal_answers_have_nothing_of_their_own() {
        let comparison = compare("a\n\n- b", "a\n\n- b");
        assert!(own(&comparison.accepted).is_empty() && own(&comparison.other).is_empty());
        assert_eq!(compare("", ""), Comparison::default());
    }

    #[test]
    fn neighbouring_words_are_marked_together() {
        let comparison = compare("One old line here", "All new lines here");
        assert_eq!(own(&comparison.accepted), ["One old line"]);
        assert_eq!(own(&comparison.other), ["All new lines"]);
        assert_eq!(whole(&comparison.other), "All new lines here");
    }

    #[test]
    fn a_missing_answer_leaves_the_other_one_alone() {
        let comparison = compare("all of it", "");
        assert_eq!(own(&comparison.accepted), ["all of it"]);
        assert!(comparison.other.is_empty());
    }

    #[test]
    fn writing_without_spaces_is_compared_too() {
        let comparison = compare("合計は十円です", "合計は百円です");
        assert_eq!(own(&comparison.other), ["百"]);
    }

    #[test]
    fn endless_answers_are_shown_without_marks() {
        let comparison = compare(&"a ".repeat(30_000), &"b ".repeat(30_000));
        assert!(comparison.too_long);
        assert!(own(&comparison.other).is_empty());
        assert!(!compare(&"a ".repeat(30_000), &"a ".repeat(30_000)).too_long);
    }
}
