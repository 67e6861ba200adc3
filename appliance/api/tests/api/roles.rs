//! Who may do what: every operation of the description with a token of each role, held against a table.

use std::collections::BTreeSet;

use api::routes::{Access, routes};
use store::agent::AgentPermission;
use uuid::Uuid;

use crate::desk::{ADMIN, Desk};

/// What an agent may besides reading: what is its own. Everything else that changes something is for managers.
const AGENT_MAY: [(&str, &str); 6] = [
    ("POST", "/auth/login"),
    ("POST", "/auth/logout"),
    // It asks for a code, which is no longer of any use.
    ("POST", "/v1.0/setup"),
    ("PUT", "/v1.0/agents/{own}/addresses"),
    ("PUT", "/v1.0/agents/{own}/password"),
    ("PUT", "/v1.0/agents/{own}/status"),
];
/// What agents may not read: what lets somebody in, and where events go.
const MANAGERS_READ: [&str; 8] = [
    "/v1.0/accesskeys",
    "/v1.0/accesskeys/{id}",
    "/v1.0/billing_account",
    "/v1.0/billings",
    "/v1.0/billings/{id}",
    "/v1.0/customer",
    "/v1.0/webhook_deliveries",
    "/v1.0/webhook_deliveries/{id}",
];
/// What only administrators may.
const ADMINS_MAY: [(&str, &str); 27] = [
    ("POST", "/v1.0/system/backup"),
    ("GET", "/v1.0/system/diagnostics"),
    ("POST", "/v1.0/system/factory_reset"),
    ("GET", "/v1.0/system/logs"),
    ("POST", "/v1.0/system/power_off"),
    ("POST", "/v1.0/system/reboot"),
    ("POST", "/v1.0/system/restore"),
    ("GET", "/v1.0/system"),
    ("GET", "/v1.0/system/update"),
    ("POST", "/v1.0/system/update"),
    ("DELETE", "/v1.0/system/update"),
    ("GET", "/v1.0/system/network"),
    ("PUT", "/v1.0/system/network"),
    ("POST", "/v1.0/system/network/confirm"),
    ("PUT", "/v1.0/agents/{id}/permission"),
    ("PUT", "/v1.0/billing_account"),
    ("POST", "/v1.0/billing_account/balance_add_force"),
    ("POST", "/v1.0/billing_account/balance_subtract_force"),
    ("GET", "/v1.0/flight-recorder"),
    ("PUT", "/v1.0/certificate"),
    ("DELETE", "/v1.0/certificate"),
    ("PUT", "/v1.0/certificate/acme"),
    ("DELETE", "/v1.0/certificate/acme"),
    ("PUT", "/v1.0/customer"),
    ("PUT", "/v1.0/customer/billing_account_id"),
    ("PUT", "/v1.0/customer/metadata"),
    ("PUT", "/v1.0/outbound_config"),
];

/// Whether the table lets somebody with this permission do it. An id stands for somebody else's, `{own}` for one's own.
fn lets(permission: AgentPermission, method: &str, path: &str) -> bool {
    if ADMINS_MAY.contains(&(method, path.replace("{own}", "{id}").as_str())) {
        return permission == AgentPermission::Admin;
    }
    let reading = method == "GET" && !MANAGERS_READ.contains(&path);
    reading || AGENT_MAY.contains(&(method, path)) || permission >= AgentPermission::Manager
}

#[tokio::test]
async fn every_operation_is_allowed_to_whom_the_table_says() {
    use AgentPermission::{Admin, Agent, Manager};
    let desk = Desk::new();
    let agent = desk.add_agent("reader", Agent);
    let manager = desk.add_agent("manager", Manager);
    let admin_token = desk.log_in(ADMIN).await;
    let me = desk.ask("GET", "/v1.0/me").token(&admin_token).send().await.json();
    let admin: Uuid = me["id"].as_str().expect("an id").parse().expect("an id");
    let agents = [
        (Agent, agent, desk.log_in(("reader", "readerreader")).await),
        (Manager, manager, desk.log_in(("manager", "managermanager")).await),
        (Admin, admin, admin_token),
    ];
    let description = desk.ask("GET", "/openapi.json").send().await.json();
    let mut asked = 0;
    for (path, item) in description["paths"].as_object().expect("paths") {
        // There the link's signature counts, and nothing else.
        if path == "/v1.0/recordingfiles/{id}/content" {
            continue;
        }
        for method in item.as_object().expect("methods").keys().map(|method| method.to_uppercase()) {
            for pattern in BTreeSet::from([path.clone(), path.replace("agents/{id}", "agents/{own}")]) {
                for (permission, id, token) in &agents {
                    let path = pattern.replace("{own}", &id.to_string()).replace("{id}", &Uuid::nil().to_string());
                    // What reaches a handler finds no body or nobody with that id, and changes nothing; so that nobody
                    // of the three is deleted in the end, nobody deletes itself.
                    if method == "DELETE" && pattern.contains("{own}") {
                        continue;
                    }
                    let answer = desk.ask(&method, &path).token(token).send().await;
                    let refused = answer.status == 403;
                    let wanted = lets(*permission, &method, &pattern);
                    assert_eq!(
                        !refused, wanted,
                        "{permission:?} {method} {pattern}: {} {}",
                        answer.status, answer.text
                    );
                    if refused {
                        assert_eq!(answer.reason(), "PERMISSION_DENIED");
                    }
                    asked += 1;
                }
            }
        }
    }
    assert!(asked >= routes().len() * 3, "{asked} operations were asked for");
}

/// Operations of VoIPBIN's API on resources that the box has, which make sense in VoIPBIN's own cloud only.
const CLOUD_ONLY: [&str; 8] = [
    "POST /auth/boot",
    "POST /auth/password-forgot",
    "GET /auth/password-reset",
    "POST /auth/password-reset",
    "GET /calls/{id}/media_stream",
    "GET /conferences/{id}/media_stream",
    "POST /conferences/{id}/transcribe_start",
    "POST /conferences/{id}/transcribe_stop",
];

/// The first part of a path: the resource.
fn resource(operation: &str) -> &str {
    operation.split('/').nth(1).unwrap_or_default()
}

#[tokio::test]
async fn a_resource_that_is_there_has_all_of_voipbins_operations() {
    let theirs: BTreeSet<&str> = include_str!("operations.txt").lines().collect();
    let ours: BTreeSet<String> =
        routes().iter().map(|route| format!("{} {}", route.method, route.path.trim_start_matches("/v1.0"))).collect();
    let resources: BTreeSet<&str> = ours.iter().map(|operation| resource(operation)).collect();
    let missing: Vec<_> = theirs
        .iter()
        .filter(|operation| resources.contains(resource(operation)) && !ours.contains(**operation))
        .filter(|operation| !CLOUD_ONLY.contains(operation))
        .collect();
    assert!(missing.is_empty(), "without a route: {missing:?}");
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    for operation in CLOUD_ONLY {
        assert!(theirs.contains(operation) && !ours.contains(operation), "{operation}");
        let (method, path) = operation.split_once(' ').expect("a method and a path");
        let prefix = if path.starts_with("/auth") { "" } else { "/v1.0" };
        let path = format!("{prefix}{}", path.replace("{id}", &Uuid::nil().to_string()));
        let answer = desk.ask(method, &path).token(&token).send().await;
        assert_eq!((answer.status.as_u16(), answer.reason().as_str()), (404, "ROUTE_NOT_FOUND"), "{operation}");
    }
}

#[test]
fn the_table_of_routes_grants_nothing_to_anybody_but_the_way_in() {
    let open: BTreeSet<_> =
        routes().into_iter().filter(|route| route.access == Access::Anybody).map(|r| r.path).collect();
    let wanted = [
        "/.well-known/acme-challenge/{id}",
        "/auth/login",
        "/auth/logout",
        "/authority.pem",
        "/healthz",
        "/livez",
        "/openapi.json",
        "/sip",
        "/v1.0/recordingfiles/{id}/content",
        "/v1.0/setup",
    ];
    assert_eq!(open, BTreeSet::from(wanted));
}
