//! Agents and tags, and who may change whom.

use serde_json::{Value, json};
use store::agent::AgentPermission;

use crate::desk::{ADMIN, Answer, Desk};

async fn put(desk: &Desk, token: &str, path: &str, body: Value) -> Answer {
    desk.ask("PUT", path).token(token).json(body).send().await
}

async fn post(desk: &Desk, token: &str, path: &str, body: Value) -> Answer {
    desk.ask("POST", path).token(token).json(body).send().await
}

fn told(answer: &Answer) -> (u16, String) {
    (answer.status.as_u16(), answer.reason())
}

/// The names of the events in the log.
fn events(desk: &Desk) -> Vec<String> {
    let reader = desk.store.reader().expect("a reader");
    reader.events_after(0, 100).expect("the log").into_iter().map(|event| event.kind).collect()
}

#[tokio::test]
async fn a_tag_is_made_shown_changed_and_deleted() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    let made = post(&desk, &token, "/v1.0/tags", json!({ "name": "sales", "detail": "they sell" })).await;
    insta::assert_json_snapshot!("tag_create", made.shown());
    let path = format!("/v1.0/tags/{}", made.json()["id"].as_str().expect("an id"));
    assert_eq!(desk.ask("GET", &path).token(&token).send().await.json(), made.json());
    let changed = put(&desk, &token, &path, json!({ "name": "selling" })).await.json();
    assert_eq!((&changed["name"], &changed["detail"]), (&json!("selling"), &json!("they sell")));
    let taken = post(&desk, &token, "/v1.0/tags", json!({ "name": "selling" })).await;
    assert_eq!(told(&taken), (409, "TAG_ALREADY_EXISTS".into()));
    let empty = post(&desk, &token, "/v1.0/tags", json!({ "name": " " })).await;
    assert_eq!((empty.status.as_u16(), &empty.json()["error"]["details"][0]["field"]), (400, &json!("name")));
    let list = desk.ask("GET", "/v1.0/tags").token(&token).send().await.json();
    assert_eq!(list["result"], json!([changed]));
    let deleted = desk.ask("DELETE", &path).token(&token).send().await;
    assert!(deleted.json()["tm_delete"].is_string());
    for answer in [
        desk.ask("GET", &path).token(&token).send().await,
        desk.ask("DELETE", &path).token(&token).send().await,
        put(&desk, &token, &path, json!({})).await,
    ] {
        assert_eq!(told(&answer), (404, "TAG_NOT_FOUND".into()));
    }
    assert_eq!(events(&desk), ["agent_created", "tag_created", "tag_updated", "tag_deleted"]);
}

#[tokio::test]
async fn an_agent_is_made_shown_changed_and_deleted() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    let tag = post(&desk, &token, "/v1.0/tags", json!({ "name": "sales" })).await.json();
    let body = json!({
        "username": "ada", "password": "analytical engine", "name": "Ada", "detail": "third floor",
        "ring_method": "linear", "permission": "manager", "tag_ids": [tag["id"]],
        "addresses": [{ "type": "extension", "target": "1001" }, { "type": "tel", "target": "+4930123456", "name": "mobile" }],
    });
    let made = post(&desk, &token, "/v1.0/agents", body).await;
    insta::assert_json_snapshot!("agent_create", made.shown());
    let path = format!("/v1.0/agents/{}", made.json()["id"].as_str().expect("an id"));
    assert_eq!(desk.ask("GET", &path).token(&token).send().await.json(), made.json());
    let changed = put(&desk, &token, &path, json!({ "name": "Ada L.", "ring_method": "ring_all" })).await.json();
    assert_eq!((&changed["name"], &changed["detail"]), (&json!("Ada L."), &json!("third floor")));
    for (part, body) in [
        (
            "addresses",
            json!({ "addresses": [{ "type": "sip", "target": "ada@example.org", "target_name": "", "name": "", "detail": "" }] }),
        ),
        ("permission", json!({ "permission": "agent" })),
        ("status", json!({ "status": "available" })),
        ("tag_ids", json!({ "tag_ids": [] })),
    ] {
        let changed = put(&desk, &token, &format!("{path}/{part}"), body.clone()).await;
        assert_eq!(changed.status, 200, "{}", changed.text);
        assert_eq!(changed.json()[part], body[part]);
    }
    let secret = put(&desk, &token, &format!("{path}/password"), json!({ "password": "another secret" })).await;
    assert!(secret.status == 200 && !secret.text.contains("secret") && !secret.text.contains("argon2"));
    desk.log_in(("ada", "another secret")).await;
    let deleted = desk.ask("DELETE", &path).token(&token).send().await;
    assert!(deleted.json()["tm_delete"].is_string());
    let gone = desk.ask("GET", &path).token(&token).send().await;
    assert_eq!(told(&gone), (404, "AGENT_NOT_FOUND".into()));
    let names = events(&desk);
    let count = |wanted: &str| names.iter().filter(|name| *name == wanted).count();
    assert_eq!(
        ["agent_created", "agent_updated", "agent_status_updated", "agent_deleted"].map(count),
        [2, 5, 1, 1],
        "{names:?}"
    );
    let all = desk.store.reader().expect("a reader").events_after(0, 100).expect("the log");
    assert!(all.iter().all(|event| !event.data.get().contains("argon2")), "nobody hears of a hash");
}

#[tokio::test]
async fn what_cannot_be_an_agent_is_refused_in_words() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    let good = json!({ "username": "ada", "password": "analytical engine" });
    for (field, value) in [
        ("username", json!("a da")),
        ("username", json!("")),
        ("password", json!("short")),
        ("password", json!("x".repeat(129))),
        ("password", json!("tab\there it is")),
        ("name", json!("x".repeat(256))),
        ("permission", json!(1)),
        ("tag_ids", json!(["x"])),
        ("tag_ids", json!(["00000000-0000-0000-0000-000000000001"])),
        ("addresses", json!([{ "type": "email", "target": "ada@example.org" }])),
        ("addresses", json!([{ "type": "tel", "target": "mobile" }])),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let refused = post(&desk, &token, "/v1.0/agents", body.clone()).await;
        assert_eq!(told(&refused), (400, "INVALID_ARGUMENT".into()), "{body}");
        assert_eq!(refused.json()["error"]["details"][0]["field"], field, "{body}");
    }
    for body in [
        json!({}),
        json!({ "username": "a" }),
        json!({ "username": "ada", "password": "analytical engine", "permission": "god" }),
    ] {
        assert_eq!(told(&post(&desk, &token, "/v1.0/agents", body).await), (400, "INVALID_JSON_BODY".into()));
    }
    let same = json!({ "username": "analytical", "password": "analytical" });
    assert_eq!(told(&post(&desk, &token, "/v1.0/agents", same).await), (400, "INVALID_ARGUMENT".into()));
    assert_eq!(post(&desk, &token, "/v1.0/agents", good.clone()).await.status, 201);
    let taken = json!({ "username": "ADA", "password": "analytical engine" });
    assert_eq!(told(&post(&desk, &token, "/v1.0/agents", taken).await), (409, "AGENT_ALREADY_EXISTS".into()));
    let list = desk.ask("GET", "/v1.0/agents").token(&token).send().await.json();
    assert_eq!(list["result"].as_array().map(Vec::len), Some(2), "nothing was half made");
    let nobody =
        put(&desk, &token, "/v1.0/agents/00000000-0000-0000-0000-000000000001/status", json!({ "status": "away" }));
    assert_eq!(told(&nobody.await), (404, "AGENT_NOT_FOUND".into()));
}

#[tokio::test]
async fn voipbins_bits_mean_our_words() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    for (bits, word) in [(16, "agent"), (64, "manager"), (32, "admin"), (240, "admin"), (80, "manager")] {
        let body = json!({ "username": format!("a{bits}"), "password": "analytical engine", "permission": bits });
        assert_eq!(post(&desk, &token, "/v1.0/agents", body).await.json()["permission"], word, "{bits}");
    }
}

#[tokio::test]
async fn a_list_of_agents_is_filtered() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    let tag = post(&desk, &token, "/v1.0/tags", json!({ "name": "sales" })).await.json();
    for (username, tags) in [("ada", json!([tag["id"]])), ("bob", json!([]))] {
        let body = json!({ "username": username, "password": "analytical engine", "tag_ids": tags });
        post(&desk, &token, "/v1.0/agents", body).await;
    }
    let names = async |query: String| {
        let list = desk.ask("GET", &format!("/v1.0/agents?{query}")).token(&token).send().await.json();
        let rows = list["result"].as_array().expect("a list").clone();
        rows.iter().map(|row| row["username"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(String::new()).await, ["bob", "ada", "admin"]);
    assert_eq!(names("status=offline&page_size=1".into()).await, ["bob"]);
    assert_eq!(names(format!("tag_ids={},", tag["id"].as_str().expect("an id"))).await, ["ada"]);
    for query in ["status=asleep", "tag_ids=x", "page_size=0"] {
        let refused = desk.ask("GET", &format!("/v1.0/agents?{query}")).token(&token).send().await;
        assert_eq!(told(&refused), (400, "INVALID_REQUEST_PARAMETER".into()), "{query}");
    }
    let path = format!("/v1.0/tags/{}", tag["id"].as_str().expect("an id"));
    desk.ask("DELETE", &path).token(&token).send().await;
    let ada = desk.ask("GET", "/v1.0/agents?page_size=2").token(&token).send().await.json()["result"][1].clone();
    assert_eq!((&ada["username"], &ada["tag_ids"]), (&json!("ada"), &json!([])), "a deleted tag is on nobody");
}

#[tokio::test]
async fn an_agent_changes_what_is_its_own_and_nothing_else() {
    let desk = Desk::new();
    let reader = desk.add_agent("reader", AgentPermission::Agent);
    let manager = desk.add_agent("manager", AgentPermission::Manager);
    let token = desk.log_in(("reader", "readerreader")).await;
    let parts = [
        ("password", json!({ "password": "another secret" })),
        ("addresses", json!({ "addresses": [{ "type": "extension", "target": "1001" }] })),
        ("status", json!({ "status": "available" })),
    ];
    for (part, body) in &parts {
        let own = put(&desk, &token, &format!("/v1.0/agents/{reader}/{part}"), body.clone()).await;
        assert_eq!(own.status, 200, "{part}: {}", own.text);
        let others = put(&desk, &token, &format!("/v1.0/agents/{manager}/{part}"), body.clone()).await;
        assert_eq!(told(&others), (403, "PERMISSION_DENIED".into()), "{part}");
    }
    for (path, body) in [
        (format!("/v1.0/agents/{reader}"), json!({ "name": "King" })),
        (format!("/v1.0/agents/{reader}/permission"), json!({ "permission": "admin" })),
        (format!("/v1.0/agents/{reader}/tag_ids"), json!({ "tag_ids": [] })),
    ] {
        assert_eq!(told(&put(&desk, &token, &path, body).await), (403, "PERMISSION_DENIED".into()), "{path}");
    }
    let manager_token = desk.log_in(("manager", "managermanager")).await;
    for (part, body) in &parts {
        let of_agent = put(&desk, &manager_token, &format!("/v1.0/agents/{reader}/{part}"), body.clone()).await;
        assert_eq!(of_agent.status, 200, "{part}: {}", of_agent.text);
    }
    let admin = desk.log_in(ADMIN).await;
    let me = desk.ask("GET", "/v1.0/me").token(&admin).send().await.json();
    let admin_path = format!("/v1.0/agents/{}", me["id"].as_str().expect("an id"));
    let password_path = format!("{admin_path}/password");
    let takeover = put(&desk, &manager_token, &password_path, json!({ "password": "now mine now" }));
    assert_eq!(told(&takeover.await), (403, "PERMISSION_DENIED".into()));
    let body = json!({ "username": "king", "password": "analytical engine", "permission": "admin" });
    assert_eq!(told(&post(&desk, &manager_token, "/v1.0/agents", body).await), (403, "PERMISSION_DENIED".into()));
    let deleting = desk.ask("DELETE", &admin_path).token(&manager_token).send().await;
    assert_eq!(told(&deleting), (403, "PERMISSION_DENIED".into()));
}

#[tokio::test]
async fn the_last_administrator_stays_one() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    let me = desk.ask("GET", "/v1.0/me").token(&token).send().await.json();
    let path = format!("/v1.0/agents/{}", me["id"].as_str().expect("an id"));
    let deleting = desk.ask("DELETE", &path).token(&token).send().await;
    assert_eq!(told(&deleting), (409, "LAST_ADMIN".into()));
    let demoting = put(&desk, &token, &format!("{path}/permission"), json!({ "permission": "manager" })).await;
    assert_eq!(told(&demoting), (409, "LAST_ADMIN".into()));
    desk.add_agent("second", AgentPermission::Admin);
    let deleting = desk.ask("DELETE", &path).token(&token).send().await;
    assert_eq!(deleting.status, 200, "{}", deleting.text);
    let after = desk.ask("GET", "/v1.0/me").token(&token).send().await;
    assert_eq!(told(&after), (401, "AUTHENTICATION_REQUIRED".into()), "its token ends with it");
}
