//! Whoever shows notifications: what came is remembered, and can be clicked.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use zbus::{Connection, interface, object_server::SignalEmitter, zvariant::OwnedValue};

use super::{DesktopBus, until};

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";
/// Closed by the one who clicked.
const DISMISSED: u32 = 2;

/// A notification that was shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Notification {
    /// Its number.
    pub id: u32,
    /// Its title.
    pub summary: String,
    /// Its text.
    pub body: String,
    /// What can be clicked: keys and words in turn.
    pub actions: Vec<String>,
    /// It was taken away by whoever sent it.
    pub withdrawn: bool,
}

/// Shows notifications.
pub struct NotificationDaemon {
    bus: Connection,
    shown: Arc<Mutex<Vec<Notification>>>,
}

struct Server(Arc<Mutex<Vec<Notification>>>);

#[expect(clippy::unused_self, reason = "the macro wants methods")]
#[interface(name = "org.freedesktop.Notifications")]
impl Server {
    #[expect(clippy::too_many_arguments, reason = "as the specification has it")]
    fn notify(
        &self,
        app_name: String,
        replaces_id: u32,
        app_icon: String,
        summary: String,
        body: String,
        actions: Vec<String>,
        hints: HashMap<String, OwnedValue>,
        expire_timeout: i32,
    ) -> u32 {
        let _unused = (app_name, replaces_id, app_icon, hints, expire_timeout);
        let mut shown = self.0.lock();
        let id = u32::try_from(shown.len() + 1).expect("a number");
        shown.push(Notification {
            id,
            summary,
            body,
            actions,
            withdrawn: false,
        });
        id
    }

    fn close_notification(&self, id: u32) {
        let mut shown = self.0.lock();
        for notification in shown.iter_mut().filter(|shown| shown.id == id) {
            notification.withdrawn = true;
        }
    }

    fn get_capabilities(&self) -> Vec<String> {
        vec![
            "actions".to_owned(),
            "body".to_owned(),
            "body-markup".to_owned(),
        ]
    }

    #[zbus(signal)]
    async fn action_invoked(emitter: &SignalEmitter<'_>, id: u32, action: &str)
    -> zbus::Result<()>;

    #[zbus(signal)]
    async fn notification_closed(
        emitter: &SignalEmitter<'_>,
        id: u32,
        reason: u32,
    ) -> zbus::Result<()>;
}

impl NotificationDaemon {
    /// Begins to show the notifications of a bus.
    pub async fn start(bus: &DesktopBus) -> Self {
        let shown = Arc::<Mutex<Vec<Notification>>>::default();
        let bus = bus
            .builder()
            .name(NAME)
            .and_then(|builder| builder.serve_at(PATH, Server(shown.clone())))
            .expect("a name and a path")
            .build()
            .await
            .expect("the notifications have their name");
        Self { bus, shown }
    }

    /// All that came, in order.
    pub fn all(&self) -> Vec<Notification> {
        self.shown.lock().clone()
    }

    /// Waits for one with this title.
    pub async fn titled(&self, title: &str) -> Notification {
        until(&format!("a notification `{title}`"), async || {
            let all = self.all();
            let found = all.iter().find(|shown| shown.summary == title);
            found.cloned().ok_or_else(|| format!("{all:?}"))
        })
        .await
    }

    /// Clicks one.
    pub async fn click(&self, notification: &Notification) {
        let server = self
            .bus
            .object_server()
            .interface::<_, Server>(PATH)
            .await
            .expect("it is served");
        let emitter = server.signal_emitter();
        Server::action_invoked(emitter, notification.id, "default")
            .await
            .expect("the click is told");
        Server::notification_closed(emitter, notification.id, DISMISSED)
            .await
            .expect("its end is told");
    }
}
