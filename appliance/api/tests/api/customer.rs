//! The customer.

use serde_json::json;
use store::agent::AgentPermission;

use crate::desk::{ADMIN, Desk};

#[tokio::test]
async fn the_customer_is_shown_and_changed() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    let first = desk.ask("GET", "/v1.0/customer").token(&token).send().await;
    insta::assert_json_snapshot!("customer", first.shown());
    let body = json!({
        "name": "Analytical Ltd.", "detail": "engines", "email": "ada@example.org", "phone_number": "+4930123456",
        "address": "London", "webhook_method": "POST", "webhook_uri": "http://192.168.1.7/hook",
    });
    let changed = desk.ask("PUT", "/v1.0/customer").token(&token).json(body.clone()).send().await.json();
    for (field, value) in body.as_object().expect("an object") {
        assert_eq!(&changed[field], value);
    }
    let part = desk.ask("PUT", "/v1.0/customer").token(&token).json(json!({ "webhook_uri": "" })).send().await.json();
    assert_eq!((&part["webhook_uri"], &part["name"]), (&json!(""), &json!("Analytical Ltd.")));
    let path = "/v1.0/customer/metadata";
    let debug = desk.ask("PUT", path).token(&token).json(json!({ "rtp_debug": true })).send().await.json();
    assert_eq!((&debug["metadata"]["rtp_debug"], &debug["email"]), (&json!(true), &json!("ada@example.org")));
    assert_eq!(desk.ask("GET", "/v1.0/customer").token(&token).send().await.json(), debug);
    let log = desk.store.reader().expect("a reader").events_after(1, 100).expect("the log");
    assert!(log.len() == 3 && log.iter().all(|event| event.kind == "customer_updated"));
}

#[tokio::test]
async fn what_a_customer_cannot_be_is_refused_in_words() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    for (field, value) in [
        ("webhook_uri", "http://localhost:8080/"),
        ("webhook_uri", "http://169.254.169.254/"),
        ("webhook_uri", "gopher://example.org/"),
        ("email", "nobody"),
        ("email", "a b@example.org"),
        ("name", "a\u{7}"),
    ] {
        let body = json!({ "detail": "changed", field: value });
        let refused = desk.ask("PUT", "/v1.0/customer").token(&token).json(body).send().await;
        assert_eq!((refused.status.as_u16(), refused.reason().as_str()), (400, "INVALID_ARGUMENT"), "{value}");
        assert_eq!(refused.json()["error"]["details"][0]["field"], field, "{value}");
    }
    for body in [json!({ "webhook_method": "BREW" }), json!({ "name": 7 })] {
        let refused = desk.ask("PUT", "/v1.0/customer").token(&token).json(body).send().await;
        assert_eq!((refused.status.as_u16(), refused.reason().as_str()), (400, "INVALID_JSON_BODY"));
    }
    let after = desk.ask("GET", "/v1.0/customer").token(&token).send().await.json();
    assert_eq!(after["detail"], "", "nothing was half saved");
}

#[tokio::test]
async fn where_events_go_is_seen_by_managers_and_set_by_administrators() {
    let desk = Desk::new();
    desk.add_agent("reader", AgentPermission::Agent);
    desk.add_agent("manager", AgentPermission::Manager);
    let reader = desk.log_in(("reader", "readerreader")).await;
    let manager = desk.log_in(("manager", "managermanager")).await;
    assert_eq!(desk.ask("GET", "/v1.0/customer").token(&reader).send().await.reason(), "PERMISSION_DENIED");
    assert_eq!(desk.ask("GET", "/v1.0/customer").token(&manager).send().await.status, 200);
    let change = desk.ask("PUT", "/v1.0/customer").token(&manager).json(json!({ "name": "mine" })).send().await;
    assert_eq!(change.reason(), "PERMISSION_DENIED");
}
