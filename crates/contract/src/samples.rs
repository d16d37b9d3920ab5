//! Samples: agents that come with the program, for the first minute.

use serde::{Deserialize, Serialize};

use crate::agents::RuntimeKind;

/// `GET /samples`: the samples, the one to begin with first.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ListSamples {}

/// A sample.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// Its name, also the agent's.
    pub name: String,
    /// One sentence.
    pub description: String,
    /// `python`, `node`.
    pub language: String,
    /// Where it would run; none where it cannot run now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<RuntimeKind>,
    /// What it runs with, or what is missing, in one sentence.
    pub why: String,
    /// What to do where it cannot run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The folder it is written to, to be edited there.
    pub folder: String,
}

/// `POST /samples/{sample}/deploy`: writes the sample's folder, unless it is there, and deploys it, watched.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct DeploySample {
    /// Which.
    pub sample: String,
}
