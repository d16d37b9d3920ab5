use super::*;
use proptest::prelude::*;

fn read(chunks: &[&[u8]]) -> Vec<SseEvent> {
    let mut reader = SseReader::new(SseLimits::default());
    let mut events = Vec::new();
    for chunk in chunks {
        reader.push(chunk, &mut events).unwrap();
    }
    events.extend(reader.finish());
    events
}

fn data(chunks: &[&[u8]]) -> Vec<String> {
    read(chunks).into_iter().map(|event| event.data).collect()
}

#[test]
fn events_are_read_as_the_standard_says() {
    let cases: &[(&[&[u8]], &[&str])] = &[
        (&[b"data: a\n\n"], &["a"]),
        (&[b"data:a\n\ndata:  b\n\n"], &["a", " b"]),
        (&[b"data: a\r\n\r\ndata: b\r\n\r\n"], &["a", "b"]),
        (&[b"data: a\r\rdata: b\r\r"], &["a", "b"]),
        (&[b"data: one\ndata: two\n\n"], &["one\ntwo"]),
        (&[b"data\n\n"], &[""]),
        (&[b"data:\ndata:\n\n"], &["\n"]),
        (&[b": ping\n\n: ping\n\ndata: a\n\n"], &["a"]),
        (&[b"\xef\xbb\xbfdata: a\n\n"], &["a"]),
        (&[b"\xef\xbb", b"\xbfdata: a\n\n"], &["a"]),
        (
            &[b"data: a\r", b"\n\r", b"\ndata: b\r\n", b"\r\n"],
            &["a", "b"],
        ),
        (&[b"da", b"ta: \xc3", b"\xa4\n", b"\n"], &["\u{e4}"]),
        (&[b"data: \xff\n\n"], &["\u{fffd}"]),
        (&[b"retry: 10\nwhatever: x\ndata: a\n\n"], &["a"]),
        (&[b"data: unfinished"], &["unfinished"]),
        (&[b"data: unfinished\n"], &["unfinished"]),
        (&[b"\n\n\n"], &[]),
        (&[b""], &[]),
    ];
    for (chunks, expected) in cases {
        let shown: Vec<_> = chunks
            .iter()
            .map(|chunk| chunk.escape_ascii().to_string())
            .collect();
        assert_eq!(data(chunks), *expected, "{shown:?}");
    }
}

#[test]
fn name_and_id_belong_to_their_event_alone() {
    let events = read(&[b"event: done\nid: 7\ndata: a\n\ndata: b\n\n"]);
    let first = SseEvent {
        name: "done".to_owned(),
        data: "a".to_owned(),
        id: Some("7".to_owned()),
    };
    let second = SseEvent {
        data: "b".to_owned(),
        ..SseEvent::default()
    };
    assert_eq!(events, [first, second]);
}

#[test]
fn too_much_is_refused_however_it_is_cut() {
    let limits = SseLimits {
        line: 16,
        event: 24,
    };
    let long_line = [b"data: 01234".as_slice(), b"567890123456789"];
    let many_lines: Vec<&[u8]> = vec![b"data: 0123456789\n"; 4];
    for (chunks, limit) in [(long_line.to_vec(), 16), (many_lines, 24)] {
        let mut reader = SseReader::new(limits);
        let mut events = Vec::new();
        let outcome = chunks
            .iter()
            .try_for_each(|chunk| reader.push(chunk, &mut events));
        assert_eq!(outcome, Err(SseTooLarge { limit }));
    }
}

proptest! {
    #[test]
    fn any_bytes_in_any_cut_read_the_same(
        bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'\n'), Just(b'\r'), Just(b':')], 0..200),
        cuts in proptest::collection::vec(0_usize..200, 0..8),
    ) {
        let whole = read(&[&bytes]);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for cut in cuts {
            pieces.push(&bytes[from..cut]);
            from = cut;
        }
        pieces.push(&bytes[from..]);
        prop_assert_eq!(read(&pieces), whole);
    }

    #[test]
    fn what_is_written_is_read(lines in proptest::collection::vec("[^\r\n]{0,20}", 1..5)) {
        let written = format!("data: {}\n\n", lines.join("\ndata: "));
        prop_assert_eq!(data(&[written.as_bytes()]), vec![lines.join("\n")]);
    }
}
