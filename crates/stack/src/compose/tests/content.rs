//! Files that are no files as people write them: too long, in another encoding, with another system's line ends.

use std::fmt::Write as _;

use super::*;

const FINE: &str = "services:\n  web:\n    image: a\n    environment:\n      WORD: one\n";

fn load_bytes(bytes: &[u8]) -> Result<Project, ComposeError> {
    let folder = Folder::new(&[""]);
    fs_err::write(&folder.request.files[0], bytes).unwrap();
    folder.load()
}

#[test]
fn line_ends_and_the_mark_of_other_systems_are_understood() {
    let windows = FINE.replace('\n', "\r\n");
    for text in [
        windows.clone(),
        format!("\u{feff}{FINE}"),
        format!("\u{feff}{windows}"),
    ] {
        let project = project(&text);
        assert_eq!(
            project.services["web"].environment["WORD"], "one",
            "{text:?}"
        );
    }
    // Lines are counted alike.
    let wrong = windows.replace("image: a", "imag: a");
    let problem = &load_bytes(wrong.as_bytes()).unwrap_err().problems[0];
    assert_eq!(problem.span.line(), 3);
}

#[test]
fn a_file_of_variables_may_come_from_another_system_too() {
    let text = FINE.replace("one", "${WORD}");
    for content in ["WORD=one\r\nOTHER=two\r\n", "\u{feff}WORD=one\n"] {
        let folder = Folder::new(&[&text]).with(".env", content);
        let project = folder.load().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(
            project.services["web"].environment["WORD"], "one",
            "{content:?}"
        );
    }
}

#[test]
fn what_is_no_text_is_refused_with_its_file() {
    let mut latin = FINE.as_bytes().to_vec();
    latin.extend(b"    hostname: caf\xe9\n");
    let utf16: Vec<u8> = FINE.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let with_mark = [&[0xff, 0xfe], utf16.as_slice()].concat();
    let nul = b"services:\n  web: {image: \"a\0b\"}\n".to_vec();
    for bytes in [latin, with_mark, vec![0xff; 100], vec![0; 100], nul] {
        let error = load_bytes(&bytes).unwrap_err();
        let file = error.problems[0].span.file();
        assert!(file.ends_with("compose-0.yml"), "{error}");
        assert!(!error.to_string().contains('\0'), "{error:?}");
    }
}

#[test]
fn a_file_that_is_too_long_is_refused_unread() {
    let long = format!("{FINE}# {}\n", "x".repeat(5 << 20));
    let error = load_bytes(long.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("longer than 4 MiB"), "{error}");
    // What has no end says that it has no length.
    let mut folder = Folder::new(&[FINE]);
    folder.request.files[0] = "/dev/zero".into();
    assert!(folder.load().is_err());
    folder.request.files[0] = folder.path().to_owned();
    assert!(folder.load().is_err(), "a folder is no file");
}

#[test]
fn flat_files_of_many_values_are_refused_before_they_cost_much() {
    let many = format!("a: [{}]\n", "x, ".repeat(250_000));
    let error = load_bytes(many.as_bytes()).unwrap_err();
    assert!(
        error.to_string().contains("more than 200000 values"),
        "{error}"
    );
    // Merged mappings count like aliases.
    let mut text = "wide: &wide\n".to_owned();
    for key in 0..2_000 {
        writeln!(text, "  k{key}: v").unwrap();
    }
    for line in 0..200 {
        writeln!(text, "x{line}: {{<<: *wide}}").unwrap();
    }
    let error = load_bytes(text.as_bytes()).unwrap_err();
    assert!(
        error.to_string().contains("more than 200000 values"),
        "{error}"
    );
}
