//! Finding out what an agent is: its card, else what its documents say.

use std::time::Duration;

use reqwest::{StatusCode, Url};
use serde_json::Value;

use super::answer::read_body;
use super::plan::Attempt;
use super::{Inner, address, openapi};
use crate::card::{Card, MAX_CARD_BYTES, WELL_KNOWN_PATHS};
use crate::dialect::Dialect;
use crate::error::A2aError;

/// How long one document may take.
const DOCUMENT_TIMEOUT: Duration = Duration::from_secs(10);

/// The largest OpenAPI document that is read, in bytes.
const MAX_DOCUMENT_BYTES: usize = 8 * 1024 * 1024;

impl Inner {
    /// Fetches the card from wherever it is served.
    pub(super) async fn fetch_card(&self) -> Result<Card, A2aError> {
        let mut asked: Vec<String> = Vec::new();
        let mut unreadable = None;
        for place in self.card_places() {
            let url = place.as_str().to_owned();
            if asked.contains(&url) {
                continue;
            }
            asked.push(url);
            let Some(body) = self.document(place, MAX_CARD_BYTES).await? else {
                continue;
            };
            match Card::parse(&body) {
                // Programs that answer every path with some page or status are no reason to stop looking.
                Ok(card) if card.name().is_some() || !card.interfaces().is_empty() => {
                    return Ok(card);
                }
                Ok(_) => {}
                Err(error) => {
                    unreadable.get_or_insert(error);
                }
            }
        }
        Err(unreadable.map_or(A2aError::NoCard { asked }, A2aError::Card))
    }

    /// Makes sure that there is something to plan with; gives the ways to talk that documents describe.
    pub(super) async fn prepare(&self) -> Result<Vec<Dialect>, A2aError> {
        let hints = self.hints.lock().clone();
        if hints.dialect.is_some() || hints.card.is_some() {
            return Ok(Vec::new());
        }
        match self.fetch_card().await {
            Ok(card) => {
                self.hints.lock().card = Some(card);
                return Ok(Vec::new());
            }
            Err(error @ (A2aError::Unreachable { .. } | A2aError::BadAddress(_))) => {
                return Err(error);
            }
            Err(error) => tracing::debug!(%error, "agent has no card to go by"),
        }
        let mut described = hints
            .capabilities
            .as_ref()
            .map(openapi::from_capabilities)
            .unwrap_or_default();
        let place = address::resolve(&self.base, "/openapi.json")?;
        if let Some(body) = self.document(place, MAX_DOCUMENT_BYTES).await?
            && let Ok(document) = serde_json::from_slice::<Value>(&body)
        {
            described.splice(0..0, openapi::from_openapi(&document));
        }
        Ok(described)
    }

    /// Remembers what an agent answered to.
    pub(super) fn learn(&self, attempt: &Attempt, streamed: bool) {
        let mut hints = self.hints.lock();
        hints.dialect = Some(attempt.dialect.clone());
        hints.endpoint = Some(attempt.endpoint.clone());
        hints.streaming = Some(streamed);
    }

    /// Root first, then below the declared path.
    fn card_places(&self) -> Vec<Url> {
        let hints = self.hints.lock();
        let declared: Vec<String> = hints
            .card
            .iter()
            .flat_map(|card| card.interfaces().into_iter().map(|interface| interface.url))
            .chain(hints.endpoint.clone())
            .collect();
        std::iter::once("/".to_owned())
            .chain(declared)
            .filter_map(|root| address::resolve(&self.base, &root).ok())
            .flat_map(|root| {
                let root = root
                    .as_str()
                    .split('?')
                    .next()
                    .unwrap_or_default()
                    .trim_end_matches('/')
                    .to_owned();
                WELL_KNOWN_PATHS.map(|path| Url::parse(&format!("{root}{path}")).ok())
            })
            .flatten()
            .collect()
    }

    /// Gets a document; `None` unless the agent gives one. Only a missing connection is an error.
    async fn document(&self, url: Url, limit: usize) -> Result<Option<Vec<u8>>, A2aError> {
        let address = url.to_string();
        let request = self
            .http
            .get(url)
            .header("accept", "application/json")
            .send();
        let response = match tokio::time::timeout(DOCUMENT_TIMEOUT, request).await {
            Ok(Ok(response)) if response.status() == StatusCode::OK => response,
            Ok(Ok(_)) | Err(_) => return Ok(None),
            Ok(Err(source)) if source.is_connect() => {
                return Err(A2aError::Unreachable {
                    url: address,
                    source,
                });
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, address, "document could not be had");
                return Ok(None);
            }
        };
        match read_body(response, limit, DOCUMENT_TIMEOUT).await {
            Ok(body) => Ok(Some(body)),
            Err(error) => {
                tracing::debug!(%error, address, "document could not be read");
                Ok(None)
            }
        }
    }
}
