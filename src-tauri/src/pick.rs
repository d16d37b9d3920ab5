//! The system's dialog for choosing what to deploy.

use nasiko_contract::{ErrorCode, Fault};
use rfd::AsyncFileDialog;
use tauri::{Runtime, WebviewWindow};

/// The endings of archives' names, as dialogs filter by them.
const ARCHIVES: [&str; 4] = ["zip", "tar", "gz", "tgz"];

/// Lets the person choose folders, or archives; nothing where they gave up. The page learns of no other file.
#[tauri::command]
pub(crate) async fn pick<R: Runtime>(
    window: WebviewWindow<R>,
    folder: bool,
) -> Result<Vec<String>, Fault> {
    let dialog = AsyncFileDialog::new().set_parent(&window);
    let chosen = if folder {
        dialog
            .set_title("Choose agents' folders")
            .pick_folders()
            .await
    } else {
        dialog
            .set_title("Choose agents' archives")
            .add_filter("Archives", &ARCHIVES)
            .pick_files()
            .await
    };
    let paths = chosen.unwrap_or_default().into_iter().map(|file| {
        let path = file.path().as_os_str();
        path.to_str().map(str::to_owned).ok_or_else(|| {
            Fault::new(ErrorCode::InvalidRequest, "Its name is not plain text")
                .hint("Give it another name")
                .evidence([path.to_string_lossy().into_owned()])
        })
    });
    paths.collect()
}
