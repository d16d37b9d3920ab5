use nasiko_contract::{ErrorCode, Finding, Severity};

use super::*;

fn path(path: &str) -> Source {
    Source::Path(path.to_owned())
}

fn described(name: &str) -> AgentDescription {
    AgentDescription {
        name: name.into(),
        ..AgentDescription::default()
    }
}

fn broken(name: &str) -> AgentDescription {
    AgentDescription {
        findings: vec![Finding {
            code: "entry.missing".to_owned(),
            severity: Severity::Error,
            file: None,
            line: None,
            message: String::new(),
            hint: None,
        }],
        ..described(name)
    }
}

#[test]
fn a_text_of_paths_and_addresses_names_sources() {
    assert_eq!(named("/a/greeter\n"), [path("/a/greeter")]);
    assert_eq!(
        named("# of a file manager\r\nfile:///a/x%20y\r\n\"C:\\b\"\r\n"),
        [path("/a/x y"), path("C:\\b")]
    );
    for address in [
        "https://github.com/nasiko/greeter",
        "git@github.com:nasiko/greeter.git",
        "ssh://git@host/greeter",
    ] {
        assert_eq!(
            named(address),
            [Source::Repository(address.to_owned())],
            "{address}"
        );
    }
}

#[test]
fn any_other_text_names_nothing() {
    for text in [
        "",
        "hello",
        "/a/greeter\nand more words",
        "https://example.org",
        "https://example.org/",
        "see https://example.org/a b",
        "javascript:alert(1)",
        "git@host",
    ] {
        assert_eq!(named(text), [], "{text}");
    }
    assert_eq!(named(&"/a\n".repeat(100)), []);
}

#[test]
fn a_source_is_called_by_its_last_part() {
    for (source, name) in [
        (path("/a/greeter/"), "greeter"),
        (path("C:\\agents\\greeter"), "greeter"),
        (
            Source::Repository("git@host:team/greeter.git".to_owned()),
            "greeter",
        ),
    ] {
        assert_eq!(source.name(), name);
    }
    assert!(path("/a").is_folder() && !path("/a.zip").is_folder());
}

#[test]
fn one_enter_deploys_all_that_are_well() {
    let mut offer = Offer::default();
    let numbers: Vec<u64> = ["/well", "/broken", "/gone", "/late", "/late-and-broken"]
        .iter()
        .filter_map(|at| offer.add(path(at), None))
        .collect();
    let &[well, bad, gone, late, late_bad] = numbers.as_slice() else {
        panic!("{numbers:?}");
    };
    assert!(offer.found(well, Ok(described("well"))).is_empty());
    offer.found(bad, Ok(broken("broken")));
    offer.found(gone, Err(Fault::new(ErrorCode::PathNotFound, "gone")));
    assert_eq!(offer.open_items(), 3);

    assert_eq!(offer.accept(), [well]);
    assert!(offer.waits());
    offer.found(late, Ok(described("late")));
    assert!(offer.take_wanted(late), "it follows once it is understood");
    assert!(!offer.take_wanted(late), "once");
    offer.found(late_bad, Ok(broken("late-and-broken")));
    assert!(!offer.take_wanted(late_bad));
    assert!(!offer.waits());
    assert_eq!(offer.open_items(), 0);
}

#[test]
fn a_folder_of_several_agents_gives_way_to_them() {
    let mut offer = Offer::default();
    let number = offer.add(path("/team/"), None).unwrap_or_default();
    let several = AgentDescription {
        agents: vec!["one".to_owned(), "two".to_owned()],
        ..AgentDescription::default()
    };
    let numbers = offer.found(number, Ok(several));
    assert_eq!(numbers.len(), 2);
    let sources: Vec<Source> = offer
        .items()
        .iter()
        .map(|item| item.source.clone())
        .collect();
    assert_eq!(sources, [path("/team/one"), path("/team/two")]);
}

#[test]
fn nothing_is_offered_twice_or_without_end() {
    let mut offer = Offer::default();
    assert!(offer.add(path("/a"), None).is_some());
    assert!(offer.add(path("/a"), None).is_none());
    for number in 0..2 * MOST {
        offer.add(path(&format!("/{number}")), None);
    }
    assert_eq!(offer.items().len(), MOST);
    assert_eq!(offer.left_out(), MOST + 1);
    offer.clear();
    assert!(!offer.is_open());
    assert_eq!(offer.left_out(), 0);
}

#[test]
fn it_may_take_the_place_of_the_agent_it_was_dropped_on_or_of_its_namesake() {
    let mut offer = Offer::default();
    let over = Some(AgentName::from("weather"));
    let number = offer.add(path("/greeter"), over).unwrap_or_default();
    offer.found(number, Ok(described("greeter")));
    let item = offer.item(number).cloned().into_iter().next();
    let replaceable = |there: &[&str]| {
        let item = item
            .as_ref()
            .map(|item| item.replaceable(|agent| there.contains(&agent.as_str())));
        item.unwrap_or_default()
    };
    assert_eq!(
        replaceable(&["greeter", "weather", "other"]),
        [AgentName::from("weather"), AgentName::from("greeter")]
    );
    assert_eq!(replaceable(&["weather"]), [AgentName::from("weather")]);
    assert_eq!(replaceable(&[]), []);
}

#[test]
fn what_a_browser_cannot_take_says_what_to_do() {
    for source in [
        Source::of_folder("greeter".to_owned()),
        Source::of_file("notes.txt".to_owned(), 3),
    ] {
        let mut offer = Offer::default();
        let number = offer.add(source, None).unwrap_or_default();
        let item = offer.item(number);
        assert!(item.is_some_and(
            |item| matches!(&item.state, State::Hopeless(fault) if fault.hint.is_some())
                && !item.is_open()
        ));
    }
    assert_eq!(
        Source::of_file("greeter.zip".to_owned(), 3),
        Source::Upload {
            name: "greeter.zip".to_owned(),
            bytes: 3
        }
    );
}
