//! Access keys: by them programs use the API, until they are deleted or expire.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use store::agent::AgentPermission;
use tokio_tungstenite::tungstenite::Message;

use crate::desk::{ADMIN, Answer, Desk};
use crate::server::start;

async fn create(desk: &Desk, token: &str, body: Value) -> Value {
    let made = desk.ask("POST", "/v1.0/accesskeys").token(token).json(body).send().await;
    assert_eq!(made.status, 200, "{}", made.text);
    made.json()
}

fn path(key: &Value) -> String {
    format!("/v1.0/accesskeys/{}", key["id"].as_str().expect("an id"))
}

fn told(answer: &Answer) -> (u16, String) {
    (answer.status.as_u16(), answer.reason())
}

#[tokio::test]
async fn a_key_is_shown_once_used_changed_and_deleted() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    let made = create(&desk, &token, json!({ "name": "crm", "detail": "calls customers", "expire": 3600 })).await;
    let key = made["token"].as_str().expect("the key").to_owned();
    assert!(key.starts_with("vb_") && key.len() == 46, "{key}");
    insta::assert_json_snapshot!("accesskey_create", made, { ".id" => "…", ".token" => "…", ".token_prefix" => "…" });
    let shown = desk.ask("GET", &path(&made)).token(&key).send().await;
    assert!(shown.json().get("token").is_none() && !shown.text.contains(&key), "{}", shown.text);
    assert!(key.starts_with(shown.json()["token_prefix"].as_str().expect("a prefix")));
    let me = desk.ask("GET", "/v1.0/me").token(&key).send().await.json();
    assert_eq!(me["username"], "admin", "a key counts in the name of who made it");
    let body = json!({ "name": "erp" });
    let changed = desk.ask("PUT", &path(&made)).token(&token).json(body).send().await.json();
    assert_eq!((&changed["name"], &changed["detail"]), (&json!("erp"), &json!("calls customers")));
    let list = desk.ask("GET", "/v1.0/accesskeys").token(&token).send().await.json();
    assert_eq!(list["result"], json!([changed]));
    let deleted = desk.ask("DELETE", &path(&made)).token(&token).send().await;
    assert!(deleted.json()["tm_delete"].is_string());
    assert_eq!(told(&desk.ask("GET", "/v1.0/me").token(&key).send().await), (401, "AUTHENTICATION_REQUIRED".into()));
    for method in ["GET", "DELETE"] {
        let gone = desk.ask(method, &path(&made)).token(&token).send().await;
        assert_eq!(told(&gone), (404, "ACCESSKEY_NOT_FOUND".into()));
    }
    let gone = desk.ask("PUT", &path(&made)).token(&token).json(json!({})).send().await;
    assert_eq!(told(&gone), (404, "ACCESSKEY_NOT_FOUND".into()));
    let log = desk.store.reader().expect("a reader").events_after(1, 100).expect("the log");
    let names: Vec<_> = log.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(names, ["accesskey_created", "accesskey_updated", "accesskey_deleted"]);
    assert!(log.iter().all(|event| !event.data.get().contains(&key)), "nobody hears of a key");
}

#[tokio::test]
async fn a_key_comes_by_header_query_or_cookie() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    let made = create(&desk, &token, json!({})).await;
    assert_eq!((&made["name"], &made["tm_expire"]), (&json!(""), &Value::Null));
    let key = made["token"].as_str().expect("the key");
    let cookie = format!("accesskey={key}");
    for request in [
        desk.ask("GET", "/v1.0/me").token(key),
        desk.ask("GET", &format!("/v1.0/me?accesskey={key}")),
        desk.ask("GET", "/v1.0/me").header("cookie", &cookie),
    ] {
        assert_eq!(request.send().await.status, 200);
    }
    let body = json!({ "name": "sales" });
    let by_query = desk.ask("POST", &format!("/v1.0/tags?accesskey={key}")).json(body.clone()).send().await;
    assert_eq!(by_query.status, 200, "{}", by_query.text);
    let by_cookie = desk.ask("POST", "/v1.0/tags").header("cookie", &cookie).json(body).send().await;
    assert_eq!(by_cookie.reason(), "CROSS_ORIGIN", "a browser sends a cookie by itself");
    let login = desk.ask("GET", &format!("/v1.0/me?accesskey={token}")).send().await;
    assert_eq!(login.status, 401, "a login's token is no access key");
}

#[tokio::test]
async fn a_key_ends_with_its_time_and_with_its_agent() {
    let desk = Desk::new();
    let admin = desk.log_in(ADMIN).await;
    let manager = desk.add_agent("manager", AgentPermission::Manager);
    let token = desk.log_in(("manager", "managermanager")).await;
    let short = create(&desk, &token, json!({ "expire": 60 })).await;
    let long = create(&desk, &token, json!({ "expire": 0 })).await;
    let status = async |made: &Value, path: &str| {
        desk.ask("GET", path).token(made["token"].as_str().expect("the key")).send().await.status.as_u16()
    };
    assert_eq!(status(&short, "/v1.0/me").await, 200);
    desk.pass(61);
    assert_eq!((status(&short, "/v1.0/me").await, status(&long, "/v1.0/me").await), (401, 200));
    let path = format!("/v1.0/agents/{manager}");
    let demoted = json!({ "permission": "agent" });
    desk.ask("PUT", &format!("{path}/permission")).token(&admin).json(demoted).send().await;
    assert_eq!((status(&long, "/v1.0/me").await, status(&long, "/v1.0/accesskeys").await), (200, 403));
    desk.ask("DELETE", &path).token(&admin).send().await;
    assert_eq!(status(&long, "/v1.0/me").await, 401);
    let list = desk.ask("GET", "/v1.0/accesskeys").token(&admin).send().await.json();
    assert_eq!(list["result"], json!([]), "its keys are deleted with it");
}

#[tokio::test]
async fn what_cannot_be_a_key_is_refused() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    for (field, value) in [
        ("expire", json!(-1)),
        ("expire", json!(i64::MAX)),
        ("name", json!("x".repeat(256))),
        ("detail", json!("a\u{0}")),
    ] {
        let refused = desk.ask("POST", "/v1.0/accesskeys").token(&token).json(json!({ field: value })).send().await;
        assert_eq!(told(&refused), (400, "INVALID_ARGUMENT".into()), "{field}");
        assert_eq!(refused.json()["error"]["details"][0]["field"], field);
    }
    let list = desk.ask("GET", "/v1.0/accesskeys").token(&token).send().await.json();
    assert_eq!(list["result"], json!([]));
}

#[tokio::test]
async fn who_guesses_keys_is_held_up_like_who_guesses_passwords() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    let made = create(&desk, &token, json!({})).await;
    let key = made["token"].as_str().expect("the key");
    for _ in 0..100 {
        assert_eq!(desk.ask("GET", "/v1.0/me").token(key).send().await.status, 200, "a right key counts nothing");
    }
    for number in 0..10 {
        let guess = desk.ask("GET", "/v1.0/me").token(&format!("vb_{number}")).send().await;
        assert_eq!(told(&guess), (401, "AUTHENTICATION_REQUIRED".into()));
    }
    let held_up = desk.ask("GET", "/v1.0/me").token(key).send().await;
    assert_eq!(told(&held_up), (429, "RATE_LIMIT_EXCEEDED".into()), "else a guesser would see which key is right");
    assert_eq!(desk.ask("GET", "/v1.0/me").token(key).from("192.0.2.98:1").send().await.status, 200);
    assert_eq!(desk.ask("GET", "/v1.0/me").token(&token).send().await.status, 200, "logins go on");
    desk.pass(61);
    assert_eq!(desk.ask("GET", "/v1.0/me").token(key).send().await.status, 200);
}

#[tokio::test]
async fn a_deleted_key_closes_the_websocket_that_it_opened() {
    let desk = Desk::new();
    let (address, _stop, _serving) = start(&desk).await;
    let token = desk.log_in(ADMIN).await;
    let made = create(&desk, &token, json!({})).await;
    let key = made["token"].as_str().expect("the key");
    let open = async |query: String| {
        tokio_tungstenite::connect_async(format!("ws://{address}/v1.0/ws?{query}")).await.expect("it is opened").0
    };
    let mut by_key = open(format!("accesskey={key}")).await;
    let mut by_login = open(format!("token={token}")).await;
    let topic = format!("customer_id:{}:tag", desk.store.identity().customer_id);
    let subscribe = json!({ "type": "subscribe", "topics": [topic] }).to_string();
    by_login.send(Message::text(subscribe)).await.expect("it reads");
    desk.ask("DELETE", &path(&made)).token(&token).send().await;
    let closed = tokio::time::timeout(Duration::from_secs(10), by_key.next()).await.expect("it ends");
    let Some(Ok(Message::Close(Some(frame)))) = closed else { panic!("{closed:?}") };
    assert_eq!((u16::from(frame.code), frame.reason.as_str()), (1008, "what let you in was withdrawn"));
    desk.ask("POST", "/v1.0/tags").token(&token).json(json!({ "name": "sales" })).send().await;
    let event = tokio::time::timeout(Duration::from_secs(10), by_login.next()).await.expect("something comes");
    assert!(matches!(&event, Some(Ok(Message::Text(text))) if text.contains("tag_created")), "{event:?}");
}
