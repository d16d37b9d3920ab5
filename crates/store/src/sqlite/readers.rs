//! A few read-only connections, opened when first needed.

use std::{path::PathBuf, sync::Arc};

use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::schema;
use crate::StoreError;

/// Readers at work at once; more wait in line. Each costs its page cache (256 KiB at most).
const READERS: usize = 2;

pub(super) struct Readers {
    file: Arc<PathBuf>,
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(file: PathBuf) -> Self {
        Self {
            file: Arc::new(file),
            idle: Arc::default(),
            permits: Arc::new(Semaphore::new(READERS)),
        }
    }

    /// Runs `work` on a connection, off the async threads.
    pub(super) async fn read<R, F>(&self, work: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: FnOnce(&Connection) -> Result<R, StoreError> + Send + 'static,
    {
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|_| StoreError::Closed)?;
        let (file, idle) = (Arc::clone(&self.file), Arc::clone(&self.idle));
        let reading = tokio::task::spawn_blocking(move || {
            let pooled = idle.lock().pop();
            let connection = match pooled {
                Some(connection) => connection,
                None => schema::open_reader(&file)?,
            };
            let outcome = work(&connection);
            idle.lock().push(connection);
            // Given back only now, so that there are never more connections than permits.
            drop(permit);
            outcome
        });
        reading.await.map_err(|_| StoreError::Closed)?
    }

    /// Refuses further reads and closes the idle connections.
    pub(super) fn close(&self) {
        self.permits.close();
        self.idle.lock().clear();
    }
}
