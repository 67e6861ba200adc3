//! Session descriptions, and what offer and answer make of them.

use std::net::IpAddr;

use sip::sdp::{Capabilities, Codec, Direction, Local, SessionDescription, offer_answer};

/// Reads a description, answers it as an offer, takes it as an answer. What we write must be readable and fit together.
pub fn sdp(data: &[u8]) {
    let Ok(description) = SessionDescription::parse(data) else { return };
    let again = SessionDescription::parse(&description.to_bytes()).expect("what is written can be read");
    assert_eq!(again.to_bytes(), description.to_bytes());
    for index in 0..=description.media.len() {
        let _ = (description.address_of(index), description.rtcp_address_of(index), description.direction_of(index));
    }
    for address in [IpAddr::from([192, 0, 2, 10]), IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1])] {
        let local = Local { address, port: 20_000, session_id: 1, direction: Direction::SendRecv };
        negotiate(&description, &local);
    }
}

fn negotiate(description: &SessionDescription, local: &Local) {
    let opus = Codec {
        map: sip::sdp::RtpMap { name: "opus".into(), clock_rate: 48_000, channels: 2 },
        payload_type: 96,
        fmtp: None,
    };
    let capabilities = Capabilities { codecs: vec![opus, Codec::pcma(), Codec::pcmu()], ..Capabilities::default() };
    if let Ok((answer, negotiated)) = offer_answer::answer(description, &capabilities, local) {
        assert_eq!(answer.media.len(), description.media.len());
        assert!(!negotiated.codecs.is_empty() && negotiated.codecs.iter().all(|codec| codec.send < 128));
        assert_eq!(answer.media.iter().filter(|media| media.port != 0).count(), 1);
        let theirs =
            offer_answer::accept_answer(description, &answer).expect("our answer fits the offer it was made for");
        assert_eq!(theirs.codec().map, negotiated.codec().map);
        let next = offer_answer::offer(&capabilities, local, Some(&answer));
        assert_eq!(next.media.len(), answer.media.len());
        assert!(next.origin.version >= answer.origin.version);
    }
    let offer = offer_answer::offer(&capabilities, local, None);
    let _ = offer_answer::accept_answer(&offer, description);
    let later = offer_answer::offer(&capabilities, local, Some(description));
    assert!(later.media.len() >= description.media.len());
}
