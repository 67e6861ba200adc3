//! One TCP connection of a browser: what it holds of memory is one frame in each direction, and what the kernel holds is bounded as well.

use std::io::{self, IoSlice, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use socket2::Socket;
use webrtc::framing::{self, Frames, TooLong};
use webrtc::{Connection as Name, Path};

use crate::limits;
use crate::media_thread::sockets;

/// Why a connection ends.
#[derive(Debug, thiserror::Error)]
pub enum Cut {
    /// The browser closed it.
    #[error("the browser closed it")]
    Closed,
    /// The network did.
    #[error("it broke: {0}")]
    Broken(io::Error),
    /// It begins with something else than a check.
    #[error("it does not begin with a check")]
    NoCheck,
    /// A frame says that it is too long.
    #[error("a frame of {} octets", .0.0)]
    TooLong(TooLong),
    /// Nothing came in time.
    #[error("nothing came in time")]
    Silent,
}

/// What came of reading.
#[derive(Debug, Default)]
pub struct Intake {
    /// There may be more.
    pub is_more: bool,
    /// Audio that nobody took.
    pub lost: u64,
    /// Frames with nothing known in them.
    pub malformed: u64,
}

/// One connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    path: Path,
    name: Name,
    frames: Frames,
    /// The rest of a frame that the kernel took in part.
    unsent: Vec<u8>,
    /// Where audio goes to and comes from.
    audio: Option<UnixDatagram>,
    /// A check has come.
    has_begun: bool,
    /// It was one that knew the password.
    is_known: bool,
    /// When it was opened, and then when a frame came last.
    heard_at: Duration,
}

impl Connection {
    /// One that was just accepted.
    pub fn new(now: Duration, stream: TcpStream, name: Name) -> io::Result<Connection> {
        let canonical = |at: SocketAddr| SocketAddr::new(at.ip().to_canonical(), at.port());
        let (local, remote) = (canonical(stream.local_addr()?), canonical(stream.peer_addr()?));
        let socket = Socket::from(stream);
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        socket.set_send_buffer_size(limits::WEBRTC_TCP_BUFFER)?;
        socket.set_recv_buffer_size(limits::WEBRTC_TCP_BUFFER)?;
        sockets::mark(&socket, local.ip());
        let path = Path { local, remote, connection: Some(name) };
        let (frames, unsent) = (Frames::default(), Vec::new());
        let stream = socket.into();
        let (has_begun, is_known) = (false, false);
        Ok(Connection { stream, path, name, frames, unsent, audio: None, has_begun, is_known, heard_at: now })
    }

    /// Its name.
    pub fn name(&self) -> Name {
        self.name
    }

    /// Who is at the other end.
    pub fn source(&self) -> IpAddr {
        self.path.remote.ip()
    }

    /// Has the poll say when it can be read and written.
    pub fn watch(&self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut SourceFd(&self.stream.as_raw_fd()), token, Interest::READABLE | Interest::WRITABLE)
    }

    /// Its audio goes to the other end of `audio` from now on.
    pub fn carry(&mut self, registry: &Registry, token: Token, audio: UnixDatagram) -> io::Result<()> {
        registry.register(&mut SourceFd(&audio.as_raw_fd()), token, Interest::READABLE)?;
        self.audio = Some(audio);
        Ok(())
    }

    /// Its browser was answered.
    pub fn note_known(&mut self) {
        self.is_known = true;
    }

    /// Until when it may be silent.
    pub fn deadline(&self) -> Duration {
        self.heard_at + if self.is_known { limits::WEBRTC_TCP_IDLE } else { limits::WEBRTC_TCP_FIRST }
    }

    /// Reads its turn: audio goes on at once, everything else is for `other`.
    pub fn read(
        &mut self,
        now: Duration,
        scratch: &mut [u8],
        mut other: impl FnMut(Path, &[u8]),
    ) -> Result<Intake, Cut> {
        let mut intake = Intake::default();
        let count = loop {
            match self.stream.read(scratch) {
                Ok(0) => return Err(Cut::Closed),
                Ok(count) => break count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(intake),
                Err(error) => return Err(Cut::Broken(error)),
            }
        };
        intake.is_more = count == scratch.len();
        let (mut heard, mut is_refused) = (false, false);
        let (path, audio, has_begun) = (self.path, &mut self.audio, &mut self.has_begun);
        let taken = self.frames.take(&scratch[..count], |datagram| {
            is_refused |= !*has_begun && !begins_as_check(datagram);
            *has_begun = true;
            // RFC 7983 §7
            match datagram.first() {
                // Nobody hears of what comes with something else before it.
                _ if is_refused => {}
                Some(128..=191) => {
                    heard = true;
                    intake.lost += u64::from(!hand_on(audio, datagram));
                }
                Some(0..=3 | 20..=63) => {
                    heard = true;
                    other(path, datagram);
                }
                // One without octets says nothing, not even that somebody lives.
                _ => intake.malformed += 1,
            }
        });
        taken.map_err(Cut::TooLong)?;
        if is_refused {
            return Err(Cut::NoCheck);
        }
        // A frame before the first answer does not buy time.
        if heard && self.is_known {
            self.heard_at = now;
        }
        Ok(intake)
    }

    /// Sends a datagram; whether the connection took it.
    pub fn send(&mut self, datagram: &[u8]) -> Result<bool, Cut> {
        self.flush()?;
        let Some(header) = framing::header(datagram.len()).filter(|_| self.unsent.is_empty()) else { return Ok(false) };
        let parts = [IoSlice::new(&header), IoSlice::new(datagram)];
        let taken = match taken(self.stream.write_vectored(&parts))? {
            0 => return Ok(false),
            taken => taken,
        };
        let rest = header.iter().chain(datagram).skip(taken).copied();
        self.unsent.extend(rest);
        Ok(true)
    }

    /// Sends the rest of a frame.
    pub fn flush(&mut self) -> Result<bool, Cut> {
        while !self.unsent.is_empty() {
            match taken(self.stream.write(&self.unsent))? {
                0 => break,
                taken => drop(self.unsent.drain(..taken)),
            }
        }
        Ok(true)
    }

    /// Sends all audio that is there; how many packets the connection did not take. They are not kept: what comes later is worth more.
    pub fn carry_out(&mut self, scratch: &mut [u8]) -> Result<u64, Cut> {
        let mut lost = 0;
        while let Some(audio) = &self.audio {
            match audio.recv(scratch) {
                // The media thread has let go of it.
                Ok(0) => self.audio = None,
                Ok(count) => lost += u64::from(!self.send(&scratch[..count])?),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.audio = None,
            }
        }
        Ok(lost)
    }
}

/// Gives audio to the media thread; whether that had room.
fn hand_on(audio: &mut Option<UnixDatagram>, datagram: &[u8]) -> bool {
    let Some(open) = audio else { return false };
    match open.send(datagram) {
        Ok(_) => true,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => false,
        Err(_) => {
            // The media thread has let go of it.
            *audio = None;
            false
        }
    }
}

/// Whether it is a request of STUN's method Binding (RFC 8489 §5).
fn begins_as_check(datagram: &[u8]) -> bool {
    datagram.starts_with(&[0, 1])
}

/// How much the kernel took.
fn taken(written: io::Result<usize>) -> Result<usize, Cut> {
    match written {
        Ok(taken) => Ok(taken),
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(0),
        Err(error) => Err(Cut::Broken(error)),
    }
}
