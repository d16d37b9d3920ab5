//! The packages: installed into folders of their own, run from there, and gone without a trace.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use minisign_verify::{PublicKey, Signature};
use nasiko_tests::{Resident, skip, web_driver::Web};
use serde_json::Value;

/// The package with that ending, or a skip.
fn package(test: &str, ending: &str) -> Option<PathBuf> {
    let out = skip::path_or_skip(test, "NASIKO_TEST_PACKAGES", "packages")?;
    let files = std::fs::read_dir(&out).expect("the packages' folder");
    let found = files
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|have| have == ending));
    Some(found.unwrap_or_else(|| panic!("no .{ending} in {}", out.display())))
}

/// A program of the system, as root of a folder of our own.
fn as_root(program: &str) -> Command {
    let is_root = std::fs::metadata("/proc/self")
        .is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    let mut command = if is_root {
        Command::new(program)
    } else {
        // Owner of everything, in a world of its own.
        let mut unshare = Command::new("unshare");
        unshare.args(["--map-root-user", program]);
        unshare
    };
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    command
}

#[track_caller]
fn done(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = |output: &Output| {
        format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    };
    assert!(output.status.success(), "{command:?}: {}", said(&output));
    said(&output)
}

/// Files and links below `root`, but for the package manager's own books.
fn files(root: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            let path = entry.path();
            if entry.file_type().unwrap().is_dir() {
                open.push(path);
            } else {
                let path = path.strip_prefix(root).unwrap();
                files.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    files.retain(|file| !file.starts_with("var/"));
    files.sort();
    files
}

/// A Debian package in a system of its own.
struct Debian(tempfile::TempDir);

impl Debian {
    fn install(package: &Path) -> Self {
        let root = tempfile::tempdir().unwrap();
        for folder in ["info", "updates", "triggers"] {
            std::fs::create_dir_all(root.path().join("var/lib/dpkg").join(folder)).unwrap();
        }
        std::fs::write(root.path().join("var/lib/dpkg/status"), "").unwrap();
        let system = Self(root);
        done(system.dpkg().arg("--install").arg(package));
        system
    }

    fn dpkg(&self) -> Command {
        let mut dpkg = as_root("dpkg");
        let root = self.0.path().display();
        // What it depends on is installed on the machine, which these books know nothing of.
        dpkg.args(["--force-depends", &format!("--root={root}")]);
        dpkg.arg(format!("--log={root}/var/log"));
        dpkg
    }

    fn program(&self, name: &str) -> PathBuf {
        self.0.path().join("usr/bin").join(name)
    }
}

/// What every package holds, wherever it puts it.
#[track_caller]
fn holds_what_a_desktop_needs(root: &Path) {
    let installed = files(root);
    for expected in [
        "usr/bin/nasiko",
        "usr/bin/nasiko-desktop",
        "usr/share/applications/Nasiko.desktop",
        "usr/share/bash-completion/completions/nasiko",
        "usr/share/icons/hicolor/128x128/apps/nasiko-desktop.png",
        "usr/share/icons/hicolor/scalable/apps/nasiko-desktop.svg",
        "usr/share/mime/packages/nasiko.xml",
    ] {
        assert!(
            installed.iter().any(|file| file == expected),
            "no {expected} in {installed:#?}"
        );
    }
    let outside = installed.iter().find(|file| !file.starts_with("usr/"));
    assert_eq!(outside, None, "all of it lies below /usr");
    for program in ["nasiko", "nasiko-desktop"] {
        let meta = std::fs::metadata(root.join("usr/bin").join(program)).unwrap();
        assert_eq!(meta.permissions().mode() & 0o7777, 0o755, "{program}");
    }
    let said = done(Command::new(root.join("usr/bin/nasiko")).arg("--version"));
    assert!(said.starts_with("nasiko "), "{said}");
}

#[test]
fn packages_for_debian_come_and_go() {
    let test = "packages_for_debian_come_and_go";
    let Some(package) = package(test, "deb") else {
        return;
    };
    let fields = done(Command::new("dpkg-deb").arg("--field").arg(&package));
    for wanted in ["libwebkit2gtk-4.1-0", "libgtk-3-0"] {
        assert!(fields.contains(wanted), "{fields}");
    }
    let control = tempfile::tempdir().unwrap();
    done(
        Command::new("dpkg-deb")
            .arg("--control")
            .args([&package, control.path()]),
    );
    assert_eq!(
        files(control.path()),
        ["control", "md5sums"],
        "nothing of ours runs as root while it is installed"
    );

    let system = Debian::install(&package);
    holds_what_a_desktop_needs(system.0.path());
    done(system.dpkg().args(["--purge", "nasiko"]));
    assert_eq!(files(system.0.path()), [""; 0]);
}

#[test]
fn packages_for_fedora_come_and_go() {
    let test = "packages_for_fedora_come_and_go";
    let Some(package) = package(test, "rpm") else {
        return;
    };
    let needs = done(
        Command::new("rpm")
            .args(["-qp", "--requires"])
            .arg(&package),
    );
    assert!(needs.contains("libwebkit2gtk-4.1.so.0"), "{needs}");
    let scripts = done(Command::new("rpm").args(["-qp", "--scripts"]).arg(&package));
    assert!(
        !scripts.contains("scriptlet"),
        "nothing of ours runs as root: {scripts}"
    );

    let root = tempfile::tempdir().unwrap();
    let rpm = || {
        let mut rpm = as_root("rpm");
        // Where Fedora keeps its books; Debian's rpm would choose the home of root.
        rpm.args(["--dbpath", "/var/lib/rpm", "--nodeps", "--root"]);
        rpm.arg(root.path());
        rpm
    };
    done(rpm().arg("--install").arg(&package));
    holds_what_a_desktop_needs(root.path());
    done(rpm().args(["--erase", "nasiko"]));
    assert_eq!(files(root.path()), [""; 0]);
}

#[test]
fn packages_tell_the_desktop_what_they_open() {
    let test = "packages_tell_the_desktop_what_they_open";
    let Some(package) = package(test, "deb") else {
        return;
    };
    let root = tempfile::tempdir().unwrap();
    done(
        Command::new("dpkg-deb")
            .arg("--extract")
            .args([&package, root.path()]),
    );
    let entry = root.path().join("usr/share/applications/Nasiko.desktop");
    let said = done(Command::new("desktop-file-validate").arg(&entry));
    assert_eq!(said, "", "the desktop entry is as the standard has it");
    let entry = std::fs::read_to_string(entry).unwrap();
    for line in [
        "Exec=nasiko-desktop %U",
        "Icon=nasiko-desktop",
        "MimeType=x-scheme-handler/nasiko;application/x-nasiko-agent+zip;application/zip;inode/directory;",
    ] {
        assert!(entry.lines().any(|have| have == line), "{line} in {entry}");
    }
    let mime = root.path().join("usr/share/mime");
    done(Command::new("update-mime-database").arg(&mime));
    let globs = std::fs::read_to_string(mime.join("globs2")).unwrap();
    assert!(
        globs.contains("60:application/x-nasiko-agent+zip:*.agent.zip"),
        "{globs}"
    );
}

#[test]
fn packages_as_one_file_need_no_installing() {
    let test = "packages_as_one_file_need_no_installing";
    let Some(package) = package(test, "AppImage") else {
        return;
    };
    let scratch = tempfile::tempdir().unwrap();
    let image = scratch.path().join("Nasiko.AppImage");
    std::fs::copy(&package, &image).unwrap();
    let run = |words: &[&str]| {
        let cache = scratch.path().join("cache");
        let mut command = Command::new(&image);
        command.args(words).current_dir(&scratch);
        done(command.env("XDG_CACHE_HOME", cache))
    };
    let said = run(&["--version"]);
    assert!(said.starts_with("nasiko "), "{said}");
    let offset: usize = run(&["--appimage-offset"]).trim().parse().unwrap();
    let bytes = std::fs::read(&image).unwrap();
    assert_eq!(&bytes[8..11], b"AI\x02", "tools know it as an AppImage");
    assert_eq!(&bytes[offset..offset + 4], b"hsqs", "its files begin there");

    run(&["--appimage-extract"]);
    let extracted = scratch.path().join("squashfs-root");
    for expected in [
        "AppRun",
        "nasiko-desktop.desktop",
        ".DirIcon",
        "usr/bin/nasiko",
    ] {
        assert!(extracted.join(expected).is_file(), "{expected}");
    }
    let here: Vec<_> = std::fs::read_dir(&scratch).unwrap().flatten().collect();
    assert_eq!(here.len(), 3, "it wrote into its cache alone: {here:?}");
}

/// Signed and described as `cargo xtask package --sign` does it, read as the window does.
#[test]
fn packages_are_signed_and_described_for_the_updater() {
    let test = "packages_are_signed_and_described_for_the_updater";
    let Some(image) = package(test, "AppImage") else {
        return;
    };
    let beside = |name: &str| std::fs::read_to_string(image.with_file_name(name)).unwrap();
    let document: Value = serde_json::from_str(&beside("latest.json")).unwrap();
    let version = done(Command::new(&image).arg("--version"));
    assert_eq!(
        version.trim(),
        format!("nasiko {}", document["version"].as_str().unwrap())
    );
    let platform = format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH);
    let artifact = &document["platforms"][&platform];
    let name = image.file_name().unwrap().to_str().unwrap();
    let url = artifact["url"].as_str().unwrap();
    assert!(
        url.starts_with("http") && url.ends_with(&format!("/{name}")),
        "{url}"
    );

    let decoded = |text: &str| {
        let bytes = BASE64_STANDARD.decode(text.trim()).unwrap();
        String::from_utf8(bytes).unwrap()
    };
    let key = PublicKey::decode(&decoded(&beside("rehearsal.key.pub"))).unwrap();
    let signature = Signature::decode(&decoded(artifact["signature"].as_str().unwrap())).unwrap();
    let mut bytes = std::fs::read(&image).unwrap();
    key.verify(&bytes, &signature, false).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    assert!(key.verify(&bytes, &signature, false).is_err());
}

/// A data directory for programs of packages; its resident, if one came up, ends with it.
struct Desk(Resident);

impl Desk {
    /// Opens the window that `program` is, sees its first page, and closes it again. The resident goes on, from the
    /// files of the package.
    async fn opens(&self, driver: &Path, program: &Path, scratch: &Path) -> PathBuf {
        let like = self.0.command(&[]);
        let web = Web::window(driver, program, scratch, |command: &mut Command| {
            for (name, value) in like.get_envs() {
                match value {
                    Some(value) => command.env(name, value),
                    None => command.env_remove(name),
                };
            }
            command.env("XDG_CACHE_HOME", scratch.join("cache"));
        })
        .await;
        web.see("nav").await;
        web.quit().await;
        let pid = self.0.json(&["status"])["pid"].as_u64().unwrap();
        std::fs::read_link(format!("/proc/{pid}/exe")).unwrap()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.0.run(&["down"]);
    }
}

#[tokio::test]
async fn window_of_an_installed_package_opens() {
    let test = "window_of_an_installed_package_opens";
    let Some(deb) = package(test, "deb") else {
        return;
    };
    let Some(image) = package(test, "AppImage") else {
        return;
    };
    let Some(_) = skip::path_or_skip(test, "NASIKO_TEST_DISPLAY", "display") else {
        return;
    };
    let what = "driver of the webview";
    let Some(driver) = skip::path_or_skip(test, "NASIKO_TEST_WEBKIT_DRIVER", what) else {
        return;
    };
    let scratch = tempfile::tempdir().unwrap();
    let desk = || Desk(Resident::prepared("unix:///nonexistent/docker.sock", &[]));

    let system = Debian::install(&deb);
    let window = system.program("nasiko-desktop");
    let resident = desk().opens(&driver, &window, scratch.path()).await;
    assert_eq!(resident, system.program("nasiko"));

    let resident = desk().opens(&driver, &image, scratch.path()).await;
    let cache = scratch.path().join("cache/nasiko/appimage");
    assert!(resident.starts_with(&cache), "{}", resident.display());
    assert!(resident.is_file(), "its files outlive the window");
}
