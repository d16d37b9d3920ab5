use std::os::unix::fs::MetadataExt as _;

use tar::{Builder, Header};
use tempfile::TempDir;

use super::*;

/// An archive in the making; files belong to whoever runs the test, who may not be able to give them away.
struct Sent {
    owner: (u32, u32),
    builder: Builder<Vec<u8>>,
}

impl Sent {
    fn new(root: &TempDir) -> Self {
        let own = fs::metadata(root.path()).unwrap();
        Self {
            owner: (own.uid(), own.gid()),
            builder: Builder::new(Vec::new()),
        }
    }

    fn header(&self, kind: EntryType, mode: u32) -> Header {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(self.owner.0.into());
        header.set_gid(self.owner.1.into());
        header.set_mtime(1_000_000_000);
        header.set_size(0);
        header
    }

    fn file(mut self, path: &str, mode: u32, content: &str) -> Self {
        let mut header = self.header(EntryType::Regular, mode);
        header.set_size(content.len() as u64);
        self.builder
            .append_data(&mut header, path, content.as_bytes())
            .unwrap();
        self
    }

    fn folder(mut self, path: &str, mode: u32) -> Self {
        let mut header = self.header(EntryType::Directory, mode);
        self.builder
            .append_data(&mut header, path, io::empty())
            .unwrap();
        self
    }

    fn link(mut self, kind: EntryType, path: &str, to: &str) -> Self {
        let mut header = self.header(kind, 0o777);
        self.builder.append_link(&mut header, path, to).unwrap();
        self
    }

    fn go(self) -> Vec<u8> {
        self.file(GO, 0o644, "").builder.into_inner().unwrap()
    }
}

fn root() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn files_come_with_mode_owner_and_time() {
    let root = root();
    fs::create_dir(root.path().join("app")).unwrap();
    fs::write(root.path().join("app/main.py"), "old").unwrap();
    let sent = Sent::new(&root)
        .file("app/main.py", 0o750, "new")
        .file("app/deep/er/data.txt", 0o604, "data")
        .folder("app/empty", 0o700)
        .link(EntryType::Symlink, "app/current", "deep/er/data.txt")
        .link(EntryType::Link, "app/same.py", "app/main.py");
    let owner = sent.owner;
    assert_eq!(lay(root.path(), &sent.go()[..]).unwrap(), End::LetGo);

    let main = fs::metadata(root.path().join("app/main.py")).unwrap();
    assert_eq!(
        (main.mode() & 0o7777, main.uid(), main.gid(), main.mtime()),
        (0o750, owner.0, owner.1, 1_000_000_000)
    );
    assert_eq!(
        fs::read_to_string(root.path().join("app/main.py")).unwrap(),
        "new"
    );
    assert_eq!(
        fs::read_to_string(root.path().join("app/current")).unwrap(),
        "data"
    );
    assert_eq!(
        fs::metadata(root.path().join("app/same.py")).unwrap().ino(),
        main.ino()
    );
    assert_eq!(
        fs::metadata(root.path().join("app/empty")).unwrap().mode() & 0o7777,
        0o700
    );
    let mut left: Vec<_> = fs::read_dir(root.path().join("app"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(
        left,
        ["current", "deep", "empty", "main.py", "same.py"],
        "nothing unfinished is left"
    );
}

#[test]
fn a_file_that_is_open_keeps_what_it_was() {
    let root = root();
    fs::write(root.path().join("page"), "old").unwrap();
    let mut open = File::open(root.path().join("page")).unwrap();
    lay(
        root.path(),
        &Sent::new(&root).file("page", 0o644, "new").go()[..],
    )
    .unwrap();
    let mut seen = String::new();
    open.read_to_string(&mut seen).unwrap();
    assert_eq!(seen, "old");
}

#[test]
fn a_file_takes_the_place_of_a_folder_and_of_a_link_and_the_other_way_round() {
    let root = root();
    let at = |path: &str| root.path().join(path);
    fs::create_dir_all(at("was_folder/deep")).unwrap();
    fs::write(at("was_file"), "").unwrap();
    fs::write(at("other"), "other").unwrap();
    symlink("other", at("was_link")).unwrap();
    let sent = Sent::new(&root)
        .file("was_folder", 0o644, "file")
        .folder("was_file", 0o755)
        .file("was_link", 0o644, "file");
    lay(root.path(), &sent.go()[..]).unwrap();
    assert_eq!(fs::read_to_string(at("was_folder")).unwrap(), "file");
    assert!(at("was_file").is_dir());
    assert_eq!(fs::read_to_string(at("was_link")).unwrap(), "file");
    assert_eq!(
        fs::read_to_string(at("other")).unwrap(),
        "other",
        "not written through the link"
    );
}

#[test]
fn what_is_removed_is_gone_and_folders_only_when_empty() {
    let root = root();
    let at = |path: &str| root.path().join(path);
    for folder in ["a/b", "kept"] {
        fs::create_dir_all(at(folder)).unwrap();
    }
    for file in ["a/one", "a/b/two", "kept/one", "kept/two"] {
        fs::write(at(file), "").unwrap();
    }
    symlink("nowhere", at("link")).unwrap();
    let removed =
        "/a\0/a/b\0/a/one\0/a/b/two\0/kept\0/kept/one\0/link\0/never/there\0/kept/two/below\0";
    lay(
        root.path(),
        &Sent::new(&root).file(REMOVED, 0o600, removed).go()[..],
    )
    .unwrap();
    assert!(!at("a").is_dir() && fs::symlink_metadata(at("link")).is_err());
    assert!(!at("kept/one").is_file() && at("kept/two").is_file());
}

#[test]
fn owners_are_given_by_name_last() {
    let root = root();
    let sent = Sent::new(&root);
    let (user, group) = sent.owner;
    fs::create_dir(root.path().join("etc")).unwrap();
    fs::write(
        root.path().join("etc/passwd"),
        format!("me:x:{user}:9::/:\n"),
    )
    .unwrap();
    fs::write(root.path().join("etc/group"), format!("us:x:{group}:\n")).unwrap();
    let sent = sent
        .file(OWNERS, 0o600, "/main.py\0me:us\0")
        .file("main.py", 0o644, "");
    lay(root.path(), &sent.go()[..]).unwrap();

    let sent = Sent::new(&root)
        .file(OWNERS, 0o600, "/main.py\0somebody\0")
        .file("main.py", 0o644, "");
    let error = lay(root.path(), &sent.go()[..]).unwrap_err().to_string();
    assert!(
        error.contains("main.py") && error.contains("somebody"),
        "{error}"
    );
}

#[test]
fn an_archive_that_breaks_off_lets_nothing_go() {
    let root = root();
    let whole = Sent::new(&root)
        .file("main.py", 0o644, &"x".repeat(2000))
        .go();
    for length in [0, 100, 512, 1024, 2000] {
        assert_eq!(
            lay(root.path(), &whole[..length]).unwrap(),
            End::HungUp,
            "after {length} bytes"
        );
        assert!(
            !root.path().join("main.py").is_file(),
            "half of a file is no file"
        );
    }
    assert_eq!(lay(root.path(), &whole[..]).unwrap(), End::LetGo);
}

#[test]
fn one_archive_after_another_is_one() {
    let root = root();
    let mut sent = Sent::new(&root)
        .file("one", 0o644, "1")
        .builder
        .into_inner()
        .unwrap();
    sent.extend(Sent::new(&root).file("two", 0o644, "2").go());
    assert_eq!(lay(root.path(), &sent[..]).unwrap(), End::LetGo);
    assert!(root.path().join("one").is_file() && root.path().join("two").is_file());
}

#[test]
fn failures_name_the_path() {
    let root = root();
    fs::write(root.path().join("file"), "").unwrap();
    let below_a_file = Sent::new(&root).file("file/below", 0o644, "").go();
    let error = lay(root.path(), &below_a_file[..]).unwrap_err().to_string();
    assert!(error.contains("/file"), "{error}");
    let upwards = Sent::new(&root).file(REMOVED, 0o600, "/a/../../etc\0").go();
    let error = lay(root.path(), &upwards[..]).unwrap_err().to_string();
    assert!(error.contains("leads out of its folder"), "{error}");
}
