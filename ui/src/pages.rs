//! The pages, one file each, and a folder where one has parts of its own.

mod activity;
mod agent;
mod agents;
mod all_logs;
mod chat;
mod chats;
mod context;
mod deploy;
mod doctor;
mod drop;
mod everywhere;
mod figures;
// Carried along only by those who work on the pages.
#[cfg(any(test, feature = "fixtures"))]
mod gallery;
#[cfg(not(any(test, feature = "fixtures")))]
#[path = "pages/gallery/absent.rs"]
mod gallery;
mod home;
mod inbox;
mod keys;
mod logs;
mod newer;
mod palette;
mod pins;
mod rail;
mod refused;
mod registry;
mod settings;
mod stack;
mod tasks;
mod trace_list;
mod trace_view;
mod traces;
mod updates;

pub(crate) use activity::ActivityPage;
pub(crate) use agent::AgentPage;
pub(crate) use agents::AgentsPage;
pub(crate) use all_logs::LogsPage;
pub(crate) use chats::ChatPage;
pub(crate) use context::{ContextBanner, Contexts};
pub(crate) use doctor::{Checkups, DoctorPage};
pub(crate) use drop::DropTarget;
pub(crate) use everywhere::Everywhere;
pub(crate) use gallery::GalleryPage;
pub(crate) use home::HomePage;
pub(crate) use inbox::InboxPage;
pub(crate) use keys::KeyboardSettings;
pub(crate) use newer::Newer;
pub(crate) use rail::Rail;
pub(crate) use refused::Refused;
pub(crate) use registry::RegistryPage;
pub(crate) use settings::SettingsPage;
pub(crate) use stack::StackPage;
pub(crate) use traces::TracesPage;
