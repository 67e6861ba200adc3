//! What holds for all messages: writing gives back what was read, and what is built is read as it was meant.

use bytes::Bytes;
use proptest::prelude::*;
use sip::{
    Headers, Message, Method, Request, Response, StatusCode,
    header::{CSeq, Contact, From, NameAddr, Params, Route, To, Via},
    message::HeaderName,
    sdp::SessionDescription,
    stream::{Frame, Framer},
};

fn line_end() -> impl Strategy<Value = &'static str> {
    prop_oneof![9 => Just("\r\n"), 1 => Just("\n")]
}

fn header_line() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        Just("Via".to_owned()),
        Just("v".to_owned()),
        Just("FROM".to_owned()),
        Just("t".to_owned()),
        Just("Contact ".to_owned()),
        Just("subject\t".to_owned()),
        "[A-Za-z][A-Za-z0-9!%*_+`'~.-]{0,12}",
    ];
    let fold = prop_oneof![4 => Just(String::new()), 1 => "\r\n[ \t]{1,3}[a-z<>\";,=]{0,8}"];
    (name, "[ \t]{0,2}", "[^\r\n]{0,40}", fold, line_end())
        .prop_filter("Content-Length is its own matter", |(name, ..)| {
            !["l", "content-length"].contains(&name.trim().to_ascii_lowercase().as_str())
        })
        .prop_map(|(name, space, value, fold, end)| format!("{name}:{space}{value}{fold}{end}"))
}

fn start_line() -> impl Strategy<Value = String> {
    let request = (
        "[A-Z]{1,10}",
        " {1,2}",
        "sip:([a-z0-9%.;=+]{1,9}@)?[a-z0-9.]{1,9}[a-z0-9](:[0-9]{1,4})?(;[a-z]{1,5}=?[a-z0-9]{0,4}){0,2}",
        " {1,2}",
    )
        .prop_map(|(method, one, uri, two)| format!("{method}{one}{uri}{two}SIP/2.0"));
    let response = (100u16..700, "( [^\r\n]{0,20})?").prop_map(|(code, reason)| format!("SIP/2.0 {code}{reason}"));
    prop_oneof![request, response]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_message_is_written_as_it_was_read(
        start in start_line(), end in line_end(), lines in prop::collection::vec(header_line(), 0..12), last in line_end(),
        body in prop::collection::vec(any::<u8>(), 0..40), said in any::<bool>(),
    ) {
        let mut text = format!("{start}{end}{}", lines.concat());
        if said {
            text.push_str(&format!("l :  {}{end}", body.len()));
        }
        text.push_str(last);
        let datagram = Bytes::from([text.as_bytes(), &body].concat());
        let message = Message::parse(&datagram).unwrap_or_else(|error| panic!("{error}: {text:?}"));
        prop_assert_eq!(message.body().as_ref(), body.as_slice());
        prop_assert_eq!(message.to_bytes(), datagram);
    }

    #[test]
    fn what_is_built_is_read_as_it_was_meant(
        user in "\\PC{1,12}", display in "\\PC{0,12}", tag in "[a-z0-9]{1,8}", number in any::<u32>(), value in "\\PC{0,30}",
        body in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let uri = sip::Uri::sip(Some(&user), std::net::IpAddr::from([192, 0, 2, 1]), Some(5060));
        let mut request = Request::new(Method::Message, uri.clone());
        request.headers.add(&From::new(NameAddr::new(uri.clone()).with_display_name(&display)).with_tag(tag.clone()));
        request.headers.add(&CSeq { number, method: Method::Message });
        request.headers.push(HeaderName::custom("X-Any"), value.clone());
        request.body = body.into();
        let Ok(Message::Request(read)) = Message::parse(&request.to_bytes()) else { panic!("unreadable") };
        let unescaped = read.uri.user_unescaped().expect("a user part");
        prop_assert_eq!(&*unescaped, user.as_str());
        let from = read.headers.typed::<From>().expect("From");
        prop_assert_eq!(from.address.display_name().unwrap_or_default(), display);
        prop_assert_eq!(from.tag.map(|tag| tag.to_string()), Some(tag));
        prop_assert_eq!(read.headers.typed::<CSeq>(), Ok(CSeq { number, method: Method::Message }));
        prop_assert_eq!(&read.body, &request.body);
        let trimmed = value.trim_matches([' ', '\t', '\r', '\n']);
        prop_assert_eq!(read.headers.get_str(&HeaderName::custom("x-any")), Some(trimmed));
    }

    #[test]
    fn any_bytes_are_answered_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let bytes = Bytes::from(bytes);
        let _ = Message::parse(&bytes);
        let _ = SessionDescription::parse(&bytes);
        let mut headers = Headers::new();
        for name in [HeaderName::Via, HeaderName::From, HeaderName::Contact, HeaderName::Route] {
            headers.push(name, bytes.clone());
        }
        let _ = (headers.list::<Via>(), headers.typed::<From>(), headers.list::<Contact>(), headers.list::<Route>());
    }

    #[test]
    fn a_typed_header_is_read_again_as_it_was_written(value in "(\"[a-z\\\\\" ,;<>]{0,6}\" ?)?<?sips?:[a-z0-9%@;=:.\\[\\]]{1,20}>?(;[a-z]{1,4}(=\"?[a-z0-9,;]{0,5}\"?)?){0,3}") {
        let mut headers = Headers::new();
        headers.push(HeaderName::To, value);
        if let Ok(to) = headers.typed::<To>() {
            let mut again = Headers::new();
            again.add(&to);
            prop_assert_eq!(again.typed::<To>(), Ok(to));
        }
    }

    #[test]
    fn parameters_keep_what_is_put_in(values in prop::collection::vec(prop::option::of(prop::collection::vec(32u8..=255, 0..12)), 0..6)) {
        let mut params = Params::new();
        for (index, value) in values.iter().enumerate() {
            params.push(&format!("p{index}"), value.as_deref());
        }
        for (index, value) in values.iter().enumerate() {
            let already_quoted = value.as_ref().is_some_and(|value| value.starts_with(b"\""));
            if !already_quoted {
                let read = params.get_unquoted(&format!("p{index}")).expect("it was put in");
                prop_assert_eq!(read.as_ref(), value.as_deref().unwrap_or_default());
            }
        }
    }

    #[test]
    fn a_stream_gives_the_same_messages_however_it_is_cut(bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 1..5), cuts in prop::collection::vec(1usize..90, 1..20)) {
        let messages: Vec<Bytes> = bodies
            .iter()
            .map(|body| {
                let mut response = Response::new(StatusCode(200), "OK");
                response.headers.push(HeaderName::CallId, "x");
                response.body = body.clone().into();
                response.to_bytes()
            })
            .collect();
        let stream: Vec<u8> = messages.concat();
        let mut framer = Framer::new();
        let mut found = Vec::new();
        let (mut rest, mut turn) = (stream.as_slice(), 0);
        while !rest.is_empty() {
            let (piece, later) = rest.split_at(cuts[turn % cuts.len()].min(rest.len()));
            framer.push(piece);
            while let Some(frame) = framer.next() {
                match frame.expect("the stream is good") {
                    Frame::Message(bytes) => found.push(bytes),
                    other => panic!("{other:?}"),
                }
            }
            (rest, turn) = (later, turn + 1);
        }
        prop_assert_eq!(found, messages);
    }
}
