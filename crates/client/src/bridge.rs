//! Calls from the desktop window's page, through the window process, to the control plane. The token stays in the
//! window process; the page has no network access of its own.
//!
//! # The bridge protocol
//!
//! The window process offers these commands to the page (`window.__TAURI_INTERNALS__.invoke(command, arguments)`):
//!
//! | command | arguments | resolves to | rejects with |
//! |---|---|---|---|
//! | `rpc` | `{ call }` | the answer's JSON, as text | a [`Fault`] as JSON (an object, or its text) |
//! | `rpc_stream` | `{ call, channel }` | the stream's id, a number | a [`Fault`], when the stream could not be opened |
//! | `rpc_cancel` | `{ stream }` | nothing | never; an unknown id is one that has ended |
//! | `first_frame` | `{ dark }` | nothing | never |
//! | `painted` | none | nothing | never |
//! | `remember` | `{ state }` | nothing | a [`Fault`], when there is too much of it |
//! | `remembered` | none | a [`PageState`], or `null` | never |
//! | `zoom` | `{ change }` | the zoom in percent | never |
//! | `opened` | `{ channel }` | nothing | never |
//! | `pick` | `{ folder }` | the paths that a person chose, none if they gave up | text |
//! | `contexts` | none | a [`ContextList`] | a [`Fault`] |
//! | `use_context` | `{ name }` | nothing | a [`Fault`] |
//! | `add_context` | `{ context }` | a [`ContextList`] | a [`Fault`] |
//! | `edit_context` | `{ name, change }` | a [`ContextList`] | a [`Fault`] |
//! | `remove_context` | `{ name }` | a [`ContextList`] | a [`Fault`] |
//! | `look_at_context` | `{ name }` | a [`Standing`] | a [`Fault`] |
//! | `look_for_update` | none | a [`NewerVersion`] | a [`Fault`] |
//!
//! - `call` is `{ operation, target, body }`: the operation's name (`agents.list`), path and query from `/api/v1` on,
//!   and the JSON body or `null`. The method follows from the operation. The window process refuses an operation that
//!   it does not know and a target that does not begin with `/api/v1/`.
//! - `channel` is a Tauri `Channel`, which travels as `__CHANNEL__:<callback id>`. Its messages are JSON:
//!   `{ "frame": { "id", "event", "data" } }` for each server-sent event, and as the last one either
//!   `{ "fault": Fault }` or `{ "end": true }`. A message may be sent before `rpc_stream` has resolved.
//! - `rpc_cancel` is sent once when the page drops a stream that has not ended. After it no message is needed.
//! - `opened` is sent once, at the page's start. Its channel carries [`Opened`]: what is dragged over the window or dropped
//!   on it, and what the window was asked to open. What came before is delivered then.
//! - `pick` shows the system's dialog for folders (`folder`) or for archives.
//! - `contexts` tells which control planes there are and which one calls go to. After `use_context` they go to another one;
//!   the page then loads itself anew, since all that it knows is of the former one.
//! - `add_context` takes a [`NewContext`], `edit_context` a [`ContextChange`]. The context that the window works in is not
//!   removed. `look_at_context` says whether one can be gone to; it starts nothing.
//! - `look_for_update` looks for a newer version of the desktop program now, and fetches it where it can be put in place. It
//!   takes as long as the network does.
//! - `first_frame` is sent once, when the page has drawn itself: the window, created hidden, is shown on it, over a
//!   ground as `dark` or light as the page. `painted` follows when frames were seen to go by in the shown window; a window
//!   that never says so is opened again with plainer drawing.
//! - `remember` keeps where the person is in the page, a [`PageState`]; `remembered` gives what was kept, to the next window
//!   too. `zoom` changes the window's zoom by one step of [`Zoom`]; it is kept as well.
//!
//! Tauri numbers a channel's messages from 0 and may deliver them out of order (small ones are evaluated, large ones
//! fetched); `{ index, end: true }` says that its sending half was dropped. Ordering them is this module's work.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures::{FutureExt, Stream, StreamExt, channel::mpsc};
use nasiko_contract::{ErrorCode, Fault};
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use crate::{
    call::Call,
    context::{ContextChange, ContextList, ContextName, NewContext, Standing},
    ordered::Ordered,
    transport::{BoxFuture, BoxStream, Frame, Transport, UploadFile},
    window::{NewerVersion, Opened, PageState, Zoom},
};

/// Messages that may wait for the page. The page's stream breaks off when it falls further behind.
const CHANNEL_LIMIT: usize = 4_096;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = ["window", "__TAURI_INTERNALS__"], js_name = invoke, catch)]
    fn invoke(command: &str, arguments: &JsValue) -> Result<js_sys::Promise, JsValue>;

    #[wasm_bindgen(js_namespace = ["window", "__TAURI_INTERNALS__"], js_name = transformCallback)]
    fn transform_callback(callback: &js_sys::Function, once: bool) -> f64;

    #[wasm_bindgen(js_namespace = ["window", "__TAURI_INTERNALS__"], js_name = unregisterCallback, catch)]
    fn unregister_callback(id: f64) -> Result<(), JsValue>;
}

/// Calls through the window process.
#[derive(Debug, Default, Clone, Copy)]
pub struct BridgeTransport;

impl BridgeTransport {
    /// Whether this page is shown by the desktop window.
    pub fn is_present() -> bool {
        web_sys::window()
            .and_then(|window| js_sys::Reflect::get(&window, &"__TAURI_INTERNALS__".into()).ok())
            .is_some_and(|internals| internals.is_object())
    }

    /// Tells the window process that the page has drawn itself. Call it once.
    pub async fn first_frame(dark: bool) {
        // A window that cannot be told is shown by its own time limit: nothing to do about a failure here.
        let _unheard = call("first_frame", &serde_json::json!({ "dark": dark })).await;
    }

    /// Tells the window process that frames go by in the window. Call it once, after the window was shown.
    pub async fn painted() {
        let _unheard = call("painted", &serde_json::json!({})).await;
    }

    /// Keeps where the person is, for the next window.
    pub async fn remember(state: &PageState) -> Result<(), Fault> {
        call("remember", &serde_json::json!({ "state": state })).await?;
        Ok(())
    }

    /// Where the person was in the last window.
    pub async fn remembered() -> Option<PageState> {
        read(&call("remembered", &serde_json::json!({})).await.ok()?)
    }

    /// Changes the window's zoom; gives it in percent.
    pub async fn zoom(change: Zoom) -> Result<f64, Fault> {
        let percent = call("zoom", &serde_json::json!({ "change": change })).await?;
        percent
            .as_f64()
            .ok_or_else(|| misunderstood("`zoom` did not answer with a number"))
    }

    /// What is dropped on the window, and what it is asked to open, from now on and what waited. Call it once, and keep
    /// the stream: dropping it closes the channel.
    pub async fn opened() -> Result<impl Stream<Item = Opened>, Fault> {
        let (channel, messages) = Channel::open(read);
        call(
            "opened",
            &serde_json::json!({ "channel": channel.reference() }),
        )
        .await?;
        Ok(messages.map(move |message| {
            let _held = &channel;
            message
        }))
    }

    /// The control planes there are, and which one calls go to.
    pub async fn contexts() -> Result<ContextList, Fault> {
        let list = call("contexts", &serde_json::json!({})).await?;
        read(&list).ok_or_else(|| misunderstood("`contexts` did not answer with contexts"))
    }

    /// Lets calls go to another control plane from now on. Streams of the former one are closed with the page: load it anew.
    pub async fn use_context(name: &ContextName) -> Result<(), Fault> {
        call("use_context", &serde_json::json!({ "name": name })).await?;
        Ok(())
    }

    /// Adds a context; gives all of them.
    pub async fn add_context(context: &NewContext) -> Result<ContextList, Fault> {
        let arguments = serde_json::json!({ "context": context });
        Self::changed("add_context", arguments).await
    }

    /// Gives a context another name or colour; gives all of them.
    pub async fn edit_context(
        name: &ContextName,
        change: &ContextChange,
    ) -> Result<ContextList, Fault> {
        let arguments = serde_json::json!({ "name": name, "change": change });
        Self::changed("edit_context", arguments).await
    }

    /// Forgets a context that the window does not work in; gives the others.
    pub async fn remove_context(name: &ContextName) -> Result<ContextList, Fault> {
        let arguments = serde_json::json!({ "name": name });
        Self::changed("remove_context", arguments).await
    }

    async fn changed(command: &str, arguments: serde_json::Value) -> Result<ContextList, Fault> {
        read(&call(command, &arguments).await?)
            .ok_or_else(|| misunderstood("a change of contexts did not answer with contexts"))
    }

    /// Looks whether a context can be gone to, and starts nothing.
    pub async fn look_at_context(name: &ContextName) -> Result<Standing, Fault> {
        let standing = call("look_at_context", &serde_json::json!({ "name": name })).await?;
        // A word, which is no JSON text by itself.
        let word = standing.as_string().map(serde_json::Value::from);
        word.and_then(|word| serde_json::from_value(word).ok())
            .ok_or_else(|| misunderstood("`look_at_context` did not say how it stands"))
    }

    /// Looks for a newer version of the desktop program; fetches it, where it can be put in place.
    pub async fn look_for_update() -> Result<NewerVersion, Fault> {
        let found = call("look_for_update", &serde_json::json!({})).await?;
        read(&found).ok_or_else(|| misunderstood("`look_for_update` did not answer with a version"))
    }

    /// Lets the person choose folders, or archives, in the system's dialog; none if they gave up.
    pub async fn pick(folder: bool) -> Result<Vec<String>, Fault> {
        let chosen = call("pick", &serde_json::json!({ "folder": folder })).await?;
        read(&chosen).ok_or_else(|| misunderstood("`pick` did not answer with paths"))
    }
}

#[derive(Serialize)]
struct Arguments<'a> {
    call: WireCall<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<String>,
}

#[derive(Serialize)]
struct WireCall<'a> {
    operation: &'a str,
    target: &'a str,
    body: Option<&'a serde_json::Value>,
}

impl<'a> From<&'a Call> for WireCall<'a> {
    fn from(call: &'a Call) -> Self {
        Self {
            operation: call.info.name,
            target: &call.target,
            body: call.body.as_ref(),
        }
    }
}

/// What a channel carries.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Message {
    Frame(Frame),
    Fault(Fault),
    End(#[expect(dead_code, reason = "always true")] bool),
}

impl Transport for BridgeTransport {
    fn send(&self, wanted: Call) -> BoxFuture<'_, Result<Vec<u8>, Fault>> {
        async move {
            let arguments = Arguments {
                call: (&wanted).into(),
                channel: None,
            };
            let answer = call("rpc", &arguments).await?;
            let text = answer
                .as_string()
                .ok_or_else(|| misunderstood("`rpc` did not answer with text"))?;
            Ok(text.into_bytes())
        }
        .boxed_local()
    }

    fn stream(
        &self,
        wanted: Call,
    ) -> BoxFuture<'_, Result<BoxStream<Result<Frame, Fault>>, Fault>> {
        async move {
            let (channel, messages) = Channel::open(|value| Some(read_message(value)));
            let arguments = Arguments {
                call: (&wanted).into(),
                channel: Some(channel.reference()),
            };
            let id = call("rpc_stream", &arguments).await?;
            Ok(BridgeStream {
                id: id.as_f64(),
                messages,
                _channel: channel,
            }
            .boxed_local())
        }
        .boxed_local()
    }

    fn upload(&self, _call: Call, _file: UploadFile) -> BoxFuture<'_, Result<Vec<u8>, Fault>> {
        let fault = Fault::new(
            ErrorCode::InvalidRequest,
            "The window deploys what lies on this machine by its path",
        )
        .hint("Drop the archive on the window, or give its path");
        async move { Err(fault) }.boxed_local()
    }
}

/// The frames of one stream; dropping it before its end cancels it.
struct BridgeStream {
    /// `None` once it has ended.
    id: Option<f64>,
    messages: mpsc::Receiver<Message>,
    _channel: Channel,
}

impl Stream for BridgeStream {
    type Item = Result<Frame, Fault>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let message = futures::ready!(self.messages.poll_next_unpin(context));
        if !matches!(message, Some(Message::Frame(_))) {
            self.id = None;
        }
        Poll::Ready(match message {
            Some(Message::Frame(frame)) => Some(Ok(frame)),
            Some(Message::Fault(fault)) => Some(Err(fault)),
            Some(Message::End(_)) | None => None,
        })
    }
}

impl Drop for BridgeStream {
    fn drop(&mut self) {
        if let Some(stream) = self.id.take() {
            wasm_bindgen_futures::spawn_local(async move {
                let _ended_meanwhile =
                    call("rpc_cancel", &serde_json::json!({ "stream": stream })).await;
            });
        }
    }
}

/// The page's half of a Tauri channel: a callback that Tauri knows by number.
struct Channel {
    id: f64,
    _callback: Closure<dyn FnMut(JsValue)>,
}

impl Channel {
    /// A channel whose messages are read by `read`; one that it does not understand is left out.
    fn open<T: 'static>(read: fn(&JsValue) -> Option<T>) -> (Self, mpsc::Receiver<T>) {
        let (sender, messages) = mpsc::channel(CHANNEL_LIMIT);
        let mut inbox = Inbox {
            ordered: Ordered::new(CHANNEL_LIMIT),
            sender: Some(sender),
            read,
        };
        let callback = Closure::new(move |envelope: JsValue| inbox.receive(&envelope));
        let id = transform_callback(callback.as_ref().unchecked_ref(), false);
        let channel = Self {
            id,
            _callback: callback,
        };
        (channel, messages)
    }

    /// How a channel is written in a command's arguments.
    fn reference(&self) -> String {
        format!("__CHANNEL__:{}", self.id)
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        // Absent from older versions of the bridge; then the callback stays registered and finds nobody.
        let _unknown = unregister_callback(self.id);
    }
}

/// Where a channel's messages go.
struct Inbox<T> {
    ordered: Ordered<Envelope>,
    /// Dropped at the end, which ends the stream.
    sender: Option<mpsc::Sender<T>>,
    read: fn(&JsValue) -> Option<T>,
}

/// What came under a number.
enum Envelope {
    Message(JsValue),
    End,
}

impl<T> Inbox<T> {
    fn receive(&mut self, envelope: &JsValue) {
        let field = |name: &str| js_sys::Reflect::get(envelope, &name.into()).ok();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "Tauri counts messages from 0; JavaScript has no other number"
        )]
        let Some(index) = field("index")
            .and_then(|index| index.as_f64())
            .map(|index| index as u32)
        else {
            return;
        };
        let ended = field("end").is_some_and(|end| !end.is_undefined());
        let envelope = if ended {
            Envelope::End
        } else {
            Envelope::Message(field("message").unwrap_or_default())
        };
        let ready = self.ordered.put(index, envelope);
        for envelope in ready.unwrap_or_else(|| vec![Envelope::End]) {
            self.deliver(envelope);
        }
    }

    fn deliver(&mut self, envelope: Envelope) {
        let Envelope::Message(value) = envelope else {
            self.sender = None;
            return;
        };
        let (Some(message), Some(sender)) = ((self.read)(&value), &mut self.sender) else {
            return;
        };
        if sender.try_send(message).is_err() {
            self.sender = None;
        }
    }
}

fn read_message(value: &JsValue) -> Message {
    read(value).unwrap_or_else(|| Message::Fault(misunderstood("a message of a stream")))
}

/// Reads what came over the bridge, an object or its text.
fn read<T: serde::de::DeserializeOwned>(value: &JsValue) -> Option<T> {
    let text = value.as_string().or_else(|| stringify(value))?;
    serde_json::from_str(&text).ok()
}

async fn call(command: &str, arguments: &impl Serialize) -> Result<JsValue, Fault> {
    let text =
        serde_json::to_string(arguments).map_err(|error| misunderstood(&error.to_string()))?;
    let arguments = js_sys::JSON::parse(&text).map_err(|error| read_fault(&error))?;
    let promise = invoke(command, &arguments).map_err(|error| read_fault(&error))?;
    JsFuture::from(promise)
        .await
        .map_err(|error| read_fault(&error))
}

/// A rejection: a fault as an object or as text, else whatever the bridge itself had to say.
fn read_fault(error: &JsValue) -> Fault {
    let text = error.as_string().or_else(|| stringify(error));
    text.as_deref()
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_else(|| {
            Fault::new(
                ErrorCode::Unreachable,
                "The window process cannot be reached",
            )
            .hint("Close the window and open it again")
            .evidence(text)
            .retryable()
        })
}

fn stringify(value: &JsValue) -> Option<String> {
    js_sys::JSON::stringify(value).ok()?.as_string()
}

fn misunderstood(what: &str) -> Fault {
    Fault::new(
        ErrorCode::Internal,
        format!("The window process was not understood: {what}"),
    )
    .hint("Close the window and open it again: page and program may be of different versions")
}
