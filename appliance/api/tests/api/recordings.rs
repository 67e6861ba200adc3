//! Recordings of calls, and their files.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::desk::{ADMIN, Answer, Desk, FILE};
use crate::phones;

/// Records the call that is up for a moment, and gives the recording's id.
pub async fn record(desk: &Desk, token: &str) -> String {
    let call = calling(desk, token).await;
    let started = desk.ask("POST", &format!("/v1.0/calls/{call}/recording_start")).token(token).json(json!({}));
    let started = started.send().await;
    assert_eq!(started.status, 200, "{}", started.text);
    let stopped = desk.ask("POST", &format!("/v1.0/calls/{call}/recording_stop")).token(token).send().await;
    assert_eq!(stopped.status, 200, "{}", stopped.text);
    started.json()["recording_id"].as_str().expect("an id").to_owned()
}

/// The id of the leg that came in.
async fn calling(desk: &Desk, token: &str) -> String {
    let list = desk.ask("GET", "/v1.0/calls?live=true").token(token).send().await.json();
    let calls = list["result"].as_array().expect("a list");
    let incoming = calls.iter().find(|call| call["direction"] == "incoming").expect("a call");
    incoming["id"].as_str().expect("an id").to_owned()
}

async fn post(desk: &Desk, token: &str, path: &str, body: Value) -> (u16, String) {
    let answer = desk.ask("POST", path).token(token).json(body).send().await;
    let reason = if answer.status == 200 { String::new() } else { answer.reason() };
    (answer.status.as_u16(), reason)
}

/// Follows a link without a login.
async fn follow(desk: &Desk, link: &str, range: &str) -> Answer {
    let path = link.strip_prefix("http://box.example").expect("a link to where we were asked");
    let ask = desk.ask("GET", path);
    if range.is_empty() { ask.send().await } else { ask.header("range", range).send().await }
}

#[tokio::test]
async fn a_call_is_recorded_and_its_file_is_had_by_a_link() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    phones::a_call(&desk, &token).await;
    let call = calling(&desk, &token).await;
    let (start, stop) = (format!("/v1.0/calls/{call}/recording_start"), format!("/v1.0/calls/{call}/recording_stop"));
    assert_eq!(post(&desk, &token, &stop, json!({})).await, (409, "RECORDING_NOT_ACTIVE".into()));
    let body = json!({"format": "mp3", "end_of_silence": 0, "end_of_key": "#", "duration": 60, "on_end_flow_id": ""});
    let started = desk.ask("POST", &start).token(&token).json(body).send().await.json();
    assert_eq!(started["recording_ids"], json!([started["recording_id"]]));
    let id = started["recording_id"].as_str().expect("an id").to_owned();
    assert_eq!(post(&desk, &token, &start, json!({})).await, (409, "RECORDING_ALREADY_ACTIVE".into()));
    let get = |path: String| desk.ask("GET", &path).token(&token).send();
    let running = get(format!("/v1.0/recordings/{id}")).await.json();
    assert_eq!(
        (&running["status"], &running["format"], &running["url"]),
        (&json!("recording"), &json!("mp3"), &json!(""))
    );
    assert_eq!(get(format!("/v1.0/recordingfiles/{id}")).await.reason(), "RECORDINGFILE_NOT_FOUND");
    let early = desk.ask("DELETE", &format!("/v1.0/recordings/{id}")).token(&token).send().await;
    assert_eq!((early.status.as_u16(), early.reason().as_str()), (409, "STATE_INVALID"));
    assert_eq!(post(&desk, &token, &stop, json!({})).await.0, 200);
    // The file is complete a moment after the answer; whatever is answered next comes after that.
    get("/metrics".into()).await;

    let list = get("/v1.0/recordings".into()).await.json();
    let ended = &list["result"][0];
    let mut shown = ended.clone();
    for field in ["id", "customer_id", "reference_id", "url", "tm_start", "tm_end", "tm_create", "tm_update"] {
        assert!(shown[field].as_str().is_some_and(|text| text.len() > 20), "{field} in {shown}");
        shown[field] = json!("[there]");
    }
    insta::assert_json_snapshot!("recording_ended", shown);
    assert_eq!((&ended["reference_id"], list["result"].as_array().map(Vec::len)), (&json!(call), Some(1)));
    let sent_on = get(format!("/v1.0/recordingfiles/{id}")).await;
    assert_eq!(sent_on.status, StatusCode::TEMPORARY_REDIRECT);
    let link = sent_on.header("location").to_owned();
    let whole = desk.ask("GET", link.strip_prefix("http://box.example").expect("our host")).send().await;
    assert_eq!(
        (whole.status, whole.header("content-type"), whole.header("content-length")),
        (StatusCode::OK, "audio/wav", "1000")
    );
    assert_eq!((whole.header("accept-ranges"), whole.text == String::from_utf8_lossy(&FILE)), ("bytes", true));
    let part = follow(&desk, &link, "bytes=10-99").await;
    assert_eq!((part.status.as_u16(), part.header("content-range")), (206, "bytes 10-99/1000"));
    assert_eq!(part.text.as_bytes(), &FILE[10..100]);
    let none = follow(&desk, &link, "bytes=1000-").await;
    assert_eq!(
        (none.status.as_u16(), none.header("content-range"), none.reason()),
        (416, "bytes */1000", "RANGE_NOT_SATISFIABLE".into())
    );
    assert_eq!(follow(&desk, &link.replace("expires=1", "expires=2"), "").await.reason(), "PERMISSION_DENIED");

    desk.pass(3_601);
    assert_eq!(follow(&desk, &link, "").await.reason(), "PERMISSION_DENIED", "an hour is over");
    let fresh = get(format!("/v1.0/recordings/{id}")).await.json()["url"].as_str().expect("a link").to_owned();
    assert_eq!(follow(&desk, &fresh, "").await.status, 200, "and another counts");
    let deleted = desk.ask("DELETE", &format!("/v1.0/recordings/{id}")).token(&token).send().await;
    assert!(deleted.status == 200 && deleted.json()["tm_delete"].is_string(), "{}", deleted.text);
    assert_eq!(get(format!("/v1.0/recordings/{id}")).await.reason(), "RECORDING_NOT_FOUND");
    assert_eq!(follow(&desk, &fresh, "").await.reason(), "RECORDING_NOT_FOUND");
    assert_eq!(get("/v1.0/recordings".into()).await.json()["result"], json!([]));
}

#[tokio::test]
async fn what_cannot_be_recorded_is_refused() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    let (one, two) = phones::a_call(&desk, &token).await;
    let call = calling(&desk, &token).await;
    let start = format!("/v1.0/calls/{call}/recording_start");
    for body in [
        json!({"end_of_key": "##"}),
        json!({"duration": 86_401}),
        json!({"end_of_silence": 4_000_000_000_u32}),
        json!({"on_end_flow_id": "x"}),
    ] {
        assert_eq!(post(&desk, &token, &start, body.clone()).await, (400, "INVALID_ARGUMENT".into()), "{body}");
    }
    for body in [json!({"format": "ogg"}), json!({"duration": -1}), json!({"duration": "long"})] {
        assert_eq!(post(&desk, &token, &start, body.clone()).await, (400, "INVALID_JSON_BODY".into()), "{body}");
    }
    let nil = uuid::Uuid::nil();
    for path in ["recording_start", "recording_stop"] {
        let (status, reason) = post(&desk, &token, &format!("/v1.0/calls/{nil}/{path}"), json!({})).await;
        assert_eq!((status, reason.as_str()), (404, "CALL_NOT_FOUND"));
    }
    for path in [format!("/v1.0/recordings/{nil}"), format!("/v1.0/recordingfiles/{nil}")] {
        assert_eq!(desk.ask("GET", &path).token(&token).send().await.reason(), "RECORDING_NOT_FOUND");
    }
    desk.ask("POST", &format!("/v1.0/calls/{call}/hangup")).token(&token).send().await;
    phones::answer_byes(&desk, [&one, &two]);
    assert_eq!(post(&desk, &token, &start, json!({})).await, (409, "CALL_STATE_INVALID".into()));
    desk.pass(120);
    desk.ask("GET", "/metrics").token(&token).send().await;
    assert_eq!(
        post(&desk, &token, &start, json!({})).await,
        (409, "CALL_STATE_INVALID".into()),
        "forgotten by the exchange"
    );
}
