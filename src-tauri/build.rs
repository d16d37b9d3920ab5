//! Makes the window's context. The pages are built by `cargo xtask ui`; without them the window says so.

use std::{fs, path::Path};

/// What the window shows when it was compiled before the pages were.
const NO_PAGES: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Nasiko</title>\
<p>The pages are not built: run <code>cargo xtask build</code>.</p></html>\n";

fn main() {
    let pages = Path::new("ui/dist");
    let index = pages.join("index.html");
    if !index.is_file() {
        // Reported by the context itself if it cannot be written.
        let _ = fs::create_dir_all(pages).and_then(|()| fs::write(&index, NO_PAGES));
    }
    println!("cargo:rerun-if-changed=ui/dist");
    let commands = tauri_build::AppManifest::new().commands(&[
        "rpc",
        "rpc_stream",
        "rpc_cancel",
        "contexts",
        "use_context",
        "add_context",
        "edit_context",
        "remove_context",
        "look_at_context",
        "remember",
        "remembered",
        "opened",
        "first_frame",
        "painted",
        "pick",
        "look_for_update",
        "zoom",
    ]);
    let attributes = tauri_build::Attributes::new()
        .app_manifest(commands)
        .capabilities_path_pattern("./src-tauri/capabilities/**/*");
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo:warning={error:#}");
        std::process::exit(1);
    }
}
