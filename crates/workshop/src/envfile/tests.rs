use super::*;

fn check(text: &str, expected: &[(&str, &str)]) {
    let found = parse(text);
    let found: Vec<(&str, &str)> = found
        .values
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(found, expected, "{text:?}");
}

#[test]
fn forms_that_people_write() {
    check("A=1\nB = two \n", &[("A", "1"), ("B", "two")]);
    check("# note\n\nexport KEY=value # why\n", &[("KEY", "value")]);
    check(
        "URL=https://x/#a\nCOLOUR=#fff\n",
        &[("URL", "https://x/#a"), ("COLOUR", "")],
    );
    check(
        "S='single $X \\n'\nD=\"line\\nnext \\\"q\\\"\" # c\n",
        &[("S", "single $X \\n"), ("D", "line\nnext \"q\"")],
    );
    check("EMPTY=\nQ=\"\"\n", &[("EMPTY", ""), ("Q", "")]);
    check(
        "KEY=\"-----BEGIN\nabc\n-----END\"\nB=2",
        &[("KEY", "-----BEGIN\nabc\n-----END"), ("B", "2")],
    );
    check(
        "BROKEN=\"no end\nB=2",
        &[("BROKEN", "\"no end"), ("B", "2")],
    );
    check("A=1\nA=2", &[("A", "2")]);
}

#[test]
fn windows_files_are_tolerated_and_noticed() {
    let file = parse("\u{feff}A=1\r\nB=\"x\"\r\n");
    assert!(file.crlf);
    assert_eq!(file.values.get("A").map(String::as_str), Some("1"));
    assert_eq!(file.values.get("B").map(String::as_str), Some("x"));
}

#[test]
fn lines_that_assign_nothing_are_listed() {
    let file = parse("A=1\nnonsense\n1X=2\nB=3");
    assert_eq!(file.malformed, [2, 3]);
    assert_eq!(file.lines.get("B"), Some(&4));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[A-C=\"'\\\\#$ \r\né]{0,40}") {
        let file = parse(&text);
        proptest::prop_assert!(file.values.keys().all(|name| is_variable(name)));
    }
}
