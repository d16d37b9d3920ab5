//! From a context to what carries calls to it.

use std::{io::Read, path::Path, time::Duration};

use nasiko_contract::{ErrorCode, Fault, GetSettings};

use crate::{
    Client,
    context::{Context, Place, Standing},
    http::HttpTransport,
    resident::{self, Endpoint},
};

/// How long a control plane elsewhere may take to answer a look.
const LOOK_LIMIT: Duration = Duration::from_secs(5);
/// The longest token file that is read, in bytes.
const LONGEST_TOKEN: u64 = 8 << 10;

/// The way to a context's control plane. One on this machine has to run: `control.unreachable` where it does not. One
/// elsewhere is not asked yet; the first call tells whether it answers.
pub async fn reach(context: &Context) -> Result<HttpTransport, Fault> {
    match &context.place {
        Place::Local { home } => {
            let (_, endpoint) = resident::attach(home).await?;
            to_endpoint(&endpoint)
        }
        Place::Remote { url, token_file } => to_remote(context, url, token_file.as_deref()),
    }
}

/// As [`reach`]; a control plane on this machine that does not run is started: see [`resident::attach_or_start`].
pub async fn reach_or_start(
    context: &Context,
    program: &Path,
    arguments: &[String],
) -> Result<HttpTransport, Fault> {
    match &context.place {
        Place::Local { home } => {
            let (_, endpoint) = resident::attach_or_start(home, program, arguments).await?;
            to_endpoint(&endpoint)
        }
        Place::Remote { .. } => reach(context).await,
    }
}

/// Looks whether a context can be gone to, without starting anything. What would be in the way is the fault.
pub async fn look(context: &Context) -> Result<Standing, Fault> {
    match &context.place {
        Place::Local { home } => {
            if resident::attach(home).await.is_ok() {
                return Ok(Standing::Answers);
            }
            let is_there = |path: &&Path| !matches!(path.try_exists(), Ok(false));
            let nearest = home.ancestors().find(is_there);
            if nearest.is_some_and(|path| !path.is_dir()) {
                return Err(Fault::new(
                    ErrorCode::InvalidRequest,
                    format!("The place of `{}` can hold no data", context.name),
                )
                .hint("Name a folder, or one that can be made")
                .evidence([home.display().to_string()]));
            }
            Ok(Standing::NotRunning)
        }
        Place::Remote { .. } => {
            let client = Client::new(reach(context).await?);
            let asked = tokio::time::timeout(LOOK_LIMIT, client.call(GetSettings {})).await;
            let late = |_| {
                Fault::new(
                    ErrorCode::Unreachable,
                    format!("The control plane of `{}` does not answer", context.name),
                )
                .retryable()
            };
            asked.map_err(late)??;
            Ok(Standing::Answers)
        }
    }
}

fn to_endpoint(endpoint: &Endpoint) -> Result<HttpTransport, Fault> {
    HttpTransport::new(&endpoint.api, &endpoint.token)
}

fn to_remote(
    context: &Context,
    url: &str,
    token_file: Option<&Path>,
) -> Result<HttpTransport, Fault> {
    let name = &context.name;
    if !url.starts_with("http://") {
        return Err(Fault::new(
            ErrorCode::InvalidRequest,
            format!("The context `{name}` is reached over HTTPS, which this version does not speak yet"),
        )
        .hint("Reach it through a tunnel whose end is on this machine, e.g. of SSH, and add that address as a context"));
    }
    let file = token_file.ok_or_else(|| {
        Fault::new(
            ErrorCode::Unauthenticated,
            format!("There is no token for the context `{name}`: keeping it in the system's keyring is still to come"),
        )
        .hint(format!(
            "Write the token into a file that only you may read, and add the context anew: \
             `nasiko context add {name} {url} --token-file FILE`"
        ))
    })?;
    Ok(HttpTransport::new(url, read_token(file)?)?.elsewhere())
}

/// The token in a file that nobody else may read.
fn read_token(path: &Path) -> Result<String, Fault> {
    let refused = |message: &str, hint: &str| {
        Fault::new(ErrorCode::Unauthenticated, message)
            .hint(hint)
            .evidence([path.display().to_string()])
    };
    let unreadable = |error: std::io::Error| {
        refused(
            "The context's token cannot be read",
            "Put the token into that file",
        )
        .evidence([error.to_string()])
    };
    let file = fs_err::File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(refused(
            "The context's token is not in a file",
            "Name a file that holds the token alone",
        ));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if metadata.permissions().mode() & 0o077 != 0 {
            return Err(refused(
                "Others may read the file with the context's token",
                "Make it yours alone: chmod 600",
            ));
        }
    }
    let mut text = String::new();
    file.take(LONGEST_TOKEN + 1)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    let token = text.trim();
    let is_token = !token.is_empty()
        && text.len() as u64 <= LONGEST_TOKEN
        && token.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_token {
        return Err(refused(
            "The file of the context's token holds no token",
            "Put the token alone into it, in one line",
        ));
    }
    Ok(token.to_owned())
}
