//! Registry entries as they are edited.

/// Tags as they stand in a field.
pub(crate) fn tags_text(tags: &[String]) -> String {
    tags.join(", ")
}

/// Tags out of a field, each once, in the order they were typed.
pub(crate) fn tags_of(text: &str) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for tag in text.split(',').map(str::trim) {
        if !tag.is_empty() && !tags.iter().any(|known| known == tag) {
            tags.push(tag.to_owned());
        }
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_as_people_type_them() {
        let check = |text: &str, tags: &[&str]| assert_eq!(tags_of(text), tags, "{text:?}");
        check("", &[]);
        check(" , ,", &[]);
        check("money, paper", &["money", "paper"]);
        check("money,paper ,money", &["money", "paper"]);
        check("two words, one", &["two words", "one"]);
        let tags = ["a".to_owned(), "b c".to_owned()];
        assert_eq!(tags_of(&tags_text(&tags)), tags);
    }
}
