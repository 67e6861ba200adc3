//! Our parser against another one, where the other is right: plain messages as rsip builds and reads them.

#![allow(clippy::disallowed_methods, reason = "tests read files")]

use bytes::Bytes;
use rsip::{
    headers::{ToTypedHeader, UntypedHeader},
    message::HeadersExt,
    prelude::HasHeaders,
};
use sip::{
    Message, Method, Request, Response, StatusCode, Transport,
    header::{CSeq, CallId, Contact, From, MaxForwards, NameAddr, To, Via},
    message::HeaderName,
};

/// Messages of the corpus that rsip reads, too: no folds, no compact forms, no `tel:`, one contact, IPv4 only.
const PLAIN: [&str; 12] = [
    "phone_invite",
    "phone_register",
    "phone_ack",
    "phone_bye",
    "phone_cancel",
    "phone_prack",
    "phone_update",
    "phone_options",
    "phone_info_dtmf",
    "phone_reinvite_hold",
    "server_ringing",
    "phone_notify_mwi",
];

fn read(name: &str) -> Bytes {
    let path = format!("{}/../../tests/fuzz/corpus/sip_message/{name}.sip", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}")).into()
}

#[test]
fn both_read_the_same() {
    for name in PLAIN {
        let datagram = read(name);
        let ours = Message::parse(&datagram).unwrap_or_else(|error| panic!("{name}: {error}"));
        let theirs = rsip::SipMessage::try_from(datagram.as_ref()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let (headers, other) = (ours.headers(), theirs.headers());
        assert_eq!(headers.len(), other.iter().count(), "{name}");
        assert_eq!(ours.body().as_ref(), theirs.body().as_slice(), "{name}");

        let via = headers.typed::<Via>().expect("Via");
        let their_via = theirs.via_header().expect("Via").typed().expect("Via");
        assert_eq!(via.transport.to_string(), their_via.transport.to_string());
        assert_eq!(via.host.to_string(), their_via.uri.host_with_port.host.to_string());
        assert_eq!(via.port, their_via.uri.host_with_port.port.map(Into::into));
        assert_eq!(via.branch.map(|branch| branch.to_string()), their_via.branch().map(ToString::to_string));

        let from = headers.typed::<From>().expect("From");
        let their_from = theirs.from_header().expect("From").typed().expect("From");
        assert_eq!(from.uri().to_string(), their_from.uri.to_string());
        assert_eq!(from.tag.map(|tag| tag.to_string()), their_from.tag().map(ToString::to_string));

        let to = headers.typed::<To>().expect("To");
        let their_to = theirs.to_header().expect("To").typed().expect("To");
        assert_eq!(to.uri().to_string(), their_to.uri.to_string());
        assert_eq!(to.tag.map(|tag| tag.to_string()), their_to.tag().map(ToString::to_string));

        let cseq = headers.typed::<CSeq>().expect("CSeq");
        let their_cseq = theirs.cseq_header().expect("CSeq").typed().expect("CSeq");
        assert_eq!((cseq.number, cseq.method.as_str()), (their_cseq.seq, their_cseq.method.to_string().as_str()));
        let call_id = headers.typed::<CallId>().expect("Call-ID");
        assert_eq!(call_id.0.to_string(), theirs.call_id_header().expect("Call-ID").value());
    }
}

#[test]
fn rsip_reads_what_we_write() {
    let address = std::net::IpAddr::from([192, 0, 2, 10]);
    let uri = |user: &str| sip::Uri::sip(Some(user), address, None);
    let mut request = Request::new(Method::Invite, uri("1002"));
    request.headers.add(&Via::new(Transport::Udp, address, Some(5060), "z9hG4bKours"));
    request.headers.add(&MaxForwards(70));
    request.headers.add(&From::new(NameAddr::new(uri("1001")).with_display_name("Alice A.")).with_tag("ft"));
    request.headers.add(&To::new(NameAddr::new(uri("1002"))));
    request.headers.add(&CallId("c@192.0.2.10".into()));
    request.headers.add(&CSeq { number: 1, method: Method::Invite });
    request.headers.add(&Contact::new(uri("1001")));
    request.headers.push(HeaderName::ContentType, "application/sdp");
    request.body = Bytes::from_static(b"v=0\r\n");
    let theirs = rsip::Request::try_from(request.to_bytes().as_ref()).expect("rsip reads our request");
    assert_eq!(
        (theirs.method.to_string(), theirs.uri.to_string()),
        ("INVITE".to_owned(), "sip:1002@192.0.2.10".to_owned())
    );
    assert_eq!(theirs.from_header().expect("From").typed().expect("From").display_name.as_deref(), Some("Alice A."));
    assert_eq!(theirs.max_forwards_header().expect("Max-Forwards").num().expect("a number"), 70);
    assert_eq!(
        theirs.contact_header().expect("Contact").typed().expect("Contact").uri.to_string(),
        "sip:1001@192.0.2.10"
    );
    assert_eq!(theirs.body, b"v=0\r\n");
    assert!(theirs.headers.iter().any(|header| header.to_string() == "Content-Length: 5"));

    let response: Response = Response::reply_to(&request, StatusCode(486));
    let theirs = rsip::Response::try_from(response.to_bytes().as_ref()).expect("rsip reads our response");
    assert_eq!(theirs.status_code.code(), 486);
    assert_eq!(
        theirs.via_header().expect("Via").typed().expect("Via").branch().map(ToString::to_string).as_deref(),
        Some("z9hG4bKours")
    );
}
