//! A user agent that speaks SIP for a page that speaks none: JSON in, SIP out, and the other way round.
//!
//! It reads no clock and has no socket. What a page says goes in by [`UserAgent::handle_said`], what the exchange sends by
//! [`UserAgent::handle_sip`]; then [`UserAgent::poll_sip`] and [`UserAgent::poll_told`] are emptied.

mod calls;
mod exchange;
mod registrations;

use std::collections::VecDeque;

use bytes::Bytes;
use pbx::call::HangupReason;
use sip::dialog::DialogId;
use sip::endpoint::{Body, ClientId, Config, Event, Limits, Reply, ServerId};
use sip::header::NameAddr;
use sip::transport::ConnectionId;
use sip::{Endpoint, Flow, Method, Time, Transport, Uri};

use super::message::{Refusal, Said, Told};
use crate::sip_socket::Opening;
use registrations::Registration;

/// What a user agent is made of.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The connection, as the exchange sees it.
    pub opening: Opening,
    /// The exchange's realm.
    pub realm: String,
    /// The numbers of the extensions that it speaks for; calls to them ring here.
    pub extensions: Vec<String>,
    /// What names are made of.
    pub seed: [u8; 32],
}

/// The user agent of one page.
pub struct UserAgent {
    endpoint: Endpoint,
    flow: Flow,
    realm: String,
    /// The name that it makes up for itself (RFC 7118 §5).
    host: String,
    registrations: Vec<Registration>,
    calls: Vec<Call>,
    named: u64,
    sip: VecDeque<Bytes>,
    told: VecDeque<Told>,
}

/// A call of the page.
#[derive(Debug)]
struct Call {
    id: String,
    stage: Stage,
    /// The Call-ID, which records show.
    sip_call_id: String,
    dialog: Option<DialogId>,
    /// Where the page is reached in one that came in.
    contact: Option<Uri>,
    /// What the page said of itself last, and what it was told of the other end.
    local: String,
    remote: String,
    /// The page was told that it rings.
    rang: bool,
    candidates: usize,
}

/// How far a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// We asked, and wait for the answer.
    Calling(ClientId),
    /// The same, and the page wants it no more.
    Canceled(ClientId),
    /// It came in, and the page is to answer.
    Called(ServerId),
    /// Answered.
    Up,
    /// Answered; the page has offered something new.
    Offering(ClientId),
    /// Answered; the box has offered something new.
    Offered(ServerId),
}

impl Call {
    fn new(id: String, stage: Stage, sip_call_id: String) -> Call {
        let (dialog, contact, local, remote) = (None, None, String::new(), String::new());
        Call { id, stage, sip_call_id, dialog, contact, local, remote, rang: false, candidates: 0 }
    }

    fn is_answered(&self) -> bool {
        matches!(self.stage, Stage::Up | Stage::Offering(_) | Stage::Offered(_))
    }
}

impl UserAgent {
    /// One for a page; it registers at once.
    pub fn new(now: Time, identity: &Identity) -> UserAgent {
        let Opening { local, remote, encrypted } = identity.opening;
        let transport = if encrypted { Transport::Wss } else { Transport::Ws };
        // Seen from the page, our address is the other end.
        let flow = Flow { transport, local: remote, remote: local, connection: Some(ConnectionId(1)) };
        let small = Limits {
            server_transactions: 64,
            client_transactions: 64,
            spent_transactions: 64,
            dialogs: 32,
            ..Limits::default()
        };
        let config = Config {
            user_agent: Bytes::from_static(b"Tandem WebRTC"),
            supported: Vec::new(),
            allow: vec![Method::Invite, Method::Ack, Method::Bye, Method::Cancel, Method::Options, Method::Info],
            limits: small,
            ..Config::default()
        };
        let host = identity.seed.iter().take(8).map(|byte| format!("{byte:02x}")).collect::<String>() + ".invalid";
        let mut agent = UserAgent {
            endpoint: Endpoint::new(config, identity.seed),
            flow,
            realm: host_of(&identity.realm),
            host,
            registrations: Vec::new(),
            calls: Vec::new(),
            named: 0,
            sip: VecDeque::new(),
            told: VecDeque::new(),
        };
        agent.speak_for(now, &identity.extensions);
        agent
    }

    /// The page says something.
    pub fn handle_said(&mut self, now: Time, text: &[u8]) {
        let said: Said = match serde_json::from_slice(text) {
            Ok(said) => said,
            Err(error) => {
                let (reason, message) = ("INVALID_JSON_BODY", error.to_string());
                return self.told.push_back(Told::Error { id: None, reason, message });
            }
        };
        let id = said.id().to_owned();
        let done = said.check().and_then(|()| self.carry_out(now, said));
        if let Err(Refusal { reason, message }) = done {
            // What is no name is not said back.
            let id = Some(id).filter(|id| id.len() <= crate::limits::WEBRTC_ID);
            self.told.push_back(Told::Error { id, reason, message });
        }
        self.drain(now);
    }

    /// The exchange sends a message.
    pub fn handle_sip(&mut self, now: Time, message: &Bytes) {
        self.endpoint.handle_message(now, self.flow, message);
        self.drain(now);
    }

    /// The moment named by [`UserAgent::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Time) {
        self.endpoint.handle_timeout(now);
        self.register_again(now);
        self.drain(now);
    }

    /// When something is due.
    pub fn poll_timeout(&self) -> Option<Time> {
        let own = self.registrations.iter().map(|registration| registration.due);
        own.chain(self.endpoint.poll_timeout().map(|deadline| deadline.at)).min()
    }

    /// The next message for the exchange.
    pub fn poll_sip(&mut self) -> Option<Bytes> {
        self.sip.pop_front()
    }

    /// The next word for the page.
    pub fn poll_told(&mut self) -> Option<Told> {
        self.told.pop_front()
    }

    /// The page is gone: its calls are over.
    pub fn close(&mut self, now: Time) {
        for call in std::mem::take(&mut self.calls) {
            self.end(now, &call, 480);
        }
        self.drain(now);
    }

    /// How many calls there are.
    pub fn calls(&self) -> usize {
        self.calls.len()
    }

    fn drain(&mut self, now: Time) {
        loop {
            while let Some(transmit) = self.endpoint.poll_transmit() {
                self.sip.push_back(transmit.bytes);
            }
            let Some(event) = self.endpoint.poll_event() else { return };
            self.handle_event(now, event);
        }
    }

    fn handle_event(&mut self, now: Time, event: Event) {
        match event {
            Event::Request { server, dialog, request, .. } => self.handle_request(now, (server, dialog), &request),
            Event::Cancelled { server, .. } => self.handle_cancelled(server),
            Event::Response { client, dialog, response, .. } => self.handle_response(now, (client, dialog), &response),
            Event::Failed { client, .. } => self.handle_failed(now, client),
            Event::Unacknowledged { dialog } => {
                if let Some(at) = self.calls.iter().position(|call| call.dialog == Some(dialog)) {
                    let call = self.calls.remove(at);
                    self.end(now, &call, 480);
                    self.told.push_back(Told::hangup(&call.id, HangupReason::Failed, None));
                }
            }
            Event::ProvisionalUnacknowledged { server, .. } => {
                self.endpoint.respond(now, server, Reply::new(504));
            }
            Event::Acknowledged { .. } | Event::ProvisionalAcknowledged { .. } => {}
        }
    }

    /// Ends what is under way of a call, whatever that is.
    fn end(&mut self, now: Time, call: &Call, refusal: u16) {
        match call.stage {
            Stage::Calling(client) => self.endpoint.cancel(now, client, None),
            Stage::Canceled(_) => {}
            Stage::Called(server) => drop(self.endpoint.respond(now, server, Reply::new(refusal))),
            Stage::Up | Stage::Offering(_) => self.say_bye(now, call.dialog),
            Stage::Offered(server) => {
                self.endpoint.respond(now, server, Reply::new(488));
                self.say_bye(now, call.dialog);
            }
        }
    }

    fn say_bye(&mut self, now: Time, dialog: Option<DialogId>) {
        let Some(dialog) = dialog else { return };
        // Where the other end was quicker there is nothing to say any more.
        let _ = self.endpoint.request_in_dialog(now, dialog, Method::Bye, sip::Headers::new(), None);
    }

    /// The URI of somebody at the exchange.
    fn uri(&self, user: &str) -> Option<Uri> {
        Uri::parse(format!("sip:{user}@{}", self.realm).as_bytes()).ok()
    }

    fn address(&self, user: &str) -> Option<NameAddr> {
        self.uri(user).map(NameAddr::new)
    }

    /// Where the page is reached as an extension.
    fn contact(&self, extension: &str) -> Option<Uri> {
        Uri::parse(format!("sip:{extension}@{};transport=ws", self.host).as_bytes()).ok()
    }
}

fn sdp(text: &str) -> Body {
    Body::sdp(text.as_bytes().to_vec())
}

/// What stands behind the @: the realm, where it can stand there. The exchange does not look at it.
fn host_of(realm: &str) -> String {
    let is_host = Uri::parse(format!("sip:{realm}").as_bytes()).is_ok_and(|uri| uri.user().is_none());
    if is_host { realm.to_owned() } else { "tandem.invalid".to_owned() }
}
