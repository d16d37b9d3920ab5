//! Following the context's control plane: lists once, then its event stream. Nothing is asked again in between.

use std::{path::PathBuf, sync::Arc, time::Duration};

use futures::StreamExt;
use nasiko_client::{
    Client, ItemStream,
    context::Context,
    contexts::{self, Contexts},
};
use nasiko_contract::{
    ErrorCode, Event, Fault, FollowEvents, GetStack, JobState, ListAgents, ListJobs, ListNotices,
    Notice, NoticeId,
};
use tokio::sync::{Notify, mpsc, watch};

use crate::{
    Config,
    picture::{Link, Picture},
};

/// Notices that wait to be shown; one more is in the inbox alone.
pub(crate) const MOST_NOTICES: usize = 64;
/// The wait before a lost connection is tried again; it doubles with each try.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait between two tries.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// How long the engine may keep the first look at the stack waiting: its changes come by events anyway.
const STACK_LIMIT: Duration = Duration::from_secs(10);
/// Rows of a list that are asked for at once.
const ROWS: u32 = 500;

/// What the event stream tells of notices.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A new one that is to be shown.
    New(Notice),
    /// One that was read or cleared: there is no need to show it any longer.
    Settled(NoticeId),
}

/// The way to the context's control plane, shared by those who follow it and those who ask it for something.
#[derive(Clone, Default)]
pub(crate) struct Way {
    client: Arc<parking_lot::Mutex<Option<Arc<Client>>>>,
    look: Arc<Notify>,
}

impl Way {
    /// The client of the context that is followed; `control.unreachable` while it does not answer.
    pub(crate) fn client(&self) -> Result<Arc<Client>, Fault> {
        self.client
            .lock()
            .clone()
            .ok_or_else(|| Fault::new(ErrorCode::Unreachable, "The control plane does not answer"))
    }

    /// Another context may have been chosen.
    pub(crate) fn look_again(&self) {
        self.look.notify_one();
    }
}

/// Keeps the picture up to date.
pub(crate) struct Follower {
    home: PathBuf,
    way: Way,
    picture: watch::Sender<Picture>,
    heard: mpsc::Sender<Heard>,
}

impl Follower {
    pub(crate) fn new(
        config: &Config,
        way: Way,
        picture: watch::Sender<Picture>,
        heard: mpsc::Sender<Heard>,
    ) -> Self {
        Self {
            home: config.home.clone(),
            way,
            picture,
            heard,
        }
    }

    /// Follows whichever context is chosen, for ever.
    pub(crate) async fn follow(self) {
        let mut wait = FIRST_WAIT;
        loop {
            let context = self.look_at_contexts();
            tokio::select! {
                lost = self.follow_one(&context, &mut wait) => self.lost(&lost),
                () = self.until_another(&context) => {
                    self.leave();
                    wait = FIRST_WAIT;
                    continue;
                }
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => wait = (wait * 2).min(LONGEST_WAIT),
                () = self.until_another(&context) => wait = FIRST_WAIT,
            }
        }
    }

    /// The context that is chosen now; all of them become part of the picture.
    fn look_at_contexts(&self) -> Context {
        let (current, all) = match Contexts::read(&self.home) {
            Ok(contexts) => {
                let all = contexts.all().iter();
                (
                    contexts.current().clone(),
                    all.map(|context| context.name.clone()).collect(),
                )
            }
            Err(fault) => {
                tracing::debug!(%fault, "the contexts cannot be read");
                let local = contexts::local(&self.home);
                (local.clone(), vec![local.name])
            }
        };
        self.picture.send_if_modified(|picture| {
            let changed =
                picture.contexts != all || picture.context.as_ref() != Some(&current.name);
            picture.contexts = all;
            picture.context = Some(current.name.clone());
            changed
        });
        current
    }

    async fn until_another(&self, context: &Context) {
        loop {
            self.way.look.notified().await;
            if self.look_at_contexts() != *context {
                return;
            }
        }
    }

    /// Follows a control plane until it cannot be followed any more, and says why.
    async fn follow_one(&self, context: &Context, wait: &mut Duration) -> Fault {
        match self.try_follow(context, wait).await {
            Ok(()) => Fault::new(ErrorCode::Unreachable, "The control plane ended"),
            Err(fault) => fault,
        }
    }

    async fn try_follow(&self, context: &Context, wait: &mut Duration) -> Result<(), Fault> {
        let client = Arc::new(Client::new(contexts::reach(context).await?));
        // Before the lists: what changes meanwhile is heard of.
        let mut events = client.stream(FollowEvents { after: None }).await?;
        self.read(&client).await?;
        *self.way.client.lock() = Some(Arc::clone(&client));
        *wait = FIRST_WAIT;
        while let Some(event) = next(&mut events).await? {
            if event.topic == "gap" {
                self.read(&client).await?;
                continue;
            }
            self.picture
                .send_if_modified(|picture| picture.apply(&event));
            self.hear(&event);
        }
        Ok(())
    }

    /// Reads everything anew.
    async fn read(&self, client: &Client) -> Result<(), Fault> {
        let mut fresh = Picture {
            link: Link::Live,
            ..Picture::default()
        };
        let mut cursor = None;
        loop {
            let limit = Some(ROWS);
            let page = client.call(ListAgents { cursor, limit }).await?;
            for agent in page.items {
                fresh.put_agent(agent);
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        for state in [JobState::Queued, JobState::Running] {
            let request = ListJobs {
                state: Some(state),
                ..ListJobs::default()
            };
            for job in client.call(request).await?.items {
                fresh.put_job(job);
            }
        }
        let unread = ListNotices {
            unread: true,
            limit: Some(ROWS),
            cursor: None,
        };
        for notice in client.call(unread).await?.items {
            fresh.put_notice(&notice);
        }
        let stack = tokio::time::timeout(STACK_LIMIT, client.call(GetStack {})).await;
        if let Ok(Ok(stack)) = stack {
            fresh.put_stack(stack);
        }
        self.picture.send_modify(|picture| {
            fresh.context = picture.context.take();
            fresh.contexts = std::mem::take(&mut picture.contexts);
            *picture = fresh;
        });
        Ok(())
    }

    /// Passes on what is to be shown, or no longer.
    fn hear(&self, event: &Event) {
        let heard = match event.topic.as_str() {
            "notice.added" => read_notice(event)
                .filter(|notice| notice.shown && !notice.read)
                .map(Heard::New),
            "notice.changed" => read_notice(event)
                .filter(|notice| notice.read)
                .map(|notice| Heard::Settled(notice.id)),
            "notice.removed" => Some(Heard::Settled(NoticeId(event.subject.clone()))),
            _ => None,
        };
        if let Some(heard) = heard
            && self.heard.try_send(heard).is_err()
        {
            tracing::debug!("a notice is in the inbox alone");
        }
    }

    fn lost(&self, fault: &Fault) {
        *self.way.client.lock() = None;
        self.picture.send_modify(|picture| {
            let words = Link::Lost(fault.message.clone());
            picture.link = words;
        });
    }

    /// Shows nothing of the context that was followed any more.
    fn leave(&self) {
        *self.way.client.lock() = None;
        self.picture.send_modify(|picture| {
            *picture = Picture {
                context: picture.context.take(),
                contexts: std::mem::take(&mut picture.contexts),
                ..Picture::default()
            };
        });
    }
}

fn read_notice(event: &Event) -> Option<Notice> {
    serde_json::from_value(event.data.clone()).ok()
}

async fn next(events: &mut ItemStream<Event>) -> Result<Option<Event>, Fault> {
    let item = events.next().await.transpose()?;
    Ok(item.map(|streamed| streamed.item))
}
