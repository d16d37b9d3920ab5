//! Which language an agent speaks, and what its methods are called there.

use std::fmt;
use std::str::FromStr;

/// How an agent is spoken to. Its text form (`Display`, `FromStr`) is stable and meant for remembering it per agent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// A2A 1.0 over JSON-RPC.
    V1,
    /// A2A 0.2 and 0.3 over JSON-RPC.
    V0,
    /// A2A's HTTP+JSON binding (`/message:send`), without JSON-RPC.
    HttpJson,
    /// A plain HTTP agent: `POST path` with `{field: text}`.
    RestChat {
        /// Path on the agent, e.g. `/chat`.
        path: String,
        /// The body's field that takes the text, e.g. `message`.
        field: String,
    },
    /// `POST /v1/chat/completions`.
    OpenAiChat,
}

impl Dialect {
    /// The spelling of messages on the wire; `None` where none of A2A's is used.
    pub fn spelling(&self) -> Option<Spelling> {
        match self {
            Dialect::V1 | Dialect::HttpJson => Some(Spelling::V1),
            Dialect::V0 => Some(Spelling::V0),
            Dialect::RestChat { .. } | Dialect::OpenAiChat => None,
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dialect::V1 => formatter.write_str("a2a-1.0"),
            Dialect::V0 => formatter.write_str("a2a-0.3"),
            Dialect::HttpJson => formatter.write_str("a2a-http"),
            Dialect::RestChat { path, field } => write!(formatter, "rest {field} {path}"),
            Dialect::OpenAiChat => formatter.write_str("openai-chat"),
        }
    }
}

/// The text is not the text form of any [`Dialect`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no dialect")]
pub struct UnknownDialect(String);

impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "a2a-1.0" => Ok(Dialect::V1),
            "a2a-0.3" => Ok(Dialect::V0),
            "a2a-http" => Ok(Dialect::HttpJson),
            "openai-chat" => Ok(Dialect::OpenAiChat),
            _ => text
                .strip_prefix("rest ")
                .and_then(|rest| rest.split_once(' '))
                .filter(|(field, path)| !field.is_empty() && path.starts_with('/'))
                .map(|(field, path)| Dialect::RestChat {
                    path: path.to_owned(),
                    field: field.to_owned(),
                })
                .ok_or_else(|| UnknownDialect(text.to_owned())),
        }
    }
}

/// How A2A's words are written: the two spellings that are in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Spelling {
    /// `kind`, lower-case states and roles.
    V0,
    /// Wrapper keys, `TASK_STATE_*`, `ROLE_*`.
    V1,
}

impl Spelling {
    /// The one that this is not.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Spelling::V0 => Spelling::V1,
            Spelling::V1 => Spelling::V0,
        }
    }
}

/// Declares [`Method`] once: variant, 0.3 name, 1.0 name.
macro_rules! methods {
    ($($(#[$doc:meta])* $variant:ident = $old:literal, $new:literal;)*) => {
        /// A JSON-RPC method of A2A that both spellings have.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Method { $($(#[$doc])* $variant,)* }

        impl Method {
            /// Every method.
            pub const ALL: &'static [Method] = &[$(Method::$variant,)*];

            /// Its name on the wire.
            pub fn name(self, spelling: Spelling) -> &'static str {
                match (self, spelling) {
                    $((Method::$variant, Spelling::V0) => $old, (Method::$variant, Spelling::V1) => $new,)*
                }
            }
        }
    };
}

methods! {
    /// Send a message, wait for the answer.
    Send = "message/send", "SendMessage";
    /// Send a message, read the answer as it comes.
    Stream = "message/stream", "SendStreamingMessage";
    /// Look at a task.
    GetTask = "tasks/get", "GetTask";
    /// List tasks.
    ListTasks = "tasks/list", "ListTasks";
    /// Cancel a task.
    CancelTask = "tasks/cancel", "CancelTask";
    /// Read on at a running task.
    Resubscribe = "tasks/resubscribe", "SubscribeToTask";
    /// Register a push notification.
    SetPush = "tasks/pushNotificationConfig/set", "CreateTaskPushNotificationConfig";
    /// Look at a push notification.
    GetPush = "tasks/pushNotificationConfig/get", "GetTaskPushNotificationConfig";
    /// List push notifications.
    ListPush = "tasks/pushNotificationConfig/list", "ListTaskPushNotificationConfigs";
    /// Remove a push notification.
    DeletePush = "tasks/pushNotificationConfig/delete", "DeleteTaskPushNotificationConfig";
    /// The card for authenticated callers.
    ExtendedCard = "agent/getAuthenticatedExtendedCard", "GetExtendedAgentCard";
}

impl Method {
    /// The method of that name, and the spelling it is written in.
    pub fn parse(name: &str) -> Option<(Self, Spelling)> {
        Self::ALL.iter().find_map(|method| {
            [Spelling::V0, Spelling::V1]
                .into_iter()
                .find(|spelling| method.name(*spelling) == name)
                .map(|spelling| (*method, spelling))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_reads_back() {
        let rest = Dialect::RestChat {
            path: "/api/chat now".to_owned(),
            field: "message".to_owned(),
        };
        for dialect in [
            Dialect::V1,
            Dialect::V0,
            Dialect::HttpJson,
            Dialect::OpenAiChat,
            rest,
        ] {
            assert_eq!(dialect.to_string().parse(), Ok(dialect));
        }
        for bad in ["", "rest", "rest message", "rest message chat", "a2a-9"] {
            assert!(
                bad.parse::<Dialect>().is_err(),
                "{bad:?} must not be taken for a dialect"
            );
        }
    }

    #[test]
    fn every_method_is_found_in_both_spellings() {
        for method in Method::ALL {
            for spelling in [Spelling::V0, Spelling::V1] {
                assert_eq!(
                    Method::parse(method.name(spelling)),
                    Some((*method, spelling))
                );
                assert_ne!(method.name(spelling), method.name(spelling.other()));
            }
        }
        assert_eq!(Method::parse("message/shout"), None);
    }
}
