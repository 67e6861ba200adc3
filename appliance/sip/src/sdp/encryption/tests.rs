//! Offers and answers with keys: who is encrypted, who is not, and who is refused.

use std::net::IpAddr;

use super::*;
use crate::sdp::{Direction, Local, Negotiated, SessionDescription, UsedNumbers, offer_answer};

fn local() -> Local {
    Local {
        address: IpAddr::from([192, 0, 2, 10]),
        port: 20_000,
        session_id: 7,
        direction: Direction::SendRecv,
        used: UsedNumbers::default(),
    }
}

/// A line of the suite; the key is another for each seed.
fn crypto(tag: u32, suite: CryptoSuite, seed: u8) -> Crypto {
    let key = CryptoKey::new(suite, &vec![seed; suite.key_len()]).expect("as long as the suite says");
    Crypto { tag, suite, key, key_id_len: 0 }
}

const GCM: CryptoSuite = CryptoSuite::AeadAes128Gcm;
const CM_80: CryptoSuite = CryptoSuite::AesCm128HmacSha1_80;
const CM_32: CryptoSuite = CryptoSuite::AesCm128HmacSha1_32;

/// What we can do: two suites, under keys of their own.
fn ours(encryption: Encryption) -> Capabilities {
    Capabilities { encryption, cryptos: vec![crypto(1, GCM, 101), crypto(2, CM_80, 102)], ..Capabilities::default() }
}

/// An offer of a phone: its profile, and its lines.
fn phone(proto: &str, lines: &[&str]) -> SessionDescription {
    let mut text =
        format!("v=0\no=- 1 1 IN IP4 192.0.2.21\ns=-\nc=IN IP4 192.0.2.21\nt=0 0\nm=audio 4000 {proto} 8 0\n");
    for line in lines {
        text += &format!("a={line}\n");
    }
    SessionDescription::parse(text.as_bytes()).expect("readable")
}

fn value(crypto: &Crypto) -> String {
    crypto.to_line().value.to_string()
}

fn answer(offer: &SessionDescription, ours: &Capabilities) -> Result<(SessionDescription, Negotiated), Refusal> {
    offer_answer::answer(offer, ours, &local())
}

fn lines(session: &SessionDescription) -> Vec<Crypto> {
    session.media[0].cryptos().map(|crypto| crypto.expect("we write what can be used")).collect()
}

#[test]
fn the_first_line_we_can_use_is_answered_under_its_number_with_a_key_of_ours() {
    let (f8, theirs) = ("crypto:3 F8_128_HMAC_SHA1_80 inline:x", crypto(5, CM_80, 9));
    let weak = format!("{} UNAUTHENTICATED_SRTP", value(&crypto(4, GCM, 8)));
    let later = value(&crypto(6, GCM, 10));
    for (proto, encryption) in [
        ("RTP/SAVP", Encryption::Optional),
        ("RTP/SAVPF", Encryption::Required),
        ("RTP/AVP", Encryption::Optional),
        ("rtp/avpf", Encryption::Required),
    ] {
        let offer = phone(proto, &[f8, &weak, &value(&theirs), &later]);
        let (answer, negotiated) = answer(&offer, &ours(encryption)).expect(proto);
        assert_eq!(answer.media[0].proto, proto);
        assert_eq!(lines(&answer), [crypto(5, CM_80, 102)]);
        let agreed = negotiated.crypto.expect("encrypted");
        assert_eq!((agreed.tag, agreed.suite, agreed.receive_key_id_len), (5, CM_80, 0));
        assert_eq!((&agreed.send, &agreed.receive), (&crypto(0, CM_80, 102).key, &theirs.key));
        // What they make of our answer is the same, seen from the other side.
        let seen = offer_answer::accept_answer(&offer, &answer).expect(proto).crypto.expect("encrypted");
        assert_eq!((&seen.send, &seen.receive, seen.tag), (&agreed.receive, &agreed.send, 5));
    }
}

#[test]
fn who_does_not_fit_is_refused_with_the_reason() {
    let (usable, foreign) = (value(&crypto(1, GCM, 9)), value(&crypto(1, CM_32, 9)));
    let refusal = |proto: &str, lines: &[&str], encryption| answer(&phone(proto, lines), &ours(encryption)).map(|_| ());
    for encryption in [Encryption::Optional, Encryption::Required] {
        for lines in [&[][..], &[foreign.as_str()], &["crypto:"], &["crypto:1 AEAD_AES_128_GCM inline:AAAA"]] {
            assert_eq!(refusal("RTP/SAVP", lines, encryption), Err(Refusal::NoCommonCrypto), "{lines:?}");
        }
        assert_eq!(refusal("UDP/TLS/RTP/SAVPF", &[&usable], encryption), Err(Refusal::Transport));
    }
    assert_eq!(refusal("RTP/AVP", &[], Encryption::Required), Err(Refusal::NotEncrypted));
    assert_eq!(refusal("RTP/AVP", &[&foreign], Encryption::Required), Err(Refusal::NotEncrypted));
    assert_eq!(refusal("RTP/SAVP", &[&usable], Encryption::Off), Err(Refusal::Transport));
    let warnings = [Refusal::NotEncrypted, Refusal::NoCommonCrypto].map(Refusal::warning);
    assert_eq!(warnings, [(399, "Encryption required"), (306, "No usable crypto attribute")]);
}

#[test]
fn who_may_be_plain_is_plain() {
    for (lines, encryption) in [
        (vec![], Encryption::Optional),
        (vec![value(&crypto(1, CM_32, 9))], Encryption::Optional),
        (vec![value(&crypto(1, GCM, 9))], Encryption::Off),
    ] {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let (answer, negotiated) = answer(&phone("RTP/AVP", &lines), &ours(encryption)).expect("a common codec");
        assert_eq!((negotiated.crypto, answer.media[0].proto.as_ref()), (None, "RTP/AVP"));
        assert!(answer.media[0].lines.is_empty());
    }
}

/// The old way to leave a choice: the same audio twice, encrypted first (RFC 4568 has no other).
#[test]
fn of_two_streams_the_encrypted_one_is_taken_where_we_can() {
    let mut offer = phone("RTP/SAVP", &[&value(&crypto(1, GCM, 9))]);
    offer.media.extend(phone("RTP/AVP", &[]).media);
    let ports = |answer: &SessionDescription| [answer.media[0].port, answer.media[1].port];
    let (encrypted, negotiated) = answer(&offer, &ours(Encryption::Optional)).expect("the first");
    assert_eq!((ports(&encrypted), negotiated.crypto.is_some()), ([20_000, 0], true));
    let (plain, negotiated) = answer(&offer, &ours(Encryption::Off)).expect("the second");
    assert_eq!((ports(&plain), negotiated.crypto.is_some()), ([0, 20_000], false));
}

#[test]
fn our_offers_have_our_lines_in_our_order() {
    for (encryption, proto, count) in
        [(Encryption::Off, "RTP/AVP", 0), (Encryption::Optional, "RTP/AVP", 2), (Encryption::Required, "RTP/SAVP", 2)]
    {
        let offer = offer_answer::offer(&ours(encryption), &local(), None);
        assert_eq!(offer.media[0].proto, proto);
        assert_eq!(lines(&offer), ours(encryption).cryptos[..count]);
    }
}

#[test]
fn the_answer_to_our_offer_chooses_one_of_our_lines() {
    let case = |encryption, proto: &str, lines: &[String]| {
        let offer = offer_answer::offer(&ours(encryption), &local(), None);
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        offer_answer::accept_answer(&offer, &phone(proto, &lines)).map(|negotiated| negotiated.crypto)
    };
    let theirs = crypto(2, CM_80, 9);
    for (encryption, proto) in [(Encryption::Optional, "RTP/AVP"), (Encryption::Required, "RTP/SAVP")] {
        let agreed = case(encryption, proto, &[value(&theirs)]).expect(proto).expect("encrypted");
        assert_eq!((&agreed.send, &agreed.receive), (&crypto(0, CM_80, 102).key, &theirs.key));
        for wrong in [crypto(1, CM_80, 9), crypto(3, CM_80, 9), crypto(2, CM_32, 9)] {
            assert_eq!(case(encryption, proto, &[value(&wrong)]), Err(Refusal::NoCommonCrypto));
        }
        let changed = format!("{} UNENCRYPTED_SRTP", value(&theirs));
        assert_eq!(case(encryption, proto, &[changed]), Err(Refusal::NoCommonCrypto));
    }
    assert_eq!(case(Encryption::Optional, "RTP/AVP", &[]), Ok(None));
    assert_eq!(case(Encryption::Required, "RTP/SAVP", &[]), Err(Refusal::NoCommonCrypto));
    assert_eq!(case(Encryption::Required, "RTP/AVP", &[value(&theirs)]), Err(Refusal::Transport));
    assert_eq!(case(Encryption::Off, "RTP/AVP", &[value(&theirs)]), Ok(None));
}

/// Hold and resume: with the same keys nothing begins anew, and our description stays the same but for the direction.
#[test]
fn a_session_goes_on_under_its_keys() {
    let offer = phone("RTP/SAVP", &[&value(&crypto(1, GCM, 9))]);
    let (first, negotiated) = answer(&offer, &ours(Encryption::Optional)).expect("encrypted");
    let agreed = negotiated.crypto.expect("encrypted");
    assert!(agreed.goes_on_in(&offer));
    assert!(!agreed.goes_on_in(&phone("RTP/SAVP", &[&value(&crypto(1, GCM, 10))])));
    assert!(!agreed.goes_on_in(&phone("RTP/AVP", &[])));
    let kept = Capabilities { cryptos: vec![agreed.ours()], ..ours(Encryption::Optional) };
    let (mut again, renegotiated) = answer(&offer, &kept).expect("encrypted");
    again.follow(&first);
    assert_eq!((again, renegotiated.crypto.as_ref()), (first.clone(), Some(&agreed)));
    // Our own re-INVITE repeats the line that was chosen, and no other.
    let ours = offer_answer::offer(&kept, &local(), Some(&first));
    assert_eq!((lines(&ours), ours.media[0].proto.as_ref()), (lines(&first), "RTP/SAVP"));
    assert_eq!(ours.media[0].cryptos().count(), 1);
}
