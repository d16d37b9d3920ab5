//! Who may know whom: the arrows between crates, and which libraries stay in which room.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::Finding;

/// Each crate, and the crates of ours it may depend on. Arrows point downward only and siblings never meet.
const ARROWS: &[(&str, &[&str])] = &[
    ("nasiko-contract", &[]),
    ("nasiko-client", &["nasiko-contract"]),
    ("nasiko-a2a", &["nasiko-contract"]),
    ("nasiko-workshop", MIDDLE),
    ("nasiko-engine", &["nasiko-contract"]),
    ("nasiko-runtime", ON_ENGINE),
    // Carried by the runtime as a file, known to nobody as a library.
    ("nasiko-gate", &[]),
    // The start of a file that holds the programs, before any of them runs.
    ("nasiko-appimage", &[]),
    ("nasiko-stack", ON_ENGINE),
    ("nasiko-store", MIDDLE),
    ("nasiko-gateway", MIDDLE),
    ("nasiko-telemetry", MIDDLE),
    ("nasiko-routing", MIDDLE),
    (
        "nasiko-control",
        &[
            "nasiko-contract",
            "nasiko-a2a",
            "nasiko-workshop",
            "nasiko-engine",
            "nasiko-runtime",
            "nasiko-stack",
            "nasiko-store",
            "nasiko-gateway",
            "nasiko-telemetry",
            "nasiko-routing",
        ],
    ),
    ("nasiko-server", &["nasiko-contract", "nasiko-control"]),
    ("nasiko-tray", FACE),
    // What pages are looked at with where nothing is shipped.
    ("nasiko-fixtures", FACE),
    (
        "nasiko-ui",
        &["nasiko-contract", "nasiko-client", "nasiko-fixtures"],
    ),
    ("nasiko-desktop", FACE),
    (
        "nasiko-cli",
        &[
            "nasiko-contract",
            "nasiko-client",
            "nasiko-tray",
            "nasiko-control",
            "nasiko-server",
        ],
    ),
    (
        "nasiko-tests",
        &[
            "nasiko-contract",
            "nasiko-client",
            "nasiko-a2a",
            "nasiko-fixtures",
        ],
    ),
    ("xtask", &[]),
];
const MIDDLE: &[&str] = &["nasiko-contract", "nasiko-a2a"];
const ON_ENGINE: &[&str] = &["nasiko-contract", "nasiko-a2a", "nasiko-engine"];
const FACE: &[&str] = &["nasiko-contract", "nasiko-client"];

/// Libraries whose types stay inside one or two rooms. A name that ends with `*` is a prefix.
const ROOMS: &[(&str, &[&str])] = &[
    ("tauri*", &["nasiko-desktop"]),
    ("leptos*", &["nasiko-ui"]),
    (
        "bollard",
        &[
            "nasiko-engine",
            "nasiko-runtime",
            "nasiko-stack",
            "nasiko-tests",
        ],
    ),
    ("kube", &["nasiko-runtime"]),
    (
        "rusqlite",
        &["nasiko-store", "nasiko-telemetry", "nasiko-tests"],
    ),
    (
        "axum",
        &["nasiko-server", "nasiko-telemetry", "nasiko-tests"],
    ),
    ("tonic", &["nasiko-telemetry"]),
    ("clap*", &["nasiko-cli"]),
    ("thirtyfour", &["nasiko-tests"]),
];

/// All that the contract may use: it compiles to WebAssembly and does no input or output.
const PURE: &[&str] = &["serde", "serde_json", "thiserror", "schemars"];

pub(super) fn check(metadata: &Value) -> Result<Vec<Finding>> {
    let packages = metadata["packages"]
        .as_array()
        .context("cargo metadata lists no packages")?;
    let mut findings = Vec::new();
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        let manifest = Path::new(package["manifest_path"].as_str().unwrap_or_default());
        let Some((_, allowed)) = ARROWS.iter().find(|(known, _)| *known == name) else {
            findings.push(Finding::error(
                manifest,
                0,
                format!("crate `{name}` has no place in the table of arrows"),
            ));
            continue;
        };
        let dependencies = package["dependencies"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        for dependency in dependencies {
            let used = dependency["name"].as_str().unwrap_or_default();
            // Tests may look at a neighbour; what is shipped may not.
            let shipped = dependency["kind"] != "dev";
            if let Some(text) = wrong(name, used, allowed, shipped) {
                findings.push(Finding::error(manifest, 0, text));
            }
        }
    }
    Ok(findings)
}

fn wrong(name: &str, used: &str, allowed: &[&str], shipped: bool) -> Option<String> {
    if ARROWS.iter().any(|(ours, _)| *ours == used) {
        let fine = allowed.contains(&used) || !shipped || name == "nasiko-tests";
        return (!fine).then(|| format!("`{name}` must not know `{used}`"));
    }
    if name == "nasiko-contract" && shipped && !PURE.contains(&used) {
        return Some(format!(
            "the contract must not use `{used}`: it is types alone"
        ));
    }
    let matches = |pattern: &str| {
        pattern
            .strip_suffix('*')
            .map_or(used == pattern, |prefix| used.starts_with(prefix))
    };
    let (_, homes) = ROOMS.iter().find(|(pattern, _)| matches(pattern))?;
    (shipped && !homes.contains(&name))
        .then(|| format!("`{used}` stays inside {}", homes.join(", ")))
}
