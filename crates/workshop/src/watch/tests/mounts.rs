//! File systems that are mounted over a folder and taken away from under it. Needs the right to mount.

use std::process::Command;

use super::*;

/// A file system in memory, taken away when dropped.
struct Mounted(PathBuf);

impl Mounted {
    fn at(path: PathBuf) -> Option<Self> {
        let mut command = Command::new("mount");
        let made = command
            .args(["-t", "tmpfs", "nasiko-test"])
            .arg(&path)
            .output();
        made.is_ok_and(|output| output.status.success())
            .then_some(Self(path))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).output();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mounts_over_and_in_a_folder_are_rescans() {
    for place in ["agent", "agent/data"] {
        let mut folder = Folder::new(&["agent/main.py", "agent/data/x"]).await;
        let root = folder.path("agent");
        let mut watch = folder
            .watcher
            .watch(root.clone(), SnapshotOptions::default());
        assert!(next(&mut watch).await.rescan);
        let Some(mounted) = Mounted::at(folder.path(place)) else {
            println!("skipped: mounting is not allowed here");
            return;
        };
        assert!(next(&mut watch).await.rescan);
        folder.write(&format!("{place}/y"), "watched");
        let name = place.trim_start_matches("agent").trim_start_matches('/');
        let expected = if name.is_empty() {
            "y".to_owned()
        } else {
            format!("{name}/y")
        };
        while !next(&mut watch).await.paths.contains(&expected) {}
        drop(mounted);
        while !next(&mut watch).await.rescan {}
        folder.write("agent/data/x", "watched again");
        while !next(&mut watch).await.paths.contains("data/x") {}
        folder.in_step().await;
    }
}
