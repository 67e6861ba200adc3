//! Logging in, and what a login is good for.

use serde_json::json;
use store::agent::AgentPermission;

use crate::desk::{ADMIN, Desk};

#[tokio::test]
async fn a_login_gives_a_token_and_a_cookie() {
    let desk = Desk::new();
    let body = json!({ "username": ADMIN.0, "password": ADMIN.1, "remember": true });
    let answer = desk.ask("POST", "/auth/login").json(body).send().await;
    assert_eq!(answer.status, 200, "unknown fields do not matter");
    let token = answer.json()["token"].as_str().expect("a token").to_owned();
    assert_eq!(answer.json(), json!({ "username": "admin", "token": token }));
    let cookie = answer.header("set-cookie");
    assert_eq!(cookie, format!("token={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age=86400"));
    let me = desk.ask("GET", "/v1.0/me").token(&token).send().await;
    insta::assert_json_snapshot!("me", me.shown());
    let by_cookie = desk.ask("GET", "/v1.0/me").header("cookie", &format!("a=b; token={token}")).send().await;
    assert_eq!(by_cookie.status, 200);
    let out = desk.ask("POST", "/auth/logout").send().await;
    assert_eq!((out.status.as_u16(), out.header("set-cookie").contains("token=; ")), (204, true));
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_look_the_same() {
    let desk = Desk::new();
    for (username, password) in [("admin", "wrong"), ("nobody", ADMIN.1), ("", ""), ("admin", &"x".repeat(5000))] {
        let answer =
            desk.ask("POST", "/auth/login").json(json!({ "username": username, "password": password })).send().await;
        assert_eq!(answer.status, 401);
        let mut shown = answer.shown();
        shown["body"]["error"]["request_id"] = "…".into();
        insta::assert_json_snapshot!("wrong_credentials", shown);
    }
}

#[tokio::test]
async fn a_token_ends_after_a_day_and_means_nothing_elsewhere() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    desk.pass(86_399);
    assert_eq!(desk.ask("GET", "/v1.0/me").token(&token).send().await.status, 200);
    desk.pass(2);
    let late = desk.ask("GET", "/v1.0/me").token(&token).send().await;
    assert_eq!((late.status.as_u16(), late.header("www-authenticate")), (401, "Bearer"));
    insta::assert_json_snapshot!("unauthenticated", late.shown());
    for request in [
        desk.ask("GET", "/v1.0/me"),
        desk.ask("GET", "/v1.0/me").token("x"),
        desk.ask("GET", &format!("/v1.0/me?token={token}")),
        desk.ask("GET", "/v1.0/me").header("authorization", "Basic YWRtaW46eA=="),
    ] {
        assert_eq!(request.send().await.reason(), "AUTHENTICATION_REQUIRED");
    }
}

#[tokio::test]
async fn ten_failures_a_minute_are_enough_but_only_for_their_source() {
    let desk = Desk::new();
    let wrong = || desk.ask("POST", "/auth/login").json(json!({ "username": "admin", "password": "wrong" }));
    for _ in 0..10 {
        assert_eq!(wrong().send().await.status, 401);
    }
    desk.pass(15);
    let refused = wrong().send().await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, "45"));
    insta::assert_json_snapshot!("too_many_logins", refused.shown());
    assert_eq!(wrong().from("192.0.2.98:1").send().await.status, 401);
    desk.pass(45);
    assert_eq!(desk.log_in(ADMIN).await.split('.').count(), 3);
}

#[tokio::test]
async fn a_cookie_changes_nothing_for_another_site() {
    let desk = Desk::new();
    let cookie = format!("token={}", desk.log_in(ADMIN).await);
    let create = || {
        let body = json!({ "extension": "1001", "password": "secret-one" });
        desk.ask("POST", "/v1.0/extensions").header("cookie", &cookie).json(body)
    };
    assert_eq!(create().send().await.reason(), "CROSS_ORIGIN");
    assert_eq!(create().header("origin", "http://evil.example").send().await.reason(), "CROSS_ORIGIN");
    assert_eq!(create().header("origin", "http://box.example").send().await.status, 200);
}

#[tokio::test]
async fn an_agent_reads_and_a_manager_changes() {
    let desk = Desk::new();
    desk.add_agent("reader", AgentPermission::Agent);
    desk.add_agent("manager", AgentPermission::Manager);
    let reader = desk.log_in(("reader", "readerreader")).await;
    let manager = desk.log_in(("manager", "managermanager")).await;
    let create = |token| {
        let body = json!({ "extension": "1001", "password": "secret-one" });
        desk.ask("POST", "/v1.0/extensions").token(token).json(body)
    };
    let forbidden = create(&reader).send().await;
    assert_eq!(forbidden.status, 403);
    insta::assert_json_snapshot!("permission_denied", forbidden.shown());
    let made = create(&manager).send().await;
    assert_eq!(made.json()["password"], "secret-one");
    for path in
        ["/v1.0/extensions".to_owned(), format!("/v1.0/extensions/{}", made.json()["id"].as_str().expect("an id"))]
    {
        let seen = desk.ask("GET", &path).token(&reader).send().await;
        assert!(seen.status == 200 && seen.text.contains("1001") && !seen.text.contains("password"), "{}", seen.text);
        let seen = desk.ask("GET", &path).token(&manager).send().await;
        assert!(seen.text.contains("secret-one"), "{}", seen.text);
    }
}

#[tokio::test]
async fn many_logins_at_a_time_wait_for_each_other_or_are_put_off() {
    let desk = Desk::new();
    let logins = (0..60)
        .map(|_| desk.ask("POST", "/auth/login").json(json!({ "username": "admin", "password": ADMIN.1 })).send());
    let answers = futures_util::future::join_all(logins).await;
    let count = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert!(
        count(200) >= 10 && count(200) + count(503) + count(429) == 60,
        "{} {} {}",
        count(200),
        count(503),
        count(429)
    );
}
