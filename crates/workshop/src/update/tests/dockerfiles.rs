//! Dockerfiles as people write them: what a change of a file asks for on Docker.

use nasiko_contract::RuntimeKind::Docker;
use nasiko_contract::UpdateAction::{Environment, Nothing, Rebuild, Restart};

use super::*;

const FILES: [(&str, &str); 15] = [
    ("main.py", "import src.agent\n"),
    ("src/agent.py", "x = 1\n"),
    ("src/tools/search.py", "x = 1\n"),
    ("src/package.json", "{}"),
    (
        "requirements.txt",
        "fastapi\nuvicorn[standard]>=0.30 ; python_version > '3.8'\n-c constraints.txt\n",
    ),
    ("constraints.txt", "fastapi<1\n"),
    ("prompts/system.md", "Be kind.\n"),
    ("config/prod.yaml", "a: 1\n"),
    ("config.yaml", "a: 1\n"),
    ("start.sh", "exec python main.py\n"),
    ("package.json", "{\"dependencies\": {\"express\": \"^4\"}}"),
    ("package-lock.json", "{}"),
    ("server.js", "1\n"),
    ("notes.txt", "x\n"),
    ("data.tar.gz", "x"),
];

type Row<'a> = (&'a str, &'a [(&'a str, UpdateAction, &'a str)]);

/// Every row: a Dockerfile, and for some files of the folder the action and a part of the reason.
#[track_caller]
fn check(more: &[(&str, &str)], rows: &[Row<'_>]) {
    for (dockerfile, expected) in rows {
        let agent = Agent::new(&FILES);
        for (path, text) in more {
            agent.write(path, text);
        }
        agent.write("Dockerfile", dockerfile);
        let description = agent.describe();
        assert!(
            description.dockerfile.is_some(),
            "{dockerfile}\n{:?}",
            description.findings
        );
        for (path, action, why) in *expected {
            assert_update(&agent.touch(path, Docker), *action, why, dockerfile);
        }
    }
}

#[test]
fn one_stage() {
    check(
        &[],
        &[
            // The usual one.
            (
                "FROM python:3.11-slim\nWORKDIR /app\nCOPY requirements.txt constraints.txt ./\nRUN pip install --no-cache-dir -r requirements.txt\nCOPY . .\nCMD [\"python\", \"main.py\"]",
                &[
                    (
                        "main.py",
                        Restart,
                        "COPY . to /app is after the last RUN (Dockerfile:5)",
                    ),
                    (
                        "requirements.txt",
                        Environment,
                        "RUN pip install --no-cache-dir",
                    ),
                    ("constraints.txt", Environment, "(Dockerfile:4)"),
                    ("prompts/system.md", Restart, "COPY ."),
                ],
            ),
            // Everything first, then what is installed: pip reads the requirements alone.
            (
                "FROM python:3.11\nWORKDIR /app\nCOPY . /app\nRUN pip install -r requirements.txt\nCMD python main.py",
                &[
                    (
                        "main.py",
                        Restart,
                        "no RUN after it reads it (Dockerfile:3)",
                    ),
                    ("requirements.txt", Environment, "installs from it"),
                    ("constraints.txt", Environment, "installs from it"),
                ],
            ),
            (
                "FROM python:3.11\nWORKDIR /app\nADD . .\nRUN python3 -m pip install --upgrade pip && python -m pip install -rrequirements.txt --index-url https://x/y\nCMD python main.py",
                &[
                    ("src/agent.py", Restart, "ADD ."),
                    ("requirements.txt", Environment, ""),
                ],
            ),
            // A step that may read anything.
            (
                "FROM python:3.11\nWORKDIR /app\nCOPY . .\nRUN python -m compileall .\nCMD python main.py",
                &[
                    (
                        "main.py",
                        Rebuild,
                        "feeds RUN python -m compileall . (Dockerfile:4)",
                    ),
                    ("prompts/system.md", Rebuild, "feeds"),
                ],
            ),
            (
                "FROM python:3.11\nWORKDIR /app\nCOPY . .\nRUN pip install .\nCMD python main.py",
                &[(
                    "src/agent.py",
                    Rebuild,
                    "feeds RUN pip install . (Dockerfile:4)",
                )],
            ),
            (
                "FROM python:3.11\nWORKDIR /app\nCOPY . .\nRUN pip install -e .[dev]\nCMD python main.py",
                &[("src/agent.py", Rebuild, "feeds")],
            ),
            // Steps that no copied file matters to.
            (
                "FROM python:3.11-slim\nWORKDIR /app\nCOPY . .\nRUN apt-get update && apt-get install -y --no-install-recommends curl git && rm -rf /var/lib/apt/lists/*\nRUN useradd -m app && mkdir -p /app/data\nRUN pip install fastapi 'uvicorn[standard]>=0.3' git+https://x/y.git\nUSER app\nCMD python main.py",
                &[("main.py", Restart, "no RUN after it reads it")],
            ),
            // ... unless a file of the folder is what they take.
            (
                "FROM debian\nWORKDIR /app\nCOPY . .\nRUN apt-get install -y ./x.deb\nCMD ./x",
                &[("main.py", Rebuild, "feeds RUN apt-get")],
            ),
            (
                "FROM debian\nWORKDIR /app\nCOPY . .\nRUN apt-get install -y $(cat notes.txt)\nCMD ./x",
                &[("notes.txt", Rebuild, "feeds")],
            ),
            (
                "FROM python:3.11\nWORKDIR /app\nCOPY . .\nRUN if [ -f requirements.txt ]; then pip install -r requirements.txt; fi\nCMD python main.py",
                &[
                    ("main.py", Rebuild, "feeds"),
                    ("requirements.txt", Environment, ""),
                ],
            ),
            (
                "FROM python:3.11\nWORKDIR /app\nCOPY . .\nRUN rm -rf /app/src/tools\nRUN echo done > /app/config.yaml\nCMD python main.py",
                &[
                    ("src/tools/search.py", Rebuild, "feeds RUN rm"),
                    ("config.yaml", Rebuild, "feeds RUN echo"),
                    ("main.py", Restart, ""),
                ],
            ),
            (
                "FROM python:3.11\nWORKDIR /app\nCOPY . .\nRUN cd src && pip install -r ../requirements.txt && cd / && npm install -g pm2\nCMD python main.py",
                &[
                    ("main.py", Restart, ""),
                    ("src/agent.py", Restart, ""),
                    ("requirements.txt", Environment, ""),
                ],
            ),
            (
                "FROM python:3.11\nWORKDIR /app\nCOPY . .\nSHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nRUN set -eux; sh -c 'mkdir -p /data' # nothing else\nCMD python main.py",
                &[("main.py", Restart, "")],
            ),
            (
                "FROM python:3.11\nWORKDIR /app\nCOPY . .\nSHELL [\"powershell\", \"-Command\"]\nRUN mkdir data\nCMD python main.py",
                &[("main.py", Rebuild, "feeds")],
            ),
            // Nothing is run at all.
            (
                "FROM python:3.11-slim\nWORKDIR /app\nCOPY main.py ./\nCMD [\"python\", \"main.py\"]",
                &[
                    ("main.py", Restart, "nothing is run on it (Dockerfile:3)"),
                    ("src/agent.py", Nothing, "it is not copied into the image"),
                    ("requirements.txt", Nothing, "it is not copied"),
                ],
            ),
            // The parts that are copied are told apart.
            (
                "FROM python:3.11-slim\nWORKDIR /app\nCOPY src/ /app/src\nCOPY config/*.yaml ./config/\nCOPY --exclude=*.txt n* /app/notes/\nCMD python -m src.agent",
                &[
                    (
                        "src/tools/search.py",
                        Restart,
                        "COPY src/ to /app/src and nothing",
                    ),
                    ("config/prod.yaml", Restart, "COPY config/*.yaml"),
                    ("notes.txt", Nothing, "not copied"),
                    ("main.py", Nothing, "not copied"),
                ],
            ),
        ],
    );
}

#[test]
fn owners_and_permissions() {
    check(
        &[],
        &[
            (
                "FROM python:3.11\nWORKDIR /app\nCOPY --chown=1000:1000 --chmod=755 . .\nRUN chown -R app:app /app && chmod +x start.sh\nUSER app\nCMD ./start.sh",
                &[("start.sh", Restart, ""), ("main.py", Restart, "")],
            ),
            (
                "FROM python:3.11\nARG UID\nWORKDIR /app\nCOPY --chown=$UID . .\nCMD python main.py",
                &[("main.py", Rebuild, "--chown is not known")],
            ),
            (
                "FROM python:3.11\nWORKDIR /app\nCOPY . .\nRUN chmod u+s start.sh && chown app: /app/*.py\nCMD python main.py",
                &[
                    ("start.sh", Rebuild, "feeds"),
                    ("main.py", Rebuild, "feeds"),
                    ("src/agent.py", Rebuild, "feeds"),
                ],
            ),
            (
                "FROM python:3.11\nWORKDIR /app\nCOPY . .\nRUN chown -R $USER /app\nCMD python main.py",
                &[("main.py", Rebuild, "feeds")],
            ),
        ],
    );
}

#[test]
fn several_stages() {
    check(
        &[],
        &[
            // An environment made in a stage of its own.
            (
                "FROM python:3.11 AS build\nWORKDIR /build\nCOPY requirements.txt constraints.txt ./\nRUN pip install --prefix=/install -r requirements.txt\nFROM python:3.11-slim\nWORKDIR /app\nCOPY --from=build /install /usr/local\nCOPY . .\nCMD python main.py",
                &[
                    ("main.py", Restart, "nothing is run on it (Dockerfile:8)"),
                    ("requirements.txt", Environment, "(Dockerfile:4)"),
                ],
            ),
            // Distroless, with the sources taken out of the first stage.
            (
                "FROM python:3.11 AS build\nWORKDIR /app\nCOPY . .\nFROM gcr.io/distroless/python3\nCOPY --from=build /app /app\nWORKDIR /app\nCMD [\"main.py\"]",
                &[(
                    "main.py",
                    Rebuild,
                    "COPY --from=build /app /app (Dockerfile:5)",
                )],
            ),
            (
                "FROM python:3.11 AS build\nRUN pip install --target=/deps fastapi\nFROM gcr.io/distroless/python3-debian12\nCOPY --from=build /deps /deps\nCOPY src /app\nENV PYTHONPATH=/deps\nCMD [\"/app/agent.py\"]",
                &[
                    (
                        "src/agent.py",
                        Restart,
                        "nothing is run on it (Dockerfile:5)",
                    ),
                    ("main.py", Nothing, "not copied"),
                ],
            ),
            // A base that the last stage goes on with.
            (
                "FROM python:3.11 AS base\nWORKDIR /app\nCOPY src ./src\nFROM base\nRUN python src/agent.py\nCOPY main.py .\nCMD python main.py",
                &[
                    (
                        "src/agent.py",
                        Rebuild,
                        "feeds RUN python src/agent.py (Dockerfile:5)",
                    ),
                    ("main.py", Restart, "after the last RUN"),
                ],
            ),
            // A stage that nothing uses is not built.
            (
                "FROM python:3.11 AS test\nWORKDIR /t\nCOPY . .\nRUN pytest\nFROM python:3.11\nWORKDIR /app\nCOPY src ./src\nCMD python -m src.agent",
                &[
                    ("src/agent.py", Restart, ""),
                    ("main.py", Nothing, "not copied"),
                ],
            ),
            // A stage by its number; what it makes comes after.
            (
                "FROM node:20\nWORKDIR /ui\nCOPY server.js .\nRUN node server.js\nFROM python:3.11\nWORKDIR /app\nCOPY . .\nCOPY --from=0 /ui/dist ./src/tools\nCMD python main.py",
                &[
                    ("server.js", Rebuild, "feeds RUN node"),
                    (
                        "src/tools/search.py",
                        Rebuild,
                        "comes after it and may put another file there",
                    ),
                    ("main.py", Restart, ""),
                ],
            ),
            (
                "FROM python:3.11 AS build\nWORKDIR /app\nCOPY . .\nFROM python:3.11\nRUN --mount=from=build,source=/app,target=/src cp -r /src /app\nCMD python /app/main.py",
                &[("main.py", Rebuild, "RUN cp -r /src /app (Dockerfile:5)")],
            ),
            (
                "ARG FROM_STAGE\nFROM python:3.11 AS one\nCOPY . /x/\nFROM python:3.11\nCOPY --from=$FROM_STAGE /x /y\nCMD python /y/main.py",
                &[("main.py", Rebuild, "")],
            ),
            (
                "FROM golang:1.24 AS build\nWORKDIR /src\nCOPY go.mod go.sum ./\nRUN go mod download\nCOPY . .\nRUN CGO_ENABLED=0 go build -o /agent ./cmd\nFROM scratch\nCOPY --from=build /agent /agent\nCOPY prompts /prompts\nENTRYPOINT [\"/agent\"]",
                &[
                    ("main.py", Rebuild, "feeds RUN CGO_ENABLED=0 go build"),
                    ("prompts/system.md", Rebuild, "feeds"),
                ],
            ),
        ],
    );
}

#[test]
fn node_and_its_installers() {
    check(
        &[],
        &[
            (
                "FROM node:20-slim\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci --omit=dev\nCOPY server.js ./\nCMD [\"node\", \"server.js\"]",
                &[
                    ("server.js", Restart, "after the last RUN (Dockerfile:5)"),
                    ("package.json", Environment, "RUN npm ci"),
                    ("package-lock.json", Environment, "RUN npm ci"),
                ],
            ),
            (
                "FROM node:20-slim\nWORKDIR /app\nCOPY . .\nRUN npm install && npm cache clean --force\nCMD [\"node\", \"server.js\"]",
                &[
                    ("server.js", Restart, "no RUN after it"),
                    ("package.json", Environment, ""),
                ],
            ),
            (
                "FROM node:20-slim\nWORKDIR /app\nCOPY . .\nRUN npm ci && npm run build\nCMD [\"node\", \"dist/server.js\"]",
                &[("server.js", Rebuild, "feeds RUN npm ci && npm run build")],
            ),
            (
                "FROM node:20-slim\nWORKDIR /app\nCOPY . .\nRUN corepack enable && pnpm install --frozen-lockfile\nCMD [\"node\", \"server.js\"]",
                &[("server.js", Restart, "")],
            ),
        ],
    );
    check(
        &[(
            "package.json",
            "{\"scripts\": {\"postinstall\": \"node server.js\"}, \"dependencies\": {\"a\": \"1\"}}",
        )],
        &[(
            "FROM node:20-slim\nWORKDIR /app\nCOPY . .\nRUN npm ci\nCMD [\"node\", \"server.js\"]",
            &[("server.js", Rebuild, "feeds RUN npm ci")],
        )],
    );
    check(
        &[(
            "package.json",
            "{\"dependencies\": {\"a\": \"file:./src\"}}",
        )],
        &[(
            "FROM node:20-slim\nWORKDIR /app\nCOPY . .\nRUN yarn\nCMD [\"node\", \"server.js\"]",
            &[
                ("src/package.json", Environment, "RUN yarn"),
                ("server.js", Rebuild, "feeds RUN yarn"),
            ],
        )],
    );
}

#[test]
fn requirements_that_name_more_than_packages() {
    for line in [
        "-e .",
        "./src",
        "agent @ file:./src",
        "--find-links wheels",
        "src/x.whl",
        "-r ../up.txt",
    ] {
        check(
            &[("requirements.txt", &format!("fastapi\n{line}\n"))],
            &[(
                "FROM python:3.11\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\nCMD python main.py",
                &[("src/agent.py", Rebuild, "feeds RUN pip install")],
            )],
        );
    }
}

#[test]
fn projects() {
    const UV: &str = "FROM ghcr.io/astral-sh/uv:python3.12-bookworm-slim\nWORKDIR /app\nRUN --mount=type=cache,target=/var/cache/uv --mount=type=bind,source=uv.lock,target=uv.lock --mount=type=bind,source=pyproject.toml,target=pyproject.toml uv sync --frozen --no-install-project --no-dev\nADD . /app\nRUN --mount=type=cache,target=/var/cache/uv uv sync --frozen --no-dev\nCMD [\"uv\", \"run\", \"main.py\"]";
    let plain = "[project]\nname = 'a'\nversion = '1'\ndependencies = ['fastapi']\n";
    check(
        &[("pyproject.toml", plain), ("uv.lock", "")],
        &[
            (
                UV,
                &[
                    ("main.py", Restart, "ADD . to /app: no RUN after it"),
                    ("pyproject.toml", Environment, "RUN uv sync"),
                    ("uv.lock", Environment, "(Dockerfile:3)"),
                ],
            ),
            (
                "FROM python:3.12\nWORKDIR /app\nCOPY pyproject.toml uv.lock ./\nRUN pip install uv && uv sync --no-install-project\nCOPY src ./src\nCMD python -m src.agent",
                &[
                    ("src/agent.py", Restart, "after the last RUN"),
                    ("pyproject.toml", Environment, ""),
                ],
            ),
        ],
    );
    let package = format!("{plain}[build-system]\nrequires = ['hatchling']\n");
    check(
        &[("pyproject.toml", &package), ("uv.lock", "")],
        &[(
            UV,
            &[(
                "main.py",
                Rebuild,
                "feeds RUN uv sync --frozen --no-dev (Dockerfile:5)",
            )],
        )],
    );
    let workspace = format!("{plain}[tool.uv.sources]\nb = {{ path = 'src' }}\n");
    check(
        &[("pyproject.toml", &workspace), ("uv.lock", "")],
        &[(UV, &[("src/agent.py", Rebuild, "feeds RUN uv sync")])],
    );
    let poetry = "[tool.poetry]\nname = 'a'\n[tool.poetry.dependencies]\nfastapi = '*'\n";
    check(
        &[("pyproject.toml", poetry), ("poetry.lock", "")],
        &[
            (
                "FROM python:3.12\nWORKDIR /app\nRUN pip install poetry\nCOPY . .\nRUN poetry config virtualenvs.create false && poetry install --no-root --only main\nCMD python main.py",
                &[
                    ("main.py", Restart, ""),
                    (
                        "poetry.lock",
                        Environment,
                        "(Dockerfile:5) installs from it",
                    ),
                ],
            ),
            (
                "FROM python:3.12\nWORKDIR /app\nCOPY . .\nRUN poetry install\nCMD python main.py",
                &[(
                    "main.py",
                    Rebuild,
                    "feeds RUN poetry install (Dockerfile:4)",
                )],
            ),
        ],
    );
}

#[test]
fn places_that_only_the_build_knows() {
    check(
        &[],
        &[
            // Known variables are replaced.
            (
                "FROM python:3.11\nENV HOME_DIR=/srv/agent\nWORKDIR ${HOME_DIR}\nCOPY main.py $HOME_DIR/\nCMD python main.py",
                &[("main.py", Restart, "COPY main.py to /srv/agent")],
            ),
            (
                "FROM python:3.11\nARG APP=/srv\nCOPY main.py $APP/app.py\nCMD python /srv/app.py",
                &[("main.py", Restart, "to /srv/app.py")],
            ),
            (
                "FROM python:3.11\nCOPY main.py $TARGET/\nCMD python main.py",
                &[
                    ("main.py", Rebuild, "a variable that only the build knows"),
                    ("notes.txt", Nothing, ""),
                ],
            ),
            (
                "FROM python:3.11\nARG WHAT\nCOPY $WHAT /app/\nCMD python main.py",
                &[
                    ("main.py", Rebuild, "what it copies is not known"),
                    ("notes.txt", Rebuild, ""),
                ],
            ),
            // A working directory of the base image.
            (
                "FROM public.ecr.aws/lambda/python:3.11\nCOPY main.py ./\nCMD [\"main.handler\"]",
                &[(
                    "main.py",
                    Rebuild,
                    "the working directory of public.ecr.aws/lambda/python:3.11",
                )],
            ),
            // Whether it is a directory.
            (
                "FROM tiangolo/uvicorn-gunicorn\nCOPY main.py /app\nCMD python /app/main.py",
                &[(
                    "main.py",
                    Rebuild,
                    "whether /app is a directory only the base image knows",
                )],
            ),
            (
                "FROM python:3.11\nWORKDIR /app\nCOPY main.py /app\nCOPY start.sh /usr/local/bin\nCMD python main.py",
                &[("main.py", Restart, "to /app"), ("start.sh", Restart, "")],
            ),
            (
                "FROM python:3.11\nRUN mkdir -p /srv/agent/data\nCOPY main.py /srv/agent\nCMD python /srv/agent/main.py",
                &[("main.py", Restart, "")],
            ),
            // Archives, volumes, places of the system, links.
            (
                "FROM python:3.11\nWORKDIR /app\nADD data.tar.gz https://example.com/x.txt ./\nCOPY data.tar.gz ./kept/\nVOLUME /app/vol\nCOPY notes.txt vol/\nCOPY main.py /proc/x\nCMD x",
                &[
                    ("data.tar.gz", Rebuild, "an archive is unpacked"),
                    ("notes.txt", Rebuild, "/app/vol is a volume"),
                    ("main.py", Rebuild, "a place of the system"),
                ],
            ),
            (
                "FROM python:3.11\nWORKDIR /app\nCOPY **/*.py ./\nCMD x",
                &[("main.py", Rebuild, "read differently")],
            ),
            (
                "FROM python:3.11\nWORKDIR /app\nCOPY --newer . .\nCMD x",
                &[("main.py", Rebuild, "--newer is not known")],
            ),
            (
                "FROM python:3.11\nWORKDIR /app\nCOPY --parents src/*/*.py ./\nCOPY --link main.py ./\nCMD x",
                &[
                    ("src/tools/search.py", Restart, ""),
                    ("main.py", Restart, ""),
                ],
            ),
            // Later copies win.
            (
                "FROM python:3.11\nWORKDIR /app\nCOPY . .\nCOPY config/prod.yaml config.yaml\nCMD python main.py",
                &[
                    ("config.yaml", Nothing, "not copied"),
                    ("config/prod.yaml", Restart, "COPY ."),
                ],
            ),
            // Steps that run in another build.
            (
                "FROM python:3.11 AS base\nONBUILD COPY . /x\nFROM base\nWORKDIR /app\nCOPY . .\nCMD python main.py",
                &[("main.py", Rebuild, "ONBUILD")],
            ),
            (
                "FROM python:3.11\nWORKDIR /app\nCOPY . .\nONBUILD RUN make\nCMD python main.py",
                &[("main.py", Restart, "")],
            ),
            (
                "FROM node:20-onbuild\nCMD x",
                &[("server.js", Rebuild, "steps of its own")],
            ),
            (
                "# syntax=example.com/own\nFROM python:3.11\nCOPY . /app/\nCMD x",
                &[("main.py", Rebuild, "read by example.com/own")],
            ),
            (
                "# syntax=docker/dockerfile:1\nFROM python:3.11\nCOPY . /app/\nCMD x",
                &[("main.py", Restart, "")],
            ),
        ],
    );
}

#[test]
fn here_documents() {
    check(
        &[],
        &[
            (
                "FROM python:3.11\nWORKDIR /app\nCOPY . .\nRUN <<EOF\napt-get update\nmkdir -p /data\nEOF\nCMD python main.py",
                &[("main.py", Restart, "no RUN after it")],
            ),
            (
                "FROM python:3.11\nWORKDIR /app\nCOPY . .\nRUN <<EOF\npython main.py --prepare\nEOF\nCMD python main.py",
                &[("main.py", Rebuild, "feeds RUN python main.py --prepare")],
            ),
            (
                "FROM python:3.11\nWORKDIR /app\nCOPY . .\nCOPY <<EOF config.yaml\na: 2\nEOF\nCMD python main.py",
                &[
                    ("config.yaml", Rebuild, "comes after it"),
                    ("main.py", Restart, ""),
                ],
            ),
        ],
    );
}

#[test]
fn mounts_are_read_without_a_copy() {
    check(
        &[],
        &[
            (
                "FROM python:3.11\nWORKDIR /app\nRUN --mount=type=bind,source=requirements.txt,target=/tmp/r.txt --mount=type=bind,source=constraints.txt,target=/tmp/constraints.txt pip install -r /tmp/r.txt\nCOPY main.py .\nCMD python main.py",
                &[
                    ("requirements.txt", Environment, "(Dockerfile:3)"),
                    ("constraints.txt", Environment, "(Dockerfile:3)"),
                    ("main.py", Restart, "after the last RUN"),
                ],
            ),
            (
                "FROM python:3.11\nWORKDIR /app\nRUN --mount=target=/ctx python /ctx/main.py\nCMD x",
                &[
                    ("main.py", Rebuild, "feeds RUN python /ctx/main.py"),
                    ("notes.txt", Rebuild, ""),
                ],
            ),
            (
                "FROM python:3.11\nWORKDIR /app\nRUN --mount=target=/ctx mkdir x\nCMD x",
                &[("main.py", Nothing, "not copied")],
            ),
        ],
    );
}

#[test]
fn build_contexts_arguments_and_rules() {
    let dockerfile = "FROM python:3.11\nARG DIR=/a\nWORKDIR $DIR\nCOPY . .\nCMD python agent.py";
    check(
        &[
            (
                "nasiko.toml",
                "[build]\ncontext = \"./src/\"\nargs = { DIR = \"/given\" }\n",
            ),
            ("src/.dockerignore", "tools\n"),
        ],
        &[(
            dockerfile,
            &[
                ("src/agent.py", Restart, "COPY . to /given"),
                (
                    "src/tools/search.py",
                    Nothing,
                    "src/.dockerignore leaves it out",
                ),
                ("main.py", Nothing, "the build context is src"),
                ("src/.dockerignore", Rebuild, ""),
            ],
        )],
    );
    check(
        &[("Dockerfile.dockerignore", "*\n!main.py\n")],
        &[(
            "FROM python:3.11\nCOPY . /app/\nCMD x",
            &[
                ("main.py", Restart, ""),
                (
                    "notes.txt",
                    Nothing,
                    "Dockerfile.dockerignore leaves it out",
                ),
                (
                    "Dockerfile.dockerignore",
                    Rebuild,
                    "what the image is built from",
                ),
            ],
        )],
    );
    check(
        &[(".dockerignore", "*.txt\n!requirements.txt\nsrc\n")],
        &[(
            "FROM python:3.11\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\nCMD x",
            &[
                ("main.py", Rebuild, "feeds RUN pip install"), // constraints.txt is left out: its text cannot be read.
                ("requirements.txt", Environment, ""),
                (".dockerignore", Rebuild, "what the image is built from"),
                ("Dockerfile", Rebuild, "how the image is built"),
            ],
        )],
    );
}
