//! The key of secrets: where it is kept, what that means, and whether it is at hand.

/// A place as it is called.
pub(crate) mod place {
    pub(crate) const KEYRING: &str = "In the system's keyring";
    pub(crate) const FILE: &str = "In a file of yours";
    pub(crate) const PASSPHRASE: &str = "In a file sealed with a passphrase";
    pub(crate) const NONE: &str = "No key yet";
}

/// What keeping it there means.
pub(crate) mod meaning {
    pub(crate) const KEYRING: &str = "The system guards it and opens it with your login. Copies of the data directory are \
         worth nothing without it.";
    pub(crate) const FILE: &str = "Only your account may read it. Whoever can read your files, or a copy of the data \
         directory, can read the secrets.";
    pub(crate) const PASSPHRASE: &str = "Worth nothing without the passphrase, which is needed at each start before agents get their secrets.";
    pub(crate) const NONE: &str = "It is made with the first secret.";
}

/// Whether it is at hand.
pub(crate) mod state {
    pub(crate) const NOT_NEEDED: &str = "Not needed since the start";
    pub(crate) const OPEN: &str = "At hand";
    pub(crate) const LOCKED: &str = "Locked";
    pub(crate) const FAILED: &str = "Not to be had";
}
