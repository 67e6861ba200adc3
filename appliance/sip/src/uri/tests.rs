//! What is read as a URI, what is not, and which two mean the same.

use super::*;

fn uri(text: &str) -> Uri {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn parts_are_found() {
    let full = uri("sips:alice:secret@[2001:db8::1]:5061;transport=tcp;lr;x=?subject=a%20b&priority=urgent"
        .replace("x=?", "x=y?")
        .as_str());
    assert_eq!(full.scheme(), &Scheme::Sips);
    assert_eq!((full.user(), full.password(), full.port()), (Some("alice"), Some("secret"), Some(5061)));
    assert_eq!(full.host(), Some(&Host::V6("2001:db8::1".parse().expect("an address"))));
    assert_eq!((full.param("TRANSPORT"), full.param("lr"), full.param("maddr")), (Some("tcp"), Some(""), None));
    assert_eq!(full.headers().collect::<Vec<_>>(), [("subject", "a%20b"), ("priority", "urgent")]);
    let bare = uri("SIP:Example.COM");
    assert_eq!((bare.scheme(), bare.user(), bare.port()), (&Scheme::Sip, None, None));
    assert_eq!(bare.to_string(), "SIP:Example.COM");
    let tel = uri("tel:+1-201-555-0123;phone-context=example.com");
    assert_eq!(
        (tel.user(), tel.param("phone-context"), tel.host()),
        (Some("+1-201-555-0123"), Some("example.com"), None)
    );
    let other = uri("urn:service:sos");
    assert!(matches!(other.scheme(), Scheme::Other(name) if *name == "urn"));
}

#[test]
fn unusual_but_usable() {
    assert_eq!(uri("sip:joe@home@192.0.2.1").user(), Some("joe@home"));
    assert_eq!(uri("sip:a@b:").port(), None);
    assert_eq!(uri("sip:a;p=1@b").user(), Some("a;p=1"));
    assert_eq!(uri("sip:@b").user(), Some(""));
    assert_eq!(
        uri("sip:a@under_score.example").host().map(ToString::to_string).as_deref(),
        Some("under_score.example")
    );
    let scoped = uri("sip:[fe80::1%25eth0]:5060");
    assert_eq!(scoped.host().and_then(Host::ip), Some("fe80::1".parse().expect("an address")));
    assert_eq!(uri("sip:Jürgen@b").user(), Some("Jürgen"));
    assert_eq!(uri("sip:256.1.1.1").host().and_then(Host::ip), None);
}

#[test]
fn what_is_no_uri() {
    for text in [
        "",
        "sip",
        "sip:",
        "sip:a@",
        ":a",
        "1x:a",
        "sip:a b@c",
        "sip:<a@b>",
        "sip:a@b:65536",
        "sip:a@b:x",
        "sip:a@[::1",
        "sip:a@[zz]",
        "sip:a@[::1]x",
        "sip:a@b\r\n",
        "tel:",
        "tel:;a=b",
        "x:",
        "sip:a@b/c",
        "sip:a@[::1%]",
    ] {
        assert!(text.parse::<Uri>().is_err(), "{text:?}");
    }
    assert!(Uri::parse(b"sip:\xff@b").is_err());
    assert!(Uri::parse(&[b"sip:".as_slice(), &[b'a'; 70_000]].concat()).is_err());
}

/// RFC 3261 §19.1.4.
#[test]
fn equivalence() {
    for (a, b) in [
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
        ("sip:a@[2001:db8::1]", "sip:a@[2001:DB8:0:0::1]"),
        ("tel:+49-30-555(01)", "TEL:+493055501"),
        ("urn:service:sos", "URN:service:sos"),
    ] {
        assert!(uri(a).equivalent(&uri(b)) && uri(b).equivalent(&uri(a)), "{a} and {b}");
    }
    for (a, b) in [
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
        ("sip:a@b", "sips:a@b"),
        ("sip:a:1@b", "sip:a@b"),
        ("tel:+1", "tel:1"),
        ("tel:1;phone-context=a", "tel:1"),
    ] {
        assert!(!uri(a).equivalent(&uri(b)) && !uri(b).equivalent(&uri(a)), "{a} and {b}");
    }
}

#[test]
fn what_is_built_needs_no_care() {
    let address = std::net::IpAddr::from([192, 0, 2, 1]);
    assert_eq!(Uri::sip(Some("1001"), address, Some(5060)).to_string(), "sip:1001@192.0.2.1:5060");
    let odd = Uri::sip(Some("a b@c:ü"), address, None);
    assert_eq!(odd.to_string(), "sip:a%20b%40c%3A%C3%BC@192.0.2.1");
    assert_eq!(odd.user_unescaped().as_deref(), Some("a b@c:ü"));
    let no_host = Uri::sip(Some("a"), Host::Name("b c\r\nx".into()), Some(1));
    assert_eq!(no_host.to_string(), "sip:a@invalid");
    assert_eq!(Uri::sip(Some(&"x".repeat(70_000)), address, None).to_string(), "sip:invalid");
    assert_eq!(Uri::tel("+49 30").map(|uri| uri.to_string()), Ok("tel:+49%2030".to_owned()));
    assert!(Uri::tel("").is_err());
    assert_eq!(unescape("%4"), "%4");
    assert_eq!(unescape("100%"), "100%");
    assert_eq!(unescape("%zz%41"), "%zzA");
}

#[test]
fn parameters_are_exchanged() {
    let full = uri("sip:a@b;x=1;transport=udp?s=t");
    assert_eq!(full.with_param("transport", Some("tcp")).to_string(), "sip:a@b;x=1;transport=tcp?s=t");
    assert_eq!(full.without_param("X").to_string(), "sip:a@b;transport=udp?s=t");
    assert_eq!(full.without_param("x").without_param("transport").to_string(), "sip:a@b?s=t");
    assert_eq!(full.bare().to_string(), "sip:a@b");
    assert_eq!(full.bare_of_headers().to_string(), "sip:a@b;x=1;transport=udp");
    assert_eq!(uri("sip:b?s=t").with_param("lr", None).to_string(), "sip:b;lr?s=t");
    assert_eq!(uri("sip:b").with_param("lr", None).param("lr"), Some(""));
    assert_eq!(full.with_param("bad value", Some("a b")), full, "what would be no URI changes nothing");
}
