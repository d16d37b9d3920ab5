//! What programs write, made fit to be read as one line of text: without colours, and without what would move or hide
//! other text.

use std::borrow::Cow;

/// Bytes of a line that are shown.
const SHOWN: usize = 16 * 1024;

/// A line without escape sequences; other control characters, and those that turn the direction of writing, are made
/// visible. It is cut where it is longer than a person reads.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if text.len() <= SHOWN && !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let cut = text.floor_char_boundary(SHOWN);
    // Tabs would go with the sequences.
    let plain = strip_ansi_escapes::strip_str(text[..cut].replace('\t', "    "));
    let mut clean: String = plain
        .chars()
        .map(|letter| {
            if is_hidden(letter) {
                '\u{fffd}'
            } else {
                letter
            }
        })
        .collect();
    if cut < text.len() {
        clean.push('…');
    }
    Cow::Owned(clean)
}

fn is_hidden(letter: char) -> bool {
    let turns = matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || (letter.is_control() && letter != '\t')
}

/// A text in pieces, of which some hold one of `words`. Letters of ASCII are found in any case.
pub(crate) fn marked<'a>(text: &'a str, words: &str) -> Vec<(bool, &'a str)> {
    let sought: Vec<String> = words
        .split_whitespace()
        .map(str::to_ascii_lowercase)
        .collect();
    let lower = text.to_ascii_lowercase();
    let mut pieces = Vec::new();
    let mut rest = 0;
    loop {
        let next = sought
            .iter()
            .filter_map(|word| Some((rest + lower[rest..].find(word.as_str())?, word.len())))
            .min_by_key(|(at, length)| (*at, usize::MAX - length));
        let Some((at, length)) = next else { break };
        if at > rest {
            pieces.push((false, &text[rest..at]));
        }
        pieces.push((true, &text[at..at + length]));
        rest = at + length;
    }
    if rest < text.len() {
        pieces.push((false, &text[rest..]));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_go_and_what_hides_or_turns_text_is_made_visible() {
        assert_eq!(clean("\u{1b}[1;31mfailed\u{1b}[0m here"), "failed here");
        assert_eq!(
            clean("\u{1b}]8;;https://evil.example\u{7}press\u{1b}]8;;\u{7}"),
            "press"
        );
        assert_eq!(clean("\u{1b}[2J\u{1b}[Hgone?"), "gone?");
        assert_eq!(clean("a\u{202e}b"), "a\u{fffd}b");
        assert_eq!(clean("a\tb <script>"), "a\tb <script>");
        assert_eq!(clean("\u{1b}[32ma\tb\u{1b}[0m"), "a    b");
        assert!(matches!(clean("as it is"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_line_without_end_is_cut_between_letters() {
        let long = "ü".repeat(SHOWN);
        let shown = clean(&long);
        assert!(shown.len() <= SHOWN + '…'.len_utf8(), "{}", shown.len());
        assert!(shown.ends_with("ü…"));
    }

    #[test]
    fn every_word_is_marked_wherever_it_occurs() {
        assert_eq!(
            marked("GET /health 200", "health get"),
            [
                (true, "GET"),
                (false, " /"),
                (true, "health"),
                (false, " 200")
            ]
        );
        assert_eq!(marked("aaa", "aa a"), [(true, "aa"), (true, "a")]);
        assert_eq!(
            marked("Grüße", "ß"),
            [(false, "Grü"), (true, "ß"), (false, "e")]
        );
        assert_eq!(marked("plain", " "), [(false, "plain")]);
        assert_eq!(marked("", "x"), []);
    }
}
