//! A WebSocket as a browser opens one, by TLS or without, and a phone that speaks SIP along it.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};
use lab::phone::Outgoing;
use lab::{Phone, PhoneId};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tungstenite::client::IntoClientRequest;
use tungstenite::{Error, HandshakeError, Message};

use crate::Exchange;
use crate::wait::PATIENCE;

/// A stream of either kind.
pub trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// How long a read waits.
const READ: Duration = Duration::from_millis(20);

/// Where WebSockets are opened.
#[derive(Debug, Clone)]
pub struct Place {
    /// The address.
    pub address: SocketAddr,
    /// By TLS: whom to trust.
    pub authority: Option<PathBuf>,
}

/// A connection.
pub struct WebSocket {
    socket: tungstenite::WebSocket<Box<dyn Stream>>,
    beneath: TcpStream,
}

impl Place {
    /// By HTTP.
    pub fn plain(exchange: &Exchange) -> Place {
        Place { address: exchange.http(), authority: None }
    }

    /// A stream, TLS included, and the socket beneath it.
    pub fn connect(&self) -> Result<(Box<dyn Stream>, TcpStream)> {
        let socket = TcpStream::connect(self.address)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let stream = socket.try_clone()?;
        let stream: Box<dyn Stream> = match &self.authority {
            None => Box::new(stream),
            Some(authority) => {
                let name = ServerName::from(self.address.ip());
                Box::new(StreamOwned::new(ClientConnection::new(config(authority)?, name)?, stream))
            }
        };
        Ok((stream, socket))
    }

    /// Opens a WebSocket; the error says with which status it was refused.
    pub fn open(&self, path: &str, headers: &[(&'static str, &str)]) -> Result<WebSocket> {
        let scheme = if self.authority.is_some() { "wss" } else { "ws" };
        let mut request = format!("{scheme}://{}{path}", self.address).into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse()?);
        }
        let (stream, beneath) = self.connect()?;
        match tungstenite::client(request, stream) {
            Ok((socket, _)) => {
                // Only the handshake may take long.
                beneath.set_read_timeout(Some(READ))?;
                Ok(WebSocket { socket, beneath })
            }
            Err(HandshakeError::Failure(Error::Http(response))) => {
                let body = response.body().as_deref().map(String::from_utf8_lossy).unwrap_or_default().into_owned();
                bail!("{} {body}", response.status())
            }
            Err(error) => Err(anyhow!("{error}")),
        }
    }

    /// Opens one for SIP.
    pub fn open_sip(&self, query: &str) -> Result<WebSocket> {
        self.open(&format!("/sip{query}"), &[("sec-websocket-protocol", "sip")])
    }
}

fn config(authority: &Path) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority).map_err(|error| anyhow!("{error}"))?)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

impl WebSocket {
    /// Sends a text.
    pub fn send(&mut self, text: &str) -> Result<()> {
        Ok(self.socket.send(Message::text(text))?)
    }

    /// Sends octets.
    pub fn send_octets(&mut self, octets: &[u8]) -> Result<()> {
        Ok(self.socket.send(Message::binary(octets.to_vec()))?)
    }

    /// Sending fails after so long with somebody who does not read.
    pub fn limit_writes(&mut self, limit: Duration) -> Result<()> {
        Ok(self.beneath.set_write_timeout(Some(limit))?)
    }

    /// The stream beneath it, for what no browser would send.
    pub fn raw(&mut self) -> &mut dyn Stream {
        self.socket.get_mut()
    }

    /// The next message, if there is one within 20 ms; an error when it is closed.
    pub fn poll(&mut self) -> Result<Option<String>> {
        match self.socket.read() {
            Ok(Message::Text(text)) => Ok(Some(text.to_string())),
            Ok(Message::Binary(octets)) => Ok(Some(String::from_utf8_lossy(&octets).into_owned())),
            Ok(Message::Close(frame)) => {
                let frame = frame.map(|frame| format!("{} {}", u16::from(frame.code), frame.reason));
                bail!("closed: {}", frame.unwrap_or_default())
            }
            Ok(_) => Ok(None),
            Err(Error::Io(error)) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The next message.
    pub fn message(&mut self) -> Result<String> {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if let Some(text) = self.poll()? {
                return Ok(text);
            }
        }
        bail!("no message came")
    }

    /// Waits until it is closed, and says how.
    pub fn closed(&mut self) -> Result<String> {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if let Err(error) = self.poll() {
                return Ok(error.to_string());
            }
        }
        bail!("it is open still")
    }
}

/// A phone of the lab, in a browser that has no WebRTC.
pub struct PagePhone {
    /// The phone.
    pub phone: Phone,
    socket: WebSocket,
    rtp: UdpSocket,
    started: Instant,
}

impl PagePhone {
    /// A phone along a WebSocket.
    pub fn new(number: &str, socket: WebSocket) -> Result<PagePhone> {
        let rtp = UdpSocket::bind("127.0.0.1:0")?;
        rtp.set_nonblocking(true)?;
        let address = rtp.local_addr()?;
        let mut phone = Phone::new(number, PhoneId(0), address, address, 7);
        phone.password = format!("secret{number}");
        phone.transport = sip::Transport::Wss;
        Ok(PagePhone { phone, socket, rtp, started: Instant::now() })
    }

    /// Lets it run until something is so.
    pub fn run_until(&mut self, what: &str, is_so: impl Fn(&Phone) -> bool) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        while !is_so(&self.phone) {
            if Instant::now() > end {
                bail!("waited in vain until {what}: {:?}", self.phone.complaints);
            }
            self.step()?;
        }
        Ok(())
    }

    fn step(&mut self) -> Result<()> {
        let now = self.started.elapsed();
        self.phone.handle_timeout(now);
        if let Some(message) = self.socket.poll()? {
            self.phone.handle_sip(message.as_bytes());
        }
        let mut packet = [0; 2_048];
        while let Ok((length, from)) = self.rtp.recv_from(&mut packet) {
            if let Some(call) = self.phone.calls.last_mut() {
                call.audio.hear(now, from, &packet[..length]).map_err(|error| anyhow!(error))?;
            }
        }
        while let Some(outgoing) = self.phone.poll_outgoing() {
            match outgoing {
                Outgoing::Sip(bytes) => self.socket.send(&String::from_utf8(bytes)?)?,
                Outgoing::Rtp { to, packet, .. } => drop(self.rtp.send_to(&packet, to)?),
            }
        }
        Ok(())
    }
}
