//! Whether the box is well, and what it counts.

use crate::desk::{ADMIN, Desk};

#[tokio::test]
async fn a_well_box_says_so_and_a_cut_one_says_why() {
    let desk = Desk::new();
    desk.pass(61);
    assert_eq!(desk.ask("GET", "/livez").send().await.json()["status"], "ok");
    let well = desk.ask("GET", "/healthz").send().await;
    assert_eq!(well.status, 200, "{}", well.text);
    assert_eq!((&well.json()["status"], &well.json()["uptime"]), (&"ok".into(), &61.into()));
    let other = Desk::new();
    other.cut_line();
    let cut = other.ask("GET", "/healthz").send().await;
    insta::assert_json_snapshot!("unhealthy", cut.shown());
    assert_eq!(other.ask("GET", "/livez").send().await.status, 503);
    let token = other.log_in(ADMIN).await;
    let body = serde_json::json!({ "extension": "1001", "password": "secret-one" });
    let refused = other.ask("POST", "/v1.0/extensions").token(&token).json(body).send().await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (503, "5"));
    assert_eq!(refused.reason(), "SERVICE_UNAVAILABLE");
    assert_eq!(other.ask("GET", "/v1.0/extensions").token(&token).send().await.status, 200, "reading goes on");
}

#[tokio::test]
async fn the_box_tells_agents_where_phones_reach_it() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    let mut shown = desk.ask("GET", "/v1.0/box").token(&token).send().await.shown();
    assert_eq!(shown["body"]["version"].take(), env!("CARGO_PKG_VERSION"));
    insta::assert_json_snapshot!("box", shown);
    let bound = api::r#box::Sip::from(std::net::SocketAddr::from(([192, 0, 2, 1], 5060)));
    assert_eq!((bound.address, bound.port), (Some([192, 0, 2, 1].into()), 5060));
}

#[tokio::test]
async fn metrics_are_for_the_box_itself_and_for_agents() {
    let desk = Desk::new();
    assert_eq!(desk.ask("GET", "/metrics").send().await.status, 401);
    let local = desk.ask("GET", "/metrics").from("127.0.0.1:9").send().await;
    assert_eq!(local.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(desk.ask("GET", "/metrics").from("[::1]:9").send().await.status, 200);
    let token = desk.log_in(ADMIN).await;
    let metrics = desk.ask("GET", "/metrics").token(&token).send().await.text;
    for line in [
        "tandem_calls 0",
        "# TYPE tandem_calls_total counter",
        "tandem_process_open_files 7",
        "tandem_http_responses_total{status=\"4xx\"} 1",
        "tandem_store_failing 0",
    ] {
        assert!(metrics.lines().any(|one| one == line), "{line}\n{metrics}");
    }
    let mut names = std::collections::HashSet::new();
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').expect("a name and a value");
        assert!(names.insert(name) && value.parse::<u64>().is_ok(), "{line}");
    }
}

#[tokio::test]
async fn without_a_cloud_nothing_waits_for_it() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    let answer = desk.ask("GET", "/v1.0/cloud").token(&token).send().await;
    assert_eq!(answer.status, 200);
    let shown = answer.json();
    assert_eq!(
        (&shown["status"], &shown["waiting"], &shown["failure"]),
        (&"off".into(), &0.into(), &serde_json::Value::Null)
    );
}
