use std::{
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::{Duration, SystemTime},
};

use nasiko_contract::CheckState;
use tempfile::TempDir;

use super::fixtures::{around, assert_state, look, shows};
use crate::doctor::{Surroundings, fix};

/// A small file system of its own, which goes with the value.
struct Mount(TempDir);

impl Mount {
    fn new(options: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(folder.path())
            .status();
        assert!(mounted.unwrap().success(), "tests run as root");
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let ended = Command::new("umount")
            .arg("--lazy")
            .arg(self.0.path())
            .status();
        assert!(ended.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

/// Files of a system, below a folder.
fn system(files: &[(&str, &str)]) -> TempDir {
    let root = TempDir::new().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }
    root
}

fn under(root: &TempDir) -> Surroundings {
    let mut surroundings = around(Path::new("/"));
    root.path().clone_into(&mut surroundings.root);
    surroundings
}

#[test]
fn a_disk_that_fills_up_is_told_before_it_is_full() {
    let disk = Mount::new("size=300m");
    let surroundings = around(&disk.path().join("not-made-yet"));
    assert_state(&look(&surroundings, "machine.disk"), CheckState::Warning);
    let file = fs_err::File::create(disk.path().join("large")).unwrap();
    let large = rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, 250 << 20);
    large.unwrap();
    let full = look(&surroundings, "machine.disk");
    assert_state(&full, CheckState::Failed);
    assert!(shows(&full, disk.path().to_str().unwrap()), "{full:#?}");
}

#[test]
fn a_disk_without_room_for_more_files_is_told_although_space_is_free() {
    let disk = Mount::new("size=2g,nr_inodes=500");
    let surroundings = around(disk.path());
    assert_state(&look(&surroundings, "machine.disk"), CheckState::Ok);
    assert_state(&look(&surroundings, "machine.inodes"), CheckState::Failed);
    let roomier = Mount::new("size=2g,nr_inodes=5000");
    let check = look(&around(roomier.path()), "machine.inodes");
    assert_state(&check, CheckState::Warning);
}

#[test]
fn memory_that_is_nearly_used_up_is_told() {
    let table = |free: u64, swap: u64| {
        let text = format!(
            "MemTotal: 2000000 kB\nMemFree: 1 kB\nMemAvailable: {free} kB\nSwapFree: {swap} kB\n"
        );
        let root = system(&[("proc/meminfo", &text)]);
        look(&under(&root), "machine.memory").state
    };
    assert_eq!(table(1_500_000, 0), CheckState::Ok);
    assert_eq!(table(300_000, 0), CheckState::Warning);
    assert_eq!(table(90_000, 0), CheckState::Failed);
    assert_eq!(
        table(90_000, 1_000_000),
        CheckState::Ok,
        "swap is room as well"
    );
}

#[test]
fn inotify_that_is_used_up_is_told_with_the_command_that_raises_it() {
    let root = system(&[
        ("proc/sys/fs/inotify/max_user_watches", "4\n"),
        ("proc/sys/fs/inotify/max_user_instances", "3\n"),
    ]);
    // The processes are those of this machine: this one alone, with watches that are real.
    let own = PathBuf::from(format!("/proc/{}", std::process::id()));
    symlink(&own, root.path().join(own.strip_prefix("/").unwrap())).unwrap();
    let surroundings = under(&root);
    let before = look(&surroundings, "machine.watchers");
    assert_state(&before, CheckState::Warning);

    let folders: Vec<TempDir> = (0..4).map(|_| TempDir::new().unwrap()).collect();
    let instances: Vec<_> = (0..3)
        .map(|_| rustix::fs::inotify::init(rustix::fs::inotify::CreateFlags::CLOEXEC).unwrap())
        .collect();
    for folder in &folders {
        let flags = rustix::fs::inotify::WatchFlags::CREATE;
        rustix::fs::inotify::add_watch(&instances[0], folder.path(), flags).unwrap();
    }
    for (check, name) in [
        ("machine.watches", "fs.inotify.max_user_watches"),
        ("machine.watchers", "fs.inotify.max_user_instances"),
    ] {
        let found = look(&surroundings, check);
        assert_state(&found, CheckState::Failed);
        let command = found.command.unwrap();
        assert!(
            command.starts_with(&format!("sudo sysctl -w {name}=")),
            "{command}"
        );
    }
}

#[tokio::test]
async fn a_low_limit_of_open_files_is_raised_as_far_as_the_system_allows() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let most = getrlimit(Resource::Nofile).maximum;
    let lowered = Rlimit {
        current: Some(300),
        maximum: most,
    };
    setrlimit(Resource::Nofile, lowered).unwrap();
    let home = TempDir::new().unwrap();
    let surroundings = Arc::new(around(home.path()));
    let low = look(&surroundings, "machine.open-files");
    assert_state(&low, CheckState::Warning);
    assert!(low.fix.is_some());

    let fixed = fix(&surroundings, "machine.open-files").await.unwrap();
    assert!(fixed.changed, "{fixed:?}");
    assert_state(&fixed.check.unwrap(), CheckState::Ok);
    assert!(getrlimit(Resource::Nofile).current.unwrap() > 300);
    let again = fix(&surroundings, "machine.open-files").await.unwrap();
    assert!(!again.changed, "{again:?}");
}

#[test]
fn a_limit_of_open_files_that_is_reached_is_a_failure() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let lowered = Rlimit {
        current: Some(200),
        maximum: getrlimit(Resource::Nofile).maximum,
    };
    setrlimit(Resource::Nofile, lowered).unwrap();
    let open: Vec<_> = (0..170)
        .map(|_| fs_err::File::open("/dev/null").unwrap())
        .collect();
    let home = TempDir::new().unwrap();
    assert_state(
        &look(&around(home.path()), "machine.open-files"),
        CheckState::Failed,
    );
    drop(open);
}

#[test]
fn a_clock_that_was_set_back_is_seen_by_what_was_written_later() {
    let home = TempDir::new().unwrap();
    let surroundings = around(home.path());
    let file = fs_err::File::create(home.path().join("nasiko.db")).unwrap();
    assert_state(&look(&surroundings, "machine.clock"), CheckState::Ok);
    let later = SystemTime::now() + Duration::from_secs(3600);
    file.set_modified(later).unwrap();
    let found = look(&surroundings, "machine.clock");
    assert_state(&found, CheckState::Warning);
    assert!(shows(&found, "nasiko.db"), "{found:#?}");
}

#[test]
fn windows_is_seen_behind_linux_and_its_drives_are_told() {
    let of = |version: &str, folder: &str| {
        let root = system(&[("proc/version", version)]);
        let mut surroundings = under(&root);
        surroundings.needs.folders = vec![folder.into()];
        look(&surroundings, "machine.wsl")
    };
    let second = "Linux version 5.15.153.1-microsoft-standard-WSL2 (root@x) (gcc)";
    let first = "Linux version 4.4.0-19041-Microsoft (Microsoft@Microsoft.com)";
    assert_state(
        &of("Linux version 6.1.0 (debian)", "/mnt/c/agent"),
        CheckState::Ok,
    );
    assert_state(&of(second, "/home/somebody/agent"), CheckState::Ok);
    assert_state(&of(second, "/mnt/data/agent"), CheckState::Ok);
    let on_drive = of(second, "/mnt/c/Users/somebody/agent");
    assert_state(&on_drive, CheckState::Warning);
    assert!(
        shows(&on_drive, "/mnt/c/Users/somebody/agent"),
        "{on_drive:#?}"
    );
    assert_state(&of(first, "/home/somebody/agent"), CheckState::Failed);
}
