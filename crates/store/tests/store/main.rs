//! The store's tests: the contract that every backend passes, the queue against a model, and what is SQLite's own.
#![cfg(test)]

mod contract;
mod crash;
mod place;
mod queue_model;
mod servers;
mod sqlite_file;
mod tiny_disk;
