//! The AppImage: a static program that unpacks what follows it, and the same files as in the other packages.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::stage::Stage;
use crate::command::{cargo, command, logged, run};
use crate::places::{Places, copy_tree, remove};
use crate::targets;

const PACKING: Duration = Duration::from_mins(5);
/// What marks an AppImage of type 2, in the part of the program's header that nothing else uses.
const MARK: (usize, &[u8]) = (8, b"AI\x02");

/// Makes the AppImage of the files in `tree` and puts it beside the `.deb` in `out`.
pub(super) fn make(places: &Places, stage: &Stage, tree: &Path, out: &Path) -> Result<()> {
    let folder = stage.dir.join("AppDir");
    remove(&folder)?;
    copy_tree(tree, &folder)?;
    fs::copy(stage.plain_window(), folder.join("usr/bin/nasiko-desktop"))?;
    for (from, to) in [
        ("src-tauri/packaging/AppRun", "AppRun"),
        ("icons/128x128@2x.png", "nasiko-desktop.png"),
        ("icons/128x128@2x.png", ".DirIcon"),
    ] {
        fs::copy(places.root.join(from), folder.join(to))?;
    }
    fs::copy(
        folder.join("usr/share/applications/Nasiko.desktop"),
        folder.join("nasiko-desktop.desktop"),
    )?;

    let files = stage.dir.join("AppDir.squashfs");
    let mut squash = command(places, "mksquashfs");
    squash.arg(&folder).arg(&files);
    // The one compression that every reader of AppImages knows, ours included.
    let effort = if stage.is_for_people() { "9" } else { "1" };
    squash.args(["-comp", "gzip", "-Xcompression-level", effort]);
    squash.args(["-all-root", "-noappend", "-no-progress", "-no-xattrs"]);
    logged(places, "mksquashfs", &mut squash, PACKING)?;

    let mut image = fs::read(start(places)?)?;
    let (at, mark) = MARK;
    image
        .get_mut(at..at + mark.len())
        .context("the AppImage's start is no program")?
        .copy_from_slice(mark);
    image.extend(fs::read(&files)?);
    let target = out.join(name(out)?);
    fs::write(&target, image)?;
    executable(&target)
}

/// As the `.deb` is called.
fn name(out: &Path) -> Result<String> {
    let names = fs::read_dir(out)?.flatten();
    names
        .filter_map(|entry| entry.file_name().into_string().ok())
        .find_map(|name| Some(format!("{}.AppImage", name.strip_suffix(".deb")?)))
        .context("there is no Debian package to name it after")
}

/// Builds the first bytes of it: needing nothing of the machine, and small.
fn start(places: &Places) -> Result<PathBuf> {
    let on = |system: &str| format!("{}-unknown-linux-{system}", std::env::consts::ARCH);
    let target = if targets::has(places, &on("musl")) {
        on("musl")
    } else {
        on("gnu")
    };
    let mut build = cargo(places);
    build.args(["build", "--package", "nasiko-appimage", "--profile", "gate"]);
    build.args(["--target", &target]);
    build.env("RUSTFLAGS", "-Ctarget-feature=+crt-static");
    run(&mut build)?;
    Ok(places.target.join(target).join("gate/nasiko-appimage"))
}

#[cfg(unix)]
fn executable(file: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(fs::set_permissions(
        file,
        fs::Permissions::from_mode(0o755),
    )?)
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "it may fail elsewhere")]
fn executable(_file: &Path) -> Result<()> {
    Ok(())
}
