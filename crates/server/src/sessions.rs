//! Sessions of browsers: what a cookie stands for. Only hashes are held.

use std::time::{Duration, Instant};

use blake3::Hash;
use parking_lot::Mutex;
use rand::Rng;

/// How long a session lives without being used.
const LIFE: Duration = Duration::from_hours(24 * 7);
/// Sessions held at the same time; the one unused for longest goes first.
const MOST_SESSIONS: usize = 64;

/// The sessions that are open.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    open: Mutex<Vec<Session>>,
}

#[derive(Debug)]
struct Session {
    hash: Hash,
    used: Instant,
}

impl Sessions {
    /// Opens a session; its secret is the cookie's value.
    pub(crate) fn open(&self) -> String {
        let secret = random_secret();
        let mut open = self.open.lock();
        open.retain(Session::lives);
        if open.len() >= MOST_SESSIONS {
            open.remove(0);
        }
        open.push(Session {
            hash: blake3::hash(secret.as_bytes()),
            used: Instant::now(),
        });
        secret
    }

    /// Whether `secret` is an open session's; using it makes it live on.
    pub(crate) fn knows(&self, secret: &str) -> bool {
        let hash = blake3::hash(secret.as_bytes());
        let mut open = self.open.lock();
        open.retain(Session::lives);
        let Some(place) = open.iter().position(|session| session.hash == hash) else {
            return false;
        };
        let mut session = open.remove(place);
        session.used = Instant::now();
        open.push(session);
        true
    }
}

impl Session {
    fn lives(&self) -> bool {
        self.used.elapsed() < LIFE
    }
}

/// 256 random bits as hex.
pub(crate) fn random_secret() -> String {
    let bytes: [u8; 32] = rand::rng().random();
    Hash::from_bytes(bytes).to_hex().to_string()
}
