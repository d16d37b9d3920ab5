//! What programs write: followed, and kept within its limit.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_followed_while_they_come() {
    let house = House::new().await;
    let program = "import sys, time\n\
        print('first')\n\
        print('oops', file=sys.stderr)\n\
        line = open(sys.argv[1]).readline()\n\
        print('then ' + line.strip())\n\
        sys.stdout.write('unfinished')\n";
    let pipe = house.folder().join("pipe");
    rustix::fs::mkfifoat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::Mode::from_raw_mode(0o600),
    )
    .unwrap();
    let mut spec = house.spec("d-1", program);
    spec.command.push(pipe.to_string_lossy().into_owned());
    let started = house.start(&spec).await.unwrap();

    let query = LogQuery {
        follow: true,
        ..LogQuery::default()
    };
    let mut lines = house.runtime.logs(&started.id, query).await.unwrap();
    let mut next = async || {
        let line = tokio::time::timeout(PATIENCE, lines.next())
            .await
            .expect("a line comes in time");
        line.map(|line| (line.stream, line.text))
    };
    let mut early = vec![next().await.unwrap(), next().await.unwrap()];
    early.sort_by_key(|(stream, _)| *stream == LogStream::Stderr);
    assert_eq!(
        early,
        [
            (LogStream::Stdout, "first".to_owned()),
            (LogStream::Stderr, "oops".to_owned())
        ]
    );

    tokio::task::spawn_blocking(move || std::fs::write(pipe, "more\n").unwrap())
        .await
        .unwrap();
    assert_eq!(next().await.unwrap().1, "then more");
    assert_eq!(
        next().await.unwrap().1,
        "unfinished",
        "a last line without an end is told"
    );
    assert!(next().await.is_none(), "following ends with the program");

    let tail = LogQuery {
        tail: Some(1),
        ..LogQuery::default()
    };
    let last: Vec<_> = house
        .runtime
        .logs(&started.id, tail)
        .await
        .unwrap()
        .collect()
        .await;
    assert_eq!(last.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn output_is_kept_within_its_limit() {
    let house = House::new().await;
    let program = "import os, sys, time\n\
        for number in range(40):\n\
        \x20   print('%04d' % number + 'x' * 1000)\n\
        \x20   if number % 10 == 9: time.sleep(0.3)\n\
        print('done')\n";
    let mut spec = house.spec("d-1", program);
    spec.limits.log_bytes = 10_000;
    let started = house.start(&spec).await.unwrap();
    let query = LogQuery {
        follow: true,
        ..LogQuery::default()
    };
    let lines = house.runtime.logs(&started.id, query).await.unwrap();
    let followed: Vec<_> = tokio::time::timeout(PATIENCE, lines.collect())
        .await
        .expect("following ends in time");
    assert_eq!(
        followed.len(),
        41,
        "a follower misses nothing when the file is turned over"
    );
    let folder = house.instance_folder("d-1");
    let length = std::fs::metadata(folder.join("stdout.log")).unwrap().len();
    assert!(length < 30_000, "{length} bytes are kept of 40,000");
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_found_by_their_time() {
    let house = House::new().await;
    let program = "import sys\n\
        print('early')\n\
        open(sys.argv[1]).readline()\n\
        print('late')\n";
    let pipe = house.folder().join("pipe");
    rustix::fs::mkfifoat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::Mode::from_raw_mode(0o600),
    )
    .unwrap();
    let mut spec = house.spec("d-1", program);
    spec.command.push(pipe.to_string_lossy().into_owned());
    let began = SystemTime::now();
    let started = house.start(&spec).await.unwrap();
    let marks = house.instance_folder("d-1").join("stdout.log.times");
    eventually("the mark of the first line", async || {
        marks.try_exists().unwrap().then_some(())
    })
    .await;
    let between = SystemTime::now();
    tokio::task::spawn_blocking(move || std::fs::write(pipe, "go\n").unwrap())
        .await
        .unwrap();
    house.exit(&started.id).await;

    let lines_since = async |since| {
        let query = LogQuery {
            since: Some(since),
            ..LogQuery::default()
        };
        let lines: Vec<_> = house
            .runtime
            .logs(&started.id, query)
            .await
            .unwrap()
            .collect()
            .await;
        lines.into_iter().map(|line| line.text).collect::<Vec<_>>()
    };
    assert_eq!(lines_since(began).await, ["early", "late"]);
    assert_eq!(lines_since(between).await, ["late"]);
}
