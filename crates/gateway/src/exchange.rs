//! One request from its head to its last byte: counts, times, and the record when it is over, however it ends.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering::Relaxed},
    },
    time::{Instant, SystemTime},
};

use http::{Method, StatusCode};
use nasiko_contract::ErrorCode;

use crate::{
    error::GatewayError,
    record::{Caller, Failure, Origin, RequestRecord, RequestSink},
    route::{Held, Lease, RouteTable},
    trace_context::TraceContext,
};

/// nginx's status for a caller that left before there was an answer.
const CALLER_LEFT: u16 = 499;

/// What the upload and the exchange tell each other.
#[derive(Default)]
pub(crate) struct Meter {
    bytes_in: AtomicU64,
    upload: AtomicU8,
}

/// How an upload ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum UploadEnd {
    Fine = 0,
    TooLarge = 1,
    Broken = 2,
}

impl Meter {
    /// Adds bytes of the request's body and says how many there were in all.
    pub(crate) fn add(&self, bytes: u64) -> u64 {
        self.bytes_in.fetch_add(bytes, Relaxed) + bytes
    }

    pub(crate) fn end_upload(&self, end: UploadEnd) {
        self.upload.store(end as u8, Relaxed);
    }

    pub(crate) fn upload_end(&self) -> UploadEnd {
        match self.upload.load(Relaxed) {
            1 => UploadEnd::TooLarge,
            2 => UploadEnd::Broken,
            _ => UploadEnd::Fine,
        }
    }
}

/// Lives as long as the request does; dropping it writes the record and then gives the lease back, in that order, so
/// that an upstream counts as drained only after its last record.
pub(crate) struct Exchange {
    record: Option<RequestRecord>,
    sink: Arc<dyn RequestSink>,
    started: Instant,
    held_since: Option<Instant>,
    finished: bool,
    pub(crate) meter: Arc<Meter>,
    pub(crate) lease: Option<Lease>,
}

impl Exchange {
    pub(crate) fn begin(
        sink: Arc<dyn RequestSink>,
        context: &TraceContext,
        agent: Arc<str>,
        method: Method,
        path: &str,
        caller: Caller,
    ) -> Self {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let record = RequestRecord {
            trace_id: context.trace,
            span_id: context.span,
            parent_span_id: context.parent,
            agent,
            instance: None,
            method,
            path: path.into(),
            status: CALLER_LEFT,
            start_unix_ns: u64::try_from(now.as_nanos()).unwrap_or(u64::MAX),
            duration_ns: 0,
            first_byte_ns: None,
            held_ns: None,
            bytes_in: 0,
            bytes_out: 0,
            streamed: false,
            error: None,
            caller,
        };
        Self {
            record: Some(record),
            sink,
            started: Instant::now(),
            held_since: None,
            finished: false,
            meter: Arc::default(),
            lease: None,
        }
    }

    /// The upstream is known; also called again when the route moved before anything was sent.
    pub(crate) fn leased(&mut self, lease: Lease) {
        if let Some(record) = &mut self.record {
            record.instance = Some(Arc::clone(&lease.backend.instance));
        }
        self.lease = Some(lease);
    }

    /// Waits until the agent is routed again and leases there. Nothing of an upstream is kept meanwhile.
    pub(crate) async fn wait(
        &mut self,
        routes: &RouteTable,
        held: Held,
    ) -> Result<(), GatewayError> {
        self.lease = None;
        self.held_since = Some(Instant::now());
        let leased = routes.lease_held(held).await;
        self.end_wait();
        self.leased(leased?);
        Ok(())
    }

    fn end_wait(&mut self) {
        if let (Some(since), Some(record)) = (self.held_since.take(), &mut self.record) {
            let waited = u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX);
            record.held_ns = Some(record.held_ns.unwrap_or(0).saturating_add(waited));
        }
    }

    /// How long it waited so far; none when it did not.
    pub(crate) fn held_ns(&self) -> Option<u64> {
        self.record.as_ref().and_then(|record| record.held_ns)
    }

    /// The answer's head is known.
    pub(crate) fn answered(&mut self, status: StatusCode, streamed: bool) {
        let elapsed = self.elapsed_ns();
        if let Some(record) = &mut self.record {
            record.status = status.as_u16();
            record.streamed = streamed;
            record.first_byte_ns = Some(elapsed);
        }
    }

    /// Counts bytes of the answer's body.
    pub(crate) fn sent(&mut self, bytes: u64) {
        if let Some(record) = &mut self.record {
            record.bytes_out += bytes;
        }
    }

    /// The exchange failed; the first failure is the one that counts.
    pub(crate) fn failed(&mut self, failure: Failure) {
        if let Some(record) = &mut self.record {
            record.error.get_or_insert(failure);
        }
        self.finished = true;
    }

    /// The last byte is through.
    pub(crate) fn finish(&mut self) {
        self.finished = true;
    }

    pub(crate) fn elapsed_ns(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let elapsed = self.elapsed_ns();
        self.end_wait();
        let Some(mut record) = self.record.take() else {
            return;
        };
        record.duration_ns = elapsed;
        record.bytes_in = self.meter.bytes_in.load(Relaxed);
        if !self.finished {
            record.error = Some(Failure {
                code: ErrorCode::Cancelled,
                origin: Origin::Caller,
            });
        }
        self.sink.record(record);
    }
}
