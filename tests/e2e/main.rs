//! End to end: the programs as people and scripts use them, with real agents, engines, browsers and windows.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends by failing"
)]

mod agents;
mod axe_browser;
mod bad_input;
mod browser;
mod contexts;
mod conversation;
mod crash;
mod desk;
mod discovery;
mod docker;
mod doctor;
mod doctor_browser;
mod drop_browser;
mod engine_choice;
mod forwarding;
mod hand_over;
mod home_browser;
mod hostile_browser;
mod inbox_browser;
mod keyboard;
mod keyboard_browser;
mod keyboard_tasks_browser;
mod keyring;
mod leaving_browser;
mod live;
mod live_browser;
mod live_load;
mod live_storms;
mod login;
mod loopback;
mod packages;
mod pages;
mod palette_browser;
mod parallel;
mod peers;
mod pictures_browser;
mod platform;
mod resident;
mod secrets;
mod settings_browser;
mod stack;
mod stack_browser;
mod stack_rough;
mod stack_words;
mod store;
mod tray;
mod updates;
mod window;
mod window_drop;
mod window_hand;
mod window_life;
mod window_outage;
mod window_paint;
mod window_reader;
mod window_scroll;
mod window_settings;
mod window_tray;
