//! Descriptions of RFC 3264 §10, of phones, and broken ones; offers and answers, hold in all its forms.

use std::net::{IpAddr, SocketAddr};

use super::*;

/// The offer of RFC 3264 §10.1.
const ALICE: &str = "v=0\r\no=alice 2890844526 2890844526 IN IP4 192.0.2.1\r\ns=\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
    m=audio 49170 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\nm=video 51372 RTP/AVP 31\r\na=rtpmap:31 H261/90000\r\n\
    m=video 53000 RTP/AVP 32\r\na=rtpmap:32 MPV/90000\r\n";

/// An offer of a phone.
const PHONE: &str = "v=0\r\no=- 3414953978 3414953978 IN IP4 192.0.2.21\r\ns=call\r\nc=IN IP4 192.0.2.21\r\nt=0 0\r\n\
    m=audio 10254 RTP/AVP 96 9 8 0 101 13\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\na=rtpmap:9 G722/8000\r\n\
    a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:30\r\na=sendrecv\r\na=ssrc:1 cname:x\r\n";

fn read(text: &str) -> SessionDescription {
    SessionDescription::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn local(direction: Direction) -> Local {
    Local {
        address: IpAddr::from([192, 0, 2, 10]),
        port: 20000,
        session_id: 7,
        direction,
        used: UsedNumbers::default(),
    }
}

fn answer_to(text: &str) -> Result<(SessionDescription, Negotiated), Refusal> {
    offer_answer::answer(&read(text), &Capabilities::default(), &local(Direction::SendRecv))
}

fn text(session: &SessionDescription) -> String {
    String::from_utf8(session.to_bytes().to_vec()).expect("what is written is UTF-8")
}

#[test]
fn every_offered_stream_is_answered_in_its_place() {
    let (answer, negotiated) = answer_to(ALICE).expect("PCMU is common");
    assert_eq!(
        text(&answer),
        "v=0\r\no=- 7 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\nm=audio 20000 RTP/AVP 0\r\n\
         a=rtpmap:0 PCMU/8000\r\na=sendrecv\r\nm=video 0 RTP/AVP 31\r\nm=video 0 RTP/AVP 32\r\n"
    );
    assert_eq!(negotiated.remote_rtp, SocketAddr::from(([192, 0, 2, 1], 49170)));
    assert_eq!(negotiated.remote_rtcp, SocketAddr::from(([192, 0, 2, 1], 49171)));
    assert_eq!((negotiated.codec().send, negotiated.codec().receive, negotiated.ptime), (0, 0, 20));
    assert_eq!(negotiated.direction, Direction::SendRecv);
}

/// RFC 3264 §10.1, the later offer: another port, the second stream still refused, and a fourth one only for digits.
#[test]
fn a_stream_may_be_added_later() {
    let bob = "v=0\r\no=bob 2890844730 2890844731 IN IP4 192.0.2.30\r\ns=\r\nc=IN IP4 192.0.2.30\r\nt=0 0\r\n\
        m=audio 65422 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\nm=video 0 RTP/AVP 31\r\nm=video 53000 RTP/AVP 32\r\na=rtpmap:32 MPV/90000\r\n\
        m=audio 51434 RTP/AVP 110\r\na=rtpmap:110 telephone-events/8000\r\na=recvonly\r\n";
    let (mut answer, negotiated) = answer_to(bob).expect("PCMU is common");
    assert_eq!(answer.media.iter().map(|media| media.port).collect::<Vec<_>>(), [20000, 0, 0, 0]);
    assert_eq!(negotiated.remote_rtp.port(), 65422);
    let (before, _) = answer_to(ALICE).expect("PCMU is common");
    answer.follow(&before);
    assert_eq!((answer.origin.session_id, answer.origin.version), (before.origin.session_id, 2));
}

/// RFC 3264 §10.2: one of several codecs.
#[test]
fn one_of_n_codecs() {
    let alice = "v=0\r\no=alice 2890844526 2890844526 IN IP4 192.0.2.1\r\ns=\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
        m=audio 62986 RTP/AVP 0 4 18\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:4 G723/8000\r\na=rtpmap:18 G729/8000\r\na=inactive\r\n";
    let (answer, negotiated) = answer_to(alice).expect("PCMU is common");
    assert_eq!(answer.media[0].formats.len(), 1);
    assert_eq!((negotiated.codec().map.name.as_ref(), negotiated.direction), ("PCMU", Direction::Inactive));
}

#[test]
fn codecs_are_taken_in_the_order_of_the_offerer_under_his_numbers() {
    let (answer, negotiated) = answer_to(PHONE).expect("G.711 is common");
    let words: Vec<_> = answer.media[0].formats.iter().map(|format| format.word.as_ref()).collect();
    assert_eq!(words, ["8", "0", "101", "13"]);
    let names: Vec<_> = negotiated.codecs.iter().map(|codec| codec.map.name.as_ref()).collect();
    assert_eq!(names, ["PCMA", "PCMU"]);
    assert_eq!(negotiated.telephone_event().map(|event| (event.send, event.receive)), Some((101, 101)));
    assert_eq!(negotiated.comfort_noise.as_ref().map(|noise| noise.send), Some(13));
    assert_eq!((negotiated.ptime, answer.media[0].ptime), (30, Some(30)));
}

#[test]
fn telephone_event_follows_the_clock_of_the_codec() {
    let offer = "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\nm=audio 4000 RTP/AVP 96 0 97 98\n\
        a=rtpmap:96 opus/48000/2\na=rtpmap:97 telephone-event/48000\na=rtpmap:98 telephone-event/8000\n";
    let (answer, negotiated) = answer_to(offer).expect("PCMU is common");
    let words: Vec<_> = answer.media[0].formats.iter().map(|format| format.word.as_ref()).collect();
    assert_eq!(words, ["0", "98"]);
    assert_eq!(negotiated.telephone_events.len(), 1);
}

#[test]
fn all_forms_of_hold() {
    for (direction, address, expected) in [
        ("a=sendonly", "192.0.2.21", Direction::RecvOnly),
        ("a=recvonly", "192.0.2.21", Direction::SendOnly),
        ("a=inactive", "192.0.2.21", Direction::Inactive),
        ("a=sendrecv", "0.0.0.0", Direction::RecvOnly),
        ("a=recvonly", "0.0.0.0", Direction::Inactive),
        ("a=X-odd", "192.0.2.21", Direction::SendRecv),
    ] {
        let offer =
            PHONE.replace("a=sendrecv", direction).replace("c=IN IP4 192.0.2.21", &format!("c=IN IP4 {address}"));
        let (answer, negotiated) = answer_to(&offer).expect("common");
        assert_eq!(negotiated.direction, expected, "{direction} {address}");
        assert_eq!(answer.direction_of(0), expected);
        assert_eq!(negotiated.is_held(), !expected.sends());
    }
    // A direction of the session counts where the media has none.
    let offer = PHONE.replace("t=0 0\r\n", "t=0 0\r\na=sendonly\r\n").replace("a=sendrecv\r\n", "");
    assert_eq!(answer_to(&offer).expect("common").1.direction, Direction::RecvOnly);
    // IPv6 has an unspecified address too, and what we want ourselves counts as well.
    let ours =
        offer_answer::answer(&read(PHONE), &Capabilities::default(), &local(Direction::SendOnly)).expect("common");
    assert_eq!(ours.1.direction, Direction::SendOnly);
}

#[test]
fn refusals_say_why() {
    let case = |from: &str, to: &str| answer_to(&PHONE.replace(from, to)).map(|_| ()).expect_err(to);
    assert_eq!(case("m=audio", "m=video"), Refusal::NoAudio);
    assert_eq!(case("10254 RTP", "0 RTP"), Refusal::NoAudio);
    assert_eq!(case("RTP/AVP", "RTP/SAVP"), Refusal::Transport);
    assert_eq!(case("96 9 8 0 101 13", "96 9 101 13"), Refusal::NoCommonCodec);
    assert_eq!(case("c=IN IP4 192.0.2.21", "c=IN IP4 phone.example.com"), Refusal::Address);
    assert_eq!(case("c=IN IP4 192.0.2.21", "c=IN IP6 2001:db8::1"), Refusal::Address);
    assert_eq!(case("c=IN IP4 192.0.2.21", "c=IN IP4 233.252.0.1/127"), Refusal::Address);
    assert_eq!(case("c=IN IP4 192.0.2.21\r\n", ""), Refusal::Address);
    assert_eq!(Refusal::NoCommonCodec.warning().0, 305);
}

#[test]
fn the_second_stream_is_taken_when_the_first_cannot_be() {
    let offer = format!("{}m=audio 6000 RTP/AVP 0\r\n", PHONE.replace("RTP/AVP", "RTP/SAVP"));
    let (answer, negotiated) = answer_to(&offer).expect("the second");
    assert_eq!((answer.media[0].port, answer.media[1].port), (0, 20000));
    assert_eq!(negotiated.remote_rtp.port(), 6000);
}

#[test]
fn our_offer_and_what_is_made_of_it() {
    let offer = offer_answer::offer(&Capabilities::default(), &local(Direction::SendRecv), None);
    assert_eq!(
        text(&offer),
        "v=0\r\no=- 7 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\nm=audio 20000 RTP/AVP 0 8 13 101\r\n\
         a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:13 CN/8000\r\na=rtpmap:101 telephone-event/8000\r\n\
         a=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"
    );
    // Payload types may differ in each direction.
    let answer = read(
        "v=0\r\no=b 1 1 IN IP4 192.0.2.22\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 97\r\nc=IN IP4 192.0.2.23\r\n\
         a=rtpmap:97 telephone-event/8000\r\na=rtcp:4100 IN IP4 192.0.2.24\r\na=maxptime:10\r\n",
    );
    let negotiated = offer_answer::accept_answer(&offer, &answer).expect("it fits");
    assert_eq!(negotiated.codec().map, RtpMap::new("pcma", 8000));
    assert_eq!(negotiated.telephone_event().map(|event| (event.send, event.receive)), Some((97, 101)));
    assert_eq!(negotiated.remote_rtp, SocketAddr::from(([192, 0, 2, 23], 4000)));
    assert_eq!(negotiated.remote_rtcp, SocketAddr::from(([192, 0, 2, 24], 4100)));
    assert_eq!(negotiated.ptime, 10);
}

#[test]
fn answers_that_do_not_fit_are_refused() {
    let offer = offer_answer::offer(&Capabilities::default(), &local(Direction::SendRecv), None);
    let good = "v=0\no=b 1 1 IN IP4 192.0.2.22\ns=-\nc=IN IP4 192.0.2.22\nt=0 0\nm=audio 4000 RTP/AVP 0\n";
    let case =
        |from: &str, to: &str| offer_answer::accept_answer(&offer, &read(&good.replace(from, to))).expect_err(to);
    assert_eq!(case("m=audio 4000 RTP/AVP 0\n", ""), Refusal::Mismatch);
    assert_eq!(case("m=audio", "m=video"), Refusal::Mismatch);
    assert_eq!(case("4000", "0"), Refusal::NoAudio);
    assert_eq!(case("RTP/AVP 0", "RTP/AVP 18"), Refusal::NoCommonCodec);
    assert_eq!(case("RTP/AVP 0", "RTP/AVP"), Refusal::NoCommonCodec);
    assert_eq!(case("RTP/AVP", "RTP/SAVP"), Refusal::Transport);
    assert_eq!(case("c=IN IP4 192.0.2.22\n", ""), Refusal::Address);
}

#[test]
fn a_later_offer_keeps_streams_numbers_and_counts_its_version() {
    let (first, _) = answer_to(&PHONE.replace("m=audio", "m=video 5000 RTP/AVP 31\r\nm=audio")).expect("common");
    let same = offer_answer::offer(&Capabilities::default(), &local(Direction::SendRecv), Some(&first));
    assert_eq!(same.media.len(), 2);
    assert_eq!((same.media[0].port, same.media[1].port), (0, 20000));
    assert_eq!((same.origin.session_id.as_ref(), same.origin.version), ("7", 2));
    let hold = offer_answer::offer(&Capabilities::default(), &local(Direction::SendOnly), Some(&same));
    assert_eq!((hold.origin.version, hold.direction_of(1)), (3, Direction::SendOnly));
    let again = offer_answer::offer(&Capabilities::default(), &local(Direction::SendOnly), Some(&hold));
    assert_eq!(again, hold, "an unchanged description keeps its version");
    // A number once given stays with its codec, and a new codec does not take it.
    let more = Capabilities { codecs: vec![Codec::new(101, "opus", 48000), Codec::pcmu()], ..Capabilities::default() };
    let wider = offer_answer::offer(&more, &local(Direction::SendRecv), Some(&again));
    let of = |name: &str, rate| {
        let map = RtpMap::new(name, rate);
        wider.media[1].formats.iter().find(|format| format.map.as_ref() == Some(&map)).map(|format| format.word.clone())
    };
    assert_eq!(of("telephone-event", 8000).as_deref(), Some("101"));
    assert_ne!(of("opus", 48000).as_deref(), Some("101"));
}

fn opus() -> Codec {
    Codec { map: RtpMap { channels: 2, ..RtpMap::new("opus", 48000) }, ..Codec::new(96, "opus", 48000) }
}

/// The names and numbers of the first stream.
fn formats(session: &SessionDescription) -> Vec<String> {
    let name = |format: &Format| format.map.as_ref().map(|map| format!("{} {map}", format.word)).unwrap_or_default();
    session.media[0].formats.iter().map(name).collect()
}

#[test]
fn digits_are_offered_at_the_clock_of_each_codec_and_at_that_of_the_telephone() {
    let offered = |codecs: Vec<Codec>| {
        let capabilities = Capabilities { codecs, comfort_noise: false, ..Capabilities::default() };
        formats(&offer_answer::offer(&capabilities, &local(Direction::SendRecv), None)).split_off(1)
    };
    assert_eq!(offered(vec![Codec::pcmu()]), ["101 telephone-event/8000"]);
    assert_eq!(offered(vec![opus()]), ["110 telephone-event/48000", "101 telephone-event/8000"]);
}

#[test]
fn digits_are_answered_at_the_clock_of_the_codec_or_at_all() {
    let only_opus = Capabilities { codecs: vec![opus()], ..Capabilities::default() };
    let answered = |events: &str| {
        let offer = PHONE.replace("a=rtpmap:101 telephone-event/8000", events).replace("101 13", "101 102 13");
        let (answer, negotiated) =
            offer_answer::answer(&read(&offer), &only_opus, &local(Direction::SendRecv)).expect("opus");
        let clock = negotiated.telephone_event().map(|event| event.map.clock_rate);
        (formats(&answer).split_off(1), clock)
    };
    let both = "a=rtpmap:101 telephone-event/8000\r\na=rtpmap:102 telephone-event/48000";
    assert_eq!(answered(both), (vec!["102 telephone-event/48000".to_owned()], Some(48_000)));
    let narrow = "a=rtpmap:101 telephone-event/8000";
    assert_eq!(answered(narrow), (vec!["101 telephone-event/8000".to_owned()], Some(8_000)));
    assert_eq!(answered("a=rtpmap:101 telephone-event/16000"), (Vec::new(), None));
}

#[test]
fn a_codec_that_stands_there_twice_is_answered_once() {
    let offer = PHONE.replace("96 9 8 0 101 13", "96 97 8 0").replace("a=ptime", "a=rtpmap:97 PCMA/8000\r\na=ptime");
    let (answer, negotiated) = answer_to(&offer).expect("common");
    assert_eq!(formats(&answer), ["97 PCMA/8000", "0 PCMU/8000"]);
    assert_eq!(negotiated.codecs.len(), 2);
}

#[test]
fn an_answer_that_does_not_explain_its_number_means_ours() {
    let capabilities = Capabilities { codecs: vec![opus(), Codec::pcmu()], ..Capabilities::default() };
    let offer = offer_answer::offer(&capabilities, &local(Direction::SendRecv), None);
    let answer = "v=0\no=b 1 1 IN IP4 192.0.2.22\ns=-\nc=IN IP4 192.0.2.22\nt=0 0\nm=audio 4000 RTP/AVP 99 96 101\n";
    let negotiated = offer_answer::accept_answer(&offer, &read(answer)).expect("opus");
    assert_eq!((negotiated.codec().map.to_string(), negotiated.codec().receive), ("opus/48000/2".into(), 96));
    assert_eq!(negotiated.telephone_event().map(|event| event.map.clock_rate), Some(8_000));
}

/// RFC 3264 §8.3.2.
#[test]
fn a_number_never_means_something_else_later() {
    let mut used = UsedNumbers::default();
    let ours = |used| Local { used, ..local(Direction::SendRecv) };
    // Digits are 96 to the phone, and Opus has the number that we would have given to it.
    let phone = PHONE
        .replace("96 9 8 0 101 13", "111 0 96")
        .replace("a=rtpmap:96 opus/48000/2", "a=rtpmap:96 telephone-event/8000");
    let (first, _) = answer_to(&phone).expect("PCMU");
    used.note(&first);
    assert!(used.contains(96) && !used.contains(97) && !used.contains(0) && !used.contains(255));
    // The phone forgets its digits, and then is asked for all it has.
    let (mut second, _) = answer_to(&phone.replace("111 0 96", "0")).expect("PCMU");
    second.follow(&first);
    used.note(&second);
    let capabilities = Capabilities { codecs: vec![opus(), Codec::pcmu()], ..Capabilities::default() };
    let offer = offer_answer::offer(&capabilities, &ours(used), Some(&second));
    assert_eq!(formats(&offer)[0], "97 opus/48000/2");
    assert!(formats(&offer).iter().all(|format| !format.starts_with("96 ")), "{:?}", formats(&offer));
}

#[test]
fn what_has_no_field_is_kept() {
    let session = read(
        "v=0\r\no=- 1 2 IN IP6 2001:db8::1\r\ns=-\r\ni=about\r\nb=AS:64\r\nt=3034423619 3042462419\r\nr=7d 1h 0 25h\r\nz=2882844526 -1h\r\n\
         a=tool:x\r\ny=unknown\r\nm=image 5000/2 udptl t38\r\nc=IN IP6 2001:db8::2\r\nb=AS:10\r\nk=prompt\r\na=T38FaxVersion:0\r\n\
         m=audio 5002 RTP/AVP 99 98\r\na=rtpmap:99\r\na=rtpmap:97 X/8000\r\na=fmtp:98 a=b; c=d\r\na=candidate:1 1 UDP 1 192.0.2.1 9 typ host\r\n",
    );
    let again = read(&text(&session));
    assert_eq!(again, session);
    assert!(text(&session).contains("r=7d 1h 0 25h\r\nz=2882844526 -1h\r\na=tool:x\r\ny=unknown\r\n"));
    assert!(text(&session).contains("a=rtpmap:99\r\na=rtpmap:97 X/8000\r\n"));
    assert_eq!(session.media[0].formats[0].word, "t38");
    assert_eq!(session.media[1].formats[1].fmtp.as_deref(), Some("a=b; c=d"));
    // A reader that is not ours understands it too.
    let theirs = sdp_types::Session::parse(text(&session).as_bytes()).expect("readable by sdp-types");
    assert_eq!(theirs.medias.len(), 2);
    assert_eq!(theirs.origin.sess_version, 2);
}

#[test]
fn carelessly_written_descriptions_are_read() {
    let careless = read(
        "o=user 99999999999999999999999 99999999999999999999999 IN IP4 192.0.2.1 \nm=audio  4000  RTP/AVP  0  \n c=IN IP4 192.0.2.9\na=ptime:20.0\na=sendonly \n\n",
    );
    assert_eq!(careless.origin.version, u64::MAX);
    assert_eq!(careless.address_of(0), Some(IpAddr::from([192, 0, 2, 9])));
    assert_eq!((careless.media[0].ptime, careless.direction_of(0)), (Some(20), Direction::SendOnly));
    let mut latin1 = b"v=0\no=- 1 1 IN IP4 192.0.2.1\ns=M\xfcller\n".to_vec();
    assert_eq!(SessionDescription::parse(&latin1).expect("readable").name, "M\u{fffd}ller");
    latin1.extend_from_slice(&b"a=x\n".repeat(crate::limits::SDP_LINES));
    assert!(matches!(SessionDescription::parse(&latin1), Err(SdpError::TooMany(_))));
}

#[test]
fn broken_descriptions_are_refused_with_their_line() {
    let read = |text: &str| SessionDescription::parse(text.as_bytes()).map(|_| ());
    assert_eq!(read(""), Err(SdpError::NoOrigin));
    assert_eq!(read("v=1\n"), Err(SdpError::Version(1)));
    assert_eq!(read("v=0\nnonsense\n"), Err(SdpError::Line(2)));
    assert_eq!(read("v=0\no=- 1 x IN IP4 1.2.3.4\n"), Err(SdpError::Origin(2)));
    assert_eq!(read("v=0\no=- 1 1 IN IP4\n"), Err(SdpError::Origin(2)));
    assert_eq!(read("v=0\no=- 1 1 IN IP4 a\nc=IN\n"), Err(SdpError::Connection(3)));
    assert_eq!(read("v=0\no=- 1 1 IN IP4 a\nm=audio 65536 RTP/AVP 0\n"), Err(SdpError::Media(3)));
    assert_eq!(read("v=0\no=- 1 1 IN IP4 a\nm=audio 1\n"), Err(SdpError::Media(3)));
}

#[test]
fn no_value_smuggles_in_a_line() {
    let mut session = read(PHONE);
    session.name = "x\r\na=inactive".into();
    session.media[0].formats[0].fmtp = Some("a\nm=audio 1 RTP/AVP 0".into());
    let again = read(&text(&session));
    assert_eq!((again.media.len(), again.direction_of(0)), (1, Direction::SendRecv));
}
