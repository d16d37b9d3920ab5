//! One window per data directory. The first holds a lock there and listens; a second start hands over what it was asked to
//! open, and ends.
//!
//! Our own instead of the plugin's: that one takes one window per person and machine, and on Linux needs a session bus and
//! a started GTK before it finds out.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::mpsc,
    time::{Duration, Instant},
};

use nasiko_client::{private, window::Opened};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Held by the window's process as long as it lives.
const LOCK: &str = "window.lock";
/// Where it listens, and the secret that whoever may speak to it knows.
const ADDRESS: &str = "window-address.json";
/// How long a first window may take to listen, or to end.
const PATIENCE: Duration = Duration::from_secs(10);
const STEP: Duration = Duration::from_millis(10);
/// How long one message may take.
const MESSAGE_LIMIT: Duration = Duration::from_secs(2);
/// The longest message, in bytes.
const LONGEST_MESSAGE: u64 = 1 << 20;
/// Messages that wait until the window stands.
const MOST_WAITING: usize = 16;
/// What the first window says to a message that it took.
const TAKEN: &[u8] = b"taken\n";

/// The one window of a data directory.
pub(crate) struct Instance {
    /// Another may be it when this is dropped.
    pub(crate) lock: File,
    /// What later starts hand over.
    pub(crate) later: mpsc::Receiver<Vec<Opened>>,
}

#[derive(Serialize, Deserialize)]
struct Address {
    port: u16,
    secret: String,
}

#[derive(Serialize, Deserialize)]
struct Message {
    secret: String,
    opened: Vec<Opened>,
}

/// Becomes the one window of `home`; `None` when there is one, which took `opened` and shows itself.
pub(crate) fn claim(home: &Path, opened: &[Opened]) -> std::io::Result<Option<Instance>> {
    private::folder(home)?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        // A window may end, or begin to listen, while it is asked.
        if let Some(lock) = private::try_lock(&home.join(LOCK))? {
            return listen(home, lock).map(Some);
        }
        match hand_over(home, opened) {
            Ok(()) => return Ok(None),
            Err(error) if Instant::now() > deadline => return Err(error),
            Err(_) => std::thread::sleep(STEP),
        }
    }
}

fn listen(home: &Path, lock: File) -> std::io::Result<Instance> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let secret = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let address = Address {
        port: listener.local_addr()?.port(),
        secret: secret.clone(),
    };
    private::write(&home.join(ADDRESS), &serde_json::to_vec(&address)?)?;
    let (sender, later) = mpsc::sync_channel(MOST_WAITING);
    std::thread::Builder::new()
        .name("later starts".to_owned())
        .spawn(move || {
            for stream in listener.incoming().flatten() {
                // Who does not know the secret, or breaks off, is no start of ours.
                let _ = take(&stream, &secret, &sender);
            }
        })?;
    Ok(Instance { lock, later })
}

fn take(
    mut stream: &TcpStream,
    secret: &str,
    window: &mpsc::SyncSender<Vec<Opened>>,
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(MESSAGE_LIMIT))?;
    stream.set_write_timeout(Some(MESSAGE_LIMIT))?;
    let mut line = Vec::new();
    BufReader::new(stream)
        .take(LONGEST_MESSAGE)
        .read_until(b'\n', &mut line)?;
    let message: Message = serde_json::from_slice(&line)?;
    let knows: bool =
        subtle::ConstantTimeEq::ct_eq(message.secret.as_bytes(), secret.as_bytes()).into();
    if knows && window.try_send(message.opened).is_ok() {
        stream.write_all(TAKEN)?;
    }
    Ok(())
}

fn hand_over(home: &Path, opened: &[Opened]) -> std::io::Result<()> {
    let address: Address = serde_json::from_slice(&fs_err::read(address_file(home))?)?;
    let mut stream =
        TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, address.port).into(), MESSAGE_LIMIT)?;
    stream.set_read_timeout(Some(MESSAGE_LIMIT))?;
    stream.set_write_timeout(Some(MESSAGE_LIMIT))?;
    let mut message = serde_json::to_vec(&Message {
        secret: address.secret,
        opened: opened.to_vec(),
    })?;
    message.push(b'\n');
    stream.write_all(&message)?;
    let mut answer = Vec::new();
    stream.take(TAKEN.len() as u64).read_to_end(&mut answer)?;
    if answer == TAKEN {
        Ok(())
    } else {
        Err(std::io::Error::other(
            "the open window does not take what it is asked to open",
        ))
    }
}

fn address_file(home: &Path) -> PathBuf {
    home.join(ADDRESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn go(path: &str) -> Vec<Opened> {
        vec![Opened::Go {
            path: path.to_owned(),
        }]
    }

    #[test]
    fn a_second_start_hands_over_and_ends() {
        let home = tempfile::tempdir().unwrap();
        let first = claim(home.path(), &[]).unwrap().unwrap();
        for path in ["/agents", "/stack"] {
            assert!(claim(home.path(), &go(path)).unwrap().is_none());
            assert_eq!(first.later.recv_timeout(PATIENCE).unwrap(), go(path));
        }
    }

    #[test]
    fn another_data_directory_is_another_window() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let _one = claim(one.path(), &[]).unwrap().unwrap();
        assert!(claim(other.path(), &[]).unwrap().is_some());
    }

    #[test]
    fn after_the_first_has_ended_the_next_is_the_one() {
        let home = tempfile::tempdir().unwrap();
        drop(claim(home.path(), &[]).unwrap().unwrap());
        let second = claim(home.path(), &[]).unwrap().unwrap();
        assert!(claim(home.path(), &go("/")).unwrap().is_none());
        assert_eq!(second.later.recv_timeout(PATIENCE).unwrap(), go("/"));
    }

    #[test]
    fn who_does_not_know_the_secret_is_not_heard() {
        let home = tempfile::tempdir().unwrap();
        let first = claim(home.path(), &[]).unwrap().unwrap();
        let file = address_file(home.path());
        let right = fs_err::read(&file).unwrap();
        let mut address: Address = serde_json::from_slice(&right).unwrap();
        for wrong in ["", "0"] {
            address.secret = wrong.repeat(64);
            fs_err::write(&file, serde_json::to_vec(&address).unwrap()).unwrap();
            assert!(hand_over(home.path(), &go("/")).is_err());
        }
        let mut stranger = TcpStream::connect((Ipv4Addr::LOCALHOST, address.port)).unwrap();
        stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stranger
            .take(100)
            .read_to_end(&mut answer)
            .unwrap_or_default();
        assert!(answer.is_empty());
        assert!(first.later.try_recv().is_err());
        fs_err::write(&file, right).unwrap();
        hand_over(home.path(), &go("/")).unwrap();
        assert_eq!(
            first.later.recv_timeout(PATIENCE).unwrap(),
            go("/"),
            "and goes on"
        );
    }

    #[cfg(unix)]
    #[test]
    fn the_address_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let parent = tempfile::tempdir().unwrap();
        let home = parent.path().join("new");
        let _first = claim(&home, &[]).unwrap().unwrap();
        let mode = |path: &Path| fs_err::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&home), mode(&address_file(&home))), (0o700, 0o600));
    }
}
