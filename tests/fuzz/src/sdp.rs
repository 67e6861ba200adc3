//! Session descriptions, and what offer and answer make of them.

use std::net::IpAddr;

use sip::sdp::crypto::without_keys;
use sip::sdp::{
    Capabilities, Codec, Crypto, CryptoKey, CryptoSuite, Direction, Encryption, Local, Negotiated, OpusParameters,
    SessionDescription, UsedNumbers, offer_answer,
};

/// Reads a description, answers it as an offer, takes it as an answer. What we write must be readable and fit together.
pub fn sdp(data: &[u8]) {
    let Ok(description) = SessionDescription::parse(data) else { return };
    let again = SessionDescription::parse(&description.to_bytes()).expect("what is written can be read");
    assert_eq!(again.to_bytes(), description.to_bytes());
    for format in description.media.iter().flat_map(|media| &media.formats) {
        let opus = OpusParameters::parse(format.fmtp.as_deref());
        assert_eq!(OpusParameters::parse(opus.to_fmtp().as_deref()), opus);
    }
    for index in 0..=description.media.len() {
        let _ = (description.address_of(index), description.rtcp_address_of(index), description.direction_of(index));
    }
    for address in [IpAddr::from([192, 0, 2, 10]), IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1])] {
        let (direction, used) = (Direction::SendRecv, UsedNumbers::default());
        let local = Local { address, port: 20_000, session_id: 1, direction, used };
        for encryption in [Encryption::Off, Encryption::Optional, Encryption::Required] {
            negotiate(&description, &local, encryption);
        }
    }
    assert_no_key_is_shown(&description);
}

/// The key of a line that can be used does not appear in what is shown of the line.
fn assert_no_key_is_shown(description: &SessionDescription) {
    for line in description.media.iter().flat_map(|media| &media.lines) {
        let Some(Ok(crypto)) = Crypto::read(line) else { continue };
        let written = crypto.to_line().value;
        let (_, key) = written.split_once("inline:").expect("written by us");
        let shown = [format!("{line:?}"), without_keys(&format!("a={}", line.value)).into_owned()];
        assert!(!shown.iter().any(|shown| shown.contains(key.trim_end_matches('='))), "{shown:?}");
    }
}

/// Each side sends under the key under which the other receives.
fn assert_keys_match(encryption: Encryption, ours: &Negotiated, theirs: &Negotiated) {
    assert!(encryption != Encryption::Off || ours.crypto.is_none());
    assert!(encryption != Encryption::Required || ours.crypto.is_some());
    if let Some(ours) = &ours.crypto {
        let theirs = theirs.crypto.as_ref().expect("encrypted on one side, encrypted on the other");
        assert_eq!((&ours.send, &ours.receive, ours.tag), (&theirs.receive, &theirs.send, theirs.tag));
    }
}

fn our_lines() -> Vec<Crypto> {
    let line = |(tag, suite): (u32, CryptoSuite)| {
        let key = CryptoKey::new(suite, &vec![tag as u8; suite.key_len()]).expect("as long as the suite says");
        Crypto { tag, suite, key, key_id_len: 0 }
    };
    (1..).zip(CryptoSuite::ALL).map(line).collect()
}

fn negotiate(description: &SessionDescription, local: &Local, encryption: Encryption) {
    let opus = Codec {
        map: sip::sdp::RtpMap { name: "opus".into(), clock_rate: 48_000, channels: 2 },
        payload_type: 96,
        fmtp: None,
    };
    let (codecs, cryptos) = (vec![opus, Codec::pcma(), Codec::pcmu()], our_lines());
    let capabilities = Capabilities { codecs, encryption, cryptos, ..Capabilities::default() };
    if let Ok((answer, negotiated)) = offer_answer::answer(description, &capabilities, local) {
        assert_eq!(answer.media.len(), description.media.len());
        assert!(!negotiated.codecs.is_empty() && negotiated.codecs.iter().all(|codec| codec.send < 128));
        assert_eq!(answer.media.iter().filter(|media| media.port != 0).count(), 1);
        let theirs =
            offer_answer::accept_answer(description, &answer).expect("our answer fits the offer it was made for");
        assert_eq!(theirs.codec().map, negotiated.codec().map);
        assert_keys_match(encryption, &negotiated, &theirs);
        let next = offer_answer::offer(&capabilities, local, Some(&answer));
        assert_eq!(next.media.len(), answer.media.len());
        assert!(next.origin.version >= answer.origin.version);
    }
    let offer = offer_answer::offer(&capabilities, local, None);
    let _ = offer_answer::accept_answer(&offer, description);
    let later = offer_answer::offer(&capabilities, local, Some(description));
    assert!(later.media.len() >= description.media.len());
}
