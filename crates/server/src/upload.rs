//! A multipart request: its file streamed to disk, its fields read.

use std::path::Path;

use axum::{
    body::Body,
    extract::{FromRequest, Multipart, Request, multipart::Field},
    http::request::Parts,
};
use nasiko_contract::{ErrorCode, Fault};
use nasiko_control::api::UploadedFile;
use serde_json::{Map, Value};
use tempfile::TempPath;
use tokio::io::AsyncWriteExt;

use crate::{app::Limits, fields::Fields, idempotency};

/// Fields beside the file.
const MOST_FIELDS: usize = 32;
/// Bytes of one field that is not the file.
const LONGEST_FIELD: usize = 256 << 10;

/// What arrived.
pub(crate) struct Upload {
    pub(crate) fields: Map<String, Value>,
    pub(crate) file: UploadedFile,
    pub(crate) fingerprint: blake3::Hash,
    /// Removes the file when dropped, unless the plane has moved it away.
    pub(crate) kept: TempPath,
}

/// Receives a multipart body into a file below `folder`.
pub(crate) async fn receive(
    folder: &Path,
    limits: Limits,
    fields: Fields,
    parts: &Parts,
    body: Body,
) -> Result<Upload, Fault> {
    let request = Request::from_parts(parts.clone(), body);
    let mut multipart = Multipart::from_request(request, &())
        .await
        .map_err(|error| broken(&error.body_text()).hint("Send it as multipart/form-data"))?;
    let mut values = Map::new();
    let mut file = None;
    let mut hasher = idempotency::hasher(&parts.uri);
    while let Some(mut field) = in_time(limits, multipart.next_field())
        .await?
        .map_err(|error| broken(&error.body_text()))?
    {
        if let Some(name) = field.file_name().map(str::to_owned) {
            if file.is_some() {
                return Err(broken("more than one file"));
            }
            file = Some((name, save(folder, limits, &mut field, &mut hasher).await?));
            continue;
        }
        let name = field.name().unwrap_or_default().to_owned();
        if values.len() >= MOST_FIELDS {
            return Err(broken(&format!("more than {MOST_FIELDS} fields")));
        }
        let text = text(limits, &mut field).await?;
        hasher.update(name.as_bytes()).update(&[0]);
        hasher.update(text.as_bytes()).update(&[0]);
        let value = fields.read(&name, &text);
        values.insert(name, value);
    }
    let (name, kept) = file.ok_or_else(|| broken("there is no file in it"))?;
    Ok(Upload {
        fields: values,
        file: UploadedFile {
            name,
            path: kept.to_path_buf(),
        },
        fingerprint: hasher.finalize(),
        kept,
    })
}

async fn save(
    folder: &Path,
    limits: Limits,
    field: &mut Field<'_>,
    hasher: &mut blake3::Hasher,
) -> Result<TempPath, Fault> {
    tokio::fs::create_dir_all(folder)
        .await
        .map_err(|error| unwritable(&error))?;
    let (file, path) = tempfile::NamedTempFile::new_in(folder)
        .map_err(|error| unwritable(&error))?
        .into_parts();
    let mut file = tokio::fs::File::from_std(file);
    let mut size: u64 = 0;
    while let Some(chunk) = in_time(limits, field.chunk())
        .await?
        .map_err(|error| broken(&error.body_text()))?
    {
        size += chunk.len() as u64;
        if size > limits.upload_bytes {
            let limit = limits.upload_bytes;
            return Err(Fault::new(
                ErrorCode::TooLarge,
                format!("The file is larger than {limit} bytes"),
            ));
        }
        hasher.update(&chunk);
        file.write_all(&chunk)
            .await
            .map_err(|error| unwritable(&error))?;
    }
    file.flush().await.map_err(|error| unwritable(&error))?;
    Ok(path)
}

async fn text(limits: Limits, field: &mut Field<'_>) -> Result<String, Fault> {
    let mut bytes = Vec::new();
    while let Some(chunk) = in_time(limits, field.chunk())
        .await?
        .map_err(|error| broken(&error.body_text()))?
    {
        if bytes.len() + chunk.len() > LONGEST_FIELD {
            return Err(Fault::new(
                ErrorCode::TooLarge,
                format!("A field is larger than {LONGEST_FIELD} bytes"),
            ));
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).map_err(|_| broken("a field is not UTF-8"))
}

async fn in_time<T>(limits: Limits, work: impl Future<Output = T>) -> Result<T, Fault> {
    tokio::time::timeout(limits.upload_pause, work)
        .await
        .map_err(|_| Fault::new(ErrorCode::TimedOut, "The upload paused for too long"))
}

fn broken(why: &str) -> Fault {
    Fault::new(ErrorCode::InvalidRequest, "The upload was not understood")
        .evidence([why.to_owned()])
}

fn unwritable(error: &std::io::Error) -> Fault {
    let code = match error.kind() {
        std::io::ErrorKind::StorageFull => ErrorCode::DiskFull,
        _ => ErrorCode::Internal,
    };
    Fault::new(code, "The upload could not be kept").evidence([error.to_string()])
}
