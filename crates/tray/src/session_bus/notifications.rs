//! Notices on the desktop, by whatever shows notifications there; where nothing does, the inbox has them.

use std::collections::HashMap;

use futures::StreamExt;
use nasiko_contract::{Notice, NoticeId};
use tokio::sync::mpsc;
use zbus::{Connection, zvariant::Value};

use crate::{deed::Deed, follow::Heard};

/// Notifications whose click is waited for; of older ones it does nothing.
const MOST_SHOWN: usize = 50;
/// Until the desktop thinks that it was seen.
const USUAL_TIME: i32 = -1;

#[zbus::proxy(
    interface = "org.freedesktop.Notifications",
    default_service = "org.freedesktop.Notifications",
    default_path = "/org/freedesktop/Notifications"
)]
trait Desktop {
    #[expect(clippy::too_many_arguments, reason = "as the specification has it")]
    fn notify(
        &self,
        app_name: &str,
        replaces_id: u32,
        app_icon: &str,
        summary: &str,
        body: &str,
        actions: &[&str],
        hints: HashMap<&str, Value<'_>>,
        expire_timeout: i32,
    ) -> zbus::Result<u32>;

    fn close_notification(&self, id: u32) -> zbus::Result<()>;

    fn get_capabilities(&self) -> zbus::Result<Vec<String>>;

    #[zbus(signal)]
    fn action_invoked(&self, id: u32, action: String) -> zbus::Result<()>;

    #[zbus(signal)]
    fn activation_token(&self, id: u32, token: String) -> zbus::Result<()>;

    #[zbus(signal)]
    fn notification_closed(&self, id: u32, reason: u32) -> zbus::Result<()>;
}

/// What is shown.
pub(super) struct Notifications {
    desktop: DesktopProxy<'static>,
    shown: parking_lot::Mutex<Vec<Shown>>,
}

struct Shown {
    id: u32,
    notice: NoticeId,
    page: String,
    token: Option<String>,
}

impl Notifications {
    pub(super) async fn open(bus: Connection) -> zbus::Result<Self> {
        let desktop = DesktopProxy::builder(&bus)
            .cache_properties(zbus::proxy::CacheProperties::No)
            .build()
            .await?;
        Ok(Self {
            desktop,
            shown: parking_lot::Mutex::default(),
        })
    }

    /// Shows a notice, or takes it away.
    pub(super) async fn hear(&self, heard: Heard) {
        let done = match heard {
            Heard::New(notice) => self.show(notice).await,
            Heard::Settled(notice) => self.withdraw(&notice).await,
        };
        if let Err(error) = done {
            tracing::debug!(%error, "a notice is in the inbox alone");
        }
    }

    async fn show(&self, notice: Notice) -> zbus::Result<()> {
        let capabilities = self.desktop.get_capabilities().await?;
        let markup = capabilities.iter().any(|can| can == "body-markup");
        let body = if markup {
            escaped(&notice.text)
        } else {
            notice.text
        };
        // Low or normal: one that stays until it is clicked would be a nuisance.
        let urgency = u8::from(notice.kind.is_trouble());
        let hints = HashMap::from([
            ("urgency", Value::from(urgency)),
            ("desktop-entry", Value::from("nasiko-desktop")),
        ]);
        let actions = ["default", "Open", "open", "Open"];
        let id = self
            .desktop
            .notify(
                "Nasiko",
                0,
                "nasiko",
                &notice.title,
                &body,
                &actions,
                hints,
                USUAL_TIME,
            )
            .await?;
        let mut shown = self.shown.lock();
        if shown.len() >= MOST_SHOWN {
            shown.remove(0);
        }
        shown.push(Shown {
            id,
            notice: notice.id,
            page: notice.target,
            token: None,
        });
        Ok(())
    }

    async fn withdraw(&self, notice: &NoticeId) -> zbus::Result<()> {
        let found = {
            let mut shown = self.shown.lock();
            let place = shown.iter().position(|shown| shown.notice == *notice);
            place.map(|place| shown.remove(place))
        };
        match found {
            Some(shown) => self.desktop.close_notification(shown.id).await,
            None => Ok(()),
        }
    }

    /// Turns clicks into deeds, until the bus goes away.
    pub(super) async fn answers(&self, deeds: &mpsc::Sender<Deed>) {
        if let Err(error) = self.follow(deeds).await {
            tracing::debug!(%error, "clicks on notifications cannot be heard");
            // Only the bus's own end is one.
            std::future::pending::<()>().await;
        }
    }

    async fn follow(&self, deeds: &mpsc::Sender<Deed>) -> zbus::Result<()> {
        let mut tokens = self.desktop.receive_activation_token().await?;
        let mut clicks = self.desktop.receive_action_invoked().await?;
        let mut ends = self.desktop.receive_notification_closed().await?;
        loop {
            tokio::select! {
                // The token comes before its click.
                biased;
                Some(signal) = tokens.next() => {
                    let arguments = signal.args()?;
                    let mut shown = self.shown.lock();
                    if let Some(shown) = shown.iter_mut().find(|shown| shown.id == arguments.id) {
                        shown.token = Some(arguments.token);
                    }
                }
                Some(signal) = clicks.next() => {
                    let id = signal.args()?.id;
                    if let Some(deed) = self.clicked(id)
                        && deeds.try_send(deed).is_err()
                    {
                        tracing::debug!("clicked faster than it can be done");
                    }
                }
                Some(signal) = ends.next() => {
                    let id = signal.args()?.id;
                    self.shown.lock().retain(|shown| shown.id != id);
                }
                else => return Ok(()),
            }
        }
    }

    fn clicked(&self, id: u32) -> Option<Deed> {
        let mut shown = self.shown.lock();
        let place = shown.iter().position(|shown| shown.id == id)?;
        let shown = shown.remove(place);
        Some(Deed::OpenNotice {
            notice: shown.notice,
            page: shown.page,
            token: shown.token,
        })
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
