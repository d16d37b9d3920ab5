//! The host of the tray: items register here, and are read and clicked as a panel does.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use zbus::{
    Connection, Proxy, interface,
    zvariant::{OwnedValue, Value},
};

use super::{DesktopBus, until};

const WATCHER: &str = "org.kde.StatusNotifierWatcher";
const ITEM: &str = "org.kde.StatusNotifierItem";
const MENU: &str = "com.canonical.dbusmenu";

/// An entry as it travels: id, properties, entries below it.
type Layout = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

/// A desktop's tray.
pub struct TrayHost {
    bus: Connection,
    registered: Arc<Mutex<Vec<String>>>,
}

struct Watcher(Arc<Mutex<Vec<String>>>);

#[expect(clippy::unused_self, reason = "the macro wants methods")]
#[interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&self, service: String) {
        self.0.lock().push(service);
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }
}

impl TrayHost {
    /// Begins to be the tray of a bus.
    pub async fn start(bus: &DesktopBus) -> Self {
        let registered = Arc::<Mutex<Vec<String>>>::default();
        let bus = bus
            .builder()
            .name(WATCHER)
            .and_then(|builder| {
                builder.serve_at("/StatusNotifierWatcher", Watcher(registered.clone()))
            })
            .expect("a name and a path")
            .build()
            .await
            .expect("the tray has its name");
        Self { bus, registered }
    }

    /// Is the tray no more, as when a panel ends.
    pub async fn end(self) {
        self.bus.close().await.expect("the tray ends");
    }

    /// Waits until an icon is here.
    pub async fn item(&self) -> TrayItem {
        until("an icon is in the tray", async || {
            let none = self.registered.lock().is_empty();
            if none { Err("none".to_owned()) } else { Ok(()) }
        })
        .await;
        TrayItem {
            bus: self.bus.clone(),
            registered: self.registered.clone(),
        }
    }
}

/// The icon in the tray: the one that registered last, since an icon may be put there anew.
pub struct TrayItem {
    bus: Connection,
    registered: Arc<Mutex<Vec<String>>>,
}

/// An entry of a menu.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    id: i32,
    /// As a person reads it.
    pub label: String,
    /// It can be clicked.
    pub enabled: bool,
    /// It is the chosen one.
    pub checked: bool,
    /// Its own menu.
    pub entries: Vec<Entry>,
}

impl TrayItem {
    /// What is said of it to who points at it.
    pub async fn tool_tip(&self) -> String {
        type ToolTip = (String, Vec<(i32, i32, Vec<u8>)>, String, String);
        let (_, _, _, words): ToolTip = self.property("ToolTip").await;
        words
    }

    /// Its status: `Active`, `NeedsAttention`.
    pub async fn status(&self) -> String {
        self.property("Status").await
    }

    /// Its icons: width, height, pixels.
    pub async fn icons(&self) -> Vec<(i32, i32, Vec<u8>)> {
        self.property("IconPixmap").await
    }

    async fn property<T: TryFrom<OwnedValue>>(&self, name: &str) -> T
    where
        T::Error: Into<zbus::Error>,
    {
        let item = self.proxy("/StatusNotifierItem", ITEM).await;
        item.get_property(name).await.expect("the icon answers")
    }

    async fn proxy(&self, path: &'static str, interface: &'static str) -> Proxy<'_> {
        let name = self.registered.lock().last().cloned().expect("an icon");
        zbus::proxy::Builder::new(&self.bus)
            .destination(name)
            .and_then(|builder| builder.path(path))
            .and_then(|builder| builder.interface(interface))
            .expect("names")
            .cache_properties(zbus::proxy::CacheProperties::No)
            .build()
            .await
            .expect("a proxy")
    }

    /// Its whole menu.
    pub async fn menu(&self) -> Vec<Entry> {
        until("the menu is read", async || self.read().await).await
    }

    async fn read(&self) -> Result<Vec<Entry>, String> {
        let menu = self.proxy("/MenuBar", MENU).await;
        let whole = (0_i32, -1_i32, Vec::<&str>::new());
        let reply = menu.call_method("GetLayout", &whole).await;
        let reply = reply.map_err(|error| error.to_string())?;
        let body = reply.body();
        let (_, (_, _, children)): (u32, Layout) =
            body.deserialize().map_err(|error| error.to_string())?;
        Ok(children.iter().map(|child| entry(child)).collect())
    }

    /// Waits until `wanted` is in the menu, deeper entries named by all that lead to them, each by how its label begins.
    pub async fn entry(&self, wanted: &[&str]) -> Entry {
        until(&format!("the menu has {wanted:?}"), async || {
            let menu = self.menu().await;
            find(&menu, wanted)
                .cloned()
                .ok_or_else(|| format!("{menu:#?}"))
        })
        .await
    }

    /// Waits until `wanted` is in the menu, and clicks it.
    pub async fn click(&self, wanted: &[&str]) {
        until("the click arrives", async || {
            let entry = self.entry(wanted).await;
            assert!(entry.enabled, "{entry:?} can be clicked");
            let click = (entry.id, "clicked", Value::from(0_i32), 0_u32);
            let menu = self.proxy("/MenuBar", MENU).await;
            let clicked = menu.call_method("Event", &click).await;
            clicked.map(drop).map_err(|error| error.to_string())
        })
        .await;
    }

    /// Tells that the menu is about to be seen.
    pub async fn look(&self) {
        until("the menu is told", async || {
            let menu = self.proxy("/MenuBar", MENU).await;
            let told = menu.call_method("AboutToShow", &(0_i32,)).await;
            told.map(drop).map_err(|error| error.to_string())
        })
        .await;
    }
}

fn find<'a>(entries: &'a [Entry], wanted: &[&str]) -> Option<&'a Entry> {
    let (first, rest) = wanted.split_first()?;
    let found = entries
        .iter()
        .find(|entry| entry.label.starts_with(first))?;
    if rest.is_empty() {
        return Some(found);
    }
    find(&found.entries, rest)
}

fn entry(value: &Value<'_>) -> Entry {
    let Value::Structure(fields) = value else {
        panic!("an entry is three fields: {value:?}");
    };
    let [
        Value::I32(id),
        Value::Dict(properties),
        Value::Array(children),
    ] = fields.fields()
    else {
        panic!("an entry is its id, properties and children: {fields:?}");
    };
    let properties: HashMap<String, Value<'_>> = properties
        .try_clone()
        .and_then(HashMap::try_from)
        .expect("properties");
    let text = |name: &str| match properties.get(name) {
        Some(Value::Str(text)) => text.to_string(),
        _ => String::new(),
    };
    Entry {
        id: *id,
        label: text("label").replace("__", "_"),
        enabled: properties.get("enabled") != Some(&Value::Bool(false)),
        checked: properties.get("toggle-state") == Some(&Value::I32(1)),
        entries: children
            .iter()
            .map(|child| match child {
                Value::Value(child) => entry(child),
                child => entry(child),
            })
            .collect(),
    }
}
