//! Calls from a page without SIP in the page: `/v1.0/webrtc` says what it has to know, `/v1.0/webrtc/ws` is where it calls.
//!
//! Behind the WebSocket is a [user agent](user_agent) that speaks SIP for the page along a connection like those of
//! [`crate::sip_socket`], on which the extensions of whoever has logged in need no password.

pub mod ice;
pub mod message;
pub mod user_agent;

use std::collections::VecDeque;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Request, State as Shared};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::failure::{ErrorEnvelope, Failure};
use crate::limits;
use crate::meter::Meter;
use crate::sip_socket::{self, Opening, SipSocket, bounded, extensions_of, send, why_unread};
use crate::state::State;
use crate::vigil::{self, Duty, End, Vigil};
use ice::{IceServer, IceServers};
use user_agent::{Identity, UserAgent};

/// What is the same for every page.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Servers that tell a page where it is seen, or relay for it.
    pub ice: IceServers,
    /// What the box speaks, the best first.
    pub codecs: Vec<String>,
}

/// What a page has to know before it calls.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebRtc)]
pub struct Record {
    /// Where the WebSocket for SIP is, below the box's own address.
    pub sip_path: &'static str,
    /// Where the WebSocket for calls without SIP is.
    pub ws_path: &'static str,
    /// What stands behind the @ of an extension.
    pub domain_name: String,
    /// The extensions among the agent's addresses that there are: it may call as them without their passwords.
    pub extensions: Vec<OwnExtension>,
    /// For `new RTCPeerConnection({ iceServers })`.
    pub ice_servers: Vec<IceServer>,
    /// What the box speaks, the best first.
    pub codecs: Vec<String>,
}

/// An extension of an agent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebRtcExtension)]
pub struct OwnExtension {
    /// Its number.
    pub extension: String,
    /// Its name.
    pub name: String,
}

/// Tells what a page has to know before it calls. Credentials of a TURN server count for a day.
#[utoipa::path(
    get,
    path = "/v1.0/webrtc",
    responses((status = 200, body = Record), (status = 401, body = ErrorEnvelope)),
    tag = "webrtc"
)]
pub(crate) async fn get(Shared(state): Shared<State>, caller: Caller) -> Result<Json<Record>, Failure> {
    Ok(Json(Record::of(&state, &caller).await?))
}

impl Record {
    async fn of(state: &State, caller: &Caller) -> Result<Record, Failure> {
        let settings = state.webrtc();
        Ok(Record {
            sip_path: "/sip",
            ws_path: "/v1.0/webrtc/ws",
            domain_name: state.store().identity().domain.clone(),
            extensions: own(state, caller).await?,
            ice_servers: settings.ice.shown(&caller.agent.username, state.now()),
            codecs: settings.codecs.clone(),
        })
    }
}

/// The extensions among an agent's addresses that there are, in their order.
async fn own(state: &State, caller: &Caller) -> Result<Vec<OwnExtension>, Failure> {
    let names = extensions_of(&caller.agent);
    let found = state.readers().read(move |reader| reader.extensions_named(&names)).await?;
    Ok(found.into_iter().map(|(extension, name)| OwnExtension { extension, name }).collect())
}

/// Opens a WebSocket for calls without SIP: each message is JSON, as docs/webrtc.md has it.
#[utoipa::path(
    get,
    path = "/v1.0/webrtc/ws",
    params(("token" = Option<String>, Query, description = "A login's token or an access key, for who can set no header")),
    responses(
        (status = 101, description = "The WebSocket"),
        (status = 400, body = ErrorEnvelope),
        (status = 401, body = ErrorEnvelope),
        (status = 429, body = ErrorEnvelope, description = "LIMIT_REACHED"),
    ),
    tag = "webrtc"
)]
pub(crate) async fn open(
    Shared(state): Shared<State>,
    caller: Caller,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    request: Request,
) -> Result<Response, Failure> {
    let upgrade = upgrade.map_err(|rejection| Failure::of_http(rejection.into_response().status().as_u16()))?;
    let opening = sip_socket::opening(request.extensions()).ok_or_else(Failure::internal)?;
    let record = Record::of(&state, &caller).await?;
    let extensions = record.extensions.iter().map(|own| own.extension.clone()).collect();
    let seed = *state.entropy()?.first_chunk().expect("64 octets hold 32");
    let socket = sip_socket::take(&state, opening)?;
    socket.line.vouch(extensions_of(&caller.agent));
    let identity = Identity { opening, realm: record.domain_name.clone(), extensions, seed };
    let meter = request.extensions().get::<Meter>().cloned().unwrap_or_default();
    let page = Page { state, caller, socket, identity, meter, record };
    Ok(bounded(upgrade).on_upgrade(|websocket| page.run(websocket)))
}

/// One page.
struct Page {
    state: State,
    caller: Caller,
    socket: SipSocket,
    identity: Identity,
    /// What it brings.
    meter: Meter,
    /// What it is told first.
    record: Record,
}

/// A page's calls, and what waits to be said to the exchange.
struct Desk {
    agent: UserAgent,
    waiting: VecDeque<Bytes>,
    began: Instant,
}

impl Desk {
    /// Does something with the user agent, and takes what it wants to be sent.
    fn with(&mut self, act: impl FnOnce(&mut UserAgent, sip::Time)) {
        act(&mut self.agent, self.began.elapsed());
        while let Some(message) = self.agent.poll_sip() {
            self.waiting.push_back(message);
        }
    }

    /// Until something is due.
    async fn due(&self) {
        match self.agent.poll_timeout() {
            Some(at) => tokio::time::sleep_until(self.began + at).await,
            None => std::future::pending().await,
        }
    }
}

impl Page {
    async fn run(mut self, mut websocket: WebSocket) {
        let Opening { remote, .. } = self.identity.opening;
        tracing::debug!(%remote, agent = self.caller.agent.username, "a page may call");
        let began = Instant::now();
        let agent = UserAgent::new(sip::Time::ZERO, &self.identity);
        let mut desk = Desk { agent, waiting: VecDeque::new(), began };
        desk.with(|_, _| ());
        let places = Arc::new(Semaphore::new(limits::SIP_UNHEARD));
        let ended = self.serve(&mut websocket, &mut desk, &places).await;
        desk.with(UserAgent::close);
        for message in std::mem::take(&mut desk.waiting) {
            let place = tokio::time::timeout(limits::SIP_WRITE, Arc::clone(&places).acquire_owned()).await;
            let Ok(Ok(place)) = place else { break };
            self.socket.line.hear(message, place);
        }
        let Err(end) = ended else { return };
        if matches!(end, End::Cut(..)) {
            self.socket.line.note_cut();
        }
        drop(self.socket);
        vigil::close(websocket, end).await;
    }

    /// Runs until there is a reason to end, which is the error.
    async fn serve(&mut self, websocket: &mut WebSocket, desk: &mut Desk, places: &Arc<Semaphore>) -> Result<(), End> {
        let mut vigil = Vigil::new(&self.state, Some(&self.caller), (limits::SIP_PING, &self.meter));
        let ready = serde_json::json!({ "type": "ready", "data": &self.record });
        send(websocket, Message::text(ready.to_string())).await?;
        loop {
            while let Some(told) = desk.agent.poll_told() {
                send(websocket, Message::text(told.json())).await?;
            }
            let is_behind = !desk.waiting.is_empty();
            tokio::select! {
                place = Arc::clone(places).acquire_owned(), if is_behind => {
                    let place = place.expect("nobody closes the semaphore");
                    let message = desk.waiting.pop_front().expect("it is behind");
                    self.socket.line.hear(message, place);
                }
                message = websocket.recv(), if !is_behind => {
                    let message = message.ok_or(End::Gone)?.map_err(why_unread)?;
                    vigil.heard(&message)?;
                    receive(desk, message)?;
                }
                message = self.socket.outgoing.next() => {
                    let message = message.ok_or(End::policy("the exchange has let go"))?;
                    self.socket.outgoing.note_written(message.len());
                    desk.with(|agent, now| agent.handle_sip(now, &message));
                }
                () = desk.due() => desk.with(UserAgent::handle_timeout),
                duty = vigil.next() => match duty? {
                    Duty::Ping => send(websocket, Message::Ping(Default::default())).await?,
                    Duty::LookAgain => self.look_again(desk).await?,
                },
            }
        }
    }

    /// Somebody's rights were changed: whether this one's still count, and for which extensions.
    async fn look_again(&mut self, desk: &mut Desk) -> Result<(), End> {
        vigil::look_again(&mut self.caller, &self.state).await?;
        let own = own(&self.state, &self.caller).await.map_err(|_| End::error("the database cannot be read"))?;
        let own: Vec<String> = own.into_iter().map(|own| own.extension).collect();
        self.socket.line.vouch(extensions_of(&self.caller.agent));
        desk.with(|agent, now| agent.speak_for(now, &own));
        Ok(())
    }
}

/// The page says something.
fn receive(desk: &mut Desk, message: Message) -> Result<(), End> {
    let text = match &message {
        Message::Text(text) => text.as_bytes(),
        Message::Binary(octets) => octets,
        Message::Ping(_) | Message::Pong(_) => return Ok(()),
        Message::Close(_) => return Err(End::Gone),
    };
    desk.with(|agent, now| agent.handle_said(now, text));
    Ok(())
}
