//! Headers as phones write them, and how we write them.

use bytes::Bytes;

use super::*;
use crate::{
    Headers, Method, Transport, Uri,
    message::{HeaderName, Text},
};

fn read<H: TypedHeader>(value: &str) -> H {
    H::parse(&Bytes::copy_from_slice(value.as_bytes())).unwrap_or_else(|error| panic!("{value}: {error}"))
}

fn fails<H: TypedHeader + std::fmt::Debug>(value: &str) {
    let bytes = Bytes::copy_from_slice(value.as_bytes());
    let error = H::parse(&bytes).expect_err(value);
    let HeaderError::Malformed { name, offset, .. } = error else { panic!("{value}: missing?") };
    assert!(name == H::NAME && offset <= bytes.len(), "{value}: {offset}");
}

fn written<H: TypedHeader>(header: &H) -> String {
    String::from_utf8(header.to_bytes().to_vec()).expect("UTF-8")
}

#[test]
fn via() {
    let via: Via = read(
        "SIP/2.0/UDP 192.0.2.1:5060 ;branch=z9hG4bK1;rport;received=[2001:db8::2];x=\"a;b\";ttl=7;maddr=224.0.1.75",
    );
    assert_eq!((via.port, via.rport, via.ttl), (Some(5060), Some(Rport::Asked), Some(7)));
    assert_eq!(via.received, Some("2001:db8::2".parse().expect("an address")));
    assert_eq!(via.params.get("x"), Some(b"\"a;b\"".as_slice()));
    assert_eq!(
        written(&via),
        "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport;received=2001:db8::2;ttl=7;maddr=224.0.1.75;x=\"a;b\""
    );
    assert!(via.has_magic_branch());
    assert!(!read::<Via>("SIP/2.0/UDP a;branch=z9hG4bK").has_magic_branch());
    assert_eq!(read::<Via>("SIP/2.0/UDP a;rport=4711").rport, Some(Rport::Port(4711)));
    // A value that cannot be read is kept, not lost.
    let odd: Via = read("SIP/2.0/UDP a;received=unknown;branch=b;rport=x");
    assert_eq!((odd.received, odd.rport), (None, None));
    assert_eq!(written(&odd), "SIP/2.0/UDP a;branch=b;received=unknown;rport=x");
    // IPv6 as some write it: with a zone, or without brackets.
    assert_eq!(
        written(&read::<Via>("SIP/2.0/TCP [fe80::1%eth0]:5060;branch=b")),
        "SIP/2.0/TCP [fe80::1%eth0]:5060;branch=b"
    );
    assert_eq!(read::<Via>("SIP/2.0/TCP 2001:db8::1;branch=b").host, "[2001:db8::1]".parse_host());
    let ours = Via::new(Transport::Tls, std::net::IpAddr::from([192, 0, 2, 1]), Some(5061), "z9hG4bKx");
    assert_eq!(written(&ours), "SIP/2.0/TLS 192.0.2.1:5061;branch=z9hG4bKx;rport");
    for bad in [
        "",
        "SIP/2.0/UDP",
        "SIP/2.0/UDP ",
        "SIP/3.0/UDP a",
        "SIP/2.0 a",
        "SIP/2.0/UDP a:x",
        "SIP/2.0/UDP a b",
        "SIP/2.0/UDP a;b=\"c",
        "SIP/2.0/U;DP a",
        "SIP/2.0/UDP [::1",
    ] {
        fails::<Via>(bad);
    }
}

trait ParseHost {
    fn parse_host(&self) -> crate::uri::Host;
}

impl ParseHost for str {
    fn parse_host(&self) -> crate::uri::Host {
        crate::uri::Host::parse(&Bytes::copy_from_slice(self.as_bytes())).expect("a host")
    }
}

#[test]
fn from_and_to() {
    let from: From = read(r#""A. \"B\" <C>" <sip:a@b;transport=tcp>;x;tag=1;y=2"#);
    assert_eq!(from.address.display_name().as_deref(), Some(r#"A. "B" <C>"#));
    assert_eq!(from.uri().param("transport"), Some("tcp"));
    assert_eq!(from.tag.as_ref().and_then(Text::as_str), Some("1"));
    assert_eq!(written(&from), r#""A. \"B\" <C>" <sip:a@b;transport=tcp>;x;y=2;tag=1"#);
    let bare: To = read("sip:a@b;tag=2;user=phone");
    assert_eq!((bare.tag.as_ref().and_then(Text::as_str), bare.uri().to_string().as_str()), (Some("2"), "sip:a@b"));
    assert_eq!(written(&bare), "<sip:a@b>;user=phone;tag=2");
    assert_eq!(read::<To>("Anna von und zu <sip:a@b>").address.display_name().as_deref(), Some("Anna von und zu"));
    assert_eq!(read::<To>("<tel:+49>").tag, None);
    assert_eq!(read::<From>("< sip:a@b >;tag=x").uri().to_string(), "sip:a@b");
    let ours = NameAddr::new("sip:a@b".parse::<Uri>().expect("an URI"));
    assert_eq!(written(&From::new(ours.clone().with_display_name("Bob B")).with_tag("t")), "Bob B <sip:a@b>;tag=t");
    assert_eq!(written(&To::new(ours.clone().with_display_name("B\\o\"b\r\n, x"))), r#""B\\o\"b  , x" <sip:a@b>"#);
    assert_eq!(written(&To::new(ours.with_display_name(""))), "<sip:a@b>");
    for bad in [
        "",
        "\"x",
        "\"x\"",
        "\"x\" y <sip:a@b>",
        "<sip:a@b",
        "<>",
        "sip:a@b;tag=",
        "x",
        "<sip:a@b>x",
        "<sip:a@b>;=1",
        "sip:a@b?x=y",
    ] {
        fails::<From>(bad);
    }
}

#[test]
fn contact() {
    let mut headers = Headers::new();
    headers.push(
        HeaderName::Contact,
        r#""A, B" <sip:a@b;ob>;q=0.5;expires=60;+sip.instance="<urn:uuid:1>";reg-id=2, <sip:c@d>;q=1.7"#,
    );
    headers.push(HeaderName::Contact, "");
    headers.push(HeaderName::Contact, "sip:e@f;expires=never;q=x, *");
    let list = headers.list::<Contact>().expect("readable");
    let addresses: Vec<_> = list.iter().filter_map(Contact::address).collect();
    assert_eq!((list.len(), addresses.len()), (4, 3));
    let first = addresses[0];
    assert_eq!((first.q, first.expires, first.reg_id, first.ob()), (Some(500), Some(60), Some(2), true));
    assert_eq!(first.instance.as_ref().and_then(Text::as_str), Some("<urn:uuid:1>"));
    assert_eq!(written(&list[0]), r#""A, B" <sip:a@b;ob>;+sip.instance="<urn:uuid:1>";reg-id=2;q=0.5;expires=60"#);
    assert_eq!(addresses[1].q, Some(1000));
    assert_eq!((addresses[2].q, addresses[2].expires), (None, Some(3600)));
    assert_eq!(written(&Contact::Star), "*");
    for (text, q) in [("0", 0), ("1", 1000), ("1.000", 1000), ("0.12345", 123), (".5", 500), ("0.", 0)] {
        assert_eq!(contact::thousandths(text.as_bytes()), Some(q), "{text}");
    }
    for text in ["", ".", "-1", "a", "0.x", "1.5.5"] {
        assert_eq!(contact::thousandths(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn numbers_and_words() {
    assert_eq!(read::<CSeq>("0009 \t INVITE"), CSeq { number: 9, method: Method::Invite });
    assert_eq!(written(&read::<CSeq>("7 FOO")), "7 FOO");
    ["", "1", "x INVITE", "4294967296 INVITE", "-1 INVITE", "1 IN VITE", "1 \"X\""].into_iter().for_each(fails::<CSeq>);
    assert_eq!(read::<MaxForwards>("0068"), MaxForwards(68));
    ["", "256", "-1", "7 0"].into_iter().for_each(fails::<MaxForwards>);
    ["", "a b"].into_iter().for_each(fails::<CallId>);
    assert_eq!(read::<Expires>("99999999999"), Expires(u32::MAX));
    ["", "never", "1.5", "-1"].into_iter().for_each(fails::<Expires>);
    assert_eq!(read::<RAck>("1 2  INVITE"), RAck { rseq: 1, cseq: 2, method: Method::Invite });
    ["", "1", "1 2", "1 2 INVITE x", "a 2 INVITE"].into_iter().for_each(fails::<RAck>);
    assert_eq!(read::<RetryAfter>("60 (a; \"b\")").seconds, 60);
    assert_eq!(written(&read::<RetryAfter>("5;duration=3;x")), "5;duration=3");
    assert_eq!(read::<SessionExpires>("1800 ;refresher=UAS;x=y").refresher, Some(Refresher::Uas));
    assert_eq!(written(&read::<SessionExpires>("90;refresher=uac")), "90;refresher=uac");
    assert_eq!(read::<MinSe>("90;x").0, 90);
    ["", ";refresher=uac", "x"].into_iter().for_each(fails::<SessionExpires>);
    assert_eq!(read::<ContentLength>("5"), ContentLength(5));
    assert_eq!(read::<RSeq>("1"), RSeq(1));
}

#[test]
fn sets_are_joined_over_all_lines() {
    let mut headers = Headers::new();
    headers.push(HeaderName::Supported, "100rel,timer");
    headers.push(HeaderName::Supported, "");
    headers.push(HeaderName::parse(b"k"), "path");
    let supported = headers.typed::<Supported>().expect("readable");
    assert!(supported.has("100REL") && supported.has("path") && !supported.has("gruu"));
    assert_eq!(written(&supported), "100rel, timer, path");
    assert_eq!(headers.typed_opt::<Require>(), Ok(None));
    assert_eq!(headers.typed::<Require>(), Err(HeaderError::Missing(HeaderName::Require)));
    assert_eq!(read::<Supported>("").0.len(), 0);
    assert!(read::<Allow>("INVITE, FOO ,BYE").has(&Method::Bye));
    fails::<Require>("a b");
    assert_eq!(written(&Unsupported::new(&["a", "b"])), "a, b");
}

#[test]
fn texts_and_packages() {
    let reason: Reason = read(r#"SIP ;cause=200 ;text="Call \"completed\"; elsewhere";x"#);
    assert_eq!(reason.cause, Some(200));
    assert_eq!(reason.text.as_ref().and_then(Text::as_str), Some(r#"Call "completed"; elsewhere"#));
    assert_eq!(written(&reason), r#"SIP;cause=200;text="Call \"completed\"; elsewhere";x"#);
    assert_eq!(written(&Reason::q850(17, "User busy")), r#"Q.850;cause=17;text="User busy""#);
    assert_eq!(read::<Event>("dialog;id=7;x").id.as_ref().and_then(Text::as_str), Some("7"));
    let warning: Warning = read(r#"304 tandem:5060 "no \"x\"""#);
    assert_eq!((warning.code, warning.text.as_str()), (304, Some(r#"no "x""#)));
    assert_eq!(written(&warning), r#"304 tandem:5060 "no \"x\"""#);
    let content: ContentType = read("Application/SDP ; charset=utf-8");
    assert!(content.is(ContentType::SDP) && content.params.has("charset"));
    ["", "application", "/sdp", "a/b/c"].into_iter().for_each(fails::<ContentType>);
    let replaces: Replaces = read("a@b;to-tag=1;from-tag=2;early-only");
    assert!(replaces.early_only);
    assert_eq!(written(&replaces), "a@b;to-tag=1;from-tag=2;early-only");
    ["", "a;to-tag=1", ";to-tag=1;from-tag=2"].into_iter().for_each(fails::<Replaces>);
}

#[test]
fn parameters() {
    let mut params = Params::parse(Bytes::from_static(b" ; a = 1 ;; b;c=\"x\\\"; y\" ")).expect("readable");
    assert_eq!(params.iter().map(|param| param.name).collect::<Vec<_>>(), [b"a", b"b", b"c"]);
    assert_eq!((params.get_str("A"), params.get_str("b"), params.get_str("d")), (Some("1"), Some(""), None));
    assert_eq!(params.get_unquoted("c").as_deref(), Some(b"x\"; y".as_slice()));
    assert!(params.remove("b") && !params.remove("b"));
    params.set("a", Some(b"2 3"));
    params.push("e", None);
    assert_eq!((params.get("a"), params.has("e")), (Some(b"\"2 3\"".as_slice()), true));
    assert!(Params::parse(Bytes::from_static(b";a=b c")).is_err());
    assert!(Params::parse(Bytes::from_static(b"a")).is_err());
}

#[test]
fn headers_are_exchanged_in_their_place() {
    let mut headers = Headers::new();
    headers.push(HeaderName::Via, "SIP/2.0/UDP a;branch=1, SIP/2.0/UDP b;branch=2");
    headers.push(HeaderName::Expires, "1");
    headers.push(HeaderName::To, "<sip:a@b>");
    headers.push(HeaderName::Expires, "2");
    headers.set(&Expires(3));
    let mut top = headers.typed::<Via>().expect("a Via");
    top.rport = Some(Rport::Port(9));
    headers.replace_first(&top);
    headers.add_first(&read::<Route>("<sip:p;lr>"));
    headers.push(HeaderName::custom("X-Note"), "one\r\nInjected: two");
    let mut out = Vec::new();
    headers.write(&mut out);
    assert_eq!(
        String::from_utf8(out).expect("UTF-8"),
        "Route: <sip:p;lr>\r\nVia: SIP/2.0/UDP a;branch=1;rport=9, SIP/2.0/UDP b;branch=2\r\nExpires: 3\r\nTo: <sip:a@b>\r\nX-Note: one  Injected: two\r\n"
    );
    assert_eq!((headers.remove(&HeaderName::Expires), headers.len()), (1, 4));
}
