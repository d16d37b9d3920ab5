//! An agent that is edited while it runs: it tells its version, and every file it finds around itself.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{Resident, api, folder};

/// Says the version in `content.py` at `/` with the caller's word for the request, in ten pieces at `/stream`; at `/tree` every file of its folder
/// with its kind and checksum.
const PROGRAM: &str = r#"
import http.server, json, os, stat, sys, time, urllib.parse, zlib
from content import VERSION

def entry(path):
    found = os.lstat(path)
    if stat.S_ISLNK(found.st_mode):
        return ["link", zlib.crc32(os.fsencode(os.readlink(path)))]
    checksum = 0
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            checksum = zlib.crc32(piece, checksum)
    return ["run" if found.st_mode & 0o111 else "file", checksum]

def tree():
    files = {}
    for folder, folders, names in os.walk("."):
        folders[:] = [name for name in folders if name not in ("__pycache__", ".git")]
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in names + links:
            path = os.path.join(folder, name)
            files[os.fsencode(os.path.relpath(path, ".")).hex()] = entry(path)
    return files

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *_): pass
    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        said = f"v{VERSION} {url.query}"
        if url.path == "/stream":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for piece in range(10):
                data = (f"{said};").encode()
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                self.wfile.flush()
                time.sleep(0.03)
            self.wfile.write(b"0\r\n\r\n")
            return
        body = (json.dumps(tree()) if url.path == "/tree" else said).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True
    def server_bind(self):
        import socketserver
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]

Server((os.environ.get("HOST", "127.0.0.1"), int(os.environ["PORT"])), Handler).serve_forever()
"#;

const DOCKERFILE: &str = "FROM python:3.11-slim\nWORKDIR /app\nRUN mkdir -p /var/lib/edited\nCOPY . .\nEXPOSE 8000\nCMD [\"python\", \"main.py\"]\n";

/// Its files with their kinds and checksums, by the bytes of their path in hexadecimal digits.
pub type Tree = BTreeMap<String, (String, u32)>;

/// A watched agent in a folder that a test edits.
pub struct Edited {
    folder: TempDir,
    /// Its name.
    pub name: String,
    /// Its address behind the gateway.
    pub url: String,
}

impl Edited {
    /// Deploys it and has it watched.
    pub fn deploy(resident: &Resident, name: &str, runtime: &str) -> Self {
        let folder = folder(&[
            ("main.py", PROGRAM),
            ("content.py", "VERSION = 0\n"),
            ("Dockerfile", DOCKERFILE),
            (".dockerignore", ".git\n**/__pycache__\n"),
        ]);
        let path = folder.path().to_str().expect("a path");
        let words = [
            "deploy",
            path,
            "--name",
            name,
            "--runtime",
            runtime,
            "--watch",
        ];
        let deployed = resident.json(&words);
        Self {
            url: deployed["url"].as_str().expect("an address").to_owned(),
            name: name.to_owned(),
            folder,
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A path in the folder.
    pub fn join(&self, path: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Saves a version as editors do: written beside, then renamed.
    pub fn save(&self, version: u32) {
        self.write("content.py", &format!("VERSION = {version}\n"));
    }

    /// Saves a file as editors do.
    pub fn write(&self, path: &str, content: &str) {
        let path = self.join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a name");
        let beside = path.with_file_name(format!(".{name}.swp"));
        std::fs::write(&beside, content).expect("it is written");
        std::fs::rename(&beside, &path).expect("it is renamed");
    }

    /// What answers now, or why nothing does.
    pub async fn version(&self) -> Result<u32, String> {
        let said = api::try_ask(&self.url).await?;
        let version = said
            .trim()
            .strip_prefix('v')
            .and_then(|text| text.split(' ').next()?.parse().ok());
        version.ok_or(said)
    }

    /// Waits until a version answers; how long that took.
    pub async fn until(&self, version: u32, limit: Duration) -> Result<Duration, String> {
        let began = Instant::now();
        loop {
            let answered = self.version().await;
            if answered == Ok(version) {
                return Ok(began.elapsed());
            }
            if began.elapsed() > limit {
                return Err(format!("v{version} does not answer, but {answered:?}"));
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// The files as the agent finds them.
    pub async fn seen(&self) -> Result<Tree, String> {
        let said = api::try_ask(&format!("{}/tree", self.url)).await?;
        serde_json::from_str(&said).map_err(|error| error.to_string())
    }

    /// The files as they are in the folder.
    pub fn there(&self) -> Tree {
        let mut files = Tree::new();
        let mut folders = vec![self.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).expect("a folder") {
                let entry = entry.expect("an entry");
                let (name, path) = (entry.file_name(), entry.path());
                let kind = entry.file_type().expect("a type");
                if kind.is_dir() {
                    if name != "__pycache__" && name != ".git" {
                        folders.push(path);
                    }
                    continue;
                }
                let relative = path.strip_prefix(self.path()).expect("below the folder");
                let hex = hex(relative.as_os_str().as_encoded_bytes());
                files.insert(hex, described(&path, kind.is_symlink()));
            }
        }
        // What is no part of the image.
        for left_out in [".dockerignore", "Dockerfile"] {
            files.remove(&hex(left_out.as_bytes()));
        }
        files
    }

    /// Waits until the agent finds the files as they are in the folder, and says how long that took.
    pub async fn until_equal(&self, limit: Duration) -> Result<Duration, String> {
        let began = Instant::now();
        loop {
            let there = self.there();
            let mut seen = self.seen().await;
            if let Ok(seen) = &mut seen {
                for left_out in [".dockerignore", "Dockerfile"] {
                    seen.remove(&hex(left_out.as_bytes()));
                }
                if *seen == there {
                    return Ok(began.elapsed());
                }
            }
            if began.elapsed() > limit {
                return Err(match seen {
                    Err(error) => error,
                    Ok(seen) => difference(&there, &seen),
                });
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// What its saves did, newest first.
    pub fn updates(&self, resident: &Resident) -> Vec<Value> {
        let updates = resident.json(&["updates", &self.name, "--limit", "500"]);
        updates.as_array().expect("a list").clone()
    }
}

fn described(path: &Path, is_link: bool) -> (String, u32) {
    use std::os::unix::{ffi::OsStrExt, fs::PermissionsExt};
    if is_link {
        let target = std::fs::read_link(path).expect("a link");
        let checksum = crc32fast::hash(target.as_os_str().as_bytes());
        return ("link".to_owned(), checksum);
    }
    let content = std::fs::read(path).expect("a file");
    let mode = std::fs::metadata(path)
        .expect("a file")
        .permissions()
        .mode();
    let kind = if mode & 0o111 == 0 { "file" } else { "run" };
    (kind.to_owned(), crc32fast::hash(&content))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn difference(there: &Tree, seen: &Tree) -> String {
    let name = |hex: &str| {
        let bytes: Vec<u8> = (0..hex.len())
            .step_by(2)
            .filter_map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok())
            .collect();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let few = |names: Vec<String>| format!("{} ({:?})", names.len(), &names[..names.len().min(5)]);
    let missing = there.keys().filter(|path| !seen.contains_key(*path));
    let extra = seen.keys().filter(|path| !there.contains_key(*path));
    let differing = there
        .iter()
        .filter(|(path, entry)| seen.get(*path).is_some_and(|other| other != *entry))
        .map(|(path, _)| path);
    format!(
        "missing {}, too many {}, different {}",
        few(missing.map(|path| name(path)).collect()),
        few(extra.map(|path| name(path)).collect()),
        few(differing.map(|path| name(path)).collect()),
    )
}
