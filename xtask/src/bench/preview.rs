//! How soon a dropped folder is understood: from the question to the description, over the API as the pages ask it.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::numbers::{Figure, median, ms, percentile, spread};
use super::{Bed, probe};
use crate::product::text;

const ROUNDS: usize = 30;
/// Files beside the program, and their sizes in bytes: data, texts, sources.
const LARGE: usize = 5_000;
const ORDINARY: usize = 40;
const SIZES: [usize; 4] = [400, 2_000, 9_000, 40_000];
/// Files in one directory.
const IN_DIRECTORY: usize = 50;

/// A large folder, and one as agents usually are.
pub(super) fn measure(bed: &Bed<'_>) -> Result<Vec<Figure>> {
    let product = bed.product("preview");
    let resident = product.serve()?;
    let status = product.status()?;
    let url = format!("{}/api/v1/inspect", text(&status, "api")?);
    let home = product.home.as_deref().context("it has a home")?;
    let endpoint: Value = serde_json::from_slice(&fs::read(home.join("endpoint.json"))?)?;
    let token = format!("Bearer {}", text(&endpoint, "token")?);
    let client = probe::client();
    let mut figures = Vec::new();
    for (what, files, target) in [
        ("an ordinary folder", ORDINARY, 20.0),
        ("5,000 files", LARGE, 100.0),
    ] {
        let folder = bed.scratch.0.join(format!("preview-{files}"));
        fill(&folder, files)?;
        let question = json!({ "directory_path": folder, "preview": true });
        let mut times = Vec::with_capacity(ROUNDS);
        for _ in 0..ROUNDS {
            let asked = Instant::now();
            let mut response = client
                .post(&url)
                .header("authorization", &token)
                .send_json(&question)?;
            let described: Value = response.body_mut().read_json()?;
            times.push(ms(asked.elapsed()));
            if described["files"] != files + 1 {
                bail!("it was understood to have {} files", described["files"]);
            }
        }
        let note = format!(
            "{ROUNDS} times, p95 {:.0} ms, {}",
            percentile(&times, 0.95),
            spread(&times)
        );
        let name = format!("preview of {what}");
        let figure = Figure::new(name, median(&times), "ms").at_most(target);
        figures.push(figure.note(note));
    }
    drop(resident);
    Ok(figures)
}

/// A program, and that many files beside it.
fn fill(folder: &Path, files: usize) -> Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("main.py"), "import http.server\n")?;
    for (number, size) in (0..files).zip(SIZES.into_iter().cycle()) {
        let directory = folder.join(format!("part{}", number / IN_DIRECTORY));
        fs::create_dir_all(&directory)?;
        let (ending, line) = if number % 3 == 0 {
            ("py", "value = 1\n")
        } else {
            ("txt", "some text\n")
        };
        let text = line.repeat(size / line.len());
        fs::write(directory.join(format!("file{number}.{ending}")), text)?;
    }
    Ok(())
}
