//! Short ways to write down a [`Finding`]; its codes are stable and lower-case.

use nasiko_contract::{Finding, Severity};

/// Builds a finding step by step.
pub(crate) trait FindingBuilder: Sized {
    /// A finding without a place.
    fn of(code: &'static str, severity: Severity, message: impl Into<String>) -> Self;
    /// Names the file.
    fn in_file(self, file: impl Into<String>) -> Self;
    /// Names the line, from 1.
    fn on_line(self, line: u32) -> Self;
    /// Says what to do.
    fn with_hint(self, hint: impl Into<String>) -> Self;
}

impl FindingBuilder for Finding {
    fn of(code: &'static str, severity: Severity, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            severity,
            file: None,
            line: None,
            message: message.into(),
            hint: None,
        }
    }

    fn in_file(mut self, file: impl Into<String>) -> Self {
        self.file = Some(file.into());
        self
    }

    fn on_line(mut self, line: u32) -> Self {
        self.line = Some(line);
        self
    }

    fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
