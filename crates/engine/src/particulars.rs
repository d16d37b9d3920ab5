//! What an engine says of itself, of its machine and of its images: for whoever looks for what is wrong with it.

use std::time::SystemTime;

use bollard::errors::Error;

use crate::{Engine, EngineError, NOT_FOUND, status};

/// What an engine says of itself and of the machine it runs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Particulars {
    /// The newest version of its API that it speaks, e.g. `1.41`.
    pub api: String,
    /// What its machine computes with, in Docker's words, e.g. `amd64`.
    pub architecture: String,
    /// What its clock said, where it says so.
    pub time: Option<SystemTime>,
    /// What the clock here said meanwhile: the middle of asking.
    pub asked: SystemTime,
}

impl Engine {
    /// What it says of itself and its machine.
    pub async fn particulars(&self) -> Result<Particulars, EngineError> {
        let client = self.client().await?;
        let failed = |what| move |error: Error| self.failed(what, error);
        let version = client.version().await.map_err(failed("its version"))?;
        let before = SystemTime::now();
        let about = client.info().await.map_err(failed("what it is"))?;
        let took = before.elapsed().unwrap_or_default();
        let time = about
            .system_time
            .and_then(|time| time.parse::<jiff::Timestamp>().ok())
            .map(SystemTime::from);
        Ok(Particulars {
            api: version.api_version.unwrap_or_default(),
            architecture: version.arch.unwrap_or_default(),
            time,
            asked: before + took / 2,
        })
    }

    /// What the machine of an image computes with, in Docker's words; none if there is no such image.
    pub async fn image_architecture(&self, image: &str) -> Result<Option<String>, EngineError> {
        let client = self.client().await?;
        match client.inspect_image(image).await {
            Ok(image) => Ok(image.architecture),
            Err(error) if status(&error) == Some(NOT_FOUND) => Ok(None),
            Err(error) => Err(self.failed("an image", error)),
        }
    }

    /// From now on the engine at this address is used and no other, whatever was configured; an engine that does not answer
    /// there leaves everything as it was.
    pub async fn use_instead(&self, address: &str) -> Result<(), EngineError> {
        crate::connect(address).await?;
        *self.instead.lock() = Some(address.to_owned());
        self.connected.lock().take();
        self.client().await.map(drop)
    }
}
