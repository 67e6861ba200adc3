//! STUN on the SIP port: how phones that keep a flow open over UDP ask whether it is still there (RFC 5626 §4.4.2, RFC 8489).
//!
//! Only Binding requests without authentication are answered, as RFC 5626 §8 asks of a registrar's edge.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;

const HEADER: usize = 20;
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];
const BINDING_REQUEST: [u8; 2] = [0x00, 0x01];
const BINDING_SUCCESS: [u8; 2] = [0x01, 0x01];
const XOR_MAPPED_ADDRESS: [u8; 2] = [0x00, 0x20];

/// The answer to a Binding request: the source's address as we see it. `None` for anything else, SIP above all, which
/// never begins with a byte below 4.
pub fn answer(datagram: &[u8], source: SocketAddr) -> Option<Bytes> {
    let header: &[u8; HEADER] = datagram.first_chunk()?;
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    if header[..2] != BINDING_REQUEST || header[4..8] != MAGIC_COOKIE || datagram.len() != HEADER + length {
        return None;
    }
    // An IPv4 phone on a socket of both families is told its IPv4 address.
    let (address, port) = (source.ip().to_canonical(), source.port());
    let mut value = vec![0, if address.is_ipv4() { 1 } else { 2 }];
    let mask = &header[4..];
    value.extend(port.to_be_bytes().iter().zip(mask).map(|(byte, mask)| byte ^ mask));
    match address {
        IpAddr::V4(v4) => value.extend(v4.octets().iter().zip(mask).map(|(byte, mask)| byte ^ mask)),
        IpAddr::V6(v6) => value.extend(v6.octets().iter().zip(mask).map(|(byte, mask)| byte ^ mask)),
    }
    let mut response = Vec::with_capacity(HEADER + 4 + value.len());
    response.extend(BINDING_SUCCESS);
    response.extend((4 + value.len() as u16).to_be_bytes());
    response.extend(mask);
    response.extend(XOR_MAPPED_ADDRESS);
    response.extend((value.len() as u16).to_be_bytes());
    response.extend(value);
    Some(response.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRANSACTION: [u8; 12] = [0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae];

    fn request() -> Vec<u8> {
        [&[0, 1, 0, 0][..], &MAGIC_COOKIE, &TRANSACTION].concat()
    }

    /// The mapped addresses of RFC 5769 §2.2 and §2.3.
    #[test]
    fn the_answer_holds_the_masked_address() {
        let v4 = answer(&request(), "192.0.2.1:32853".parse().expect("an address")).expect("an answer");
        assert_eq!(v4[..8], [1, 1, 0, 12, 0x21, 0x12, 0xA4, 0x42]);
        assert_eq!(v4[8..20], TRANSACTION);
        assert_eq!(v4[20..], [0, 0x20, 0, 8, 0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43]);
        let v6 = "[2001:db8:1234:5678:11:2233:4455:6677]:32853".parse().expect("an address");
        let v6 = answer(&request(), v6).expect("an answer");
        let masked = [
            0, 2, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa, 0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9,
            0xd9,
        ];
        assert_eq!(v6[24..], masked);
    }

    #[test]
    fn nothing_but_a_whole_request_is_answered() {
        let source = "192.0.2.1:5060".parse().expect("an address");
        assert!(answer(b"OPTIONS sip:a SIP/2.0\r\n", source).is_none());
        assert!(answer(b"\r\n\r\n", source).is_none());
        assert!(answer(&request()[..19], source).is_none());
        let mut lying = request();
        lying[3] = 8;
        assert!(answer(&lying, source).is_none());
        let mut indication = request();
        indication[0] = 1;
        assert!(answer(&indication, source).is_none());
    }
}
