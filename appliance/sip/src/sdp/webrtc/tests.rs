//! What browsers write, what they are answered, and what they are offered.

use std::net::{IpAddr, SocketAddr};

use super::*;
use crate::sdp::offer_answer::{self, Capabilities, Codec, Local, UsedNumbers};
use crate::sdp::{Direction, RtpMap};

const FINGERPRINT: &str =
    "7B:8B:F0:65:5F:78:E2:51:3B:AC:6F:F3:3F:46:1B:35:DC:B8:5F:64:1A:24:C2:43:F0:A1:58:D0:A1:2C:19:08";

/// What Chromium offers with audio and video, shortened by lines that mean nothing here; its candidates are to come.
const BROWSER: &str = "v=0\r
o=- 4611731400430051336 2 IN IP4 127.0.0.1\r
s=-\r
t=0 0\r
a=group:BUNDLE 0 1\r
a=extmap-allow-mixed\r
a=msid-semantic: WMS 3f6\r
m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r
c=IN IP4 0.0.0.0\r
a=rtcp:9 IN IP4 0.0.0.0\r
a=ice-ufrag:F7gI\r
a=ice-pwd:x9cml/YzichV2+XlhiMu8g\r
a=ice-options:trickle\r
a=fingerprint:sha-256 7B:8B:F0:65:5F:78:E2:51:3B:AC:6F:F3:3F:46:1B:35:DC:B8:5F:64:1A:24:C2:43:F0:A1:58:D0:A1:2C:19:08\r
a=setup:actpass\r
a=mid:0\r
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r
a=sendrecv\r
a=msid:3f6 b1\r
a=rtcp-mux\r
a=rtcp-rsize\r
a=rtpmap:111 opus/48000/2\r
a=rtcp-fb:111 transport-cc\r
a=fmtp:111 minptime=10;useinbandfec=1\r
a=rtpmap:63 red/48000/2\r
a=rtpmap:9 G722/8000\r
a=rtpmap:0 PCMU/8000\r
a=rtpmap:8 PCMA/8000\r
a=rtpmap:13 CN/8000\r
a=rtpmap:110 telephone-event/48000\r
a=rtpmap:126 telephone-event/8000\r
a=candidate:1 1 udp 2113937151 0e0f6d5c-0d8e-4f0c-9a3d-6c1f8f3e2b11.local 51234 typ host\r
m=video 9 UDP/TLS/RTP/SAVPF 96\r
c=IN IP4 0.0.0.0\r
a=mid:1\r
a=rtpmap:96 VP8/90000\r
";

fn capabilities() -> Capabilities {
    let ours = Ours {
        ufrag: "ours".into(),
        password: "ourpasswordourpassword".into(),
        addresses: ["192.0.2.1:3478", "203.0.113.1:3478"].map(|at| at.parse().unwrap()).into(),
        tcp_addresses: vec!["192.0.2.1:443".parse().unwrap()],
        fingerprint: [0xAB; 32],
        was_active: false,
    };
    let opus = Codec { map: RtpMap { channels: 2, ..RtpMap::new("opus", 48_000) }, payload_type: 111, fmtp: None };
    Capabilities { codecs: vec![opus], comfort_noise: false, webrtc: Some(Box::new(ours)), ..Capabilities::default() }
}

fn local() -> Local {
    let (address, used) = (IpAddr::from([192, 0, 2, 1]), UsedNumbers::default());
    Local { address, port: 3_478, session_id: 7, direction: Direction::SendRecv, used }
}

fn read_sdp(text: &str) -> SessionDescription {
    SessionDescription::parse(text.as_bytes()).unwrap()
}

fn answered(offer: &str) -> Result<(String, Theirs), Refusal> {
    let (answer, negotiated) = offer_answer::answer(&read_sdp(offer), &capabilities(), &local())?;
    let text = String::from_utf8(answer.to_bytes().to_vec()).unwrap();
    Ok((text, *negotiated.webrtc.expect("it is secured by a handshake")))
}

#[test]
fn a_browser_is_answered_with_everything_it_needs_and_no_video() {
    let (answer, theirs) = answered(BROWSER).unwrap();
    assert_eq!((theirs.ufrag.as_str(), theirs.are_we_active), ("F7gI", false));
    assert_eq!((theirs.fingerprint.0, theirs.fingerprint.1[..3].to_vec()), (Hash::Sha256, vec![0x7B, 0x8B, 0xF0]));
    let ours = ["AB"; 32].join(":");
    assert_eq!(
        answer,
        format!(
            "v=0\r\no=- 7 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\na=ice-lite\r\na=group:BUNDLE 0\r\n\
             m=audio 3478 UDP/TLS/RTP/SAVPF 111 110\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:110 telephone-event/48000\r\n\
             a=fmtp:110 0-16\r\na=mid:0\r\na=rtcp-mux\r\na=ice-ufrag:ours\r\n\
             a=ice-pwd:ourpasswordourpassword\r\na=fingerprint:sha-256 {ours}\r\na=setup:passive\r\na=msid:tandem audio\r\n\
             a=candidate:1 1 UDP 2130706431 192.0.2.1 3478 typ host\r\n\
             a=candidate:2 1 UDP 2130706175 203.0.113.1 3478 typ host\r\n\
             a=candidate:3 1 TCP 1526726655 192.0.2.1 443 typ host tcptype passive\r\na=end-of-candidates\r\na=sendrecv\r\n\
             m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n"
        )
    );
}

#[test]
fn who_begins_the_handshake_is_what_the_offer_leaves() {
    for (setup, active) in
        [("actpass", Some(false)), ("active", Some(false)), ("passive", Some(true)), ("holdconn", None)]
    {
        let offer = BROWSER.replace("setup:actpass", &format!("setup:{setup}"));
        match (answered(&offer), active) {
            (Ok((answer, theirs)), Some(active)) => {
                assert_eq!(theirs.are_we_active, active, "{setup}");
                assert!(answer.contains(if active { "a=setup:active" } else { "a=setup:passive" }), "{answer}");
            }
            (Err(refusal), None) => assert_eq!(refusal, Refusal::NoFingerprint),
            (other, _) => panic!("{setup}: {other:?}"),
        }
    }
    // Who has begun it stays who he was.
    let offer = read_sdp(BROWSER);
    assert!(read((&offer, 0), Says::Offer { were_we_active: true }).unwrap().are_we_active);
}

#[test]
fn what_may_stand_in_the_session_is_found_there() {
    let line = format!("a=fingerprint:sha-256 {FINGERPRINT}\r\n");
    let up = |text: &str, line: &str| text.replace(line, "").replace("t=0 0\r\n", &format!("t=0 0\r\n{line}"));
    let offer = ["a=ice-ufrag:F7gI\r\n", "a=ice-pwd:x9cml/YzichV2+XlhiMu8g\r\n", "a=setup:actpass\r\n", &line]
        .into_iter()
        .fold(BROWSER.to_owned(), |text, line| up(&text, line));
    assert_eq!(answered(&offer).unwrap().1, answered(BROWSER).unwrap().1);
}

#[test]
fn offers_that_cannot_be_secured_are_refused_and_say_why() {
    let line = format!("a=fingerprint:sha-256 {FINGERPRINT}\r\n");
    for (from, to, refusal) in [
        (line.as_str(), "", Refusal::NoFingerprint),
        ("sha-256 7B:", "sha-1 7B:", Refusal::NoFingerprint),
        ("sha-256 7B:", "sha-256 ", Refusal::NoFingerprint),
        ("sha-256 7B:", "sha-256 +B:", Refusal::NoFingerprint),
        ("a=ice-ufrag:F7gI\r\n", "", Refusal::NoIce),
        ("a=ice-pwd:x9cml/YzichV2+XlhiMu8g\r\n", "", Refusal::NoIce),
        ("a=rtcp-mux\r\n", "", Refusal::NoRtcpMux),
        ("111 63 9", "63 9", Refusal::NoCommonCodec),
    ] {
        assert!(BROWSER.contains(from), "{from}");
        assert_eq!(answered(&BROWSER.replacen(from, to, 1)).unwrap_err(), refusal, "{from:?} → {to:?}");
    }
    // Where browsers are not wanted, their transport is unknown.
    let without = Capabilities { webrtc: None, ..capabilities() };
    let refused = offer_answer::answer(&read_sdp(BROWSER), &without, &local()).unwrap_err();
    assert_eq!(refused, Refusal::Transport);
    assert!(Refusal::NoFingerprint.warning().1.contains("fingerprint"));
}

#[test]
fn a_thousand_candidates_are_too_many() {
    let candidates: String =
        (0..1_000).map(|n| format!("a=candidate:{n} 1 udp 1 192.0.2.7 {n} typ host\r\n")).collect();
    assert!(SessionDescription::parse(format!("{BROWSER}{candidates}").as_bytes()).is_err());
    let fewer: String = candidates.split_inclusive("\r\n").take(300).collect();
    assert!(answered(&BROWSER.replace("a=rtcp-rsize\r\n", &fewer)).is_ok());
}

#[test]
fn our_offer_leaves_the_choice_and_keeps_its_names() {
    let offer = offer_answer::offer(&capabilities(), &local(), None);
    let text = String::from_utf8(offer.to_bytes().to_vec()).unwrap();
    for line in [
        "m=audio 3478 UDP/TLS/RTP/SAVPF 111",
        "a=group:BUNDLE 0",
        "a=mid:0",
        "a=setup:actpass",
        "a=ice-lite",
        "a=rtcp-mux",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let answer = |setup: &str, rest: &str| {
        read_sdp(&format!(
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\n\
             a=rtpmap:111 opus/48000/2\r\na=ice-ufrag:them\r\na=ice-pwd:theirpasswordtheirpass\r\na=setup:{setup}\r\n\
             a=fingerprint:sha-256 {FINGERPRINT}\r\n{rest}"
        ))
    };
    let theirs =
        |setup| offer_answer::accept_answer(&offer, &answer(setup, "a=rtcp-mux\r\n")).map(|agreed| agreed.webrtc);
    assert!(!theirs("active").unwrap().unwrap().are_we_active);
    assert!(theirs("passive").unwrap().unwrap().are_we_active);
    assert_eq!(theirs("actpass").unwrap_err(), Refusal::NoFingerprint, "somebody has to begin");
    let agreed = offer_answer::accept_answer(&offer, &answer("active", "a=rtcp-mux\r\n")).unwrap();
    // Where a browser says that it is, is nothing to go by: it is not held, and nowhere.
    assert_eq!((agreed.direction, agreed.remote_rtp), (Direction::SendRecv, SocketAddr::from(([0, 0, 0, 0], 9))));
    assert_eq!(offer_answer::accept_answer(&offer, &answer("active", "")).unwrap_err(), Refusal::NoRtcpMux);
    let again = offer_answer::offer(&capabilities(), &local(), Some(&offer));
    assert_eq!(again, offer, "an unchanged description keeps its version");
}
