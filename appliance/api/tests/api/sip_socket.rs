//! SIP by WebSocket: who may open one, what it carries, and how it ends.

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use store::agent::AgentPermission;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::desk::{ADMIN, Desk};
use crate::server::start;

/// A browser.
pub struct Browser(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Browser {
    /// The status with which it is refused is the error.
    pub async fn open(
        address: std::net::SocketAddr,
        query: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Browser, u16> {
        let mut request = format!("ws://{address}/sip{query}").into_client_request().expect("a request");
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("a header"));
        }
        match tokio_tungstenite::connect_async(request).await {
            Ok((socket, _)) => Ok(Browser(socket)),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    async fn open_sip(address: std::net::SocketAddr, token: &str) -> Browser {
        let query = if token.is_empty() { String::new() } else { format!("?token={token}") };
        Browser::open(address, &query, &[("sec-websocket-protocol", "sip")]).await.expect("it is opened")
    }

    pub async fn say(&mut self, text: impl Into<String>) {
        self.0.send(Message::text(text.into())).await.expect("it reads");
    }

    async fn next(&mut self) -> Message {
        let next = tokio::time::timeout(std::time::Duration::from_secs(10), self.0.next());
        next.await.expect("something comes").expect("it is open").expect("it is readable")
    }

    pub async fn text(&mut self) -> String {
        loop {
            match self.next().await {
                Message::Text(text) => return text.to_string(),
                Message::Ping(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    pub async fn closed(&mut self) -> (u16, String) {
        loop {
            match self.next().await {
                Message::Close(Some(frame)) => return (frame.code.into(), frame.reason.to_string()),
                Message::Close(None) => panic!("closed without a reason"),
                _ => {}
            }
        }
    }

    /// The first line of what REGISTER is answered.
    async fn register(&mut self, number: &str, cseq: u32) -> String {
        self.say(format!(
            "REGISTER sip:tandem.example SIP/2.0\r\nVia: SIP/2.0/WS page.invalid;branch=z9hG4bK{number}{cseq}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{number}@tandem.example>;tag=1\r\nTo: <sip:{number}@tandem.example>\r\n\
             Call-ID: {number}\r\nCSeq: {cseq} REGISTER\r\nContact: <sip:{number}@page.invalid;transport=ws>\r\n\
             Content-Length: 0\r\n\r\n"
        ))
        .await;
        self.text().await.lines().next().expect("a line").to_owned()
    }
}

/// An agent `reader`, whose extension is 1001; 1002 is nobody's.
async fn with_an_agent(desk: &Desk) -> (String, String) {
    let token = desk.log_in(ADMIN).await;
    for number in ["1001", "1002"] {
        let body = json!({ "extension": number, "password": "secret-one" });
        assert_eq!(desk.ask("POST", "/v1.0/extensions").token(&token).json(body).send().await.status, 200);
    }
    let agent = desk.add_agent("reader", AgentPermission::Agent);
    let own = desk.log_in(("reader", "readerreader")).await;
    let path = format!("/v1.0/agents/{agent}/addresses");
    let body = json!({ "addresses": [{ "type": "extension", "target": "1001" }] });
    let answer = desk.ask("PUT", &path).token(&own).json(body).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    (own, path)
}

#[tokio::test]
async fn without_a_login_a_password_is_asked_for() {
    let desk = Desk::new();
    let (address, _stop, _serving) = start(&desk).await;
    with_an_agent(&desk).await;
    let mut browser = Browser::open_sip(address, "").await;
    assert_eq!(browser.register("1001", 1).await, "SIP/2.0 401 Unauthorized");
    browser.say("\r\n\r\n").await;
    assert_eq!(browser.text().await, "\r\n", "RFC 5626's keep-alive");
}

#[tokio::test]
async fn a_login_speaks_for_the_extensions_of_its_agent() {
    let desk = Desk::new();
    let (address, _stop, _serving) = start(&desk).await;
    let (token, addresses) = with_an_agent(&desk).await;
    let mut browser = Browser::open_sip(address, &token).await;
    assert_eq!(browser.register("1001", 1).await, "SIP/2.0 200 OK");
    assert_eq!(browser.register("1002", 1).await, "SIP/2.0 401 Unauthorized");
    // What is changed counts at once.
    let body = json!({ "addresses": [{ "type": "extension", "target": "1002" }] });
    assert_eq!(desk.ask("PUT", &addresses).token(&token).json(body).send().await.status, 200);
    for cseq in 2.. {
        // The socket learns of it a moment later.
        if browser.register("1002", cseq).await.ends_with("200 OK") {
            break;
        }
    }
    assert_eq!(browser.register("1001", 2).await, "SIP/2.0 401 Unauthorized");
    drop(browser);
    let mut other = Browser::open_sip(address, "").await;
    assert_eq!(other.register("1002", 90).await, "SIP/2.0 401 Unauthorized", "it counted for that connection");
}

#[tokio::test]
async fn a_login_that_does_not_count_opens_nothing() {
    let desk = Desk::new();
    let (address, _stop, _serving) = start(&desk).await;
    let (token, _) = with_an_agent(&desk).await;
    let sip = ("sec-websocket-protocol", "sip");
    let status =
        async |query: &str, headers: &[(&'static str, &str)]| Browser::open(address, query, headers).await.err();
    assert_eq!(status("", &[]).await, Some(400), "no subprotocol");
    assert_eq!(status("", &[("sec-websocket-protocol", "chat")]).await, Some(400), "another subprotocol");
    assert_eq!(status("?token=wrong", &[sip]).await, Some(401));
    assert_eq!(status("", &[sip, ("authorization", "Bearer wrong")]).await, Some(401));
    let cookie = format!("token={token}");
    let own = format!("http://{address}");
    assert_eq!(status("", &[sip, ("cookie", &cookie), ("origin", "http://evil.example")]).await, Some(403));
    assert_eq!(status("", &[sip, ("cookie", &cookie), ("origin", &own)]).await, None, "the own page");
    desk.pass(25 * 3_600);
    assert_eq!(status(&format!("?token={token}"), &[sip]).await, Some(401), "it has expired");
}

#[tokio::test]
async fn a_connection_ends_with_the_login_that_opened_it() {
    let desk = Desk::new();
    let (address, _stop, _serving) = start(&desk).await;
    let (token, path) = with_an_agent(&desk).await;
    let mut browser = Browser::open_sip(address, &token).await;
    assert_eq!(browser.register("1001", 1).await, "SIP/2.0 200 OK");
    let admin = desk.log_in(ADMIN).await;
    let agent = path.trim_end_matches("/addresses");
    assert_eq!(desk.ask("DELETE", agent).token(&admin).send().await.status, 200);
    assert_eq!(browser.closed().await, (1008, "what let you in was withdrawn".to_owned()));
    // It is no longer registered either.
    let gone = async || {
        let list = desk.ask("GET", "/v1.0/extensions").token(&admin).send().await.json();
        list["result"].as_array().is_some_and(|all| all.iter().all(|one| one["registrations"] == json!([])))
    };
    while !gone().await {}
}

#[tokio::test]
async fn what_is_too_long_or_no_text_ends_the_connection() {
    let desk = Desk::new();
    let (address, stop, _serving) = start(&desk).await;
    let mut browser = Browser::open_sip(address, "").await;
    browser.say("x".repeat(70_000)).await;
    assert_eq!(browser.closed().await, (1009, "the message is too long".to_owned()));
    let mut browser = Browser::open_sip(address, "").await;
    drop(stop);
    assert_eq!(browser.closed().await, (1001, "the exchange is stopping".to_owned()));
}
