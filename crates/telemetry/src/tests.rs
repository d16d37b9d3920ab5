//! The store with real files, and the intake with real clients.

mod figures;
mod filters;
mod forward;
pub(crate) mod harness;
mod intake;
mod keeping;
mod trees;
