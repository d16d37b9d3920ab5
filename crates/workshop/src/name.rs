//! Agent names: `[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?`, and the nearest one to a name mistyped.

/// The longest agent name.
pub const MAX_NAME: usize = 63;

/// Brings any text into the form of an agent name; `None` when nothing usable is in it.
///
/// Letters are lowered, everything else than `a-z0-9` becomes one `-`, and the ends are trimmed.
pub fn normalise(text: &str) -> Option<String> {
    let mut name = String::with_capacity(text.len().min(MAX_NAME));
    for character in text.chars().flat_map(char::to_lowercase) {
        if name.len() == MAX_NAME {
            break;
        }
        if character.is_ascii_alphanumeric() {
            name.push(character);
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
    }
    name.truncate(name.trim_end_matches('-').len());
    (!name.is_empty()).then_some(name)
}

/// Whether the text is an agent name as it stands.
pub fn is_name(text: &str) -> bool {
    normalise(text).is_some_and(|name| name == text)
}

/// The candidate most like `name`, if any is near enough to be what was meant.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A third of the letters may differ, at least two: `greter` finds `greeter`, `a` does not find `zebra`.
    let allowed = (name.chars().count() / 3).max(2);
    candidates
        .into_iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&name.to_lowercase(), &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, candidate)| {
            *distance <= allowed && *distance < candidate.chars().count()
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_becomes_a_name_or_nothing() {
        for (given, expected) in [
            ("Invoice Reader", Some("invoice-reader")),
            ("my_agent.v2", Some("my-agent-v2")),
            ("--x--", Some("x")),
            ("Über Agent", Some("ber-agent")),
            ("a", Some("a")),
            ("", None),
            ("___", None),
            ("日本", None),
        ] {
            assert_eq!(normalise(given).as_deref(), expected, "{given}");
        }
        let long = normalise(&"ab-".repeat(40)).unwrap();
        assert!(long.len() <= MAX_NAME && is_name(&long), "{long}");
        assert!(!is_name("Upper") && !is_name("-x") && is_name("x-1"));
    }

    #[test]
    fn the_nearest_name_is_offered_and_a_stranger_is_not() {
        let names = ["greeter", "echo-sdk", "invoice-reader"];
        assert_eq!(nearest("greter", names), Some("greeter"));
        assert_eq!(nearest("Echo-SKD", names), Some("echo-sdk"));
        assert_eq!(nearest("weather", names), None);
        assert_eq!(nearest("x", ["ab"]), None);
    }
}
