//! What must hold for every Dockerfile.

use nasiko_contract::RuntimeKind::{Docker, Process};
use proptest::prelude::*;

use super::*;

const PATHS: [&str; 5] = [
    "main.py",
    "src/a.py",
    "static/a.css",
    "README.md",
    "AgentCard.json",
];

/// Copies of a path of [`PATHS`], or of a directory that holds it.
fn copy_of(path: &'static str) -> impl Strategy<Value = String> {
    let directory = path.split_once('/').map_or(".", |(directory, _)| directory);
    let sources = prop_oneof![Just(path), Just(directory), Just("."), Just("./")];
    let dests = prop_oneof![
        Just("/app/"),
        Just("./"),
        Just("."),
        Just("/srv/x/"),
        Just("sub/")
    ];
    let options = prop_oneof![
        Just(""),
        Just("--chown=1:1 "),
        Just("--link "),
        Just("--chmod=644 ")
    ];
    let verb = prop_oneof![Just("COPY"), Just("ADD")];
    (verb, options, sources, dests)
        .prop_map(|(verb, options, source, dest)| format!("{verb} {options}{source} {dest}"))
}

/// Steps that may read whatever there is.
fn reading() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("RUN make"),
        Just("RUN cp -r . /x"),
        Just("RUN mkdir x && python -c 'print(1)'"),
        Just("RUN [\"./main.py\"]"),
        Just("RUN cat * > /x"),
        Just("RUN echo $(ls)"),
        Just("RUN npm run build"),
        Just("RUN pip install ."),
        Just("RUN tar c ."),
        Just("RUN for f in *; do echo $f; done"),
        Just("RUN sh start.sh"),
        Just("RUN curl -d @main.py http://x"),
    ]
}

/// Steps that say nothing of any file.
fn other() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("RUN useradd app"),
        Just("ENV A=1"),
        Just("WORKDIR /app"),
        Just("RUN apt-get update"),
        Just("USER app"),
        Just("EXPOSE 80"),
        Just("COPY --from=busybox /bin/sh /bin/sh"),
        Just("RUN chown -R 5:5 /app"),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn what_feeds_a_step_is_never_laid_over(
        (path, copy) in prop::sample::select(&PATHS[..]).prop_flat_map(|path| (Just(path), copy_of(path))),
        before in prop::collection::vec(other(), 0..3),
        between in prop::collection::vec(other(), 0..3),
        step in reading(),
        after in prop::collection::vec(other(), 0..3),
        stage in prop::sample::select(&["", "FROM python:3.11\nCOPY --from=built /app /out\n", "FROM built\n"][..]),
    ) {
        let mut text = "FROM python:3.11 AS built\nWORKDIR /app\n".to_owned();
        for line in before.iter().chain([&copy.as_str()]).chain(&between).chain([&step]).chain(&after) {
            text.push_str(line);
            text.push('\n');
        }
        text.push_str(stage);
        text.push_str("CMD [\"python\", \"main.py\"]\n");
        let mut files: Vec<(&str, &str)> = PATHS.iter().map(|path| (*path, "x = 1")).collect();
        files.extend([("Dockerfile", text.as_str()), ("start.sh", "true")]);
        let agent = Agent::new(&files);
        let update = agent.touch(path, Docker);
        prop_assert!(update.action >= UpdateAction::Environment, "{text}\n{update:?}");
        let base = agent.snapshot();
        agent.write(path, "x = 2");
        let description = agent.describe();
        prop_assert!(overlay(&description, &base, &agent.snapshot(), agent.root()).is_err(), "{text}");
    }

    #[test]
    fn no_folder_makes_it_panic(
        text in "((FROM x AS a|FROM a|COPY|ADD|RUN|RUN pip install|RUN chown|COPY --from=a|ENV|WORKDIR|ARG|VOLUME)?[ a-z/\\[\\]\"'\\\\$={}*<,.:é\n-]{0,12}){0,10}",
        manifest in "(\\[dev\\]\n(ignore = \\[\"[a-z*/!]{0,4}\"\\]\n)?(sync = \\[\\{ from = \"[a-z./]{0,3}\", to = \"[a-z/.]{0,4}\" \\}\\]\n)?(restart = false\n)?)?",
        edits in prop::collection::vec(("[a-c]{1}(/[a-c]{1}){0,2}(\\.py|\\.md|\\.db|\\.css)?", any::<bool>()), 1..6),
    ) {
        let dockerfile = format!("FROM python\n{text}");
        let agent = Agent::new(&[("main.py", "import b"), ("z/y.md", ""), ("Dockerfile", &dockerfile), ("nasiko.toml", &manifest)]);
        let base = agent.snapshot();
        let description = agent.describe();
        for runtime in [Docker, Process] {
            agent.edit(runtime, |agent| {
                for (path, is_new) in &edits {
                    let path = agent.root().join(path);
                    if *is_new && fs_err::create_dir_all(path.parent().unwrap()).is_ok() {
                        drop(fs_err::write(path, "x"));
                    } else {
                        drop(fs_err::remove_file(path));
                    }
                }
            });
        }
        if let Ok(layers) = overlay(&description, &base, &agent.snapshot(), agent.root()) {
            layers.write_tar(&mut Vec::new()).unwrap();
        }
        python_imports(&description, agent.root(), &base);
    }
}
