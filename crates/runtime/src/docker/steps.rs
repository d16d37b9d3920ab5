//! Reads the lines of a classic build: which step runs, and why it failed. Pure.

use std::collections::VecDeque;

use crate::error::RuntimeError;

/// How many of a step's last lines are kept.
const STEP_LINES: usize = 20;

/// Where a build is.
#[derive(Debug, Default)]
pub(super) struct Steps {
    index: u32,
    total: u32,
    instruction: String,
    lines: VecDeque<String>,
}

/// A step that began.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) index: u32,
    pub(super) total: u32,
    pub(super) text: String,
}

impl Steps {
    /// Takes a line of the engine; answers the step when the line begins one.
    pub(super) fn line(&mut self, line: &str) -> Option<Step> {
        if let Some(step) = parse_step(line) {
            self.lines.clear();
            (self.index, self.total) = (step.index, step.total);
            self.instruction.clone_from(&step.text);
            return Some(step);
        }
        if is_housekeeping(line) {
            return None;
        }
        if self.lines.len() == STEP_LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line.to_owned());
        None
    }

    /// Why the build failed, from where it was and what the engine says.
    pub(super) fn failure(&self, message: &str) -> RuntimeError {
        let mut lines: Vec<String> = self.lines.iter().cloned().collect();
        lines.extend(message.lines().map(str::to_owned));
        let instruction = self.instruction.clone();
        let word = instruction
            .split_ascii_whitespace()
            .next()
            .unwrap_or_default()
            .to_ascii_uppercase();
        match word.as_str() {
            _ if self.index == 0 => RuntimeError::DockerfileBroken {
                message: message.to_owned(),
            },
            "FROM" => RuntimeError::BaseImageMissing {
                image: image_of(&instruction),
                lines,
            },
            "COPY" | "ADD" if message.contains("invalid from flag value") => {
                RuntimeError::BaseImageMissing {
                    image: from_flag(&instruction),
                    lines,
                }
            }
            "COPY" | "ADD" if names_missing_file(message) => {
                RuntimeError::CopyMissing { instruction, lines }
            }
            _ => RuntimeError::BuildStepFailed {
                step: self.index,
                total: self.total,
                instruction,
                lines,
            },
        }
    }
}

/// Lines by which the engine tells of its own containers and layers.
fn is_housekeeping(line: &str) -> bool {
    line.starts_with(" ---> ") || line.starts_with("Removing intermediate container ")
}

/// `Step 3/6 : RUN pip install -r requirements.txt`.
fn parse_step(line: &str) -> Option<Step> {
    let (counts, text) = line.strip_prefix("Step ")?.split_once(" : ")?;
    let (index, total) = counts.split_once('/')?;
    Some(Step {
        index: index.parse().ok()?,
        total: total.parse().ok()?,
        text: text.trim().to_owned(),
    })
}

/// The image of `FROM [--platform=…] image [AS name]`.
fn image_of(instruction: &str) -> String {
    let words = instruction.split_ascii_whitespace().skip(1);
    words
        .into_iter()
        .find(|word| !word.starts_with("--"))
        .unwrap_or_default()
        .to_owned()
}

fn from_flag(instruction: &str) -> String {
    let mut words = instruction.split_ascii_whitespace();
    words
        .find_map(|word| word.strip_prefix("--from="))
        .unwrap_or_default()
        .to_owned()
}

/// The engines' words for a source that is not in the context; they give no code for it.
fn names_missing_file(message: &str) -> bool {
    [
        "no such file or directory",
        "no source files were specified",
        "not found in build context",
        "forbidden path",
    ]
    .iter()
    .any(|words| message.to_ascii_lowercase().contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(lines: &[&str], message: &str) -> RuntimeError {
        let mut steps = Steps::default();
        for line in lines {
            steps.line(line);
        }
        steps.failure(message)
    }

    #[test]
    fn a_step_is_read() {
        let mut steps = Steps::default();
        assert_eq!(
            steps.line("Step 3/6 : RUN pip install x"),
            Some(Step {
                index: 3,
                total: 6,
                text: "RUN pip install x".to_owned()
            })
        );
        assert_eq!(steps.line(" ---> Using cache"), None);
        assert_eq!(steps.line("Step by step"), None);
    }

    #[test]
    fn a_failed_run_keeps_the_last_twenty_lines_of_its_step_alone() {
        let mut lines = vec![
            "Step 1/2 : FROM base".to_owned(),
            "old".to_owned(),
            "Step 2/2 : RUN make".to_owned(),
        ];
        lines.extend((0..30).map(|number| format!("line {number}")));
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let RuntimeError::BuildStepFailed {
            step,
            total,
            instruction,
            lines,
        } = failure(&lines, "The command returned a non-zero code: 2")
        else {
            panic!("another failure")
        };
        assert_eq!((step, total, instruction.as_str()), (2, 2, "RUN make"));
        assert_eq!(lines.first().unwrap(), "line 10");
        assert_eq!(
            lines.last().unwrap(),
            "The command returned a non-zero code: 2"
        );
    }

    #[test]
    fn failures_are_told_apart() {
        let from = failure(
            &["Step 1/2 : FROM --platform=linux/amd64 nowhere/none:1 AS x"],
            "pull access denied",
        );
        assert!(
            matches!(from, RuntimeError::BaseImageMissing { image, .. } if image == "nowhere/none:1")
        );
        let copied = failure(
            &["Step 2/2 : COPY a b"],
            "COPY failed: file not found in build context: stat a: no such",
        );
        assert!(matches!(copied, RuntimeError::CopyMissing { .. }));
        let stage = failure(
            &["Step 2/2 : COPY --from=ghost:1 a b"],
            "invalid from flag value ghost:1: pull access",
        );
        assert!(
            matches!(stage, RuntimeError::BaseImageMissing { image, .. } if image == "ghost:1")
        );
        assert!(matches!(
            failure(&[], "unknown instruction: FRM"),
            RuntimeError::DockerfileBroken { .. }
        ));
    }
}
