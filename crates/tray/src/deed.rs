//! What a click asks for, and its carrying out.

use std::sync::Arc;

use nasiko_client::{
    Client,
    context::ContextName,
    contexts::{self, Contexts},
};
use nasiko_contract::{
    AgentName, CancelJob, CreateBrowserCode, Fault, JobId, JsonOperation, NoticeId, ReadNotices,
    RestartAgent, Shutdown, StackDown, StackUp, StartAgent, StopAgent,
};
use tokio::sync::{mpsc, watch};

use crate::{Config, clipboard::Clipboard, follow::Way, open, picture::Picture};

/// Clicks that wait for their turn; one more is dropped, since nobody clicks so fast.
pub(crate) const MOST_WAITING: usize = 16;

/// What a click asks for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Deed {
    /// Show a page.
    Open(String),
    /// Show what a notice is about; it is read by that. The token lets the window come to the front.
    OpenNotice {
        notice: NoticeId,
        page: String,
        token: Option<String>,
    },
    /// Bring the stack up as it was, or with one more group of services.
    StartStack(Option<String>),
    StopStack,
    Start(AgentName),
    Stop(AgentName),
    Restart(AgentName),
    /// Put an address on the clipboard.
    Copy(String),
    /// Open an address in the browser.
    Browse(String),
    Cancel(JobId),
    ReadNotices,
    UseContext(ContextName),
    /// Somebody is about to look: what no event tells is read anew.
    Look,
    Quit(Quit),
}

/// What becomes of the agents when the control plane ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quit {
    KeepAgents,
    StopAgents,
}

/// Does what is asked for, one after the other.
pub(crate) struct Doer {
    config: Config,
    way: Way,
    clipboard: Option<Clipboard>,
    picture: watch::Sender<Picture>,
}

impl Doer {
    pub(crate) fn new(config: Config, way: Way, picture: watch::Sender<Picture>) -> Self {
        Self {
            clipboard: Clipboard::find(&config),
            config,
            way,
            picture,
        }
    }

    /// Does what is asked for until nobody can ask any more.
    pub(crate) async fn carry_out(self, mut asked: mpsc::Receiver<Deed>) {
        while let Some(deed) = asked.recv().await {
            if deed == Deed::Look {
                self.way.look_again();
                continue;
            }
            let refusal = self.do_it(deed).await.err().map(|fault| fault.message);
            self.picture.send_if_modified(|picture| {
                let changed = picture.refusal != refusal;
                picture.refusal = refusal;
                changed
            });
        }
    }

    async fn do_it(&self, deed: Deed) -> Result<(), Fault> {
        match deed {
            Deed::Look => Ok(()),
            Deed::Open(page) => self.open(&page, None).await,
            Deed::OpenNotice {
                notice,
                page,
                token,
            } => {
                let notice = Some(notice);
                let read = self.call(ReadNotices { notice }).await;
                self.open(&page, token.as_deref()).await.and(read)
            }
            Deed::StartStack(profile) => {
                let profiles = Vec::from_iter(profile);
                self.call(StackUp {
                    profiles,
                    ..StackUp::default()
                })
                .await
            }
            Deed::StopStack => self.call(StackDown::default()).await,
            Deed::Start(agent) => self.call(StartAgent { agent }).await,
            Deed::Stop(agent) => self.call(StopAgent { agent }).await,
            Deed::Restart(agent) => self.call(RestartAgent { agent }).await,
            Deed::Cancel(job) => self.call(CancelJob { job }).await,
            Deed::ReadNotices => self.call(ReadNotices::default()).await,
            Deed::Copy(text) => match &self.clipboard {
                Some(clipboard) => clipboard.put(&text).await,
                None => open::in_browser(&text),
            },
            Deed::Browse(url) => open::in_browser(&url),
            Deed::UseContext(name) => {
                // Waits for a lock on the file, and writes.
                let home = self.config.home.clone();
                let chosen = tokio::task::spawn_blocking(move || {
                    Contexts::read(&home)?.use_context(name.as_str()).map(drop)
                });
                chosen.await.unwrap_or(Ok(()))?;
                self.way.look_again();
                Ok(())
            }
            Deed::Quit(quit) => {
                // Always the control plane that shows the tray, whichever context is looked at.
                let transport = contexts::reach(&contexts::local(&self.config.home)).await?;
                let stop_agents = quit == Quit::StopAgents;
                let shutdown = Shutdown { stop_agents };
                Client::new(transport).call(shutdown).await.map(drop)
            }
        }
    }

    /// Shows a page in the window, or in the browser where there is no window's program.
    async fn open(&self, page: &str, token: Option<&str>) -> Result<(), Fault> {
        if open::in_window(&self.config, page, token) {
            return Ok(());
        }
        let code = self.client()?.call(CreateBrowserCode {}).await?;
        open::in_browser(&code.url)
    }

    async fn call<O: JsonOperation>(&self, operation: O) -> Result<(), Fault> {
        self.client()?.call(operation).await.map(drop)
    }

    fn client(&self) -> Result<Arc<Client>, Fault> {
        self.way.client()
    }
}
