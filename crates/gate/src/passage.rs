//! When the program may pass: what has happened in, what to do out. Pure.
//!
//! Without a preload the program does not exist until its files do. With one it was started at once and waits by itself,
//! having loaded what lies outside of the agent's own folder. A program that does not come to that point in time has
//! perhaps read its code already: it is ended and started anew.

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Happening {
    /// All files lie where they belong.
    Laid,
    /// The program has loaded and waits.
    Loaded,
    /// The program will never say that it waits, or has had all the time it gets.
    NotWaiting,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing yet.
    Wait,
    /// Start the program.
    Start,
    /// Let the program that waits go on.
    LetGo,
    /// End the program and start it without a preload.
    StartAnew,
}

/// Decides it.
#[derive(Debug)]
pub(crate) struct Passage {
    preload: bool,
    laid: bool,
    loaded: Option<bool>,
    passed: bool,
}

impl Passage {
    pub(crate) fn new(preload: bool) -> Self {
        Self {
            preload,
            laid: false,
            loaded: None,
            passed: false,
        }
    }

    /// Whether the program is what is waited for.
    pub(crate) fn waits_for_program(&self) -> bool {
        self.preload && self.laid && !self.passed
    }

    pub(crate) fn step(&mut self, happening: Happening) -> Step {
        match happening {
            Happening::Laid => self.laid = true,
            Happening::Loaded => self.loaded = Some(true),
            Happening::NotWaiting => self.loaded = self.loaded.or(Some(false)),
        }
        if self.passed || !self.laid {
            return Step::Wait;
        }
        let step = match self.loaded {
            _ if !self.preload => Step::Start,
            None => Step::Wait,
            Some(true) => Step::LetGo,
            Some(false) => Step::StartAnew,
        };
        self.passed = step != Step::Wait;
        step
    }
}

#[cfg(test)]
mod tests {
    use super::Happening::{Laid, Loaded, NotWaiting};
    use super::*;

    #[test]
    fn a_program_passes_once_and_never_before_its_files_lie() {
        for (preload, happenings, expected) in [
            (false, &[Laid][..], &[Step::Start][..]),
            (false, &[Laid, Laid], &[Step::Start, Step::Wait]),
            (true, &[Laid, Loaded], &[Step::Wait, Step::LetGo]),
            (true, &[Loaded, Laid], &[Step::Wait, Step::LetGo]),
            (true, &[Laid, NotWaiting], &[Step::Wait, Step::StartAnew]),
            (true, &[NotWaiting, Laid], &[Step::Wait, Step::StartAnew]),
            (
                true,
                &[Loaded, NotWaiting, Laid],
                &[Step::Wait, Step::Wait, Step::LetGo],
            ),
            (
                true,
                &[Laid, NotWaiting, Loaded],
                &[Step::Wait, Step::StartAnew, Step::Wait],
            ),
        ] {
            let mut passage = Passage::new(preload);
            let steps: Vec<Step> = happenings
                .iter()
                .map(|happening| passage.step(*happening))
                .collect();
            assert_eq!(steps, expected, "preload {preload}, {happenings:?}");
        }
    }
}
