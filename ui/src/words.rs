//! Every English text of the pages: what a person reads and what a screen reader says, one file per page or room. Views
//! and models name a text and never spell it; `cargo xtask tidy` finds one that is spelled elsewhere.
//!
//! A translation is another module with the same items, chosen when the pages are built: a text that it lacks is a
//! compile error, and the wasm carries one language. A text with values in it is a function that makes the whole
//! sentence, so that each language decides on order and plurals by itself.
//!
//! Not here: what the control plane says (texts of the contract), names that are data (protocols, keys, methods), and the
//! few texts that `index.html` and `boot.js` show before this program has arrived.

pub(crate) mod actions;
pub(crate) mod activity;
pub(crate) mod agent;
pub(crate) mod agents;
pub(crate) mod app;
pub(crate) mod appearance;
pub(crate) mod change;
pub(crate) mod chat;
pub(crate) mod common;
pub(crate) mod context;
pub(crate) mod contexts;
pub(crate) mod deploy;
pub(crate) mod desk;
pub(crate) mod doctor;
pub(crate) mod drop;
pub(crate) mod engine;
pub(crate) mod facts;
pub(crate) mod home;
pub(crate) mod inbox;
pub(crate) mod keys;
pub(crate) mod kit;
pub(crate) mod logs;
pub(crate) mod offer;
pub(crate) mod palette;
pub(crate) mod pins;
pub(crate) mod plots;
pub(crate) mod rail;
pub(crate) mod refused;
pub(crate) mod registry;
pub(crate) mod remedy;
pub(crate) mod saves;
pub(crate) mod settings;
pub(crate) mod specs;
pub(crate) mod stack;
pub(crate) mod stack_states;
pub(crate) mod startup;
pub(crate) mod states;
pub(crate) mod tasks;
pub(crate) mod time;
pub(crate) mod traces;
pub(crate) mod updates;
pub(crate) mod vault;
