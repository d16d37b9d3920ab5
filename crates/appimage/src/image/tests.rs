use std::{io::Write as _, os::unix::fs::PermissionsExt as _};

use backhand::{FilesystemCompressor, FilesystemWriter, NodeHeader, compression::Compressor};

use super::*;
use crate::cache::Cache;

/// A program's header that ends where its 64 bytes end, and a small file system behind it.
fn image(folder: &Path, content: &str) -> PathBuf {
    let mut header = [0_u8; HEADER];
    header[..6].copy_from_slice(b"\x7fELF\x02\x01");
    header[0x28] = 64;
    let mut writer = FilesystemWriter::default();
    writer.set_compressor(FilesystemCompressor::new(Compressor::Gzip, None).unwrap());
    let of_folder = NodeHeader::new(0o755, 0, 0, 0);
    writer.push_dir("usr", of_folder).unwrap();
    writer
        .push_file(
            content.as_bytes(),
            "usr/word",
            NodeHeader::new(0o644, 0, 0, 0),
        )
        .unwrap();
    writer
        .push_file(
            &b"#!/bin/sh\n"[..],
            "AppRun",
            NodeHeader::new(0o4755, 0, 0, 0),
        )
        .unwrap();
    writer.push_symlink("usr/word", "link", of_folder).unwrap();
    let mut files = io::Cursor::new(Vec::new());
    writer.write(&mut files).unwrap();
    let path = folder.join(format!("{content}.AppImage"));
    let mut file = File::create(&path).unwrap();
    file.write_all(&header).unwrap();
    file.write_all(files.get_ref()).unwrap();
    path
}

#[test]
fn an_image_is_unpacked_once_and_old_ones_go() {
    let scratch = tempfile::tempdir().unwrap();
    let cache = || Cache::of_person(Some(scratch.path().join("cache").into()), None).unwrap();
    let unpacked = |content: &str| {
        let image = Image::open(&image(scratch.path(), content)).unwrap();
        assert_eq!(image.offset(), 64);
        cache().unpacked(&image).unwrap()
    };
    let folder = unpacked("one");
    assert_eq!(fs::read_to_string(folder.join("usr/word")).unwrap(), "one");
    assert_eq!(fs::read_to_string(folder.join("link")).unwrap(), "one");
    let mode = fs::metadata(folder.join("AppRun")).unwrap().permissions();
    assert_eq!(
        mode.mode() & 0o7777,
        0o755,
        "no set-user-ID bit comes along"
    );

    // What is there is not made again.
    fs::write(folder.join("usr/word"), "edited").unwrap();
    assert_eq!(unpacked("one"), folder);
    assert_eq!(
        fs::read_to_string(folder.join("usr/word")).unwrap(),
        "edited"
    );

    let second = unpacked("two");
    assert!(folder.is_dir(), "the one before may still be running");
    let third = unpacked("three");
    assert!(second.is_dir() && third.is_dir() && !folder.is_dir());
    let kept = fs::read_dir(scratch.path().join("cache/nasiko/appimage")).unwrap();
    assert_eq!(kept.count(), 2, "no draft is left");
}

#[test]
fn a_broken_image_is_refused_and_leaves_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let path = image(scratch.path(), "broken");
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(200)
        .unwrap();
    let cache = Cache::of_person(Some(scratch.path().join("cache").into()), None).unwrap();
    assert!(cache.unpacked(&Image::open(&path).unwrap()).is_err());
    let left = fs::read_dir(scratch.path().join("cache/nasiko/appimage")).unwrap();
    assert_eq!(left.count(), 0);
    fs::write(&path, [0; 200]).unwrap();
    assert!(Image::open(&path).is_err(), "no program");
}

#[test]
fn nothing_leads_out() {
    let folder = Path::new("/somewhere");
    assert!(below(folder, Path::new("/../etc")).is_err());
    assert_eq!(
        below(folder, Path::new("/usr/bin")).unwrap(),
        Path::new("/somewhere/usr/bin")
    );
}
