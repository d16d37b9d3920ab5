//! Each check, with what it looks for made to happen: full disks, sockets that answer wrongly, files that make no sense.

mod data;
mod engine;
mod fixtures;
#[cfg(target_os = "linux")]
mod machine;
mod network;
mod plane;
mod progress;
mod text;
