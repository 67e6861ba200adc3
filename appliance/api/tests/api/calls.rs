//! Calls.

use serde_json::{Value, json};

use crate::desk::{ADMIN, Desk};
use crate::phones;

fn id(call: &Value) -> String {
    call["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn a_call_is_shown_hung_up_and_kept() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    let get = |path: String| desk.ask("GET", &path).token(&token).send();
    let (one, two) = phones::a_call(&desk, &token).await;
    let list = get("/v1.0/calls?live=true".into()).await;
    insta::assert_json_snapshot!("call_list", list.shown());
    let calls = list.json()["result"].as_array().expect("a list").clone();
    let (outgoing, incoming) = (id(&calls[0]), id(&calls[1]));
    assert_eq!(get(format!("/v1.0/calls/{incoming}")).await.json(), calls[1]);
    let live = get(format!("/v1.0/calls/{outgoing}/sequence")).await.json();
    assert_eq!(live["call_id"], incoming.as_str(), "both legs have the same ladder");
    let refused = desk.ask("DELETE", &format!("/v1.0/calls/{incoming}")).token(&token).send().await;
    insta::assert_json_snapshot!("call_delete_too_early", refused.shown());

    desk.sent.try_iter().for_each(drop);
    let hung_up = desk.ask("POST", &format!("/v1.0/calls/{incoming}/hangup")).token(&token).send().await;
    assert_eq!(hung_up.status, 200, "{}", hung_up.text);
    assert_eq!(phones::answer_byes(&desk, [&one, &two]), 2, "both phones are told");
    let after = get(format!("/v1.0/calls/{incoming}")).await.json();
    assert_eq!((&after["status"], &after["hangup_by"]), (&json!("hangup"), &json!("local")));
    let again = desk.ask("POST", &format!("/v1.0/calls/{incoming}/hangup")).token(&token).send().await;
    insta::assert_json_snapshot!("call_hangup_again", again.shown());
    assert_eq!(get("/v1.0/calls?live=true".into()).await.json()["result"], json!([]));

    let ended = get(format!("/v1.0/calls/{outgoing}/sequence")).await.json();
    desk.pass(120);
    desk.ask("GET", "/metrics").token(&token).send().await;
    let master = uuid::Uuid::parse_str(&incoming).expect("an id");
    let stored = desk.store.reader().expect("a reader").sequence(master).expect("a row");
    assert!(stored.is_some(), "the exchange has let go of the ladder");
    let kept = get(format!("/v1.0/calls/{outgoing}/sequence")).await.json();
    assert_eq!(kept, ended, "and it is shown as before");
    let labels: Vec<&str> =
        kept["steps"].as_array().expect("steps").iter().filter_map(|step| step["label"].as_str()).collect();
    assert!(labels.iter().any(|label| label.contains("BYE")), "{labels:?}");
    let details = kept["steps"].as_array().expect("steps").iter().filter_map(|step| step["detail"].as_str());
    let digests = details.flat_map(|detail| detail.split("response=\"").skip(1));
    assert_eq!(digests.clone().count(), 1, "the INVITE's");
    assert!(digests.clone().all(|rest| rest.starts_with('…')), "and it is not shown");
    let deleted = desk.ask("DELETE", &format!("/v1.0/calls/{incoming}")).token(&token).send().await;
    assert!(deleted.status == 200 && deleted.json()["tm_delete"].is_string(), "{}", deleted.text);
    assert_eq!(get(format!("/v1.0/calls/{incoming}")).await.reason(), "CALL_NOT_FOUND");
    assert_eq!(get("/v1.0/calls".into()).await.json()["result"].as_array().expect("a list").len(), 1);
}

#[tokio::test]
async fn a_call_that_never_was_is_not_found() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    let nil = uuid::Uuid::nil();
    for (method, path) in [
        ("GET", format!("/v1.0/calls/{nil}")),
        ("DELETE", format!("/v1.0/calls/{nil}")),
        ("POST", format!("/v1.0/calls/{nil}/hangup")),
        ("GET", format!("/v1.0/calls/{nil}/sequence")),
    ] {
        let answer = desk.ask(method, &path).token(&token).send().await;
        assert_eq!((answer.status.as_u16(), answer.reason().as_str()), (404, "CALL_NOT_FOUND"), "{method} {path}");
        let answer = desk.ask(method, &path.replace(&nil.to_string(), "17")).token(&token).send().await;
        assert_eq!((answer.status.as_u16(), answer.reason().as_str()), (400, "INVALID_ID"), "{method} {path}");
    }
}
