//! What systems do differently with processes: their groups, their ends, and what children inherit.
//!
//! Windows has no groups that could be addressed, and nothing that asks a program without a window to end: there, each
//! process is one of its own, found by its marks, and ended by force.

pub(super) use self::of_this_system::{
    end, end_group, in_own_group, keep_from_children, signal_of,
};

/// How a process is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It may finish what it does.
    Ask,
    /// At once.
    Force,
}

#[cfg(unix)]
mod of_this_system {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;

    use rustix::process::{Pid, Signal, kill_process, kill_process_group};
    use tokio::process::Command;

    use super::End;

    /// The first descriptor after input, output and errors.
    const FIRST_INHERITED: i32 = 3;

    impl End {
        fn signal(self) -> Signal {
            match self {
                Self::Ask => Signal::TERM,
                Self::Force => Signal::KILL,
            }
        }
    }

    /// Ends one process. One that has gone is fine, and the only error there is.
    pub(in crate::process) fn end(pid: i32, how: End) {
        if let Some(pid) = Pid::from_raw(pid) {
            let _ = kill_process(pid, how.signal());
        }
    }

    /// Ends the group that this process leads, in one call, so that none escapes by forking.
    pub(in crate::process) fn end_group(leader: i32, how: End) {
        if let Some(leader) = Pid::from_raw(leader) {
            let _ = kill_process_group(leader, how.signal());
        }
    }

    /// Has the program lead a group of its own.
    pub(in crate::process) fn in_own_group(command: &mut Command) -> &mut Command {
        command.process_group(0)
    }

    /// What this process was itself given without asking must not live on in a child.
    pub(in crate::process) fn keep_from_children() {
        close_fds::set_fds_cloexec_threadsafe(FIRST_INHERITED, &[]);
    }

    /// The signal that ended a process.
    pub(in crate::process) fn signal_of(status: ExitStatus) -> Option<i32> {
        status.signal()
    }
}

#[cfg(windows)]
mod of_this_system {
    use std::process::ExitStatus;

    use tokio::process::Command;

    use super::End;
    use crate::process::inspect;

    /// `CREATE_NEW_PROCESS_GROUP`: what is typed to us (Ctrl-C) does not end it.
    const NEW_GROUP: u32 = 0x0000_0200;

    /// Ends one process. One that has gone is fine, and one that may not be ended was not ours.
    pub(in crate::process) fn end(pid: i32, how: End) {
        if how == End::Force {
            inspect::kill(pid);
        }
    }

    /// Ends the process itself; those that it started are found by their marks.
    pub(in crate::process) fn end_group(leader: i32, how: End) {
        end(leader, how);
    }

    /// Keeps keys typed to us from it.
    pub(in crate::process) fn in_own_group(command: &mut Command) -> &mut Command {
        command.creation_flags(NEW_GROUP)
    }

    /// Handles are inherited by those alone that they are given to.
    pub(in crate::process) fn keep_from_children() {}

    /// There are none.
    pub(in crate::process) fn signal_of(_status: ExitStatus) -> Option<i32> {
        None
    }
}
