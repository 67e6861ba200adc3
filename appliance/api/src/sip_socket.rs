//! `/sip`: SIP by WebSocket (RFC 7118), which is how a browser registers and calls.
//!
//! Here it is only carried: one message of SIP is one message of the WebSocket, in both directions. Who has a login's token opens
//! it as an agent; then the extensions among the agent's addresses need no password on this connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Bytes;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Request, State as Shared};
use axum::http::Extensions;
use axum::response::{IntoResponse, Response};
use store::address::AddressType;
use store::agent::Record;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_tungstenite::tungstenite;

use crate::auth::{Asked, Caller, identify_if_known, source_of};
use crate::failure::{ErrorEnvelope, Failure, Status};
use crate::limits;
use crate::meter::{Endless, Meter};
use crate::origin::{Encrypted, Ends};
use crate::state::State;
use crate::vigil::{self, Duty, End, STUFFED, Vigil};

/// The subprotocol of RFC 7118 §4.
const SUBPROTOCOL: &str = "sip";
/// What keeps a connection alive, and what answers it (RFC 5626 §4.4.1).
const KEEP_ALIVE: (&[u8], &str) = (b"\r\n\r\n", "\r\n");

/// Who opens a socket, and by which way it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// Our address.
    pub local: SocketAddr,
    /// The browser's, as we see it.
    pub remote: SocketAddr,
    /// Whether it came through TLS.
    pub encrypted: bool,
}

/// The way of SIP by WebSocket to the exchange; the daemon is behind it.
pub trait SipSockets: Send + Sync {
    /// Takes a socket up; `None`: there are as many as may be.
    fn open(&self, opening: Opening) -> Option<SipSocket>;
}

/// A socket as the exchange has taken it up. Once it is dropped, the exchange knows that the connection is gone.
pub struct SipSocket {
    /// Where what it brings goes.
    pub line: Box<dyn SipLine>,
    /// What it is sent.
    pub outgoing: Outgoing,
}

/// The way of one socket to the exchange. None of this waits.
pub trait SipLine: Send + Sync {
    /// A message came; its place is free again once the exchange has taken it.
    fn hear(&self, message: Bytes, place: OwnedSemaphorePermit);
    /// Whoever opened the socket speaks for these extensions, by number or by id, and for no others.
    fn vouch(&self, extensions: Vec<String>);
    /// The socket is closed because the other end broke a rule.
    fn note_cut(&self);
}

/// Messages that wait to be written to a socket.
#[derive(Debug)]
pub struct Outgoing {
    messages: UnboundedReceiver<Bytes>,
    waiting: Arc<AtomicUsize>,
}

/// Where the exchange puts them.
#[derive(Debug)]
pub struct Sender {
    messages: UnboundedSender<Bytes>,
    waiting: Arc<AtomicUsize>,
    limit: usize,
}

/// Why a message cannot be put there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsent {
    /// The socket is gone.
    Gone,
    /// More octets wait than may: whoever is at the other end does not read.
    Stuffed,
}

/// Room for as many octets.
pub fn outgoing(limit: usize) -> (Sender, Outgoing) {
    let (sender, messages) = unbounded_channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    (Sender { messages: sender, waiting: waiting.clone(), limit }, Outgoing { messages, waiting })
}

impl Sender {
    /// Puts a message behind the others, without waiting.
    pub fn send(&self, message: Bytes) -> Result<(), Unsent> {
        let len = message.len();
        if self.waiting.fetch_add(len, Ordering::AcqRel) + len > self.limit {
            return Err(Unsent::Stuffed);
        }
        self.messages.send(message).map_err(|_| Unsent::Gone)
    }
}

impl Outgoing {
    /// The next message; `None`: the exchange has let go of the socket.
    pub async fn next(&mut self) -> Option<Bytes> {
        self.messages.recv().await
    }

    /// A message of so many octets is on its way.
    pub fn note_written(&self, octets: usize) {
        self.waiting.fetch_sub(octets, Ordering::AcqRel);
    }
}

/// Opens a WebSocket for SIP (RFC 7118), by HTTPS as `wss`, by HTTP as `ws`: one SIP message in each message, as text or binary.
/// The subprotocol is `sip`. Without a token each request is asked for the extension's password (digest), as everywhere. With one,
/// as a header, a cookie of the own page, or `?token=`, the extensions among the agent's addresses need none on this connection.
#[utoipa::path(
    get,
    path = "/sip",
    params(("token" = Option<String>, Query, description = "A login's token or an access key, for who can set no header")),
    responses(
        (status = 101, description = "The WebSocket; each message is a SIP message"),
        (status = 400, body = ErrorEnvelope, description = "SUBPROTOCOL_REQUIRED, or no request for a WebSocket"),
        (status = 401, body = ErrorEnvelope, description = "There is a token, and it does not count (any more)"),
        (status = 403, body = ErrorEnvelope, description = "CROSS_ORIGIN: a cookie counts only from the own page"),
        (status = 429, body = ErrorEnvelope, description = "LIMIT_REACHED"),
    ),
    security((), ("bearer" = []), ("cookie" = [])),
    tag = "webrtc"
)]
pub(crate) async fn open(
    Shared(state): Shared<State>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    request: Request,
) -> Result<Response, Failure> {
    let upgrade = upgrade.map_err(|rejection| Failure::of_http(rejection.into_response().status().as_u16()))?;
    let upgrade = upgrade.protocols([SUBPROTOCOL]);
    if upgrade.selected_protocol().is_none() {
        let message = "a WebSocket for SIP is opened with the subprotocol `sip` (RFC 7118)";
        return Err(Failure::new(Status::InvalidArgument, "SUBPROTOCOL_REQUIRED", message));
    }
    let asked = Asked { method: request.method(), headers: request.headers(), uri: request.uri(), websocket: true };
    let caller = identify_if_known(&state, source_of(request.extensions()), asked).await?;
    let opening = opening(request.extensions()).ok_or_else(Failure::internal)?;
    let meter = request.extensions().get::<Meter>().cloned().unwrap_or_default();
    let socket = take(&state, opening)?;
    let places = Arc::new(Semaphore::new(limits::SIP_UNHEARD));
    let client = Client { caller, socket, opening, meter, places, state };
    Ok(bounded(upgrade).on_upgrade(|websocket| client.run(websocket)))
}

/// By which way a request came, where it came by a connection.
pub(crate) fn opening(extensions: &Extensions) -> Option<Opening> {
    let Ends { local, remote } = *extensions.get()?;
    let plain = |address: SocketAddr| SocketAddr::new(address.ip().to_canonical(), address.port());
    Some(Opening { local: plain(local), remote: plain(remote), encrypted: extensions.get::<Encrypted>().is_some() })
}

/// A way to the exchange, if there is one left.
pub(crate) fn take(state: &State, opening: Opening) -> Result<SipSocket, Failure> {
    let full = || Failure::new(Status::ResourceExhausted, "LIMIT_REACHED", "too many browsers").with_retry_after(10);
    state.sip_sockets().open(opening).ok_or_else(full)
}

/// The same WebSocket, holding no more than it has to.
pub(crate) fn bounded(upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
    upgrade
        .max_message_size(limits::SIP_MESSAGE)
        .max_frame_size(limits::SIP_MESSAGE)
        .read_buffer_size(limits::SIP_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(2 * limits::SIP_MESSAGE)
}

/// The extensions for which an agent speaks: those among its addresses.
pub(crate) fn extensions_of(agent: &Record) -> Vec<String> {
    let extensions = agent.addresses.iter().filter(|address| address.kind == AddressType::Extension);
    extensions.map(|address| address.target.clone()).collect()
}

/// One browser.
struct Client {
    caller: Option<Caller>,
    socket: SipSocket,
    opening: Opening,
    /// What it brings.
    meter: Meter,
    /// Room for what it has sent and the exchange has not taken yet.
    places: Arc<Semaphore>,
    state: State,
}

impl Client {
    async fn run(mut self, mut websocket: WebSocket) {
        let remote = self.opening.remote;
        let agent = self.caller.as_ref().map(|caller| caller.agent.username.clone());
        tracing::debug!(%remote, ?agent, "a WebSocket for SIP is open");
        let Err(end) = self.serve(&mut websocket).await else { return };
        if matches!(end, End::Cut(..)) {
            self.socket.line.note_cut();
        }
        vigil::close(websocket, end).await;
    }

    /// Runs until there is a reason to end, which is the error.
    async fn serve(&mut self, websocket: &mut WebSocket) -> Result<(), End> {
        let mut vigil = Vigil::new(&self.state, self.caller.as_ref(), (limits::SIP_PING, &self.meter));
        self.vouch();
        loop {
            let places = Arc::clone(&self.places);
            let hearing = async {
                let place = places.acquire_owned().await;
                (place.expect("nobody closes the semaphore"), websocket.recv().await)
            };
            tokio::select! {
                (place, message) = hearing => {
                    let message = message.ok_or(End::Gone)?.map_err(why_unread)?;
                    vigil.heard(&message)?;
                    self.receive(websocket, message, place).await?;
                }
                message = self.socket.outgoing.next() => {
                    let message = message.ok_or(End::policy(STUFFED))?;
                    let octets = message.len();
                    send(websocket, framed(message)).await?;
                    self.socket.outgoing.note_written(octets);
                }
                duty = vigil.next() => match duty? {
                    Duty::Ping => send(websocket, Message::Ping(Default::default())).await?,
                    Duty::LookAgain => self.look_again().await?,
                },
            }
        }
    }

    async fn receive(
        &mut self,
        websocket: &mut WebSocket,
        message: Message,
        place: OwnedSemaphorePermit,
    ) -> Result<(), End> {
        let message = match message {
            Message::Text(text) => Bytes::from(text),
            Message::Binary(bytes) => bytes,
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
            Message::Close(_) => return Err(End::Gone),
        };
        if message.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
            let is_asking = message == KEEP_ALIVE.0;
            return if is_asking { send(websocket, Message::text(KEEP_ALIVE.1)).await } else { Ok(()) };
        }
        self.socket.line.hear(message, place);
        Ok(())
    }

    /// Somebody's rights were changed: whether this one's still count, and for which extensions.
    async fn look_again(&mut self) -> Result<(), End> {
        let Some(caller) = &mut self.caller else { return Ok(()) };
        vigil::look_again(caller, &self.state).await?;
        self.vouch();
        Ok(())
    }

    fn vouch(&self) {
        if let Some(caller) = &self.caller {
            self.socket.line.vouch(extensions_of(&caller.agent));
        }
    }
}

/// A message of SIP as RFC 7118 §5 wants it: text where it is UTF-8.
fn framed(message: Bytes) -> Message {
    Utf8Bytes::try_from(message.clone()).map_or(Message::Binary(message), Message::Text)
}

/// Why a message could not be read.
pub(crate) fn why_unread(error: axum::Error) -> End {
    match error.into_inner().downcast_ref::<tungstenite::Error>() {
        Some(tungstenite::Error::Capacity(_)) => End::Cut(close_code::SIZE, "the message is too long"),
        Some(tungstenite::Error::Utf8(_)) => End::Cut(close_code::PROTOCOL, "the text is not UTF-8"),
        Some(tungstenite::Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake)) => {
            End::Gone
        }
        Some(tungstenite::Error::Io(error)) if error.get_ref().is_some_and(|error| error.is::<Endless>()) => {
            End::Cut(close_code::POLICY, "a message without end")
        }
        Some(tungstenite::Error::Protocol(_)) => End::Cut(close_code::PROTOCOL, "this is no WebSocket frame"),
        _ => End::Gone,
    }
}

/// Sends, and lets go of who does not take it.
pub(crate) async fn send(websocket: &mut WebSocket, message: Message) -> Result<(), End> {
    vigil::send(websocket, message, limits::SIP_WRITE).await
}
