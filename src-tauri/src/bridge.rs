//! The one bridge between the webview and the control plane: calls by name, streams through a `Channel`.
//!
//! The webview names an operation of the contract and the target it wants; both are checked against each other here, so
//! that a page that was taken over can do what the API allows and nothing else, and the token stays on this side.

pub(crate) mod contexts;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};

use futures::StreamExt;
use nasiko_client::{
    BoxStream, Call, Frame, Transport,
    context::{Context, ContextList, ContextName, Place},
    contexts::{self as known, Contexts},
    http::HttpTransport,
    resident::{self, Endpoint},
};
use nasiko_contract::{API_PREFIX, ErrorCode, Fault, Method, OPERATIONS, OperationInfo, Shape};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tauri::{State, ipc::Channel};
use tokio::{sync::Mutex, task::AbortHandle};

use crate::environment;

/// Streams one window may have open.
const MOST_STREAMS: usize = 64;
/// The longest target the webview may ask for, in bytes.
const LONGEST_TARGET: usize = 8 * 1024;

/// A call as the webview sends it.
#[derive(Debug, Deserialize)]
pub(crate) struct BridgeCall {
    operation: String,
    target: String,
    #[serde(default)]
    body: Option<Value>,
}

/// What a stream sends to the webview.
#[derive(Clone, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StreamMessage {
    /// One event.
    Frame(Frame),
    /// It failed; nothing more comes.
    Fault(Fault),
    /// It ended by itself.
    End(bool),
}

/// The connection to the control plane of the chosen context, made when it is first needed and anew when it broke.
pub(crate) struct Bridge {
    /// The data directory, whose contexts can be chosen.
    home: PathBuf,
    connection: Mutex<Connection>,
    streams: Arc<parking_lot::Mutex<HashMap<u32, AbortHandle>>>,
    last_stream: AtomicU32,
}

#[derive(Default)]
struct Connection {
    /// The context that this window is for; which one the command line means may change beside it.
    context: Option<String>,
    transport: Option<Arc<HttpTransport>>,
    /// Its control plane was found once since it was chosen.
    was_made: bool,
}

impl Bridge {
    /// A bridge to one of the contexts that `home` knows: the one the environment names, else the current one.
    pub(crate) fn new(home: &Path) -> Self {
        Self {
            home: home.to_owned(),
            connection: Mutex::new(Connection {
                context: environment::context(),
                ..Connection::default()
            }),
            streams: Arc::default(),
            last_stream: AtomicU32::new(0),
        }
    }

    /// Connects before the pages ask for it.
    pub(crate) async fn prepare(&self) {
        // The first call meets the same failure and tells it.
        let _ = self.transport().await;
    }

    /// Closes what an earlier page left open: nobody hears it any more.
    pub(crate) fn close_streams(&self) {
        for (_, task) in self.streams.lock().drain() {
            task.abort();
        }
    }

    /// The transport to the control plane. One is started where none answers, at first and after a crash; one that was
    /// ended in order stays ended while this window looks on.
    async fn transport(&self) -> Result<Arc<HttpTransport>, Fault> {
        let mut connection = self.connection.lock().await;
        if let Some(transport) = &connection.transport {
            return Ok(Arc::clone(transport));
        }
        let context = connection.choose(&self.home)?;
        let is_wanted = !connection.was_made || has_crashed(&context);
        let transport = match &context.place {
            Place::Local { .. } if is_wanted => {
                known::reach_or_start(&context, &environment::nasiko_program()?, &[]).await?
            }
            _ => known::reach(&context).await?,
        };
        let transport = Arc::new(transport);
        connection.transport = Some(Arc::clone(&transport));
        connection.was_made = true;
        Ok(transport)
    }

    /// The contexts there are; the current one is this window's.
    async fn contexts(&self) -> Result<ContextList, Fault> {
        let mut connection = self.connection.lock().await;
        let context = connection.choose(&self.home)?;
        Ok(ContextList {
            current: context.name,
            all: Contexts::read(&self.home)?.all().to_vec(),
        })
    }

    /// From now on calls go to that context, in this window and wherever none is named. Streams of the one before end.
    async fn use_context(&self, name: &ContextName) -> Result<(), Fault> {
        let mut connection = self.connection.lock().await;
        Contexts::read(&self.home)?.use_context(name.as_str())?;
        self.close_streams();
        *connection = Connection {
            context: Some(name.to_string()),
            ..Connection::default()
        };
        Ok(())
    }

    /// The transport for another try of a call that failed with `fault`: nothing, if there should be none. What may
    /// have been done already is not done twice.
    async fn anew(
        &self,
        failed: &Arc<HttpTransport>,
        info: &OperationInfo,
        fault: &Fault,
    ) -> Result<Option<Arc<HttpTransport>>, Fault> {
        let was_refused = fault.code == ErrorCode::Unauthenticated;
        if !was_refused && fault.code != ErrorCode::Unreachable {
            return Ok(None);
        }
        {
            // The control plane may have come back under another address, with another token.
            let mut connection = self.connection.lock().await;
            let current = &mut connection.transport;
            if current
                .as_ref()
                .is_some_and(|current| Arc::ptr_eq(current, failed))
            {
                *current = None;
            }
        }
        if was_refused || info.method == Method::Get {
            self.transport().await.map(Some)
        } else {
            Ok(None)
        }
    }

    async fn send(&self, call: Call) -> Result<Vec<u8>, Fault> {
        let transport = self.transport().await?;
        match transport.send(call.clone()).await {
            Err(fault) => match self.anew(&transport, call.info, &fault).await? {
                Some(transport) => transport.send(call).await,
                None => Err(fault),
            },
            sent => sent,
        }
    }

    async fn open(&self, call: Call) -> Result<BoxStream<Result<Frame, Fault>>, Fault> {
        let transport = self.transport().await?;
        match transport.stream(call.clone()).await {
            Err(fault) => match self.anew(&transport, call.info, &fault).await? {
                Some(transport) => transport.stream(call).await,
                None => Err(fault),
            },
            opened => opened,
        }
    }
}

impl Connection {
    /// The context of this window, from the moment it is first asked for.
    fn choose(&mut self, home: &Path) -> Result<Context, Fault> {
        let contexts = Contexts::read(home)?;
        let context = match &self.context {
            Some(name) => contexts.get(name)?,
            None => contexts.current(),
        };
        self.context = Some(context.name.to_string());
        Ok(context.clone())
    }
}

/// Whether a control plane on this machine left its address behind and runs no more.
fn has_crashed(context: &Context) -> bool {
    match &context.place {
        Place::Local { home } => Endpoint::read(home).is_some() && !resident::is_owned(home),
        Place::Remote { .. } => false,
    }
}

/// Calls an operation that answers one document; gives the document's text.
#[tauri::command]
pub(crate) async fn rpc(bridge: State<'_, Bridge>, call: BridgeCall) -> Result<String, Fault> {
    let body = bridge.send(checked(call, Shape::Json)?).await?;
    String::from_utf8(body).map_err(|_| Fault::new(ErrorCode::Internal, "The answer is not text"))
}

/// Opens an operation's stream into `channel`; gives the stream's number for [`rpc_cancel`].
#[tauri::command]
pub(crate) async fn rpc_stream(
    bridge: State<'_, Bridge>,
    call: BridgeCall,
    channel: Channel<StreamMessage>,
) -> Result<u32, Fault> {
    let call = checked(call, Shape::Stream)?;
    if bridge.streams.lock().len() >= MOST_STREAMS {
        return Err(Fault::new(
            ErrorCode::LimitReached,
            "Too many streams are open in this window",
        )
        .retryable());
    }
    let mut frames = bridge.open(call).await?;
    let number = bridge.last_stream.fetch_add(1, Relaxed).wrapping_add(1);
    let streams = Arc::clone(&bridge.streams);
    let mut open = streams.lock();
    let task = tauri::async_runtime::spawn({
        let streams = Arc::clone(&bridge.streams);
        async move {
            let mut last = StreamMessage::End(true);
            while let Some(frame) = frames.next().await {
                match frame {
                    // A window that is gone takes no more.
                    Ok(frame) => {
                        if channel.send(StreamMessage::Frame(frame)).is_err() {
                            break;
                        }
                    }
                    Err(fault) => {
                        last = StreamMessage::Fault(fault);
                        break;
                    }
                }
            }
            let _ = channel.send(last);
            streams.lock().remove(&number);
        }
    });
    open.insert(number, task.inner().abort_handle());
    drop(open);
    Ok(number)
}

/// Closes a stream; one that has ended is fine.
#[tauri::command]
#[expect(
    clippy::needless_pass_by_value,
    reason = "a command's state is handed over"
)]
pub(crate) fn rpc_cancel(bridge: State<'_, Bridge>, stream: u32) {
    if let Some(task) = bridge.streams.lock().remove(&stream) {
        task.abort();
    }
}

/// The contexts there are, and which one this window is for.
#[tauri::command]
pub(crate) async fn contexts(bridge: State<'_, Bridge>) -> Result<ContextList, Fault> {
    bridge.contexts().await
}

/// Turns the window to another context. The page begins anew after that: nothing it knows holds there.
#[tauri::command]
pub(crate) async fn use_context(bridge: State<'_, Bridge>, name: ContextName) -> Result<(), Fault> {
    bridge.use_context(&name).await
}

/// The call, if its operation exists, has that shape, and its target is that operation's.
fn checked(call: BridgeCall, shape: Shape) -> Result<Call, Fault> {
    let refuse = |why: &str| {
        Fault::new(
            ErrorCode::Forbidden,
            format!("The bridge refuses `{}`: {why}", call.operation),
        )
    };
    let info = OPERATIONS
        .iter()
        .find(|info| info.name == call.operation)
        .ok_or_else(|| refuse("there is no such operation"))?;
    if info.shape != shape {
        return Err(refuse("it is called in another way"));
    }
    if call.target.len() > LONGEST_TARGET || !is_target_of(info, &call.target) {
        return Err(refuse("the target is not its own"));
    }
    Ok(Call {
        info,
        target: call.target,
        body: call.body.filter(|_| info.method.has_body()),
    })
}

/// Whether a target is the operation's path with its fields filled in.
fn is_target_of(info: &OperationInfo, target: &str) -> bool {
    let path = target.split('?').next().unwrap_or_default();
    let Some(rest) = path.strip_prefix(API_PREFIX) else {
        return false;
    };
    let clean = |segment: &str| {
        !matches!(segment, "" | "." | "..")
            && segment
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte))
    };
    let plain = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'#')
    };
    let mut given = rest.split('/').skip(1);
    let fits = info.path.split('/').skip(1).all(|expected| {
        given.next().is_some_and(|segment| {
            if expected.starts_with('{') {
                clean(segment)
            } else {
                segment == expected
            }
        })
    });
    fits && given.next().is_none() && plain(target)
}

#[cfg(test)]
mod tests;
