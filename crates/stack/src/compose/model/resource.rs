//! What services share: networks, volumes, and the files they are given.

use std::fmt;
use std::path::PathBuf;

use indexmap::IndexMap;

use super::Span;

/// A config or a secret.
#[derive(Debug, Clone)]
pub struct FileObject {
    /// Where it is declared.
    pub span: Span,
    /// Where its content is.
    pub content: Content,
}

/// Where the content of a config or a secret is. Shows no value.
#[derive(Clone, PartialEq, Eq)]
pub enum Content {
    /// In a file that is read when the container is made.
    File(PathBuf),
    /// Here: of the environment or of the Compose file.
    Inline(String),
}

impl fmt::Debug for Content {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => formatter.debug_tuple("File").field(path).finish(),
            Self::Inline(text) => write!(formatter, "Inline({} bytes)", text.len()),
        }
    }
}

/// A network.
#[derive(Debug, Clone)]
pub struct Network {
    /// Its name in the engine.
    pub name: String,
    /// Whether it must be there already, made by somebody else.
    pub external: bool,
    /// E.g. `bridge`.
    pub driver: Option<String>,
    /// The driver's options.
    pub driver_opts: IndexMap<String, String>,
    /// Whether containers of nobody's project may join.
    pub attachable: bool,
    /// Without a way out.
    pub internal: bool,
    /// With IPv6.
    pub enable_ipv6: bool,
    /// The address manager's driver.
    pub ipam_driver: Option<String>,
    /// Address ranges.
    pub ipam: Vec<AddressRange>,
    /// The address manager's options.
    pub ipam_options: IndexMap<String, String>,
    /// Labels.
    pub labels: IndexMap<String, String>,
}

/// Addresses of a network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressRange {
    /// E.g. `172.28.0.0/16`.
    pub subnet: Option<String>,
    /// From which containers get theirs.
    pub ip_range: Option<String>,
    /// The gateway's address.
    pub gateway: Option<String>,
    /// Addresses that are taken.
    pub aux_addresses: IndexMap<String, String>,
}

/// A volume.
#[derive(Debug, Clone)]
pub struct Volume {
    /// Its name in the engine.
    pub name: String,
    /// Whether it must be there already, made by somebody else.
    pub external: bool,
    /// E.g. `local`.
    pub driver: Option<String>,
    /// The driver's options.
    pub driver_opts: IndexMap<String, String>,
    /// Labels.
    pub labels: IndexMap<String, String>,
}
