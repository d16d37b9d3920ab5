use proptest::prelude::*;

use super::*;

fn score(typed: &str, text: &str) -> Option<i32> {
    Pattern::new(typed).score(&Haystack::new(text), &mut Scratch::default())
}

fn marked(typed: &str, text: &str) -> String {
    let places = Pattern::new(typed).positions(&Haystack::new(text), &mut Scratch::default());
    let letters = text.chars().enumerate();
    letters
        .map(|(at, letter)| if places.contains(&at) { letter } else { '·' })
        .collect()
}

/// The texts that match, the best first.
fn ranked<'a>(typed: &str, texts: &[&'a str]) -> Vec<&'a str> {
    let mut found: Vec<(i32, &str)> = texts
        .iter()
        .filter_map(|text| Some((score(typed, text)?, *text)))
        .collect();
    found.sort_by_key(|(score, text)| (std::cmp::Reverse(*score), text.len()));
    found.into_iter().map(|(_, text)| text).collect()
}

#[test]
fn letters_must_occur_in_order_in_any_case() {
    for (typed, text, matches) in [
        ("ivr", "invoice-reader", true),
        ("IVR", "invoice-reader", true),
        ("rvi", "invoice-reader", false),
        ("", "anything", true),
        ("x", "", false),
        ("reader invoice", "invoice-reader", true),
        ("reader x", "invoice-reader", false),
        ("öl", "Ölstand", true),
        ("zzz", "zz", false),
    ] {
        assert_eq!(
            score(typed, text).is_some(),
            matches,
            "`{typed}` in `{text}`"
        );
    }
}

#[test]
fn beginnings_come_before_middles() {
    assert_eq!(
        ranked("re", &["score", "greeter", "invoice-reader", "reader"])[..2],
        ["reader", "invoice-reader"]
    );
    assert_eq!(
        ranked("ir", &["stirring", "invoice-reader"])[0],
        "invoice-reader",
        "first letters of words"
    );
    assert_eq!(
        ranked("ir", &["stxirxing", "invoiceReader"])[0],
        "invoiceReader",
        "first letters of parts"
    );
    assert_eq!(
        ranked("stop", &["Set up", "Sort of a plan", "Stop"])[0],
        "Stop"
    );
    assert_eq!(
        ranked("log", &["catalog", "Open logs", "Logs"]),
        ["Logs", "Open logs", "catalog"]
    );
}

#[test]
fn letters_are_marked_where_they_count() {
    assert_eq!(marked("ir", "invoice-reader"), "i·······r·····");
    assert_eq!(marked("read", "invoice-reader"), "········read··");
    assert_eq!(
        marked("logs greet", "Open logs of greeter"),
        "·····logs····greet··"
    );
    assert_eq!(marked("zz", "greeter"), "·······");
}

#[test]
fn what_is_beyond_the_bounds_is_left_out() {
    let long = format!("{}end", "x".repeat(MOST_TEXT));
    assert_eq!(score("end", &long), None);
    assert!(score(&"x".repeat(MOST_WORD + 50), &long).is_some());
}

proptest! {
    #[test]
    fn a_text_matches_if_and_only_if_the_letters_occur_in_order(
        typed in "[a-d]{1,5}", text in "[a-dA-D -]{0,20}",
    ) {
        let folded: Vec<char> = text.to_lowercase().chars().collect();
        let letters: Vec<char> = typed.chars().collect();
        prop_assert_eq!(score(&typed, &text).is_some(), occurs(&letters, &folded));
    }

    #[test]
    fn marked_places_are_in_order_and_are_the_letters_typed(text in "[a-zA-Z0-9 _.-]{1,40}", skip in any::<u64>()) {
        // Each letter of the text, or not: what is left occurs in it for sure.
        let typed: String = text
            .chars()
            .enumerate()
            .filter(|(at, letter)| !letter.is_whitespace() && skip >> (at % 64) & 1 == 1)
            .map(|(_, letter)| letter)
            .take(MOST_WORD)
            .collect();
        let pattern = Pattern::new(&typed);
        let haystack = Haystack::new(&text);
        let mut scratch = Scratch::default();
        prop_assert!(pattern.score(&haystack, &mut scratch).is_some());
        let places = pattern.positions(&haystack, &mut scratch);
        prop_assert!(places.is_sorted());
        let letters: Vec<char> = text.chars().collect();
        let read: String = places.iter().map(|at| letters[*at]).collect();
        prop_assert_eq!(read.to_lowercase(), typed.to_lowercase());
    }

    #[test]
    fn one_more_letter_never_finds_more(typed in "[a-f]{1,6}", more in "[a-f]", text in "[a-f -]{0,24}") {
        if score(&format!("{typed}{more}"), &text).is_some() {
            prop_assert!(score(&typed, &text).is_some());
        }
    }
}

/// A figure, not a test of time: machines that run tests are slow and busy. See also the gallery page, which measures the
/// same in the browser.
#[test]
fn ten_thousand_texts_are_gone_through() {
    let texts: Vec<Haystack> = super::super::palette::made_up_names(10_000)
        .map(|name| Haystack::new(&name))
        .collect();
    for typed in ["i", "ir", "invrd", "reader 42"] {
        let pattern = Pattern::new(typed);
        let mut scratch = Scratch::default();
        let began = std::time::Instant::now();
        let found = texts
            .iter()
            .filter(|text| pattern.score(text, &mut scratch).is_some())
            .count();
        eprintln!("`{typed}`: {found} of 10,000 in {:?}", began.elapsed());
        assert!(found > 0);
    }
}
