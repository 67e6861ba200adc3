//! Sockets of the generator, with room for all that may wait while it is busy.

use std::io;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;

static ROOM: libc::c_int = 4 << 20;

/// A socket on a free port of the loopback.
pub fn bind() -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    // Beyond the system's limit where we may, else as far as it goes.
    let options = [libc::SO_RCVBUF, libc::SO_RCVBUFFORCE];
    for option in options {
        let size = std::mem::size_of_val(&ROOM) as libc::socklen_t;
        // SAFETY: the value outlives the call, and `size` is its size.
        unsafe { libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, option, (&raw const ROOM).cast(), size) };
    }
    Ok(socket)
}
