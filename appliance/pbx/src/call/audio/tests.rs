//! Who is offered what, and answered with what.

use super::*;

const HEAD: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n";

/// An offer, or an answer, with these payload types.
fn description(formats: &str) -> SessionDescription {
    let numbers: Vec<&str> = formats.split(' ').map(|format| format.split('=').next().unwrap_or(format)).collect();
    let maps = formats.split(' ').filter_map(|format| format.split_once('='));
    let maps: String = maps.map(|(number, map)| format!("a=rtpmap:{number} {map}\r\n")).collect();
    let text = format!(
        "{HEAD}m=audio 4000 RTP/AVP {}\r\n{maps}a=fmtp:96 maxplaybackrate=16000;x-secret=1\r\na=fmtp:18 annexb=no\r\n",
        numbers.join(" ")
    );
    SessionDescription::parse(text.as_bytes()).expect("a description")
}

fn settings(codecs: &[Codec], transcodes: bool) -> Settings {
    Settings { codecs: codecs.to_vec(), transcodes, ..Settings::default() }
}

fn usual(transcodes: bool) -> Settings {
    Settings { transcodes, ..Settings::default() }
}

const OPUS: &str = "96=opus/48000/2";

/// The names of what is offered to the phones when the caller offers this.
fn offered(settings: &Settings, caller: Option<&str>) -> String {
    let offer = caller.map(description);
    names(&Preference::of_caller(offer.as_ref()).to_offer(settings))
}

fn names(capabilities: &sip::sdp::Capabilities) -> String {
    let names: Vec<&str> = capabilities.codecs.iter().map(|codec| codec.map.name.as_ref()).collect();
    names.join(" ")
}

/// What a caller with this offer is answered with when the phone has answered with that.
fn answered(settings: &Settings, caller: &str, phone: &str) -> String {
    let (phone, used) = (description(phone), UsedNumbers::default());
    let local = Local { address: [192, 0, 2, 9].into(), port: 2, session_id: 1, direction: Direction::SendRecv, used };
    let all = [Codec::Opus, Codec::G722, Codec::Pcma, Codec::Pcmu, Codec::G729];
    let everything = Preference::default().to_offer(&self::settings(&all, true));
    let offer = offer_answer::offer(&everything, &local, None);
    let negotiated = offer_answer::accept_answer(&offer, &phone).expect("it fits");
    let audio = Audio { negotiated: Some(negotiated), ..Audio::default() };
    names(&Preference::of_leg(&audio).to_answer(settings, &description(caller)))
}

#[test]
fn the_callers_codecs_come_first_then_ours() {
    let all = format!("8 {OPUS} 9");
    assert_eq!(offered(&usual(true), Some(&all)), "PCMA opus G722 PCMU");
    assert_eq!(offered(&usual(true), Some("0")), "PCMU opus G722 PCMA");
    assert_eq!(offered(&usual(true), None), "opus G722 PCMA PCMU");
    // What stands there twice, or is unknown, is not offered again.
    assert_eq!(offered(&usual(true), Some("0 97=SILK/24000 98=PCMU/8000")), "PCMU opus G722 PCMA");
    assert_eq!(offered(&settings(&[Codec::Pcma], true), Some(&all)), "PCMA");
}

#[test]
fn without_transcoding_only_what_can_be_forwarded_is_offered() {
    assert_eq!(offered(&usual(false), Some(&format!("{OPUS} 9"))), "opus G722");
    assert_eq!(offered(&usual(false), Some(&format!("{OPUS} 0"))), "opus PCMU PCMA");
    assert_eq!(offered(&usual(false), Some("0")), "PCMU PCMA");
    assert_eq!(offered(&usual(false), None), "PCMA PCMU");
}

#[test]
fn g729_is_passed_on_and_never_our_own() {
    for transcodes in [false, true] {
        assert_eq!(offered(&usual(transcodes), Some("18")), "G729");
        assert_eq!(answered(&usual(transcodes), "18 0", "18"), "G729");
    }
    assert_eq!(offered(&usual(true), Some("18 8")), "G729 PCMA opus G722 PCMU");
    assert_eq!(offered(&usual(false), Some("18 8")), "G729 PCMA PCMU");
    // The phone has no G.729, so the caller's other codec is what is transcoded.
    assert_eq!(answered(&usual(true), "18 8", OPUS), "PCMA");
    assert_eq!(answered(&usual(true), "18", "8"), "", "nothing can be made of it");
}

#[test]
fn the_caller_is_answered_with_what_the_phone_speaks() {
    for transcodes in [false, true] {
        let settings = usual(transcodes);
        assert_eq!(answered(&settings, &format!("{OPUS} 9 8 0"), "9"), "G722");
        assert_eq!(answered(&settings, &format!("{OPUS} 9 8 0"), "0 8"), "PCMU PCMA", "whichever either phone sends");
        assert_eq!(answered(&settings, &format!("{OPUS} 9 8"), "0"), "PCMA", "the other law is translated");
    }
    assert_eq!(answered(&usual(false), &format!("{OPUS} 9"), "0"), "");
    assert_eq!(answered(&usual(true), &format!("{OPUS} 9"), "0"), "opus", "the caller's first");
    assert_eq!(answered(&settings(&[Codec::G722, Codec::Pcmu], true), &format!("{OPUS} 9"), "0"), "G722");
}

#[test]
fn the_settings_of_a_codec_go_with_it_as_far_as_we_understand_them() {
    let caller = description(&format!("{OPUS} 18"));
    let capabilities = Preference::of_caller(Some(&caller)).to_offer(&usual(true));
    let fmtp = |name: &str| capabilities.codecs.iter().find(|codec| codec.map.is(name)).expect(name).fmtp.as_deref();
    assert_eq!((fmtp("opus"), fmtp("G729")), (Some("maxplaybackrate=16000"), Some("annexb=no")));
    // Of our own: we decode FEC.
    let ours = Preference::of_caller(Some(&description("0"))).to_offer(&usual(true));
    assert_eq!(ours.codecs[1].fmtp.as_deref(), Some("useinbandfec=1"));
}

#[test]
fn an_offer_needs_one_codec_that_we_know() {
    let can = |settings: &Settings, formats: &str| {
        Audio::can_answer(settings, (Transport::Udp, None), &description(formats)).is_ok()
    };
    assert!(can(&usual(false), OPUS) && can(&usual(false), "18") && can(&usual(false), "97=SILK/24000 8"));
    assert!(!can(&usual(false), "97=SILK/24000 101=telephone-event/8000"));
    assert!(!can(&settings(&[Codec::Pcmu], false), "8"));
}

#[test]
fn no_more_is_offered_than_a_stream_may_receive() {
    let rates = media::SampleRate::ALL.map(Codec::L16);
    let many = settings(&[rates.as_slice(), &[Codec::Pcmu, Codec::Pcma, Codec::Opus]].concat(), true);
    let capabilities = Preference::of_caller(Some(&description("0 8"))).to_offer(&many);
    assert_eq!(capabilities.codecs.len(), crate::limits::CODECS);
    assert_eq!(names(&capabilities), "PCMU PCMA L16 L16 L16");
}
