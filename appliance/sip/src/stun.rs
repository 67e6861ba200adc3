//! STUN on the SIP port (RFC 8489): how phones that keep a flow open over UDP ask whether it is still there (RFC 5626
//! §4.4.2), and how we ask a server of the world where it sees us.
//!
//! Only Binding requests without authentication are answered, as RFC 5626 §8 asks of a registrar's edge.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;

const HEADER: usize = 20;
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];
const BINDING_REQUEST: [u8; 2] = [0x00, 0x01];
const BINDING_SUCCESS: [u8; 2] = [0x01, 0x01];
const BINDING_ERROR: [u8; 2] = [0x01, 0x11];
const MAPPED_ADDRESS: [u8; 2] = [0x00, 0x01];
const ERROR_CODE: [u8; 2] = [0x00, 0x09];
const XOR_MAPPED_ADDRESS: [u8; 2] = [0x00, 0x20];
/// Attributes of an answer that have to be understood, and are (RFC 8489 §18.3), with those that RFC 3489 had besides.
const UNDERSTOOD: [u16; 11] = [0x01, 0x04, 0x05, 0x06, 0x08, 0x09, 0x0a, 0x0b, 0x14, 0x15, 0x20];

/// What makes an answer ours: drawn anew for each question.
pub type Transaction = [u8; 12];

/// What a server says to a question of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// Which question.
    pub transaction: Transaction,
    /// Where it sees us, or the number of its error.
    pub seen: Result<SocketAddr, u16>,
}

/// A question: where do you see us?
pub fn question(transaction: Transaction) -> Bytes {
    [&BINDING_REQUEST[..], &[0, 0], &MAGIC_COOKIE, &transaction].concat().into()
}

/// The answer of a server; `None` for anything else. One with an attribute that has to be understood and is not is none
/// (RFC 8489 §6.3.3).
pub fn read_answer(datagram: &[u8]) -> Option<Answer> {
    let header: &[u8; HEADER] = datagram.first_chunk()?;
    let kind = [header[0], header[1]];
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let is_answer = kind == BINDING_SUCCESS || kind == BINDING_ERROR;
    if !is_answer || header[4..8] != MAGIC_COOKIE || datagram.len() != HEADER + length || length % 4 != 0 {
        return None;
    }
    let (mut plain, mut masked, mut error) = (None, None, 0);
    let mut rest = &datagram[HEADER..];
    while let Some((start, after)) = rest.split_first_chunk::<4>() {
        let (kind, length) = ([start[0], start[1]], usize::from(u16::from_be_bytes([start[2], start[3]])));
        let value = after.get(..length)?;
        match kind {
            MAPPED_ADDRESS => plain = plain.or(mapped(value, &[0; 16])),
            XOR_MAPPED_ADDRESS => masked = masked.or(mapped(value, header[4..].first_chunk()?)),
            ERROR_CODE => error = value.get(2..4).map_or(0, |code| u16::from(code[0] & 7) * 100 + u16::from(code[1])),
            other => {
                let other = u16::from_be_bytes(other);
                if other < 0x8000 && !UNDERSTOOD.contains(&other) {
                    return None;
                }
            }
        }
        rest = after.get(length.next_multiple_of(4)..)?;
    }
    let seen = match (kind == BINDING_SUCCESS, masked.or(plain)) {
        (true, Some(seen)) => Ok(seen),
        (true, None) => return None,
        (false, _) => Err(error),
    };
    Some(Answer { transaction: *header[8..].first_chunk()?, seen })
}

/// An address as RFC 8489 §14.1 and §14.2 write it, with what it is masked with.
fn mapped(value: &[u8], mask: &[u8; 16]) -> Option<SocketAddr> {
    let (start, address) = value.split_first_chunk::<4>()?;
    let port = u16::from_be_bytes([start[2] ^ mask[0], start[3] ^ mask[1]]);
    let address = match start[1] {
        1 => {
            let octets: [u8; 4] = address.try_into().ok()?;
            IpAddr::from(std::array::from_fn::<u8, 4, _>(|place| octets[place] ^ mask[place]))
        }
        2 => {
            let octets: [u8; 16] = address.try_into().ok()?;
            IpAddr::from(std::array::from_fn::<u8, 16, _>(|place| octets[place] ^ mask[place]))
        }
        _ => return None,
    };
    let is_usable = port != 0 && !address.is_unspecified() && !address.is_multicast();
    is_usable.then_some(SocketAddr::new(address, port))
}

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
    /// The sample response of RFC 5769 §2.2, integrity and fingerprint included.
    #[test]
    fn the_answer_of_another_server_is_read() {
        let sample = "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220\
                      002000080001a147e112a643000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96";
        let octet =
            |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("two digits");
        let sample: Vec<u8> = sample.as_bytes().chunks(2).map(octet).collect();
        let seen = "192.0.2.1:32853".parse().expect("an address");
        assert_eq!(read_answer(&sample), Some(Answer { transaction: TRANSACTION, seen: Ok(seen) }));
        for cut in 0..sample.len() {
            assert_eq!(read_answer(&sample[..cut]), None, "{cut} octets of it");
        }
    }

    #[test]
    fn a_question_of_ours_is_answered_by_ourselves() {
        for seen in ["192.0.2.1:32853", "[2001:db8::7]:1"] {
            let seen: SocketAddr = seen.parse().expect("an address");
            let answer = answer(&question(TRANSACTION), seen).expect("it is whole");
            assert_eq!(read_answer(&answer), Some(Answer { transaction: TRANSACTION, seen: Ok(seen) }));
        }
    }

    #[test]
    fn old_servers_refusals_and_what_is_not_understood() {
        let attributes = |kind: [u8; 2], attributes: &[u8]| {
            let length = (attributes.len() as u16).to_be_bytes();
            [&kind[..], &length, &MAGIC_COOKIE, &TRANSACTION, attributes].concat()
        };
        let old = attributes(BINDING_SUCCESS, &[0, 1, 0, 8, 0, 1, 0x13, 0xc4, 203, 0, 113, 9, 0, 4, 0, 0]);
        let seen = "203.0.113.9:5060".parse().expect("an address");
        assert_eq!(read_answer(&old).map(|answer| answer.seen), Some(Ok(seen)));
        let refusal = attributes(BINDING_ERROR, &[0, 9, 0, 4, 0, 0, 4, 20]);
        assert_eq!(read_answer(&refusal).map(|answer| answer.seen), Some(Err(420)));
        let nobody = [0, 1, 0, 8, 0, 1, 0x13, 0xc4, 0, 0, 0, 0];
        let strange = [0, 0x55, 0, 0, 0, 1, 0, 8, 0, 1, 0x13, 0xc4, 203, 0, 113, 9];
        let torn = [0, 1, 0, 9, 0, 1, 0x13, 0xc4, 203, 0, 113, 9];
        for wrong in [&nobody[..], &strange, &torn, &[]] {
            assert_eq!(read_answer(&attributes(BINDING_SUCCESS, wrong)), None, "{wrong:?}");
        }
        assert_eq!(read_answer(b"SIP/2.0 200 OK\r\n\r\n"), None);
    }
}
