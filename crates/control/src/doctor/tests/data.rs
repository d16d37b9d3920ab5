use std::{
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use nasiko_contract::{CheckState, ErrorCode, GetSettings};
use nasiko_store::{Batch, Expected, Record, Store};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tempfile::TempDir;

use super::fixtures::{around, assert_state, check, look, shows};
use crate::{
    api::{self, Caller},
    doctor::{Surroundings, fix},
    tests::open,
};

#[cfg(unix)]
#[tokio::test]
async fn what_others_may_read_is_closed_to_them() {
    use std::os::unix::fs::PermissionsExt;
    let home = TempDir::new().unwrap();
    let endpoint = home.path().join("vault.key");
    fs_err::write(&endpoint, "key").unwrap();
    let mode = |path: &Path, mode: u32| {
        fs_err::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(home.path(), 0o755);
    mode(&endpoint, 0o640);
    let surroundings = Arc::new(around(home.path()));
    let open = look(&surroundings, "data.permissions");
    assert_state(&open, CheckState::Failed);
    assert!(shows(&open, "0755") && shows(&open, "0640"), "{open:#?}");

    let fixed = fix(&surroundings, "data.permissions").await.unwrap();
    assert!(fixed.changed);
    assert_state(&fixed.check.unwrap(), CheckState::Ok);
    let now = |path: &Path| fs_err::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((now(home.path()), now(&endpoint)), (0o700, 0o600));
    assert!(
        !fix(&surroundings, "data.permissions")
            .await
            .unwrap()
            .changed
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_data_directory_on_a_file_system_of_another_machine_is_told() {
    let home = TempDir::new().unwrap();
    let home = home.path().canonicalize().unwrap();
    let of = |kind: &str| {
        let root = TempDir::new().unwrap();
        fs_err::create_dir_all(root.path().join("proc/self")).unwrap();
        let table = format!(
            "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
             30 22 0:40 / {} rw shared:7 master:2 - {kind} server:/export rw\n",
            home.display()
        );
        fs_err::write(root.path().join("proc/self/mountinfo"), table).unwrap();
        let mut surroundings = around(&home.join("data"));
        root.path().clone_into(&mut surroundings.root);
        look(&surroundings, "data.file-system").state
    };
    assert_eq!(of("nfs4"), CheckState::Failed);
    assert_eq!(of("fuse.sshfs"), CheckState::Failed);
    assert_eq!(of("9p"), CheckState::Warning);
    assert_eq!(of("btrfs"), CheckState::Ok);
    let real = look(&around(&home), "data.file-system");
    assert_state(&real, CheckState::Ok);
}

#[test]
fn a_data_directory_that_has_grown_large_is_told_with_what_is_large() {
    let home = TempDir::new().unwrap();
    let surroundings = around(home.path());
    assert_state(&look(&surroundings, "data.size"), CheckState::Ok);
    fs_err::create_dir(home.path().join("traces")).unwrap();
    // Nothing is written: the file only has the length.
    let file = fs_err::File::create(home.path().join("traces/day.db")).unwrap();
    file.set_len(6 << 30).unwrap();
    let found = look(&surroundings, "data.size");
    assert_state(&found, CheckState::Warning);
    assert!(shows(&found, "traces: 6.4 GB"), "{found:#?}");
}

fn endpoint(home: &Path, pid: u32) {
    let text =
        json!({ "pid": pid, "api": "http://127.0.0.1:1", "token": "of-no-use", "version": "1" });
    fs_err::write(home.join("endpoint.json"), text.to_string()).unwrap();
}

/// Holds the lock of a data directory as a control plane does, until it is killed.
fn hold(home: &Path) -> Child {
    let program = "import fcntl, sys, time\nfile = open(sys.argv[1], 'w')\nfcntl.flock(file, fcntl.LOCK_EX)\nprint('held', flush=True)\ntime.sleep(600)";
    let mut child = Command::new("python3")
        .args(["-c", program])
        .arg(home.join("resident.lock"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let output = child.stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut line).unwrap();
    assert_eq!(line, "held\n");
    child
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_a_dead_control_plane_left_is_removed_and_what_a_living_one_holds_is_not() {
    let home = TempDir::new().unwrap();
    let surroundings = Arc::new(around(home.path()));
    assert_state(&look(&surroundings, "data.lock"), CheckState::Ok);

    // A process that lived, and was killed while it held the lock.
    let mut holder = hold(home.path());
    endpoint(home.path(), holder.id());
    assert_state(&look(&surroundings, "data.lock"), CheckState::Ok);
    holder.kill().unwrap();
    holder.wait().unwrap();
    let stale = look(&surroundings, "data.lock");
    assert_state(&stale, CheckState::Warning);
    assert!(!format!("{stale:?}").contains("of-no-use"), "{stale:#?}");

    let fixed = fix(&surroundings, "data.lock").await.unwrap();
    assert!(fixed.changed);
    assert_state(&fixed.check.unwrap(), CheckState::Ok);
    assert!(!home.path().join("endpoint.json").try_exists().unwrap());
    assert!(!fix(&surroundings, "data.lock").await.unwrap().changed);

    // One that holds the lock and does not say where it answers.
    let mut holder = hold(home.path());
    fs_err::write(home.path().join("endpoint.json"), "{").unwrap();
    let stuck = look(&surroundings, "data.lock");
    assert_state(&stuck, CheckState::Warning);
    assert!(stuck.fix.is_none(), "{stuck:#?}");
    assert_eq!(stuck.command, Some(format!("kill {}", holder.id())));
    holder.kill().unwrap();
    holder.wait().unwrap();
}

#[tokio::test]
async fn lists_that_make_no_sense_are_told_and_put_aside_where_nothing_is_lost() {
    let home = TempDir::new().unwrap();
    let surroundings = Arc::new(around(home.path()));
    let contexts = home.path().join("contexts.json");
    fs_err::write(&contexts, "{ \"version\": 1, \"contexts\": [").unwrap();
    assert_state(&look(&surroundings, "data.contexts"), CheckState::Failed);
    let fixed = fix(&surroundings, "data.contexts").await.unwrap();
    assert!(fixed.changed && !contexts.try_exists().unwrap());
    assert!(
        home.path()
            .join("contexts.json.broken")
            .try_exists()
            .unwrap()
    );
    assert_state(&fixed.check.unwrap(), CheckState::Ok);

    // Which store counts is not the doctor's to say.
    fs_err::write(home.path().join("store.json"), "{}").unwrap();
    let broken = look(&surroundings, "data.store-place");
    assert_state(&broken, CheckState::Failed);
    assert!(broken.fix.is_none() && broken.hint.is_some(), "{broken:#?}");
}

/// Settings as an older or a foreign program may have left them.
#[derive(Clone, Serialize, Deserialize)]
struct Strange(serde_json::Value);

impl Record for Strange {
    const KIND: &'static str = "settings";

    fn id(&self) -> &'static str {
        "settings"
    }
}

async fn make_settings_strange(home: &Path) {
    let store = Store::open(home.join("nasiko.db")).await.unwrap();
    let mut batch = Batch::new();
    batch.put(&Strange(json!({ "defaultRuntime": 7 })), Expected::Any);
    store.commit(batch).await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn settings_that_keep_a_control_plane_from_starting_are_renewed_and_kept_in_a_file() {
    let home = TempDir::new().unwrap();
    open(home.path()).await.close().await;
    make_settings_strange(home.path()).await;
    let refused = crate::ControlPlane::open(crate::tests::config(home.path(), "unix:///none", "x"));
    assert_eq!(refused.await.err().unwrap().code, ErrorCode::StoreFailed);

    let surroundings = || around(home.path());
    assert_state(&check(surroundings(), "data.store").await, CheckState::Ok);
    assert_state(
        &check(surroundings(), "data.settings").await,
        CheckState::Failed,
    );
    let fixed = fix(&Arc::new(surroundings()), "data.settings")
        .await
        .unwrap();
    assert!(fixed.changed, "{fixed:?}");
    assert_state(&fixed.check.unwrap(), CheckState::Ok);
    let aside = fs_err::read_to_string(home.path().join("settings.broken.json")).unwrap();
    assert_eq!(aside, r#"{"defaultRuntime":7}"#);

    let plane = open(home.path()).await;
    let settings = api::call(&plane, &Caller::owner(), GetSettings {})
        .await
        .unwrap();
    assert_eq!(settings, nasiko_contract::Settings::default());
    // The one that runs has the store open, which is no trouble.
    let skipped = check(surroundings(), "data.store").await;
    assert_state(&skipped, CheckState::Skipped);
    plane.close().await;
}

#[tokio::test]
async fn a_store_that_is_damaged_or_of_a_newer_version_is_told_and_left_alone() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("nasiko.db");
    fs_err::write(&file, "this is no database, and never was one".repeat(100)).unwrap();
    let surroundings: Surroundings = around(home.path());
    let damaged = check(surroundings, "data.store").await;
    assert_state(&damaged, CheckState::Failed);
    assert!(
        damaged.fix.is_none() && damaged.hint.is_some(),
        "{damaged:#?}"
    );
    assert_eq!(fs_err::read(&file).unwrap().len(), 3_800);
}
