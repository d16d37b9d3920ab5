//! What is published: the document with the newest version, and whose signature counts.

use std::{collections::HashMap, io::Read, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use minisign_verify::{PublicKey, Signature};
use nasiko_contract::{ErrorCode, Fault};
use semver::Version;
use serde::Deserialize;
use ureq::Agent;

/// Where this build looks, and the key it trusts: both or none.
const ENDPOINT: Option<&str> = option_env!("NASIKO_UPDATE_ENDPOINT");
const KEY: Option<&str> = option_env!("NASIKO_UPDATE_KEY");
/// The longest document, in bytes.
const LONGEST: u64 = 256 * 1024;
/// How long a server may take to answer, and to send all it has.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
const BODY_LIMIT: Duration = Duration::from_mins(30);

/// Where newer versions are published, and by whom. Asking it blocks.
#[derive(Clone)]
pub(super) struct Source {
    endpoint: String,
    pub(super) key: PublicKey,
    http: Agent,
}

/// A newer version.
pub(super) struct Offer {
    pub(super) version: Version,
    pub(super) url: String,
    pub(super) signature: Signature,
}

/// `latest.json`, as `cargo xtask package --sign` writes it.
#[derive(Deserialize)]
struct Document {
    version: Version,
    platforms: HashMap<String, Artifact>,
}

#[derive(Deserialize)]
struct Artifact {
    url: String,
    signature: String,
}

impl Source {
    /// The one that this program was built with.
    pub(super) fn built_in() -> Option<Self> {
        // A build with a broken key looks for nothing rather than trusting anybody.
        Self::new(ENDPOINT?, KEY?).ok()
    }

    /// The document at `endpoint`, and the public key as the bundler prints it.
    pub(super) fn new(endpoint: &str, key: &str) -> Result<Self, Fault> {
        let key = decoded(key, "public key")?;
        let limits = Agent::config_builder()
            .timeout_connect(Some(ANSWER_LIMIT))
            .timeout_recv_response(Some(ANSWER_LIMIT))
            .timeout_recv_body(Some(BODY_LIMIT));
        Ok(Self {
            endpoint: endpoint.to_owned(),
            key: PublicKey::decode(&key).map_err(|error| broken("public key", &error))?,
            http: limits.build().into(),
        })
    }

    /// What is published for this system, if it is newer than `present`.
    pub(super) fn newer_than(&self, present: &Version) -> Result<Option<Offer>, Fault> {
        let mut text = Vec::new();
        let mut answer = self.get(&self.endpoint, LONGEST)?;
        answer
            .read_to_end(&mut text)
            .map_err(|error| unreachable(&error))?;
        let mut document: Document =
            serde_json::from_slice(&text).map_err(|error| broken("document", &error))?;
        if document.version <= *present {
            return Ok(None);
        }
        let Some(artifact) = document.platforms.remove(&platform()) else {
            return Ok(None);
        };
        let signature = decoded(&artifact.signature, "signature")?;
        Ok(Some(Offer {
            version: document.version,
            url: artifact.url,
            signature: Signature::decode(&signature)
                .map_err(|error| broken("signature", &error))?,
        }))
    }

    /// What is at `url`, if it is no longer than `limit`.
    pub(super) fn get(&self, url: &str, limit: u64) -> Result<impl Read + use<>, Fault> {
        let answer = self
            .http
            .get(url)
            .call()
            .map_err(|error| unreachable(&error))?;
        Ok(answer.into_body().into_with_config().limit(limit).reader())
    }
}

/// The version of this program.
pub(super) fn present() -> Version {
    // Cargo takes no other one.
    Version::parse(env!("CARGO_PKG_VERSION")).unwrap_or_else(|_| Version::new(0, 0, 0))
}

/// This system, as the document names it.
pub(super) fn platform() -> String {
    format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH)
}

fn decoded(text: &str, what: &str) -> Result<String, Fault> {
    let bytes = BASE64_STANDARD.decode(text.trim());
    let bytes = bytes.map_err(|error| broken(what, &error))?;
    String::from_utf8(bytes).map_err(|error| broken(what, &error))
}

pub(super) fn broken(what: &str, why: &dyn std::fmt::Display) -> Fault {
    Fault::new(
        ErrorCode::Internal,
        format!("The update's {what} is broken: {why}"),
    )
}

pub(super) fn unreachable(error: &dyn std::fmt::Display) -> Fault {
    Fault::new(
        ErrorCode::Unreachable,
        format!("The update cannot be fetched: {error}"),
    )
    .retryable()
}
