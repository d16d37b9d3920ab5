//! What is dropped, pasted or opened, and offered to be deployed.

use crate::{
    model::format::count,
    words::{common, deploy},
};

// While it is dragged over the page.
pub(crate) const DROP_TO_DEPLOY: &str = "Drop to deploy";
pub(crate) const WHAT_MAY_BE_DROPPED: &str =
    "A folder, or a zip or tar archive. What is in it is shown first.";

// The dialog.
pub(crate) const ESC: &str = "Esc";
pub(crate) const GIVE_UP: &str = "Esc: give up";
pub(crate) const SOON_DEPLOYED: &str = "Is deployed as soon as it is understood";

/// What the dialog asks: how much is offered, and how much of it nobody has decided on.
pub(crate) fn title(offered: usize, open: usize) -> String {
    match (offered, open) {
        (0, _) => common::ADD_AGENT.to_owned(),
        (_, 0) => deploy::DEPLOY.to_owned(),
        (1, _) => "Deploy this?".to_owned(),
        (many, _) => format!("Deploy these {many}?"),
    }
}

/// What its one button does.
pub(crate) fn decision(open: usize) -> String {
    match open {
        0 => common::CLOSE.to_owned(),
        1 => deploy::DEPLOY.to_owned(),
        many => format!("Deploy {many} agents"),
    }
}

pub(crate) fn no_room(more: usize) -> String {
    let more = count(more as u64);
    format!("There was no room for {more} more: offer them after these")
}

// A path is asked for.
pub(crate) const LOOK: &str = "Look at it";
pub(crate) const UNCLEAR: &str =
    "Give a whole path, as /home/me/agents/greeter, or the address of a git repository";

/// One thing that is offered.
pub(crate) mod item {
    pub(crate) const LOOKING: &str = "Looking at what is in it";
    pub(crate) const UNSEEN: &str = "What is in it is read when it is deployed";
    pub(crate) const LEAVE_OUT: &str = "Leave out";
    pub(crate) const DEPLOY_AS: &str = "Deploy as";
    pub(crate) const NEW_AGENT: &str = "An agent of its own";

    pub(crate) fn leave_out(name: &str) -> String {
        format!("Leave out {name}")
    }

    pub(crate) fn replace(agent: &str) -> String {
        format!("Replace {agent}")
    }
}
