//! The store's tests: the contract that every backend passes, the queue against a model, what is SQLite's own, and what
//! servers and several control planes on them bring.
#![cfg(test)]

mod contract;
mod crash;
mod exchange;
mod keyring;
mod moving_house;
mod place;
mod platform;
mod queue_model;
mod server_failures;
mod servers;
mod shared;
mod sqlite_file;
mod tiny_disk;
