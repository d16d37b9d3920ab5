//! What SQLite's result codes mean to us.

use std::{path::Path, sync::Arc};

use rusqlite::{Error, ErrorCode, ffi};

use crate::StoreError;

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        // The index beside the journal cannot grow: said as an I/O error, but there is one cause only.
        let cannot_grow = error
            .sqlite_error()
            .is_some_and(|code| code.extended_code == ffi::SQLITE_IOERR_SHMSIZE);
        match error.sqlite_error_code() {
            _ if cannot_grow => Self::DiskFull,
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged(Arc::new(error))
            }
            _ => Self::Sqlite(Arc::new(error)),
        }
    }
}

/// An error met while the file was opened, where the path says more than the code.
pub(super) fn opening(file: &Path) -> impl Fn(Error) -> StoreError {
    move |error| {
        let path = file.to_owned();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => StoreError::Corrupt {
                path,
                reason: error.to_string(),
            },
            Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                StoreError::NotWritable {
                    path,
                    reason: error.to_string(),
                }
            }
            _ => error.into(),
        }
    }
}
