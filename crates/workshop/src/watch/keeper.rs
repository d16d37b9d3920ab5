//! The task that keeps the watch over one folder up: sets it up, follows its directories, and finds the folder again.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use nasiko_contract::WatchMode;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::mailbox::Mailbox;
use super::polling::Polled;
use super::{Mode, WatchState, WatcherConfig};
use crate::error::WorkshopError;
use crate::snapshot::SnapshotOptions;

pub(super) struct Keeper {
    pub(super) root: PathBuf,
    pub(super) options: SnapshotOptions,
    pub(super) config: Arc<WatcherConfig>,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) state: watch::Sender<WatchState>,
    pub(super) cancel: CancellationToken,
}

impl Keeper {
    pub(super) async fn run(self) {
        let cancel = self.cancel.clone();
        let _ = cancel.run_until_cancelled(self.keep()).await;
        self.mailbox.close();
    }

    async fn keep(&self) {
        let mut backoff = self.config.poll_fast;
        loop {
            let fault = self.poll(&mut backoff).await;
            self.state.send_replace(WatchState {
                mode: Mode {
                    kind: WatchMode::Off,
                    why: String::new(),
                },
                fault: Some(Arc::new(fault)),
            });
            tokio::time::sleep(backoff).await;
            backoff = (backoff * 2).min(self.config.poll_slow);
        }
    }

    async fn poll(&self, backoff: &mut Duration) -> WorkshopError {
        let mut polled = match self.look(None).await {
            Ok(polled) => polled,
            Err(error) => return error,
        };
        *backoff = self.config.poll_fast;
        self.state.send_replace(WatchState {
            mode: Mode {
                kind: WatchMode::Polling,
                why: String::new(),
            },
            fault: None,
        });
        self.mailbox.rescan();
        let mut interval = self.config.poll_fast;
        loop {
            tokio::time::sleep(interval).await;
            polled = match self.look(Some(polled)).await {
                Ok(polled) => polled,
                Err(error) => return error,
            };
            interval = if polled.changed {
                self.config.poll_fast
            } else {
                (interval * 2).min(self.config.poll_slow)
            };
        }
    }

    async fn look(&self, before: Option<Polled>) -> Result<Polled, WorkshopError> {
        let (root, options, mailbox) = (
            self.root.clone(),
            self.options.clone(),
            Arc::clone(&self.mailbox),
        );
        let cancel = self.cancel.clone();
        tokio::task::spawn_blocking(move || {
            Polled::look(&root, &options, before.as_ref(), &mailbox, &cancel)
        })
        .await
        .unwrap_or(Err(WorkshopError::Cancelled))
    }
}
