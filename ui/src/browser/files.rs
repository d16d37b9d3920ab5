//! Files and folders as a browser hands them over: files with their content, folders by name alone, no paths.

use js_sys::Uint8Array;
use nasiko_contract::{ErrorCode, Fault};
use wasm_bindgen_futures::JsFuture;
use web_sys::{DataTransfer, File, FileList};

use crate::{model::offer::Source, words::offer as words};

/// What was dropped or pasted, but for words.
pub(crate) fn dropped(data: &DataTransfer) -> Vec<(Source, Option<File>)> {
    let items = data.items();
    let items = (0..items.length()).filter_map(|at| items.get(at));
    items
        .filter(|item| item.kind() == "file")
        .filter_map(|item| {
            let entry = item.webkit_get_as_entry().ok().flatten();
            match entry.filter(web_sys::FileSystemEntry::is_directory) {
                Some(folder) => Some((Source::of_folder(folder.name()), None)),
                None => Some(of_file(item.get_as_file().ok()??)),
            }
        })
        .collect()
}

/// What was chosen in a field for files.
pub(crate) fn chosen(files: &FileList) -> Vec<(Source, Option<File>)> {
    let files = (0..files.length()).filter_map(|at| files.get(at));
    files.map(of_file).collect()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "JavaScript's sizes are whole numbers"
)]
fn of_file(file: File) -> (Source, Option<File>) {
    let source = Source::of_file(file.name(), file.size() as u64);
    (source, Some(file))
}

/// A file's content. One that was moved or changed since it was handed over cannot be read.
pub(crate) async fn read(file: Option<&File>, name: &str) -> Result<Vec<u8>, Fault> {
    let unreadable =
        || Fault::new(ErrorCode::PathNotFound, words::unreadable(name)).hint(words::DROP_AGAIN);
    let file = file.ok_or_else(unreadable)?;
    let buffer = JsFuture::from(file.array_buffer()).await;
    Ok(Uint8Array::new(&buffer.map_err(|_| unreadable())?).to_vec())
}
