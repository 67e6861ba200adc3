//! The sockets that share the browsers' port: the one at which they knock, and one for each that is connected.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::unix::net::UnixDatagram;

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use webrtc::Path;

use crate::limits;
use crate::udp_batch;

/// The one at which they knock. Ports can be shared by those who all say so: whether it is free is asked before it is said.
pub fn bind_first(address: SocketAddr) -> io::Result<UdpSocket> {
    let alone = UdpSocket::bind(address)?;
    let address = alone.local_addr()?;
    drop(alone);
    let socket = bind(address)?;
    udp_batch::set_buffers(&socket, limits::SIP_SOCKET_BUFFER)?;
    if address.ip().is_unspecified() {
        udp_batch::ask_for_destination(&socket, address.ip())?;
    }
    Ok(socket.into())
}

/// One for a browser, which the kernel prefers for all that comes from it.
pub fn connect(path: Path) -> io::Result<UdpSocket> {
    let socket = bind(path.local)?;
    socket.connect(&path.remote.into())?;
    Ok(socket.into())
}

/// One for a browser that comes over TCP, and its other end.
pub fn pair() -> io::Result<(UnixDatagram, UnixDatagram)> {
    let (ours, theirs) = UnixDatagram::pair()?;
    for end in [&ours, &theirs] {
        end.set_nonblocking(true)?;
        SockRef::from(end).set_send_buffer_size(limits::WEBRTC_PAIR_BUFFER)?;
    }
    Ok((ours, theirs))
}

fn bind(address: SocketAddr) -> io::Result<Socket> {
    let domain = if address.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
    let socket = Socket::new(domain, Type::DGRAM.nonblocking(), Some(Protocol::UDP))?;
    crate::media_thread::sockets::mark(&socket, address.ip());
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// The addresses of the box that others can reach.
pub fn own_addresses() -> Vec<IpAddr> {
    let mut list = std::ptr::null_mut();
    // SAFETY: the kernel's list is written where the pointer says.
    if unsafe { libc::getifaddrs(&mut list) } != 0 {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut next = list;
    // SAFETY: the list is ours until it is freed below, and its end is a null pointer.
    while let Some(entry) = unsafe { next.as_ref() } {
        next = entry.ifa_next;
        // SAFETY: an entry has an address or a null pointer.
        let address = unsafe { entry.ifa_addr.as_ref() }.and_then(udp_batch::address_of);
        let is_reachable = |address: &IpAddr| match address {
            IpAddr::V4(address) => !address.is_loopback() && !address.is_link_local(),
            IpAddr::V6(address) => !address.is_loopback() && !address.is_unicast_link_local(),
        };
        found.extend(address.filter(is_reachable));
    }
    // SAFETY: nothing of the list is kept.
    unsafe { libc::freeifaddrs(list) };
    found.truncate(limits::OWN_ADDRESSES);
    found
}
