//! What is laid over an image, compared with what a build of the folder would hold.

use std::collections::BTreeMap;
use std::io::Read;

use super::*;

const DOCKERFILE: &str = "FROM python:3.11\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n\
                          COPY --chown=1000:50 src/ ./src/\nCOPY --chown=app start.sh main.py ./\nCOPY data /data\n\
                          RUN chmod u+x start.sh && chown -R worker:staff /data\nCMD [\"python\", \"main.py\"]\n";
const FILES: [(&str, &str); 8] = [
    ("Dockerfile", DOCKERFILE),
    ("requirements.txt", "fastapi\n"),
    ("main.py", "import os\n"),
    ("start.sh", "exec python main.py\n"),
    ("src/a.py", "1\n"),
    ("src/deep/er/b.py", "1\n"),
    ("data/x.csv", "1\n"),
    ("other/y.txt", "1\n"),
];

/// What differs after an edit.
fn laid(agent: &Agent, edit: impl FnOnce(&Agent)) -> Result<Layers, String> {
    let base = agent.snapshot();
    let description = agent.describe();
    edit(agent);
    overlay(&description, &base, &agent.snapshot(), agent.root())
}

/// Every entry of the archive: path, kind, permissions, owner; and the content of files.
fn entries(layers: &Layers) -> BTreeMap<String, String> {
    let mut bytes = Vec::new();
    layers.write_tar(&mut bytes).unwrap();
    let mut archive = tar::Archive::new(bytes.as_slice());
    let mut entries = BTreeMap::new();
    let mut order = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let header = entry.header();
        let mut line = format!(
            "{:?} {:o} {}:{}",
            header.entry_type(),
            header.mode().unwrap(),
            header.uid().unwrap(),
            header.gid().unwrap()
        );
        if let Some(target) = entry.link_name().unwrap() {
            line = format!("{line} -> {}", target.display());
        }
        let path = entry.path().unwrap().to_string_lossy().into_owned();
        let mut text = String::new();
        if entry.read_to_string(&mut text).is_ok() && !text.is_empty() {
            line = format!("{line} {text:?}");
        }
        order.push(path.clone());
        entries.insert(path, line);
    }
    let mut sorted = order.clone();
    sorted.sort();
    assert_eq!(order, sorted, "the archive is sorted, directories first");
    entries
}

#[track_caller]
fn check(
    edit: impl FnOnce(&Agent),
    expected: &[(&str, &str)],
    removed: &[&str],
    owners: &[(&str, &str)],
) {
    let agent = Agent::new(&FILES);
    let layers = laid(&agent, edit).unwrap();
    let found = entries(&layers);
    let found: Vec<(&str, &str)> = found
        .iter()
        .map(|(path, line)| (path.as_str(), line.as_str()))
        .collect();
    assert_eq!(found, expected);
    assert_eq!(layers.removed(), removed);
    let named: Vec<(&str, &str)> = layers
        .owners()
        .iter()
        .map(|(path, owner)| (path.as_str(), owner.as_str()))
        .collect();
    assert_eq!(named, owners);
    assert_eq!(layers.len(), expected.len());
    assert_eq!(layers.is_empty(), expected.is_empty() && removed.is_empty());
}

#[test]
fn nothing_differs() {
    check(|_| {}, &[], &[], &[]);
    // Only what no copy brings.
    check(|agent| agent.write("other/y.txt", "2"), &[], &[], &[]);
}

#[test]
fn changed_files_go_where_they_are_copied_to() {
    check(
        |agent| {
            agent.write("main.py", "import sys\n");
            agent.write("start.sh", "exec python -u main.py\n");
            agent.write("src/a.py", "2\n");
            agent.write("data/x.csv", "2\n");
        },
        &[
            ("app/main.py", "Regular 644 0:0 \"import sys\\n\""),
            ("app/src/a.py", "Regular 644 1000:50 \"2\\n\""),
            (
                "app/start.sh",
                "Regular 744 0:0 \"exec python -u main.py\\n\"",
            ),
            ("data/x.csv", "Regular 644 0:0 \"2\\n\""),
        ],
        &[],
        &[
            ("/app/main.py", "app"),
            ("/app/start.sh", "app"),
            ("/data/x.csv", "worker:staff"),
        ],
    );
}

#[test]
fn directories_come_and_go() {
    check(
        |agent| {
            agent.write("src/new/sub/c.py", "3");
            fs_err::create_dir_all(agent.root().join("data/empty")).unwrap();
            fs_err::remove_dir_all(agent.root().join("src/deep")).unwrap();
        },
        &[
            ("app/src/new/", "Directory 755 1000:50"),
            ("app/src/new/sub/", "Directory 755 1000:50"),
            ("app/src/new/sub/c.py", "Regular 644 1000:50 \"3\""),
            ("data/empty/", "Directory 755 0:0"),
        ],
        &["/app/src/deep/er/b.py", "/app/src/deep/er", "/app/src/deep"],
        &[("/data/empty", "worker:staff")],
    );
}

#[cfg(unix)]
#[test]
fn links_and_permissions() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    check(
        |agent| {
            symlink("a.py", agent.root().join("src/link.py")).unwrap();
            let path = agent.root().join("src/deep/er/b.py");
            fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o700)).unwrap();
        },
        &[
            ("app/src/deep/er/b.py", "Regular 755 1000:50 \"1\\n\""),
            ("app/src/link.py", "Symlink 777 1000:50 -> a.py"),
        ],
        &[],
        &[],
    );
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_unicode() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let agent = Agent::new(&FILES);
    let layers = laid(&agent, |agent| {
        let directory = agent.root().join("src").join(OsStr::from_bytes(b"d\xff"));
        fs_err::create_dir_all(&directory).unwrap();
        fs_err::write(directory.join(OsStr::from_bytes(b"n\xfe.py")), "x").unwrap();
    })
    .unwrap();
    let mut bytes = Vec::new();
    layers.write_tar(&mut bytes).unwrap();
    let mut archive = tar::Archive::new(bytes.as_slice());
    let paths: Vec<Vec<u8>> = archive
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().path_bytes().into_owned())
        .collect();
    assert!(
        paths.contains(&b"app/src/d\xff/n\xfe.py".to_vec()),
        "{paths:?}"
    );
}

#[test]
fn times_are_those_of_the_files() {
    let agent = Agent::new(&FILES);
    let layers = laid(&agent, |agent| {
        agent.write("main.py", "import sys\n");
        let file = fs_err::File::options()
            .write(true)
            .open(agent.root().join("main.py"))
            .unwrap();
        let time = std::time::UNIX_EPOCH + std::time::Duration::new(1_700_000_000, 123_456_789);
        file.set_modified(time).unwrap();
    })
    .unwrap();
    let mut bytes = Vec::new();
    layers.write_tar(&mut bytes).unwrap();
    let mut archive = tar::Archive::new(bytes.as_slice());
    let mut entry = archive.entries().unwrap().next().unwrap().unwrap();
    assert_eq!(entry.header().mtime().unwrap(), 1_700_000_000);
    let mut extensions = entry.pax_extensions().unwrap().unwrap();
    let time = extensions.next().unwrap().unwrap();
    assert_eq!(
        (time.key(), time.value()),
        (Ok("mtime"), Ok("1700000000.123456789"))
    );
}

#[test]
fn a_long_path_and_the_same_bytes_each_time() {
    let agent = Agent::new(&FILES);
    let name = format!("src/{}/{}.py", "d".repeat(90), "n".repeat(120));
    let layers = laid(&agent, |agent| agent.write(&name, "x")).unwrap();
    let path = format!("app/{name}");
    assert!(entries(&layers).contains_key(&path));
    let (mut first, mut second) = (Vec::new(), Vec::new());
    layers.write_tar(&mut first).unwrap();
    layers.write_tar(&mut second).unwrap();
    assert_eq!(first, second);
}

#[test]
fn a_file_that_changes_while_it_is_packed() {
    for change in ["same", "longer text"] {
        let agent = Agent::new(&FILES);
        let layers = laid(&agent, |agent| agent.write("main.py", "new!")).unwrap();
        agent.write("main.py", change);
        let error = layers.write_tar(&mut Vec::new()).unwrap_err();
        let changed = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<ChangedWhilePacked>());
        assert_eq!(
            changed.map(|changed| changed.path.as_str()),
            Some("main.py")
        );
        assert_eq!(error.to_string(), "main.py changed while it was packed");
    }
    let agent = Agent::new(&FILES);
    let layers = laid(&agent, |agent| agent.write("main.py", "new!")).unwrap();
    agent.remove("main.py");
    assert_eq!(
        layers.write_tar(&mut Vec::new()).unwrap_err().to_string(),
        "main.py changed while it was packed"
    );
}

#[test]
fn what_only_a_build_can_do() {
    type Edit = fn(&Agent);
    let edits: [(Edit, &str); 6] = [
        (
            |agent| agent.write("requirements.txt", "x"),
            "requirements.txt: feeds RUN pip install",
        ),
        (
            |agent| agent.write("Dockerfile", "FROM python:3.12\nCOPY . .\n"),
            "Dockerfile: it says how",
        ),
        (
            |agent| agent.write(".dockerignore", "x"),
            ".dockerignore: it says how",
        ),
        (
            |agent| agent.remove("start.sh"),
            "start.sh: COPY --chown=app start.sh main.py ./ (Dockerfile:6) needs it",
        ),
        (
            |agent| {
                agent.remove("src/a.py");
                agent.write("src/a.py/b", "x");
            },
            "it is a directory now",
        ),
        (
            |agent| {
                agent.remove("data/x.csv");
                fs_err::remove_dir(agent.root().join("data")).unwrap();
            },
            "needs",
        ),
    ];
    for (edit, why) in edits {
        let agent = Agent::new(&FILES);
        let error = laid(&agent, edit).unwrap_err();
        assert!(error.contains(why), "{error:?} has no {why:?}");
    }
}

#[test]
fn a_removal_uncovers_what_another_copy_brings() {
    let agent = Agent::new(&[
        (
            "Dockerfile",
            "FROM python:3.11\nWORKDIR /app\nCOPY a/ ./\nCOPY b/ ./\nCMD python x.py\n",
        ),
        ("a/x.py", "a"),
        ("a/y.py", "a"),
        ("b/x.py", "b"),
    ]);
    let layers = laid(&agent, |agent| {
        agent.remove("b/x.py");
        agent.write("b/z.py", "b");
    })
    .unwrap();
    assert_eq!(
        entries(&layers).get("app/x.py").map(String::as_str),
        Some("Regular 644 0:0 \"a\"")
    );
    assert!(layers.removed().is_empty());
    // Covered again: what lies below does not matter.
    let layers = laid(&agent, |agent| agent.write("b/y.py", "b")).unwrap();
    assert_eq!(
        entries(&layers).get("app/y.py").map(String::as_str),
        Some("Regular 644 0:0 \"b\"")
    );
    let layers = laid(&agent, |agent| agent.write("a/y.py", "c")).unwrap();
    assert!(layers.is_empty(), "it is hidden by b/y.py");
}

#[test]
fn a_removal_that_may_uncover_what_is_not_known() {
    for (dockerfile, why) in [
        (
            "FROM nginx\nCOPY conf/ /etc/nginx/\n",
            "the base image may have its own",
        ),
        (
            "FROM python:3.11\nRUN make -C /x\nCOPY conf/ /app/conf/\n",
            "may have made one of its own",
        ),
        (
            "FROM python:3.11\nCOPY --from=other:1 /x /app\nCOPY conf/ /app/conf/\n",
            "may have brought one of its own",
        ),
    ] {
        let agent = Agent::new(&[
            ("Dockerfile", dockerfile),
            ("conf/a.conf", ""),
            ("conf/b.conf", ""),
        ]);
        let error = laid(&agent, |agent| agent.remove("conf/a.conf")).unwrap_err();
        assert!(error.contains(why), "{error}");
        let layers = laid(&agent, |agent| agent.write("conf/b.conf", "2"));
        assert!(layers.is_ok(), "{layers:?}");
    }
}

#[test]
fn rules_of_the_manifest_and_what_programs_write() {
    let agent = Agent::new(&[
        (
            "Dockerfile",
            "FROM python:3.11\nWORKDIR /app\nCOPY . .\nRUN make\nCMD python main.py\n",
        ),
        (
            "nasiko.toml",
            "[dev]\nignore = [\"scratch\"]\nsync = [{ from = \"src\", to = \"lib/\" }, { from = \"main.py\", to = \"/app/\" }]\n",
        ),
        ("main.py", ""),
        ("src/a.py", ""),
        ("scratch/x", ""),
    ]);
    let layers = laid(&agent, |agent| {
        agent.write("src/a.py", "2");
        agent.write("main.py", "2");
        agent.write("scratch/x", "2");
        agent.write("app.log", "2");
        agent.write("docker-compose.yml", "services: {}");
    })
    .unwrap();
    let found: Vec<String> = entries(&layers).into_keys().collect();
    assert_eq!(found, ["app/lib/a.py", "app/main.py"]);
}

#[test]
fn a_folder_without_a_dockerfile() {
    let agent = Agent::new(&[
        ("main.py", "1"),
        ("requirements.txt", "fastapi"),
        ("pkg/a.py", "1"),
    ]);
    let layers = laid(&agent, |agent| agent.write("pkg/a.py", "2")).unwrap();
    assert_eq!(
        entries(&layers).into_keys().collect::<Vec<_>>(),
        ["app/pkg/a.py"]
    );
    let error = laid(&agent, |agent| agent.write("requirements.txt", "flask")).unwrap_err();
    assert!(error.contains("the generated Dockerfile:"), "{error}");
    let error = laid(&agent, |agent| agent.write("Dockerfile", "FROM python\n")).unwrap_err();
    assert!(error.contains("it says how the image is built"), "{error}");
}

#[test]
fn a_rule_climbs_no_higher_than_the_root() {
    for (to, target) in [
        ("..", "src/a.py"),
        ("../../x/", "x/src/a.py"),
        ("/y/../z", "z/src/a.py"),
        ("", "app/src/a.py"),
    ] {
        let manifest = format!("[dev]\nsync = [{{ from = \"\", to = \"{to}\" }}]\n");
        let agent = Agent::new(&[
            ("Dockerfile", "FROM python\nWORKDIR /app\nCOPY . .\n"),
            ("src/a.py", "x = 1"),
            ("nasiko.toml", &manifest),
        ]);
        let layers = laid(&agent, |agent| agent.write("src/a.py", "x = 2")).unwrap();
        assert!(
            entries(&layers).contains_key(target),
            "{to:?}: {:?}",
            entries(&layers)
        );
    }
}
