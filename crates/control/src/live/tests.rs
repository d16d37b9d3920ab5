//! The whole control plane in this process, over agents that are edited while they run.

mod docker;
mod edits;
mod harness;
mod places;
mod starts;
