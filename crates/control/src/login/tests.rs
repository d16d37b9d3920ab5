//! Over a folder for configuration of the test's own.
#![cfg(all(unix, not(target_os = "macos")))]

use std::process::Command;

use super::*;

struct Person {
    folder: tempfile::TempDir,
}

impl Person {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn item(&self, program: &Path, home: &str) -> LoginItem {
        let named = |name: &str| (name == "XDG_CONFIG_HOME").then(|| self.folder.path().to_owned());
        LoginItem {
            list: List::of(&named),
            start: Start::new(program, Path::new(home)),
            changing: Mutex::default(),
        }
    }

    fn entry(&self, name: &str) -> PathBuf {
        self.folder.path().join("autostart").join(name)
    }

    fn entries(&self) -> usize {
        fs_err::read_dir(self.folder.path().join("autostart")).map_or(0, Iterator::count)
    }
}

/// A program that is there.
const PROGRAM: &str = "/bin/sh";

#[test]
fn it_is_off_until_it_is_switched_on_and_gone_when_it_is_switched_off() {
    let person = Person::new();
    let item = person.item(Path::new(PROGRAM), "/home/jo/data");
    let off = LoginStart {
        on: false,
        entry: None,
    };
    assert_eq!(item.state().unwrap(), off);
    let state = item.set(true).unwrap();
    let path = person.entry("nasiko.desktop");
    assert!(state.on);
    assert_eq!(state.entry.as_deref(), path.to_str());
    let text = fs_err::read_to_string(&path).unwrap();
    assert!(
        text.contains("Exec=/bin/sh up --context local --home /home/jo/data\n"),
        "{text}"
    );
    assert_eq!(item.set(true).unwrap(), state, "twice is as good as once");
    assert_eq!(item.set(false).unwrap(), off);
    assert_eq!(item.set(false).unwrap(), off);
    assert_eq!(person.entries(), 0);
}

#[test]
fn what_people_do_with_their_desktops_tools_counts() {
    let person = Person::new();
    let item = person.item(Path::new(PROGRAM), "/home/jo/data");
    item.set(true).unwrap();
    let path = person.entry("nasiko.desktop");
    let text = fs_err::read_to_string(&path).unwrap();
    for changed in [
        text.replace("Terminal=false", "Hidden=true"),
        text.replace("-enabled=true", "-enabled=false"),
        text.replace(
            "X-GNOME-Autostart-enabled=true",
            "X-GNOME-Autostart-enabled = false",
        ),
    ] {
        assert_ne!(changed, text);
        fs_err::write(&path, &changed).unwrap();
        assert!(!item.state().unwrap().on, "{changed}");
        item.renew().unwrap();
        assert!(
            !item.state().unwrap().on,
            "no start of ours switches it on again"
        );
        assert!(item.set(true).unwrap().on);
        assert_eq!(fs_err::read_to_string(&path).unwrap(), text);
    }
    // What is said in another group is about an action of it.
    fs_err::write(&path, format!("{text}\n[Desktop Action x]\nHidden=true\n")).unwrap();
    assert!(item.state().unwrap().on);
    fs_err::remove_file(&path).unwrap();
    assert!(!item.state().unwrap().on);
}

#[test]
fn files_of_others_stay_as_they_are() {
    let person = Person::new();
    let (first, second) = (
        person.item(Path::new(PROGRAM), "/home/jo/data"),
        person.item(Path::new(PROGRAM), "/home/jo/work"),
    );
    let path = person.entry("nasiko.desktop");
    let theirs = b"[Desktop Entry]\nType=Application\nName=Mine\nExec=nasiko up\n\xff";
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(&path, theirs).unwrap();
    assert!(!first.state().unwrap().on);
    let of_first = first.set(true).unwrap();
    let of_second = second.set(true).unwrap();
    assert_ne!(of_first.entry, of_second.entry, "each has its own");
    assert_eq!(person.entries(), 3);
    first.set(false).unwrap();
    assert!(second.state().unwrap().on);
    second.set(false).unwrap();
    assert_eq!(fs_err::read(&path).unwrap(), theirs);
    assert_eq!(person.entries(), 1);
}

#[test]
fn an_entry_follows_a_program_that_was_moved() {
    let person = Person::new();
    let gone = person.folder.path().join("Nasiko.AppImage");
    fs_err::write(&gone, "").unwrap();
    person.item(&gone, "/home/jo/data").set(true).unwrap();
    let item = person.item(Path::new(PROGRAM), "/home/jo/data");
    let runs = |program: &Path| {
        let text = fs_err::read_to_string(person.entry("nasiko.desktop")).unwrap();
        text.contains(&format!("TryExec={}\n", program.display()))
    };
    item.renew().unwrap();
    assert!(runs(&gone), "one that is still there stays");
    fs_err::remove_file(&gone).unwrap();
    item.renew().unwrap();
    assert!(runs(Path::new(PROGRAM)));
}

/// A program that writes down the words it got, at a path that needs every kind of quoting.
#[test]
fn what_the_entry_runs_gets_the_words_as_they_are() {
    use std::os::unix::fs::PermissionsExt;
    let person = Person::new();
    let folder = person.folder.path().join("a $HOME `b` \"c\" \\d 100% ~e");
    fs_err::create_dir_all(&folder).unwrap();
    let program = folder.join("nasiko");
    fs_err::write(&program, "#!/bin/sh\nprintf '%s\\n' \"$@\" > \"$0.said\"\n").unwrap();
    fs_err::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let home = folder.join("data & more");
    person
        .item(&program, home.to_str().unwrap())
        .set(true)
        .unwrap();
    let text = fs_err::read_to_string(person.entry("nasiko.desktop")).unwrap();
    // As the standard has it: first the file's own escapes, then the percent signs, then the quotes of a shell.
    let command = text
        .lines()
        .find_map(|line| line.strip_prefix("Exec="))
        .unwrap();
    let command = command.replace("\\\\", "\\").replace("%%", "%");
    let ended = Command::new("/bin/sh")
        .args(["-c", &command])
        .status()
        .unwrap();
    assert!(ended.success());
    let said = fs_err::read_to_string(folder.join("nasiko.said")).unwrap();
    let words: Vec<&str> = said.lines().collect();
    assert_eq!(
        words,
        ["up", "--context", "local", "--home", home.to_str().unwrap()]
    );
    if let Ok(checked) = Command::new("desktop-file-validate")
        .arg(person.entry("nasiko.desktop"))
        .output()
    {
        assert!(
            checked.status.success(),
            "{}",
            String::from_utf8_lossy(&checked.stdout)
        );
    }
}

#[test]
fn paths_that_are_no_text_are_refused_with_words() {
    let person = Person::new();
    let item = person.item(Path::new("/bin/two\nlines"), "/home/jo/data");
    assert!(!item.state().unwrap().on);
    let fault = item.set(true).unwrap_err();
    assert_eq!(fault.code, ErrorCode::InvalidRequest);
    assert_eq!(person.entries(), 0);
}

#[test]
fn the_variables_of_another_appimage_are_not_ours() {
    let elsewhere = |name: &str| match name {
        "APPIMAGE" => Some(PathBuf::from(PROGRAM)),
        "APPDIR" => Some(PathBuf::from("/bin")),
        _ => None,
    };
    assert_eq!(program(&elsewhere), std::env::current_exe().ok());
    let ours = |name: &str| match name {
        "APPIMAGE" => Some(PathBuf::from(PROGRAM)),
        "APPDIR" => std::env::current_exe()
            .unwrap()
            .parent()
            .map(Path::to_owned),
        _ => None,
    };
    assert_eq!(program(&ours), Some(PathBuf::from(PROGRAM)));
}
