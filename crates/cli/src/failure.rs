//! How a command fails, and with which exit code.

use std::{io, process::ExitCode};

use nasiko_contract::{ErrorCode, Fault};

/// The words make no command.
pub(crate) const USAGE: u8 = 2;
const FAILED: u8 = 1;
const NOT_FOUND: u8 = 3;
const NOT_REACHABLE: u8 = 4;
const REFUSED: u8 = 5;
const CANCELLED: u8 = 130;

/// Why a command ends early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A call failed; its code decides.
    Fault(Fault),
    /// What was asked for was begun and went wrong, whatever the reason.
    Work(Fault),
    /// The words fit the grammar and yet make no command.
    Usage(Fault),
    /// A program that was run for the caller ended with this code, and has said why itself.
    Ended(u8),
    /// Standard output is gone: whoever read it has seen enough.
    Output(io::Error),
}

impl Failure {
    /// What to tell; nothing when nobody listens.
    pub(crate) fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Fault(fault) | Self::Work(fault) | Self::Usage(fault) => Some(fault),
            Self::Ended(_) | Self::Output(_) => None,
        }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        self.code().into()
    }

    fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => USAGE,
            Self::Ended(code) => *code,
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            Self::Work(fault) if fault.code == ErrorCode::Cancelled => CANCELLED,
            Self::Output(_) | Self::Work(_) => FAILED,
            Self::Fault(fault) => match fault.code {
                ErrorCode::Cancelled => CANCELLED,
                ErrorCode::Unreachable => NOT_REACHABLE,
                ErrorCode::Unauthenticated | ErrorCode::Forbidden | ErrorCode::ForeignOrigin => {
                    REFUSED
                }
                ErrorCode::NotFound
                | ErrorCode::AgentNotFound
                | ErrorCode::JobNotFound
                | ErrorCode::SessionNotFound
                | ErrorCode::TraceNotFound
                | ErrorCode::SecretNotFound => NOT_FOUND,
                _ => FAILED,
            },
        }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// A failure of this program's own surroundings: a file, the terminal, a thread.
pub(crate) fn local(what: &str, error: &dyn std::error::Error) -> Failure {
    Failure::Work(Fault::new(ErrorCode::Internal, what.to_owned()).evidence([error.to_string()]))
}

/// Words that make no command.
pub(crate) fn usage(what: impl Into<String>, hint: &str) -> Failure {
    Failure::Usage(Fault::new(ErrorCode::InvalidRequest, what).hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_found_not_reached_or_refused_has_a_code_of_its_own() {
        let check = |code: ErrorCode, direct: u8, at_work: u8| {
            let fault = || Fault::new(code, "It failed");
            assert_eq!(Failure::Fault(fault()).code(), direct, "{code:?}");
            assert_eq!(Failure::Work(fault()).code(), at_work, "{code:?} at work");
        };
        check(ErrorCode::AgentNotFound, 3, 1);
        check(ErrorCode::TraceNotFound, 3, 1);
        check(ErrorCode::Unreachable, 4, 1);
        check(ErrorCode::Forbidden, 5, 1);
        check(ErrorCode::Unauthenticated, 5, 1);
        check(ErrorCode::Cancelled, 130, 130);
        check(ErrorCode::ImportError, 1, 1);
        check(ErrorCode::Unknown, 1, 1);
    }

    #[test]
    fn a_reader_who_has_seen_enough_is_no_failure() {
        let gone = io::Error::from(io::ErrorKind::BrokenPipe);
        assert_eq!(Failure::from(gone).code(), 0);
        let full = io::Error::from(io::ErrorKind::StorageFull);
        assert_eq!(Failure::from(full).code(), 1);
    }
}
