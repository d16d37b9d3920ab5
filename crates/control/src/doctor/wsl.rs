//! Linux within Windows.

use std::path::{Component, Path};

use nasiko_contract::CheckGroup;

use super::{
    finding::{Finding, Spec},
    surroundings::Surroundings,
};

pub(super) const WSL: Spec = Spec {
    id: "machine.wsl",
    title: "Linux within Windows (WSL)",
    group: CheckGroup::Machine,
};

pub(super) fn wsl(surroundings: &Surroundings) -> Finding {
    let version = surroundings
        .system_text("/proc/version")
        .unwrap_or_default();
    let lower = version.to_ascii_lowercase();
    if !lower.contains("microsoft") {
        return Finding::ok("This is no WSL");
    }
    let evidence = version.trim().to_owned();
    // The first one says `Microsoft` of a kernel of its own making; the second one is a kernel that names itself.
    if !lower.contains("wsl2") && !lower.contains("microsoft-standard") {
        return Finding::failed(
            "This is the first WSL: it tells of no changes in folders and runs no containers",
        )
        .evidence([evidence])
        .hint("Turn this distribution into one of WSL 2, from a Windows terminal")
        .command("wsl --set-version <distribution> 2");
    }
    let folders = surroundings.needs.folders.iter();
    let of_windows: Vec<String> = folders
        .chain([&surroundings.home])
        .filter(|folder| is_of_windows(folder))
        .map(|folder| folder.display().to_string())
        .collect();
    if of_windows.is_empty() {
        return Finding::ok("This is WSL 2, and nothing of ours lies on a drive of Windows");
    }
    Finding::warning(
        "Folders lie on a drive of Windows: saves are noticed late there, and every file is slow",
    )
    .evidence(of_windows)
    .evidence([evidence])
    .hint("Move them into the file system of Linux, e.g. below ~")
}

/// `/mnt/c` and the like.
fn is_of_windows(folder: &Path) -> bool {
    let mut parts = folder.components().skip(1);
    let mount = parts.next() == Some(Component::Normal("mnt".as_ref()));
    let drive = parts.next().is_some_and(|part| {
        let letter = part.as_os_str().as_encoded_bytes();
        matches!(letter, [letter] if letter.is_ascii_alphabetic())
    });
    mount && drive
}
