//! When the program starts, and which one it is: starting at login, newer versions.

/// Starting at login.
pub(crate) mod login {
    pub(crate) const TITLE: &str = "Start";
    pub(crate) const LABEL: &str = "Start at login";
    pub(crate) const ABOUT: &str = "The control plane runs, with its icon in the tray, once you have logged in. No window \
        opens.";
    pub(crate) const ON: &str = "It starts at login from now on";
    pub(crate) const OFF: &str = "It does not start at login any more";
}

/// Newer versions of the desktop program.
pub(crate) mod newer {
    pub(crate) const TITLE: &str = "Updates";
    pub(crate) const LABEL: &str = "Newer versions";
    pub(crate) const ABOUT: &str = "The window looks once a day. What it fetched is put in place when it closes; agents keep \
        serving.";
    pub(crate) const CHECK: &str = "Check for updates";
    pub(crate) const CHECKING: &str = "Looking…";
    pub(crate) const IN_BROWSER: &str = "Newer versions come with the desktop window.";

    pub(crate) fn not_configured(version: &str) -> String {
        format!("This is version {version}. It was built without a place to look for newer ones.")
    }

    pub(crate) fn none(version: &str) -> String {
        format!("Version {version} is the newest.")
    }

    pub(crate) fn ready(version: &str) -> String {
        format!("Version {version} is ready. It is put in place when the window closes.")
    }

    pub(crate) fn managed(version: &str) -> String {
        format!("Version {version} is there. Install it as you installed this one.")
    }
}
