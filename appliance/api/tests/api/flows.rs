//! Flows, numbers, and flows that run.

use std::collections::BTreeSet;

use pbx::flow::ActiveflowRecord;
use pbx::{Event, EventKind, UnixMicros};
use serde_json::{Value, json};
use store::Item;
use store::agent::AgentPermission;
use uuid::Uuid;

use crate::desk::{ADMIN, Answer, Desk, START};
use crate::phones;

/// A desk with somebody at it.
struct Seat {
    desk: Desk,
    token: String,
}

impl Seat {
    async fn new() -> Seat {
        let desk = Desk::new();
        let token = desk.log_in(ADMIN).await;
        Seat { desk, token }
    }

    async fn get(&self, path: &str) -> Answer {
        self.desk.ask("GET", path).token(&self.token).send().await
    }

    async fn send(&self, method: &str, path: &str, body: Value) -> Answer {
        self.desk.ask(method, path).token(&self.token).json(body).send().await
    }

    async fn made(&self, path: &str, body: Value) -> Value {
        let answer = self.send("POST", path, body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }

    /// What is said of a flow with these actions.
    async fn refused(&self, actions: Value) -> Answer {
        let answer = self.send("POST", "/v1.0/flows", json!({"actions": actions})).await;
        assert_eq!(answer.status, 400, "{}", answer.text);
        answer
    }
}

fn path(resource: &str, made: &Value) -> String {
    format!("/v1.0/{resource}/{}", made["id"].as_str().expect("an id"))
}

fn nil() -> String {
    Uuid::nil().to_string()
}

#[tokio::test]
async fn a_flow_is_made_shown_replaced_and_deleted() {
    let seat = Seat::new().await;
    let jump = "11111111-0000-4000-8000-000000000001";
    let actions = json!([
        {"type": "answer"},
        {"type": "talk", "option": {"text": "Hello ${voipbin.call.source.target}", "language": "en-US"}, "next_id": jump},
        {"type": "hangup", "id": jump, "option": {}},
    ]);
    let new =
        json!({"name": "Welcome", "detail": "x", "actions": actions, "on_complete_flow_id": nil(), "extra": [[]]});
    let made = seat.made("/v1.0/flows", new).await;
    assert_eq!((&made["name"], &made["type"], &made["findings"]), (&json!("Welcome"), &json!("flow"), &json!([])));
    assert_eq!(made["on_complete_flow_id"], nil());
    let first = &made["actions"][0];
    assert_eq!((&first["next_id"], &first["option"]), (&json!(nil()), &json!({})));
    assert!(first["id"].as_str().is_some_and(|id| id.len() == 36 && id != nil()), "it was given one: {first}");
    assert_eq!((&made["actions"][1]["next_id"], &made["actions"][2]["id"]), (&json!(jump), &json!(jump)));
    let path = path("flows", &made);
    let mut shown = made.clone();
    shown.as_object_mut().expect("an object").remove("findings");
    assert_eq!(seat.get(&path).await.json(), shown);

    let change = json!({"name": "Other", "detail": "", "actions": made["actions"], "on_complete_flow_id": made["id"]});
    let changed = seat.send("PUT", &path, change).await.json();
    assert_eq!((&changed["name"], &changed["actions"]), (&json!("Other"), &made["actions"]), "ids stay");
    assert_eq!((&changed["on_complete_flow_id"], &changed["tm_create"]), (&made["id"], &made["tm_create"]));
    let half = seat.send("PUT", &path, json!({"name": "Half"})).await;
    assert_eq!((half.status.as_u16(), half.reason().as_str()), (400, "INVALID_JSON_BODY"), "{}", half.text);
    let list = seat.get("/v1.0/flows").await.json();
    assert_eq!((list["result"].as_array().map(Vec::len), &list["result"][0]["name"]), (Some(1), &json!("Other")));

    let deleted = seat.send("DELETE", &path, Value::Null).await.json();
    assert!(deleted["tm_delete"].is_string() && deleted.get("findings").is_none(), "{deleted}");
    for (method, body) in
        [("GET", json!({})), ("DELETE", json!({})), ("PUT", json!({"name": "", "detail": "", "actions": []}))]
    {
        let gone = seat.send(method, &path, body).await;
        assert_eq!((gone.status.as_u16(), gone.reason().as_str()), (404, "FLOW_NOT_FOUND"), "{method}");
    }
    assert_eq!(seat.get("/v1.0/flows").await.json()["result"], json!([]));
}

#[tokio::test]
async fn all_mistakes_of_a_flow_are_told_with_their_places_and_nothing_is_made() {
    let seat = Seat::new().await;
    let nowhere = "22222222-0000-4000-8000-000000000002";
    let refused = seat
        .refused(json!([
            {"type": "answr", "id": "11111111-0000-4000-8000-000000000001"},
            {"type": "goto", "option": {"target_id": nowhere, "loop_count": 2}},
            {"type": "sleep", "option": {"duration": "soon"}},
            {"type": "play", "option": {"stream_urls": "https://example.com/a.wav", "loud": true}},
            {"type": "talk", "next_id": nowhere, "option": {"text": ["Hello"]}},
        ]))
        .await;
    assert_eq!(refused.reason(), "INVALID_ARGUMENT");
    let error = &refused.json()["error"];
    let details = error["details"].as_array().expect("a list").clone();
    let fields: Vec<_> = details.iter().map(|detail| detail["field"].as_str().expect("a place")).collect();
    let wanted = [
        "actions[0].type",
        "actions[1].option.target_id",
        "actions[2].option.duration",
        "actions[3].option.stream_urls",
        "actions[4].next_id",
        "actions[4].option.text",
    ];
    assert_eq!(fields, wanted, "what is only odd (`loud`) refuses nothing");
    assert_eq!(details[0]["action_id"], "11111111-0000-4000-8000-000000000001");
    assert_eq!(details[2]["reason"], "is a string, not a whole number");
    for detail in &details {
        let names: Vec<_> = detail.as_object().expect("an object").keys().collect();
        assert_eq!(names, ["action_id", "field", "reason"]);
    }
    let message = error["message"].as_str().expect("words");
    assert_eq!(message, "actions[0].type there is no action \"answr\", and 5 more");
    assert_eq!(seat.get("/v1.0/flows").await.json()["result"], json!([]));
}

#[tokio::test]
async fn what_is_odd_about_a_flow_is_told_and_does_not_refuse_it() {
    let seat = Seat::new().await;
    let actions = json!([
        {"type": "answer", "option": {"loud": true}},
        {"type": "hangup"},
        {"type": "beep"},
    ]);
    let made = seat.made("/v1.0/flows", json!({"actions": actions})).await;
    let ids = [&made["actions"][0]["id"], &made["actions"][2]["id"]];
    let wanted = json!([
        {"action_id": ids[0], "field": "actions[0].option.loud", "reason": "is no option of this action"},
        {"action_id": ids[1], "field": "actions[2]", "reason": "is never reached"},
    ]);
    assert_eq!(made["findings"], wanted);
    assert_eq!(made["actions"][0]["option"], json!({"loud": true}), "it is kept as it was written");
    let described = seat.get("/openapi.json").await.json()["components"]["schemas"]["Flow"]["properties"].clone();
    let mut described: BTreeSet<_> = described.as_object().expect("fields").keys().cloned().collect();
    // It is there once one is made.
    assert!(described.remove("direct_hash"));
    assert_eq!(made.as_object().expect("fields").keys().cloned().collect::<BTreeSet<_>>(), described);
}

#[tokio::test]
async fn a_list_of_actions_that_is_none_is_refused_with_the_place() {
    let seat = Seat::new().await;
    for (actions, field, reason) in [
        (json!([{}]), "actions[0].type", "is missing"),
        (json!([{"type": ""}]), "actions[0].type", "is missing"),
        (json!([{"type": "answer"}, "answer"]), "actions[1]", "is a string, not an action"),
        (json!([{"type": "answer", "id": "x"}]), "actions[0].id", "is not a UUID"),
        (json!([{"type": "answer", "id": 7}]), "actions[0].id", "is not a UUID"),
        (json!([{"type": "answer", "next_id": {}}]), "actions[0].next_id", "is not a UUID"),
        (json!([{"type": "answer", "option": [1]}]), "actions[0].option", "is a list, not an object"),
        (json!([{"type": "answer", "option": "x"}]), "actions[0].option", "is a string, not an object"),
        (json!(vec![json!({"type": "answer"}); 10_000]), "actions", "are 10000, more than 1000"),
    ] {
        let refused = seat.refused(actions).await;
        assert_eq!(refused.reason(), "INVALID_ARGUMENT");
        let details = refused.json()["error"]["details"].clone();
        assert_eq!(details, json!([{"field": field, "reason": reason}]));
    }
    let text = "x".repeat(2_000);
    let large = json!(vec![json!({"type": "talk", "option": {"text": text}}); 200]);
    let refused = seat.refused(large).await.json()["error"].clone();
    assert_eq!(refused["details"][0]["field"], "actions");
    assert!(refused["message"].as_str().is_some_and(|text| text.contains("bytes, more than 262144")), "{refused}");
    for actions in [json!("x"), json!({}), Value::Null] {
        assert_eq!(seat.refused(actions).await.reason(), "INVALID_JSON_BODY");
    }
    for body in [json!({}), json!({"actions": [], "name": 7}), json!([])] {
        assert_eq!(seat.send("POST", "/v1.0/flows", body).await.reason(), "INVALID_JSON_BODY");
    }
    for (name, field) in [("x".repeat(256), "name"), ("a\nb".into(), "name")] {
        let answer = seat.send("POST", "/v1.0/flows", json!({"actions": [], "name": name})).await.json();
        assert_eq!(answer["error"]["details"][0]["field"], field);
    }
    let other = seat.send("POST", "/v1.0/flows", json!({"actions": [], "on_complete_flow_id": "x"})).await.json();
    assert_eq!(other["error"]["details"], json!([{"field": "on_complete_flow_id", "reason": "is not a UUID"}]));
}

#[tokio::test]
async fn deep_and_large_bodies_are_refused_and_the_box_stays_well() {
    let seat = Seat::new().await;
    let post = |body: String| seat.desk.ask("POST", "/v1.0/flows").token(&seat.token).body(body).send();
    let deep = |open: &str, close: &str, depth: usize| {
        let (open, close) = (open.repeat(depth), close.repeat(depth));
        format!(r#"{{"actions":[{{"type":"answer","option":{{"a":{open}1{close}}}}}]}}"#)
    };
    // The list of actions is read by itself; around the option stands its action, and inside is the option's own level.
    assert_eq!(post(deep("[", "]", 62)).await.status, 200, "64 levels with the action and its option");
    for body in [deep("[", "]", 63), deep("[", "]", 1_000), deep(r#"{"a":"#, "}", 1_000), "[".repeat(1_000_000)] {
        let refused = post(body).await;
        assert_eq!(
            (refused.status.as_u16(), refused.reason().as_str()),
            (400, "INVALID_JSON_BODY"),
            "{}",
            refused.text
        );
    }
    let told = post(deep("[", "]", 1_000)).await.json()["error"]["message"].clone();
    assert!(told.as_str().is_some_and(|text| text.contains("nested deeper than 64")), "{told}");
    let twice = post(r#"{"actions":[{"type":"answer","type":"hangup"}]}"#.into()).await.json()["error"].clone();
    assert!(twice["message"].as_str().is_some_and(|text| text.contains("stands twice")), "{twice}");
    let large = post(r#"{"actions":[{"type":"answer","option":{"a":1e999}}]}"#.into()).await;
    assert_eq!(large.reason(), "INVALID_JSON_BODY", "{}", large.text);
    let body = format!(r#"{{"actions":[],"detail":"{}"}}"#, "x".repeat(1024 * 1024));
    let refused = post(body).await;
    assert_eq!((refused.status.as_u16(), refused.reason().as_str()), (413, "REQUEST_TOO_LARGE"));
    assert_eq!(seat.get("/livez").await.status, 200);
}

#[tokio::test]
async fn a_number_leads_to_a_flow_and_is_dialled_by_nothing_else() {
    let seat = Seat::new().await;
    phones::a_call(&seat.desk, &seat.token).await;
    seat.made("/v1.0/conferences", json!({"data": {"extension": "800"}})).await;
    let flow = seat.made("/v1.0/flows", json!({"actions": []})).await["id"].clone();
    let new = json!({"number": "+493012345", "call_flow_id": flow, "name": "Desk", "type": "virtual"});
    let made = seat.made("/v1.0/numbers", new.clone()).await;
    assert_eq!((&made["call_flow_id"], &made["message_flow_id"]), (&flow, &json!(nil())));
    assert_eq!(
        (&made["type"], &made["status"], &made["metadata"]),
        (&json!("virtual"), &json!("active"), &json!({"rtp_debug": false}))
    );
    let described = seat.get("/openapi.json").await.json()["components"]["schemas"]["Number"]["properties"].clone();
    let described: BTreeSet<_> = described.as_object().expect("fields").keys().cloned().collect();
    assert_eq!(made.as_object().expect("fields").keys().cloned().collect::<BTreeSet<_>>(), described);
    let path = path("numbers", &made);
    assert_eq!(seat.get(&path).await.json(), made);
    let metadata = format!("{path}/metadata");
    let looked_at = seat.send("PUT", &metadata, json!({"rtp_debug": true})).await.json();
    assert_eq!((&looked_at["metadata"], &looked_at["name"]), (&json!({"rtp_debug": true}), &json!("Desk")));
    assert_eq!(seat.get(&path).await.json(), looked_at, "the database has the same");
    assert_eq!(seat.send("PUT", &metadata, json!({"rtp_debug": 1})).await.reason(), "INVALID_JSON_BODY");
    for (number, status, reason) in [
        ("+493012345", 409, "NUMBER_ALREADY_EXISTS"),
        ("1001", 409, "EXTENSION_ALREADY_EXISTS"),
        ("800", 409, "CONFERENCE_ALREADY_EXISTS"),
        ("", 400, "INVALID_ARGUMENT"),
        ("+49 30", 400, "INVALID_ARGUMENT"),
    ] {
        let answer = seat.send("POST", "/v1.0/numbers", json!({"number": number})).await;
        assert_eq!((answer.status.as_u16(), answer.reason().as_str()), (status, reason), "{number}: {}", answer.text);
    }
    let extension = json!({"extension": "+493012345", "password": "correct horse"});
    let taken = seat.send("POST", "/v1.0/extensions", extension).await;
    assert_eq!((taken.status.as_u16(), taken.reason().as_str()), (409, "NUMBER_ALREADY_EXISTS"));

    let deleted = seat.send("DELETE", &path, Value::Null).await.json();
    assert!(deleted["tm_delete"].is_string() && deleted["status"] == "deleted", "{deleted}");
    for method in ["GET", "DELETE", "PUT"] {
        let gone = seat.send(method, &path, json!({})).await;
        assert_eq!((gone.status.as_u16(), gone.reason().as_str()), (404, "NUMBER_NOT_FOUND"), "{method}");
    }
    assert_eq!(seat.get("/v1.0/numbers").await.json()["result"], json!([]));
    seat.made("/v1.0/numbers", new).await;
}

#[tokio::test]
async fn the_flows_of_a_number_are_set_in_any_of_three_ways() {
    let seat = Seat::new().await;
    let flow = seat.made("/v1.0/flows", json!({"actions": []})).await["id"].clone();
    let other = seat.made("/v1.0/flows", json!({"actions": []})).await["id"].clone();
    let made = seat.made("/v1.0/numbers", json!({"number": "5000", "flow_id": flow, "detail": "x"})).await;
    assert_eq!((&made["call_flow_id"], &made["type"]), (&flow, &json!("normal")));
    let path = path("numbers", &made);
    let flows = format!("{path}/flow_ids");
    for (path, body, call, message) in [
        (&path, json!({"flow_id": other}), &other, &json!(nil())),
        (&path, json!({"call_flow_id": flow, "flow_id": flow}), &flow, &json!(nil())),
        (&path, json!({"name": "Desk"}), &flow, &json!(nil())),
        (&flows, json!({"message_flow_id": other}), &flow, &other),
        (&flows, json!({"call_flow_id": "", "message_flow_id": flow}), &json!(nil()), &flow),
        (&flows, json!({"call_flow_id": other, "message_flow_id": nil()}), &other, &json!(nil())),
        (&flows, json!({}), &other, &json!(nil())),
    ] {
        let changed = seat.send("PUT", path, body.clone()).await.json();
        assert_eq!((&changed["call_flow_id"], &changed["message_flow_id"]), (call, message), "{body}");
        assert_eq!(changed["detail"], "x", "{body}");
    }
    let unknown = "22222222-0000-4000-8000-000000000002";
    for (body, field) in [
        (json!({"flow_id": unknown}), "call_flow_id"),
        (json!({"flow_id": "x"}), "flow_id"),
        (json!({"call_flow_id": flow, "flow_id": other}), "flow_id"),
        (json!({"message_flow_id": "x"}), "message_flow_id"),
    ] {
        for path in [&path, &flows] {
            let refused = seat.send("PUT", path, body.clone()).await;
            assert_eq!((refused.status.as_u16(), refused.reason().as_str()), (400, "INVALID_ARGUMENT"), "{body}");
            assert_eq!(refused.json()["error"]["details"][0]["field"], field, "{body}");
        }
    }
    let deep = format!(r#"{{"flow_id":"","x":{}{}}}"#, "[".repeat(1_000), "]".repeat(1_000));
    for body in [deep, r#"{"flow_id":7}"#.into(), r#"{"name":[]}"#.into()] {
        let refused = seat.desk.ask("PUT", &path).token(&seat.token).body(body.clone()).send().await;
        assert_eq!((refused.status.as_u16(), refused.reason().as_str()), (400, "INVALID_JSON_BODY"), "{body}");
    }
    assert_eq!(seat.get(&path).await.json()["call_flow_id"], other, "nothing of all that changed it");
}

#[tokio::test]
async fn what_ran_is_listed_and_cannot_be_stopped_again() {
    let seat = Seat::new().await;
    let at = UnixMicros(START);
    let ended = ActiveflowRecord {
        id: Uuid::from_u128(7),
        flow_id: Some(Uuid::from_u128(8)),
        running: false,
        origin: pbx::flow::record::Origin::Call,
        call_id: Some(Uuid::from_u128(9)),
        follows: None,
        on_complete_flow_id: None,
        webhook: None,
        current: None,
        executed: Vec::new(),
        failure: Some("play: there is no such file".into()),
        created: at,
        updated: at,
    };
    seat.desk.write(Item::Event(Event { at, kind: EventKind::ActiveflowUpdated(Box::new(ended)) }));
    let path = format!("/v1.0/activeflows/{}", Uuid::from_u128(7));
    let shown = seat.get(&path).await;
    insta::assert_json_snapshot!("activeflow_ended", shown.shown(), { ".body.customer_id" => "[there]" });
    assert_eq!(seat.get("/v1.0/activeflows").await.json()["result"], json!([shown.json()]));
    let described = seat.get("/openapi.json").await.json()["components"]["schemas"]["Activeflow"]["properties"].clone();
    let described: BTreeSet<_> = described.as_object().expect("fields").keys().cloned().collect();
    assert_eq!(shown.json().as_object().expect("fields").keys().cloned().collect::<BTreeSet<_>>(), described);
    let stopped = seat.send("POST", &format!("{path}/stop"), Value::Null).await;
    assert_eq!((stopped.status.as_u16(), stopped.reason().as_str()), (409, "ACTIVEFLOW_ALREADY_STOPPED"));
    let nobody = format!("/v1.0/activeflows/{}", nil());
    for (method, path) in [("GET", nobody.clone()), ("POST", format!("{nobody}/stop"))] {
        let answer = seat.send(method, &path, Value::Null).await;
        assert_eq!((answer.status.as_u16(), answer.reason().as_str()), (404, "ACTIVEFLOW_NOT_FOUND"), "{method}");
    }
}

#[tokio::test]
async fn an_agent_may_look_and_not_touch() {
    let mut seat = Seat::new().await;
    let flow = seat.made("/v1.0/flows", json!({"actions": []})).await;
    seat.desk.add_agent("reader", AgentPermission::Agent);
    seat.token = seat.desk.log_in(("reader", "readerreader")).await;
    for path in ["/v1.0/flows", "/v1.0/numbers", "/v1.0/activeflows", &path("flows", &flow)] {
        assert_eq!(seat.get(path).await.status, 200, "{path}");
    }
    for (method, path) in [
        ("POST", "/v1.0/flows".to_owned()),
        ("DELETE", path("flows", &flow)),
        ("POST", "/v1.0/numbers".to_owned()),
        ("PUT", format!("/v1.0/numbers/{}/flow_ids", nil())),
        ("POST", format!("/v1.0/activeflows/{}/stop", nil())),
    ] {
        assert_eq!(seat.send(method, &path, json!({})).await.reason(), "PERMISSION_DENIED", "{method} {path}");
    }
}
