//! Calls that begin with the exchange, and groups of them.

use serde_json::{Value, json};
use sip::{Message, Method, Request};

use crate::desk::{ADMIN, Answer, Desk};
use crate::phones::{self, Phone};

async fn post(desk: &Desk, token: &str, path: &str, body: Value) -> Answer {
    desk.ask("POST", path).token(token).json(body).send().await
}

async fn get(desk: &Desk, token: &str, path: &str) -> Answer {
    desk.ask("GET", path).token(token).send().await
}

/// What is shown once it is as wanted: what follows from an order is written down after the answer to it.
async fn once(desk: &Desk, (token, path): (&str, &str), wanted: impl Fn(&Value) -> bool) -> Value {
    let mut shown = Value::Null;
    for _ in 0..5_000 {
        shown = get(desk, token, path).await.json();
        if wanted(&shown) {
            return shown;
        }
    }
    panic!("it is {shown}");
}

/// The INVITE that came for a phone.
fn invited(phone: &Phone<'_>) -> Box<Request> {
    let heard = phone.heard();
    match heard.into_iter().next_back() {
        Some(Message::Request(invite)) if invite.method == Method::Invite => Box::new(invite),
        other => panic!("no INVITE: {other:?}"),
    }
}

fn to(extension: &str) -> Value {
    json!([{"type": "extension", "target": extension}])
}

#[tokio::test]
async fn a_call_is_made_shown_and_answered() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    let (_, two) = phones::two_phones(&desk, &token).await;
    let body = json!({
        "source": {"type": "tel", "target": "+4930123456", "target_name": "Reception"},
        "destinations": to("1002"), "actions": [{"type": "answer"}, {"type": "block"}],
        "variables": {"colour": "green"}, "anonymous": "no",
    });
    let made = post(&desk, &token, "/v1.0/calls", body).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let made = made.json();
    let (call, groupcall) = (&made["calls"][0], &made["groupcalls"][0]);
    assert_eq!((&call["status"], &call["direction"]), (&json!("dialing"), &json!("outgoing")));
    assert_eq!((&call["groupcall_id"], &groupcall["call_ids"]), (&groupcall["id"], &json!([call["id"]])));
    let path = format!("/v1.0/calls/{}", call["id"].as_str().expect("an id"));
    let group = format!("/v1.0/groupcalls/{}", groupcall["id"].as_str().expect("an id"));
    assert_eq!(get(&desk, &token, &path).await.json()["status"], "dialing");
    assert_eq!(get(&desk, &token, &group).await.json()["status"], "progressing");

    let invite = invited(&two);
    let from = String::from_utf8_lossy(invite.headers.get(&sip::message::HeaderName::From).expect("mandatory"));
    assert!(from.contains("Reception") && from.contains("+4930123456@"), "{from}");
    two.answer(&invite, "180 Ringing");
    assert_eq!(get(&desk, &token, &path).await.json()["status"], "ringing");
    two.answer(&invite, "200 OK");
    let up = get(&desk, &token, &path).await.json();
    assert_eq!((&up["status"], up["tm_progressing"].is_string()), (&json!("progressing"), true), "{up}");
    assert_eq!(get(&desk, &token, &group).await.json()["answer_call_id"], call["id"]);
    let runs = get(&desk, &token, "/v1.0/activeflows").await.json();
    assert_eq!((&runs["result"][0]["reference_id"], &runs["result"][0]["id"]), (&call["id"], &up["activeflow_id"]));
    let own = get(&desk, &token, &format!("{path}/sequence")).await.json();
    assert_eq!(own["call_id"], call["id"]);

    desk.sent.try_iter().for_each(drop);
    let ended = post(&desk, &token, &format!("{group}/hangup"), json!({})).await;
    assert_eq!((ended.status.as_u16(), &ended.json()["status"]), (200, &json!("hangingup")), "{}", ended.text);
    assert!(two.heard().iter().any(|message| matches!(message, Message::Request(bye) if bye.method == Method::Bye)));
    let over = once(&desk, (&token, &path), |call| call["status"] == "hangup").await;
    assert_eq!(over["hangup_reason"], "normal");
    once(&desk, (&token, &group), |group| group["status"] == "hangup").await;
    let again = post(&desk, &token, &format!("{group}/hangup"), json!({})).await;
    assert_eq!((again.status.as_u16(), again.reason().as_str()), (409, "STATE_INVALID"));
    let deleted = desk.ask("DELETE", &group).token(&token).send().await;
    assert!(deleted.status == 200 && deleted.json()["tm_delete"].is_string(), "{}", deleted.text);
    assert_eq!(get(&desk, &token, &group).await.reason(), "GROUPCALL_NOT_FOUND");
    assert_eq!(get(&desk, &token, "/v1.0/groupcalls").await.json()["result"], json!([]));
}

#[tokio::test]
async fn a_group_is_made_and_cancelled() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    let (one, _two) = phones::two_phones(&desk, &token).await;
    let body = json!({
        "source": {}, "destinations": [to("1001")[0], to("1002")[0]], "actions": [{"type": "answer"}],
        "ring_method": "linear", "answer_method": "hangup_others",
    });
    let made = post(&desk, &token, "/v1.0/groupcalls", body.clone()).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let made = made.json();
    assert_eq!(
        (&made["ring_method"], &made["call_count"], &made["dial_index"]),
        (&json!("linear"), &json!(1), &json!(0))
    );
    let invite = invited(&one);
    one.answer(&invite, "180 Ringing");
    let path = format!("/v1.0/groupcalls/{}", made["id"].as_str().expect("an id"));
    let live = desk.ask("DELETE", &path).token(&token).send().await;
    assert_eq!((live.status.as_u16(), live.reason().as_str()), (409, "STATE_INVALID"));
    let call = format!("/v1.0/calls/{}/hangup", made["call_ids"][0].as_str().expect("an id"));
    let cancelled = post(&desk, &token, &call, json!({})).await;
    assert_eq!(cancelled.status, 200, "{}", cancelled.text);
    let shown = once(&desk, (&token, &path), |group| group["dial_index"] == 1).await;
    assert_eq!(shown["call_count"], 1, "the next one is rung");
    let first = format!("/v1.0/calls/{}", made["call_ids"][0].as_str().expect("an id"));
    let first = once(&desk, (&token, &first), |call| call["status"] == "hangup").await;
    assert_eq!(first["hangup_reason"], "cancel");

    for (field, value) in [("ring_method", "never"), ("answer_method", "keep_all")] {
        let mut wrong = body.clone();
        wrong[field] = json!(value);
        let answer = post(&desk, &token, "/v1.0/groupcalls", wrong).await;
        assert_eq!((answer.status.as_u16(), answer.reason().as_str()), (400, "INVALID_JSON_BODY"), "{field}");
    }
}

#[tokio::test]
async fn what_cannot_be_called_is_refused_by_its_field() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    phones::two_phones(&desk, &token).await;
    let actions = json!([{"type": "answer"}]);
    let cases = [
        (json!({"destinations": to("1999"), "actions": actions}), "destinations[0].target"),
        (json!({"destinations": [{"type": "sip", "target": ""}], "actions": actions}), "destinations[0].target"),
        (json!({"destinations": [{"type": "pigeon", "target": "x"}], "actions": actions}), "destinations[0].type"),
        (json!({"destinations": [17], "actions": actions}), "destinations[0]"),
        (json!({"destinations": vec![to("1001")[0].clone(); 21], "actions": actions}), "destinations"),
        (json!({"actions": actions}), "destinations"),
        (json!({"destinations": to("1001")}), "flow_id"),
        (json!({"destinations": to("1001"), "flow_id": "17"}), "flow_id"),
        (json!({"destinations": to("1001"), "actions": [{"type": "sing"}]}), "actions[0].type"),
        (json!({"destinations": to("1001"), "actions": actions, "source": "me"}), "source"),
        (json!({"destinations": to("1001"), "actions": actions, "variables": {"": "x"}}), "variables."),
        (
            json!({"destinations": to("1001"), "actions": actions, "variables": {"big": "x".repeat(1_000_000)}}),
            "variables.big",
        ),
    ];
    for (body, field) in cases {
        let refused = post(&desk, &token, "/v1.0/calls", body.clone()).await;
        assert_eq!((refused.status.as_u16(), refused.reason().as_str()), (400, "INVALID_ARGUMENT"), "{body}");
        assert_eq!(refused.json()["error"]["details"][0]["field"], field, "{}", refused.text);
    }
    assert_eq!(get(&desk, &token, "/v1.0/calls").await.json()["result"], json!([]), "nothing was made");
}

#[tokio::test]
async fn a_flow_is_run_without_a_call_and_its_record_deleted() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    let id = "33333333-0000-4000-8000-000000000003";
    let body = json!({"id": id, "actions": [{"type": "answer"}, {"type": "block"}], "variables": {"a": "b"}});
    let run = post(&desk, &token, "/v1.0/activeflows", body.clone()).await;
    assert_eq!(run.status, 200, "{}", run.text);
    let run = run.json();
    assert_eq!((&run["id"], &run["status"], &run["reference_type"]), (&json!(id), &json!("running"), &json!("api")));
    let again = post(&desk, &token, "/v1.0/activeflows", body.clone()).await;
    assert_eq!((again.status.as_u16(), again.reason().as_str()), (409, "ACTIVEFLOW_ALREADY_EXISTS"));
    let path = format!("/v1.0/activeflows/{id}");
    // The flow goes on beside the answer.
    let mut action = Value::Null;
    for _ in 0..1_000 {
        action = get(&desk, &token, &path).await.json()["current_action"]["type"].clone();
        if action == "block" {
            break;
        }
    }
    assert_eq!(action, "block");
    let deleted = desk.ask("DELETE", &path).token(&token).send().await;
    assert_eq!((deleted.status.as_u16(), deleted.text.as_str()), (204, ""));
    for (method, path) in [("GET", path.clone()), ("DELETE", path.clone()), ("POST", format!("{path}/stop"))] {
        let gone = desk.ask(method, &path).token(&token).send().await;
        assert_eq!((gone.status.as_u16(), gone.reason().as_str()), (404, "ACTIVEFLOW_NOT_FOUND"), "{method} {path}");
    }
    assert_eq!(get(&desk, &token, "/v1.0/activeflows").await.json()["result"], json!([]));
    let again = post(&desk, &token, "/v1.0/activeflows", body).await;
    assert_eq!(again.reason(), "ACTIVEFLOW_ALREADY_EXISTS", "an id is for ever");
    for (body, field) in [
        (json!({}), "flow_id"),
        (json!({"flow_id": id}), "flow_id"),
        (json!({"id": "17", "actions": [{"type": "stop"}]}), "id"),
        (json!({"actions": [{"type": "stop"}], "webhook_uri": "http://127.0.0.1/"}), "webhook_uri"),
    ] {
        let refused = post(&desk, &token, "/v1.0/activeflows", body).await;
        assert_eq!(refused.status, 400, "{}", refused.text);
        assert_eq!(refused.json()["error"]["details"][0]["field"], field, "{}", refused.text);
    }
}

#[tokio::test]
async fn digits_are_sent_to_a_phone_and_a_flow_that_is_needed_stays() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    phones::a_call(&desk, &token).await;
    let calls = get(&desk, &token, "/v1.0/calls?live=true").await.json();
    let path = format!("/v1.0/calls/{}/dtmf", calls["result"][0]["id"].as_str().expect("an id"));
    let sent = post(&desk, &token, &path, json!({"digits": "12#"})).await;
    assert_eq!(sent.status, 200, "{}", sent.text);
    for (body, field) in [(json!({"digits": "x"}), "digits"), (json!({"digits": "1", "duration": 5}), "duration")] {
        let refused = post(&desk, &token, &path, body).await;
        assert_eq!(refused.json()["error"]["details"][0]["field"], field, "{}", refused.text);
    }
    let nobody = format!("/v1.0/calls/{}/dtmf", uuid::Uuid::nil());
    assert_eq!(post(&desk, &token, &nobody, json!({"digits": "1"})).await.reason(), "CALL_NOT_FOUND");

    let flow = post(&desk, &token, "/v1.0/flows", json!({"actions": [{"type": "answer"}]})).await.json();
    let number = json!({"number": "500", "call_flow_id": flow["id"]});
    let number = post(&desk, &token, "/v1.0/numbers", number).await.json();
    let flow = format!("/v1.0/flows/{}", flow["id"].as_str().expect("an id"));
    let kept = desk.ask("DELETE", &flow).token(&token).send().await;
    assert_eq!((kept.status.as_u16(), kept.reason().as_str()), (409, "IN_USE"));
    assert!(kept.text.contains("500"), "it says what needs it: {}", kept.text);
    let number = format!("/v1.0/numbers/{}", number["id"].as_str().expect("an id"));
    assert_eq!(desk.ask("DELETE", &number).token(&token).send().await.status, 200);
    assert_eq!(desk.ask("DELETE", &flow).token(&token).send().await.status, 200);
}

#[tokio::test]
async fn what_cannot_be_transferred_is_refused_in_words() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    let nobody = uuid::Uuid::from_u128(7);
    let address = json!({"type": "extension", "target": "1002"});
    let transfer = |kind: &str, addresses: Value| json!({"transfer_type": kind, "transferer_call_id": nobody, "transferee_addresses": addresses});
    for (body, status, reason) in [
        (transfer("blind", json!([address])), 404, "CALL_NOT_FOUND"),
        (transfer("sudden", json!([address])), 400, "INVALID_JSON_BODY"),
        (transfer("blind", json!([])), 400, "INVALID_ARGUMENT"),
        (transfer("attended", json!([{"type": "email", "target": "x@example.com"}])), 400, "INVALID_ARGUMENT"),
        (transfer("attended", json!([{"type": "extension", "target": ""}])), 400, "INVALID_ARGUMENT"),
        (json!({"transfer_type": "blind"}), 400, "INVALID_JSON_BODY"),
    ] {
        let answer = post(&desk, &token, "/v1.0/transfers", body.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.reason().as_str()), (status, reason), "{body}: {}", answer.text);
    }
}
