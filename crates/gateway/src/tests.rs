//! The gateway between real clients and real upstreams on loopback.

mod admission;
mod cards;
mod failures;
mod harness;
mod holding;
mod streaming;
mod switching;
mod upgrades;
