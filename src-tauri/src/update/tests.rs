//! Against a server of our own, with keys of our own, and an AppImage that is a script.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Cursor, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::Arc,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use minisign::KeyPair;

use super::*;

/// What is published, by path. A file may break off in the middle.
type Files = Arc<Mutex<HashMap<String, (Vec<u8>, bool)>>>;

struct Publisher {
    address: String,
    files: Files,
    keys: KeyPair,
}

impl Publisher {
    fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let files = Files::default();
        let served = Arc::clone(&files);
        // Ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                answer(stream, &served);
            }
        });
        let keys = KeyPair::generate_unencrypted_keypair().unwrap();
        Self {
            address,
            files,
            keys,
        }
    }

    fn source(&self) -> Source {
        let text = self.keys.pk.to_box().unwrap().to_string();
        let endpoint = format!("{}/latest.json", self.address);
        Source::new(&endpoint, &BASE64_STANDARD.encode(text)).unwrap()
    }

    fn put(&self, path: &str, content: &[u8], breaks_off: bool) {
        let file = (content.to_vec(), breaks_off);
        self.files.lock().insert(format!("/{path}"), file);
    }

    /// Publishes `program` as `version`, signed by `keys`.
    fn publish(&self, version: &str, program: &[u8], keys: &KeyPair) {
        let signed = minisign::sign(None, &keys.sk, Cursor::new(program), None, None).unwrap();
        let document = serde_json::json!({
            "version": version,
            "platforms": {offer::platform(): {
                "url": format!("{}/Nasiko.AppImage", self.address),
                "signature": BASE64_STANDARD.encode(signed.to_string()),
            }},
        });
        self.put("latest.json", document.to_string().as_bytes(), false);
        self.put("Nasiko.AppImage", program, false);
    }
}

fn answer(mut stream: TcpStream, files: &Files) {
    let mut line = String::new();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    if reader.read_line(&mut line).is_err() {
        return;
    }
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    while reader.read_line(&mut line).is_ok_and(|read| read > 2) {}
    let found = files.lock().get(&path).cloned();
    // An asker that went away is the test's business.
    let _ = match found {
        None => stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"),
        Some((content, breaks_off)) => {
            let length = content.len();
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
            let sent = if breaks_off { length / 2 } else { length };
            stream
                .write_all(head.as_bytes())
                .and_then(|()| stream.write_all(&content[..sent]))
        }
    };
}

/// A program that says it is `version`.
fn program(version: &str) -> Vec<u8> {
    format!("#!/bin/sh\necho nasiko {version}\n").into_bytes()
}

struct Installed {
    folder: tempfile::TempDir,
    updates: Updates,
}

impl Installed {
    /// An AppImage of today's version, run by somebody who may replace it, which looks at that publisher's.
    fn new(publisher: &Publisher) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("Nasiko.AppImage");
        fs_err::write(&image, program("today")).unwrap();
        assert!(place::is_replaceable(&image));
        let home = folder.path().join("home");
        let updates = Updates::from(&home, Some(publisher.source()), Some(image));
        Self { folder, updates }
    }

    fn image(&self) -> Vec<u8> {
        fs_err::read(self.folder.path().join("Nasiko.AppImage")).unwrap()
    }

    fn kept(&self) -> Vec<String> {
        let entries = fs_err::read_dir(self.folder.path().join("home/updates"));
        let entries = entries.into_iter().flatten().flatten();
        entries
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect()
    }
}

#[tokio::test]
async fn a_signed_newer_version_is_put_in_place_at_the_end() {
    let publisher = Publisher::start();
    publisher.publish("99.1.0", &program("99.1.0"), &publisher.keys);
    let installed = Installed::new(&publisher);
    let ready = NewerVersion::Ready {
        version: "99.1.0".to_owned(),
    };
    assert_eq!(installed.updates.look().await.unwrap(), ready);
    assert_eq!(
        installed.image(),
        program("today"),
        "not while the window is open"
    );
    // The next look finds it there, even if nobody publishes it any more.
    publisher.put("Nasiko.AppImage", b"", true);
    assert_eq!(installed.updates.look().await.unwrap(), ready);

    installed.updates.install().await.unwrap();
    assert_eq!(installed.image(), program("99.1.0"));
    assert_eq!(installed.kept(), [""; 0], "nothing is left of it");
    let beside: Vec<_> = fs_err::read_dir(installed.folder.path())
        .unwrap()
        .flatten()
        .collect();
    assert_eq!(
        beside.len(),
        2,
        "the AppImage and the data directory: {beside:?}"
    );
    let again =
        std::process::Command::new(installed.folder.path().join("Nasiko.AppImage")).output();
    assert_eq!(again.unwrap().stdout, b"nasiko 99.1.0\n");
}

#[tokio::test]
async fn what_cannot_be_trusted_is_refused_and_not_kept() {
    let publisher = Publisher::start();
    let stranger = KeyPair::generate_unencrypted_keypair().unwrap();
    let cases: [(&str, &dyn Fn()); 5] = [
        ("signature", &|| {
            publisher.publish("99.1.0", &program("99.1.0"), &stranger);
        }),
        ("signature", &|| {
            publisher.publish("99.1.0", &program("99.1.0"), &publisher.keys);
            publisher.put("Nasiko.AppImage", &program("99.1.0 with more"), false);
        }),
        // An old version under a new name.
        ("version", &|| {
            publisher.publish("99.1.0", &program("0.0.1"), &publisher.keys);
        }),
        ("fetched", &|| {
            publisher.publish("99.1.0", &program("99.1.0"), &publisher.keys);
            publisher.put("Nasiko.AppImage", &program("99.1.0"), true);
        }),
        ("document", &|| {
            publisher.put("latest.json", b"<html>", false);
        }),
    ];
    for (told, publish) in cases {
        publish();
        let installed = Installed::new(&publisher);
        let fault = installed.updates.look().await.expect_err(told);
        assert!(fault.message.contains(told), "{told}: {fault}");
        installed.updates.install().await.unwrap();
        assert_eq!(installed.image(), program("today"));
        assert_eq!(installed.kept(), [""; 0], "{told}");
    }
}

#[tokio::test]
async fn an_older_version_is_left_alone() {
    let publisher = Publisher::start();
    let installed = Installed::new(&publisher);
    for version in ["0.0.1", env!("CARGO_PKG_VERSION")] {
        publisher.publish(version, &program(version), &publisher.keys);
        let none = NewerVersion::None {
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        assert_eq!(installed.updates.look().await.unwrap(), none);
        assert!(installed.updates.ready.lock().is_none());
    }
    assert_eq!(installed.kept(), [""; 0], "nothing was fetched");
}

#[tokio::test]
async fn what_others_installed_is_theirs_to_update() {
    let publisher = Publisher::start();
    publisher.publish("99.1.0", &program("99.1.0"), &publisher.keys);
    let mut installed = Installed::new(&publisher);
    installed.updates.image = None;
    let managed = NewerVersion::Managed {
        version: "99.1.0".to_owned(),
    };
    assert_eq!(installed.updates.look().await.unwrap(), managed);
    assert_eq!(installed.kept(), [""; 0], "nothing was fetched");
}

/// A person may ask while the daily look is under way.
#[tokio::test]
async fn two_looks_at_once_find_the_same() {
    let publisher = Publisher::start();
    publisher.publish("99.1.0", &program("99.1.0"), &publisher.keys);
    let installed = Installed::new(&publisher);
    let (one, other) = tokio::join!(installed.updates.look(), installed.updates.look());
    assert_eq!(one.unwrap(), other.unwrap());
    installed.updates.install().await.unwrap();
    assert_eq!(installed.image(), program("99.1.0"));
}

#[test]
fn it_is_looked_for_once_a_day() {
    let publisher = Publisher::start();
    let installed = Installed::new(&publisher);
    assert_eq!(installed.updates.until_next_look(), Duration::ZERO);
    installed.updates.looked();
    assert!(installed.updates.until_next_look() > Duration::from_hours(23));
}
