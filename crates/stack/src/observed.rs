//! What an engine has of a project, in plain words.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::time::SystemTime;

/// Everything of one project, and the images it names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observed {
    /// Whoever made them.
    pub containers: Vec<Container>,
    /// Networks by their engine name: those of the project, and those with a name that it uses.
    pub networks: HashMap<String, Resource>,
    /// Volumes, likewise.
    pub volumes: HashMap<String, Resource>,
    /// The ids of images that are here, by the reference that was asked for.
    pub images: HashMap<String, String>,
}

/// A network or a volume.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resource {
    /// The project it says to belong to.
    pub project: Option<String>,
    /// What it was made from; none when another tool made it.
    pub config_hash: Option<String>,
}

/// A container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// The engine's id.
    pub id: String,
    /// Its name, without the engine's slash.
    pub name: String,
    /// The service it says to be of.
    pub service: String,
    /// What it was made from; none when another tool made it.
    pub config_hash: Option<String>,
    /// The image's reference as it was asked for.
    pub image: String,
    /// The image's id.
    pub image_id: String,
    /// What it does.
    pub state: State,
    /// Its health; none without a check.
    pub health: Option<Health>,
    /// When it was made.
    pub created_at: Option<SystemTime>,
    /// When it started last.
    pub started_at: Option<SystemTime>,
    /// How often the engine started it again.
    pub restarts: u32,
    /// Its published ports.
    pub ports: Vec<Published>,
    /// Volumes that it mounts and that the engine named: they are its alone.
    pub nameless_volumes: Vec<String>,
    /// What it waits for, by its labels.
    pub depends_on: Vec<String>,
    /// Its labels, but for those by which tools keep their books on it.
    pub labels: BTreeMap<String, String>,
}

/// What a container does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It was made and never started.
    Created,
    /// It runs.
    Running,
    /// It is held.
    Paused,
    /// It ended, and the engine is about to start it again.
    Restarting,
    /// It ended with this code.
    Exited(i64),
    /// It is being removed, or could not be.
    Dead,
}

/// What a health check says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// No check has passed or failed for good yet.
    Starting,
    /// The last check passed.
    Healthy,
    /// Too many checks failed.
    Unhealthy,
}

/// A port at which a container is reached.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Published {
    /// The host's address.
    pub address: Option<IpAddr>,
    /// On the host.
    pub port: u16,
    /// Inside of the container, as the engine writes it: `80/tcp`.
    pub target: String,
}
