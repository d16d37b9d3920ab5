//! Per-agent credentials of the network exposure.

use std::sync::Arc;

use arc_swap::ArcSwap;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

/// Tokens one agent may hold at once; an update overlaps two instances, so one is not enough.
const MAX_TOKENS_PER_AGENT: usize = 8;

/// Who may come in from the container network. A cheap handle; clones share the same set.
#[derive(Clone, Default)]
pub struct Credentials {
    grants: Arc<ArcSwap<Vec<Grant>>>,
}

#[derive(Clone)]
struct Grant {
    agent: Arc<str>,
    token: SecretString,
}

impl Credentials {
    /// A new random token for `agent`; earlier ones stay valid until [`Credentials::revoke`], so that the instance
    /// being replaced can finish. The oldest goes once an agent holds eight.
    pub fn issue(&self, agent: &str) -> SecretString {
        let bytes: [u8; 32] = rand::random();
        let mut hex = String::with_capacity(64);
        for byte in bytes {
            hex.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
            hex.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
        }
        let token = SecretString::from(hex);
        self.admit(agent, token.clone());
        token
    }

    /// Accepts a token that was issued by an earlier run, for an adopted instance.
    pub fn admit(&self, agent: &str, token: SecretString) {
        let grant = Grant {
            agent: agent.into(),
            token,
        };
        self.grants.rcu(|grants| {
            let mut grants = Vec::clone(grants);
            if grants.iter().filter(|held| *held.agent == *agent).count() >= MAX_TOKENS_PER_AGENT
                && let Some(oldest) = grants.iter().position(|held| *held.agent == *agent)
            {
                grants.remove(oldest);
            }
            grants.push(grant.clone());
            grants
        });
    }

    /// Withdraws one token: that of an instance that is gone.
    pub fn withdraw(&self, token: &SecretString) {
        self.grants.rcu(|grants| {
            let mut grants = Vec::clone(grants);
            grants.retain(|held| held.token.expose_secret() != token.expose_secret());
            grants
        });
    }

    /// Withdraws every token of `agent`.
    pub fn revoke(&self, agent: &str) {
        self.grants.rcu(|grants| {
            let mut grants = Vec::clone(grants);
            grants.retain(|held| *held.agent != *agent);
            grants
        });
    }

    /// The agent that holds `token`. Looks at every grant and compares in constant time, so that the time taken says
    /// nothing about how much of a guess was right.
    pub(crate) fn holder(&self, token: &str) -> Option<Arc<str>> {
        let mut holder = None;
        for grant in self.grants.load().iter() {
            if bool::from(
                grant
                    .token
                    .expose_secret()
                    .as_bytes()
                    .ct_eq(token.as_bytes()),
            ) {
                holder = Some(Arc::clone(&grant.agent));
            }
        }
        holder
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Credentials")
            .field("grants", &self.grants.load().len())
            .finish()
    }
}
