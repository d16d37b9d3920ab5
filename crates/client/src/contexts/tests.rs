use std::path::Path;

use nasiko_contract::ErrorCode;
use tempfile::TempDir;

use super::{Contexts, FILE, MOST, look, reach};
use crate::context::{Color, Context, ContextChange, ContextName, NewContext, Place, Standing};

fn name(text: &str) -> ContextName {
    ContextName::new(text).unwrap()
}

fn at(called: &str, home: &Path) -> Context {
    Context {
        name: name(called),
        place: Place::Local {
            home: home.to_owned(),
        },
        color: Color::Amber,
    }
}

fn remote(called: &str, url: &str) -> Context {
    Context {
        name: name(called),
        place: Place::Remote {
            url: url.to_owned(),
            token_file: None,
        },
        color: Color::Rose,
    }
}

fn names(contexts: &Contexts) -> Vec<&str> {
    contexts
        .all()
        .iter()
        .map(|context| context.name.as_str())
        .collect()
}

#[test]
fn local_is_there_before_anything_is_written() {
    let home = TempDir::new().unwrap();
    let absent = home.path().join("not yet");
    let contexts = Contexts::read(&absent).unwrap();
    assert_eq!(names(&contexts), ["local"]);
    assert_eq!(
        contexts.current().place,
        Place::Local {
            home: absent.clone()
        }
    );
    assert!(contexts.trouble().is_none());
    assert!(!absent.try_exists().unwrap(), "reading makes nothing");
}

#[test]
fn what_one_program_writes_another_reads() {
    let home = TempDir::new().unwrap();
    let other = TempDir::new().unwrap();
    let mut first = Contexts::read(home.path()).unwrap();
    let mut second = first.clone();
    first.add(at("work", other.path())).unwrap();
    // It has not seen the first change, and keeps it all the same.
    second
        .add(remote("far", "https://nasiko.example:8443/"))
        .unwrap();
    second.use_context("work").unwrap();
    let read = Contexts::read(home.path()).unwrap();
    assert_eq!(names(&read), ["local", "work", "far"]);
    assert_eq!(read.current().name, name("work"));
    assert_eq!(
        read.get("far").unwrap().place.to_string(),
        "https://nasiko.example:8443"
    );
    assert_eq!(read.free_color(), Color::Blue);
}

#[cfg(unix)]
#[test]
fn only_its_owner_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let home = TempDir::new().unwrap();
    Contexts::read(home.path())
        .unwrap()
        .add(remote("far", "https://nasiko.example"))
        .unwrap();
    let mode = fs_err::metadata(home.path().join(FILE))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_context_that_is_removed_is_meant_no_longer() {
    let home = TempDir::new().unwrap();
    let other = TempDir::new().unwrap();
    let mut contexts = Contexts::read(home.path()).unwrap();
    contexts.add(at("work", other.path())).unwrap();
    contexts.use_context("work").unwrap();
    assert_eq!(contexts.remove("work").unwrap().name, name("work"));
    assert!(contexts.current().name.is_local());
    assert_eq!(
        contexts.remove("work").unwrap_err().code,
        ErrorCode::NotFound
    );
    assert_eq!(
        contexts.remove("local").unwrap_err().code,
        ErrorCode::InvalidRequest
    );
    assert_eq!(
        contexts.use_context("gone").unwrap_err().code,
        ErrorCode::NotFound
    );
    assert!(other.path().try_exists().unwrap(), "what is there stays");
}

#[test]
fn neither_a_name_nor_a_place_is_taken_twice() {
    let home = TempDir::new().unwrap();
    let other = TempDir::new().unwrap();
    let mut contexts = Contexts::read(home.path()).unwrap();
    contexts.add(at("work", other.path())).unwrap();
    for twice in [
        at("work", Path::new("/elsewhere")),
        at("again", other.path()),
        at("mine", home.path()),
    ] {
        let fault = contexts.add(twice).unwrap_err();
        assert_eq!(fault.code, ErrorCode::Conflict, "{fault:?}");
    }
    let local = Context {
        name: ContextName::local(),
        ..at("x", Path::new("/elsewhere"))
    };
    assert_eq!(contexts.add(local).unwrap_err().code, ErrorCode::Conflict);
    assert_eq!(names(&contexts), ["local", "work"]);
}

#[test]
fn an_address_is_one_that_keeps_the_token_from_others() {
    let home = TempDir::new().unwrap();
    let mut contexts = Contexts::read(home.path()).unwrap();
    for url in [
        "nasiko.example",
        "http://nasiko.example",
        "http://localhost.example",
        "ftp://nasiko.example",
        "https://me:password@nasiko.example",
        "https://nasiko.example/api",
        "https://nasiko.example/?a=b",
        "file:///etc/passwd",
    ] {
        let fault = contexts.add(remote("far", url)).unwrap_err();
        assert_eq!(fault.code, ErrorCode::InvalidRequest, "{url}");
        assert!(!format!("{fault:?}").contains("password@"), "{url}");
    }
    for (called, url) in [
        ("one", "http://127.0.0.1:8000"),
        ("two", "http://[::1]:1"),
        ("three", "http://localhost:2"),
    ] {
        contexts.add(remote(called, url)).unwrap();
    }
    let relative = at("near", Path::new("near"));
    assert_eq!(
        contexts.add(relative).unwrap_err().code,
        ErrorCode::InvalidRequest
    );
}

#[test]
fn there_is_an_end_to_how_many_there_are() {
    let home = TempDir::new().unwrap();
    let mut contexts = Contexts::read(home.path()).unwrap();
    for number in 0..MOST {
        contexts
            .add(remote(
                &format!("c{number}"),
                &format!("https://c{number}.example"),
            ))
            .unwrap();
    }
    let fault = contexts
        .add(remote("more", "https://more.example"))
        .unwrap_err();
    assert_eq!(fault.code, ErrorCode::LimitReached);
}

#[test]
fn a_broken_file_is_told_and_kept() {
    let check = |content: &[u8]| {
        let home = TempDir::new().unwrap();
        let file = home.path().join(FILE);
        fs_err::write(&file, content).unwrap();
        let mut contexts = Contexts::read(home.path()).unwrap();
        assert!(contexts.current().name.is_local());
        let fault = contexts.trouble().expect("it is told").clone();
        assert_eq!(fault.code, ErrorCode::StoreFailed);
        assert!(
            fault.hint.is_some() && !fault.evidence.is_empty(),
            "{fault:?}"
        );
        assert_eq!(
            fs_err::read(&file).unwrap(),
            content,
            "reading changes nothing"
        );
        contexts.use_context("local").unwrap();
        assert!(contexts.trouble().is_none());
        let aside = home.path().join("contexts.json.broken-1");
        assert_eq!(fs_err::read(aside).unwrap(), content);
        assert!(Contexts::read(home.path()).unwrap().trouble().is_none());
    };
    check(b"");
    check(b"{\"version\":1,\"current\":\"loc");
    check(b"\xff\xfe\x00");
    check(br#"{"version":1,"current":"local","contexts":[],"more":1}"#);
    check(br#"{"version":1,"current":"local","contexts":[{"name":"Not a name","place":{"kind":"local","home":"/a"}}]}"#);
    check(br#"{"version":1,"current":"local","contexts":[{"name":"local","place":{"kind":"local","home":"/a"}}]}"#);
    check(br#"{"version":1,"current":"local","contexts":[{"name":"a","place":{"kind":"remote","url":"http://far.example"}}]}"#);
    check(&vec![b' '; 300 << 10]);
}

#[test]
fn an_earlier_broken_file_is_not_overwritten() {
    let home = TempDir::new().unwrap();
    for content in ["one", "two"] {
        fs_err::write(home.path().join(FILE), content).unwrap();
        Contexts::read(home.path())
            .unwrap()
            .use_context("local")
            .unwrap();
    }
    let kept = |number: u32| {
        fs_err::read_to_string(home.path().join(format!("contexts.json.broken-{number}"))).unwrap()
    };
    assert_eq!((kept(1).as_str(), kept(2).as_str()), ("one", "two"));
}

#[test]
fn a_file_of_a_newer_version_is_left_alone() {
    let home = TempDir::new().unwrap();
    let file = home.path().join(FILE);
    fs_err::write(&file, br#"{"version":2,"contexts":{}}"#).unwrap();
    assert_eq!(
        Contexts::read(home.path()).unwrap_err().code,
        ErrorCode::NewerData
    );
}

#[test]
fn one_that_is_meant_and_gone_leaves_local() {
    let home = TempDir::new().unwrap();
    fs_err::write(
        home.path().join(FILE),
        br#"{"version":1,"current":"gone","contexts":[]}"#,
    )
    .unwrap();
    assert!(
        Contexts::read(home.path())
            .unwrap()
            .current()
            .name
            .is_local()
    );
}

#[test]
fn writers_at_once_lose_nothing() {
    let home = TempDir::new().unwrap();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let home = home.path();
            scope.spawn(move || {
                let context = remote(&format!("c{number}"), &format!("https://c{number}.example"));
                Contexts::read(home).unwrap().add(context).unwrap();
            });
        }
    });
    assert_eq!(Contexts::read(home.path()).unwrap().all().len(), 9);
}

#[tokio::test]
async fn a_control_plane_that_does_not_run_is_not_reached() {
    let home = TempDir::new().unwrap();
    let fault = reach(&at("here", home.path())).await.err().unwrap();
    assert_eq!(fault.code, ErrorCode::Unreachable);
}

#[cfg(unix)]
#[tokio::test]
async fn a_token_is_taken_from_a_file_that_nobody_else_may_read() {
    use std::os::unix::fs::PermissionsExt;
    let home = TempDir::new().unwrap();
    let file = home.path().join("token");
    let context = |token_file: Option<&Path>| Context {
        place: Place::Remote {
            url: "http://127.0.0.1:1".to_owned(),
            token_file: token_file.map(Path::to_owned),
        },
        ..remote("far", "")
    };
    let mode = |mode: u32| fs_err::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
    let refusal = async |context: &Context| reach(context).await.err().map(|fault| fault.message);

    let said = refusal(&context(None)).await.unwrap();
    assert!(said.contains("keyring is still to come"), "{said}");
    let said = refusal(&remote("far", "https://nasiko.example"))
        .await
        .unwrap();
    assert!(said.contains("HTTPS"), "{said}");
    let said = refusal(&context(Some(&file))).await.unwrap();
    assert!(said.contains("cannot be read"), "{said}");
    fs_err::write(&file, "  \n").unwrap();
    mode(0o600);
    let said = refusal(&context(Some(&file))).await.unwrap();
    assert!(said.contains("holds no token"), "{said}");
    fs_err::write(&file, "tok-123\n").unwrap();
    mode(0o640);
    let said = refusal(&context(Some(&file))).await.unwrap();
    assert!(said.contains("Others may read"), "{said}");
    let said = refusal(&context(Some(home.path()))).await.unwrap();
    assert!(said.contains("not in a file"), "{said}");
    mode(0o600);
    assert_eq!(refusal(&context(Some(&file))).await, None);
}

#[test]
fn a_context_gets_another_name_and_stays_the_one_that_is_meant() {
    let home = TempDir::new().unwrap();
    let mut contexts = Contexts::read(home.path()).unwrap();
    contexts.add(at("work", Path::new("/work"))).unwrap();
    contexts.add(at("trial", Path::new("/trial"))).unwrap();
    contexts.use_context("work").unwrap();
    let change = |name: &str, color| ContextChange {
        name: Some(name.to_owned()),
        color,
    };
    let edited = contexts
        .edit("work", &change("job", Some(Color::Rose)))
        .unwrap();
    assert_eq!((edited.name, edited.color), (name("job"), Color::Rose));
    let read = Contexts::read(home.path()).unwrap();
    assert_eq!(names(&read), ["local", "job", "trial"]);
    assert_eq!(read.current().name, name("job"));
    let same = contexts.edit("job", &change("job", None)).unwrap();
    assert_eq!(same.color, Color::Rose, "what is not named stays");

    for (of, to, code) in [
        ("job", "trial", ErrorCode::Conflict),
        ("job", "local", ErrorCode::Conflict),
        ("job", "No name", ErrorCode::InvalidRequest),
        ("local", "here", ErrorCode::InvalidRequest),
        ("gone", "here", ErrorCode::NotFound),
    ] {
        let fault = contexts.edit(of, &change(to, None)).unwrap_err();
        assert_eq!(fault.code, code, "{of} to {to}");
    }
    assert_eq!(
        names(&Contexts::read(home.path()).unwrap()),
        ["local", "job", "trial"]
    );
}

#[tokio::test]
async fn what_is_typed_begins_at_a_folder_and_is_looked_at() {
    let home = TempDir::new().unwrap();
    let mut contexts = Contexts::read(home.path()).unwrap();
    let typed = |name: &str, place: &str| NewContext {
        name: name.to_owned(),
        place: place.to_owned(),
        token_file: None,
        color: None,
    };
    let added = contexts
        .add_typed(&typed("work", "data"), home.path())
        .unwrap();
    assert_eq!(
        added.place,
        Place::Local {
            home: home.path().join("data")
        }
    );
    assert_ne!(added.color, Color::Pine, "a colour that no other has");
    assert_eq!(look(added).await.unwrap(), Standing::NotRunning);
    std::fs::write(home.path().join("data"), "").unwrap();
    assert!(look(contexts.get("work").unwrap()).await.is_err());
    for place in ["", "http://far.example", "ftp://far.example"] {
        let refused = contexts.add_typed(&typed("far", place), home.path());
        assert_eq!(
            refused.unwrap_err().code,
            ErrorCode::InvalidRequest,
            "{place}"
        );
    }
}
