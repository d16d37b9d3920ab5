//! Every operation of the contract at its method and path.

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::{MethodFilter, MethodRouter, on},
};
use bytes::Bytes;
use futures::future::BoxFuture;
use nasiko_contract::{
    ErrorCode, Fault, JsonOperation, Method, Operation, OperationInfo, StreamOperation,
    UploadOperation,
};
use nasiko_control::api::{self, Caller, Plane, Serve, ServeStream, ServeUpload};
use serde_json::{Map, Value};

use crate::{
    answer::{self, Failure},
    app::App,
    fields::Fields,
    idempotency::{self, Outcome},
    request, stream, upload,
};

/// The answer said again because of its idempotency key carries this header.
const REPLAYED: &str = "idempotency-replayed";

macro_rules! mount_all {
    (json { $($json:ident)* } stream { $($stream:ident)* } upload { $($upload:ident)* }) => {
        /// All of them, below the API's prefix.
        pub(crate) fn operations<P: Plane>() -> Router<Arc<App<P>>> {
            Router::new()
                $(.route(nasiko_contract::$json::INFO.path, json::<nasiko_contract::$json, P>()))*
                $(.route(nasiko_contract::$stream::INFO.path, streamed::<nasiko_contract::$stream, P>()))*
                $(.route(nasiko_contract::$upload::INFO.path, uploaded::<nasiko_contract::$upload, P>()))*
        }
    };
}
nasiko_contract::with_operations!(mount_all);

/// What is particular to one operation: it reads its request from the fields, and is done. Everything else is the same
/// for all, and compiled once.
type Serving<P, T> = fn(Arc<App<P>>, Caller, Map<String, Value>) -> Result<Work<T>, Fault>;
type Work<T> = BoxFuture<'static, Result<T, Fault>>;

fn json<O, P>() -> MethodRouter<Arc<App<P>>>
where
    O: JsonOperation,
    P: Serve<O> + 'static,
{
    answered(O::INFO, |app: Arc<App<P>>, caller, fields| {
        let operation: O = request::build(fields)?;
        Ok(Box::pin(async move {
            let output = api::call(&*app.plane, &caller, operation).await?;
            answer::encode(&output)
        }))
    })
}

fn answered<P: Send + Sync + 'static>(
    info: OperationInfo,
    serving: Serving<P, Bytes>,
) -> MethodRouter<Arc<App<P>>> {
    let fields = Fields::of(info.name);
    let handler = move |State(app): State<Arc<App<P>>>,
                        Extension(caller): Extension<Caller>,
                        request: Request| async move {
        let answer = answer_json(&app, &info, fields, serving, caller, request);
        within(&app, answer).await.map_err(Failure)
    };
    on(filter(info.method), handler)
}

async fn answer_json<P: Send + Sync + 'static>(
    app: &Arc<App<P>>,
    info: &OperationInfo,
    fields: Fields,
    serving: Serving<P, Bytes>,
    caller: Caller,
    request: Request,
) -> Result<Response, Fault> {
    api::authorise(info, &caller)?;
    let (mut parts, body) = request.into_parts();
    let key = idempotency::key(info.method, &parts.headers, &caller)?;
    let body = request::body(body, &parts.headers, app.limits.json_bytes).await?;
    let given = request::all(info, fields, &mut parts, &body).await?;
    let fingerprint = idempotency::fingerprint(&parts.uri, &body);
    let work = serving(Arc::clone(app), known_by(caller, key.as_ref()), given)?;
    once(app, info.status, key, fingerprint, work).await
}

fn uploaded<O, P>() -> MethodRouter<Arc<App<P>>>
where
    O: UploadOperation,
    P: ServeUpload<O> + 'static,
{
    let fields = Fields::of(O::INFO.name);
    let handler = move |State(app): State<Arc<App<P>>>,
                        Extension(caller): Extension<Caller>,
                        request: Request| async move {
        answer_upload::<O, P>(&app, fields, caller, request)
            .await
            .map_err(Failure)
    };
    on(filter(O::INFO.method), handler)
}

async fn answer_upload<O, P>(
    app: &Arc<App<P>>,
    fields: Fields,
    caller: Caller,
    request: Request,
) -> Result<Response, Fault>
where
    O: UploadOperation,
    P: ServeUpload<O> + 'static,
{
    api::authorise(&O::INFO, &caller)?;
    let (mut parts, body) = request.into_parts();
    let key = idempotency::key(O::INFO.method, &parts.headers, &caller)?;
    let mut upload = upload::receive(&app.uploads, app.limits, fields, &parts, body).await?;
    request::path(fields, &mut parts, &mut upload.fields).await?;
    let operation: O = request::build(upload.fields)?;
    let caller = known_by(caller, key.as_ref());
    let plane = app.plane.clone();
    let (file, kept) = (upload.file, upload.kept);
    let work = async move {
        let output = api::upload(&*plane, &caller, operation, file).await;
        drop(kept);
        answer::encode(&output?)
    };
    let work = Box::pin(work);
    within(
        app,
        once(app, O::INFO.status, key, upload.fingerprint, work),
    )
    .await
}

fn streamed<O, P>() -> MethodRouter<Arc<App<P>>>
where
    O: StreamOperation,
    P: ServeStream<O> + 'static,
{
    followed(O::INFO, |app: Arc<App<P>>, caller, fields| {
        let operation: O = request::build(fields)?;
        Ok(Box::pin(async move {
            let items = api::stream(&*app.plane, &caller, operation).await?;
            Ok(stream::events(items, app.closing.clone()))
        }))
    })
}

fn followed<P: Send + Sync + 'static>(
    info: OperationInfo,
    serving: Serving<P, Response>,
) -> MethodRouter<Arc<App<P>>> {
    let fields = Fields::of(info.name);
    let handler = move |State(app): State<Arc<App<P>>>,
                        Extension(caller): Extension<Caller>,
                        request: Request| async move {
        let answer = answer_stream(&app, &info, fields, serving, caller, request);
        within(&app, answer).await.map_err(Failure)
    };
    on(filter(info.method), handler)
}

async fn answer_stream<P: Send + Sync + 'static>(
    app: &Arc<App<P>>,
    info: &OperationInfo,
    fields: Fields,
    serving: Serving<P, Response>,
    caller: Caller,
    request: Request,
) -> Result<Response, Fault> {
    api::authorise(info, &caller)?;
    let (mut parts, body) = request.into_parts();
    let key = idempotency::key(info.method, &parts.headers, &caller)?;
    let body = request::body(body, &parts.headers, app.limits.json_bytes).await?;
    let given = request::all(info, fields, &mut parts, &body).await?;
    let work = serving(Arc::clone(app), known_by(caller, key.as_ref()), given)?;
    let reservation = match key {
        Some(key) => {
            let fingerprint = idempotency::fingerprint(&parts.uri, &body);
            Some(app.idempotency.begin_stream(key, fingerprint)?)
        }
        None => None,
    };
    let response = work.await?;
    if let Some(reservation) = reservation {
        reservation.keep(Outcome::Streamed);
    }
    Ok(response)
}

/// Does `work`, or answers what it answered before under the same key.
async fn once<P>(
    app: &App<P>,
    status: u16,
    key: Option<idempotency::Key>,
    fingerprint: blake3::Hash,
    work: Work<Bytes>,
) -> Result<Response, Fault> {
    let Some(key) = key else {
        return Ok(answer::json(status, work.await?));
    };
    let (answer, replayed) = app.idempotency.once(key, fingerprint, work).await?;
    let mut response = match answer {
        Ok(body) => answer::json(status, body),
        Err(fault) => Failure(fault).into_response(),
    };
    if replayed {
        response
            .headers_mut()
            .insert(REPLAYED, axum::http::HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// The answer, or `timed_out` at the limit.
async fn within<P>(
    app: &App<P>,
    answer: impl Future<Output = Result<Response, Fault>>,
) -> Result<Response, Fault> {
    let limit = app.limits.answer_within;
    tokio::time::timeout(limit, answer)
        .await
        .unwrap_or_else(|_| {
            Err(Fault::new(
                ErrorCode::TimedOut,
                format!("There was no answer within {} s", limit.as_secs()),
            ))
        })
}

fn known_by(caller: Caller, key: Option<&idempotency::Key>) -> Caller {
    match key {
        Some(key) => caller.with_idempotency_key(key.text()),
        None => caller,
    }
}

fn filter(method: Method) -> MethodFilter {
    match method {
        Method::Get => MethodFilter::GET,
        Method::Post => MethodFilter::POST,
        Method::Put => MethodFilter::PUT,
        Method::Patch => MethodFilter::PATCH,
        Method::Delete => MethodFilter::DELETE,
    }
}
