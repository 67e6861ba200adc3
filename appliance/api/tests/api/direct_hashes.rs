//! Direct hashes.

use serde_json::json;
use store::agent::AgentPermission;

use crate::desk::{ADMIN, Desk};

#[tokio::test]
async fn a_direct_hash_is_made_shown_and_ended() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    let send = async |method: &str, path: &str| desk.ask(method, path).token(&token).send().await;
    let actions = json!([{ "type": "answer" }]);
    for (plural, body) in [
        ("extensions", json!({ "extension": "1001", "password": "secret1001" })),
        ("agents", json!({ "username": "ada", "password": "analytical", "permission": "agent" })),
        ("conferences", json!({ "name": "Round" })),
        ("flows", json!({ "name": "Door", "actions": actions })),
    ] {
        let made = desk.ask("POST", &format!("/v1.0/{plural}")).token(&token).json(body).send().await.json();
        let path = format!("/v1.0/{plural}/{}", made["id"].as_str().expect("an id"));
        assert!(made.get("direct_hash").is_none(), "{made}");
        let again = format!("{path}/direct-hash-regenerate");
        let first = send("POST", &again).await.json()["direct_hash"].clone();
        let second = send("POST", &again).await.json()["direct_hash"].clone();
        assert_ne!(first, second);
        assert_eq!(second.as_str().map(str::len), Some(32), "{plural}");
        assert_eq!(send("GET", &path).await.json()["direct_hash"], second);
        let listed = send("GET", &format!("/v1.0/{plural}")).await.json();
        assert_eq!(listed["result"][0]["direct_hash"], second, "{listed}");
        let body = json!({ "name": "Other", "detail": "", "actions": actions });
        let changed = desk.ask("PUT", &path).token(&token).json(body).send().await.json();
        assert_eq!((&changed["direct_hash"], &changed["name"]), (&second, &json!("Other")));
        let reader = desk.store.reader().expect("a reader");
        let kept = reader.restore().expect("what there is").direct_hashes;
        assert_eq!(
            kept.iter().filter_map(|kept| kept.hash.as_deref()).collect::<Vec<_>>(),
            [second.as_str().expect("a text")]
        );
        let end = format!("{path}/direct-hash");
        assert!(send("DELETE", &end).await.json().get("direct_hash").is_none());
        assert_eq!(send("DELETE", &end).await.status, 200, "once more is fine");
        let third = send("POST", &again).await.json()["direct_hash"].clone();
        assert!(third.is_string());
        assert_eq!(send("DELETE", &path).await.status, 200);
        assert_eq!(reader.restore().expect("what there is").direct_hashes, [], "it ends with what it leads to");
        assert_eq!(send("POST", &again).await.status, 404);
        let log = reader.events_after(1, 1_000).expect("the log");
        for secret in [first, second, third] {
            let secret = secret.as_str().expect("a text").to_string();
            assert!(!log.iter().any(|event| event.data.get().contains(&secret)), "no event says it");
        }
        let updated = format!("{}_updated", plural.trim_end_matches('s'));
        assert!(log.iter().filter(|event| event.kind == updated).count() >= 5, "but each that it changed");
    }
}

#[tokio::test]
async fn only_managers_make_one() {
    let desk = Desk::new();
    let admin = desk.log_in(ADMIN).await;
    desk.add_agent("reader", AgentPermission::Agent);
    let reader = desk.log_in(("reader", "readerreader")).await;
    let body = json!({ "extension": "1001", "password": "secret1001" });
    let made = desk.ask("POST", "/v1.0/extensions").token(&admin).json(body).send().await.json();
    let path = format!("/v1.0/extensions/{}/direct-hash-regenerate", made["id"].as_str().expect("an id"));
    assert_eq!(desk.ask("POST", &path).token(&reader).send().await.reason(), "PERMISSION_DENIED");
    assert_eq!(desk.ask("POST", &path).token(&admin).send().await.status, 200);
}
