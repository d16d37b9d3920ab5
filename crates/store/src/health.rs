//! How a server behind the store is, to be shown to people.

use serde::Serialize;

/// How one server is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Health {
    /// Which one, without credentials.
    pub server: String,
    /// What is wrong, in the driver's words; `None`: it answers.
    pub trouble: Option<String>,
}

impl Health {
    pub(crate) fn up(server: &str) -> Self {
        Self {
            server: server.to_owned(),
            trouble: None,
        }
    }

    /// Takes down what the last call met; true if that is news.
    pub(crate) fn note(&mut self, trouble: Option<String>) -> bool {
        let is_news = self.trouble.is_some() != trouble.is_some();
        if is_news {
            match &trouble {
                Some(reason) => tracing::warn!(server = self.server, reason, "server lost"),
                None => tracing::info!(server = self.server, "server is back"),
            }
        }
        self.trouble = trouble;
        is_news
    }
}
