//! Small questions about texts and paths.

/// The line, from 1, of a byte offset in a text.
pub(crate) fn line_at(text: &str, offset: usize) -> u32 {
    let before = text.get(..offset).unwrap_or(text);
    u32::try_from(before.matches('\n').count() + 1).unwrap_or(u32::MAX)
}

/// The text of a line, from 1.
pub(crate) fn line_text(text: &str, line: u32) -> &str {
    text.lines()
        .nth(line.saturating_sub(1) as usize)
        .unwrap_or_default()
        .trim()
}

/// Whether a `/`-separated path ends in `.extension`, spelled exactly so.
pub(crate) fn has_extension(path: &str, extension: &str) -> bool {
    path.strip_suffix(extension)
        .is_some_and(|rest| rest.ends_with('.'))
}
