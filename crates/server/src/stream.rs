//! A stream of items as server-sent events.

use std::{convert::Infallible, panic::AssertUnwindSafe, time::Duration};

use axum::{
    http::{HeaderName, HeaderValue},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{FutureExt, Stream, StreamExt};
use nasiko_contract::{ErrorCode, Fault};
use nasiko_control::api::{Items, Numbered};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::answer::panic_fault;

/// A comment this often shows both sides that the other is there.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// The event that ends a stream which failed after its first byte.
const FAULT_EVENT: &str = "fault";

/// Answers with `items` until they end, fail, or the program closes. Dropping the connection drops them.
pub(crate) fn events<T: Serialize + Send + 'static>(
    items: Items<T>,
    closing: CancellationToken,
) -> Response {
    let unbuffered = [(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    )];
    let heartbeat = KeepAlive::new().interval(HEARTBEAT);
    let events = Sse::new(written(items, closing)).keep_alive(heartbeat);
    (unbuffered, events).into_response()
}

fn written<T: Serialize + Send + 'static>(
    items: Items<T>,
    closing: CancellationToken,
) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    futures::stream::unfold(Some((items, closing)), |open| async move {
        let (mut items, closing) = open?;
        let next = tokio::select! {
            biased;
            // A panic half-way must reach the other side as a fault, not as a broken connection.
            next = AssertUnwindSafe(items.next()).catch_unwind() => {
                next.unwrap_or_else(|panic| Some(Err(panic_fault(&*panic))))
            }
            () = closing.cancelled() => Some(Err(Fault::new(
                ErrorCode::Unreachable,
                "The control plane is ending",
            ).retryable())),
        };
        match next?.and_then(|item| item_event(&item)) {
            Ok(event) => Some((Ok(event), Some((items, closing)))),
            Err(fault) => Some((Ok(fault_event(&fault)), None)),
        }
    })
}

fn item_event<T: Serialize>(item: &Numbered<T>) -> Result<Event, Fault> {
    let event = Event::default().json_data(&item.item).map_err(|error| {
        Fault::new(ErrorCode::Internal, "An item could not be written")
            .evidence([error.to_string()])
    })?;
    Ok(match item.seq {
        Some(seq) => event.id(seq.to_string()),
        None => event,
    })
}

fn fault_event(fault: &Fault) -> Event {
    let event = Event::default().event(FAULT_EVENT);
    // A fault is text and flags: there is nothing in it that JSON could not hold.
    event
        .json_data(fault)
        .unwrap_or_else(|_| Event::default().event(FAULT_EVENT).data("{}"))
}
