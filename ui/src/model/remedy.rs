//! The ways out of a failure of an agent: what mends its cause first, then what else there is.

use nasiko_contract::{Culprit, ErrorCode, Fault};

/// A way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// Give this variable a value.
    SetVariable(String),
    /// Open a file where something has to be corrected.
    Correct(Place),
    /// Let whatever holds the key of secrets ask for its password.
    UnlockKey,
    /// The doctor shows what is wrong with the machine, and what to type.
    AskDoctor,
    /// Once more, as it is.
    TryAgain,
    /// Read, make and start it anew.
    Rebuild,
    /// What it wrote.
    OpenLog,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    file: String,
    line: Option<u32>,
}

impl Place {
    /// As editors take it: below the agent's folder, unless the path is whole.
    pub(crate) fn path(&self, folder: &str) -> String {
        let is_whole = self.file.starts_with('/') || self.file.contains(":\\");
        let file = self.file.strip_prefix("./").unwrap_or(&self.file);
        let path = if is_whole || !folder.starts_with('/') {
            file.to_owned()
        } else {
            format!("{}/{file}", folder.trim_end_matches('/'))
        };
        self.with_line(&path)
    }

    /// The file's name with the line.
    pub(crate) fn name(&self) -> String {
        let name = self.file.rsplit(['/', '\\']).next();
        self.with_line(name.unwrap_or(&self.file))
    }

    fn with_line(&self, path: &str) -> String {
        match self.line {
            Some(line) => format!("{path}:{line}"),
            None => path.to_owned(),
        }
    }
}

/// The ways out of `fault`, the one that mends its cause first.
pub(crate) fn of(fault: &Fault) -> Vec<Remedy> {
    let first = first(fault);
    // To try again is to rebuild.
    let is_other = |remedy: &Remedy| {
        *remedy != first && (*remedy != Remedy::Rebuild || first != Remedy::TryAgain)
    };
    let others = [Remedy::Rebuild, Remedy::OpenLog];
    let mut remedies: Vec<Remedy> = others.into_iter().filter(is_other).collect();
    remedies.insert(0, first);
    remedies
}

fn first(fault: &Fault) -> Remedy {
    match &fault.culprit {
        Some(Culprit::Variable { name }) => return Remedy::SetVariable(name.clone()),
        Some(Culprit::Place { file, line }) => {
            return Remedy::Correct(Place {
                file: file.clone(),
                line: *line,
            });
        }
        Some(Culprit::Port { .. }) | None => {}
    }
    match fault.code {
        ErrorCode::VaultLocked => Remedy::UnlockKey,
        ErrorCode::KeyringUnavailable
        | ErrorCode::VaultKeyMissing
        | ErrorCode::VaultWrongKey
        | ErrorCode::EngineAbsent
        | ErrorCode::EngineRefused
        | ErrorCode::EngineStopped
        | ErrorCode::EngineFailed
        | ErrorCode::BaseImageMissing
        | ErrorCode::ToolMissing
        | ErrorCode::DiskFull => Remedy::AskDoctor,
        ErrorCode::PortTaken => Remedy::TryAgain,
        _ if fault.retryable => Remedy::TryAgain,
        ErrorCode::ExitedAtOnce
        | ErrorCode::StartFailed
        | ErrorCode::NeverListened
        | ErrorCode::MissingVariable
        | ErrorCode::ImportError
        | ErrorCode::SyntaxError
        | ErrorCode::AgentUnreachable => Remedy::OpenLog,
        _ => Remedy::Rebuild,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(code: ErrorCode) -> Fault {
        Fault::new(code, "It failed")
    }

    #[test]
    fn what_mends_the_cause_comes_first() {
        use Remedy::{AskDoctor, OpenLog, Rebuild, TryAgain, UnlockKey};
        for (code, ways) in [
            (ErrorCode::VaultLocked, vec![UnlockKey, Rebuild, OpenLog]),
            (ErrorCode::EngineStopped, vec![AskDoctor, Rebuild, OpenLog]),
            (ErrorCode::ToolMissing, vec![AskDoctor, Rebuild, OpenLog]),
            (ErrorCode::PortTaken, vec![TryAgain, OpenLog]),
            (ErrorCode::ExitedAtOnce, vec![OpenLog, Rebuild]),
            (ErrorCode::BuildStepFailed, vec![Rebuild, OpenLog]),
        ] {
            assert_eq!(of(&fault(code)), ways, "{code:?}");
        }
        let again = fault(ErrorCode::GitFailed).retryable();
        assert_eq!(of(&again), [TryAgain, OpenLog]);
    }

    #[test]
    fn what_is_known_to_be_missing_or_wrong_is_named() {
        let name = "OPENAI_API_KEY".to_owned();
        let missing = fault(ErrorCode::MissingVariable).culprit(Culprit::Variable { name });
        let wanted = Remedy::SetVariable("OPENAI_API_KEY".to_owned());
        assert_eq!(of(&missing)[0], wanted);
        assert_eq!(of(&fault(ErrorCode::MissingVariable))[0], Remedy::OpenLog);

        let file = "src/main.py".to_owned();
        let culprit = Culprit::Place {
            file,
            line: Some(7),
        };
        let broken = fault(ErrorCode::SyntaxError).culprit(culprit);
        let [Remedy::Correct(place), Remedy::Rebuild, Remedy::OpenLog] = &of(&broken)[..] else {
            panic!("{:?}", of(&broken));
        };
        assert_eq!(place.name(), "main.py:7");
        assert_eq!(
            place.path("/home/me/agent/"),
            "/home/me/agent/src/main.py:7"
        );
        assert_eq!(place.path("https://example.org/x.git"), "src/main.py:7");
    }

    #[test]
    fn a_whole_path_stays_as_it_is() {
        let place = |file: &str| Place {
            file: file.to_owned(),
            line: None,
        };
        assert_eq!(place("/app/main.py").path("/home/me"), "/app/main.py");
        assert_eq!(place("C:\\a\\main.py").path("/home/me"), "C:\\a\\main.py");
        assert_eq!(place("C:\\a\\main.py").name(), "main.py");
        assert_eq!(place("./main.go").path("/home/me"), "/home/me/main.go");
    }
}
