//! The made-up control plane in the page itself, to look at every state without a real one. Compiled with the feature
//! `fixtures` alone, and used by pages opened with `?fixture` in their address.

use futures::{FutureExt, StreamExt, stream};
use gloo_timers::future::TimeoutFuture;
use nasiko_client::{BoxFuture, BoxStream, Call, Frame, Transport, UploadFile};
use nasiko_contract::{ErrorCode, Fault};
use nasiko_fixtures::{Course, Item, MadeUp};

pub(crate) use nasiko_fixtures::contexts;

/// Answers every operation that the pages call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FixtureTransport(MadeUp);

impl FixtureTransport {
    /// The one that the query of the page's address asks for.
    pub(crate) fn of_query(query: &str) -> Option<Self> {
        MadeUp::of_query(query).map(Self)
    }
}

impl Transport for FixtureTransport {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Vec<u8>, Fault>> {
        let answer = self.0.answer(&call);
        async move { answer.map(|answer| answer.to_string().into_bytes()) }.boxed_local()
    }

    fn stream(&self, call: Call) -> BoxFuture<'_, Result<BoxStream<Result<Frame, Fault>>, Fault>> {
        let course = self.0.course(&call);
        async move { course.map(frames) }.boxed_local()
    }

    fn upload(&self, _call: Call, _file: UploadFile) -> BoxFuture<'_, Result<Vec<u8>, Fault>> {
        let fault = Fault::new(ErrorCode::WrongState, "The gallery takes no files");
        async move { Err(fault) }.boxed_local()
    }
}

fn frames(course: Course) -> BoxStream<Result<Frame, Fault>> {
    let Course { items, ends } = course;
    let said = stream::iter(items).then(|Item { after, value }| async move {
        if !after.is_zero() {
            TimeoutFuture::new(u32::try_from(after.as_millis()).unwrap_or(u32::MAX)).await;
        }
        Ok(Frame {
            id: String::new(),
            event: String::new(),
            data: value.to_string(),
        })
    });
    if ends {
        said.boxed_local()
    } else {
        said.chain(stream::pending()).boxed_local()
    }
}
