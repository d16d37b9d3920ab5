//! Every English text of the pages: what a person reads and what a screen reader says, one file per page or room. Views
//! and models name a text and never spell it; `cargo xtask tidy` finds one that is spelled elsewhere.
//!
//! A translation is another module with the same items, chosen when the pages are built: a text that it lacks is a
//! compile error, and the wasm carries one language. A text with values in it is a function that makes the whole
//! sentence, so that each language decides on order and plurals by itself.
//!
//! Not here: what the control plane says (texts of the contract), names that are data (protocols, keys, methods), and the
//! few texts that `index.html` and `boot.js` show before this program has arrived.

pub(crate) mod common;
