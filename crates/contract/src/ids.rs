//! Names and ids as types, so that none is taken for another.

use serde::{Deserialize, Serialize};

macro_rules! id_type {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    )*};
}

id_type! {
    /// An agent's name, `[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?`; it is also the agent's id and its route.
    AgentName;
    /// A durable job (UUIDv7 text).
    JobId;
    /// One attempt to run a version of an agent (UUIDv7 text).
    DeploymentId;
    /// A conversation (UUIDv7 text).
    SessionId;
    /// A message of a conversation.
    MessageId;
    /// What one save did (UUIDv7 text).
    UpdateId;
    /// A notice of the inbox.
    NoticeId;
    /// A question that is asked again after each update (UUIDv7 text).
    PinId;
    /// A W3C trace id: 32 lower-case hex digits.
    TraceId;
    /// A W3C span id: 16 lower-case hex digits.
    SpanId;
}
