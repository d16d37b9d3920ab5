//! Images of real servers for tests and benches of the local stack: made of the programs that are installed here, on top
//! of the base images. They are in no registry.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::{LIMIT, folder};
use crate::command::{capture, command};
use crate::engine::docker;
use crate::places::{Places, program_on_path, remove};
use crate::report::{self, Step};
use crate::tools;

struct Server {
    name: &'static str,
    /// Built in a folder that `gather` fills.
    dockerfile: &'static str,
    gather: fn(&Places, &Path) -> Result<()>,
}

const SERVERS: &[Server] = &[
    Server {
        name: "nasiko-test/redis:latest",
        dockerfile: "FROM busybox:latest\n\
             COPY tree /\n\
             ENV PATH=/bin:/usr/bin\n\
             CMD [\"redis-server\", \"--save\", \"\", \"--bind\", \"0.0.0.0\", \"--protected-mode\", \"no\"]\n",
        gather: redis,
    },
    Server {
        name: "nasiko-test/mongodb:latest",
        dockerfile: "FROM python:3.11-slim\n\
             COPY packages /opt/mongodb\n\
             ENV PYTHONPATH=/opt/mongodb PYTHONUNBUFFERED=1\n\
             RUN mkdir /data\n\
             CMD [\"python\", \"-c\", \"import sys; from secantus.cli import main; sys.exit(main())\", \
                  \"--host\", \"0.0.0.0\", \"--port\", \"27017\", \"--storage-path\", \"/data\"]\n",
        gather: mongodb,
    },
];

/// Brings every server's image into the engine; one whose program is not here is left out, with a word.
pub(super) fn provide(places: &Places, host: &str) {
    for server in SERVERS {
        let inspect = ["image", "inspect", "--format", "{{.Id}}", server.name];
        if capture(docker(places, host).args(inspect), Duration::from_secs(20)).is_ok() {
            continue;
        }
        if let Err(error) = server.build(places, host) {
            report::warn(&format!("no image {}: {error:#}", server.name));
        }
    }
}

impl Server {
    fn build(&self, places: &Places, host: &str) -> Result<()> {
        let step = Step::begin(format!("making the image {}", self.name));
        let context = folder(places).join(format!("servers.{}", std::process::id()));
        remove(&context)?;
        let built = self.build_in(places, host, &context);
        remove(&context)?;
        built?;
        step.done();
        Ok(())
    }

    fn build_in(&self, places: &Places, host: &str, context: &Path) -> Result<()> {
        fs::create_dir_all(context)?;
        fs::write(context.join("Dockerfile"), self.dockerfile)?;
        (self.gather)(places, context)?;
        let mut build = docker(places, host);
        build
            .env("DOCKER_BUILDKIT", "0")
            .args(["build", "--quiet", "--tag", self.name])
            .arg(context);
        capture(&mut build, LIMIT).map(drop)
    }
}

/// Debian's programs with the libraries they are linked to, at the places where these are sought.
fn redis(places: &Places, context: &Path) -> Result<()> {
    for name in ["redis-server", "redis-cli"] {
        let program = program_on_path(name).with_context(|| format!("{name} is not installed"))?;
        place(&program, &context.join("tree/usr/bin").join(name))?;
        let linked = capture(
            command(places, "ldd").arg(&program),
            Duration::from_secs(10),
        )?;
        for library in linked
            .split_whitespace()
            .filter(|word| word.starts_with('/'))
        {
            let below = library.trim_start_matches('/');
            place(Path::new(library), &context.join("tree").join(below))?;
        }
    }
    Ok(())
}

/// Copies what a name leads to.
fn place(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to.parent().context("a path in a folder")?)?;
    fs::copy(from, to).with_context(|| format!("cannot copy {}", from.display()))?;
    Ok(())
}

/// The wire server's Python packages; its own Python stays here.
fn mongodb(places: &Places, context: &Path) -> Result<()> {
    let program = tools::mongo_server(places).context("the wire server is not installed")?;
    let mut ask = Command::new(program.with_file_name("python"));
    ask.args(["-c", "import secantus; print(secantus.__path__[0])"]);
    let package = PathBuf::from(capture(&mut ask, Duration::from_secs(30))?.trim());
    let packages = package.parent().context("a package in a folder")?;
    let mut copy = command(places, "cp");
    copy.arg("--recursive")
        .arg(packages)
        .arg(context.join("packages"));
    capture(&mut copy, LIMIT)?;
    for unused in ["pip", "setuptools"] {
        remove(&context.join("packages").join(unused))?;
    }
    Ok(())
}
