//! `/v1.0/system`.

use crate::desk::{ADMIN, Desk};

#[tokio::test]
async fn the_box_tells_how_it_stands() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    let system = desk.ask("GET", "/v1.0/system").token(&token).send().await.json();
    assert_eq!(system["version"], env!("CARGO_PKG_VERSION"));
    assert!(system["process"]["memory"].as_u64().expect("Linux tells it") > 1 << 20, "{system}");
    assert!(system["disk"]["total"].as_u64().expect("there is a disk") > 0);
    assert!(system["store"]["bytes"].as_u64().expect("a size") > 0);
    assert_eq!(system["store"]["lost"], 0);
    assert_eq!(system["readers"], serde_json::json!([]), "neither a cloud nor a bucket is set");
    assert!(system.get("build").is_none_or(|build| build.is_string()), "absent, not empty");
}
