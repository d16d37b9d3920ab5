//! The command line as people and scripts use it: the real program, over a resident that records what it is asked, and
//! over the real one.

#[cfg(test)]
#[path = "cli/documents.rs"]
mod documents;
#[cfg(test)]
#[path = "cli/failures.rs"]
mod failures;
#[cfg(test)]
#[path = "cli/local.rs"]
mod local;
#[cfg(test)]
#[path = "cli/resident.rs"]
mod resident;
#[cfg(test)]
#[path = "cli/scene.rs"]
mod scene;
#[cfg(test)]
#[path = "cli/talk.rs"]
mod talk;
