//! Environments: made once, shared, never half.

use super::*;

fn plan(root: &Path, kind: RequirementsKind, files: &[&str], hash: &str) -> PreparePlan {
    PreparePlan {
        agent: "greeter".to_owned(),
        owner: "me".to_owned(),
        version: "1.0.0".to_owned(),
        root: root.to_owned(),
        content_hash: hash.to_owned(),
        requirements: Some(Requirements {
            packages: Vec::new(),
            kind,
            files: files.iter().map(Into::into).collect(),
            hash: hash.to_owned(),
        }),
        dockerfile: None,
        generated_dockerfile: None,
        build_args: BTreeMap::new(),
        context: Arc::new(|_: &mut dyn std::io::Write| Ok(())),
        image_tag: String::new(),
    }
}

/// A Python package in a folder, installed without any network.
fn package(root: &Path) {
    let folder = root.join("vendored");
    std::fs::create_dir_all(folder.join("vendored_greeting")).unwrap();
    std::fs::write(
        folder.join("vendored_greeting/__init__.py"),
        "WORD = 'servus'\n",
    )
    .unwrap();
    std::fs::write(
        root.join("main.py"),
        "import os, sys, vendored_greeting\n\
        print(vendored_greeting.WORD, sys.prefix)\n\
        print('compiled', os.path.exists(vendored_greeting.__cached__))\n",
    )
    .unwrap();
    wheel(
        &folder,
        &root.join("vendored_greeting-1.0-py3-none-any.whl"),
    );
    std::fs::write(
        root.join("requirements.txt"),
        "./vendored_greeting-1.0-py3-none-any.whl\n",
    )
    .unwrap();
}

/// A wheel is a zip with three files of metadata: Python writes it.
fn wheel(source: &Path, target: &Path) {
    let script = "import sys, zipfile\n\
        info = 'vendored_greeting-1.0.dist-info/'\n\
        with zipfile.ZipFile(sys.argv[2], 'w') as wheel:\n\
        \x20   wheel.write(sys.argv[1] + '/vendored_greeting/__init__.py', 'vendored_greeting/__init__.py')\n\
        \x20   wheel.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: vendored-greeting\\nVersion: 1.0\\n')\n\
        \x20   wheel.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')\n\
        \x20   wheel.writestr(info + 'RECORD', '')\n";
    let status = std::process::Command::new("python3")
        .args(["-c", script])
        .arg(source)
        .arg(target)
        .status()
        .unwrap();
    assert!(status.success());
}

async fn prepare(
    house: &House,
    plan: &PreparePlan,
    steps: &Mutex<Vec<String>>,
) -> Result<crate::Prepared, RuntimeError> {
    let sink = |progress: Progress| {
        if let Progress::Step { text, .. } = progress {
            steps.lock().push(text);
        }
    };
    house
        .runtime
        .prepare(plan, &sink, &CancellationToken::new())
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_is_built_once_for_all_who_ask() {
    let house = House::new().await;
    package(house.folder());
    let plan = plan(
        house.folder(),
        RequirementsKind::RequirementsTxt,
        &["requirements.txt"],
        "aaaabbbbccccdddd",
    );
    let steps = Mutex::new(Vec::new());
    let both = tokio::join!(
        prepare(&house, &plan, &steps),
        prepare(&house, &plan, &steps)
    );
    let (one, other) = (both.0.unwrap(), both.1.unwrap());
    assert_eq!(one.artifact, other.artifact);
    assert!(one.reused != other.reused, "one of two built");
    assert_eq!(
        steps.lock().len(),
        2,
        "the steps of one build: {:?}",
        steps.lock()
    );
    let expected = house
        .home
        .path()
        .join("environments")
        .join("python-aaaabbbbcccc");
    assert_eq!(
        one.artifact,
        Artifact::Python {
            environment: expected.clone()
        }
    );
    assert_eq!(
        one.artifact.to_string().parse::<Artifact>().unwrap(),
        one.artifact
    );

    let mut spec = spec("d-1", house.folder(), &["python", "main.py"]);
    spec.artifact = one.artifact;
    let started = house.start(&spec).await.unwrap();
    house.exit(&started.id).await;
    let lines = house.lines(&started.id).await;
    assert_eq!(lines[0].text, format!("servus {}", expected.display()));
    assert_eq!(
        lines[1].text, "compiled True",
        "agents write no bytecode themselves"
    );

    // Left half-built by a crash: no mark, some rubbish.
    std::fs::remove_file(expected.join(".nasiko-complete")).unwrap();
    std::fs::write(expected.join("rubbish"), "x").unwrap();
    assert!(!prepare(&house, &plan, &steps).await.unwrap().reused);
    assert!(
        !expected.join("rubbish").try_exists().unwrap(),
        "what was left is cleared away"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_uv_the_tools_of_python_do_it() {
    let house = House::new().await;
    package(house.folder());
    std::fs::write(
        house.folder().join("pyproject.toml"),
        "[project]\nname = 'x'\nversion = '1'\ndependencies = ['vendored-greeting']\n",
    )
    .unwrap();
    let programs = house.home().join("programs");
    std::fs::create_dir(&programs).unwrap();
    let python = std::process::Command::new("python3")
        .args(["-c", "import sys; print(sys.executable)"])
        .output();
    let python = String::from_utf8(python.unwrap().stdout).unwrap();
    std::os::unix::fs::symlink(python.trim(), programs.join("python3")).unwrap();
    let mut environment = host_environment();
    environment.retain(|(name, _)| name != "PATH" && name != "PIP_FIND_LINKS");
    environment.push(("PATH".into(), programs.into_os_string()));
    environment.push((
        "PIP_FIND_LINKS".into(),
        house.folder().as_os_str().to_owned(),
    ));
    environment.push(("PIP_NO_INDEX".into(), "1".into()));
    let home = house.home().join("other");
    let runtime = open(&home, &house.installation, environment).await;

    let plan = plan(
        house.folder(),
        RequirementsKind::Pyproject,
        &["pyproject.toml"],
        "eeeeffff00001111",
    );
    let lines = Mutex::new(Vec::new());
    let sink = |progress: Progress| lines.lock().push(format!("{progress:?}"));
    let prepared = runtime
        .prepare(&plan, &sink, &CancellationToken::new())
        .await;
    let Artifact::Python { environment } = prepared
        .unwrap_or_else(|error| panic!("{error}: {lines:?}"))
        .artifact
    else {
        panic!("no Python environment")
    };
    let python = super::super::python::interpreter(&environment);
    let status = std::process::Command::new(python)
        .args(["-c", "import vendored_greeting"])
        .status()
        .unwrap();
    assert!(status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_a_crash_left_behind_does_not_write_into_the_next_environment() {
    let house = House::new().await;
    package(house.folder());
    let files = ["requirements.txt"];
    let plan = plan(
        house.folder(),
        RequirementsKind::RequirementsTxt,
        &files,
        "abcdabcdabcdabcd",
    );
    let target = house
        .home()
        .join("environments")
        .join("python-abcdabcdabcd");
    std::fs::create_dir_all(&target).unwrap();
    let mut orphan = std::process::Command::new("sleep")
        .arg("600")
        .env("NASIKO_ENVIRONMENT", &target)
        .spawn()
        .unwrap();
    prepare(&house, &plan, &Mutex::default()).await.unwrap();
    assert!(
        !orphan.wait().unwrap().success(),
        "it was ended before the folder was made anew"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn requirements_that_cannot_be_installed_fail_with_the_tools_words_and_leave_nothing() {
    let house = House::new().await;
    std::fs::write(
        house.folder().join("requirements.txt"),
        "./no-such-file-1.0-py3-none-any.whl\n",
    )
    .unwrap();
    let plan = plan(
        house.folder(),
        RequirementsKind::RequirementsTxt,
        &["requirements.txt"],
        "1234123412341234",
    );
    let failure = prepare(&house, &plan, &Mutex::default()).await.unwrap_err();
    assert_eq!(failure.code(), ErrorCode::RequirementsFailed);
    let fault = nasiko_contract::Fault::from(failure);
    assert!(
        fault
            .evidence
            .iter()
            .any(|line| line.contains("no-such-file")),
        "{fault:?}"
    );
    assert!(fault.hint.is_some());
    assert!(
        !house
            .home
            .path()
            .join("environments/python-123412341234")
            .try_exists()
            .unwrap()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_ends_the_tools() {
    let house = House::new().await;
    let programs = house.home().join("programs");
    std::fs::create_dir(&programs).unwrap();
    let uv = programs.join("uv");
    // Stands for a tool that hangs on the network.
    std::fs::write(&uv, "#!/bin/sh\necho pid=$$\nexec sleep 600\n").unwrap();
    std::fs::set_permissions(&uv, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = std::env::join_paths([programs.as_path(), Path::new("/usr/bin"), Path::new("/bin")])
        .unwrap();
    let runtime = open(
        house.home(),
        &house.installation,
        vec![("PATH".into(), path)],
    )
    .await;
    std::fs::write(house.folder().join("requirements.txt"), "x\n").unwrap();
    let plan = plan(
        house.folder(),
        RequirementsKind::RequirementsTxt,
        &["requirements.txt"],
        "5678567856785678",
    );

    let cancel = CancellationToken::new();
    let tool = Mutex::new(None);
    let sink = |progress: Progress| {
        if let Progress::Line(line) = progress
            && let Some(pid) = line.text.strip_prefix("pid=")
        {
            *tool.lock() = ProcessIdentity::of(pid.parse().unwrap());
            cancel.cancel();
        }
    };
    let cancelled = tokio::time::timeout(PATIENCE, runtime.prepare(&plan, &sink, &cancel))
        .await
        .expect("it ends");
    assert!(matches!(
        cancelled.unwrap_err(),
        RuntimeError::Cancelled { .. }
    ));
    let tool = tool.lock().clone().unwrap();
    eventually("the tool's end", async || (!tool.alive()).then_some(())).await;
    assert!(
        !house
            .home
            .path()
            .join("environments/python-567856785678")
            .try_exists()
            .unwrap()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn node_packages_are_installed_beside_the_folder() {
    if super::super::base_environment::find_program("npm", &std::env::var_os("PATH").unwrap())
        .is_none()
    {
        crate::skipping::skip(
            "node_packages_are_installed_beside_the_folder",
            "npm is not installed",
        );
        return;
    }
    let house = House::new().await;
    let root = house.folder();
    let tiny = root.join("tiny");
    std::fs::create_dir(&tiny).unwrap();
    std::fs::write(
        tiny.join("package.json"),
        r#"{"name":"tiny","version":"1.0.0","main":"index.js"}"#,
    )
    .unwrap();
    std::fs::write(tiny.join("index.js"), "exports.word = 'moin';\n").unwrap();
    let packed = std::process::Command::new("npm")
        .args(["pack", "./tiny", "--silent"])
        .current_dir(root)
        .output();
    assert!(packed.unwrap().status.success());
    let manifest = r#"{"name":"x","type":"module","scripts":{"start":"node src/main.js"},
        "dependencies":{"tiny":"file:tiny-1.0.0.tgz"}}"#;
    std::fs::write(root.join("package.json"), manifest).unwrap();
    std::fs::create_dir(root.join("src")).unwrap();
    std::fs::write(
        root.join("src/main.js"),
        "import tiny from 'tiny';\nconsole.log(tiny.word);\n",
    )
    .unwrap();
    let before = std::fs::read_dir(root).unwrap().count();

    let files = ["package.json", "tiny-1.0.0.tgz"];
    let plan = plan(
        root,
        RequirementsKind::PackageJson,
        &files,
        "9999888877776666",
    );
    let prepared = prepare(&house, &plan, &Mutex::default()).await.unwrap();
    let mut spec = spec("d-1", root, &["npm", "--silent", "start"]);
    spec.artifact = prepared.artifact;
    let started = house.start(&spec).await.unwrap();
    let exit = house.exit(&started.id).await;
    let lines = house.lines(&started.id).await;
    assert_eq!(exit.code, Some(0), "{lines:?}");
    assert_eq!(lines[0].text, "moin");
    assert_eq!(
        std::fs::read_dir(root).unwrap().count(),
        before,
        "nothing was written to the person's folder"
    );
}
