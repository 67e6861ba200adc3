//! The billing account and the ledger.

use pbx::billing::{Charge, CostType, Micros};
use pbx::call::{CallRecord, Direction, Status};
use pbx::{Event, EventKind, UnixMicros};
use serde_json::{Value, json};
use store::Item;
use store::agent::AgentPermission;

use crate::desk::{ADMIN, Desk, START};

const ACCOUNT: &str = "/v1.0/billing_account";

async fn pay(desk: &Desk, token: &str, way: &str, body: Value) -> crate::desk::Answer {
    desk.ask("POST", &format!("{ACCOUNT}/balance_{way}_force")).token(token).json(body).send().await
}

#[tokio::test]
async fn a_new_box_has_an_account_without_prices() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    let first = desk.ask("GET", ACCOUNT).token(&token).send().await;
    insta::assert_json_snapshot!("billing_account", first.shown());
    let customer = desk.ask("GET", "/v1.0/customer").token(&token).send().await.json();
    assert_eq!(customer["billing_account_id"], first.json()["id"]);
    let path = "/v1.0/customer/billing_account_id";
    let same = json!({ "billing_account_id": first.json()["id"] });
    assert_eq!(desk.ask("PUT", path).token(&token).json(same).send().await.json(), customer);
    let other = json!({ "billing_account_id": customer["id"] });
    let refused = desk.ask("PUT", path).token(&token).json(other).send().await;
    assert_eq!((refused.status.as_u16(), refused.reason().as_str()), (404, "BILLING_ACCOUNT_NOT_FOUND"));
}

#[tokio::test]
async fn prices_and_what_happens_when_it_is_spent_are_set_in_part() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    let body = json!({
        "name": "Office", "detail": "third floor", "currency": "EUR", "credit_limit": 5_000_000, "low_balance": 1_000_000,
        "prices": { "call_pstn_outgoing": 12_000, "call_vn": 1 }, "when_spent": "continue", "announcement": "Bye.",
    });
    let set = desk.ask("PUT", ACCOUNT).token(&token).json(body.clone()).send().await.json();
    for (field, value) in body.as_object().expect("an object") {
        assert_eq!(&set[field], value);
    }
    assert_eq!((&set["payment_type"], &set["is_low"]), (&json!("postpaid"), &json!(true)));
    let part = json!({ "prices": { "call_pstn_incoming": 7, "call_vn": 0 } });
    let set = desk.ask("PUT", ACCOUNT).token(&token).json(part).send().await.json();
    assert_eq!(set["prices"], json!({ "call_pstn_outgoing": 12_000, "call_pstn_incoming": 7 }));
    assert_eq!((&set["name"], &set["currency"]), (&json!("Office"), &json!("EUR")));
    let log = desk.store.reader().expect("a reader").events_after(1, 100).expect("the log");
    assert!(log.len() == 2 && log.iter().all(|event| event.kind == "billing_account_updated"));
}

#[tokio::test]
async fn what_an_account_cannot_be_is_refused_in_words() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    for (field, value) in [
        ("currency", json!("euro")),
        ("credit_limit", json!(-1)),
        ("low_balance", json!(2_000_000_000_000_000_i64)),
        ("prices", json!({ "call_pstn_outgoing": -1 })),
        ("prices", json!({ "call_extension": 1 })),
        ("prices", json!({ "number": 1 })),
        ("prices", json!({ "": 1 })),
        ("announcement", json!("x".repeat(501))),
        ("name", json!("a\u{7}")),
    ] {
        let body = json!({ "detail": "changed", field: value });
        let refused = desk.ask("PUT", ACCOUNT).token(&token).json(body).send().await;
        assert_eq!((refused.status.as_u16(), refused.reason().as_str()), (400, "INVALID_ARGUMENT"), "{value}");
        assert_eq!(refused.json()["error"]["details"][0]["field"], field, "{value}");
    }
    for body in [json!({ "prices": { "taxi": 1 } }), json!({ "credit_limit": 0.5 }), json!({ "when_spent": "cry" })] {
        let refused = desk.ask("PUT", ACCOUNT).token(&token).json(body).send().await;
        assert_eq!((refused.status.as_u16(), refused.reason().as_str()), (400, "INVALID_JSON_BODY"));
    }
    assert_eq!(desk.ask("GET", ACCOUNT).token(&token).send().await.json()["detail"], "", "nothing was half saved");
}

#[tokio::test]
async fn money_is_paid_in_and_taken_off_once_for_each_key() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    let key = "00000000-0000-4000-8000-000000000001";
    let body = json!({ "balance_credit": 25_000_000, "idempotency_key": key });
    let first = pay(&desk, &token, "add", body.clone()).await;
    insta::assert_json_snapshot!("top_up", first.shown());
    assert_eq!(pay(&desk, &token, "add", body.clone()).await.json(), first.json(), "the same again is the same entry");
    for (way, amount) in [("subtract", 25_000_000), ("add", 1)] {
        let other = json!({ "balance_credit": amount, "idempotency_key": key });
        let refused = pay(&desk, &token, way, other).await;
        assert_eq!((refused.status.as_u16(), refused.reason().as_str()), (409, "BILLING_ALREADY_EXISTS"));
    }
    let off = pay(&desk, &token, "subtract", json!({ "balance_credit": 5_000_000 })).await.json();
    assert_eq!((&off["transaction_type"], &off["amount_credit"]), (&json!("adjustment"), &json!(-5_000_000)));
    let account = desk.ask("GET", ACCOUNT).token(&token).send().await.json();
    assert_eq!((&account["balance_credit"], account["tm_last_topup"].is_string()), (&json!(20_000_000), true));
    let list = desk.ask("GET", "/v1.0/billings?page_size=1").token(&token).send().await.json();
    assert_eq!((&list["result"][0], list["next_page_token"] != ""), (&off, true));
    let found = desk.ask("GET", &format!("/v1.0/billings/{key}")).token(&token).send().await.json();
    assert_eq!(found, first.json());
    for wrong in [0, -1, i64::MAX] {
        let refused = pay(&desk, &token, "add", json!({ "balance_credit": wrong })).await;
        assert_eq!((refused.status.as_u16(), refused.reason().as_str()), (400, "INVALID_ARGUMENT"), "{wrong}");
        assert_eq!(refused.json()["error"]["details"][0]["field"], "balance_credit");
    }
}

#[tokio::test]
async fn the_charge_of_a_call_is_found_by_its_id() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    let id = uuid::Uuid::from_u128(7);
    let duration = Some(std::time::Duration::from_secs(90));
    let charge = Charge { cost_type: CostType::CallPstnIncoming, rate: Micros(20_000), duration };
    let parties = Default::default();
    let made = pbx::call::leg::new_record(id, Direction::Incoming, parties, UnixMicros(START));
    let call = CallRecord {
        status: Status::Hangup,
        progressing: Some(UnixMicros(START)),
        hungup: Some(UnixMicros(START + 90_000_000)),
        charge: Some(charge),
        ..made
    };
    desk.write(Item::Event(Event { at: UnixMicros(START), kind: EventKind::CallHungup(Box::new(call)) }));
    let shown = desk.ask("GET", &format!("/v1.0/billings/{id}")).token(&token).send().await;
    insta::assert_json_snapshot!("charge", shown.shown());
    let missing = desk.ask("GET", &format!("/v1.0/billings/{}", uuid::Uuid::from_u128(8))).token(&token).send().await;
    assert_eq!((missing.status.as_u16(), missing.reason().as_str()), (404, "BILLING_NOT_FOUND"));
}

#[tokio::test]
async fn a_call_that_nobody_can_pay_is_refused_with_402() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    let ask = |method: &'static str, path: &'static str, body: Value| {
        let desk = &desk;
        let token = &token;
        async move { desk.ask(method, path).token(token).json(body).send().await }
    };
    let provider = ask("POST", "/v1.0/providers", json!({ "hostname": "192.0.2.1" })).await.json();
    let route = json!({ "provider_id": provider["id"], "target": "all" });
    assert_eq!(ask("POST", "/v1.0/routes", route).await.status, 200);
    assert_eq!(ask("PUT", ACCOUNT, json!({ "prices": { "call_pstn_outgoing": 10 } })).await.status, 200);
    let call = json!({
        "actions": [{ "type": "answer" }], "destinations": [{ "type": "tel", "target": "+4930" }],
    });
    let refused = ask("POST", "/v1.0/calls", call.clone()).await;
    assert_eq!((refused.status.as_u16(), refused.reason().as_str()), (402, "INSUFFICIENT_BALANCE"), "{}", refused.text);
    assert_eq!(pay(&desk, &token, "add", json!({ "balance_credit": 10 })).await.status, 200);
    assert_eq!(ask("POST", "/v1.0/calls", call).await.status, 200);
}

#[tokio::test]
async fn money_is_seen_by_managers_and_set_by_administrators() {
    let desk = Desk::new();
    desk.add_agent("reader", AgentPermission::Agent);
    desk.add_agent("manager", AgentPermission::Manager);
    let reader = desk.log_in(("reader", "readerreader")).await;
    let manager = desk.log_in(("manager", "managermanager")).await;
    for path in [ACCOUNT, "/v1.0/billings"] {
        assert_eq!(desk.ask("GET", path).token(&reader).send().await.reason(), "PERMISSION_DENIED");
        assert_eq!(desk.ask("GET", path).token(&manager).send().await.status, 200);
    }
    let price = json!({ "prices": { "call_vn": 1 } });
    assert_eq!(desk.ask("PUT", ACCOUNT).token(&manager).json(price).send().await.reason(), "PERMISSION_DENIED");
    for way in ["add", "subtract"] {
        let refused = pay(&desk, &manager, way, json!({ "balance_credit": 1 })).await;
        assert_eq!(refused.reason(), "PERMISSION_DENIED");
    }
}
