//! What the doctor found, as it is shown: groups, what needs somebody first, and what a fix did.

use std::collections::HashMap;

use nasiko_contract::{AgentName, Check, CheckGroup, CheckState, Checkup, Fault, FixCheck, Fixed};

use crate::model::{format, tone::Tone};

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
    /// What needs somebody, the worst first.
    pub(crate) wrong: Vec<Check>,
    /// What is well, or could not be looked at.
    pub(crate) rest: Vec<Check>,
}

/// A page of checks, and what was done about them.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Examined {
    /// None before the first look.
    pub(crate) checkup: Option<Checkup>,
    fixes: HashMap<Key, Fixing>,
}

impl Examined {
    /// Takes in a new look. What was done before is told no longer: it shows.
    pub(crate) fn look(&mut self, checkup: Checkup) {
        self.checkup = Some(checkup);
        self.fixes.retain(|_, fixing| *fixing == Fixing::Busy);
    }

    /// A fix was asked for.
    pub(crate) fn begin(&mut self, key: Key) {
        self.fixes.insert(key, Fixing::Busy);
    }

    /// It came to its end.
    pub(crate) fn end(&mut self, key: Key, outcome: Result<Fixed, Fault>) {
        let told = match outcome {
            Ok(fixed) => {
                self.replace(&key, fixed.check);
                Fixing::Done(fixed.did)
            }
            Err(fault) => Fixing::Failed(fault),
        };
        self.fixes.insert(key, told);
    }

    fn replace(&mut self, wanted: &Key, by: Option<Check>) {
        let checks = self
            .checkup
            .iter_mut()
            .flat_map(|checkup| &mut checkup.checks);
        let found = checks.into_iter().find(|check| key(check) == *wanted);
        if let (Some(found), Some(by)) = (found, by) {
            // Where it stands stays: a row does not jump away from under who pressed its button.
            *found = by;
        }
    }

    /// How far the fix of a check is.
    pub(crate) fn fixing(&self, check: &Check) -> Option<&Fixing> {
        self.fixes.get(&key(check))
    }

    /// By group: those in which something is wrong first, the worst first. A check that was just mended stays where it was.
    pub(crate) fn sections(&self) -> Vec<Section> {
        let checks = self.checkup.iter().flat_map(|checkup| &checkup.checks);
        let checks: Vec<&Check> = checks.collect();
        let mut sections: Vec<Section> = CheckGroup::ALL
            .into_iter()
            .map(|group| {
                let of_group = checks.iter().filter(|check| check.group == group);
                let (wrong, rest) = of_group
                    .map(|check| (*check).clone())
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
        let checks = self.checkup.iter().flat_map(|checkup| &checkup.checks);
        checks.filter(|check| check.state == state).count()
    }

    /// In one line.
    pub(crate) fn summary(&self) -> Option<String> {
        let many = self.checkup.as_ref()?.checks.len();
        let (failed, warnings) = (self.failures(), self.count(CheckState::Warning));
        Some(match (failed, warnings) {
            (0, 0) => format!(
                "Nothing is wrong, by {}",
                format::counted(many as u64, "check")
            ),
            (0, _) => format!(
                "{} of {many} checks",
                format::counted(warnings as u64, "warning")
            ),
            (_, 0) => format!("{failed} of {many} checks failed"),
            _ => format!(
                "{failed} of {many} checks failed, {}",
                format::counted(warnings as u64, "warning")
            ),
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
    let many = rest.len();
    let all = if alone {
        format::counted(many as u64, "check")
    } else {
        format!("{many} more")
    };
    match skipped {
        0 if alone && many > 1 => format!("{all}, all fine"),
        0 => format!("{all}, fine"),
        _ if skipped == many => format!("{all}, not looked at"),
        _ => format!("{all}, {skipped} not looked at"),
    }
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
        CheckState::Ok => (Tone::Ok, "Fine"),
        CheckState::Warning => (Tone::Differs, "Warning"),
        CheckState::Failed => (Tone::Bad, "Failed"),
        CheckState::Skipped => (Tone::Idle, "Not looked at"),
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
        examined.look(Checkup { at: 0, checks });
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
        examined.look(Checkup {
            at: 1,
            checks: vec![mended],
        });
        assert!(examined.sections()[0].wrong.is_empty());
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
