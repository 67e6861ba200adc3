//! Deliveries to web servers as the API shows them.

use serde_json::json;
use store::agent::AgentPermission;
use store::webhook_delivery::{DeliveryStatus, Record, Try};
use store::{Item, Timestamp};

use crate::desk::{ADMIN, Desk, START};

/// Has an event in the log, and a delivery of it that came to this.
fn deliver(desk: &Desk, status: DeliveryStatus, event_id: i64) -> Record {
    let at = Timestamp(START);
    let mut delivery = Record::new(desk.store.identity(), None, (event_id, "extension_created"), at);
    delivery.webhook_uri = "http://192.0.2.7/hook".into();
    delivery.status = status;
    delivery.tried(Try { tm: at, status_code: 503, reason: "the server answers 503".into(), duration_ms: 12 });
    desk.write(Item::WebhookDelivery(Box::new(delivery.clone())));
    delivery
}

#[tokio::test]
async fn deliveries_are_listed_by_their_status_and_sent_again() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    let body = json!({ "extension": "1001", "password": "secret-one" });
    assert_eq!(desk.ask("POST", "/v1.0/extensions").token(&token).json(body).send().await.status, 200);
    let failed = deliver(&desk, DeliveryStatus::Failed, 2);
    let expired = deliver(&desk, DeliveryStatus::Failed, 99);
    let waiting = deliver(&desk, DeliveryStatus::Waiting, 1);
    let all = desk.ask("GET", "/v1.0/webhook_deliveries?page_size=2").token(&token).send().await.json();
    assert_eq!(all["result"].as_array().map(Vec::len), Some(2));
    assert_ne!(all["next_page_token"], "");
    let some = desk.ask("GET", "/v1.0/webhook_deliveries?status=failed").token(&token).send().await.json();
    let ids: Vec<&str> =
        some["result"].as_array().expect("a list").iter().filter_map(|one| one["id"].as_str()).collect();
    assert_eq!(ids, [expired.id.to_string(), failed.id.to_string()]);
    let path = |delivery: &Record, rest: &str| format!("/v1.0/webhook_deliveries/{}{rest}", delivery.id);
    let shown = desk.ask("GET", &path(&failed, "")).token(&token).send().await.json();
    assert_eq!((&shown["data"]["extension"], &shown["tries"][0]["status_code"]), (&json!("1001"), &json!(503)));
    assert!(!shown.to_string().contains("secret-one"), "{shown}");

    let again = desk.ask("POST", &path(&failed, "/retry")).token(&token).send().await;
    assert_eq!((again.status.as_u16(), &again.json()["status"]), (200, &json!("waiting")));
    for (delivery, reason) in [(&failed, "STATE_INVALID"), (&waiting, "STATE_INVALID"), (&expired, "EVENT_EXPIRED")] {
        let refused = desk.ask("POST", &path(delivery, "/retry")).token(&token).send().await;
        assert_eq!((refused.status.as_u16(), refused.reason().as_str()), (409, reason));
    }
    let nobody = format!("/v1.0/webhook_deliveries/{}/retry", uuid::Uuid::nil());
    assert_eq!(desk.ask("POST", &nobody).token(&token).send().await.reason(), "WEBHOOK_DELIVERY_NOT_FOUND");
    let odd = desk.ask("GET", "/v1.0/webhook_deliveries?status=lost").token(&token).send().await;
    assert_eq!(odd.reason(), "INVALID_REQUEST_PARAMETER");
}

#[tokio::test]
async fn what_is_told_is_seen_by_managers_only() {
    let desk = Desk::new();
    desk.add_agent("reader", AgentPermission::Agent);
    let reader = desk.log_in(("reader", "readerreader")).await;
    let refused = desk.ask("GET", "/v1.0/webhook_deliveries").token(&reader).send().await;
    assert_eq!(refused.reason(), "PERMISSION_DENIED");
}

#[tokio::test]
async fn a_secret_is_set_and_never_shown() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    let path = "/v1.0/customer/metadata";
    let set = json!({ "webhook_secret": "for the other side", "event_dialect": "2026" });
    let changed = desk.ask("PUT", path).token(&token).json(set).send().await;
    let metadata = json!({ "rtp_debug": false, "event_dialect": "2026", "webhook_signed": true });
    assert_eq!(changed.json()["metadata"], metadata);
    let debug = desk.ask("PUT", path).token(&token).json(json!({ "rtp_debug": true })).send().await.json();
    assert_eq!((&debug["metadata"]["webhook_signed"], &debug["metadata"]["rtp_debug"]), (&json!(true), &json!(true)));
    let sealed: Vec<u8> = b"for the other side".iter().rev().copied().collect();
    assert_eq!(desk.store.reader().expect("a reader").webhook().expect("a row").secret, sealed);
    let without = desk.ask("PUT", path).token(&token).json(json!({ "webhook_secret": "" })).send().await.json();
    assert_eq!(without["metadata"]["webhook_signed"], false);
    let long = json!({ "webhook_secret": "x".repeat(1_025) });
    assert_eq!(desk.ask("PUT", path).token(&token).json(long).send().await.reason(), "INVALID_ARGUMENT");
    let log = desk.store.reader().expect("a reader").events_after(0, 100).expect("the log");
    assert!(log.iter().all(|event| !event.data.get().contains("for the other side")));
}
