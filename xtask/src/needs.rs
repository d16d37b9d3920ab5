//! What a machine must have: by purpose, with the package that brings it on each system.

use std::path::Path;

use crate::command::{answers, command};
use crate::places::{Places, program_on_path};
use crate::setup::Purpose;

/// How to see that something is there, on a system whose packages we cannot ask.
pub(crate) enum Probe {
    /// `pkg-config --exists NAME`
    Library(&'static str),
    /// A program on `PATH`.
    Program(&'static str),
}

/// One thing that is needed.
pub(crate) struct Need {
    pub(crate) debian: &'static [&'static str],
    /// Names elsewhere: dnf, pacman, brew, winget. Empty: nothing to install there.
    elsewhere: [&'static str; 4],
    probe: Probe,
    purpose: Purpose,
}

/// Everything, for both purposes.
const NEEDS: &[Need] = &[
    need(
        &["build-essential"],
        ["gcc", "base-devel", "", ""],
        Probe::Program("cc"),
        Purpose::Run,
    ),
    need(
        &["pkg-config"],
        ["pkgconf", "pkgconf", "", ""],
        Probe::Program("pkg-config"),
        Purpose::Run,
    ),
    need(
        &["libwebkit2gtk-4.1-dev"],
        ["webkit2gtk4.1-devel", "webkit2gtk-4.1", "", ""],
        Probe::Library("webkit2gtk-4.1"),
        Purpose::Run,
    ),
    need(
        &["libayatana-appindicator3-dev"],
        [
            "libayatana-appindicator-gtk3-devel",
            "libayatana-appindicator",
            "",
            "",
        ],
        Probe::Library("ayatana-appindicator3-0.1"),
        Purpose::Run,
    ),
    need(
        &["librsvg2-dev"],
        ["librsvg2-devel", "librsvg", "", ""],
        Probe::Library("librsvg-2.0"),
        Purpose::Run,
    ),
    need(
        &["libxdo-dev"],
        ["libxdo-devel", "xdotool", "", ""],
        Probe::Library("libxdo"),
        Purpose::Run,
    ),
    need(
        &["python3", "python3-venv"],
        ["python3", "python", "python3", "Python.Python.3.13"],
        PYTHON,
        Purpose::Run,
    ),
    need(&[], ["", "", "", ""], Probe::Program("git"), Purpose::Test),
    need(
        &["docker.io", "iptables"],
        ["moby-engine", "docker", "", ""],
        Probe::Program("docker"),
        Purpose::Test,
    ),
    need(
        &["debootstrap"],
        ["", "", "", ""],
        Probe::Program("debootstrap"),
        Purpose::Test,
    ),
    need(
        &["busybox-static"],
        ["", "", "", ""],
        Probe::Program("busybox"),
        Purpose::Test,
    ),
    need(
        &["xvfb"],
        ["xorg-x11-server-Xvfb", "xorg-server-xvfb", "", ""],
        Probe::Program("Xvfb"),
        Purpose::Test,
    ),
    need(
        &["dbus"],
        ["dbus-daemon", "dbus", "", ""],
        Probe::Program("dbus-daemon"),
        Purpose::Test,
    ),
    need(
        &["xdotool"],
        ["xdotool", "xdotool", "", ""],
        Probe::Program("xdotool"),
        Purpose::Test,
    ),
    need(
        &["imagemagick"],
        ["ImageMagick", "imagemagick", "", ""],
        Probe::Program("import"),
        Purpose::Test,
    ),
    need(
        &["fonts-dejavu-core"],
        ["", "", "", ""],
        Probe::Program("true"),
        Purpose::Test,
    ),
    need(
        &["chromium"],
        ["chromium", "chromium", "chromium", ""],
        Probe::Program("chromium"),
        Purpose::Test,
    ),
    need(
        &["chromium-driver"],
        ["chromedriver", "", "chromedriver", ""],
        Probe::Program("chromedriver"),
        Purpose::Test,
    ),
    need(
        &["webkit2gtk-driver"],
        ["webkit2gtk4.1-devel", "", "", ""],
        Probe::Program("WebKitWebDriver"),
        Purpose::Test,
    ),
    need(
        &["redis-server"],
        ["redis", "redis", "redis", ""],
        Probe::Program("redis-server"),
        Purpose::Test,
    ),
];

const PYTHON: Probe = Probe::Program(if cfg!(windows) { "python" } else { "python3" });

const fn need(
    debian: &'static [&'static str],
    elsewhere: [&'static str; 4],
    probe: Probe,
    purpose: Purpose,
) -> Need {
    Need {
        debian,
        elsewhere,
        probe,
        purpose,
    }
}

/// What a purpose needs. Testing needs all that running does. Node.js is apart: any version that is there will do.
pub(crate) fn of(purpose: Purpose) -> impl Iterator<Item = &'static Need> {
    NEEDS
        .iter()
        .filter(move |need| need.purpose == Purpose::Run || purpose == Purpose::Test)
}

impl Need {
    /// Whether it is there, asked without a package manager.
    pub(crate) fn present(&self, places: &Places) -> bool {
        if cfg!(not(target_os = "linux")) && self.elsewhere.iter().all(|name| name.is_empty()) {
            return true;
        }
        match self.probe {
            Probe::Program(name) => program_on_path(name).is_some(),
            Probe::Library(_) if cfg!(not(target_os = "linux")) => true,
            Probe::Library(name) => answers(command(places, "pkg-config").args(["--exists", name])),
        }
    }
}

/// The command that installs `needs` on a system other than Debian, when we know it.
pub(crate) fn install_line(needs: &[&Need]) -> String {
    let managers = [
        ("dnf", "sudo dnf install"),
        ("pacman", "sudo pacman -S --needed"),
        ("brew", "brew install"),
        ("winget", "winget install"),
    ];
    let Some(at) = managers
        .iter()
        .position(|(program, _)| program_on_path(program).is_some())
    else {
        let names: Vec<&str> = needs
            .iter()
            .flat_map(|need| need.debian.iter().copied())
            .collect();
        return format!("install what Debian calls: {}", names.join(" "));
    };
    let names: Vec<&str> = needs
        .iter()
        .map(|need| need.elsewhere[at])
        .filter(|name| !name.is_empty())
        .collect();
    format!("{} {}", managers[at].1, names.join(" "))
}

/// Whether packages are Debian's (or a descendant's).
pub(crate) fn debian() -> bool {
    Path::new("/etc/debian_version").is_file() && program_on_path("apt-get").is_some()
}
