//! Files packed as browsers take them, and how large the program of the pages may be.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use brotli::CompressorWriter;
use flate2::{Compression, write::GzEncoder};

use crate::places::files_below;
use crate::report;

/// Formats that are compressed already.
const DENSE: &[&str] = &["br", "gz", "png", "woff2", "ico", "webp"];
/// The most that the WebAssembly may take on its way to a browser, in bytes.
const BUDGET: u64 = 900_000;
/// The best there is: packed once, unpacked at each visit.
const BROTLI_QUALITY: u32 = 11;
/// A window of 16 MiB sees all of any file of ours.
const BROTLI_WINDOW: u32 = 24;
const BUFFER: usize = 64 * 1024;

/// Puts a Brotli and a gzip copy beside each file below `dir` that becomes smaller by it.
pub(super) fn pack(dir: &Path) -> Result<()> {
    for file in files_below(dir)? {
        let extension = file.extension().unwrap_or_default().to_string_lossy();
        if DENSE.contains(&&*extension) {
            continue;
        }
        let bytes = fs::read(&file)?;
        for (packing, packed) in [("br", brotli(&bytes)?), ("gz", gzip(&bytes)?)] {
            if packed.len() < bytes.len() {
                let target = file.with_extension(format!("{extension}.{packing}"));
                fs::write(&target, packed)
                    .with_context(|| format!("cannot write {}", target.display()))?;
            }
        }
    }
    Ok(())
}

/// Says how large the program of the pages is; past its budget that is an error, if it was made to be `small`.
pub(super) fn report(dist: &Path, small: bool) -> Result<()> {
    let module = dist.join("app/nasiko_ui_bg.wasm");
    let packed = |packing: &str| {
        let file = module.with_extension(format!("wasm.{packing}"));
        let meta = fs::metadata(&file).with_context(|| format!("no {}", file.display()))?;
        anyhow::Ok(meta.len())
    };
    let (sent, older) = (packed("br")?, packed("gz")?);
    report::note(&format!(
        "web UI: {} KB of WebAssembly, {} KB as Brotli, {} KB as gzip",
        fs::metadata(&module)?.len() / 1000,
        sent / 1000,
        older / 1000
    ));
    if small && sent > BUDGET {
        bail!(
            "the pages' WebAssembly takes {} KB compressed, more than {} KB",
            sent / 1000,
            BUDGET / 1000
        );
    }
    Ok(())
}

fn brotli(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut writer = CompressorWriter::new(Vec::new(), BUFFER, BROTLI_QUALITY, BROTLI_WINDOW);
    writer.write_all(bytes)?;
    Ok(writer.into_inner())
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}
