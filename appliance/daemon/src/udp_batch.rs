//! Many datagrams for one system call: `recvmmsg` and `sendmmsg` over buffers that are made once.
//!
//! The only module that handles raw socket addresses and control messages; everybody else sees [`SocketAddr`].

use std::io;
use std::mem::{self, MaybeUninit};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, RawFd};
use std::ptr;

use media::Datagram;

/// Room for one `in6_pktinfo` with its header, and what else the kernel may add.
const CONTROL: usize = 64;

#[repr(C)]
#[derive(Clone, Copy)]
union Name {
    family: libc::sa_family_t,
    v4: libc::sockaddr_in,
    v6: libc::sockaddr_in6,
}

#[repr(C, align(8))]
#[derive(Clone, Copy)]
struct Control([u8; CONTROL]);

/// One datagram to be sent.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// Where to; `None` where the socket is connected.
    pub to: Option<SocketAddr>,
    /// Out of which of our addresses; `None` leaves it to the socket.
    pub from: Option<IpAddr>,
    /// What.
    pub octets: &'a [u8],
}

/// Buffers for datagrams that arrive.
pub struct Receiver {
    size: usize,
    buffers: Box<[u8]>,
    names: Box<[Name]>,
    controls: Box<[Control]>,
    parts: Box<[libc::iovec]>,
    headers: Box<[libc::mmsghdr]>,
    with_destination: bool,
}

// SAFETY: the pointers in `parts` and `headers` point into the boxes of the same value, which move with it.
unsafe impl Send for Receiver {}

impl Receiver {
    /// Room for `slots` datagrams of up to `size` octets. `with_destination` asks for the address each was sent to; the
    /// socket must have been prepared by [`ask_for_destination`].
    pub fn new(slots: usize, size: usize, with_destination: bool) -> Receiver {
        let mut receiver = Receiver {
            size,
            buffers: vec![0; slots * size].into_boxed_slice(),
            // SAFETY: all three are plain C structures for which zero is a valid value.
            names: vec![unsafe { mem::zeroed() }; slots].into_boxed_slice(),
            controls: vec![Control([0; CONTROL]); slots].into_boxed_slice(),
            parts: vec![libc::iovec { iov_base: ptr::null_mut(), iov_len: size }; slots].into_boxed_slice(),
            // SAFETY: as above.
            headers: vec![unsafe { mem::zeroed() }; slots].into_boxed_slice(),
            with_destination,
        };
        for slot in 0..slots {
            receiver.parts[slot].iov_base = receiver.buffers[slot * size..].as_mut_ptr().cast();
            let header = &mut receiver.headers[slot].msg_hdr;
            header.msg_iov = &mut receiver.parts[slot];
            header.msg_iovlen = 1;
            header.msg_name = ptr::from_mut(&mut receiver.names[slot]).cast();
            if with_destination {
                header.msg_control = ptr::from_mut(&mut receiver.controls[slot]).cast();
            }
        }
        receiver
    }

    /// How many datagrams one call can take.
    pub fn slots(&self) -> usize {
        self.headers.len()
    }

    /// Takes what has arrived, without waiting: how many datagrams, fewer than [`Receiver::slots`] when no more are there.
    pub fn receive(&mut self, socket: &impl AsRawFd) -> io::Result<usize> {
        for entry in &mut self.headers {
            entry.msg_hdr.msg_namelen = mem::size_of::<Name>() as libc::socklen_t;
            entry.msg_hdr.msg_controllen = if self.with_destination { CONTROL as _ } else { 0 };
            entry.msg_hdr.msg_flags = 0;
        }
        let slots = self.headers.len() as libc::c_uint;
        // SAFETY: each header points to a name, a control buffer and a part of this value, of the lengths given.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                self.headers.as_mut_ptr(),
                slots,
                libc::MSG_DONTWAIT as _,
                ptr::null_mut(),
            )
        };
        match count {
            -1 => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
                error => Err(error),
            },
            count => Ok(count.unsigned_abs() as usize),
        }
    }

    /// Who sent the datagram in `slot`; `None` when the kernel gave no address that we know.
    pub fn source(&self, slot: usize) -> Option<SocketAddr> {
        read_name(&self.names[slot])
    }

    /// To which address the datagram in `slot` was sent, if it was asked for.
    pub fn destination(&self, slot: usize) -> Option<IpAddr> {
        read_destination(&self.headers[slot].msg_hdr)
    }

    /// Whether the datagram in `slot` was longer than its buffer.
    pub fn truncated(&self, slot: usize) -> bool {
        self.headers[slot].msg_hdr.msg_flags & libc::MSG_TRUNC != 0
    }

    /// The octets of the datagram in `slot`.
    pub fn octets(&self, slot: usize) -> &[u8] {
        &self.buffers[slot * self.size..][..self.length(slot)]
    }

    /// The same, to be rewritten in place, with the room behind it.
    pub fn datagram(&mut self, slot: usize) -> Datagram<'_> {
        let length = self.length(slot);
        Datagram::new(&mut self.buffers[slot * self.size..][..self.size], length)
    }

    /// The first `length` octets of the buffer in `slot`, whatever arrived.
    pub fn first(&self, slot: usize, length: usize) -> &[u8] {
        &self.buffers[slot * self.size..][..length.min(self.size)]
    }

    fn length(&self, slot: usize) -> usize {
        (self.headers[slot].msg_len as usize).min(self.size)
    }
}

impl std::fmt::Debug for Receiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receiver").field("slots", &self.slots()).field("size", &self.size).finish_non_exhaustive()
    }
}

/// Headers for datagrams that leave.
pub struct Sender {
    names: Box<[Name]>,
    controls: Box<[Control]>,
    parts: Box<[libc::iovec]>,
    headers: Box<[libc::mmsghdr]>,
}

// SAFETY: the pointers in `headers` point into the boxes of the same value, which move with it; those in `parts` are
// written anew before each use.
unsafe impl Send for Sender {}

impl Sender {
    /// Room for `slots` datagrams at a time.
    pub fn new(slots: usize) -> Sender {
        let mut sender = Sender {
            // SAFETY: plain C structures for which zero is a valid value.
            names: vec![unsafe { mem::zeroed() }; slots].into_boxed_slice(),
            controls: vec![Control([0; CONTROL]); slots].into_boxed_slice(),
            parts: vec![libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 }; slots].into_boxed_slice(),
            // SAFETY: as above.
            headers: vec![unsafe { mem::zeroed() }; slots].into_boxed_slice(),
        };
        for slot in 0..slots {
            let header = &mut sender.headers[slot].msg_hdr;
            header.msg_iov = &mut sender.parts[slot];
            header.msg_iovlen = 1;
        }
        sender
    }

    /// Sends the first datagrams of `packets`, as many as there is room for, and says how many the kernel took. An error
    /// is about the first one; none was sent then.
    pub fn send<'a>(
        &mut self,
        socket: &impl AsRawFd,
        packets: impl Iterator<Item = Outgoing<'a>>,
    ) -> io::Result<usize> {
        let mut filled = 0;
        for (slot, packet) in packets.take(self.headers.len()).enumerate() {
            let header = &mut self.headers[slot].msg_hdr;
            (header.msg_name, header.msg_namelen) = match packet.to {
                Some(to) => (ptr::from_mut(&mut self.names[slot]).cast(), write_name(&mut self.names[slot], to)),
                None => (ptr::null_mut(), 0),
            };
            header.msg_control = ptr::from_mut(&mut self.controls[slot]).cast();
            match packet.from {
                Some(from) => write_source(header, from),
                None => (header.msg_control, header.msg_controllen) = (ptr::null_mut(), 0),
            }
            // The kernel only reads through this pointer.
            self.parts[slot] =
                libc::iovec { iov_base: packet.octets.as_ptr().cast_mut().cast(), iov_len: packet.octets.len() };
            filled = slot + 1;
        }
        loop {
            // SAFETY: the first `filled` headers were just pointed at names, control messages and octets that outlive the call.
            let sent = unsafe {
                libc::sendmmsg(
                    socket.as_raw_fd(),
                    self.headers.as_mut_ptr(),
                    filled as libc::c_uint,
                    (libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL) as _,
                )
            };
            match sent {
                -1 => match io::Error::last_os_error() {
                    error if error.kind() == io::ErrorKind::Interrupted => {}
                    error => return Err(error),
                },
                sent => return Ok(sent.unsigned_abs() as usize),
            }
        }
    }
}

impl std::fmt::Debug for Sender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sender").field("slots", &self.headers.len()).finish_non_exhaustive()
    }
}

/// Sends one datagram, which for one is cheaper than [`Sender::send`]; a socket that is connected needs no address.
pub fn send_one(socket: &impl AsRawFd, to: impl Into<Option<SocketAddr>>, octets: &[u8]) -> io::Result<()> {
    let mut name = MaybeUninit::<Name>::uninit();
    // SAFETY: `write_name` fills as much of the name as it says; octets and name outlive the call.
    let sent = unsafe {
        let (to, length) = match to.into() {
            Some(to) => {
                let length = write_name(&mut *name.as_mut_ptr(), to);
                (name.as_ptr().cast(), length)
            }
            None => (ptr::null(), 0),
        };
        let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
        libc::sendto(socket.as_raw_fd(), octets.as_ptr().cast(), octets.len(), flags, to, length)
    };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Has the kernel say of each datagram to which of our addresses it was sent; needed on a socket bound to all of them.
pub fn ask_for_destination(socket: &impl AsRawFd, address: IpAddr) -> io::Result<()> {
    let on: libc::c_int = 1;
    let (level, option) = match address {
        IpAddr::V4(_) => (libc::IPPROTO_IP, libc::IP_PKTINFO),
        IpAddr::V6(_) => (libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO),
    };
    set_option(socket.as_raw_fd(), level, option, on)
}

/// Sets the kernel's buffers, beyond the system's limit where we are allowed to.
pub fn set_buffers(socket: &impl AsRawFd, octets: i32) -> io::Result<()> {
    let pairs = [(libc::SO_RCVBUFFORCE, libc::SO_RCVBUF), (libc::SO_SNDBUFFORCE, libc::SO_SNDBUF)];
    for (forced, allowed) in pairs {
        set_option(socket.as_raw_fd(), libc::SOL_SOCKET, forced, octets)
            .or_else(|_| set_option(socket.as_raw_fd(), libc::SOL_SOCKET, allowed, octets))?;
    }
    Ok(())
}

fn set_option(socket: RawFd, level: i32, option: i32, value: libc::c_int) -> io::Result<()> {
    let size = mem::size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the value is an int and `size` is its size.
    match unsafe { libc::setsockopt(socket, level, option, ptr::from_ref(&value).cast(), size) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

fn read_name(name: &Name) -> Option<SocketAddr> {
    // SAFETY: the kernel wrote an address of the family that stands at its beginning; zero is AF_UNSPEC.
    unsafe {
        match i32::from(name.family) {
            libc::AF_INET => {
                let ip = Ipv4Addr::from(name.v4.sin_addr.s_addr.to_ne_bytes());
                Some(SocketAddr::V4(SocketAddrV4::new(ip, u16::from_be(name.v4.sin_port))))
            }
            libc::AF_INET6 => {
                let ip = Ipv6Addr::from(name.v6.sin6_addr.s6_addr);
                Some(SocketAddr::V6(SocketAddrV6::new(ip, u16::from_be(name.v6.sin6_port), 0, name.v6.sin6_scope_id)))
            }
            _ => None,
        }
    }
}

/// The address in what the kernel says of an interface, if it is of a family that we know.
pub fn address_of(address: &libc::sockaddr) -> Option<IpAddr> {
    let address = ptr::from_ref(address);
    // SAFETY: an address of a family is as large as its family says; those of other families are not looked into.
    unsafe {
        match i32::from((*address).sa_family) {
            libc::AF_INET => {
                let v4 = address.cast::<libc::sockaddr_in>().read_unaligned();
                Some(IpAddr::V4(Ipv4Addr::from(v4.sin_addr.s_addr.to_ne_bytes())))
            }
            libc::AF_INET6 => {
                let v6 = address.cast::<libc::sockaddr_in6>().read_unaligned();
                Some(IpAddr::V6(Ipv6Addr::from(v6.sin6_addr.s6_addr)))
            }
            _ => None,
        }
    }
}

fn write_name(name: &mut Name, address: SocketAddr) -> libc::socklen_t {
    match address {
        SocketAddr::V4(address) => {
            name.v4 = libc::sockaddr_in {
                sin_family: libc::AF_INET as libc::sa_family_t,
                sin_port: address.port().to_be(),
                sin_addr: in_addr(*address.ip()),
                sin_zero: [0; 8],
            };
            mem::size_of::<libc::sockaddr_in>() as libc::socklen_t
        }
        SocketAddr::V6(address) => {
            name.v6 = libc::sockaddr_in6 {
                sin6_family: libc::AF_INET6 as libc::sa_family_t,
                sin6_port: address.port().to_be(),
                sin6_flowinfo: 0,
                sin6_addr: libc::in6_addr { s6_addr: address.ip().octets() },
                sin6_scope_id: address.scope_id(),
            };
            mem::size_of::<libc::sockaddr_in6>() as libc::socklen_t
        }
    }
}

fn in_addr(address: Ipv4Addr) -> libc::in_addr {
    libc::in_addr { s_addr: u32::from_ne_bytes(address.octets()) }
}

fn read_destination(header: &libc::msghdr) -> Option<IpAddr> {
    // SAFETY: the kernel filled the control buffer and its length; the CMSG functions stay within them.
    unsafe {
        let mut message = libc::CMSG_FIRSTHDR(header);
        while let Some(control) = message.as_ref() {
            let data = libc::CMSG_DATA(message);
            match (control.cmsg_level, control.cmsg_type) {
                (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                    let info: libc::in_pktinfo = ptr::read_unaligned(data.cast());
                    return Some(IpAddr::V4(Ipv4Addr::from(info.ipi_addr.s_addr.to_ne_bytes())));
                }
                (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                    let info: libc::in6_pktinfo = ptr::read_unaligned(data.cast());
                    return Some(IpAddr::V6(Ipv6Addr::from(info.ipi6_addr.s6_addr)));
                }
                _ => message = libc::CMSG_NXTHDR(header, message),
            }
        }
    }
    None
}

/// Writes one control message that names the source; `header.msg_control` points to [`CONTROL`] octets.
fn write_source(header: &mut libc::msghdr, from: IpAddr) {
    header.msg_controllen = CONTROL as _;
    // SAFETY: CONTROL is enough for the header and either of the two structures, and the buffer is aligned to 8.
    unsafe {
        let message = libc::CMSG_FIRSTHDR(header);
        let (level, kind, size) = match from {
            IpAddr::V4(_) => (libc::IPPROTO_IP, libc::IP_PKTINFO, mem::size_of::<libc::in_pktinfo>()),
            IpAddr::V6(_) => (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, mem::size_of::<libc::in6_pktinfo>()),
        };
        (*message).cmsg_level = level;
        (*message).cmsg_type = kind;
        (*message).cmsg_len = libc::CMSG_LEN(size as libc::c_uint) as _;
        let data = libc::CMSG_DATA(message);
        match from {
            IpAddr::V4(from) => {
                let unset = in_addr(Ipv4Addr::UNSPECIFIED);
                let info = libc::in_pktinfo { ipi_ifindex: 0, ipi_spec_dst: in_addr(from), ipi_addr: unset };
                ptr::write_unaligned(data.cast(), info);
            }
            IpAddr::V6(from) => {
                let address = libc::in6_addr { s6_addr: from.octets() };
                ptr::write_unaligned(data.cast(), libc::in6_pktinfo { ipi6_addr: address, ipi6_ifindex: 0 });
            }
        }
        header.msg_controllen = libc::CMSG_SPACE(size as libc::c_uint) as _;
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    fn socket(address: &str) -> UdpSocket {
        let socket = UdpSocket::bind(address).expect("a free port of the loopback");
        socket.set_nonblocking(true).expect("sockets can be non-blocking");
        socket
    }

    fn wait(receiver: &mut Receiver, socket: &UdpSocket) -> usize {
        let mut ready = libc::pollfd { fd: socket.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one pollfd is passed and one is there.
        unsafe { libc::poll(&mut ready, 1, 2_000) };
        receiver.receive(socket).expect("the socket is sound")
    }

    #[test]
    fn a_batch_arrives_whole_and_in_order() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let (here, there) = (socket(address), socket(address));
            let to = there.local_addr().expect("it is bound");
            let texts: Vec<String> = (0..20).map(|n| format!("datagram {n}")).collect();
            let mut sender = Sender::new(32);
            let packets = texts.iter().map(|text| Outgoing { to: Some(to), from: None, octets: text.as_bytes() });
            assert_eq!(sender.send(&here, packets).expect("the loopback takes it"), 20);
            let mut receiver = Receiver::new(16, 64, false);
            assert_eq!(wait(&mut receiver, &there), 16);
            assert_eq!(receiver.source(3), here.local_addr().ok());
            assert_eq!(receiver.octets(15), b"datagram 15");
            assert_eq!(receiver.receive(&there).expect("the socket is sound"), 4);
            assert_eq!(receiver.octets(3), b"datagram 19");
            assert_eq!(receiver.destination(3), None);
            assert_eq!(receiver.receive(&there).expect("the socket is sound"), 0);
        }
    }

    #[test]
    fn a_wildcard_socket_learns_where_it_was_reached_and_answers_from_there() {
        for (wildcard, client, reached) in [("0.0.0.0:0", "127.0.0.1:0", "127.0.0.77"), ("[::]:0", "[::1]:0", "::1")] {
            let (server, client) = (socket(wildcard), socket(client));
            let local = server.local_addr().expect("it is bound");
            ask_for_destination(&server, local.ip()).expect("Linux knows it");
            let reached: IpAddr = reached.parse().expect("an address");
            client.send_to(b"hello", (reached, local.port())).expect("the loopback takes it");
            let mut receiver = Receiver::new(4, 64, true);
            assert_eq!(wait(&mut receiver, &server), 1);
            assert_eq!(receiver.destination(0), Some(reached));
            let to = receiver.source(0).expect("it has a source");
            let answer = Outgoing { to: Some(to), from: Some(reached), octets: b"back" };
            assert_eq!(Sender::new(4).send(&server, std::iter::once(answer)).expect("the loopback takes it"), 1);
            let mut receiver = Receiver::new(4, 64, false);
            assert_eq!(wait(&mut receiver, &client), 1);
            assert_eq!(receiver.source(0), Some(SocketAddr::new(reached, local.port())));
            assert_eq!(receiver.octets(0), b"back");
        }
    }

    #[test]
    fn a_datagram_that_is_too_long_is_marked() {
        let (here, there) = (socket("127.0.0.1:0"), socket("127.0.0.1:0"));
        send_one(&here, there.local_addr().expect("it is bound"), &[7; 100]).expect("the loopback takes it");
        send_one(&here, there.local_addr().expect("it is bound"), &[]).expect("the loopback takes it");
        let mut receiver = Receiver::new(4, 64, false);
        assert_eq!(wait(&mut receiver, &there), 2);
        assert!(receiver.truncated(0) && !receiver.truncated(1));
        assert_eq!(receiver.octets(0), &[7; 64]);
        assert_eq!(receiver.octets(1), b"");
    }

    #[test]
    fn an_impossible_destination_is_an_error_and_the_rest_goes_on() {
        let (here, there) = (socket("127.0.0.1:0"), socket("127.0.0.1:0"));
        let good = there.local_addr().expect("it is bound");
        let bad: SocketAddr = "[::1]:9".parse().expect("an address");
        let packets = [good, bad, good].map(|to| Outgoing { to: Some(to), from: None, octets: b"x" });
        let mut sender = Sender::new(8);
        assert_eq!(sender.send(&here, packets.iter().copied()).expect("the first one goes"), 1);
        sender.send(&here, packets[1..].iter().copied()).expect_err("an IPv4 socket cannot reach it");
        assert_eq!(sender.send(&here, packets[2..].iter().copied()).expect("the last one goes"), 1);
        assert!(send_one(&here, bad, b"x").is_err());
    }
}
