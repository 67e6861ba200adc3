//! Extensions.

use serde_json::{Value, json};

use crate::desk::{ADMIN, Desk};
use crate::phones;

async fn create(desk: &Desk, token: &str, body: Value) -> crate::desk::Answer {
    desk.ask("POST", "/v1.0/extensions").token(token).json(body).send().await
}

#[tokio::test]
async fn an_extension_is_made_shown_changed_and_deleted() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    let body = json!({ "extension": "1001", "password": "secret-one", "name": "Ada", "detail": "third floor" });
    let made = create(&desk, &token, body).await;
    insta::assert_json_snapshot!("extension_create", made.shown());
    let path = format!("/v1.0/extensions/{}", made.json()["id"].as_str().expect("an id"));
    let shown = desk.ask("GET", &path).token(&token).send().await;
    assert_eq!(shown.json(), made.json());
    insta::assert_json_snapshot!(
        "extension_list",
        desk.ask("GET", "/v1.0/extensions").token(&token).send().await.shown()
    );
    let changed = desk.ask("PUT", &path).token(&token).json(json!({ "name": "Ada L." })).send().await;
    insta::assert_json_snapshot!("extension_update", changed.shown());
    let deleted = desk.ask("DELETE", &path).token(&token).send().await;
    insta::assert_json_snapshot!("extension_delete", deleted.shown());
    for method in ["GET", "DELETE"] {
        let gone = desk.ask(method, &path).token(&token).send().await;
        assert_eq!((gone.status.as_u16(), gone.reason().as_str()), (404, "EXTENSION_NOT_FOUND"));
    }
    let gone = desk.ask("PUT", &path).token(&token).json(json!({})).send().await;
    assert_eq!(gone.status, 404);
    let empty = desk.ask("GET", "/v1.0/extensions").token(&token).send().await;
    assert_eq!(empty.json(), json!({ "result": [], "next_page_token": "" }));
}

#[tokio::test]
async fn whether_its_audio_is_encrypted_can_be_set_and_left_to_the_box_again() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    let body = json!({ "extension": "1001", "password": "secret-one", "encryption": "required" });
    let made = create(&desk, &token, body).await.json();
    assert_eq!(made["encryption"], "required");
    let path = format!("/v1.0/extensions/{}", made["id"].as_str().expect("an id"));
    for (change, after) in [
        (json!({ "name": "Ada" }), "required"),
        (json!({ "encryption": "off" }), "off"),
        (json!({ "encryption": "" }), ""),
        (json!({ "encryption": "optional" }), "optional"),
    ] {
        let changed = desk.ask("PUT", &path).token(&token).json(change).send().await.json();
        assert_eq!(changed["encryption"], after);
        assert_eq!(desk.ask("GET", &path).token(&token).send().await.json()["encryption"], after);
    }
    let refused = desk.ask("PUT", &path).token(&token).json(json!({ "encryption": "on" })).send().await;
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn what_cannot_be_an_extension_is_refused_in_words() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    let invalid = create(&desk, &token, json!({ "extension": "10 01", "password": "secret-one" })).await;
    insta::assert_json_snapshot!("extension_invalid", invalid.shown());
    create(&desk, &token, json!({ "extension": "1001", "password": "secret-one" })).await;
    let taken = create(&desk, &token, json!({ "extension": "1001", "password": "secret-two" })).await;
    insta::assert_json_snapshot!("extension_taken", taken.shown());
    let missing = create(&desk, &token, json!({ "extension": "1002" })).await;
    insta::assert_json_snapshot!("extension_without_password", missing.shown());
    let broken = desk
        .ask("POST", "/v1.0/extensions")
        .token(&token)
        .body("{\n  \"extension\": \"1001\",\n  oops\n}")
        .send()
        .await;
    insta::assert_json_snapshot!("invalid_json", broken.shown());
    for body in ["", "[]", "null", "\"\u{0}", "\u{FEFF}{}", &"[".repeat(100_000)] {
        let refused = desk.ask("POST", "/v1.0/extensions").token(&token).body(body.to_owned()).send().await;
        assert_eq!((refused.status.as_u16(), refused.reason().as_str()), (400, "INVALID_JSON_BODY"));
    }
    let refused = desk.ask("POST", "/v1.0/extensions").token(&token).body(vec![0xFF; 100]).send().await;
    assert_eq!(refused.reason(), "INVALID_JSON_BODY");
}

#[tokio::test]
async fn a_list_comes_in_pages() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    for number in 0..5 {
        create(&desk, &token, json!({ "extension": format!("10{number}"), "password": "secret-one" })).await;
    }
    let (mut seen, mut page_token) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1.0/extensions?page_size=2&page_token={page_token}");
        let page = desk.ask("GET", &path).token(&token).send().await.json();
        seen.extend(page["result"].as_array().expect("a list").iter().map(|row| row["extension"].clone()));
        page_token = page["next_page_token"].as_str().expect("a token").to_owned();
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, ["104", "103", "102", "101", "100"]);
    for query in ["page_size=0", "page_size=-1", "page_size=x", "page_token=zzz", "page_token=%00"] {
        let refused = desk.ask("GET", &format!("/v1.0/extensions?{query}")).token(&token).send().await;
        assert_eq!((refused.status.as_u16(), refused.reason().as_str()), (400, "INVALID_REQUEST_PARAMETER"), "{query}");
    }
    let all = desk.ask("GET", "/v1.0/extensions?page_size=1000&colour=blue").token(&token).send().await;
    assert_eq!(all.json()["result"].as_array().expect("a list").len(), 5);
}

#[tokio::test]
async fn an_extension_shows_the_phones_that_are_registered() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    phones::two_phones(&desk, &token).await;
    let list = desk.ask("GET", "/v1.0/extensions").token(&token).send().await.json();
    let registrations = &list["result"][1]["registrations"];
    insta::assert_json_snapshot!("registrations", registrations, { "[].tm_expire" => "…" });
    desk.pass(7200 + 60);
    let later = desk.ask("GET", "/v1.0/extensions").token(&token).send().await.json();
    assert_eq!(later["result"][1]["registrations"], json!([]), "an expired contact is not shown");
}
