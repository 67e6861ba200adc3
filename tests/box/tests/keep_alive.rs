//! What phones send to keep their path open (RFC 5626 §4.4): STUN over UDP, empty lines over TCP. Both are answered.

use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};

use anyhow::Result;
use box_tests::{Exchange, wait};

#[test]
fn stun_is_answered_on_the_sip_port() -> Result<()> {
    let exchange = Exchange::start()?;
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_read_timeout(Some(wait::PATIENCE))?;
    let request = [&[0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42][..], b"twelve bytes"].concat();
    socket.send_to(&request, ("127.0.0.1", exchange.sip))?;
    let mut answer = [0; 64];
    let length = socket.recv(&mut answer)?;
    assert_eq!((length, &answer[..2], &answer[8..20]), (32, &[1, 1][..], &b"twelve bytes"[..]));
    let port = u16::from_be_bytes([answer[26] ^ 0x21, answer[27] ^ 0x12]);
    assert_eq!(port, socket.local_addr()?.port());
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn a_ping_of_empty_lines_is_answered_with_a_pong() -> Result<()> {
    let exchange = Exchange::start()?;
    let mut stream = TcpStream::connect(("127.0.0.1", exchange.sip))?;
    stream.set_read_timeout(Some(wait::PATIENCE))?;
    stream.write_all(b"\r\n\r\n")?;
    let mut answer = [0; 2];
    stream.read_exact(&mut answer)?;
    assert_eq!(&answer, b"\r\n");
    exchange.assert_no_errors();
    Ok(())
}
