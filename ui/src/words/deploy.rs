//! Deploying: where from, what is in it, how it goes.

pub(crate) const ADD_FIRST_AGENT: &str = "Add your first agent";
pub(crate) const INTRODUCTION: &str = "Give the folder that holds it, with or without a Dockerfile, and press Enter. \
    On the command line: `nasiko deploy PATH`";
pub(crate) const DEPLOY: &str = "Deploy";
pub(crate) const KEEP_LIVE: &str = "Keep live: a save is live by itself";

// Where it runs.
pub(crate) const RUNS_AS: &str = "Runs as";
pub(crate) const AS_THE_FOLDER_SAYS: &str = "As the folder says";

// Where from.
pub(crate) const PATH: &str = "Folder or archive on this computer";
pub(crate) const CHOOSE_FOLDER: &str = "Choose folder";
pub(crate) const CHOOSE_ARCHIVE: &str = "Choose archive";
pub(crate) const UPLOAD_ARCHIVE: &str = "Upload archive";

// What is in it.
pub(crate) const LOOKING: &str = "Looking at the folder";
pub(crate) const SEVERAL_AGENTS: &str = "This folder holds several agents. Which one?";
pub(crate) const NEEDS: &str = "Needs";
pub(crate) const SET_WITH: &str = "set with nasiko secret set, or in the folder's .env";

/// How it ended.
pub(crate) mod outcome {
    pub(crate) const DEPLOYED: &str = "Deployed";
    pub(crate) const CANCELLED: &str = "Cancelled; nothing was changed";
    pub(crate) const WITHOUT_REASON: &str = "It ended without saying why";
    pub(crate) const FAILED: &str = "It could not be deployed";
    pub(crate) const DEPLOY_AGAIN: &str = "Deploy again";
    pub(crate) const RUNNING: &str = "Running";
    pub(crate) const UNCHANGED: &str = "unchanged, it goes on running";

    /// How long it took, and each step of it.
    pub(crate) fn live_in(total: &str, read: &str, prepare: &str, start: &str) -> String {
        format!("live in {total}: read {read}, prepare {prepare}, start {start}")
    }

    pub(crate) fn chat_with(agent: &str) -> String {
        format!("Chat with {agent}")
    }
}
