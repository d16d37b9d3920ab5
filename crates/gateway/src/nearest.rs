//! The name a person probably meant.

/// The candidate closest to `name`, if any is close enough to be a typing slip.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let allowed = (name.len() / 3).clamp(1, 3);
    candidates
        .map(|candidate| {
            let contained = name.len() > 2 && candidate.contains(name);
            (
                if contained {
                    1
                } else {
                    distance(name.as_bytes(), candidate.as_bytes())
                },
                candidate,
            )
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance over bytes. Names are at most 63 of them, so longer guesses are simply far.
fn distance(left: &[u8], right: &[u8]) -> usize {
    if left.len().max(right.len()) > 64 {
        return usize::MAX;
    }
    strsim::generic_levenshtein(&left.to_vec(), &right.to_vec())
}

#[cfg(test)]
mod tests {
    use super::nearest;

    fn check(name: &str, expected: Option<&str>) {
        let known = ["greeter", "invoice-reader", "echo"];
        assert_eq!(nearest(name, known.into_iter()), expected, "{name}");
    }

    #[test]
    fn offers_only_what_is_close() {
        check("greter", Some("greeter"));
        check("invoice", Some("invoice-reader"));
        check("ecoh", None);
        check("echoo", Some("echo"));
        check("weather", None);
        check("", None);
        check(&"x".repeat(500), None);
    }
}
