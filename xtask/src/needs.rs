//! What a machine must have: by purpose, with the package that brings it on each system.

use std::path::Path;

use crate::command::{answers, command};
use crate::places::{Places, program_on_path};
use crate::setup::Purpose;

/// What building and running takes. Columns: how to see that it is there (programs of which one will do, joined by
/// `|`, or `lib:` and a pkg-config name), then the packages of Debian (joined by `+`), dnf, pacman, brew and winget; `-` where nothing is to be done.
const FOR_RUN: &str = "
    cc                             build-essential              gcc                                base-devel               -           -
    pkg-config                     pkg-config                   pkgconf                            pkgconf                  -           -
    lib:webkit2gtk-4.1             libwebkit2gtk-4.1-dev        webkit2gtk4.1-devel                webkit2gtk-4.1           -           -
    lib:ayatana-appindicator3-0.1  libayatana-appindicator3-dev libayatana-appindicator-gtk3-devel libayatana-appindicator  -           -
    lib:librsvg-2.0                librsvg2-dev                 librsvg2-devel                     librsvg                  -           -
    lib:libxdo                     libxdo-dev                   libxdo-devel                       xdotool                  -           -
    python3                        python3+python3-venv         python3                            python                   python3     Python.Python.3.13
";

/// What making packages takes besides.
const FOR_PACKAGE: &str = "
    npm                            nodejs+npm                   nodejs-npm                         npm                      node        OpenJS.NodeJS.LTS
    strip                          binutils                     binutils                           binutils                 -           -
    mksquashfs                     squashfs-tools               squashfs-tools                     squashfs-tools           -           -
";

/// What testing takes besides, packages included. Without these, tests are skipped.
const FOR_TEST: &str = "
    dockerd                        docker.io+iptables           moby-engine                        docker                   -           -
    debootstrap                    debootstrap                  -                                  -                        -           -
    busybox                        busybox-static               -                                  -                        -           -
    node                           nodejs                       nodejs                             nodejs                   node        OpenJS.NodeJS.LTS
    Xvfb                           xvfb                         xorg-x11-server-Xvfb               xorg-server-xvfb         -           -
    dbus-daemon                    dbus                         dbus-daemon                        dbus                     -           -
    chromium|google-chrome         chromium+fonts-dejavu-core   chromium                           chromium                 -           -
    chromedriver                   chromium-driver              chromedriver                       chromium                 -           -
    WebKitWebDriver                webkit2gtk-driver            webkit2gtk4.1-devel                webkit2gtk-4.1           -           -
    gnome-keyring-daemon           gnome-keyring                gnome-keyring                      gnome-keyring            -           -
    at-spi-bus-launcher            at-spi2-core                 at-spi2-core                       at-spi2-core             -           -
    redis-server                   redis-server                 redis                              redis                    redis       -
    rpm                            rpm                          rpm                                rpm-tools                -           -
    desktop-file-validate          desktop-file-utils           desktop-file-utils                 desktop-file-utils       -           -
    update-mime-database           shared-mime-info             shared-mime-info                   shared-mime-info         -           -
    docker-compose                 docker-compose               docker-compose                     docker-compose           docker-compose -
";

/// The package managers of the columns after Debian's.
const MANAGERS: [(&str, &str); 4] = [
    ("dnf", "sudo dnf install"),
    ("pacman", "sudo pacman -S --needed"),
    ("brew", "brew install"),
    ("winget", "winget install"),
];

/// One thing that is needed.
#[derive(Clone, Copy)]
pub(crate) struct Need {
    probe: &'static str,
    /// Joined by `+`.
    debian: &'static str,
    elsewhere: [&'static str; 4],
}

/// What a purpose needs besides what [`Purpose::Run`] does.
pub(crate) fn of(purpose: Purpose) -> Vec<Need> {
    let table = match purpose {
        Purpose::Run => FOR_RUN,
        Purpose::Package => FOR_PACKAGE,
        Purpose::Test => FOR_TEST,
    };
    let rows = table
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.filter_map(|row| {
        let &[probe, debian, ref elsewhere @ ..] = row.as_slice() else {
            return None;
        };
        Some(Need {
            probe,
            debian,
            elsewhere: elsewhere.try_into().ok()?,
        })
    })
    .collect()
}

impl Need {
    /// Debian's packages.
    pub(crate) fn packages(self) -> impl Iterator<Item = &'static str> {
        self.debian.split('+')
    }

    /// Whether it is there, asked without a package manager.
    pub(crate) fn present(self, places: &Places) -> bool {
        let of_linux = self.elsewhere[2..].iter().all(|name| *name == "-");
        if of_linux && cfg!(not(target_os = "linux")) {
            return true;
        }
        match self.probe.strip_prefix("lib:") {
            Some(library) => answers(command(places, "pkg-config").args(["--exists", library])),
            None if cfg!(windows) && self.probe == "python3" => program_on_path("python").is_some(),
            None => self
                .probe
                .split('|')
                .any(|name| program_on_path(name).is_some()),
        }
    }
}

/// The command that installs `needs` on a system other than Debian, as far as we know it.
pub(crate) fn install_line(needs: &[Need]) -> String {
    let known = MANAGERS
        .iter()
        .position(|(program, _)| program_on_path(program).is_some());
    let names: Vec<&str> = match known {
        Some(at) => needs
            .iter()
            .map(|need| need.elsewhere[at])
            .filter(|name| *name != "-")
            .collect(),
        None => needs.iter().flat_map(|need| need.packages()).collect(),
    };
    let install = known.map_or("install what Debian calls:", |at| MANAGERS[at].1);
    format!("{install} {}", names.join(" "))
}

/// Whether packages are Debian's (or a descendant's).
pub(crate) fn debian() -> bool {
    Path::new("/etc/debian_version").is_file() && program_on_path("apt-get").is_some()
}

#[cfg(test)]
mod tests {
    use super::{FOR_PACKAGE, FOR_RUN, FOR_TEST, of};
    use crate::setup::Purpose;

    #[test]
    fn every_row_of_the_tables_is_whole() {
        for (purpose, table) in [
            (Purpose::Run, FOR_RUN),
            (Purpose::Package, FOR_PACKAGE),
            (Purpose::Test, FOR_TEST),
        ] {
            let rows = table.lines().filter(|line| !line.trim().is_empty()).count();
            assert_eq!(of(purpose).len(), rows, "a row lacks a column:{table}");
        }
    }
}
