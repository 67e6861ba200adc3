//! Many datagrams of IPv4 for one system call, `recvmmsg` and `sendmmsg`, with the moment at which each arrived.

use std::io;
use std::mem;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::time::Duration;

/// Octets of the longest datagram.
const SIZE: usize = 2_048;
/// Room for one timestamp with its header.
const CONTROL: usize = 64;

#[repr(C, align(8))]
#[derive(Clone, Copy)]
struct Control([u8; CONTROL]);

/// Buffers for datagrams that arrive or leave.
pub struct Batch {
    buffers: Box<[[u8; SIZE]]>,
    names: Box<[libc::sockaddr_in]>,
    controls: Box<[Control]>,
    parts: Box<[libc::iovec]>,
    headers: Box<[libc::mmsghdr]>,
}

impl Batch {
    /// Room for `slots` datagrams.
    pub fn new(slots: usize) -> Batch {
        // SAFETY: all three are plain C structures for which zero is a valid value.
        let (name, part, header) = unsafe { (mem::zeroed(), mem::zeroed(), mem::zeroed()) };
        let mut batch = Batch {
            buffers: vec![[0; SIZE]; slots].into(),
            names: vec![name; slots].into(),
            controls: vec![Control([0; CONTROL]); slots].into(),
            parts: vec![part; slots].into(),
            headers: vec![header; slots].into(),
        };
        for slot in 0..slots {
            batch.parts[slot].iov_base = batch.buffers[slot].as_mut_ptr().cast();
            let header = &mut batch.headers[slot].msg_hdr;
            header.msg_iov = &mut batch.parts[slot];
            header.msg_iovlen = 1;
            header.msg_name = (&raw mut batch.names[slot]).cast();
        }
        batch
    }

    /// How many fit in.
    pub fn slots(&self) -> usize {
        self.headers.len()
    }

    /// Takes what has arrived, without waiting.
    pub fn receive(&mut self, socket: &UdpSocket) -> io::Result<usize> {
        for (slot, header) in self.headers.iter_mut().enumerate() {
            self.parts[slot].iov_len = SIZE;
            header.msg_hdr.msg_namelen = mem::size_of::<libc::sockaddr_in>() as libc::socklen_t;
            header.msg_hdr.msg_control = (&raw mut self.controls[slot]).cast();
            header.msg_hdr.msg_controllen = CONTROL as _;
        }
        let slots = self.headers.len() as libc::c_uint;
        // SAFETY: each header points to a name, a control buffer and a part of this value, of the lengths given.
        let count = unsafe {
            let nothing = std::ptr::null_mut();
            libc::recvmmsg(socket.as_raw_fd(), self.headers.as_mut_ptr(), slots, libc::MSG_DONTWAIT as _, nothing)
        };
        match usize::try_from(count) {
            Ok(count) => Ok(count),
            Err(_) => match io::Error::last_os_error() {
                // Who was sent to is gone, or nothing is there.
                error if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::ConnectionRefused) => Ok(0),
                error => Err(error),
            },
        }
    }

    /// The datagram in `slot`.
    pub fn octets(&self, slot: usize) -> &[u8] {
        &self.buffers[slot][..(self.headers[slot].msg_len as usize).min(SIZE)]
    }

    /// The port from which the datagram in `slot` came.
    pub fn port(&self, slot: usize) -> u16 {
        u16::from_be(self.names[slot].sin_port)
    }

    /// When the datagram in `slot` reached the socket, after 1970; only where [`stamp`] was asked for it.
    pub fn arrived(&self, slot: usize) -> Option<Duration> {
        let header = &self.headers[slot].msg_hdr;
        // SAFETY: the kernel has filled the control buffer as far as the header says; the time is read where it begins.
        unsafe {
            let message = libc::CMSG_FIRSTHDR(header);
            if message.is_null() || (*message).cmsg_type != libc::SCM_TIMESTAMPNS {
                return None;
            }
            let time: libc::timespec = libc::CMSG_DATA(message).cast::<libc::timespec>().read_unaligned();
            Some(Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
        }
    }

    /// Makes `slot` a datagram of so many octets to `port` of the loopback, and lets them be written.
    pub fn address(&mut self, slot: usize, port: u16, length: usize) -> &mut [u8] {
        self.names[slot].sin_family = libc::AF_INET as _;
        self.names[slot].sin_port = port.to_be();
        self.names[slot].sin_addr.s_addr = u32::from_ne_bytes([127, 0, 0, 1]);
        self.parts[slot].iov_len = length.min(SIZE);
        &mut self.buffers[slot][..length.min(SIZE)]
    }

    /// Sends the first `count` out of `socket`, each to where it is addressed.
    pub fn send(&mut self, socket: &UdpSocket, count: usize) -> io::Result<()> {
        let mut sent = 0;
        while sent < count.min(self.headers.len()) {
            for header in &mut self.headers[sent..count] {
                header.msg_hdr.msg_namelen = mem::size_of::<libc::sockaddr_in>() as libc::socklen_t;
                header.msg_hdr.msg_control = std::ptr::null_mut();
                header.msg_hdr.msg_controllen = 0;
            }
            let rest = &mut self.headers[sent..count];
            // SAFETY: each header points to a name and a part of this value, of the lengths given.
            let did = unsafe { libc::sendmmsg(socket.as_raw_fd(), rest.as_mut_ptr(), rest.len() as _, 0) };
            match usize::try_from(did) {
                Ok(did) => sent += did,
                Err(_) => match io::Error::last_os_error() {
                    error if error.kind() == io::ErrorKind::ConnectionRefused => sent += 1,
                    error => return Err(error),
                },
            }
        }
        Ok(())
    }
}

/// Has the kernel tell when each datagram reaches `socket`.
pub fn stamp(socket: &UdpSocket) -> io::Result<()> {
    let on: libc::c_int = 1;
    let (size, level) = (mem::size_of_val(&on) as libc::socklen_t, libc::SOL_SOCKET);
    // SAFETY: the value outlives the call, and `size` is its size.
    match unsafe { libc::setsockopt(socket.as_raw_fd(), level, libc::SO_TIMESTAMPNS, (&raw const on).cast(), size) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn what_is_sent_arrives_with_its_sender_and_its_time() {
        let (one, other) = (crate::socket::bind().expect("a port"), crate::socket::bind().expect("a port"));
        let port = |socket: &UdpSocket| socket.local_addr().expect("it is bound").port();
        stamp(&other).expect("the kernel stamps");
        let mut batch = Batch::new(4);
        let before = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
        for slot in 0..3 {
            batch.address(slot, port(&other), 100 + slot).fill(slot as u8);
        }
        batch.send(&one, 3).expect("the loopback takes them");
        let mut batch = Batch::new(4);
        assert_eq!(batch.receive(&other).expect("nothing is wrong"), 3);
        for slot in 0..3 {
            assert_eq!((batch.octets(slot).len(), batch.octets(slot)[0]), (100 + slot, slot as u8));
            assert_eq!(batch.port(slot), port(&one));
            assert!(batch.arrived(slot).is_some_and(|at| at >= before));
        }
        assert_eq!(batch.receive(&other).expect("nothing is wrong"), 0);
    }
}
