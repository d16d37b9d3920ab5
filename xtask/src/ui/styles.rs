//! The styles, written in several files and read as one: each file is a question that the first frame waits for.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::places::remove;

const INDEX: &str = "index.html";
const FOLDER: &str = "styles";
/// What stands before and after the name of a file of styles in the page.
const LINK: (&str, &str) = ("<link rel=\"stylesheet\" href=\"/", "\">");
const JOINED: &str = "styles.css";

/// Puts all files of styles that the page in `dir` names into one, in the page's order.
pub(super) fn join(dir: &Path) -> Result<()> {
    let index = dir.join(INDEX);
    let (mut page, mut styles) = (String::new(), String::new());
    for line in fs::read_to_string(&index)?.lines() {
        let Some(name) = named(line) else {
            page.extend([line, "\n"]);
            continue;
        };
        if styles.is_empty() {
            page.extend([LINK.0, JOINED, LINK.1, "\n"]);
        }
        let file = dir.join(name);
        styles += &fs::read_to_string(&file)
            .with_context(|| format!("{INDEX} names {}, which is not there", file.display()))?;
    }
    remove(&dir.join(FOLDER))?;
    fs::write(dir.join(JOINED), styles)?;
    Ok(fs::write(index, page)?)
}

fn named(line: &str) -> Option<&str> {
    line.trim().strip_prefix(LINK.0)?.strip_suffix(LINK.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::places::Scratch;

    #[test]
    fn files_become_one_in_the_order_of_the_page() {
        let scratch = Scratch::new("styles").unwrap();
        let write = |name: &str, text: &str| fs::write(scratch.0.join(name), text).unwrap();
        fs::create_dir_all(scratch.0.join(FOLDER)).unwrap();
        write("styles/one.css", "b{}\n");
        write("styles/two.css", "a{}\n");
        write(
            INDEX,
            "<head>\n  <link rel=\"stylesheet\" href=\"/styles/two.css\">\n  <link rel=\"stylesheet\" href=\"/styles/one.css\">\n</head>\n",
        );
        join(&scratch.0).unwrap();
        let read = |name: &str| fs::read_to_string(scratch.0.join(name)).unwrap();
        assert_eq!(read(JOINED), "a{}\nb{}\n");
        assert_eq!(
            read(INDEX),
            "<head>\n<link rel=\"stylesheet\" href=\"/styles.css\">\n</head>\n"
        );
        assert!(!scratch.0.join(FOLDER).try_exists().unwrap());
    }
}
