//! The way to the board's first process: its control socket.

use std::path::PathBuf;

use api::board::{Connecting, Wire};
use tokio::net::UnixStream;

/// Where the board's first process listens.
#[derive(Debug)]
pub struct ControlSocket(pub PathBuf);

impl api::Board for ControlSocket {
    fn connect(&self) -> Connecting<'_> {
        Box::pin(async { Ok(Box::new(UnixStream::connect(&self.0).await?) as Box<dyn Wire>) })
    }
}
