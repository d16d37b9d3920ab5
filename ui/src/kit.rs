//! The parts that pages are made of. They know records only as far as they draw them, and never fetch.

mod button;
mod copy;
mod dialog;
mod empty;
mod error_card;
mod finding;
mod icon;
mod job;
mod markdown;
mod menu;
mod panel;
mod progress;
mod spark;
mod state_badge;
mod tabs;
mod time;
mod virtual_list;
mod waterfall;

pub(crate) use button::{Button, Look};
pub(crate) use copy::CopyButton;
pub(crate) use dialog::ConfirmDialog;
pub(crate) use empty::{Empty, Waiting};
pub(crate) use error_card::ErrorCard;
pub(crate) use finding::FindingRow;
pub(crate) use icon::{Glyph, Icon};
pub(crate) use job::JobStrip;
pub(crate) use markdown::Markdown;
pub(crate) use menu::Menu;
pub(crate) use panel::Panel;
pub(crate) use progress::Progress;
pub(crate) use spark::Figure;
pub(crate) use state_badge::StateBadge;
pub(crate) use tabs::{Tab, Tabs};
pub(crate) use time::{Age, Clock};
pub(crate) use virtual_list::VirtualList;
pub(crate) use waterfall::WaterfallView;
