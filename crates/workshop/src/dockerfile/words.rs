//! Splitting text into words as a shell does.

/// Splits at blanks, honouring quotes and backslashes; expands nothing.
pub fn split_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (Some(open), close) if open == close => quote = None,
            (None | Some('"'), '\\') => match characters.next() {
                Some('\n') | None => {}
                Some(escaped) if quote.is_none() || matches!(escaped, '"' | '\\' | '$') => {
                    word.get_or_insert_default().push(escaped);
                }
                Some(other) => word.get_or_insert_default().extend(['\\', other]),
            },
            (None, blank) if blank.is_whitespace() => words.extend(word.take()),
            (_, other) => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    words
}
