//! Storms: whatever happens to a folder, soon after it is over the agent has exactly what the folder has, after one last
//! restart.

#![expect(clippy::print_stderr, reason = "how soon it was calm is worth knowing")]

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::Command,
    time::{Duration, Instant, SystemTime},
};

use nasiko_tests::{Chance, Resident, live::Edited};

use crate::live::resident;

/// After a storm's end.
const CALM_WITHIN: Duration = Duration::from_secs(2);
/// Nothing more happens for this long.
const CALM_FOR: Duration = Duration::from_millis(700);
/// Two cores are shared with other tests while the whole suite runs: then a bound of time is no claim about the product.
const PATIENCE: Duration = Duration::from_secs(40);

type Storm = (&'static str, fn(&Edited, &mut Chance));

const STORMS: &[Storm] = &[
    ("atomic renames", atomic_renames),
    ("rename chains", rename_chains),
    ("moves of folders", moves_of_folders),
    ("edits during the restart", edits_during_the_restart),
    ("modes, links and cases", modes_links_and_cases),
    ("times that jump", times_that_jump),
    ("a folder deleted and made again", deleted_and_made_again),
    ("commits one after another", commits),
    ("odd names", odd_names),
    ("written bit by bit", written_bit_by_bit),
];

async fn weather(runtime: &str, rounds: u32) {
    let Some(resident) = resident("live_storms::weather", runtime) else {
        return;
    };
    let agent = Edited::deploy(&resident, "stormy", runtime);
    let mut chance = Chance::new();
    let mut version = 0;
    let mut slowest = Duration::ZERO;
    for round in 0..rounds {
        for (name, storm) in STORMS {
            storm(&agent, &mut chance);
            version += 1;
            agent.save(version);
            let took = calm(&agent, version).await;
            let took = took.unwrap_or_else(|error| panic!("{name}, round {round}: {error}"));
            slowest = slowest.max(took);
            rests(&agent, &resident, name).await;
        }
    }
    eprintln!(
        "{} storms; calm after {} ms at most",
        rounds as usize * STORMS.len(),
        slowest.as_millis()
    );
    if slowest > CALM_WITHIN {
        eprintln!("slower than {CALM_WITHIN:?} on this machine, now");
    }
}

/// The last version answers, and all files are as in the folder.
async fn calm(agent: &Edited, version: u32) -> Result<Duration, String> {
    let answered = agent.until(version, PATIENCE).await?;
    Ok(answered + agent.until_equal(PATIENCE).await?)
}

/// Nothing is updated any more once all is as it should be.
async fn rests(agent: &Edited, resident: &Resident, storm: &str) {
    let live = |agent: &Edited| {
        let updates = agent.updates(resident);
        let under_way = updates.iter().any(|update| update["result"] == "applying");
        let live = updates.iter().filter(|update| update["result"] == "live");
        (under_way, live.count())
    };
    // What answers is live a moment before that is written down.
    let mut before = live(agent);
    let deadline = Instant::now() + PATIENCE;
    while before.0 && Instant::now() < deadline {
        before = live(agent);
    }
    tokio::time::sleep(CALM_FOR).await;
    let after = live(agent);
    assert!(!after.0, "{storm}: something is still under way");
    assert_eq!(
        before.1, after.1,
        "{storm}: restarted again after it was over"
    );
}

fn some_text(chance: &mut Chance) -> String {
    format!("{:016x}\n", chance.number()).repeat(*chance.pick(&[1, 2, 5, 20, 40]))
}

fn atomic_renames(agent: &Edited, chance: &mut Chance) {
    for at in 0..300 {
        agent.write(
            &format!("notes/{}.txt", chance.below(60)),
            &some_text(chance),
        );
        if at % 50 == 0 {
            agent.write("content.py", "VERSION = 9999\n");
        }
    }
}

fn rename_chains(agent: &Edited, chance: &mut Chance) {
    for _ in 0..20 {
        agent.write("chain/a.txt", &some_text(chance));
        for (from, to) in [("a", "b"), ("b", "c"), ("c", "d")] {
            let (from, to) = (format!("chain/{from}.txt"), format!("chain/{to}.txt"));
            fs::rename(agent.join(from), agent.join(to)).unwrap();
        }
    }
    fs::rename(agent.join("chain/d.txt"), agent.join("chain/a.txt")).unwrap();
}

fn moves_of_folders(agent: &Edited, chance: &mut Chance) {
    for at in 0..10 {
        agent.write(&format!("moving/deep/{at}.txt"), &some_text(chance));
    }
    let outside = agent.path().with_extension("outside");
    fs::rename(agent.join("moving"), &outside).unwrap();
    fs::write(outside.join("deep/0.txt"), some_text(chance)).unwrap();
    let _ = fs::remove_dir_all(agent.join("moved"));
    fs::rename(&outside, agent.join("moved")).unwrap();
}

fn edits_during_the_restart(agent: &Edited, chance: &mut Chance) {
    for version in 0..5 {
        agent.save(1_000 + version);
        std::thread::sleep(chance.within(Duration::from_millis(120)));
    }
}

fn modes_links_and_cases(agent: &Edited, chance: &mut Chance) {
    agent.write("tool.sh", &some_text(chance));
    let executable = if chance.below(2) == 0 { 0o755 } else { 0o644 };
    fs::set_permissions(
        agent.join("tool.sh"),
        fs::Permissions::from_mode(executable),
    )
    .unwrap();
    let link = agent.join("current");
    let _ = fs::remove_file(&link);
    symlink(chance.pick(&["tool.sh", "content.py", "nowhere"]), &link).unwrap();
    let (from, to) = if agent.join("Readme.txt").try_exists().unwrap() {
        ("Readme.txt", "readme.txt")
    } else {
        agent.write("readme.txt", &some_text(chance));
        ("readme.txt", "Readme.txt")
    };
    fs::rename(agent.join(from), agent.join(to)).unwrap();
}

fn times_that_jump(agent: &Edited, chance: &mut Chance) {
    for at in 0..20 {
        let name = format!("times/{at}.txt");
        agent.write(&name, &some_text(chance));
        let jump = Duration::from_secs(chance.below(100_000_000));
        let time = if at % 2 == 0 {
            SystemTime::now() - jump
        } else {
            SystemTime::now() + jump
        };
        let file = fs::File::options().append(true).open(agent.join(&name));
        file.unwrap().set_modified(time).unwrap();
    }
}

fn deleted_and_made_again(agent: &Edited, chance: &mut Chance) {
    for _ in 0..5 {
        agent.write("again/x/y.txt", &some_text(chance));
        fs::remove_dir_all(agent.join("again")).unwrap();
    }
    agent.write("again/x/y.txt", &some_text(chance));
}

fn commits(agent: &Edited, chance: &mut Chance) {
    let git = |words: &[&str]| {
        let done = Command::new("git")
            .args([
                "-c",
                "user.name=t",
                "-c",
                "user.email=t@localhost",
                "-c",
                "commit.gpgsign=false",
            ])
            .args(words)
            .current_dir(agent.path())
            .output()
            .unwrap();
        assert!(done.status.success(), "git {words:?}: {done:?}");
    };
    if !agent.join(".git").try_exists().unwrap() {
        git(&["init", "-q", "-b", "main"]);
    }
    git(&["add", "-A"]);
    git(&["commit", "-q", "--allow-empty", "-m", "begin"]);
    git(&["checkout", "-q", "-B", "work"]);
    for at in 0..10 {
        agent.write(&format!("history/{at}.txt"), &some_text(chance));
        git(&["add", "-A"]);
        git(&["commit", "-q", "-m", "step"]);
    }
    git(&["checkout", "-q", "main"]);
    agent.write("history-of-main.txt", &some_text(chance));
    git(&["add", "-A"]);
    git(&["commit", "-q", "-m", "beside"]);
    git(&["checkout", "-q", "work"]);
    git(&["rebase", "-q", "main"]);
    git(&["checkout", "-q", "-B", "main"]);
}

fn odd_names(agent: &Edited, chance: &mut Chance) {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    let folder = agent.join("odd names");
    fs::create_dir_all(&folder).unwrap();
    for name in [
        &b"not \xff utf-8"[..],
        b"quote'\"",
        "ünï¢ødé".as_bytes(),
        b"-dash",
        b" space ",
    ] {
        fs::write(folder.join(OsStr::from_bytes(name)), some_text(chance)).unwrap();
    }
    if chance.below(2) == 0 {
        fs::remove_file(folder.join(OsStr::from_bytes(b"not \xff utf-8"))).unwrap();
    }
}

fn written_bit_by_bit(agent: &Edited, chance: &mut Chance) {
    use std::io::Write;
    let mut file = fs::File::create(agent.join("growing.txt")).unwrap();
    for _ in 0..40 {
        file.write_all(some_text(chance).as_bytes()).unwrap();
        std::thread::sleep(chance.within(Duration::from_millis(10)));
    }
}

/// Thousands of files at once, there and back.
async fn branches(runtime: &str, files: u32) {
    let Some(resident) = resident("live_storms::branches", runtime) else {
        return;
    };
    let agent = Edited::deploy(&resident, "branches", runtime);
    fill(&agent.join("tree"), files, "one");
    agent.save(1);
    let first = calm(&agent, 1).await.unwrap();
    fs::remove_dir_all(agent.join("tree/0")).unwrap();
    fill(&agent.join("tree"), files, "two");
    fill(&agent.join("other"), files / 10, "new");
    agent.save(2);
    let second = calm(&agent, 2).await.unwrap();
    rests(&agent, &resident, "a switch of branches").await;
    eprintln!(
        "{files} files: calm after {} and {} ms",
        first.as_millis(),
        second.as_millis()
    );
}

fn fill(folder: &Path, files: u32, content: &str) {
    for at in 0..files {
        let folder = folder.join((at / 500).to_string());
        if at % 500 == 0 {
            fs::create_dir_all(&folder).unwrap();
        }
        fs::write(
            folder.join(format!("{at}.txt")),
            format!("{content} {at}\n"),
        )
        .unwrap();
    }
}

/// A queue of events so small that it overflows.
#[tokio::test]
async fn a_queue_that_overflows_loses_nothing() {
    let limit = "/proc/sys/fs/inotify/max_queued_events";
    let usual = fs::read_to_string(limit).unwrap();
    if fs::write(limit, "16").is_err() {
        nasiko_tests::skip::skip(
            "live_storms::overflow",
            "the limit of queued events cannot be set here",
        );
        return;
    }
    // The limit is taken when a watcher is made.
    let resident = Resident::start();
    let agent = Edited::deploy(&resident, "overflow", "process");
    fs::write(limit, usual.trim()).unwrap();
    for round in 1..=5 {
        fill(&agent.join("flood"), 2_000, &format!("round {round}"));
        agent.save(round);
        calm(&agent, round).await.unwrap();
    }
    rests(&agent, &resident, "an overflow").await;
}

#[tokio::test]
async fn storms_pass_as_a_process() {
    weather("process", 4).await;
}

#[tokio::test]
async fn storms_pass_in_docker() {
    weather("docker", 1).await;
}

#[tokio::test]
async fn a_switch_of_branches_as_a_process() {
    branches("process", 10_000).await;
}

#[tokio::test]
async fn a_switch_of_branches_in_docker() {
    branches("docker", 10_000).await;
}
