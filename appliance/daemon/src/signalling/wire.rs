//! What a connection's octets go through: nothing, or TLS.

use std::io::{self, IoSlice, Read, Write};
use std::sync::Arc;

use mio::net::TcpStream;
use rustls::{ClientConnection, ServerConfig, ServerConnection, StreamOwned};

use super::identity::Expected;

/// A socket that does not block, plain or with TLS on it.
#[derive(Debug)]
pub enum Wire {
    /// Octets as they are.
    Plain(TcpStream),
    /// Encrypted, opened by the peer; the handshake happens while it is read and written.
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
    /// Encrypted, opened by us.
    Opened(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Wire {
    /// The side of a server.
    pub fn encrypted(stream: TcpStream, config: &Arc<ServerConfig>) -> io::Result<Wire> {
        let session = ServerConnection::new(config.clone()).map_err(io::Error::other)?;
        Ok(Wire::Tls(Box::new(StreamOwned::new(session, stream))))
    }

    /// The side of a client, who wants to know who is at the other end.
    pub fn opened(stream: TcpStream, expected: &Expected) -> io::Result<Wire> {
        let session =
            ClientConnection::new(expected.config.clone(), expected.name.clone()).map_err(io::Error::other)?;
        Ok(Wire::Opened(Box::new(StreamOwned::new(session, stream))))
    }

    /// Whether we still find out who is at the other end of what we opened.
    pub fn is_finding_out(&self) -> bool {
        matches!(self, Wire::Opened(tls) if tls.conn.is_handshaking())
    }

    /// The socket itself.
    pub fn socket(&mut self) -> &mut TcpStream {
        match self {
            Wire::Plain(stream) => stream,
            Wire::Tls(tls) => &mut tls.sock,
            Wire::Opened(tls) => &mut tls.sock,
        }
    }

    /// Writes what TLS has ready, as far as the kernel takes it.
    pub fn write_ready(&mut self) -> io::Result<()> {
        loop {
            let written = match self {
                Wire::Tls(tls) if tls.conn.wants_write() => tls.conn.write_tls(&mut tls.sock),
                Wire::Opened(tls) if tls.conn.wants_write() => tls.conn.write_tls(&mut tls.sock),
                _ => return Ok(()),
            };
            match written {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Wire::Plain(stream) => stream.read(buffer),
            Wire::Tls(tls) => tls.read(buffer),
            Wire::Opened(tls) => tls.read(buffer),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Wire::Plain(stream) => stream.write(octets),
            Wire::Tls(tls) => tls.write(octets),
            Wire::Opened(tls) => tls.write(octets),
        }
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Wire::Plain(stream) => stream.write_vectored(slices),
            Wire::Tls(tls) => tls.write_vectored(slices),
            Wire::Opened(tls) => tls.write_vectored(slices),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write_ready()
    }
}
