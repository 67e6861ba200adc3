//! What holds for every route: the description, the error envelope, the limits.

use std::collections::BTreeSet;

use api::routes::{Access, routes};

use crate::desk::{ADMIN, Desk};

#[tokio::test]
async fn the_description_has_the_routes_and_the_routes_have_a_description() {
    let desk = Desk::new();
    let served = desk.ask("GET", "/openapi.json").send().await.json();
    let mut described = BTreeSet::new();
    for (path, item) in served["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("methods") {
            described.insert((method.to_uppercase(), path.clone()));
            assert!(operation["summary"].is_string() || operation["description"].is_string(), "{method} {path}");
        }
    }
    let there: BTreeSet<_> = routes().iter().map(|route| (route.method.to_string(), route.path.to_owned())).collect();
    assert_eq!(described, there);
}

#[tokio::test]
async fn every_reference_in_the_description_leads_somewhere() {
    let desk = Desk::new();
    let served = desk.ask("GET", "/openapi.json").send().await;
    let json = served.json();
    for reference in served.text.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().expect("a quote")) {
        assert!(json.pointer(reference).is_some(), "{reference}");
    }
    let schemas: Vec<_> = json["components"]["schemas"].as_object().expect("schemas").keys().cloned().collect();
    insta::assert_json_snapshot!("schemas", schemas);
}

#[tokio::test]
async fn a_record_has_exactly_the_fields_of_its_description() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    crate::phones::a_call(&desk, &token).await;
    crate::recordings::record(&desk, &token).await;
    let schemas = desk.ask("GET", "/openapi.json").send().await.json()["components"]["schemas"].clone();
    for (path, schema) in
        [("/v1.0/calls", "Call"), ("/v1.0/extensions", "Extension"), ("/v1.0/recordings", "Recording")]
    {
        let list = desk.ask("GET", path).token(&token).send().await.json();
        let fields: BTreeSet<_> = list["result"][0].as_object().expect("a record").keys().cloned().collect();
        let mut described: BTreeSet<_> =
            schemas[schema]["properties"].as_object().expect("a schema").keys().cloned().collect();
        // It is there once one is made.
        described.remove("direct_hash");
        assert_eq!(fields, described, "{schema}");
    }
}

#[tokio::test]
async fn every_route_that_needs_a_login_says_so() {
    let desk = Desk::new();
    for route in routes() {
        let path = route.path.replace("{id}", &uuid::Uuid::nil().to_string());
        let answer = desk.ask(route.method.as_str(), &path).send().await;
        let open = route.access == Access::Anybody;
        assert_eq!(answer.status == 401, !open, "{} {path}: {}", route.method, answer.text);
        if !open {
            assert_eq!(answer.reason(), "AUTHENTICATION_REQUIRED");
        }
    }
}

#[tokio::test]
async fn whatever_goes_wrong_is_told_in_the_envelope() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    for (method, path, status, reason) in [
        ("GET", "/v1.0/queues", 404, "ROUTE_NOT_FOUND"),
        ("GET", "/v1.0", 404, "ROUTE_NOT_FOUND"),
        ("GET", "/auth/signup", 404, "ROUTE_NOT_FOUND"),
        ("POST", "/v1.0/numbers/availability", 404, "ROUTE_NOT_FOUND"),
        ("PATCH", "/v1.0/extensions", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/auth/login", 405, "METHOD_NOT_ALLOWED"),
        ("POST", "/", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/v1.0/extensions/%FF", 400, "INVALID_ID"),
        ("GET", "/v1.0/ws", 400, "INVALID_ARGUMENT"),
    ] {
        let answer = desk.ask(method, path).token(&token).send().await;
        assert_eq!((answer.status.as_u16(), answer.reason().as_str()), (status, reason), "{method} {path}");
        let error = &answer.json()["error"];
        assert_eq!(error["request_id"], answer.header("x-request-id"), "{method} {path}");
        assert!(error["message"].as_str().is_some_and(|message| message.len() > 10), "{method} {path}");
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!((answer.header("cache-control"), answer.header("x-content-type-options")), ("no-store", "nosniff"));
    }
    insta::assert_json_snapshot!("no_route", desk.ask("GET", "/v1.0/queues").send().await.shown());
    let allowed = desk.ask("PATCH", "/v1.0/extensions").send().await;
    let allowed: BTreeSet<_> = allowed.header("allow").split(',').map(str::to_owned).collect();
    assert_eq!(allowed, ["GET", "HEAD", "POST"].map(str::to_owned).into());
}

#[tokio::test]
async fn a_body_may_be_a_mebibyte_and_not_more() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    let create = |size: usize| {
        let padding = " ".repeat(size - 2);
        desk.ask("POST", "/v1.0/extensions").token(&token).body(format!("{{{padding}}}")).send()
    };
    assert_eq!(create(1024 * 1024).await.reason(), "INVALID_JSON_BODY", "it was read");
    let refused = create(1024 * 1024 + 1).await;
    assert_eq!((refused.status.as_u16(), refused.reason().as_str()), (413, "REQUEST_TOO_LARGE"));
}
