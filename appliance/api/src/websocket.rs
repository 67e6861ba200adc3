//! `/v1.0/ws`: events as they are committed, to each client by its own cursor into the event log.
//!
//! A client is sent what it subscribed to, from where it connected or from `?after=`. It reads the log at its own pace,
//! so a slow one holds up nobody and loses nothing; one that falls behind what the log keeps is told so, by
//! `{"type": "lagged", "data": {"from", "to", "missed"}}`.

pub mod topic;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Request as HttpRequest, State as Shared};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use store::event_log::{self, EventDialect};
use tokio::sync::watch;
use utoipa::IntoParams;

use crate::auth::Caller;
use crate::failure::{ErrorEnvelope, Failure, Status};
use crate::limits;
use crate::meter::Meter;
use crate::parameters::Parameters;
use crate::state::{State, WebsocketPlace};
use crate::vigil::{self, Duty, End, Vigil};
use topic::Topic;

/// Where the events begin.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Resume {
    /// Events after this `seq`; without it, those from now on.
    after: Option<i64>,
    /// What events are called: `2026` for VoIPBIN's later names. Topics are the same.
    event_dialect: Option<EventDialect>,
    /// The token, for clients that can set no header.
    #[serde(rename = "token")]
    #[allow(dead_code, reason = "read before the handler runs; named here so that the description has it")]
    token: Option<String>,
    /// An access key, for programs that can set no header.
    #[serde(rename = "accesskey")]
    #[allow(dead_code, reason = "read before the handler runs; named here so that the description has it")]
    accesskey: Option<String>,
}

/// Opens a WebSocket of events. The client sends `{"type": "subscribe" | "unsubscribe", "topics": […]}` with topics
/// `customer_id:<id>[:<resource>[:<id>]]` and `agent_id:<id>[:…]`, and is sent events.
#[utoipa::path(
    get,
    path = "/v1.0/ws",
    params(Resume),
    responses(
        (status = 101, description = "The WebSocket; each text message is an Event", body = event_log::Record),
        (status = 400, body = ErrorEnvelope),
        (status = 401, body = ErrorEnvelope),
        (status = 429, body = ErrorEnvelope, description = "LIMIT_REACHED"),
    ),
    tag = "events"
)]
pub(crate) async fn open(
    Shared(state): Shared<State>,
    caller: Caller,
    Parameters(resume): Parameters<Resume>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    request: HttpRequest,
) -> Result<Response, Failure> {
    let upgrade = upgrade.map_err(|rejection| Failure::of_http(rejection.into_response().status().as_u16()))?;
    let place = state.take_websocket().ok_or_else(|| {
        Failure::new(Status::ResourceExhausted, "LIMIT_REACHED", "too many WebSocket clients").with_retry_after(10)
    })?;
    let events = state.events();
    let cursor = resume.after.unwrap_or_else(|| *events.borrow()).max(0);
    let (dialect, topics) = (resume.event_dialect.unwrap_or_default(), Vec::new());
    let meter = request.extensions().get::<Meter>().cloned().unwrap_or_default();
    let client = Client { state, caller, events, cursor, dialect, topics, meter, _place: place };
    let upgrade = upgrade.max_message_size(limits::WEBSOCKET_MESSAGE).max_frame_size(limits::WEBSOCKET_MESSAGE);
    Ok(upgrade.on_upgrade(|socket| client.run(socket)))
}

/// One client.
struct Client {
    state: State,
    caller: Caller,
    events: watch::Receiver<i64>,
    /// The last event that was sent, or passed over because nobody subscribed to it.
    cursor: i64,
    dialect: EventDialect,
    topics: Vec<Topic>,
    meter: Meter,
    _place: WebsocketPlace,
}

/// What a client sends.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Request {
    Subscribe { topics: Vec<String> },
    Unsubscribe { topics: Vec<String> },
}

impl Client {
    async fn run(mut self, mut socket: WebSocket) {
        let Err(end) = self.serve(&mut socket).await else { return };
        vigil::close(socket, end).await;
    }

    /// Runs until there is a reason to end, which is the error.
    async fn serve(&mut self, socket: &mut WebSocket) -> Result<(), End> {
        let mut vigil = Vigil::new(&self.state, Some(&self.caller), (limits::PING, &self.meter));
        loop {
            let subscribed = !self.topics.is_empty();
            let behind = subscribed && self.cursor != *self.events.borrow_and_update();
            tokio::select! {
                message = socket.recv() => {
                    let message = message.and_then(Result::ok).ok_or(End::Gone)?;
                    vigil.heard(&message)?;
                    self.receive(socket, message).await?;
                }
                () = std::future::ready(()), if behind => self.deliver(socket).await?,
                changed = self.events.changed(), if subscribed && !behind => {
                    changed.map_err(|_| End::error("the event log is closed"))?;
                }
                duty = vigil.next() => match duty? {
                    Duty::Ping => send(socket, Message::Ping(Default::default())).await?,
                    Duty::LookAgain => self.look_again().await?,
                },
            }
        }
    }

    /// Somebody's rights were changed: whether this client may still listen, and to what.
    async fn look_again(&mut self) -> Result<(), End> {
        vigil::look_again(&mut self.caller, &self.state).await?;
        match self.topics.iter().all(|topic| topic.allows(&self.caller.agent)) {
            true => Ok(()),
            false => Err(End::policy("forbidden topic")),
        }
    }

    async fn receive(&mut self, socket: &mut WebSocket, message: Message) -> Result<(), End> {
        let request = match &message {
            Message::Text(text) => serde_json::from_str(text.as_str()),
            Message::Binary(bytes) => serde_json::from_slice(bytes),
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
            Message::Close(_) => return Err(End::Gone),
        };
        match request {
            Ok(Request::Subscribe { topics }) => self.subscribe(&topics),
            Ok(Request::Unsubscribe { topics }) => {
                self.topics.retain(|topic| !topics.iter().any(|text| topic.text() == text));
                Ok(())
            }
            Err(error) => {
                let data = json!({ "reason": "INVALID_JSON_BODY", "message": error.to_string() });
                send(socket, text(&json!({ "type": "error", "data": data }))).await
            }
        }
    }

    fn subscribe(&mut self, topics: &[String]) -> Result<(), End> {
        for text in topics {
            let topic = Topic::parse(text).filter(|topic| topic.allows(&self.caller.agent));
            let topic = topic.ok_or(End::policy("forbidden topic"))?;
            if !self.topics.contains(&topic) {
                self.topics.push(topic);
            }
        }
        if self.topics.len() > limits::TOPICS {
            return Err(End::policy("too many topics"));
        }
        Ok(())
    }

    /// Sends the next events of the log that the client subscribed to.
    async fn deliver(&mut self, socket: &mut WebSocket) -> Result<(), End> {
        let cursor = self.cursor;
        let reading = self.state.readers().read(move |reader| {
            let range = reader.event_range()?;
            Ok((range, reader.events_after(cursor.max(range.0 - 1), limits::WEBSOCKET_BATCH)?))
        });
        let failed = |_| End::error("the event log cannot be read");
        let ((first, last), events) = reading.await.map_err(failed)?;
        // The log may be trimmed between the two readings: what counts is what came.
        let first = events.first().map_or(first, |event| event.seq);
        if cursor + 1 < first || cursor > last {
            self.tell_lag(socket, first, last).await?;
        }
        if events.is_empty() {
            // What the watch told is always in the log already, so an empty answer means that the cursor is at its end.
            self.cursor = last;
        }
        for event in events {
            self.cursor = event.seq;
            if self.topics.iter().any(|topic| topic.matches(&event, &self.caller.agent)) {
                let event = event_log::Record { kind: event.name_in(self.dialect).to_owned(), ..event };
                let json = serde_json::to_string(&event).expect("what came as JSON can be written as JSON");
                send(socket, Message::Text(json.into())).await?;
            }
        }
        Ok(())
    }

    /// Tells which events the log has no more, or that it never had them: then it is another log than the client knew.
    async fn tell_lag(&mut self, socket: &mut WebSocket, first: i64, last: i64) -> Result<(), End> {
        let (from, to) = (self.cursor + 1, first - 1);
        tracing::warn!(agent = self.caller.agent.username, from, to, "a WebSocket client missed events");
        let data = json!({ "from": from, "to": to, "missed": (to - from + 1).max(0) });
        self.cursor = if self.cursor > last { last } else { to };
        send(socket, text(&json!({ "type": "lagged", "data": data }))).await
    }
}

fn text(value: &serde_json::Value) -> Message {
    Message::Text(value.to_string().into())
}

async fn send(socket: &mut WebSocket, message: Message) -> Result<(), End> {
    vigil::send(socket, message, limits::WEBSOCKET_WRITE).await
}
