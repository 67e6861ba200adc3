//! Conferences, and what is ordered of a call's audio.

use serde_json::{Value, json};

use crate::desk::{ADMIN, Answer, Desk};
use crate::phones;

async fn send(desk: &Desk, token: &str, (method, path): (&str, &str), body: Value) -> Answer {
    let ask = desk.ask(method, path).token(token);
    if body.is_null() { ask.send().await } else { ask.body(body.to_string()).send().await }
}

#[tokio::test]
async fn a_conference_is_made_changed_shown_and_ended() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    let new = json!({"type": "conference", "name": "Round", "timeout": 600, "data": {"extension": "800"}});
    let made = send(&desk, &token, ("POST", "/v1.0/conferences"), new.clone()).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let made = made.json();
    assert_eq!(made["data"], json!({"extension": "800", "loudest": 3, "tones": true}));
    assert_eq!(
        (&made["status"], &made["type"], &made["timeout"]),
        (&json!("starting"), &json!("conference"), &json!(600))
    );
    let path = format!("/v1.0/conferences/{}", made["id"].as_str().expect("an id"));
    assert_eq!(send(&desk, &token, ("GET", &path), Value::Null).await.json(), made);
    let again = send(&desk, &token, ("POST", "/v1.0/conferences"), new).await;
    assert_eq!((again.status.as_u16(), again.reason().as_str()), (409, "CONFERENCE_ALREADY_EXISTS"));

    let change = json!({"name": "Other", "data": {"extension": "801", "loudest": 0, "tones": false}});
    let changed = send(&desk, &token, ("PUT", &path), change).await.json();
    assert_eq!((&changed["name"], &changed["timeout"]), (&json!("Other"), &json!(600)));
    assert_eq!(changed["data"], json!({"extension": "801", "loudest": 0, "tones": false}));
    let list = send(&desk, &token, ("GET", "/v1.0/conferences"), Value::Null).await.json();
    assert_eq!(list["result"], json!([changed]));

    let flow = json!({"name": "Welcome", "actions": [{"type": "answer"}]});
    let flow = send(&desk, &token, ("POST", "/v1.0/flows"), flow).await.json()["id"].clone();
    let changed = send(&desk, &token, ("PUT", &path), json!({"pre_flow_id": flow})).await.json();
    assert_eq!((&changed["pre_flow_id"], &changed["post_flow_id"]), (&flow, &json!(uuid::Uuid::nil())));
    let changed =
        send(&desk, &token, ("PUT", &path), json!({"pre_flow_id": uuid::Uuid::nil(), "post_flow_id": flow})).await;
    assert_eq!(changed.json()["post_flow_id"], flow);
    assert_eq!(changed.json()["pre_flow_id"], json!(uuid::Uuid::nil()));
    for (order, body, reason) in [
        ("recording_start", json!({"format": "mp3"}), (409, "STATE_INVALID")),
        ("recording_start", json!({"duration": 86_401}), (400, "INVALID_ARGUMENT")),
        ("recording_start", json!({"format": "ogg"}), (400, "INVALID_JSON_BODY")),
        ("recording_start", json!({"on_end_flow_id": "soon"}), (400, "INVALID_ARGUMENT")),
        ("recording_stop", Value::Null, (409, "RECORDING_NOT_ACTIVE")),
    ] {
        let answer = send(&desk, &token, ("POST", &format!("{path}/{order}")), body).await;
        assert_eq!((answer.status.as_u16(), answer.reason().as_str()), reason, "{order}: {}", answer.text);
    }

    let ended = send(&desk, &token, ("DELETE", &path), Value::Null).await.json();
    assert_eq!(ended["status"], "terminated");
    assert!(ended["tm_end"].is_string() && ended["tm_end"] == ended["tm_delete"], "{ended}");
    for method in ["GET", "DELETE"] {
        let gone = send(&desk, &token, (method, &path), Value::Null).await;
        assert_eq!((gone.status.as_u16(), gone.reason().as_str()), (404, "CONFERENCE_NOT_FOUND"), "{method}");
    }
}

#[tokio::test]
async fn what_no_conference_can_be_is_refused_in_words() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    phones::a_call(&desk, &token).await;
    for (body, status, reason) in [
        (json!({"type": "queue"}), 400, "INVALID_ARGUMENT"),
        (json!({"data": {"extension": "8 0"}}), 400, "INVALID_ARGUMENT"),
        (json!({"data": {"extension": "1001"}}), 409, "EXTENSION_ALREADY_EXISTS"),
        (json!({"data": {"volume": 11}}), 400, "INVALID_JSON_BODY"),
        (json!({"data": {"loudest": -1}}), 400, "INVALID_JSON_BODY"),
        (json!({"timeout": "soon"}), 400, "INVALID_JSON_BODY"),
        (json!({"name": "x".repeat(256)}), 400, "INVALID_ARGUMENT"),
        (json!({"id": uuid::Uuid::nil()}), 400, "INVALID_ARGUMENT"),
        (json!({"pre_flow_id": uuid::Uuid::from_u128(7)}), 400, "INVALID_ARGUMENT"),
    ] {
        let answer = send(&desk, &token, ("POST", "/v1.0/conferences"), body.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.reason().as_str()), (status, reason), "{body}: {}", answer.text);
    }
    let nil = uuid::Uuid::nil();
    for (method, path, reason) in [
        ("GET", format!("/v1.0/conferences/{nil}"), "CONFERENCE_NOT_FOUND"),
        ("GET", format!("/v1.0/conferencecalls/{nil}"), "CONFERENCECALL_NOT_FOUND"),
        ("DELETE", format!("/v1.0/conferencecalls/{nil}"), "CONFERENCECALL_NOT_FOUND"),
        ("POST", format!("/v1.0/conferences/{nil}/recording_stop"), "CONFERENCE_NOT_FOUND"),
        ("POST", format!("/v1.0/calls/{nil}/hold"), "CALL_NOT_FOUND"),
        ("DELETE", format!("/v1.0/calls/{nil}/mute"), "CALL_NOT_FOUND"),
    ] {
        let answer = send(&desk, &token, (method, &path), Value::Null).await;
        assert_eq!((answer.status.as_u16(), answer.reason().as_str()), (404, reason), "{method} {path}");
    }
}

#[tokio::test]
async fn a_call_is_muted_held_and_kept_so() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    phones::a_call(&desk, &token).await;
    let live = send(&desk, &token, ("GET", "/v1.0/calls?live=true"), Value::Null).await.json();
    let id = live["result"][1]["id"].as_str().expect("an id").to_owned();
    let order = |method: &'static str, what: &str, body: Value| {
        let path = format!("/v1.0/calls/{id}/{what}");
        let (desk, token) = (&desk, &token);
        async move { send(desk, token, (method, &path), body).await }
    };
    assert_eq!(order("POST", "mute", json!({"direction": "in"})).await.json()["mute_direction"], "in");
    assert_eq!(order("POST", "mute", json!({"direction": "out"})).await.json()["mute_direction"], "both");
    assert_eq!(order("DELETE", "mute", json!({"direction": "in"})).await.json()["mute_direction"], "out");
    assert_eq!(order("DELETE", "mute", Value::Null).await.json()["mute_direction"], "");
    for refused in [json!({"direction": ""}), json!({"direction": "left"})] {
        assert_eq!(order("POST", "mute", refused.clone()).await.status, 400, "{refused}");
    }
    for (what, field) in [("hold", "on_hold"), ("moh", "moh"), ("silence", "silence")] {
        assert_eq!(order("POST", what, Value::Null).await.json()["metadata"][field], true, "{what}");
        let kept = send(&desk, &token, ("GET", &format!("/v1.0/calls/{id}")), Value::Null).await.json();
        assert_eq!(kept["metadata"][field], true, "{what}");
        assert_eq!(order("DELETE", what, Value::Null).await.json()["metadata"][field], false, "{what}");
    }
    assert_eq!(order("POST", "hangup", Value::Null).await.status, 200);
    let late = order("POST", "hold", Value::Null).await;
    assert_eq!((late.status.as_u16(), late.reason().as_str()), (409, "CALL_ALREADY_HANGUP"));
}
