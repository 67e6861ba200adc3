//! One TCP connection: what was read of it and is not a whole message yet, and what waits to be written.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Read, Write};
use std::time::Duration;

use bytes::Bytes;
use mio::net::TcpStream;
use sip::Flow;
use sip::stream::{Frame, Framer};

use super::identity;
use super::inbox::{Arrival, Inbox};
use super::wire::Wire;
use crate::limits;

/// How many queued messages one system call writes.
const SLICES: usize = 16;

/// A connection, accepted or being opened.
#[derive(Debug)]
pub struct Connection {
    /// The path it is.
    pub flow: Flow,
    /// The path as it was asked for, when we opened the connection ourselves.
    pub asked: Option<Flow>,
    wire: Wire,
    opened: bool,
    framer: Framer,
    outgoing: VecDeque<Bytes>,
    waiting: usize,
    // Until when something must have happened: to be opened, or to have sent the rest of a message.
    due: Option<Duration>,
    heard: Duration,
    // A whole message came.
    proven: bool,
    readable: bool,
}

/// Why a connection ends.
#[derive(Debug, thiserror::Error)]
pub enum End {
    /// The peer closed it.
    #[error("closed by the peer")]
    Closed,
    /// The network or the kernel.
    #[error(transparent)]
    Failed(#[from] io::Error),
    /// What came is not SIP.
    #[error(transparent)]
    Broken(#[from] sip::stream::FrameError),
    /// The peer does not read.
    #[error("the peer does not read")]
    Stuffed,
    /// The peer is too slow, or has been silent for too long.
    #[error("timed out")]
    TimedOut,
}

impl End {
    /// Whether the peer broke a rule, rather than just went away.
    pub fn is_cut(&self) -> bool {
        match self {
            End::Broken(_) | End::Stuffed | End::TimedOut => true,
            // What is no TLS, or breaks it.
            End::Failed(error) => error.kind() == io::ErrorKind::InvalidData,
            End::Closed => false,
        }
    }
}

impl Connection {
    /// One that a peer opened.
    pub fn accepted(now: Duration, wire: Wire, flow: Flow) -> Connection {
        Connection { opened: true, due: Some(now + limits::MESSAGE_TIMEOUT), ..Connection::new(now, wire, flow) }
    }

    /// One that we are opening because of `asked`.
    pub fn opening(now: Duration, wire: Wire, flow: Flow, asked: Flow) -> Connection {
        let due = Some(now + limits::CONNECT_TIMEOUT);
        Connection { asked: Some(asked), due, proven: true, ..Connection::new(now, wire, flow) }
    }

    fn new(now: Duration, wire: Wire, flow: Flow) -> Connection {
        Connection {
            flow,
            asked: None,
            wire,
            opened: false,
            framer: Framer::new(),
            outgoing: VecDeque::new(),
            waiting: 0,
            due: None,
            heard: now,
            proven: false,
            readable: false,
        }
    }

    /// The socket, to be registered.
    pub fn stream(&mut self) -> &mut TcpStream {
        self.wire.socket()
    }

    /// Whether there may be more to read.
    pub fn readable(&self) -> bool {
        self.readable
    }

    /// The poll says that something happened.
    pub fn handle_event(&mut self, now: Duration, readable: bool, writable: bool) -> Result<(), End> {
        self.readable |= readable;
        if writable && !self.opened {
            if let Some(error) = self.wire.socket().take_error()? {
                return Err(error.into());
            }
            // Without an error and without a peer it is not open yet.
            if self.wire.socket().peer_addr().is_ok() {
                self.opened = true;
                // TLS has a time of its own.
                self.due = self.wire.is_finding_out().then_some(now + limits::CONNECT_TIMEOUT);
                self.heard = now;
            }
        }
        self.write()
    }

    /// Reads a share of what is there and puts whole messages into `inbox`.
    pub fn read(&mut self, now: Duration, buffer: &mut [u8], inbox: &mut Inbox) -> Result<(), End> {
        let mut share = limits::CONNECTION_READ;
        let was_finding_out = self.wire.is_finding_out();
        while self.readable && share > 0 {
            match self.wire.read(buffer) {
                Ok(0) => return Err(End::Closed),
                Ok(count) => {
                    self.heard = now;
                    share = share.saturating_sub(count);
                    self.framer.push(&buffer[..count]);
                    self.frames(now, inbox)?;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.readable = false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        if was_finding_out && !self.wire.is_finding_out() && self.framer.pending() == 0 {
            self.due = None;
        }
        Ok(())
    }

    fn frames(&mut self, now: Duration, inbox: &mut Inbox) -> Result<(), End> {
        let mut completed = false;
        while let Some(frame) = self.framer.next() {
            match frame? {
                Frame::Message(message) => {
                    (completed, self.proven) = (true, true);
                    inbox.push(Arrival::Message(self.flow, message));
                }
                Frame::KeepAlivePing => self.send(Bytes::from_static(Frame::PONG))?,
                Frame::Pong => {}
            }
        }
        if self.framer.pending() == 0 && self.proven {
            self.due = None;
        } else if completed || self.due.is_none() {
            self.due = Some(now + limits::MESSAGE_TIMEOUT);
        }
        Ok(())
    }

    /// Queues a message for the next [`Connection::write`].
    pub fn send(&mut self, message: Bytes) -> Result<(), End> {
        self.waiting += message.len();
        self.outgoing.push_back(message);
        if self.waiting > limits::CONNECTION_WAITING { Err(End::Stuffed) } else { Ok(()) }
    }

    /// Writes what is queued, as far as the kernel takes it; the poll says when it takes more.
    pub fn write(&mut self) -> Result<(), End> {
        if self.opened {
            self.wire.write_ready()?;
        }
        while self.opened && !self.outgoing.is_empty() {
            let mut slices = [IoSlice::new(&[]); SLICES];
            for (slice, message) in slices.iter_mut().zip(&self.outgoing) {
                *slice = IoSlice::new(message);
            }
            let count = self.outgoing.len().min(SLICES);
            match self.wire.write_vectored(&slices[..count]) {
                // TLS holds as much as it will before the kernel takes some.
                Ok(0) => return Ok(()),
                Ok(written) => self.forget(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn forget(&mut self, mut written: usize) {
        self.waiting -= written;
        while let Some(first) = self.outgoing.front_mut() {
            if written < first.len() {
                let _ = first.split_to(written);
                return;
            }
            written -= first.len();
            self.outgoing.pop_front();
        }
    }

    /// Why it never came about that we find who has to be there, if it did not.
    pub fn trouble(&self, end: &End) -> Option<String> {
        if self.opened && !self.wire.is_finding_out() {
            return None;
        }
        Some(match end {
            End::Failed(error) => identity::in_words(error),
            End::TimedOut if self.opened => "it takes too long to agree on TLS".into(),
            End::TimedOut => "nobody answers there".into(),
            _ => identity::ENDED.into(),
        })
    }

    /// Whether its time is over.
    pub fn check(&self, now: Duration) -> Result<(), End> {
        let overdue =
            self.due.is_some_and(|due| due <= now) || now.saturating_sub(self.heard) >= limits::CONNECTION_IDLE;
        if overdue { Err(End::TimedOut) } else { Ok(()) }
    }
}
