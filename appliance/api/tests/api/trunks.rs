//! Trunks, providers, routes, and what counts for all calls beyond the box.

use serde_json::{Value, json};

use crate::desk::{ADMIN, Answer, Desk};

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

    async fn made(&self, path: &str, body: Value) -> (String, Value) {
        let answer = self.send("POST", path, body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let made = answer.json();
        (format!("{path}/{}", made["id"].as_str().expect("an id")), made)
    }

    /// Which field is refused.
    async fn refused(&self, path: &str, body: Value) -> String {
        let answer = self.send("POST", path, body).await;
        assert_eq!(answer.status, 400, "{}", answer.text);
        answer.json()["error"]["message"].as_str().expect("a message").split(':').next().expect("a field").to_string()
    }
}

#[tokio::test]
async fn a_trunk_is_made_changed_and_deleted_and_its_password_never_shown() {
    let seat = Seat::new().await;
    let new = json!({
        "name": "ACME", "detail": "", "domain_name": "acme", "auth_types": ["basic", "ip"], "username": "acme",
        "password": "open sesame", "allowed_ips": ["192.0.2.0/28", "2001:db8::7"],
    });
    let (path, made) = seat.made("/v1.0/trunks", new).await;
    assert_eq!(made["auth_types"], json!(["basic", "ip"]));
    assert_eq!(made["allowed_ips"], json!(["192.0.2.0/28", "2001:db8::7"]));
    assert_eq!((&made["password"], &made["username"]), (&json!(""), &json!("acme")));
    assert_eq!(seat.get(&path).await.json(), made, "the database has the same");
    let changed = seat.send("PUT", &path, json!({"name": "Other", "auth_types": ["basic"]})).await.json();
    assert_eq!((&changed["name"], &changed["auth_types"]), (&json!("Other"), &json!(["basic"])));
    assert_eq!(changed["domain_name"], "acme", "what is not there stays");
    assert_eq!(seat.get("/v1.0/trunks").await.json()["result"].as_array().map(Vec::len), Some(1));
    let again = seat
        .send(
            "POST",
            "/v1.0/trunks",
            json!({"domain_name": "ACME", "auth_types": ["ip"], "allowed_ips": ["192.0.2.9"]}),
        )
        .await;
    assert_eq!((again.status.as_u16(), again.reason().as_str()), (409, "TRUNK_ALREADY_EXISTS"));
    for (field, body) in [
        ("auth_types", json!({"domain_name": "x"})),
        ("allowed_ips", json!({"domain_name": "x", "auth_types": ["ip"], "allowed_ips": ["example.com"]})),
        ("password", json!({"domain_name": "x", "auth_types": ["basic"], "username": "x", "password": "123"})),
        ("domain_name", json!({"domain_name": "x y", "auth_types": ["ip"], "allowed_ips": ["192.0.2.9"]})),
    ] {
        assert_eq!(seat.refused("/v1.0/trunks", body).await, field);
    }
    let deleted = seat.send("DELETE", &path, Value::Null).await.json();
    assert!(deleted["tm_delete"].is_string());
    assert_eq!(seat.get(&path).await.reason(), "TRUNK_NOT_FOUND");
    assert_eq!(seat.send("PUT", &path, json!({})).await.reason(), "TRUNK_NOT_FOUND");
}

#[tokio::test]
async fn a_provider_and_the_routes_to_it() {
    let seat = Seat::new().await;
    let new = json!({
        "type": "sip", "hostname": "192.0.2.1", "tech_prefix": "00", "tech_postfix": "", "tech_headers": {"X-Account": "7"},
        "name": "World", "detail": "", "codecs": "pcma, pcmu", "port": 5070, "transport": "tcp", "caller_id": "+4930999",
        "register": {"realm": "world", "username": "box", "password": "open sesame", "expires": 600},
    });
    let (path, made) = seat.made("/v1.0/providers", new).await;
    assert!(!made.to_string().contains("sesame"), "{made}");
    assert_eq!(made["register"], json!({"realm": "world", "username": "box", "expires": 600}));
    assert_eq!(
        (&made["codecs"], &made["port"], &made["transport"]),
        (&json!("pcma,pcmu"), &json!(5070), &json!("tcp"))
    );
    assert_eq!((&made["tech_headers"], &made["health_status"]), (&json!({"X-Account": "7"}), &json!("unknown")));
    let shown = seat.get(&path).await.json();
    assert_eq!(shown["metadata"]["registration"]["status"], "registering");
    let changed = seat.send("PUT", &path, json!({"name": "Other", "register": {"expires": 900}})).await.json();
    assert_eq!((&changed["name"], &changed["register"]["username"]), (&json!("Other"), &json!("box")));
    let listed = seat.get("/v1.0/providers").await.json();
    assert_eq!(listed["result"][0]["metadata"]["registration"]["status"], "registering", "{listed}");
    for (field, body) in [
        ("hostname", json!({"hostname": "a b"})),
        ("codecs", json!({"hostname": "a", "codecs": "mp3"})),
        ("tech_headers", json!({"hostname": "a", "tech_headers": {"Call-ID": "x"}})),
        ("tech_headers", json!({"hostname": "a", "tech_headers": {"X-A": "1\r\nVia: x"}})),
        (
            "register.expires",
            json!({"hostname": "a", "register": {"username": "x", "password": "secret", "expires": 1}}),
        ),
    ] {
        assert_eq!(seat.refused("/v1.0/providers", body).await, field);
    }
    let route = json!({"name": "Germany", "detail": "", "provider_id": made["id"], "priority": 1, "target": "+49"});
    let (way, routed) = seat.made("/v1.0/routes", route.clone()).await;
    assert_eq!((&routed["target"], &routed["provider_id"]), (&json!("+49"), &made["id"]));
    assert_eq!(seat.send("POST", "/v1.0/routes", route).await.reason(), "ROUTE_ALREADY_EXISTS");
    let nowhere = json!({"provider_id": uuid::Uuid::from_u128(9), "target": "all"});
    assert_eq!(seat.refused("/v1.0/routes", nowhere).await, "provider_id");
    assert_eq!(seat.refused("/v1.0/routes", json!({"provider_id": made["id"], "target": "x"})).await, "target");
    let changed = seat.send("PUT", &way, json!({"target": "all"})).await.json();
    assert_eq!((&changed["target"], &changed["priority"]), (&json!("all"), &json!(1)));
    assert_eq!(seat.send("DELETE", &path, Value::Null).await.status, 409, "a route leads to it");
    assert_eq!(seat.send("DELETE", &way, Value::Null).await.status, 200);
    assert_eq!(seat.get(&way).await.reason(), "ROUTE_NOT_FOUND");
    assert_eq!(seat.send("DELETE", &path, Value::Null).await.status, 200);
    assert_eq!(seat.get(&path).await.reason(), "PROVIDER_NOT_FOUND");
}

#[tokio::test]
async fn what_counts_for_every_call_beyond_the_box() {
    let seat = Seat::new().await;
    let path = "/v1.0/outbound_config";
    let first = seat.get(path).await.json();
    let nobody = uuid::Uuid::nil().to_string();
    assert_eq!((&first["destination_whitelist"], &first["codecs"]), (&json!([]), &json!("")));
    assert_eq!((&first["default_outgoing_source_number_id"], &first["id"]), (&json!(nobody), &first["customer_id"]));
    let (_, number) = seat.made("/v1.0/numbers", json!({"number": "+4930500"})).await;
    let body = json!({
        "name": "Europe", "destination_whitelist": ["+49", "+33", "+49"], "codecs": "pcma, opus",
        "default_outgoing_source_number_id": number["id"],
    });
    let changed = seat.send("PUT", path, body).await.json();
    assert_eq!((&changed["destination_whitelist"], &changed["codecs"]), (&json!(["+33", "+49"]), &json!("pcma,opus")));
    assert_eq!(changed["default_outgoing_source_number_id"], number["id"]);
    assert_eq!(seat.get(path).await.json(), changed, "the database has the same");
    for (field, value) in [
        ("destination_whitelist", json!(["+49", "all"])),
        ("destination_whitelist", json!(["Germany"])),
        ("destination_whitelist", json!(vec!["+49"; 501])),
        ("codecs", json!("mp3")),
        ("default_outgoing_source_number_id", json!(uuid::Uuid::from_u128(9))),
        ("name", json!("a\u{7}")),
    ] {
        let refused = seat.send("PUT", path, json!({ "detail": "half", field: value })).await;
        assert_eq!((refused.status.as_u16(), refused.reason().as_str()), (400, "INVALID_ARGUMENT"), "{field}");
        assert_eq!(refused.json()["error"]["details"][0]["field"], field);
    }
    assert_eq!(seat.send("PUT", path, json!({ "destination_whitelist": "+49" })).await.reason(), "INVALID_JSON_BODY");
    assert_eq!(seat.get(path).await.json(), changed, "nothing was half saved");
    let number = format!("/v1.0/numbers/{}", number["id"].as_str().expect("an id"));
    assert_eq!(seat.send("DELETE", &number, Value::Null).await.reason(), "IN_USE");
    let without = json!({ "default_outgoing_source_number_id": nobody, "destination_whitelist": [] });
    let without = seat.send("PUT", path, without).await.json();
    assert_eq!((&without["destination_whitelist"], &without["name"]), (&json!([]), &json!("Europe")));
    assert_eq!(seat.send("DELETE", &number, Value::Null).await.status, 200);
    let reader = seat.desk.store.reader().expect("a reader");
    let log = reader.events_after(1, 100).expect("the log");
    let told: Vec<_> = log.iter().filter(|event| event.kind == "outbound_config_updated").collect();
    assert_eq!((told.len(), told[0].resource()), (2, "outbound_config"));
    assert!(told[0].data.get().contains("+33"), "{}", told[0].data);
    let restored = reader.restore().expect("what there is").outbound_config;
    assert_eq!((restored.name.as_str(), restored.codecs.len()), ("Europe", 2));
}

#[tokio::test]
async fn a_provider_is_set_up_with_its_routes_or_not_at_all() {
    let seat = Seat::new().await;
    let path = "/v1.0/providers/setup";
    let new = json!({
        "hostname": "192.0.2.1", "name": "World", "register": {"username": "box", "password": "open sesame"},
        "targets": ["+49", "all"], "priority": 7,
    });
    let made = seat.send("POST", path, new.clone()).await.json();
    assert_eq!((&made["name"], &made["register"]["expires"]), (&json!("World"), &json!(3_600)));
    let shown = seat.get(&format!("/v1.0/providers/{}", made["id"].as_str().expect("an id"))).await.json();
    assert_eq!(shown["metadata"]["registration"]["status"], "registering");
    let routes = seat.get("/v1.0/routes").await.json()["result"].clone();
    let told: Vec<_> = routes.as_array().expect("routes").iter().map(|route| &route["target"]).collect();
    assert_eq!(told, [&json!("all"), &json!("+49")]);
    for route in routes.as_array().expect("routes") {
        assert_eq!((&route["provider_id"], &route["priority"]), (&made["id"], &json!(7)));
        assert_eq!(route["name"], "World");
    }
    for (field, change) in [
        ("targets", json!(["+49", "Germany"])),
        ("targets", json!(["+49", "+49"])),
        ("priority", json!(-1)),
        ("hostname", json!("a b")),
        ("register", json!({"username": "box"})),
    ] {
        let mut wrong = new.clone();
        wrong[field] = change;
        let refused = seat.refused(path, wrong).await;
        assert_eq!(refused.split('.').next(), Some(field), "{refused}");
    }
    let count = async |path: &str| seat.get(path).await.json()["result"].as_array().map(Vec::len);
    assert_eq!(
        (count("/v1.0/providers").await, count("/v1.0/routes").await),
        (Some(1), Some(2)),
        "nothing was half made"
    );
    assert_eq!(seat.send("POST", path, json!({"targets": ["all"]})).await.reason(), "INVALID_JSON_BODY");
    let everywhere = seat.send("POST", path, json!({"hostname": "192.0.2.2"})).await.json();
    let alone = seat.send("POST", path, json!({"hostname": "192.0.2.3", "targets": []})).await.json();
    let routes = seat.get("/v1.0/routes").await.json()["result"].clone();
    assert_eq!((&routes[0]["provider_id"], &routes[0]["target"]), (&everywhere["id"], &json!("all")));
    assert_eq!(routes.as_array().map(Vec::len), Some(3));
    assert!(alone["id"].is_string());
    let log = seat.desk.store.reader().expect("a reader").events_after(1, 100).expect("the log");
    let kinds: Vec<&str> = log.iter().map(|event| event.kind.as_str()).take(3).collect();
    assert_eq!(kinds, ["provider_created", "route_created", "route_created"]);
}
