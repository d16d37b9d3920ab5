use super::*;

fn press(key: &str, held: &str) -> Pressed {
    Pressed {
        key: key.to_owned(),
        ctrl: held.contains('c'),
        meta: held.contains('m'),
        alt: held.contains('a'),
        shift: held.contains('s'),
    }
}

fn shortcut(text: &str) -> Shortcut {
    Shortcut::read(text).unwrap()
}

#[test]
fn what_browsers_say_becomes_a_chord() {
    for (key, held, mac, chord) in [
        ("k", "c", false, Some("mod+k")),
        ("k", "m", true, Some("mod+k")),
        ("k", "m", false, None),
        ("k", "c", true, None),
        ("K", "", false, Some("k")),
        ("K", "s", false, Some("shift+k")),
        ("?", "s", false, Some("?")),
        (",", "c", false, Some("mod+,")),
        ("+", "c", false, Some("mod++")),
        ("F1", "s", false, Some("shift+F1")),
        ("Shift", "s", false, None),
        ("Dead", "", false, None),
        (" ", "", false, Some("Space")),
    ] {
        let found = Chord::of(&press(key, held), mac).map(|chord| chord.written());
        assert_eq!(found.as_deref(), chord, "{key} with {held}");
    }
}

#[test]
fn a_shortcut_is_read_as_it_is_written() {
    for text in [
        "mod+k",
        "g h",
        "?",
        "mod+shift+p",
        "alt+ArrowUp",
        "mod++",
        "g g g",
    ] {
        assert_eq!(shortcut(text).written(), text);
    }
    for text in ["", "a b c d", "mod+", "mod+c", "Tab", "Enter"] {
        assert_eq!(Shortcut::read(text), None, "{text}");
    }
}

#[test]
fn it_is_shown_as_on_the_keys() {
    assert_eq!(shortcut("mod+k").words(false), "Ctrl K");
    assert_eq!(shortcut("mod+k").words(true), "⌘K");
    assert_eq!(shortcut("g h").words(false), "G then H");
    assert_eq!(
        shortcut("mod+shift+k").aria(false).as_deref(),
        Some("Control+Shift+k")
    );
    assert_eq!(
        shortcut("g h").aria(false),
        None,
        "the attribute knows no sequences"
    );
}

#[test]
fn what_is_delivered_is_readable_and_free_of_conflicts() {
    let keymap = Keymap::default();
    for known in actions::KNOWN {
        assert!(
            known.keys.is_empty() || Shortcut::read(known.keys).is_some(),
            "{}: {}",
            known.id,
            known.keys
        );
        let conflicts = keymap.conflicts(known.id);
        assert!(conflicts.is_empty(), "{} and {conflicts:?}", known.id);
    }
}

#[test]
fn changes_are_kept_and_taken_back() {
    let mut keymap = Keymap::default();
    keymap.set("go.home", Some(shortcut("h")));
    keymap.set("go.chat", None);
    let read = Keymap::read(&keymap.written());
    assert_eq!(read, keymap);
    assert_eq!(read.of("go.home"), Some(shortcut("h")));
    assert_eq!(read.of("go.chat"), None);
    assert!(read.is_changed("go.home") && !read.is_changed("go.stack"));
    let mut back = read;
    back.reset("go.home");
    assert_eq!(back.of("go.home"), Some(shortcut("g h")));
    back.set("go.chat", Some(shortcut("g c")));
    assert!(
        !back.any_changed(),
        "set to what is delivered it is not changed"
    );
}

#[test]
fn what_was_remembered_wrongly_is_left_out() {
    let read = Keymap::read(r#"{"go.home":"mod+c","no.such":"x","go.stack":"s","go.logs":null}"#);
    assert_eq!(
        read.of("go.home"),
        Some(shortcut("g h")),
        "no action takes copying away"
    );
    assert_eq!(read.of("go.stack"), Some(shortcut("s")));
    assert_eq!(read.of("go.logs"), None);
    assert_eq!(Keymap::read("not a document"), Keymap::default());
}

#[test]
fn conflicts_are_found_where_both_can_fire() {
    let mut keymap = Keymap::default();
    let names = |keymap: &Keymap, id: &str| -> Vec<&str> {
        keymap.conflicts(id).iter().map(|other| other.id).collect()
    };
    keymap.set("go.home", Some(shortcut("g c")));
    assert_eq!(names(&keymap, "go.home"), ["go.chat"]);
    assert_eq!(names(&keymap, "go.chat"), ["go.home"]);
    keymap.set("go.home", Some(shortcut("g")));
    assert!(
        names(&keymap, "go.home").contains(&"go.stack"),
        "the beginning of another"
    );
    keymap.set("go.home", Some(shortcut("a r")));
    assert_eq!(
        names(&keymap, "go.home"),
        ["agent.restart"],
        "everywhere meets each page"
    );
    keymap.set("logs.pause", Some(shortcut("a s")));
    assert!(
        names(&keymap, "logs.pause").is_empty(),
        "pages are never shown at once"
    );
}

#[test]
fn sequences_fire_when_they_are_whole() {
    let bound: Vec<(String, Shortcut)> = [("home", "g h"), ("help", "?"), ("hold", "h h")]
        .map(|(id, text)| (id.to_owned(), shortcut(text)))
        .into();
    let mut typed = Typed::default();
    let mut feed =
        |key: &str, at: i64| typed.feed(Chord::of(&press(key, ""), false).unwrap(), at, &bound);
    assert_eq!(feed("g", 1_000), Fed::Waiting);
    assert_eq!(feed("h", 1_200), Fed::Run("home".to_owned()));
    assert_eq!(feed("?", 1_300), Fed::Run("help".to_owned()));
    assert_eq!(feed("g", 2_000), Fed::Waiting);
    assert_eq!(
        feed("h", 2_000 + PATIENCE + 1),
        Fed::Waiting,
        "too late: a beginning of its own"
    );
    assert_eq!(feed("x", 5_100), Fed::Nothing);
    assert_eq!(feed("g", 6_000), Fed::Waiting);
    assert_eq!(
        feed("?", 6_100),
        Fed::Run("help".to_owned()),
        "what was begun is given up"
    );
}
