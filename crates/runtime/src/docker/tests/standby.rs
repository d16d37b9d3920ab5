//! Containers whose files come later: held, let go, laid over, lost.

use super::*;
use crate::{Standby, WarmUp};

const PYTHON: &str = "python:3.11-slim";

/// What is laid over a container's files.
#[derive(Debug, Default)]
struct Files {
    placed: Vec<(&'static str, u32, (u64, u64), String)>,
    removed: Vec<String>,
    owners: Vec<(String, String)>,
}

impl Files {
    fn with(mut self, path: &'static str, content: &str) -> Self {
        self.placed.push((path, 0o644, (0, 0), content.to_owned()));
        self
    }

    fn owned(mut self, path: &'static str, mode: u32, owner: (u64, u64)) -> Self {
        self.placed.push((path, mode, owner, String::new()));
        self
    }

    fn without(mut self, path: &str) -> Self {
        self.removed.push(path.to_owned());
        self
    }

    fn given(mut self, path: &str, owner: &str) -> Self {
        self.owners.push((path.to_owned(), owner.to_owned()));
        self
    }

    fn shared(self) -> Arc<dyn Overlay> {
        Arc::new(self)
    }
}

impl Overlay for Files {
    fn is_empty(&self) -> bool {
        self.placed.is_empty() && self.removed.is_empty() && self.owners.is_empty()
    }

    fn write_tar(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        let mut archive = tar::Builder::new(out);
        for (path, mode, (user, group), content) in &self.placed {
            let mut header = tar::Header::new_gnu();
            header.set_mode(*mode);
            header.set_uid(*user);
            header.set_gid(*group);
            header.set_size(content.len() as u64);
            archive.append_data(&mut header, path, content.as_bytes())?;
        }
        archive.finish()
    }

    fn removed(&self) -> &[String] {
        &self.removed
    }

    fn owners(&self) -> &[(String, String)] {
        &self.owners
    }
}

impl Corner {
    async fn standby(&self, spec: &StartSpec, modules: &[&str]) -> Box<dyn Standby> {
        let warm_up = WarmUp {
            python_modules: modules.iter().map(|name| (*name).to_owned()).collect(),
        };
        let cancel = CancellationToken::new();
        let made = self.runtime.standby(spec, &warm_up, &cancel).await;
        made.unwrap().expect("there is a gate for this machine")
    }

    /// An image of its own to start from.
    async fn image(
        &self,
        spec: StartSpec,
        dockerfile: &str,
        files: &[(&'static str, &str)],
    ) -> StartSpec {
        let plan = self.plan(&spec.deployment_id, dockerfile, files);
        let artifact = self.build(&plan).await.unwrap().0.artifact;
        StartSpec { artifact, ..spec }
    }

    /// A Python agent that answers with what its module says; none where there is no Python to start from.
    async fn python(&self, deployment_id: &str, command: &str) -> Option<StartSpec> {
        if self.docker.inspect_image(PYTHON).await.is_err() {
            crate::skipping::skip(deployment_id, &format!("there is no image {PYTHON}"));
            return None;
        }
        let dockerfile = format!(
            "FROM {PYTHON}\nWORKDIR /app\nENV PYTHONPATH=/deps\nCOPY slow.py tell.py /deps/\nCOPY main.py answer.py /app/\n{command}\n"
        );
        let main = "import os, sys, http.server, answer\n\
            class Handler(http.server.BaseHTTPRequestHandler):\n\
            \x20   def do_GET(self):\n\
            \x20       seen = (answer.TEXT, 'slow' in sys.modules, os.environ.get('PYTHONPATH'), os.environ.get('NASIKO_PRELOAD'), sys.stdin.read())\n\
            \x20       body = repr(seen).encode()\n\
            \x20       self.send_response(200)\n\
            \x20       self.end_headers()\n\
            \x20       self.wfile.write(body)\n\
            print('reads its code', flush=True)\n\
            http.server.ThreadingHTTPServer(('', int(os.environ['PORT'])), Handler).serve_forever()\n";
        let files = [
            ("main.py", main),
            ("answer.py", "TEXT = 'old'\n"),
            ("tell.py", "print('loaded', flush=True)\n"),
            ("slow.py", "import time\ntime.sleep(1)\n"),
        ];
        let spec = self.spec(deployment_id, &[]);
        Some(self.image(spec, &dockerfile, &files).await)
    }

    async fn lines(&self, instance: &Instance) -> Vec<String> {
        let lines = self
            .runtime
            .logs(&instance.id, LogQuery::default())
            .await
            .unwrap();
        lines.map(|line| line.text).collect().await
    }
}

async fn release(standby: Box<dyn Standby>, files: Files) -> Result<Instance, RuntimeError> {
    standby
        .release(Some(files.shared()), &CancellationToken::new())
        .await
}

async fn answer(instance: &Instance) -> String {
    let address = instance.address.unwrap();
    let answer = eventually("an answer", async || get(address)).await;
    answer.rsplit("\r\n").next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn standby_lets_a_program_go_with_its_new_files() {
    let Some(corner) = Corner::new("standby_lets_a_program_go_with_its_new_files").await else {
        return;
    };
    let dockerfile = "FROM BASE\nCOPY page /www/index.html\nCOPY page /www/gone\n\
        CMD [\"/bin/sh\", \"-c\", \"echo started; exec httpd -f -p $PORT -h /www\"]\n";
    let spec = corner
        .image(
            corner.spec("d-00000001", &[]),
            dockerfile,
            &[("page", "old")],
        )
        .await;
    let mut events = corner.runtime.events();
    let standby = corner.standby(&spec, &[]).await;
    assert!(standby.is_alive());
    let listed = corner.runtime.list().await.unwrap();
    assert_eq!(
        &listed[0].id,
        standby.instance(),
        "it is found by whoever comes later"
    );
    assert!(corner.lines(&listed[0]).await.is_empty(), "nothing has run");
    let other = DockerRuntime::new(DockerConfig {
        engine: EngineConfig::at(&corner.host),
        network: network(&corner.unique),
        ..DockerConfig::new("another installation")
    });
    assert!(
        other.foreign().await.unwrap().is_empty(),
        "nobody takes it for an agent"
    );

    let files = Files::default()
        .with("www/index.html", "new")
        .with("www/added", "added")
        .without("/www/gone");
    let instance = release(standby, files).await.unwrap();
    assert_eq!(
        corner.runtime.list().await.unwrap(),
        std::slice::from_ref(&instance)
    );
    assert_eq!(answer(&instance).await, "new");
    assert_eq!(corner.lines(&instance).await, ["started"]);
    let started = event(&mut events, |event| match event {
        RuntimeEvent::Started {
            instance,
            ours: true,
        } => Some(instance),
        _ => None,
    });
    assert_eq!(started.await, instance);
    let changed = corner
        .docker
        .container_changes(&instance.handle)
        .await
        .unwrap()
        .unwrap();
    let changed: Vec<&str> = changed.iter().map(|change| change.path.as_str()).collect();
    assert!(
        changed.contains(&"/www/gone") && changed.contains(&"/www/added"),
        "{changed:?}"
    );

    corner.runtime.promote(&instance.id).await.unwrap();
    let seen = other.foreign().await.unwrap();
    let handles: Vec<&String> = seen.iter().map(|instance| &instance.handle).collect();
    assert_eq!(handles, [&instance.handle]);
}

const DECIDED: [&str; 11] = [
    "Umask",
    "Uid",
    "Gid",
    "Groups",
    "SigBlk",
    "SigIgn",
    "SigCgt",
    "Cap",
    "NoNewPrivs",
    "Seccomp",
    "Cpus_allowed",
];
/// What a program sees of itself.
const SELF_PORTRAIT: &str = "trap 'echo asked to end; exit 7' TERM; echo home $HOME in; pwd; cat /proc/self/status; \
    echo $PATH $TMPDIR $WORD; tr '\\0' '\\n' < /proc/self/environ; echo portrait; \
    while :; do sleep 0.05; done";

/// Signals 32 and 33 are a C library's own: whether they are ignored tells with which one the parent was made.
fn without_the_librarys_signals(line: String) -> String {
    const LIBRARYS: u64 = 0b11 << 31;
    match line.strip_prefix("SigIgn:\t") {
        Some(ignored) => {
            let ignored = u64::from_str_radix(ignored, 16).unwrap();
            format!("SigIgn: {:x}", ignored & !LIBRARYS)
        }
        None => line,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn standby_runs_a_program_exactly_as_an_ordinary_start_does() {
    let Some(corner) =
        Corner::new("standby_runs_a_program_exactly_as_an_ordinary_start_does").await
    else {
        return;
    };
    let accounts = [
        (
            "passwd",
            "root:x:0:0::/root:/bin/sh\nagent:x:1000:1001::/home/agent:/bin/sh\n",
        ),
        (
            "group",
            "root:x:0:\nagent:x:1001:\nstaff:x:50:agent\nmore:x:51:agent,root\n",
        ),
    ];
    for (number, user) in ["root", "agent", "1000", "agent:staff", "4711:4712", ""]
        .iter()
        .enumerate()
    {
        let user_line = if user.is_empty() {
            String::new()
        } else {
            format!("USER {user}\n")
        };
        let dockerfile = format!(
            "FROM BASE\nCOPY passwd group /etc/\nWORKDIR /srv/here\nENV TMPDIR=/tmp LD_LIBRARY_PATH=/lib\n{user_line}"
        );
        let command = ["/bin/sh", "-c", SELF_PORTRAIT];
        let spec = |id: String| StartSpec {
            env: vec![("WORD".to_owned(), "word".into())],
            ..corner.spec(&id, &command)
        };
        let ordinary = corner
            .image(spec(format!("o-{number}")), &dockerfile, &accounts)
            .await;
        let held = StartSpec {
            deployment_id: format!("s-{number}"),
            ..ordinary.clone()
        };
        let ordinary = corner.start(&ordinary).await.unwrap();
        let held = release(corner.standby(&held, &[]).await, Files::default())
            .await
            .unwrap();
        let mut portraits = Vec::new();
        for instance in [&ordinary, &held] {
            let lines = eventually("a portrait", async || {
                let lines = corner.lines(instance).await;
                lines.contains(&"portrait".to_owned()).then_some(lines)
            })
            .await;
            // Of the kernel's own table what a start decides, and none of what it counts.
            let is_decided = |line: &String| match line.split_once(":\t") {
                Some((name, _)) => DECIDED.iter().any(|decided| name.starts_with(decided)),
                None => !line.starts_with("HOSTNAME="),
            };
            let mut portrait: Vec<String> = lines
                .into_iter()
                .filter(is_decided)
                .map(without_the_librarys_signals)
                .collect();
            portrait.sort();
            portraits.push(portrait.join("\n"));
        }
        assert_eq!(portraits[0], portraits[1], "as {user:?}");

        corner
            .runtime
            .stop(&held.id, Duration::from_secs(10))
            .await
            .unwrap();
        let exit = corner.exit(&held).await;
        assert_eq!(exit.code, Some(7), "the signal reached it: {exit:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn standby_takes_in_orphans_and_lays_what_it_was_started_with() {
    let Some(corner) =
        Corner::new("standby_takes_in_orphans_and_lays_what_it_was_started_with").await
    else {
        return;
    };
    let script = "sh -c 'sleep 0.2 & echo left'; cat /page; while :; do sleep 5; done";
    let spec = StartSpec {
        overlay: Some(Files::default().with("page", "laid\n").shared()),
        ..corner.spec("d-1", &["/bin/sh", "-c", script])
    };
    let standby = corner.standby(&spec, &[]).await;
    let instance = standby
        .release(None, &CancellationToken::new())
        .await
        .unwrap();
    eventually("the end of its beginning", async || {
        let lines = corner.lines(&instance).await;
        lines.contains(&"laid".to_owned()).then_some(())
    })
    .await;
    eventually("the orphan to be gone altogether", async || {
        let processes = corner
            .docker
            .top_processes(&instance.handle, None)
            .await
            .unwrap();
        let shown = format!("{processes:?}");
        (!shown.contains("defunct") && !shown.contains("\"sleep 0.2\"")).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn standby_gives_files_their_modes_and_owners() {
    let Some(corner) = Corner::new("standby_gives_files_their_modes_and_owners").await else {
        return;
    };
    let dockerfile = "FROM BASE\nCOPY passwd group /etc/\nUSER agent\n";
    let accounts = [
        ("passwd", "agent:x:1000:1001::/:\n"),
        ("group", "agent:x:1001:\nstaff:x:50:\n"),
    ];
    let script = "test() { :; }; cat /mine && echo read; echo x > /mine && echo written; cat /secret; echo done; sleep 60";
    let spec = corner
        .image(
            corner.spec("d-1", &["/bin/sh", "-c", script]),
            dockerfile,
            &accounts,
        )
        .await;
    let files = || {
        Files::default()
            .owned("mine", 0o600, (1000, 1001))
            .owned("secret", 0o600, (0, 0))
            .owned("named", 0o640, (0, 0))
            .given("/named", "agent:staff")
    };
    let held = release(corner.standby(&spec, &[]).await, files())
        .await
        .unwrap();
    // The same for a start whose files the engine cannot lay over by itself, and for one where it can.
    let with_gate = StartSpec {
        deployment_id: "d-2".to_owned(),
        overlay: Some(files().shared()),
        ..spec.clone()
    };
    let with_gate = corner.start(&with_gate).await.unwrap();
    let mut plain = files();
    plain.owners.clear();
    let plain = StartSpec {
        deployment_id: "d-3".to_owned(),
        overlay: Some(plain.shared()),
        ..spec
    };
    let plain = corner.start(&plain).await.unwrap();
    for instance in [&held, &with_gate, &plain] {
        let lines = eventually("the end of its script", async || {
            let lines = corner.lines(instance).await;
            lines.contains(&"done".to_owned()).then_some(lines)
        })
        .await;
        let said = |text: &str| lines.iter().any(|line| line == text);
        assert!(said("read") && said("written"), "{lines:?}");
        assert!(
            lines
                .iter()
                .any(|line| line.contains("secret") && line.contains("denied")),
            "{lines:?}"
        );
    }
    for instance in [&held, &with_gate] {
        let archive = download(&corner, instance, "/named").await;
        let mut archive = tar::Archive::new(&archive[..]);
        let entry = archive.entries().unwrap().next().unwrap().unwrap();
        let header = entry.header();
        assert_eq!(
            (
                header.mode().unwrap() & 0o7777,
                header.uid().unwrap(),
                header.gid().unwrap()
            ),
            (0o640, 1000, 50)
        );
    }
    let gate = download(&corner, &held, super::super::gate::PATH).await;
    let mut gate = tar::Archive::new(&gate[..]);
    let mode = gate
        .entries()
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .header()
        .mode()
        .unwrap();
    assert_eq!(mode & 0o7777, 0o755, "nobody else becomes root by it");
    let entry_point = corner
        .docker
        .inspect_container(&plain.handle, None)
        .await
        .unwrap()
        .path
        .unwrap();
    assert_eq!(entry_point, "/bin/sh", "without need there is no gate");
}

async fn download(corner: &Corner, instance: &Instance, path: &str) -> Vec<u8> {
    let options = bollard::query_parameters::DownloadFromContainerOptionsBuilder::default()
        .path(path)
        .build();
    let pieces = corner
        .docker
        .download_from_container(&instance.handle, Some(options));
    pieces.map(|piece| piece.unwrap().to_vec()).concat().await
}

#[tokio::test(flavor = "multi_thread")]
async fn standby_needs_nothing_of_an_image() {
    let Some(corner) = Corner::new("standby_needs_nothing_of_an_image").await else {
        return;
    };
    // One static program, no shell, no account, nothing else.
    let mut plan = corner.plan("bare", "", &[]);
    plan.context = Arc::new(|out: &mut dyn std::io::Write| {
        let mut archive = tar::Builder::new(out);
        let dockerfile = "FROM scratch\nCOPY busybox /busybox\nUSER 4711\nCMD [\"/busybox\", \"httpd\", \"-f\", \"-p\", \"8000\", \"-h\", \"/www\"]\n";
        let mut header = tar::Header::new_gnu();
        header.set_size(dockerfile.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, "Dockerfile", dockerfile.as_bytes())?;
        archive.append_path_with_name(BUSYBOX, "busybox")?;
        archive.finish()
    });
    let mut spec = corner.spec("d-1", &[]);
    spec.artifact = corner.build(&plan).await.unwrap().0.artifact;
    let standby = corner.standby(&spec, &[]).await;
    let files = Files::default()
        .with("www/index.html", "from nothing")
        .without("/not/there");
    let instance = release(standby, files).await.unwrap();
    assert_eq!(answer(&instance).await, "from nothing");
    let files = Files::default()
        .with("www/index.html", "and again")
        .without("/www/not/there");
    let cancel = CancellationToken::new();
    corner
        .runtime
        .sync(&instance.id, files.shared(), &cancel)
        .await
        .unwrap();
    assert_eq!(answer(&instance).await, "and again");
}

#[tokio::test(flavor = "multi_thread")]
async fn standby_loads_python_modules_and_then_the_new_code() {
    let Some(corner) = Corner::new("standby_loads_python_modules_and_then_the_new_code").await
    else {
        return;
    };
    let Some(spec) = corner
        .python("d-00000001", "USER 1000\nCMD [\"python\", \"main.py\"]")
        .await
    else {
        return;
    };
    let standby = corner
        .standby(&spec, &["json", "no_such_module", "slow", "answer"])
        .await;
    // Let go while it still loads.
    let instance = release(
        standby,
        Files::default().with("app/answer.py", "TEXT = 'new'\n"),
    )
    .await
    .unwrap();
    assert_eq!(answer(&instance).await, "('new', True, '/deps', None, '')");
    assert_eq!(corner.lines(&instance).await[0], "reads its code");

    let spec = StartSpec {
        deployment_id: "d-00000002".to_owned(),
        ..spec
    };
    let standby = corner.standby(&spec, &["http.server", "tell"]).await;
    eventually("the end of its loading", async || {
        let listed = corner.runtime.list().await.unwrap();
        let standby = listed
            .iter()
            .find(|listed| listed.id == *standby.instance())
            .unwrap();
        corner
            .lines(standby)
            .await
            .contains(&"loaded".to_owned())
            .then_some(())
    })
    .await;
    let before = Instant::now();
    let files = Files::default()
        .with("app/answer.py", "TEXT = 'newer'\n")
        .without("/app/gone.py");
    let instance = release(standby, files).await.unwrap();
    let released = before.elapsed();
    assert_eq!(
        answer(&instance).await,
        "('newer', False, '/deps', None, '')"
    );
    println!(
        "released after {released:?}, answered after {:?}",
        before.elapsed()
    );

    // The same without a standby.
    let spec = StartSpec {
        deployment_id: "d-00000003".to_owned(),
        overlay: Some(
            Files::default()
                .with("app/answer.py", "TEXT = 'newest'\n")
                .shared(),
        ),
        ..spec
    };
    let before = Instant::now();
    let instance = corner.start(&spec).await.unwrap();
    let started = before.elapsed();
    assert_eq!(
        answer(&instance).await,
        "('newest', False, '/deps', None, '')"
    );
    println!(
        "started after {started:?}, answered after {:?}",
        before.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn standby_never_runs_old_code_where_python_does_not_wait() {
    // Of another size than the old one: without our module Python takes old bytecode for new where time and size are equal.
    const NEW_ANSWER: &str = "TEXT = 'new'  # laid over\n";
    let Some(corner) = Corner::new("standby_never_runs_old_code_where_python_does_not_wait").await
    else {
        return;
    };
    // Known not to wait by its options: the gate holds it.
    let Some(spec) = corner
        .python("d-00000001", "CMD [\"python\", \"-S\", \"main.py\"]")
        .await
    else {
        return;
    };
    let standby = corner.standby(&spec, &["json"]).await;
    let instance = release(standby, Files::default().with("app/answer.py", NEW_ANSWER))
        .await
        .unwrap();
    assert_eq!(answer(&instance).await, "('new', False, '/deps', None, '')");
    assert_eq!(readings(&corner.lines(&instance).await), 1);

    // Not known to be Python without our module: started anew in its container.
    let install = "RUN printf '#!/usr/bin/env -S python -S\\nimport os\\nos.close(0)\\nos.open(\"/dev/null\", 0)\\n\
        exec(open(\"/app/main.py\").read())\\n' > /usr/bin/agent && chmod 755 /usr/bin/agent\nENV PYTHONPATH=/app\n\
        CMD [\"agent\"]";
    let spec = corner.python("d-00000002", install).await.unwrap();
    let standby = corner.standby(&spec, &["json"]).await;
    let instance = release(standby, Files::default().with("app/answer.py", NEW_ANSWER))
        .await
        .unwrap();
    assert_eq!(answer(&instance).await, "('new', False, '/app', None, '')");
    assert!(readings(&corner.lines(&instance).await) <= 2);
}

fn readings(lines: &[String]) -> usize {
    lines
        .iter()
        .filter(|line| *line == "reads its code")
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn standby_that_cannot_be_laid_over_says_why_and_is_gone() {
    let Some(corner) = Corner::new("standby_that_cannot_be_laid_over_says_why_and_is_gone").await
    else {
        return;
    };
    for (number, files, expected, code) in [
        // The engine mounts it: it can be neither removed nor replaced.
        (
            1,
            Files::default().without("/etc/hosts"),
            "/etc/hosts",
            ErrorCode::EngineFailed,
        ),
        (
            2,
            Files::default().with("proc/here", "x"),
            "/proc",
            ErrorCode::EngineFailed,
        ),
        (
            3,
            Files::default().with("x", "x").given("/x", "nobody"),
            "nobody",
            ErrorCode::EngineFailed,
        ),
        // As large as what the engine gives it for devices.
        (
            4,
            Files::default().with("dev/shm/large", &"x".repeat(80 << 20)),
            "/dev/shm/large",
            ErrorCode::DiskFull,
        ),
    ] {
        let spec = corner.server(&format!("d-{number}"));
        let standby = corner.standby(&spec, &[]).await;
        let failed = release(standby, files).await.unwrap_err();
        let RuntimeError::OverlayFailed { evidence } = &failed else {
            panic!("{failed:?}")
        };
        assert!(
            evidence.iter().any(|line| line.contains(expected)),
            "{evidence:?}"
        );
        assert_eq!(failed.code(), code, "{failed:?}");
        assert!(corner.runtime.list().await.unwrap().is_empty());
    }
    let spec = StartSpec {
        overlay: Some(Files::default().without("/etc/hosts").shared()),
        ..corner.server("d-5")
    };
    let failed = corner.start(&spec).await.unwrap_err();
    assert!(
        matches!(failed, RuntimeError::OverlayFailed { .. }),
        "{failed:?}"
    );
    assert!(corner.runtime.list().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn standby_that_is_dropped_discarded_or_dead_leaves_nothing() {
    let Some(corner) =
        Corner::new("standby_that_is_dropped_discarded_or_dead_leaves_nothing").await
    else {
        return;
    };
    let nothing = async || {
        corner
            .runtime
            .list()
            .await
            .unwrap()
            .is_empty()
            .then_some(())
    };
    drop(corner.standby(&corner.server("d-1"), &[]).await);
    eventually("its removal", nothing).await;

    corner
        .standby(&corner.server("d-2"), &[])
        .await
        .discard()
        .await;
    assert!(corner.runtime.list().await.unwrap().is_empty());

    let standby = corner.standby(&corner.server("d-3"), &[]).await;
    let handle = corner.runtime.list().await.unwrap()[0].handle.clone();
    corner.docker.kill_container(&handle, None).await.unwrap();
    eventually("its end", async || (!standby.is_alive()).then_some(())).await;
    release(standby, Files::default()).await.unwrap_err();
    assert!(corner.runtime.list().await.unwrap().is_empty());

    let cancel = CancellationToken::new();
    cancel.cancel();
    let standby = corner.standby(&corner.server("d-4"), &[]).await;
    let cancelled = standby.release(None, &cancel).await.unwrap_err();
    assert!(
        matches!(cancelled, RuntimeError::Cancelled { .. }),
        "{cancelled:?}"
    );
    assert!(corner.runtime.list().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn standby_ends_when_its_control_plane_does() {
    let Some(corner) = Corner::new("standby_ends_when_its_control_plane_does").await else {
        return;
    };
    let Some(engine) = corner.host.strip_prefix("unix://").map(PathBuf::from) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("engine.sock");
    let stop = nasiko_engine::testing::relay(&socket, engine).unwrap();
    let other = runtime(&format!("unix://{}", socket.display()), &corner.unique);
    let cancel = CancellationToken::new();
    let made = other
        .standby(&corner.server("d-1"), &WarmUp::default(), &cancel)
        .await;
    let standby = made.unwrap().unwrap();
    // All its connections break at once, as when its process is killed.
    stop.cancel();
    let listed = eventually("its end", async || {
        let listed = corner.runtime.list().await.unwrap();
        (listed[0].state != InstanceState::Running).then_some(listed)
    })
    .await;
    assert_eq!(listed[0].state, InstanceState::Exited { code: Some(0) });
    assert!(corner.lines(&listed[0]).await.is_empty(), "nothing has run");
    eventually("its owner to know", async || {
        (!standby.is_alive()).then_some(())
    })
    .await;
    corner.runtime.remove(&listed[0].id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn standby_or_not_a_running_container_takes_new_files() {
    let Some(corner) = Corner::new("standby_or_not_a_running_container_takes_new_files").await
    else {
        return;
    };
    let instance = corner.start(&corner.server("d-1")).await.unwrap();
    assert!(answer(&instance).await.contains("hello"));
    let sync = async |files: Files| {
        let cancel = CancellationToken::new();
        corner
            .runtime
            .sync(&instance.id, files.shared(), &cancel)
            .await
    };
    for text in ["first", "second"] {
        let large = text.repeat(100_000);
        sync(
            Files::default()
                .with("index.html", text)
                .with("large", &large),
        )
        .await
        .unwrap();
        assert_eq!(answer(&instance).await, text);
    }
    sync(Files::default().without("/index.html")).await.unwrap();
    assert!(answer(&instance).await.contains("404"));
    let failed = sync(Files::default().without("/etc/hosts"))
        .await
        .unwrap_err();
    assert!(
        matches!(&failed, RuntimeError::OverlayFailed { evidence } if evidence[0].contains("/etc/hosts")),
        "{failed:?}"
    );
    corner
        .runtime
        .stop(&instance.id, Duration::ZERO)
        .await
        .unwrap();
    sync(Files::default().with("index.html", "too late"))
        .await
        .unwrap_err();
}
