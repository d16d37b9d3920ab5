use super::*;
use crate::compose::dotenv::{self, Broken};
use crate::compose::interpolate::{TemplateError, fill};
use crate::compose::{Environment, Unset};

fn filled(text: &str) -> Result<String, TemplateError> {
    let known = environment(&[("A", "1"), ("EMPTY", ""), ("LONG_NAME_2", "two")]);
    fill(text, &known, &mut |name| {
        Err(TemplateError::Missing {
            name: name.to_owned(),
            message: None,
        })
    })
}

#[test]
fn every_form_of_a_variable() {
    for (text, expected) in [
        ("no variable", "no variable"),
        ("$A", "1"),
        ("${A}", "1"),
        ("x$A-y", "x1-y"),
        ("${A}${LONG_NAME_2}", "1two"),
        ("$$A", "$A"),
        ("$${A}", "${A}"),
        ("${EMPTY}", ""),
        ("${EMPTY:-d}", "d"),
        ("${EMPTY-d}", ""),
        ("${NONE:-d}", "d"),
        ("${NONE-d}", "d"),
        ("${NONE:-}", ""),
        ("${NONE:-a b}", "a b"),
        ("${NONE:-${A}}", "1"),
        ("${NONE:-${NEITHER-x${A}}y}", "x1y"),
        ("${NONE:-http://${A}:80/}", "http://1:80/"),
        ("${A:-d}", "1"),
        ("${A:?message}", "1"),
        ("${EMPTY?message}", ""),
        ("${A:+x}", "x"),
        ("${EMPTY:+x}", ""),
        ("${EMPTY+x}", "x"),
        ("${NONE+x}", ""),
        ("${A+${LONG_NAME_2}}", "two"),
    ] {
        assert_eq!(filled(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn what_has_no_value_is_named() {
    for (text, name, message) in [
        ("$NONE", "NONE", None),
        ("${NONE}", "NONE", None),
        ("${NONE?}", "NONE", None),
        ("${NONE?say it}", "NONE", Some("say it")),
        ("${EMPTY:?say $A}", "EMPTY", Some("say 1")),
        ("${EMPTY:+}${NONE}", "NONE", None),
    ] {
        let missing = TemplateError::Missing {
            name: name.to_owned(),
            message: message.map(str::to_owned),
        };
        assert_eq!(filled(text), Err(missing), "{text}");
    }
}

#[test]
fn a_dollar_that_begins_nothing_is_an_error() {
    for text in [
        "$",
        "a $ b",
        "$1",
        "${",
        "${A",
        "${}",
        "${A!b}",
        "${-x}",
        "${A:}",
        "${NONE:-${A}",
    ] {
        let answer = filled(text);
        assert!(
            matches!(answer, Err(TemplateError::Invalid(_))),
            "{text}: {answer:?}"
        );
    }
}

#[test]
fn a_missing_variable_is_an_error_with_its_place_unless_empty_is_asked_for() {
    let mut folder = Folder::new(&["services:\n  web:\n    image: redis:${TAG}\n"]);
    let error = folder.load().unwrap_err();
    assert_eq!(error.problems[0].span.line(), 3);
    assert_eq!(error.problems[0].key, "services.web.image");
    assert!(
        error.to_string().contains("the variable TAG is not set"),
        "{error}"
    );

    folder.request.unset = Unset::Empty;
    let project = folder.load().unwrap();
    assert_eq!(
        project.services["web"].image.as_ref().unwrap().value,
        "redis:"
    );
    assert_eq!(project.warnings.len(), 1);
}

#[test]
fn variables_come_from_the_process_before_the_file() {
    let text = "services:\n  web:\n    image: ${A}-${B}-${C}\n";
    let project = Folder::new(&[text])
        .with(".env", "A=file\nB=file\nC=${A}-c\n")
        .set("A", "process")
        .load()
        .unwrap();
    assert_eq!(
        project.services["web"].image.as_ref().unwrap().value,
        "process-file-process-c"
    );
}

#[test]
fn extensions_are_left_as_they_are() {
    let text = "x-note: costs $ 5\nservices:\n  web:\n    image: a\n";
    assert_eq!(project(text).services.len(), 1);
}

#[test]
fn a_variable_takes_the_type_that_the_key_wants() {
    let folder = Folder::new(&[
        "services:\n  web:\n    image: ${N}\n    init: ${T}\n    cpus: ${N}\n    ports: [\"${N}\"]\n",
    ]);
    let project = folder.set("N", "3").set("T", "true").load().unwrap();
    let web = &project.services["web"];
    assert_eq!(web.image.as_ref().unwrap().value, "3");
    assert_eq!(web.init, Some(true));
    assert_eq!(web.resources.nano_cpus, Some(3_000_000_000));
    assert_eq!(web.ports[0].target, 3);
}

#[test]
fn a_file_of_variables() {
    let text = "\u{feff}# a comment\n\
        PLAIN=one two # with a comment\n\
        export EXPORTED = spaced \n\
        EMPTY=\n\
        HASH=a#b\n\
        SINGLE='literally $PLAIN \\n'\n\
        DOUBLE=\"tab\\tquote\\\" $PLAIN \\$PLAIN\"\n\
        LINES=\"first\nsecond\" # and on\n\
        AFTER=${EMPTY:-default}\n\
        LONE=a$ b\n\
        NAME_ONLY\n\
        GIVEN=file\n\
        LAST=$GIVEN";
    let known = environment(&[("GIVEN", "process")]);
    let read = dotenv::parse(text, &known).unwrap();
    for (name, expected) in [
        ("PLAIN", "one two"),
        ("EXPORTED", "spaced"),
        ("EMPTY", ""),
        ("HASH", "a#b"),
        ("SINGLE", "literally $PLAIN \\n"),
        ("DOUBLE", "tab\tquote\" one two $PLAIN"),
        ("LINES", "first\nsecond"),
        ("AFTER", "default"),
        ("LONE", "a$ b"),
        ("GIVEN", "file"),
        ("LAST", "process"),
    ] {
        assert_eq!(read[name].as_deref(), Some(expected), "{name}");
    }
    assert_eq!(read["NAME_ONLY"], None);
    assert_eq!(read.len(), 12);
}

#[test]
fn a_broken_file_of_variables_says_the_line() {
    for (text, line) in [
        ("A=1\n=2\n", 2),
        ("A=1\n\n# x\nB=\"open\n", 4),
        ("A=\"1\n2\"\n1B=2", 3),
    ] {
        let broken = dotenv::parse(text, &Environment::new()).unwrap_err();
        assert_eq!(broken.line, line, "{text}: {}", broken.message);
        let Broken { message, .. } = broken;
        assert!(!message.is_empty());
    }
}

#[test]
fn the_variable_that_gave_a_port_is_found_again() {
    let text = "
services:
  a:
    image: x
    ports:
      - '${IP:-127.0.0.1}:${PORT:-81}:80'
      - {target: 82, published: '${SET}'}
      - '83:83'
";
    let folder = Folder::new(&[text]).set("SET", "8282");
    let project = folder.load().unwrap();
    let found: Vec<Option<String>> = project.services["a"]
        .ports
        .iter()
        .map(|port| {
            let number = port.published.unwrap().0;
            port.span.variable_for(&number.to_string())
        })
        .collect();
    let named = |name: &str| Some(name.to_owned());
    assert_eq!(found, [named("PORT"), named("SET"), None]);
    // One that has another value now gave none.
    assert_eq!(project.services["a"].ports[0].span.variable_for("80"), None);
}
