//! What a WebSocket of ours is watched for besides its own work: who is silent, a token that expires, rights that are withdrawn,
//! and the end of the exchange.

use std::pin::Pin;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use tokio::sync::watch;
use tokio::time::{Duration, Instant, Interval, MissedTickBehavior, Sleep};

use crate::auth::Caller;
use crate::limits;
use crate::meter::Meter;
use crate::state::State;

/// Why a WebSocket ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The other end went, or the connection broke.
    Gone,
    /// We close, with a code of RFC 6455 §7.4 and the reason in words.
    Close(u16, &'static str),
    /// The same, because the other end broke a rule.
    Cut(u16, &'static str),
}

impl End {
    /// Because of what a caller may do.
    pub fn policy(reason: &'static str) -> End {
        End::Close(close_code::POLICY, reason)
    }

    /// Because of something of ours that failed.
    pub fn error(reason: &'static str) -> End {
        End::Close(close_code::ERROR, reason)
    }

    fn going_away() -> End {
        End::Close(close_code::AWAY, "the exchange is stopping")
    }
}

/// What a WebSocket has to do when its watch says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Duty {
    /// Ask whether the other end is there.
    Ping,
    /// Somebody's rights were changed: look whether this one's still count.
    LookAgain,
}

/// The watch over one WebSocket.
pub(crate) struct Vigil {
    pings: Interval,
    heard: Instant,
    /// Until when it must say something, where nobody knows who it is.
    due: Option<Instant>,
    /// Until when what it has said in vain is paid for.
    idle: Instant,
    meter: Meter,
    expired: Pin<Box<Sleep>>,
    withdrawals: watch::Receiver<()>,
    stopping: watch::Receiver<bool>,
}

impl Vigil {
    /// From now on, asking as often, over a connection with this meter. Whoever has logged in may be silent, as long as it answers.
    pub fn new(state: &State, caller: Option<&Caller>, (ping, meter): (Duration, &Meter)) -> Vigil {
        let now = Instant::now();
        meter.limit(limits::SIP_UNSETTLED);
        let mut pings = tokio::time::interval_at(now + ping, ping);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let lifetime = caller.map_or(Duration::MAX, |caller| caller.lifetime(state));
        Vigil {
            pings,
            heard: now,
            due: caller.is_none().then_some(now + limits::SIP_FIRST),
            idle: now,
            meter: meter.clone(),
            expired: Box::pin(tokio::time::sleep(lifetime)),
            withdrawals: state.withdrawals(),
            stopping: state.stopping(),
        }
    }

    /// Something came. Who says nothing again and again, in frames that are answered or only read, is cut off.
    pub fn heard(&mut self, message: &Message) -> Result<(), End> {
        self.heard = Instant::now();
        let octets = match message {
            Message::Text(text) => self.heard_whole(text.len()),
            Message::Binary(octets) => self.heard_whole(octets.len()),
            Message::Ping(octets) | Message::Pong(octets) => {
                self.meter.settle(octets.len());
                0
            }
            Message::Close(_) => return Ok(()),
        };
        if octets > limits::SIP_IDLE_OCTETS {
            return Ok(());
        }
        self.idle = self.idle.max(self.heard) + limits::SIP_IDLE_FRAME;
        match self.idle > self.heard + limits::SIP_IDLE_FRAME * limits::SIP_IDLE_FRAMES {
            true => Err(End::Cut(close_code::POLICY, "too many frames that say nothing")),
            false => Ok(()),
        }
    }

    fn heard_whole(&mut self, octets: usize) -> usize {
        self.meter.settle_all();
        self.due = self.due.map(|_| self.heard + limits::SIP_IDLE);
        octets
    }

    /// The next duty; the error is a reason to end. Who gives up waiting loses nothing.
    pub async fn next(&mut self) -> Result<Duty, End> {
        tokio::select! {
            _ = self.pings.tick() => {}
            () = &mut self.expired => return Err(End::policy("the token has expired")),
            changed = self.withdrawals.changed() => {
                return changed.map(|()| Duty::LookAgain).map_err(|_| End::going_away());
            }
            // An error means that the sender is gone, which comes to the same.
            _ = self.stopping.wait_for(|stopping| *stopping) => return Err(End::going_away()),
        }
        self.look().map(|()| Duty::Ping)
    }

    /// Lets go of who does not answer, and of who opened a connection for nothing.
    fn look(&self) -> Result<(), End> {
        if self.heard.elapsed() >= limits::WEBSOCKET_SILENCE {
            return Err(End::Cut(close_code::POLICY, "nothing came for too long"));
        }
        match self.due.is_some_and(|due| due <= Instant::now()) {
            true => Err(End::Cut(close_code::POLICY, "no message came")),
            false => Ok(()),
        }
    }
}

/// Whether what let a caller in still counts, read anew.
pub(crate) async fn look_again(caller: &mut Caller, state: &State) -> Result<(), End> {
    match caller.look_again(state).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(End::policy("what let you in was withdrawn")),
        Err(_) => Err(End::error("the database cannot be read")),
    }
}

/// Sends, and lets go of who does not take it within this time.
pub(crate) async fn send(websocket: &mut WebSocket, message: Message, within: Duration) -> Result<(), End> {
    match tokio::time::timeout(within, websocket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Gone),
        Err(_) => Err(End::Cut(close_code::POLICY, STUFFED)),
    }
}

/// What is said to who does not read.
pub(crate) const STUFFED: &str = "what was sent is not read";

/// Says why it ends, if somebody is there to hear it.
pub(crate) async fn close(mut websocket: WebSocket, end: End) {
    if let End::Close(code, reason) | End::Cut(code, reason) = end {
        tracing::debug!(code, reason, "closing a WebSocket");
        let close = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
        // The other end may be gone already.
        let _ = tokio::time::timeout(limits::SIP_WRITE, websocket.send(close)).await;
    }
}
