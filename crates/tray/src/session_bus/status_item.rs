//! The icon and its menu as a StatusNotifierItem.

use ksni::{
    Icon, MenuItem, Status, ToolTip, Tray,
    menu::{CheckmarkItem, StandardItem, SubMenu},
};
use tokio::sync::mpsc;

use crate::{
    deed::Deed,
    icon,
    menu::{self, Address, Item},
    picture::{Picture, Standing},
};

/// What is shown, and where clicks go.
pub(super) struct StatusItem {
    address: Address,
    standing: Standing,
    words: String,
    items: Vec<Item>,
    deeds: mpsc::Sender<Deed>,
}

impl StatusItem {
    pub(super) fn new(address: Address, picture: &Picture, deeds: mpsc::Sender<Deed>) -> Self {
        Self {
            address,
            standing: picture.standing(),
            words: picture.words(),
            items: menu::of(picture, address),
            deeds,
        }
    }

    /// Shows a new picture.
    pub(super) fn show(&mut self, picture: &Picture) {
        self.standing = picture.standing();
        self.words = picture.words();
        self.items = menu::of(picture, self.address);
    }

    fn ask(&self, deed: Deed) {
        if self.deeds.try_send(deed).is_err() {
            tracing::debug!("clicked faster than it can be done");
        }
    }
}

impl Tray for StatusItem {
    fn id(&self) -> String {
        "nasiko".to_owned()
    }

    fn title(&self) -> String {
        "Nasiko".to_owned()
    }

    fn status(&self) -> Status {
        match self.standing {
            Standing::Failing => Status::NeedsAttention,
            _ => Status::Active,
        }
    }

    fn icon_pixmap(&self) -> Vec<Icon> {
        let icon = |size| Icon {
            width: size,
            height: size,
            data: icon::pixels(self.standing, size),
        };
        icon::SIZES.map(icon).into()
    }

    fn attention_icon_pixmap(&self) -> Vec<Icon> {
        self.icon_pixmap()
    }

    fn tool_tip(&self) -> ToolTip {
        ToolTip {
            title: "Nasiko".to_owned(),
            description: escaped(&self.words),
            ..ToolTip::default()
        }
    }

    fn activate(&mut self, _x: i32, _y: i32) {
        self.ask(Deed::Open("/".to_owned()));
    }

    fn menu_about_to_show(&mut self) {
        self.ask(Deed::Look);
    }

    fn menu(&self) -> Vec<MenuItem<Self>> {
        self.items.iter().map(item).collect()
    }
}

fn item(item: &Item) -> MenuItem<StatusItem> {
    match item {
        Item::Separator => MenuItem::Separator,
        Item::Line(text) => StandardItem {
            label: label(text),
            enabled: false,
            ..StandardItem::default()
        }
        .into(),
        Item::Act(text, deed) => {
            let deed = deed.clone();
            StandardItem {
                label: label(text),
                activate: Box::new(move |item: &mut StatusItem| item.ask(deed.clone())),
                ..StandardItem::default()
            }
            .into()
        }
        Item::Choice(text, chosen, deed) => {
            let deed = deed.clone();
            CheckmarkItem {
                label: label(text),
                checked: *chosen,
                activate: Box::new(move |item: &mut StatusItem| item.ask(deed.clone())),
                ..CheckmarkItem::default()
            }
            .into()
        }
        Item::Group(text, items) => SubMenu {
            label: label(text),
            submenu: items.iter().map(self::item).collect(),
            ..SubMenu::default()
        }
        .into(),
    }
}

/// A single underscore would name the key of the letter after it.
fn label(text: &str) -> String {
    text.replace('_', "__")
}

/// Tool tips are markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
