//! Callers and callees, each pair with at most one call, on two sockets and one thread.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::digest;
use crate::epoll::Epoll;
use crate::histogram::Histogram;
use crate::message::{self, Message};
use crate::{registering, socket};

/// Pairs of phones, where nothing else is said.
pub const PAIRS: usize = 100;
const CALLER: u32 = 1_000;
const CALLEE: u32 = 1_500;
/// Phones of either side; where there are more pairs, each phone has several calls, every one with another.
const PHONES: usize = 500;
/// Calls that are being set up at a time, where all are to be up.
const AT_ONCE: usize = 50;
/// Tokens of the two sockets.
const CALLERS: u64 = 0;
const CALLEES: u64 = 1;
/// The first token for sockets of others.
pub const OTHERS: u64 = 2;
/// A call that makes no step for so long is lost.
const LOST: Duration = Duration::from_secs(4);

/// How far a pair's call is, seen from the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Inviting,
    Up,
    Ending,
}

/// A caller and the callee it calls.
#[derive(Debug)]
struct Pair {
    state: State,
    // Which call of the pair this is.
    call: u64,
    sequence: u32,
    started: Instant,
    stepped: Instant,
    // When the INVITE left that the server accepts.
    authorized: Option<Instant>,
    to: String,
    target: String,
    audio: Audio,
}

/// Ports of a pair's audio: our own, and the server's once known.
#[derive(Debug, Clone, Copy, Default)]
pub struct Audio {
    /// Ours, of the caller and the callee.
    pub own: [u16; 2],
    /// The server's, towards the caller and the callee.
    pub server: [Option<u16>; 2],
    /// The payload types that they speak.
    pub laws: [u8; 2],
}

/// What the calls came to.
#[derive(Debug, Default)]
pub struct Tally {
    /// Calls from INVITE to the answered BYE.
    pub completed: u64,
    /// Calls that the server refused, by status, and those that it forgot, as 0.
    pub failed: BTreeMap<u16, u64>,
    /// From the first INVITE to the 200, the challenge included.
    pub setup: Histogram,
    /// From the INVITE with credentials to the INVITE that the callee gets.
    pub transit: Histogram,
}

/// All phones.
#[derive(Debug)]
pub struct Phones {
    server: SocketAddr,
    callers: UdpSocket,
    callees: UdpSocket,
    // Of the two sockets.
    addresses: [SocketAddr; 2],
    pairs: Vec<Pair>,
    epoll: Epoll,
    ready: Vec<u64>,
    buffer: Box<[u8]>,
    out: Vec<u8>,
    branch: u64,
    /// Whether a call ends as soon as it is answered.
    pub brief: bool,
    /// The results.
    pub tally: Tally,
}

impl Phones {
    /// Registers all of them at `server`.
    pub fn register(server: SocketAddr, pairs: usize) -> Result<Phones> {
        let (callers, callees) = (socket::bind()?, socket::bind()?);
        let last = |first: u32| first + pairs.min(PHONES) as u32;
        registering::register(server, &callers, CALLER..last(CALLER), (20, None))?;
        registering::register(server, &callees, CALLEE..last(CALLEE), (20, None))?;
        let epoll = Epoll::new()?;
        for (socket, token) in [(&callers, CALLERS), (&callees, CALLEES)] {
            socket.set_nonblocking(true)?;
            epoll.add(socket, token)?;
        }
        let now = Instant::now();
        let pair = |_| Pair {
            state: State::Idle,
            call: 0,
            sequence: 0,
            started: now,
            stepped: now,
            authorized: None,
            to: String::new(),
            target: String::new(),
            audio: Audio { own: [40_000, 40_002], ..Audio::default() },
        };
        let addresses = [callers.local_addr()?, callees.local_addr()?];
        Ok(Phones {
            server,
            addresses,
            callers,
            callees,
            pairs: (0..pairs).map(pair).collect(),
            epoll,
            ready: Vec::new(),
            buffer: vec![0; 65_536].into_boxed_slice(),
            out: Vec::with_capacity(2_048),
            branch: 0,
            brief: true,
            tally: Tally::default(),
        })
    }

    /// What reports readable sockets; those of others have tokens from [`OTHERS`] on.
    pub fn epoll(&self) -> &Epoll {
        &self.epoll
    }

    /// Sets our ports of a pair's audio, and what it speaks.
    pub fn set_audio(&mut self, pair: usize, own: [u16; 2], laws: [u8; 2]) {
        self.pairs[pair].audio = Audio { own, server: [None; 2], laws };
    }

    /// The ports of a pair's audio.
    pub fn audio(&self, pair: usize) -> Audio {
        self.pairs[pair].audio
    }

    /// How many calls are up.
    pub fn up(&self) -> usize {
        self.pairs.iter().filter(|pair| pair.state == State::Up).count()
    }

    /// Whether no call is under way or up.
    pub fn idle(&self) -> bool {
        self.pairs.iter().all(|pair| pair.state == State::Idle)
    }

    /// Has one pair call, if it does not already.
    pub fn call(&mut self, pair: usize) -> io::Result<()> {
        self.dial(pair, CALLEE + callee(pair) as u32)
    }

    /// Has the caller of a pair dial any number, if it does not already call.
    pub fn dial(&mut self, pair: usize, number: u32) -> io::Result<()> {
        if self.pairs[pair].state != State::Idle {
            return Ok(());
        }
        let now = Instant::now();
        let (state, server) = (&mut self.pairs[pair], self.server);
        state.state = State::Inviting;
        state.call += 1;
        state.sequence = 1;
        (state.started, state.authorized) = (now, None);
        state.to = format!("<sip:{number}@{server}>");
        state.target = format!("sip:{number}@{server}");
        self.invite(pair, "")
    }

    /// Has these pairs in calls, each to the number that `number` tells or, where it tells none, to its callee.
    pub fn bring_up(&mut self, pairs: std::ops::Range<usize>, number: impl Fn(usize) -> Option<u32>) -> Result<()> {
        let (all, mut moved) = (self.up() + pairs.len(), Instant::now());
        let mut waiting = pairs.into_iter();
        while self.up() < all {
            let under_way = self.pairs.iter().filter(|pair| pair.state == State::Inviting).count();
            for pair in waiting.by_ref().take(AT_ONCE.saturating_sub(under_way)) {
                match number(pair) {
                    Some(number) => self.dial(pair, number)?,
                    None => self.call(pair)?,
                }
            }
            let before = self.up();
            self.turn(Duration::from_millis(5))?;
            if self.up() > before {
                moved = Instant::now();
            }
            if moved.elapsed() > Duration::from_secs(5) {
                bail!("{} of {all} calls came up; refused: {:?}", self.up(), self.tally.failed);
            }
        }
        Ok(())
    }

    /// Ends every call that is up.
    pub fn hang_up(&mut self) -> io::Result<()> {
        for pair in 0..self.pairs.len() {
            if self.pairs[pair].state == State::Up {
                self.bye(pair)?;
            }
        }
        Ok(())
    }

    /// Waits for at most `timeout` and lets the phones do what is to be done; returns the tokens of others.
    pub fn turn(&mut self, timeout: Duration) -> Result<Vec<u64>> {
        let mut ready = std::mem::take(&mut self.ready);
        self.epoll.wait(&mut ready, timeout)?;
        for token in &ready {
            match *token {
                CALLERS => self.read(true)?,
                CALLEES => self.read(false)?,
                _ => {}
            }
        }
        ready.retain(|token| *token >= OTHERS);
        Ok(ready)
    }

    /// Gives up calls that make no step.
    pub fn give_up(&mut self) {
        let now = Instant::now();
        for pair in &mut self.pairs {
            let waits = matches!(pair.state, State::Inviting | State::Ending);
            if waits && now - pair.stepped > LOST {
                pair.state = State::Idle;
                *self.tally.failed.entry(0).or_default() += 1;
            }
        }
    }

    fn read(&mut self, caller: bool) -> Result<()> {
        let mut buffer = std::mem::take(&mut self.buffer);
        // A share, so that a flood of one side does not starve the other.
        for _ in 0..32 {
            let socket = if caller { &self.callers } else { &self.callees };
            match socket.recv_from(&mut buffer) {
                Ok((length, from)) => {
                    let message = Message(&buffer[..length]);
                    if caller { self.handle_caller(message)? } else { self.handle_callee(message, from)? }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        self.buffer = buffer;
        Ok(())
    }

    fn handle_caller(&mut self, message: Message<'_>) -> Result<()> {
        let Some(status) = message.status() else {
            bail!("a caller was asked something: {}", String::from_utf8_lossy(message.0));
        };
        let id = message.header("Call-ID").and_then(|id| id.strip_prefix('c')?.split('@').next()?.split_once('.'));
        let Some((pair, call)) =
            id.and_then(|(pair, call)| Some((pair.parse::<usize>().ok()?, call.parse::<u64>().ok()?)))
        else {
            return Ok(());
        };
        if self.pairs.get(pair).is_none_or(|pair| pair.call != call || pair.state == State::Idle) || status < 200 {
            return Ok(());
        }
        let is_bye = message.header("CSeq").is_some_and(|sequence| sequence.ends_with("BYE"));
        self.pairs[pair].stepped = Instant::now();
        match (self.pairs[pair].state, status) {
            (State::Ending, 200..) if is_bye => {
                self.pairs[pair].state = State::Idle;
                self.tally.completed += 1;
            }
            (State::Inviting, 200..300) => self.handle_answered(pair, message)?,
            (State::Inviting, 401 | 407) if self.pairs[pair].authorized.is_none() => {
                self.ack(pair, message)?;
                let (uri, user) = (self.pairs[pair].target.clone(), number_of(pair));
                let authorization = digest::answer(message, user, "INVITE", &uri).context("a challenge")?;
                self.pairs[pair].sequence += 1;
                self.pairs[pair].authorized = Some(Instant::now());
                self.invite(pair, &authorization)?;
            }
            (State::Inviting, _) => {
                self.ack(pair, message)?;
                self.pairs[pair].state = State::Idle;
                *self.tally.failed.entry(status).or_default() += 1;
            }
            _ => {}
        }
        Ok(())
    }

    fn handle_answered(&mut self, pair: usize, message: Message<'_>) -> Result<()> {
        let state = &mut self.pairs[pair];
        self.tally.setup.add(state.started.elapsed());
        state.state = State::Up;
        state.to = message.header("To").context("an answer has To")?.to_owned();
        state.target = message.contact().context("an answer has Contact")?.to_owned();
        state.audio.server[0] = message.audio_port();
        self.ack(pair, message)?;
        if self.brief { Ok(self.bye(pair)?) } else { Ok(()) }
    }

    fn handle_callee(&mut self, message: Message<'_>, from: SocketAddr) -> Result<()> {
        let mut out = std::mem::take(&mut self.out);
        if message.asks("INVITE") {
            let pair = pair_of(message).filter(|pair| *pair < self.pairs.len()).context("a pair of ours")?;
            let callee = CALLEE + callee(pair) as u32;
            let state = &mut self.pairs[pair];
            if let Some(authorized) = state.authorized {
                self.tally.transit.add(authorized.elapsed());
            }
            state.audio.server[1] = message.audio_port();
            let contact = format!("Contact: <sip:{callee}@{}>\r\n", self.addresses[1]);
            let tag = format!("t{}", state.call);
            message::respond(&mut out, message, "180 Ringing", &tag, &format!("{contact}Content-Length: 0\r\n\r\n"));
            self.callees.send_to(&out, from)?;
            let rest = contact + &message::with_session((state.audio.own[1], state.audio.laws[1]));
            message::respond(&mut out, message, "200 OK", &tag, &rest);
            self.callees.send_to(&out, from)?;
        } else if message.status().is_none() && !message.asks("ACK") {
            message::respond(&mut out, message, "200 OK", "x", "Content-Length: 0\r\n\r\n");
            self.callees.send_to(&out, from)?;
        }
        self.out = out;
        Ok(())
    }

    fn invite(&mut self, pair: usize, authorization: &str) -> io::Result<()> {
        let contact = self.addresses[0];
        let mut rest = String::with_capacity(600);
        let user = number_of(pair);
        let written = write!(rest, "Contact: <sip:{user}@{contact}>\r\n{authorization}");
        written.expect("a string takes whatever is written to it");
        let audio = self.pairs[pair].audio;
        rest += &message::with_session((audio.own[0], audio.laws[0]));
        self.request(pair, "INVITE", &rest)
    }

    fn bye(&mut self, pair: usize) -> io::Result<()> {
        self.pairs[pair].state = State::Ending;
        self.pairs[pair].sequence += 1;
        self.request(pair, "BYE", "Content-Length: 0\r\n\r\n")
    }

    /// Acknowledges `response`: a success in a transaction of its own, another status in that of its INVITE.
    fn ack(&mut self, pair: usize, response: Message<'_>) -> io::Result<()> {
        let success = response.status().is_some_and(|status| status < 300);
        let via = response.header("Via").unwrap_or_default();
        let branch = via.split("branch=").nth(1).and_then(|rest| rest.split(';').next()).filter(|_| !success);
        let branch = branch.map(str::to_owned);
        let to = response.header("To").unwrap_or_default().to_owned();
        self.write(pair, ("ACK", &to), branch.as_deref(), "Content-Length: 0\r\n\r\n")
    }

    fn request(&mut self, pair: usize, method: &str, rest: &str) -> io::Result<()> {
        let to = self.pairs[pair].to.clone();
        self.write(pair, (method, &to), None, rest)
    }

    fn write(&mut self, pair: usize, (method, to): (&str, &str), branch: Option<&str>, rest: &str) -> io::Result<()> {
        self.branch += 1;
        let fresh = format!("z9hG4bKc{}", self.branch);
        let (branch, local) = (branch.unwrap_or(&fresh), self.addresses[0]);
        let (server, user) = (self.server, number_of(pair));
        let state = &mut self.pairs[pair];
        state.stepped = Instant::now();
        let (target, call, sequence) = (&state.target, state.call, state.sequence);
        self.out.clear();
        write!(
            self.out,
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch={branch};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:{user}@{server}>;tag=f{call}\r\nTo: {to}\r\nCall-ID: c{pair}.{call}@bench\r\n\
             CSeq: {sequence} {method}\r\n{rest}"
        )?;
        self.callers.send_to(&self.out, server).map(drop)
    }
}

/// The number of a pair's caller.
fn number_of(pair: usize) -> u32 {
    CALLER + (pair % PHONES) as u32
}

/// Which callee is a pair's: no two pairs have the same caller and the same callee.
fn callee(pair: usize) -> usize {
    (pair + pair / PHONES) % PHONES
}

/// Whose call an INVITE to a callee is.
fn pair_of(invite: Message<'_>) -> Option<usize> {
    let user = |text: &str| -> Option<usize> { text.split_once("sip:")?.1.split(['@', ';']).next()?.parse().ok() };
    let head = std::str::from_utf8(invite.0).ok()?.lines().next()?;
    let (caller, callee) = (user(invite.header("From")?)?, user(head)?);
    let (caller, callee) = (caller.checked_sub(CALLER as usize)?, callee.checked_sub(CALLEE as usize)?);
    Some((callee + PHONES - caller) % PHONES * PHONES + caller)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_known_by_its_caller_and_its_callee() {
        for pair in [0, 7, 499, 500, 1_234, 2_999] {
            let (to, from) = (CALLEE + callee(pair) as u32, number_of(pair));
            let invite = format!("INVITE sip:{to}@127.0.0.1 SIP/2.0\r\nFrom: \"x\" <sip:{from}@tandem>;tag=1\r\n\r\n");
            assert_eq!(pair_of(Message(invite.as_bytes())), Some(pair));
        }
    }
}
