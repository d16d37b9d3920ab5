//! The placeholders of a command: where the program is to listen.

/// Replaces `$PORT`, `${PORT}`, `${PORT:-default}` and the same of `HOST`. Everything else stays as it is.
pub(crate) fn replace(text: &str, host: &str, port: u16) -> String {
    let port = port.to_string();
    [("PORT", port.as_str()), ("HOST", host)]
        .iter()
        .fold(text.to_owned(), |text, (name, value)| {
            replace_one(&text, name, value)
        })
}

fn replace_one(text: &str, name: &str, value: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        let (before, from_dollar) = rest.split_at(dollar);
        result.push_str(before);
        if let Some(length) = placeholder_length(from_dollar, name) {
            result.push_str(value);
            rest = &from_dollar[length..];
        } else {
            result.push('$');
            rest = &from_dollar[1..];
        }
    }
    result.push_str(rest);
    result
}

/// How many bytes at the start of `text`, which begins with `$`, are a placeholder for `name`.
fn placeholder_length(text: &str, name: &str) -> Option<usize> {
    if let Some(after) = text
        .strip_prefix("${")
        .and_then(|inner| inner.strip_prefix(name))
    {
        let plain = after.starts_with('}');
        let defaulted = after.starts_with(":-") || after.starts_with('-');
        return (plain || defaulted)
            .then(|| after.find('}'))
            .flatten()
            .map(|end| 2 + name.len() + end + 1);
    }
    let after = text.strip_prefix('$')?.strip_prefix(name)?;
    let ends = !after.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '_');
    ends.then_some(1 + name.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_replaced_and_nothing_else() {
        for (text, expected) in [
            ("$PORT", "8123"),
            ("--port=${PORT}", "--port=8123"),
            ("${PORT:-8000}", "8123"),
            ("${PORT-8000}/x", "8123/x"),
            ("http://$HOST:$PORT/", "http://127.0.0.1:8123/"),
            ("$PORTAL $PORT_2 ${PORTS}", "$PORTAL $PORT_2 ${PORTS}"),
            ("${PORT", "${PORT"),
            ("cost: 5$ é$", "cost: 5$ é$"),
        ] {
            assert_eq!(replace(text, "127.0.0.1", 8123), expected, "{text}");
        }
    }
}
