//! Calls from pages without SIP in the pages, with a real exchange between them.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use store::agent::AgentPermission;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::desk::{ADMIN, Desk};
use crate::server::start;

fn sdp(port: u16, direction: &str) -> String {
    format!(
        "v=0\r\no=- 1 {port} IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\nm=audio {port} RTP/AVP 0 8\r\na={direction}\r\n"
    )
}

struct Page(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Page {
    async fn open(address: std::net::SocketAddr, token: &str) -> Page {
        let url = format!("ws://{address}/v1.0/webrtc/ws?token={token}");
        let mut page = Page(tokio_tungstenite::connect_async(url).await.expect("it is opened").0);
        assert_eq!(page.told("ready").await["ws_path"], "/v1.0/webrtc/ws");
        page
    }

    async fn say(&mut self, said: Value) {
        self.0.send(Message::text(said.to_string())).await.expect("it reads");
    }

    async fn next(&mut self) -> (String, Value) {
        loop {
            let next = tokio::time::timeout(std::time::Duration::from_secs(10), self.0.next());
            match next.await.expect("something comes").expect("it is open").expect("it is readable") {
                Message::Text(text) => {
                    let mut told: Value = serde_json::from_str(&text).expect("JSON");
                    return (told["type"].as_str().expect("a type").to_owned(), told["data"].take());
                }
                Message::Ping(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// What it is told next, which is this.
    async fn told(&mut self, wanted: &str) -> Value {
        let (kind, data) = self.next().await;
        assert_eq!(kind, wanted, "{data}");
        data
    }

    async fn refused(&mut self, said: Value) -> String {
        self.say(said).await;
        self.told("error").await["reason"].as_str().expect("a reason").to_owned()
    }
}

/// An agent of this name with these extensions, which are made; returns its token.
async fn agent(desk: &Desk, name: &str, extensions: &[&str]) -> String {
    let admin = desk.log_in(ADMIN).await;
    for extension in extensions {
        let body = json!({ "extension": extension, "password": "secret-one", "name": name });
        assert_eq!(desk.ask("POST", "/v1.0/extensions").token(&admin).json(body).send().await.status, 200);
    }
    let id = desk.add_agent(name, AgentPermission::Agent);
    let token = desk.log_in((name, &name.repeat(2))).await;
    let addresses: Vec<Value> =
        extensions.iter().map(|extension| json!({ "type": "extension", "target": extension })).collect();
    let path = format!("/v1.0/agents/{id}/addresses");
    let answer = desk.ask("PUT", &path).token(&token).json(json!({ "addresses": addresses })).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    token
}

#[tokio::test]
async fn a_page_is_told_what_it_has_to_know() {
    let desk = Desk::new();
    let token = agent(&desk, "alicealice", &["1001"]).await;
    let shown = desk.ask("GET", "/v1.0/webrtc").token(&token).send().await.json();
    let wanted = json!({
        "sip_path": "/sip",
        "ws_path": "/v1.0/webrtc/ws",
        "domain_name": "tandem.example",
        "extensions": [{ "extension": "1001", "name": "alicealice" }],
        "ice_servers": [{ "urls": ["stun:stun.example"] }],
        "codecs": ["opus", "pcmu"],
    });
    assert_eq!(shown, wanted);
    assert_eq!(desk.ask("GET", "/v1.0/webrtc").send().await.status, 401);
}

#[tokio::test]
async fn two_pages_call_each_other() {
    let desk = Desk::new();
    let (address, _stop, _serving) = start(&desk).await;
    let (one, two) = (agent(&desk, "alicealice", &["1001"]).await, agent(&desk, "bobbobbob", &["1002"]).await);
    let (mut alice, mut bob) = (Page::open(address, &one).await, Page::open(address, &two).await);
    assert_eq!(alice.told("registered").await["extension"], "1001");
    assert_eq!(bob.told("registered").await["extension"], "1002");
    let destination = json!({ "type": "extension", "target": "1002" });
    alice.say(json!({ "type": "call", "id": "a", "destination": destination, "sdp": sdp(4_000, "sendrecv") })).await;
    let candidate = "candidate:1 1 udp 2113937151 4f1c0d1e-0b7c-4c4c-9d55-1f7f0b7c1a11.local 51000 typ host";
    alice.say(json!({ "type": "candidate", "id": "a", "candidate": candidate })).await;
    alice.say(json!({ "type": "candidate", "id": "a", "candidate": null })).await;
    let call = bob.told("call").await;
    assert_eq!((&call["extension"], &call["source"]["target"]), (&json!("1002"), &json!("1001")));
    assert!(call["sdp"].as_str().is_some_and(|sdp| sdp.starts_with("v=0")), "{call}");
    let id = call["id"].clone();
    assert_eq!(alice.told("ringing").await["id"], "a");
    bob.say(json!({ "type": "answer", "id": id, "sdp": sdp(4_002, "sendrecv") })).await;
    bob.told("progressing").await;
    assert!(alice.told("answer").await["sdp"].as_str().is_some_and(|sdp| sdp.starts_with("v=0")));
    let call_id = alice.told("progressing").await["sip_call_id"].as_str().expect("a Call-ID").to_owned();
    // A key, and a hold.
    alice.say(json!({ "type": "digit", "id": "a", "digit": "5" })).await;
    alice.say(json!({ "type": "offer", "id": "a", "sdp": sdp(4_000, "sendonly") })).await;
    let held = alice.told("answer").await;
    assert!(held["sdp"].as_str().is_some_and(|sdp| !sdp.contains("sendrecv")), "{held}");
    alice.say(json!({ "type": "hangup", "id": "a" })).await;
    assert_eq!(alice.told("hangup").await, json!({ "id": "a", "reason": "normal" }));
    loop {
        // Whether the hold was passed on before does not matter here.
        let (kind, data) = bob.next().await;
        if kind == "hangup" {
            break assert_eq!(data, json!({ "id": id, "reason": "normal" }));
        }
        assert_eq!(kind, "offer");
    }
    // The record is written down beside the call, and may come a little later.
    for _ in 0..1_000 {
        let calls = desk.ask("GET", "/v1.0/calls").token(&one).send().await.json();
        let calls = calls["result"].as_array().expect("a list");
        let of = |call: &&Value| call["metadata"]["sip_call_id"] == call_id.as_str();
        if let Some(call) = calls.iter().find(of) {
            return assert_eq!(call["metadata"]["leg_type"], "webrtc");
        }
    }
    panic!("its record never came");
}

#[tokio::test]
async fn a_call_is_refused_given_up_and_ended_by_a_closed_page() {
    let desk = Desk::new();
    let (address, _stop, _serving) = start(&desk).await;
    let (one, two) = (agent(&desk, "alicealice", &["1001"]).await, agent(&desk, "bobbobbob", &["1002"]).await);
    let (mut alice, mut bob) = (Page::open(address, &one).await, Page::open(address, &two).await);
    alice.told("registered").await;
    bob.told("registered").await;
    let call = |id: &str, target: &str| json!({ "type": "call", "id": id, "destination": { "type": "extension", "target": target }, "sdp": sdp(4_000, "sendrecv") });
    alice.say(call("a", "1002")).await;
    let id = bob.told("call").await["id"].clone();
    bob.say(json!({ "type": "hangup", "id": id })).await;
    assert_eq!(bob.told("hangup").await["reason"], "busy");
    assert_eq!(alice.told("ringing").await["id"], "a");
    assert_eq!(alice.told("hangup").await, json!({ "id": "a", "reason": "busy", "status": 486 }));
    alice.say(call("b", "1002")).await;
    bob.told("call").await;
    alice.told("ringing").await;
    alice.say(json!({ "type": "hangup", "id": "b" })).await;
    assert_eq!(bob.told("hangup").await["reason"], "cancel");
    assert_eq!(alice.told("hangup").await["reason"], "cancel");
    alice.say(call("c", "1009")).await;
    assert_eq!(alice.told("hangup").await["status"], 404);
    alice.say(call("d", "1002")).await;
    let id = bob.told("call").await["id"].clone();
    bob.say(json!({ "type": "answer", "id": id, "sdp": sdp(4_002, "sendrecv") })).await;
    bob.told("progressing").await;
    for wanted in ["ringing", "answer", "progressing"] {
        alice.told(wanted).await;
    }
    drop(alice);
    assert_eq!(bob.told("hangup").await["id"], id);
    // The admin is no extension, and calls nobody.
    let admin = desk.log_in(ADMIN).await;
    let mut nobody = Page::open(address, &admin).await;
    assert_eq!(nobody.refused(call("a", "1002")).await, "PERMISSION_DENIED");
}

#[tokio::test]
async fn what_makes_no_sense_is_said_to_make_none() {
    let desk = Desk::new();
    let (address, _stop, _serving) = start(&desk).await;
    let token = agent(&desk, "alicealice", &["1001"]).await;
    agent(&desk, "bobbobbob", &["1002"]).await;
    let mut page = Page::open(address, &token).await;
    page.told("registered").await;
    let call = |id: &str, extension: &str, target: &str, sdp: &str| json!({ "type": "call", "id": id, "extension": extension, "destination": { "type": "extension", "target": target }, "sdp": sdp });
    let good = sdp(4_000, "sendrecv");
    for (said, reason) in [
        (json!({ "type": "dance" }), "INVALID_JSON_BODY"),
        (json!([1, 2, 3]), "INVALID_JSON_BODY"),
        (json!({ "type": "answer", "id": "x", "sdp": 7 }), "INVALID_JSON_BODY"),
        (call("", "1001", "1002", &good), "INVALID_ARGUMENT"),
        (call(&"x".repeat(65), "1001", "1002", &good), "INVALID_ARGUMENT"),
        (call("a", "1001", "10 02", &good), "INVALID_ARGUMENT"),
        (call("a", "1001", "1002@evil.example", &good), "INVALID_ARGUMENT"),
        (call("a", "1001", "1002", "hello"), "INVALID_SDP"),
        (call("a", "1001", "1002", &good.repeat(400)), "INVALID_ARGUMENT"),
        (call("a", "1002", "1001", &good), "PERMISSION_DENIED"),
        (json!({ "type": "hangup", "id": "a" }), "CALL_NOT_FOUND"),
        (json!({ "type": "answer", "id": "a", "sdp": good }), "CALL_NOT_FOUND"),
        (json!({ "type": "candidate", "id": "a", "candidate": "candidate:here" }), "INVALID_ARGUMENT"),
        (json!({ "type": "candidate", "id": "a", "candidate": "x".repeat(600) }), "INVALID_ARGUMENT"),
        (json!({ "type": "digit", "id": "a", "digit": "Z" }), "INVALID_ARGUMENT"),
        (json!({ "type": "digit", "id": "a", "digit": "1", "duration": 1 }), "INVALID_ARGUMENT"),
    ] {
        assert_eq!(page.refused(said.clone()).await, reason, "{said}");
    }
    // A call that is not answered: what needs an answer is refused, and there are limits.
    page.say(call("a", "1001", "1002", &good)).await;
    assert_eq!(page.told("hangup").await["reason"], "noanswer", "nobody is there");
    desk.pass(1);
    let mut bob = Page::open(address, &desk.log_in(("bobbobbob", &"bobbobbob".repeat(2))).await).await;
    bob.told("registered").await;
    page.say(call("b", "1001", "1002", &good)).await;
    page.told("ringing").await;
    assert_eq!(page.refused(call("b", "1001", "1002", &good)).await, "CALL_ALREADY_EXISTS");
    assert_eq!(page.refused(json!({ "type": "offer", "id": "b", "sdp": good })).await, "CALL_STATE_INVALID");
    assert_eq!(page.refused(json!({ "type": "answer", "id": "b", "sdp": good })).await, "CALL_STATE_INVALID");
    assert_eq!(page.refused(json!({ "type": "digit", "id": "b", "digit": "1" })).await, "CALL_NOT_ANSWERED");
    let candidate = json!({ "type": "candidate", "id": "b", "candidate": "candidate:1 1 udp 1 192.0.2.1 9 typ host" });
    for _ in 0..api::limits::WEBRTC_CANDIDATES {
        page.say(candidate.clone()).await;
    }
    assert_eq!(page.refused(candidate).await, "LIMIT_REACHED");
    for number in 1..api::limits::WEBRTC_CALLS {
        page.say(call(&number.to_string(), "1001", "1002", &good)).await;
        page.told("ringing").await;
    }
    assert_eq!(page.refused(call("z", "1001", "1002", &good)).await, "LIMIT_REACHED");
    page.say(json!("x".repeat(70_000))).await;
    let closed = tokio::time::timeout(std::time::Duration::from_secs(10), page.0.next()).await.expect("it is closed");
    assert!(matches!(closed, Some(Ok(Message::Close(Some(ref frame)))) if u16::from(frame.code) == 1009), "{closed:?}");
    let refused = tokio_tungstenite::connect_async(format!("ws://{address}/v1.0/webrtc/ws?token=wrong")).await;
    assert!(matches!(refused, Err(Error::Http(ref response)) if response.status() == 401));
}
