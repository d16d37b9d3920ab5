//! Owns the pages, shown alike in the desktop window and in a browser. Must never know anything but the contract and
//! its client: no address, no token, no engine.
#![cfg_attr(
    not(target_arch = "wasm32"),
    expect(
        dead_code,
        reason = "pages run as wasm alone; natively only their models are tested"
    )
)]
#![expect(
    clippy::needless_pass_by_value,
    reason = "components take their properties by value"
)]
#![expect(unreachable_pub, reason = "components are made public by their macro")]

mod actions;
mod app;
mod browser;
mod desk;
#[cfg(all(feature = "fixtures", target_arch = "wasm32"))]
mod fixtures;
mod kit;
mod model;
mod pages;
mod restore;
mod shell;
#[cfg(target_arch = "wasm32")]
mod start;
mod theme;
mod words;

#[cfg(target_arch = "wasm32")]
fn main() {
    start::start();
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {}
