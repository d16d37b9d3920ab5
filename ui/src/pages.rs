//! The pages, one file each, and a folder where one has parts of its own.

mod activity;
mod agent;
mod agents;
mod chat;
mod deploy;
mod logs;
mod pins;
mod rail;
mod refused;
mod stack;
mod trace_list;
mod trace_view;
mod traces;
mod updates;

pub(crate) use activity::ActivityPage;
pub(crate) use agent::AgentPage;
pub(crate) use agents::AgentsPage;
pub(crate) use rail::Rail;
pub(crate) use refused::Refused;
pub(crate) use stack::StackPage;
pub(crate) use traces::TracesPage;
