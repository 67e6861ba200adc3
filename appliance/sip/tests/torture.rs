//! The inputs of RFC 4475 and messages of real phones: what is read, what is refused and why, and that writing gives back what came.

#![allow(clippy::disallowed_methods, reason = "tests read files")]

use std::path::PathBuf;

use bytes::Bytes;
use sip::{
    Message,
    header::{CSeq, CallId, Contact, Expires, From, MaxForwards, RetryAfter, Route, To, Via, Warning},
    message::{ParseError, ParseErrorKind as Kind},
};

fn corpus() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus/sip_message")
}

fn read(name: &str) -> Bytes {
    let path = corpus().join(format!("{name}.sip"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).into()
}

fn parse(name: &str) -> Message {
    Message::parse(&read(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn refuse(name: &str) -> ParseError {
    Message::parse(&read(name)).expect_err(name)
}

/// What stands in the headers every message needs.
fn mandatory(message: &Message) -> Result<(Via, From, To, CallId, CSeq), sip::header::HeaderError> {
    let headers = message.headers();
    headers.list::<Via>()?;
    Ok((headers.typed()?, headers.typed()?, headers.typed()?, headers.typed()?, headers.typed()?))
}

#[test]
fn well_formed_messages_are_read_to_the_last_header() {
    for name in [
        "rfc4475_wsinv",
        "rfc4475_intmeth",
        "rfc4475_esc01",
        "rfc4475_escnull",
        "rfc4475_esc02",
        "rfc4475_lwsdisp",
        "rfc4475_longreq",
        "rfc4475_dblreq",
        "rfc4475_semiuri",
        "rfc4475_transports",
        "rfc4475_mpart01",
        "rfc4475_unreason",
        "rfc4475_noreason",
        "rfc4475_lwsstart",
        "rfc4475_trws",
        "rfc4475_escruri",
        "rfc4475_baddate",
        "rfc4475_badaspec",
        "rfc4475_baddn",
        "rfc4475_mismatch01",
        "rfc4475_mismatch02",
        "rfc4475_badbranch",
        "rfc4475_unkscm",
        "rfc4475_novelsc",
        "rfc4475_unksm2",
        "rfc4475_bext01",
        "rfc4475_invut",
        "rfc4475_regaut01",
        "rfc4475_bcast",
        "rfc4475_zeromf",
        "rfc4475_cparam01",
        "rfc4475_cparam02",
        "rfc4475_regescrt",
        "rfc4475_sdp01",
        "rfc4475_inv2543",
        "phone_invite",
        "phone_register",
        "phone_register_challenge",
        "phone_register_three_contacts",
        "phone_unregister_all",
        "phone_ack",
        "phone_bye",
        "phone_cancel",
        "phone_prack",
        "phone_update",
        "phone_info_dtmf",
        "phone_refer_replaces",
        "phone_notify_mwi",
        "phone_subscribe",
        "phone_reinvite_hold",
        "phone_options",
        "trunk_invite_tel",
        "webrtc_register",
        "server_ringing",
        "server_ok",
        "warning_488",
        "bare_lf",
        "keepalives_before",
        "no_content_length",
        "body_too_long",
        "lowercase_version",
        "ipv6_zone",
        "invalid_utf8",
        "no_reason_phrase",
        "mail_address_as_user",
        "scanner_options",
    ] {
        let message = parse(name);
        mandatory(&message).unwrap_or_else(|error| panic!("{name}: {error}"));
        message.headers().list::<Contact>().unwrap_or_else(|error| panic!("{name}: {error}"));
        message.headers().list::<Route>().unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn broken_messages_are_refused_for_what_is_wrong() {
    for (name, kind) in [
        ("rfc4475_clerr", Kind::BodyTooShort),
        ("rfc4475_ncl", Kind::ContentLength),
        ("rfc4475_mcl01", Kind::ContentLength),
        ("rfc4475_ltgtruri", Kind::Uri),
        ("rfc4475_lwsruri", Kind::Uri),
        ("rfc4475_badvers", Kind::Version),
        ("rfc4475_bigcode", Kind::Status),
        ("header_without_colon", Kind::Header),
        ("truncated_in_header", Kind::Truncated),
        ("crlf_only", Kind::Empty),
        ("one_nul", Kind::StartLine),
        ("http_request", Kind::StartLine),
        ("stun_binding", Kind::StartLine),
    ] {
        assert_eq!(refuse(name).kind, kind, "{name}");
    }
}

#[test]
fn a_refused_request_can_still_be_answered() {
    for name in ["rfc4475_clerr", "rfc4475_ncl", "rfc4475_mcl01", "rfc4475_ltgtruri", "rfc4475_lwsruri"] {
        let partial = refuse(name).partial.unwrap_or_else(|| panic!("{name}: nothing kept"));
        let message = Message::Request(*partial);
        mandatory(&message).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    assert!(refuse("rfc4475_badvers").partial.is_some());
    assert!(refuse("header_without_colon").partial.is_some());
    assert!(refuse("http_request").partial.is_none());
    assert!(refuse("rfc4475_bigcode").partial.is_none());
}

#[test]
fn broken_headers_are_found_when_they_are_asked_for() {
    assert!(parse("rfc4475_badinv01").headers().list::<Via>().is_err());
    assert!(parse("rfc4475_scalar02").headers().typed::<CSeq>().is_err());
    assert!(parse("rfc4475_scalar02").headers().typed::<MaxForwards>().is_err());
    assert!(parse("rfc4475_scalarlg").headers().typed::<CSeq>().is_err());
    assert!(parse("rfc4475_quotbal").headers().typed::<To>().is_err());
    assert!(parse("rfc4475_regbadct").headers().list::<Contact>().is_err());
    assert!(parse("rfc4475_multi01").headers().typed::<To>().is_err());
    assert!(parse("rfc4475_multi01").headers().typed::<CSeq>().is_err());
    assert!(parse("rfc4475_insuf").headers().typed::<CallId>().is_err());
    assert!(parse("rfc4475_regaut01").headers().list::<sip::header::Authorization>().is_err());
}

#[test]
fn a_short_tortuous_invite() {
    let message = parse("rfc4475_wsinv");
    let (via, from, to, call_id, cseq) = mandatory(&message).expect("all there");
    assert_eq!(to.tag.expect("a tag"), "1918181833n");
    assert_eq!(to.address.uri.host().map(ToString::to_string).as_deref(), Some("chair-dnrc.example.com"));
    assert_eq!(from.address.display_name().as_deref(), Some(r#"J Rosenberg \""#));
    assert_eq!(from.tag.expect("a tag"), "98asjd8");
    assert_eq!(call_id.0, "wsinv.ndaksdj@192.0.2.1");
    assert_eq!((cseq.number, cseq.method.as_str()), (9, "INVITE"));
    assert_eq!(message.headers().typed::<MaxForwards>(), Ok(MaxForwards(68)));
    assert_eq!(
        (via.host.to_string().as_str(), via.branch.expect("a branch").as_str()),
        ("192.0.2.2", Some("390skdjuw"))
    );
    let vias = message.headers().list::<Via>().expect("three");
    let hops: Vec<_> = vias.iter().map(|via| format!("{}/{}", via.transport, via.host)).collect();
    assert_eq!(hops, ["UDP/192.0.2.2", "TCP/spindle.example.com", "UDP/192.168.255.111"]);
    let contacts = message.headers().list::<Contact>().expect("one");
    let contact = contacts[0].address().expect("no star");
    assert_eq!(contact.q, Some(330));
    assert_eq!(contact.address.display_name().as_deref(), Some(r#"Quoted string """#));
    assert_eq!(contact.address.params.get_str("newparam"), Some("newvalue"));
    assert!(contact.address.params.has("secondparam"));
    assert_eq!(
        message.headers().get_str(&sip::message::HeaderName::custom("newfangledheader")),
        Some("newfangled value continued newfangled value")
    );
    assert_eq!(message.headers().get_str(&sip::message::HeaderName::Subject), Some(""));
}

#[test]
fn escapes_are_resolved_for_comparison_and_kept_on_the_wire() {
    let Message::Request(request) = parse("rfc4475_esc01") else { panic!("a request") };
    assert_eq!(request.uri.user(), Some("sips%3Auser%40example.com"));
    assert_eq!(request.uri.user_unescaped().as_deref(), Some("sips:user@example.com"));
    let to = request.headers.typed::<To>().expect("To");
    assert!(to.uri().equivalent(&"sip:user@example.com".parse().expect("an URI")));
    let null = parse("rfc4475_escnull");
    assert_eq!(null.headers().typed::<To>().expect("To").uri().user_unescaped().as_deref(), Some("null-\0-null"));
    // The method and the name of a header have no escapes.
    let Message::Request(odd) = parse("rfc4475_esc02") else { panic!("a request") };
    assert_eq!(odd.method.as_str(), "RE%47IST%45R");
    assert_eq!(odd.headers.list::<Contact>().expect("two").len(), 2);
}

#[test]
fn numbers_beyond_all_bounds_do_no_harm() {
    assert_eq!(parse("rfc4475_scalar02").headers().typed::<Expires>(), Ok(Expires(u32::MAX)));
    let contact = parse("rfc4475_scalar02").headers().list::<Contact>().expect("one").remove(0);
    assert_eq!(contact.address().and_then(|contact| contact.expires), Some(u32::MAX));
    let response = parse("rfc4475_scalarlg");
    assert_eq!(response.headers().typed::<RetryAfter>().expect("one").seconds, u32::MAX);
    assert_eq!(response.headers().typed::<Warning>().expect("one").code, 1812);
}

#[test]
fn parameters_belong_to_the_header_unless_they_are_in_the_brackets() {
    let outside = parse("rfc4475_cparam01").headers().list::<Contact>().expect("one").remove(0);
    let outside = outside.address().expect("no star");
    assert!(outside.address.params.has("unknownparam") && outside.uri().param("unknownparam").is_none());
    let inside = parse("rfc4475_cparam02").headers().list::<Contact>().expect("one").remove(0);
    let inside = inside.address().expect("no star");
    assert!(!inside.address.params.has("unknownparam") && inside.uri().param("unknownparam") == Some(""));
}

#[test]
fn a_body_ends_where_content_length_says() {
    assert_eq!(parse("body_too_long").body().as_ref(), b"hello");
    assert_eq!(parse("no_content_length").body().as_ref(), b"the rest of the datagram");
    assert_eq!(parse("rfc4475_dblreq").body().as_ref(), b"");
    let binary = parse("rfc4475_mpart01");
    assert!(binary.body().windows(4).any(|bytes| bytes == [0, 1, 2, 3]));
}

#[test]
fn broken_utf8_is_kept() {
    let Message::Response(response) = parse("invalid_utf8") else { panic!("a response") };
    assert_eq!(response.reason.as_ref(), b"Besetzt \xfc\xff hier");
    let to = response.headers.typed::<To>().expect("To");
    assert_eq!(to.address.display_name().as_deref(), Some("G\u{fffd}de"));
    assert_eq!(to.tag.expect("a tag").as_bytes(), b"\xe92");
}

#[test]
fn what_is_read_is_written_as_it_came() {
    let mut seen = 0;
    for entry in std::fs::read_dir(corpus()).expect("the corpus is there") {
        let path = entry.expect("a file").path();
        let datagram = Bytes::from(std::fs::read(&path).expect("readable"));
        let Ok(message) = Message::parse(&datagram) else { continue };
        let start = datagram.iter().position(|b| !b"\r\n".contains(b)).expect("not empty");
        let written = message.to_bytes();
        assert_eq!(written, datagram.slice(start..start + written.len()), "{}", path.display());
        let cut = datagram.len() - start - written.len();
        assert!(
            cut == 0 || path.ends_with("body_too_long.sip") || path.ends_with("rfc4475_dblreq.sip"),
            "{}",
            path.display()
        );
        assert_eq!(Message::parse(&written).as_ref(), Ok(&message));
        seen += 1;
    }
    assert!(seen > 60, "only {seen} messages");
}
