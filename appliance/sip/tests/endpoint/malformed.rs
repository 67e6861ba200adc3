//! Requests that cannot be read: answered where they name enough, dropped and counted otherwise.

use sip::Transport;
use sip::message::HeaderName;

use crate::alone::{Alone, Ask, Named};

#[test]
fn a_malformed_request_that_names_enough_is_answered_400() {
    let options = Ask::new("OPTIONS").to_string();
    let broken = [
        options.replace("Content-Length: 0", "Content-Length: 99"),
        options.replace("Content-Length: 0", "Content-Length: many"),
        options.replace("CSeq: 1 OPTIONS", "CSeq: 1 MESSAGE"),
        options.replace("CSeq: 1 OPTIONS", "CSeq: 36893488147419103232 OPTIONS"),
        options.replace("From: \"Alice\" <sip:alice@example.com>", "From: \"Alice <sip:alice@example.com>"),
        options.replace("To: <sip:bob@example.org>", "To: <<"),
        options.replace("Max-Forwards: 70", "Max-Forwards: often"),
    ];
    for text in broken {
        let mut alone = Alone::new(Transport::Udp);
        alone.hear(&text);
        let answered = alone.answered();
        assert_eq!(answered.status.0, 400, "{text}");
        assert_eq!(answered.headers.get_str(&HeaderName::CallId), Some("call-1"));
        assert!(alone.events().is_empty() && alone.endpoint.is_idle());
    }
}

#[test]
fn another_version_is_answered_505() {
    let mut alone = Alone::new(Transport::Udp);
    alone.hear(Ask::new("OPTIONS").to_string().replace("SIP/2.0\nVia", "SIP/3.0\nVia"));
    let answered = alone.answered();
    assert_eq!((answered.status.0, answered.tag_of_to().len()), (505, 16));
    assert_eq!(alone.endpoint.statistics().malformed, 1);
}

#[test]
fn what_has_no_readable_way_back_is_dropped() {
    let options = Ask::new("OPTIONS").to_string();
    let via = options.lines().find(|line| line.starts_with("Via: ")).expect("a request has a Via");
    for unreadable in
        ["Via: ", "Via: x", "Via: SIP/2.0/UDP", "Via: SIP/2.0/UDP ;branch=z9hG4bK1", "Via: SIP/2.0/UDP a:99999"]
    {
        for body in ["Content-Length: 0", "Content-Length: 99"] {
            let text = options.replace(via, unreadable).replace("Content-Length: 0", body);
            let mut alone = Alone::new(Transport::Udp);
            alone.hear(&text);
            assert!(alone.said().is_empty() && alone.events().is_empty() && alone.endpoint.is_idle(), "{text}");
            let statistics = alone.endpoint.statistics();
            assert_eq!((statistics.malformed, statistics.answered_400), (1, 0), "{text}");
        }
    }
    // What stands below the topmost one is for others to read.
    let mut alone = Alone::new(Transport::Udp);
    alone.hear(options.replace(via, &format!("{via}\nVia: x")).replace("Content-Length: 0", "Content-Length: 99"));
    assert_eq!(alone.answered().status.0, 400);
}

#[test]
fn what_names_too_little_is_dropped() {
    let options = Ask::new("OPTIONS").to_string();
    let without = |name: &str| {
        options.lines().filter(|line| !line.starts_with(name)).map(|line| format!("{line}\n")).collect::<String>()
    };
    let mut dropped: Vec<String> = ["Via", "From", "To", "Call-ID", "CSeq"].map(without).into();
    dropped.extend(["", "\n\n", "hello\n\n", "SIP/2.0 200 OK\n\n", "SIP/2.0 99999 Far\nVia: x\n\n"].map(String::from));
    dropped.push(Ask::new("ACK").to_string().replace("Content-Length: 0", "Content-Length: 99"));
    for text in dropped {
        let mut alone = Alone::new(Transport::Udp);
        alone.hear(&text);
        assert!(alone.said().is_empty() && alone.events().is_empty(), "{text}");
        assert!(alone.endpoint.is_idle());
        let statistics = alone.endpoint.statistics();
        assert_eq!(statistics.malformed + statistics.stray_responses, 1, "{text}");
    }
}
