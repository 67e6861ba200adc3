//! An address from the network: a DHCP client (RFC 2131), pure but for this file.
//!
//! The client asks for answers by broadcast, so that an ordinary UDP socket bound to the interface can hear them before
//! the interface has an address, and no raw packets are needed.
mod client;
mod message;

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::time::Instant;

use smol::future::or;
use smol::{Async, Timer};
use socket2::{Domain, Socket, Type};

pub use client::{Action, Client, Destination, Lease};

const SERVER_PORT: u16 = 67;
const CLIENT_PORT: u16 = 68;

/// A socket that speaks for an interface without an address.
fn open(interface: &str) -> io::Result<Async<UdpSocket>> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None)?;
    socket.bind_device(Some(interface.as_bytes()))?;
    socket.set_broadcast(true)?;
    socket.bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, CLIENT_PORT).into())?;
    Async::new(socket.into())
}

/// Runs the client for as long as the box runs; `apply` gets each lease, and `None` when there is no longer one.
pub async fn run(interface: &str, hardware: [u8; 6], mut apply: impl FnMut(Option<Lease>)) -> io::Result<()> {
    let socket = open(interface)?;
    let began = Instant::now();
    let mut seed = [0; 8];
    rustix::rand::getrandom(&mut seed, rustix::rand::GetRandomFlags::empty())?;
    let mut client = Client::new(began.elapsed(), hardware, u64::from_ne_bytes(seed));
    let mut packet = [0; 1500];
    loop {
        while let Some(action) = client.poll_action() {
            match action {
                Action::Send { message, to } => {
                    let to = match to {
                        Destination::Everybody => Ipv4Addr::BROADCAST,
                        Destination::Server(address) => address,
                    };
                    // A network that is not there yet refuses; the client asks again.
                    let _ = socket.send_to(&message, SocketAddrV4::new(to, SERVER_PORT)).await;
                }
                Action::Bind(lease) => apply(Some(lease)),
                Action::Unbind => apply(None),
            }
        }
        let due = began + client.poll_timeout();
        let received = async { socket.recv_from(&mut packet).await.ok().map(|(length, _)| length) };
        let timeout = async {
            Timer::at(due).await;
            None
        };
        match or(received, timeout).await {
            Some(length) => client.handle_packet(began.elapsed(), &packet[..length]),
            None => client.handle_timeout(began.elapsed()),
        }
    }
}
