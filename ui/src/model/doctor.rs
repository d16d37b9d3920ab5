//! What the doctor found, as it is shown: groups, what needs somebody first, and what a fix did.

use std::collections::{HashMap, HashSet};

use nasiko_contract::{
    AgentName, Check, CheckGroup, CheckState, Checkup, CheckupProgress, Fault, FixCheck, Fixed,
};

use crate::{
    model::tone::Tone,
    words::{doctor::checks as words, states::check},
};

/// What a check is known by: its id, and the agent it is about.
pub(crate) type Key = (String, Option<AgentName>);

/// What a check is known by.
pub(crate) fn key(check: &Check) -> Key {
    (check.check.clone(), check.agent.clone())
}

/// How far a fix is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fixing {
    /// On its way.
    Busy,
    /// What it did.
    Done(String),
    /// Why it did not.
    Failed(Fault),
}

/// The checks of a group.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Section {
    pub(crate) group: CheckGroup,
    /// What needs somebody, or was just mended.
    pub(crate) wrong: Vec<Check>,
    /// What is well, or could not be looked at.
    pub(crate) rest: Vec<Check>,
}

/// A page of checks, and what was done about them. Once all were looked at, a check keeps its place, whatever comes of it:
/// nothing jumps in a later look.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Examined {
    checks: Vec<Check>,
    /// When everything was looked at, Unix milliseconds; none before a first look has come to its end.
    pub(crate) at: Option<i64>,
    /// How far the look is that goes on.
    pub(crate) progress: Option<CheckupProgress>,
    fixes: HashMap<Key, Fixing>,
}

impl Examined {
    /// A look begins. What was done before is told no longer: the look will show it.
    pub(crate) fn begin_look(&mut self) {
        self.progress = Some(CheckupProgress::default());
        self.fixes.retain(|_, fixing| *fixing == Fixing::Busy);
    }

    /// Takes in how far the look is, and what it found.
    pub(crate) fn hear(&mut self, mut told: CheckupProgress) {
        for check in std::mem::take(&mut told.checks) {
            self.put(check);
        }
        match told.checkup.take() {
            Some(checkup) => {
                self.progress = None;
                self.keep(checkup);
            }
            None => self.progress = Some(told),
        }
    }

    /// The look ends, done or not. What it found stays.
    pub(crate) fn end_look(&mut self) {
        self.progress = None;
    }

    /// Takes in what a whole look found, by whomever. One that goes on here will know better.
    pub(crate) fn keep(&mut self, checkup: Checkup) {
        if self.progress.is_some() {
            return;
        }
        if self.at.replace(checkup.at).is_none() {
            self.checks = checkup.checks;
            return;
        }
        let found: HashSet<Key> = checkup.checks.iter().map(key).collect();
        for check in checkup.checks {
            self.put(check);
        }
        self.checks.retain(|check| found.contains(&key(check)));
    }

    fn put(&mut self, check: Check) {
        let wanted = key(&check);
        match self.checks.iter_mut().find(|known| key(known) == wanted) {
            Some(known) => *known = check,
            None => self.checks.push(check),
        }
    }

    /// A fix was asked for.
    pub(crate) fn begin(&mut self, key: Key) {
        self.fixes.insert(key, Fixing::Busy);
    }

    /// It came to its end.
    pub(crate) fn end(&mut self, key: Key, outcome: Result<Fixed, Fault>) {
        let told = match outcome {
            Ok(fixed) => {
                // What is gone needs no telling of: the next look leaves it out.
                if let Some(check) = fixed.check {
                    self.put(check);
                }
                Fixing::Done(fixed.did)
            }
            Err(fault) => Fixing::Failed(fault),
        };
        self.fixes.insert(key, told);
    }

    /// How far the fix of a check is.
    pub(crate) fn fixing(&self, check: &Check) -> Option<&Fixing> {
        self.fixes.get(&key(check))
    }

    /// By group: those in which something is wrong first, the worst first. A check that was just mended stays where it was.
    pub(crate) fn sections(&self) -> Vec<Section> {
        let mut sections: Vec<Section> = CheckGroup::ALL
            .into_iter()
            .map(|group| {
                let of_group = self.checks.iter().filter(|check| check.group == group);
                let (wrong, rest) = of_group
                    .cloned()
                    .partition(|check| needs_somebody(check) || self.fixing(check).is_some());
                Section { group, wrong, rest }
            })
            .filter(|section| !section.wrong.is_empty() || !section.rest.is_empty())
            .collect();
        let worst = |section: &Section| section.wrong.iter().map(|check| check.state).min();
        sections.sort_by_key(|section| worst(section).map_or(CheckState::Ok, |state| state));
        sections
    }

    /// How many failed.
    pub(crate) fn failures(&self) -> usize {
        self.count(CheckState::Failed)
    }

    fn count(&self, state: CheckState) -> usize {
        let of_state = self.checks.iter().filter(|check| check.state == state);
        of_state.count()
    }

    /// In one line; none before anything was looked at.
    pub(crate) fn summary(&self) -> Option<String> {
        let many = self.checks.len();
        let (failed, warnings) = (self.failures(), self.count(CheckState::Warning));
        (many > 0).then(|| match (failed, warnings) {
            (0, 0) => words::nothing_wrong(many),
            (0, _) => words::warnings(warnings, many),
            (_, 0) => words::failed(failed, many),
            _ => words::failed_and_warnings(failed, warnings, many),
        })
    }
}

/// Whether somebody has to do something about it.
pub(crate) fn needs_somebody(check: &Check) -> bool {
    check.state < CheckState::Skipped
}

/// What is said of the checks of a group that need nobody; `alone` where there are no others.
pub(crate) fn of_the_rest(rest: &[Check], alone: bool) -> String {
    let skipped = rest
        .iter()
        .filter(|check| check.state == CheckState::Skipped)
        .count();
    words::rest(rest.len(), skipped, alone)
}

/// The call that does what a check offers.
pub(crate) fn fix_of(check: &Check) -> FixCheck {
    FixCheck {
        check: check.check.clone(),
        agent: check.agent.clone(),
    }
}

/// How a check came out.
pub(crate) fn state(state: CheckState) -> (Tone, &'static str) {
    match state {
        CheckState::Ok => (Tone::Ok, check::FINE),
        CheckState::Warning => (Tone::Differs, check::WARNING),
        CheckState::Failed => (Tone::Bad, check::FAILED),
        CheckState::Skipped => (Tone::Idle, check::NOT_LOOKED_AT),
    }
}

#[cfg(test)]
mod tests {
    use nasiko_contract::{CheckFix, ErrorCode};

    use super::*;

    fn check(name: &str, group: CheckGroup, state: CheckState) -> Check {
        Check {
            check: name.to_owned(),
            title: name.to_owned(),
            group,
            state,
            cause: "so it is".to_owned(),
            evidence: Vec::new(),
            hint: None,
            command: None,
            fix: Some(CheckFix {
                label: "Mend".to_owned(),
                what: "Mends it".to_owned(),
            }),
            agent: None,
        }
    }

    fn examined(checks: Vec<Check>) -> Examined {
        let mut examined = Examined::default();
        examined.keep(Checkup { at: 0, checks });
        examined
    }

    #[test]
    fn groups_in_which_something_is_wrong_come_first() {
        let examined = examined(vec![
            check("a", CheckGroup::Agents, CheckState::Ok),
            check("b", CheckGroup::Network, CheckState::Warning),
            check("c", CheckGroup::Machine, CheckState::Failed),
            check("d", CheckGroup::Machine, CheckState::Skipped),
        ]);
        let sections = examined.sections();
        let groups: Vec<CheckGroup> = sections.iter().map(|section| section.group).collect();
        let wanted = [CheckGroup::Machine, CheckGroup::Network, CheckGroup::Agents];
        assert_eq!(groups, wanted);
        assert_eq!(sections[0].wrong.len(), 1);
        assert_eq!(sections[0].rest.len(), 1);
        assert_eq!(examined.failures(), 1);
    }

    #[test]
    fn the_summary_says_what_there_is() {
        let say = |states: &[CheckState]| {
            let checks = states
                .iter()
                .map(|state| check("x", CheckGroup::Data, *state));
            examined(checks.collect()).summary().unwrap()
        };
        let (ok, warning, failed) = (CheckState::Ok, CheckState::Warning, CheckState::Failed);
        assert_eq!(say(&[ok]), "Nothing is wrong, by 1 check");
        assert_eq!(say(&[ok, warning]), "1 warning of 2 checks");
        assert_eq!(say(&[failed, ok, ok]), "1 of 3 checks failed");
        assert_eq!(
            say(&[failed, warning, warning]),
            "1 of 3 checks failed, 2 warnings"
        );
        assert_eq!(Examined::default().summary(), None);
    }

    #[test]
    fn what_needs_nobody_is_said_in_a_line() {
        let rest = |states: &[CheckState]| -> Vec<Check> {
            let checks = states
                .iter()
                .map(|state| check("x", CheckGroup::Data, *state));
            checks.collect()
        };
        let (ok, skipped) = (CheckState::Ok, CheckState::Skipped);
        assert_eq!(of_the_rest(&rest(&[ok, ok]), true), "2 checks, all fine");
        assert_eq!(of_the_rest(&rest(&[ok]), true), "1 check, fine");
        assert_eq!(of_the_rest(&rest(&[ok, ok]), false), "2 more, fine");
        assert_eq!(
            of_the_rest(&rest(&[ok, skipped]), false),
            "2 more, 1 not looked at"
        );
        assert_eq!(
            of_the_rest(&rest(&[skipped]), true),
            "1 check, not looked at"
        );
    }

    #[test]
    fn what_was_mended_stays_in_its_place_until_the_next_look() {
        let broken = check("lock", CheckGroup::Data, CheckState::Failed);
        let mended = check("lock", CheckGroup::Data, CheckState::Ok);
        let mut examined = examined(vec![broken.clone()]);
        examined.begin(key(&broken));
        assert_eq!(examined.fixing(&broken), Some(&Fixing::Busy));
        let fixed = Fixed {
            changed: true,
            did: "Mended".to_owned(),
            check: Some(mended.clone()),
        };
        examined.end(key(&broken), Ok(fixed));
        assert_eq!(examined.sections()[0].wrong, std::slice::from_ref(&mended));
        assert_eq!(
            examined.fixing(&mended),
            Some(&Fixing::Done("Mended".to_owned()))
        );
        assert_eq!(examined.failures(), 0);
        examined.begin_look();
        examined.hear(CheckupProgress {
            checkup: Some(Checkup {
                at: 1,
                checks: vec![mended],
            }),
            ..CheckupProgress::default()
        });
        assert!(examined.sections()[0].wrong.is_empty());
    }

    #[test]
    fn a_look_fills_in_what_it_finds_and_moves_nothing_that_is_known() {
        let of = |name: &str, state: CheckState| check(name, CheckGroup::Data, state);
        let told = |done: u32, checks: Vec<Check>| CheckupProgress {
            done,
            total: 3,
            checks,
            ..CheckupProgress::default()
        };
        let (ok, failed) = (CheckState::Ok, CheckState::Failed);
        let names = |examined: &Examined| -> Vec<(String, CheckState)> {
            let checks = examined.checks.iter();
            checks.map(|it| (it.check.clone(), it.state)).collect()
        };
        let mut examined = examined(vec![of("a", failed), of("b", ok), of("gone", ok)]);
        examined.begin_look();
        assert!(examined.progress.is_some());
        examined.hear(told(1, vec![of("b", failed)]));
        examined.hear(told(2, vec![of("new", ok)]));
        let known = [("a", failed), ("b", failed), ("gone", ok), ("new", ok)];
        let known = known.map(|(name, state)| (name.to_owned(), state));
        assert_eq!(names(&examined), known);
        assert_eq!(examined.progress.as_ref().unwrap().done, 2);

        // What the control plane kept meanwhile is older.
        examined.keep(Checkup::default());
        assert_eq!(names(&examined), known);
        let mut left = examined.clone();
        left.end_look();
        assert_eq!((names(&left), left.at), (known.to_vec(), Some(0)));

        let checks = vec![of("b", failed), of("a", ok), of("new", ok)];
        examined.hear(CheckupProgress {
            checkup: Some(Checkup { at: 7, checks }),
            ..CheckupProgress::default()
        });
        let all = [("a", ok), ("b", failed), ("new", ok)];
        assert_eq!(
            names(&examined),
            all.map(|(name, state)| (name.to_owned(), state))
        );
        assert_eq!((examined.progress, examined.at), (None, Some(7)));
    }

    #[test]
    fn a_fix_that_fails_says_why_and_changes_nothing() {
        let broken = check("lock", CheckGroup::Data, CheckState::Failed);
        let mut examined = examined(vec![broken.clone()]);
        let fault = Fault::new(ErrorCode::StoreFailed, "It cannot be written");
        examined.end(key(&broken), Err(fault.clone()));
        assert_eq!(examined.fixing(&broken), Some(&Fixing::Failed(fault)));
        assert_eq!(examined.sections()[0].wrong, [broken]);
    }
}
