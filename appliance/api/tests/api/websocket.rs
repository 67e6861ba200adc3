//! Events by WebSocket, over a real connection.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use store::agent::AgentPermission;
use store::limits;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::desk::{ADMIN, Desk};
use crate::server::start;

struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    async fn open(address: std::net::SocketAddr, query: &str) -> Client {
        let url = format!("ws://{address}/v1.0/ws?{query}");
        Client(tokio_tungstenite::connect_async(url).await.expect("it is opened").0)
    }

    async fn say(&mut self, value: Value) {
        self.0.send(Message::text(value.to_string())).await.expect("it reads");
    }

    async fn subscribe(&mut self, topic: &str) {
        self.say(json!({ "type": "subscribe", "topics": [topic] })).await;
    }

    async fn next(&mut self) -> Option<Message> {
        tokio::time::timeout(Duration::from_secs(10), self.0.next()).await.expect("something comes")?.ok()
    }

    async fn event(&mut self) -> Value {
        loop {
            match self.next().await.expect("an event") {
                Message::Text(text) => return serde_json::from_str(&text).expect("JSON"),
                Message::Ping(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    async fn closed(&mut self) -> (u16, String) {
        loop {
            match self.next().await.expect("a reason") {
                Message::Close(Some(frame)) => return (frame.code.into(), frame.reason.to_string()),
                Message::Close(None) => panic!("closed without a reason"),
                _ => {}
            }
        }
    }
}

fn customer(desk: &Desk) -> String {
    format!("customer_id:{}", desk.store.identity().customer_id)
}

async fn create(desk: &Desk, token: &str, number: u32) {
    let body = json!({ "extension": number.to_string(), "password": "secret-one" });
    let answer = desk.ask("POST", "/v1.0/extensions").token(token).json(body).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn events_come_once_they_are_committed_and_a_client_resumes_where_it_was() {
    let desk = Desk::new();
    let (address, _stop, _serving) = start(&desk).await;
    let token = desk.log_in(ADMIN).await;
    let mut client = Client::open(address, &format!("token={token}")).await;
    create(&desk, &token, 1001).await;
    client.subscribe(&format!("{}:extension", customer(&desk))).await;
    let event = client.event().await;
    insta::assert_json_snapshot!("event", event);
    create(&desk, &token, 1002).await;
    assert_eq!(client.event().await["seq"], 3);
    drop(client);
    create(&desk, &token, 1003).await;
    let mut again = Client::open(address, &format!("token={token}&after=2")).await;
    again.subscribe(&customer(&desk)).await;
    create(&desk, &token, 1004).await;
    for seq in 3..=5 {
        let event = again.event().await;
        assert_eq!((&event["seq"], &event["data"]["extension"]), (&seq.into(), &(999 + seq).to_string().into()));
    }
    again.say(json!({ "type": "unsubscribe", "topics": [customer(&desk)] })).await;
    again.subscribe(&format!("{}:call", customer(&desk))).await;
    again.say(json!({ "type": "dance" })).await;
    assert_eq!(again.event().await["data"]["reason"], "INVALID_JSON_BODY", "and no event before it");
}

#[tokio::test]
async fn a_call_is_told_as_it_goes() {
    let desk = Desk::new();
    let (address, _stop, _serving) = start(&desk).await;
    let token = desk.log_in(ADMIN).await;
    let mut client = Client::open(address, &format!("token={token}")).await;
    client.subscribe(&format!("{}:call", customer(&desk))).await;
    crate::phones::a_call(&desk, &token).await;
    let mut names = Vec::new();
    while names.iter().filter(|name| *name == "call_answered").count() < 2 {
        names.push(client.event().await["type"].as_str().expect("a name").to_owned());
    }
    assert_eq!(names[..2], ["call_created", "call_created"]);
    assert!(names.iter().any(|name| name == "call_ringing"), "{names:?}");
}

#[tokio::test]
async fn who_may_not_listen_is_turned_away() {
    let desk = Desk::new();
    desk.add_agent("reader", AgentPermission::Agent);
    let (address, _stop, _serving) = start(&desk).await;
    let token = desk.log_in(("reader", "readerreader")).await;
    let refused = tokio_tungstenite::connect_async(format!("ws://{address}/v1.0/ws")).await.expect_err("no token");
    assert!(refused.to_string().contains("401"), "{refused}");
    let mut foreign = format!("ws://{address}/v1.0/ws").into_client_request().expect("a request");
    foreign.headers_mut().insert("cookie", format!("token={token}").parse().expect("a header"));
    foreign.headers_mut().insert("origin", "http://evil.example".parse().expect("a header"));
    let refused = tokio_tungstenite::connect_async(foreign).await.expect_err("another site's page");
    assert!(refused.to_string().contains("403"), "{refused}");
    for topic in [
        "customer_id:00000000-0000-0000-0000-000000000001",
        "agent_id:00000000-0000-0000-0000-000000000001",
        "everything",
    ] {
        let mut client = Client::open(address, &format!("token={token}")).await;
        client.subscribe(topic).await;
        assert_eq!(client.closed().await, (1008, "forbidden topic".to_owned()), "{topic}");
    }
    let mut client = Client::open(address, &format!("token={token}")).await;
    let many: Vec<String> =
        (0..101).map(|id| format!("{}:call:{}", customer(&desk), uuid::Uuid::from_u128(id))).collect();
    client.say(json!({ "type": "subscribe", "topics": many })).await;
    assert_eq!(client.closed().await, (1008, "too many topics".to_owned()));
    let mut client = Client::open(address, &format!("token={token}")).await;
    client.say(json!("x".repeat(70_000))).await;
    assert!(!matches!(client.next().await, Some(Message::Text(_))), "too large a message ends it");
}

#[tokio::test]
async fn a_client_that_fell_behind_the_log_is_told_what_it_missed() {
    let desk = Desk::new();
    let (address, _stop, _serving) = start(&desk).await;
    let token = desk.log_in(ADMIN).await;
    let unblocked = || {
        let kind = pbx::EventKind::SourceUnblocked { source: [192, 0, 2, 1].into() };
        store::Item::Event(pbx::Event { at: pbx::UnixMicros(0), kind })
    };
    let total = limits::EVENTS + limits::EVENT_SLACK + 100;
    for _ in 0..total / 2_000 + 1 {
        let entry = store::journal::Entry { items: (0..2_000).map(|_| unblocked()).collect(), done: None };
        desk.journal.submit(entry).ok().expect("room");
    }
    desk.write(unblocked());
    let (first, last) = desk.store.reader().expect("a reader").event_range().expect("a log");
    assert!(first > 6, "the log was trimmed: {first}");
    let mut client = Client::open(address, &format!("token={token}&after=5")).await;
    client.subscribe(&customer(&desk)).await;
    let lagged = client.event().await;
    assert_eq!(lagged, json!({ "type": "lagged", "data": { "from": 6, "to": first - 1, "missed": first - 6 } }));
    assert_eq!(client.event().await["seq"], first);
    drop(client);
    let mut other = Client::open(address, &format!("token={token}&after={}", last + 1_000)).await;
    other.subscribe(&customer(&desk)).await;
    assert_eq!(other.event().await["data"]["missed"], 0, "a number that never was: read everything again");
    desk.write(unblocked());
    assert_eq!(other.event().await["seq"], last + 1);
}

#[tokio::test]
async fn a_client_that_reads_nothing_for_a_while_gets_everything_in_order() {
    let desk = Desk::new();
    let (address, _stop, _serving) = start(&desk).await;
    let token = desk.log_in(ADMIN).await;
    let mut client = Client::open(address, &format!("token={token}&after=0")).await;
    client.subscribe(&customer(&desk)).await;
    // More than sockets hold, so that somebody has to wait.
    let detail = "x".repeat(4_000);
    let update = || {
        let change = store::customer::Change { detail: Some(detail.clone()), ..Default::default() };
        store::Item::CustomerUpdated(Box::new(change), store::Timestamp(0))
    };
    for _ in 0..6 {
        let entry = store::journal::Entry { items: (0..500).map(|_| update()).collect(), done: None };
        desk.journal.submit(entry).ok().expect("room");
    }
    desk.write(update());
    // Another client is told meanwhile.
    let mut other = Client::open(address, &format!("token={token}&after=3000")).await;
    other.subscribe(&customer(&desk)).await;
    assert_eq!(other.event().await["seq"], 3_001);
    for seq in 1..=3_002 {
        assert_eq!(client.event().await["seq"], seq);
    }
}

#[tokio::test]
async fn the_later_names_are_told_to_who_asks_for_them() {
    let desk = Desk::new();
    let (address, _stop, _serving) = start(&desk).await;
    let token = desk.log_in(ADMIN).await;
    let mut client = Client::open(address, &format!("token={token}&event_dialect=2026")).await;
    client.subscribe(&format!("{}:call", customer(&desk))).await;
    crate::phones::a_call(&desk, &token).await;
    let mut names = Vec::new();
    while names.iter().filter(|name| *name == "call_progressing").count() < 2 {
        names.push(client.event().await["type"].as_str().expect("a name").to_owned());
    }
    assert!(!names.contains(&"call_answered".to_owned()), "{names:?}");
    let refused = tokio_tungstenite::connect_async(format!("ws://{address}/v1.0/ws?token={token}&event_dialect=1"));
    assert!(refused.await.expect_err("no such dialect").to_string().contains("400"));
}

#[tokio::test]
async fn stopping_the_api_says_good_bye() {
    let desk = Desk::new();
    let (address, stop, serving) = start(&desk).await;
    let token = desk.log_in(ADMIN).await;
    let mut client = Client::open(address, &format!("token={token}")).await;
    drop(stop);
    assert_eq!(client.closed().await, (1001, "the exchange is stopping".to_owned()));
    serving.await.expect("it ends");
}
