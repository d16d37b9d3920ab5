//! Files packed as browsers take them, and how large the program of the pages may be.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use brotli::CompressorWriter;

use crate::places::files_below;
use crate::report;

/// Formats that are compressed already.
const DENSE: &[&str] = &["br", "png", "woff2", "ico", "webp"];
/// The most that the WebAssembly may take on its way to a browser, in bytes.
const BUDGET: u64 = 900_000;
/// The best there is: packed once, unpacked at each visit.
const BROTLI_QUALITY: u32 = 11;
/// A window of 4 MiB sees all of any file of ours.
const BROTLI_WINDOW: u32 = 22;
const BUFFER: usize = 64 * 1024;

/// Puts a Brotli copy beside each file below `dir` that becomes smaller by it.
pub(super) fn pack(dir: &Path) -> Result<()> {
    for file in files_below(dir)? {
        let extension = file.extension().unwrap_or_default().to_string_lossy();
        if DENSE.contains(&&*extension) {
            continue;
        }
        let bytes = fs::read(&file)?;
        let packed = brotli(&bytes)?;
        if packed.len() < bytes.len() {
            let target = file.with_extension(format!("{extension}.br"));
            fs::write(&target, packed)
                .with_context(|| format!("cannot write {}", target.display()))?;
        }
    }
    Ok(())
}

/// Says how large the program of the pages is; past its budget that is an error, if it was made to be `small`.
pub(super) fn report(dist: &Path, small: bool) -> Result<()> {
    let module = dist.join("app/nasiko_ui_bg.wasm");
    let packed = module.with_extension("wasm.br");
    let sent = fs::metadata(&packed)
        .with_context(|| format!("no {}", packed.display()))?
        .len();
    report::note(&format!(
        "web UI: {} KB of WebAssembly, {} KB compressed",
        fs::metadata(&module)?.len() / 1000,
        sent / 1000
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
