//! What makes packages updates: signatures, and the document that programs ask for.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Map, json};

use crate::command::{capture, command};
use crate::places::{Places, files_below};
use crate::tools;

const SIGNING: Duration = Duration::from_mins(1);
/// What programs read to learn of a newer version.
const DOCUMENT: &str = "latest.json";

/// The key of [`rehearse`]; its public half has `.pub` behind its name.
const REHEARSAL_KEY: &str = "rehearsal.key";
/// Where what was rehearsed would be published.
const REHEARSAL_URL: &str = "http://updates.example/0.1.0";

/// A release to be.
pub(crate) struct Release {
    /// The file with the secret key; its password, if it has one, is in `TAURI_SIGNING_PRIVATE_KEY_PASSWORD`.
    key: PathBuf,
    /// It has one.
    is_sealed: bool,
    /// Where the files are going to be published: an address without the file's name.
    url: String,
}

impl Release {
    /// With the key in that file, published at `url`.
    pub(crate) fn new(key: PathBuf, url: String) -> Self {
        Self {
            key,
            is_sealed: std::env::var_os("TAURI_SIGNING_PRIVATE_KEY_PASSWORD").is_some(),
            url,
        }
    }
}

/// Signs what can be updated in place, and describes it in `latest.json` of `out`.
pub(super) fn sign(places: &Places, out: &Path, release: &Release) -> Result<()> {
    let bundler = tools::bundler(places)?;
    let mut platforms = Map::new();
    for file in files_below(out)? {
        let extension = file.extension().unwrap_or_default().to_string_lossy();
        if !matches!(&*extension, "AppImage" | "exe") {
            continue;
        }
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let mut sign = command(places, &bundler);
        sign.args(["signer", "sign", "--private-key-path"])
            .arg(&release.key)
            .arg(&file);
        // None asked for: the key is not sealed.
        if !release.is_sealed {
            sign.args(["--password", ""]);
        }
        capture(&mut sign, SIGNING)?;
        let signature = fs::read_to_string(out.join(format!("{name}.sig")))
            .context("the bundler left no signature")?;
        let system = if extension == "exe" {
            "windows"
        } else {
            "linux"
        };
        platforms.insert(
            format!("{system}-{}", std::env::consts::ARCH),
            json!({
                "signature": signature,
                "url": format!("{}/{name}", release.url.trim_end_matches('/')),
            }),
        );
    }
    let document = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "platforms": platforms,
    });
    fs::write(
        out.join(DOCUMENT),
        serde_json::to_string_pretty(&document)? + "\n",
    )?;
    Ok(())
}

/// Makes a release of what is in `out` with a key made for it, which lies beside it: what tests look at, done as for people.
pub(super) fn rehearse(places: &Places, out: &Path) -> Result<()> {
    let key = out.join(REHEARSAL_KEY);
    let mut generate = command(places, tools::bundler(places)?);
    generate
        .args(["signer", "generate", "--ci", "--force", "--password", ""])
        .arg("--write-keys")
        .arg(&key);
    capture(&mut generate, SIGNING)?;
    let release = Release {
        key,
        is_sealed: false,
        url: REHEARSAL_URL.to_owned(),
    };
    sign(places, out, &release)
}
