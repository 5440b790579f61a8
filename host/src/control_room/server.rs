//! The page's server: connections on one thread, bounded in number, in size and in time.

use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path as Segments, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use beacon_kernel::Strategy;
use futures_util::future::{Either, select};
use futures_util::stream;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;
use tokio_io_timeout::TimeoutStream;

use super::access::{Names, Role, Tokens};
use super::assets;
use super::campaign::{Campaign, Cursor, PastMap, single};
use super::connections::{Busy, Connections, Held};
use crate::control::{self, ControlError};
use crate::lines;

/// Streams of events at a time, of those who watch and of those who control.
const WATCHERS: usize = 256;
const CONTROLLERS: usize = 32;
/// Readers of the disk at a time.
const READERS: usize = 4;
/// Longest command, in bytes: a stroke of the brush is many rectangles.
const LONGEST: usize = 16 << 10;
/// How long a client may take over the head of a request, or over its body.
const REQUEST: Duration = Duration::from_secs(5);
/// How long a client may leave unread what it is sent.
const UNREAD: Duration = Duration::from_secs(20);
/// How often a stream without news shows that it is there.
const BEAT: Duration = Duration::from_secs(5);
/// Time between two pieces of a stream, unless one is so long that more of it waits.
const PACE: Duration = Duration::from_millis(80);
const PACED: usize = 64 << 10;
/// Most bytes of a request's head, and of what waits to be sent on a connection.
const BUFFER: usize = 64 << 10;

/// A campaign that is shown, and who may see it.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) campaign: Arc<Campaign>,
    pub(super) tokens: Tokens,
}

/// What every request may need.
#[derive(Debug)]
pub(super) struct Room {
    shown: Vec<Shown>,
    names: Names,
    watchers: Arc<Semaphore>,
    controllers: Arc<Semaphore>,
    readers: Arc<Semaphore>,
    closing: watch::Sender<bool>,
}

type Shared = Arc<Room>;

impl Room {
    pub(super) fn new(shown: Vec<Shown>, names: Names) -> Self {
        Self {
            shown,
            names,
            watchers: Arc::new(Semaphore::new(WATCHERS)),
            controllers: Arc::new(Semaphore::new(CONTROLLERS)),
            readers: Arc::new(Semaphore::new(READERS)),
            closing: watch::channel(false).0,
        }
    }

    /// Tells whoever watches that the page closes.
    pub(super) fn close(&self) {
        self.closing.send_replace(true);
    }

    /// Whether anybody is sent events.
    pub(super) fn is_watched(&self) -> bool {
        let free = self.watchers.available_permits() + self.controllers.available_permits();
        free < WATCHERS + CONTROLLERS
    }
}

/// What the sender of a request may do with each campaign.
#[derive(Clone, Debug)]
struct Roles(Arc<[Option<Role>]>);

/// A refusal: a status, and why, as a line of JSON.
struct Refusal(StatusCode, String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(status, why) = self;
        (status, answer(&json!({ "error": why }))).into_response()
    }
}

fn refusal(status: StatusCode, why: &str) -> Refusal {
    Refusal(status, why.to_owned())
}

fn answer(value: &Value) -> Response {
    json_text(value.to_string())
}

fn json_text(text: String) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (kind, text).into_response()
}

/// Serves on a thread of its own until the program ends.
///
/// # Errors
/// When the thread cannot be started.
pub(super) fn spawn(listener: TcpListener, room: Arc<Room>) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(16)
        .thread_keep_alive(Duration::from_secs(5))
        .build()?;
    let thread = std::thread::Builder::new().name("page".to_owned());
    thread.spawn(move || {
        runtime.block_on(async move {
            // The system refuses only where it has no room for another thread or file.
            let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
                return;
            };
            accept(&listener, room).await;
        });
    })?;
    Ok(())
}

async fn accept(listener: &tokio::net::TcpListener, room: Shared) {
    let router = router(room);
    let connections = Arc::new(Connections::default());
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            // Without files left there is nothing to do but to wait for some.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Some(place) = Connections::admit(&connections) else {
            continue;
        };
        let _ = socket.set_nodelay(true);
        let mut socket = TimeoutStream::new(socket);
        socket.set_write_timeout(Some(UNREAD));
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(async move {
            let held = Arc::clone(&place.held);
            let service = service_fn(move |mut request: hyper::Request<_>| {
                request.extensions_mut().insert(Arc::clone(&held));
                service.call(request)
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(REQUEST)
                .max_buf_size(BUFFER)
                .max_header_size(BUFFER)
                .serve_connection(TokioIo::new(Box::pin(socket)), service);
            // A client that breaks off is nobody's loss.
            select(pin!(connection), pin!(place.held.over())).await;
        });
    }
}

fn router(room: Shared) -> Router {
    let api = Router::new()
        .route("/api/campaigns", get(campaigns))
        .route("/api/coverage", get(coverage))
        .route("/api/campaigns/{number}/events", get(events))
        .route("/api/campaigns/{number}/overview", get(overview))
        .route("/api/campaigns/{number}/maps/{name}", get(map))
        .route("/api/campaigns/{number}/past/{record}", get(past))
        .route(
            "/api/campaigns/{number}/past/{record}/{name}",
            get(past_map),
        )
        .route("/api/campaigns/{number}/spectra/{record}", get(spectrum))
        .route("/api/campaigns/{number}/reduced/{target}", get(reduced))
        .route("/api/campaigns/{number}/command", post(command))
        .layer(middleware::from_fn_with_state(Arc::clone(&room), known));
    Router::new()
        .route("/", get(|| async { assets::response("index.html") }))
        .route("/{file}", get(asset))
        .route("/api", get(|| async { json_text(assets::API.to_owned()) }))
        .merge(api)
        .layer(middleware::from_fn_with_state(Arc::clone(&room), guarded))
        .with_state(room)
}

/// Lets in whoever calls the page by its name, and tells browsers what the page may do.
async fn guarded(State(room): State<Shared>, request: Request, next: Next) -> Response {
    let held = request.extensions().get::<Arc<Held>>().cloned();
    let _busy = held.as_ref().map(Held::begin);
    let objection = room.names.objection(request.uri(), request.headers());
    let mut response = match objection {
        // Where such a request ends is not to be relied on: nothing behind it is read.
        Some((status, why)) => {
            let hangs_up = [(header::CONNECTION, "close")];
            (hangs_up, refusal(status, why)).into_response()
        }
        None => next.run(request).await,
    };
    let status = response.status();
    let is_json = response.headers().get(header::CONTENT_TYPE);
    let is_json = is_json.is_some_and(|kind| kind == "application/json");
    if (status.is_client_error() || status.is_server_error()) && !is_json {
        // What the router itself refuses.
        let why = match status {
            StatusCode::METHOD_NOT_ALLOWED => "this is not asked so; `/api` says how",
            StatusCode::BAD_REQUEST => "a number was expected in the address; `/api` says which",
            _ => "there is nothing here; `/api` says what there is",
        };
        response = refusal(status, why).into_response();
    }
    let headers = response.headers_mut();
    for (name, value) in [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
             connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Lets in whoever has a token, and notes what it allows.
async fn known(State(room): State<Shared>, mut request: Request, next: Next) -> Response {
    let roles = room.shown.iter();
    let roles = roles.map(|shown| shown.tokens.role(request.headers()));
    let roles: Arc<[Option<Role>]> = roles.collect();
    let Some(most) = roles.iter().flatten().max().copied() else {
        let why = "a wrong token, or none; expected `Authorization: Bearer TOKEN` with the token of a link";
        return refusal(StatusCode::UNAUTHORIZED, why).into_response();
    };
    if let Some(held) = request.extensions().get::<Arc<Held>>() {
        held.may(most);
    }
    request.extensions_mut().insert(Roles(roles));
    next.run(request).await
}

async fn asset(Segments(file): Segments<String>) -> Response {
    assets::response(&file)
}

async fn campaigns(
    State(room): State<Shared>,
    axum::Extension(Roles(roles)): axum::Extension<Roles>,
) -> Response {
    let known = room.shown.iter().zip(&*roles).enumerate();
    let folders = known.filter_map(|(number, (shown, role))| {
        let folder = shown.campaign.folder();
        let name = folder.file_name().unwrap_or(folder.as_os_str());
        Some(json!({
            "number": number, "name": name.to_string_lossy(), "folder": folder.to_string_lossy(),
            "role": (*role)?.name(),
        }))
    });
    let folders: Vec<Value> = folders.collect();
    let strategies = Strategy::ALL.map(Strategy::name);
    let lines = lines::symbols().flat_map(lines::of_element);
    let lines: Vec<Value> = lines
        .map(|line| json!([line.to_string(), line.energy_kev]))
        .collect();
    let edges = lines::EDGES.iter();
    let edges: Vec<Value> = edges
        .map(|edge| json!([edge.element, edge.name, edge.onset_ev]))
        .collect();
    answer(&json!({
        "campaigns": folders, "strategies": strategies, "lines": lines, "edges": edges,
    }))
}

/// How far every campaign has come that the token opens.
async fn coverage(
    State(room): State<Shared>,
    axum::Extension(Roles(roles)): axum::Extension<Roles>,
) -> Result<Response, Refusal> {
    let known = room.shown.iter().zip(&*roles).enumerate();
    let known = known.filter(|(_, (_, role))| role.is_some());
    let known: Vec<_> = known
        .map(|(number, (shown, _))| (number, Arc::clone(&shown.campaign)))
        .collect();
    let curves = reading(&room, move || {
        let curves = known.into_iter().filter_map(|(number, campaign)| {
            let mut curve = campaign.coverage()?;
            curve
                .as_object_mut()?
                .insert("number".into(), number.into());
            Some(curve)
        });
        curves.collect::<Vec<Value>>()
    });
    Ok(answer(&json!({ "campaigns": curves.await? })))
}

/// The campaign of that number, and what may be done with it.
fn of(room: &Room, Roles(roles): &Roles, number: usize) -> Result<(Arc<Campaign>, Role), Refusal> {
    let Some(shown) = room.shown.get(number) else {
        let why = format!(
            "no campaign {number}; expected one below {}",
            room.shown.len()
        );
        return Err(refusal(StatusCode::NOT_FOUND, &why));
    };
    let Some(role) = roles.get(number).copied().flatten() else {
        let why = format!("campaign {number} needs a link of its own; this token is of another");
        return Err(refusal(StatusCode::FORBIDDEN, &why));
    };
    let followed = shown.campaign.follow();
    followed.map_err(|_| {
        let why = "the system has no room for another thread now";
        refusal(StatusCode::SERVICE_UNAVAILABLE, why)
    })?;
    Ok((Arc::clone(&shown.campaign), role))
}

async fn events(
    State(room): State<Shared>,
    axum::Extension(roles): axum::Extension<Roles>,
    held: Option<axum::Extension<Arc<Held>>>,
    Segments(number): Segments<usize>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let (campaign, role) = of(&room, &roles, number)?;
    let places = match role {
        Role::Control => &room.controllers,
        Role::Watch => &room.watchers,
    };
    let place = Arc::clone(places).try_acquire_owned().map_err(|_| {
        let why = "as many are connected as there are places for; try again later";
        refusal(StatusCode::SERVICE_UNAVAILABLE, why)
    })?;
    let last = headers
        .get("last-event-id")
        .and_then(|last| last.to_str().ok());
    let last = last.and_then(|last| last.parse().ok());
    let cursor = last.map_or_else(Cursor::default, Cursor::after);
    let kind = [(header::CONTENT_TYPE, "text/event-stream")];
    let events = Events {
        news: campaign.news(),
        closing: room.closing.subscribe(),
        campaign,
        cursor,
        pause: Duration::ZERO,
        ends: false,
        _place: place,
        _busy: held.map(|held| Held::begin(&held)),
    };
    Ok((kind, Body::from_stream(events.stream())).into_response())
}

/// The events that a client is sent. What it has not read waits in the journal, not in memory.
struct Events {
    campaign: Arc<Campaign>,
    cursor: Cursor,
    news: watch::Receiver<()>,
    closing: watch::Receiver<bool>,
    pause: Duration,
    ends: bool,
    _place: OwnedSemaphorePermit,
    _busy: Option<Busy>,
}

impl Events {
    fn stream(self) -> impl stream::Stream<Item = Result<Bytes, Infallible>> {
        stream::unfold(self, |mut events| async move {
            let piece = events.next().await?;
            Some((Ok(Bytes::from(piece)), events))
        })
    }

    /// The next piece; `None` where the stream ends.
    async fn next(&mut self) -> Option<Vec<u8>> {
        if self.ends {
            return None;
        }
        // What comes at the same time is sent together.
        tokio::time::sleep(self.pause).await;
        loop {
            self.news.borrow_and_update();
            let mut piece = self.campaign.next_piece(&mut self.cursor);
            if piece.is_empty() && *self.closing.borrow() {
                self.ends = true;
                return Some(b"event: closing\ndata: {}\n\n".to_vec());
            }
            if piece.is_empty() {
                let news = pin!(self.news.changed());
                let closing = pin!(self.closing.changed());
                match timeout(BEAT, select(news, closing)).await {
                    Ok(Either::Left((Ok(()), _)) | Either::Right((Ok(()), _))) => continue,
                    Ok(_) => return None,
                    Err(_) => piece = b":\n\n".to_vec(),
                }
            }
            self.pause = if piece.len() < PACED {
                PACE
            } else {
                Duration::ZERO
            };
            return Some(piece);
        }
    }
}

fn binary(bytes: Option<Bytes>, what: &str) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/octet-stream")];
    match bytes {
        Some(bytes) => (kind, bytes).into_response(),
        None => refusal(StatusCode::NOT_FOUND, &format!("there is no {what}")).into_response(),
    }
}

async fn overview(
    State(room): State<Shared>,
    axum::Extension(roles): axum::Extension<Roles>,
    Segments(number): Segments<usize>,
) -> Result<Response, Refusal> {
    let (campaign, _) = of(&room, &roles, number)?;
    Ok(binary(campaign.overview(), "overview yet"))
}

async fn map(
    State(room): State<Shared>,
    axum::Extension(roles): axum::Extension<Roles>,
    Segments((number, name)): Segments<(usize, String)>,
) -> Result<Response, Refusal> {
    let (campaign, _) = of(&room, &roles, number)?;
    Ok(binary(campaign.map(&name), &format!("map `{name}` yet")))
}

/// Has the disk read on another thread, few at a time.
async fn reading<T: Send + 'static>(
    room: &Room,
    read: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    let failed = || {
        let why = "the disk cannot be read now";
        refusal(StatusCode::SERVICE_UNAVAILABLE, why)
    };
    let _place = room.readers.acquire().await.map_err(|_| failed())?;
    let read = tokio::task::spawn_blocking(read).await;
    read.map_err(|_| failed())
}

/// What is kept of the maps after a record.
async fn past(
    State(room): State<Shared>,
    axum::Extension(roles): axum::Extension<Roles>,
    Segments((number, record)): Segments<(usize, usize)>,
) -> Result<Response, Refusal> {
    let (campaign, _) = of(&room, &roles, number)?;
    let past = reading(&room, move || campaign.past(record)).await?;
    let past = past.ok_or_else(|| {
        let why = format!("no map of record {record} or before is kept");
        refusal(StatusCode::NOT_FOUND, &why)
    })?;
    Ok(answer(&past))
}

async fn past_map(
    State(room): State<Shared>,
    axum::Extension(roles): axum::Extension<Roles>,
    Segments((number, record, name)): Segments<(usize, usize, String)>,
) -> Result<Response, Refusal> {
    let (campaign, _) = of(&room, &roles, number)?;
    let what = format!("map `{name}` after record {record}");
    let map = reading(&room, move || campaign.past_map(record, &name)).await?;
    Ok(match map {
        PastMap::Made(bytes) => binary(Some(bytes), &what),
        PastMap::Making => {
            (StatusCode::ACCEPTED, answer(&json!({ "making": true }))).into_response()
        }
        PastMap::None => binary(None, &what),
    })
}

async fn spectrum(
    State(room): State<Shared>,
    axum::Extension(roles): axum::Extension<Roles>,
    Segments((number, record)): Segments<(usize, usize)>,
) -> Result<Response, Refusal> {
    let (campaign, _) = of(&room, &roles, number)?;
    let spectrum = reading(&room, move || campaign.spectrum(record)).await?;
    let bytes = spectrum.map(|spectrum| single(spectrum.into_iter()));
    Ok(binary(bytes, &format!("spectrum in record {record}")))
}

async fn reduced(
    State(room): State<Shared>,
    axum::Extension(roles): axum::Extension<Roles>,
    Segments((number, target)): Segments<(usize, String)>,
) -> Result<Response, Refusal> {
    let (campaign, _) = of(&room, &roles, number)?;
    let reduced = reading(&room, move || campaign.reduced(&target)).await?;
    let reduced = reduced.map_err(|why| refusal(StatusCode::UNPROCESSABLE_ENTITY, &why))?;
    Ok(answer(&reduced))
}

/// A command as it is posted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Posted {
    /// The words of `beacon ctl`.
    words: Vec<String>,
    /// Who gives it.
    #[serde(default)]
    name: String,
}

/// Who gives a command: by their own word, else whoever has the link.
fn author(name: &str) -> &str {
    let says_nothing = |letter: char| letter.is_control() || letter.is_whitespace();
    if name.chars().all(says_nothing) {
        return "control link";
    }
    name
}

async fn command(
    State(room): State<Shared>,
    axum::Extension(roles): axum::Extension<Roles>,
    Segments(number): Segments<usize>,
    body: Body,
) -> Result<Response, Refusal> {
    let (campaign, role) = of(&room, &roles, number)?;
    if role != Role::Control {
        let why = "this link watches; commands need the link that controls";
        return Err(refusal(StatusCode::FORBIDDEN, why));
    }
    let body = timeout(REQUEST, axum::body::to_bytes(body, LONGEST)).await;
    let body =
        body.map_err(|_| refusal(StatusCode::REQUEST_TIMEOUT, "a command that does not end"))?;
    let body = body.map_err(|_| {
        let why =
            format!("a command that breaks off or is too long; expected {LONGEST} bytes at most");
        refusal(StatusCode::PAYLOAD_TOO_LARGE, &why)
    })?;
    let posted: Posted = serde_json::from_slice(&body).map_err(|error| {
        let why = format!(
            "not a command: {error}; expected {{\"words\":[\"measure\",\"32,40\"],\"name\":\"Ada\"}}"
        );
        refusal(StatusCode::BAD_REQUEST, &why)
    })?;
    let told = tokio::task::spawn_blocking(move || {
        control::tell(campaign.folder(), &posted.words, author(&posted.name))
    });
    match told.await {
        Ok(Ok(said)) => Ok(answer(&json!({ "ok": said }))),
        Ok(Err(error @ (ControlError::Refused(_) | ControlError::TooLong { .. }))) => {
            Err(refusal(StatusCode::CONFLICT, &error.to_string()))
        }
        Ok(Err(error)) => Err(refusal(StatusCode::SERVICE_UNAVAILABLE, &error.to_string())),
        Err(_) => Err(refusal(StatusCode::SERVICE_UNAVAILABLE, "the program ends")),
    }
}
