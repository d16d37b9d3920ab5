//! Which variable a value came from, so that people are told what to set to have another.

use super::span::Span;

/// Lines that a value written out over several may take.
const LINES: usize = 6;

impl Span {
    /// The variable at this place that gave `value`, by its own value or by its default; none where the file has changed
    /// since, or no variable did. Reads the file again.
    pub fn variable_for(&self, value: &str) -> Option<String> {
        let text = fs_err::read_to_string(self.file()).ok()?;
        let lines = text.lines().skip(self.line().saturating_sub(1)).take(LINES);
        lines
            .flat_map(|line| line.split("${").skip(1))
            .filter_map(|rest| rest.split_once('}'))
            .find_map(|(reference, _)| {
                let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
                let end = reference.find(|letter| !is_letter(letter));
                let (name, rest) = reference.split_at(end.unwrap_or(reference.len()));
                let default = rest.strip_prefix(":-").or_else(|| rest.strip_prefix('-'));
                let set = self.environment().get(name).map(String::as_str);
                (set.or(default) == Some(value)).then(|| name.to_owned())
            })
    }
}
