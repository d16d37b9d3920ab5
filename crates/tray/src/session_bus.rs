//! The tray and the notifications of a Linux desktop: both over the session bus, both allowed to be absent.

mod notifications;
mod status_item;

use std::time::Duration;

use futures::StreamExt;
use ksni::TrayMethods;
use tokio::sync::{mpsc, watch};
use zbus::{Connection, MessageStream, fdo::DBusProxy, names::BusName};

use crate::{deed::Deed, follow::Heard, menu::Address, picture::Picture};
use notifications::Notifications;
use status_item::StatusItem;

/// Whoever has this name shows icons.
const TRAY: &str = "org.kde.StatusNotifierWatcher";
/// The wait before a session bus that went away is looked for again; it doubles with each try.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait between two tries.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// The least time between two changes of the menu: a job that gets on is no reason to redraw it all the time.
const REDRAW: Duration = Duration::from_millis(250);

/// Shows icon, menu and notifications, whenever there is a session bus.
pub(crate) async fn show(
    address: Address,
    mut pictures: watch::Receiver<Picture>,
    deeds: mpsc::Sender<Deed>,
    mut heard: mpsc::Receiver<Heard>,
) {
    let mut wait = FIRST_WAIT;
    loop {
        let picture = pictures.borrow_and_update().clone();
        match Shown::open(address, &picture, &deeds).await {
            Ok(shown) => {
                wait = FIRST_WAIT;
                shown.until_lost(&mut pictures, &deeds, &mut heard).await;
                tracing::info!("the session bus went away: nothing is shown until it is back");
            }
            Err(reason) => tracing::debug!(reason, "the tray cannot be shown"),
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
        // What came meanwhile is in the inbox; shown now it would be late.
        while heard.try_recv().is_ok() {}
    }
}

/// All that is on one session bus.
struct Shown {
    item: ksni::Handle<StatusItem>,
    notifications: Notifications,
    /// Ends with the bus.
    messages: MessageStream,
}

impl Shown {
    async fn open(
        address: Address,
        picture: &Picture,
        deeds: &mpsc::Sender<Deed>,
    ) -> Result<Self, String> {
        let bus = Connection::session()
            .await
            .map_err(|error| error.to_string())?;
        let messages = MessageStream::from(&bus);
        let item = place(&bus, address, picture, deeds).await?;
        let notifications = Notifications::open(bus)
            .await
            .map_err(|error| error.to_string())?;
        Ok(Self {
            item,
            notifications,
            messages,
        })
    }

    async fn until_lost(
        self,
        pictures: &mut watch::Receiver<Picture>,
        deeds: &mpsc::Sender<Deed>,
        heard: &mut mpsc::Receiver<Heard>,
    ) {
        let Self {
            item,
            notifications,
            mut messages,
        } = self;
        let redraw = async {
            while pictures.changed().await.is_ok() {
                let picture = pictures.borrow_and_update().clone();
                if item.update(|item| item.show(&picture)).await.is_none() {
                    return;
                }
                tokio::time::sleep(REDRAW).await;
            }
        };
        let notify = async {
            while let Some(heard) = heard.recv().await {
                notifications.hear(heard).await;
            }
        };
        tokio::select! {
            () = redraw => {}
            () = notify => {}
            () = notifications.answers(deeds) => {}
            () = async { while let Some(Ok(_)) = messages.next().await {} } => {}
        }
        item.shutdown().await;
    }
}

/// Puts the icon into the tray, which may come later. The library asks for that and only then listens for one that comes:
/// of one that came in between it would never hear, so the icon is put there anew.
async fn place(
    bus: &Connection,
    address: Address,
    picture: &Picture,
    deeds: &mpsc::Sender<Deed>,
) -> Result<ksni::Handle<StatusItem>, String> {
    loop {
        let was_there = has_tray(bus).await?;
        let item = StatusItem::new(address, picture, deeds.clone())
            .assume_sni_available(true)
            .spawn()
            .await
            .map_err(|error| error.to_string())?;
        if was_there || !has_tray(bus).await? {
            return Ok(item);
        }
        item.shutdown().await;
    }
}

async fn has_tray(bus: &Connection) -> Result<bool, String> {
    let name = BusName::from_static_str(TRAY).map_err(|error| error.to_string())?;
    let asked = async { DBusProxy::new(bus).await?.name_has_owner(name).await };
    asked.await.map_err(|error| error.to_string())
}
