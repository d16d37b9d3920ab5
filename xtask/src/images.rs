//! The base images that test agents build on: pulled where a registry answers, else made from Debian packages.

mod servers;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::apt::is_root;
use crate::command::{capture, command, logged};
use crate::engine::docker;
use crate::places::{Places, link, program_on_path, remove};
use crate::report::{self, Step};

/// A pull that a registry answers, or the two minutes that making one takes.
const LIMIT: Duration = Duration::from_mins(10);
const CERTIFICATES: &str = "etc/ssl/certs/ca-certificates.crt";

struct Image {
    name: &'static str,
    /// What the image says of itself, as `docker import --change` takes it.
    settings: &'static [&'static str],
    make: fn(&Places, &Path) -> Result<()>,
}

const IMAGES: &[Image] = &[
    Image {
        name: "busybox:latest",
        settings: &["CMD [\"sh\"]", "ENV PATH=/bin"],
        make: busybox,
    },
    Image {
        name: "python:3.11-slim",
        settings: &[
            "CMD [\"python3\"]",
            SYSTEM_PATH,
            "ENV LANG=C.UTF-8",
            "ENV PIP_ROOT_USER_ACTION=ignore",
            "ENV PIP_BREAK_SYSTEM_PACKAGES=1",
            "ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt",
            TRUST,
        ],
        make: python,
    },
    Image {
        name: "node:20-slim",
        settings: &[
            "CMD [\"node\"]",
            SYSTEM_PATH,
            "ENV LANG=C.UTF-8",
            "ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt",
            TRUST,
        ],
        make: node,
    },
];
const SYSTEM_PATH: &str = "ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin";
const TRUST: &str = "ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt";

/// Where the archives of made images are kept.
fn folder(places: &Places) -> PathBuf {
    places.cache.join("images")
}

/// Brings every base image into the engine.
pub(crate) fn provide(places: &Places, host: &str) -> Result<()> {
    let mut registry = true;
    for image in IMAGES {
        let inspect = ["image", "inspect", "--format", "{{.Id}}", image.name];
        if capture(docker(places, host).args(inspect), Duration::from_secs(20)).is_ok() {
            continue;
        }
        if registry {
            let pulled = capture(
                docker(places, host).args(["pull", "--quiet", image.name]),
                LIMIT,
            );
            match pulled {
                Ok(_) => continue,
                Err(error) => report::note(&format!(
                    "images cannot be pulled here, making them: {error:#}"
                )),
            }
            registry = false;
        }
        import(places, host, image).with_context(|| format!("base image {}", image.name))?;
    }
    servers::provide(places, host);
    Ok(())
}

/// How a build reaches the package registries: Docker's own network as it is, the machine's, or not at all.
pub(crate) fn build_network(places: &Places, host: &str) -> Option<&'static str> {
    const DOWNLOAD: &str =
        "python -m pip download --quiet --no-deps --retries 0 --timeout 10 --dest /tmp/x six";
    ["bridge", "host"].into_iter().find(|network| {
        let mut run = docker(places, host);
        run.args(["run", "--rm", "--network", network, "python:3.11-slim"]);
        capture(run.args(DOWNLOAD.split(' ')), Duration::from_mins(1)).is_ok()
    })
}

fn import(places: &Places, host: &str, image: &Image) -> Result<()> {
    let archive = folder(places).join(format!("{}.tar", image.name.replace(':', "_")));
    if !archive.is_file() {
        let step = Step::begin(format!("making the base image {}", image.name));
        fs::create_dir_all(folder(places))?;
        // Beside the archive, since a temporary folder may be too small or forbid devices.
        let tree = folder(places).join(format!("tree.{}", std::process::id()));
        remove(&tree)?;
        let made = (image.make)(places, &tree).and_then(|()| pack(places, &tree, &archive));
        remove(&tree)?;
        made?;
        step.done();
    }
    let mut import = docker(places, host);
    import.arg("import");
    for setting in image.settings {
        import.args(["--change", setting]);
    }
    capture(import.arg(&archive).arg(image.name), LIMIT).map(drop)
}

fn pack(places: &Places, tree: &Path, archive: &Path) -> Result<()> {
    let partial = archive.with_extension("partial");
    let mut tar = command(places, "tar");
    tar.args(["--numeric-owner", "--create", "--file"])
        .arg(&partial)
        .arg("--directory")
        .arg(tree)
        .arg(".");
    capture(&mut tar, LIMIT)?;
    Ok(fs::rename(partial, archive)?)
}

fn busybox(places: &Places, tree: &Path) -> Result<()> {
    let program = program_on_path("busybox").context("busybox is not installed")?;
    for dir in ["bin", "etc", "root", "tmp", "proc", "sys", "dev"] {
        fs::create_dir_all(tree.join(dir))?;
    }
    fs::copy(&program, tree.join("bin/busybox"))?;
    let applets = capture(
        command(places, &program).arg("--list"),
        Duration::from_secs(5),
    )?;
    for applet in applets.lines().filter(|applet| *applet != "busybox") {
        link("busybox", &tree.join("bin").join(applet))?;
    }
    fs::write(tree.join("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n")?;
    Ok(fs::write(tree.join("etc/group"), "root:x:0:\n")?)
}

fn python(places: &Places, tree: &Path) -> Result<()> {
    debian(
        places,
        tree,
        "python3,python3-pip,python3-venv,ca-certificates",
    )?;
    link("python3", &tree.join("usr/bin/python"))?;
    // Python's own images let pip write to the system, and Dockerfiles count on it.
    Ok(fs::remove_file(
        tree.join("usr/lib/python3.11/EXTERNALLY-MANAGED"),
    )?)
}

fn node(places: &Places, tree: &Path) -> Result<()> {
    debian(places, tree, "libstdc++6,ca-certificates")?;
    let program = capture(
        command(places, "node").args(["--print", "process.execPath"]),
        Duration::from_secs(10),
    )
    .context("making a Node.js image takes Node.js on this machine")?;
    let program = Path::new(program.trim());
    fs::copy(program, tree.join("usr/local/bin/node"))?;
    capture(
        command(places, "chroot")
            .arg(tree)
            .args(["/usr/local/bin/node", "--version"]),
        Duration::from_secs(10),
    )
    .context("this machine's Node.js does not run on Debian 12")?;
    let npm = program.with_file_name("").join("../lib/node_modules/npm");
    if npm.is_dir() {
        let modules = tree.join("usr/local/lib/node_modules");
        fs::create_dir_all(&modules)?;
        capture(
            command(places, "cp")
                .arg("--archive")
                .arg(&npm)
                .arg(&modules),
            LIMIT,
        )?;
        for name in ["npm", "npx"] {
            link(
                format!("../lib/node_modules/npm/bin/{name}-cli.js"),
                &tree.join("usr/local/bin").join(name),
            )?;
        }
    }
    Ok(())
}

/// A small Debian 12 with those packages, without what no container reads.
fn debian(places: &Places, tree: &Path, packages: &str) -> Result<()> {
    if !is_root(places) || program_on_path("debootstrap").is_none() {
        bail!("making it takes root and debootstrap");
    }
    let downloads = folder(places).join("packages");
    fs::create_dir_all(&downloads)?;
    let mut debootstrap = command(places, "debootstrap");
    debootstrap
        .args(["--variant=minbase", "--include", packages, "--cache-dir"])
        .arg(downloads);
    debootstrap.arg("bookworm").arg(tree).args(mirror(places));
    logged(places, "debootstrap", &mut debootstrap, LIMIT)?;
    for dir in [
        "var/cache/apt",
        "var/lib/apt/lists",
        "usr/share/doc",
        "usr/share/man",
        "usr/share/locale",
    ] {
        remove(&tree.join(dir))?;
    }
    // Behind a proxy that signs for others, containers must trust what this machine trusts.
    let ours = Path::new("/").join(CERTIFICATES);
    if ours.is_file() {
        fs::copy(ours, tree.join(CERTIFICATES))?;
    }
    Ok(())
}

/// The mirror that apt uses here; none leaves the choice to debootstrap.
fn mirror(places: &Places) -> Option<String> {
    let ask = [
        "indextargets",
        "--format",
        "$(REPO_URI) $(ORIGIN) $(CODENAME)",
        "Created-By: Packages",
    ];
    let said = capture(
        command(places, "apt-get").args(ask),
        Duration::from_secs(10),
    )
    .ok()?;
    let own = said
        .lines()
        .find(|line| line.ends_with(" Debian bookworm"))?;
    own.split(' ').next().map(str::to_owned)
}
