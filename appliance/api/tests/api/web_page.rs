//! The embedded page.

use crate::desk::Desk;

#[tokio::test]
async fn the_page_is_served_on_every_path_that_is_not_the_apis() {
    let desk = Desk::new();
    for path in ["/", "/calls/17", "/index.html"] {
        let page = desk.ask("GET", path).send().await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.header("content-type").starts_with("text/"), "{path}");
        let policy = page.header("content-security-policy");
        assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
    }
    for path in ["/assets/nothing.js", "/missing.png", "/../Cargo.toml", "/%2e%2e/Cargo.toml"] {
        let missing = desk.ask("GET", path).send().await;
        assert_eq!((missing.status.as_u16(), missing.reason().as_str()), (404, "ROUTE_NOT_FOUND"), "{path}");
    }
}

#[tokio::test]
async fn a_file_that_the_browser_has_is_not_sent_again() {
    let desk = Desk::new();
    let page = desk.ask("GET", "/").send().await;
    if !page.text.contains("<script") {
        assert!(page.text.contains("make web-ui"), "a program without its page says how to get it: {}", page.text);
        return;
    }
    let tag = page.header("etag").to_owned();
    assert_eq!(page.header("cache-control"), "no-cache");
    let known = desk.ask("GET", "/").header("if-none-match", &format!("\"x\", W/{tag}")).send().await;
    assert_eq!((known.status.as_u16(), known.text.as_str()), (304, ""));
    let script = page.text.split("src=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a script");
    let script = format!("/{}", script.trim_start_matches(['.', '/']));
    let plain = desk.ask("GET", &script).send().await;
    assert_eq!(plain.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(plain.header("content-type"), "text/javascript; charset=utf-8");
    let packed = desk.ask("GET", &script).header("accept-encoding", "br, gzip").send().await;
    assert_eq!((packed.header("content-encoding"), packed.header("vary")), ("gzip", "Accept-Encoding"));
    assert_eq!(packed.header("content-type"), "text/javascript; charset=utf-8");
    assert_ne!(packed.header("etag"), plain.header("etag"));
    let refused = desk.ask("GET", &script).header("accept-encoding", "gzip;q=0").send().await;
    assert_eq!((refused.header("content-encoding"), &refused.text), ("", &plain.text));
}

#[tokio::test]
async fn where_the_page_is_for_https_alone_people_are_led_there_and_programs_are_not() {
    let desk = Desk::on(None, None, Some(443));
    for path in ["/", "/index.html", "/calls?of=today"] {
        let answer = desk.ask("GET", path).send().await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (307, &*format!("https://box.example{path}")));
    }
    for path in ["/livez", "/healthz", "/openapi.json", "/v1.0/setup"] {
        assert_eq!(desk.ask("GET", path).send().await.status, 200, "{path}");
    }
    // There is none here: all the same it is for those who do not trust the box yet.
    assert_eq!(desk.ask("GET", "/authority.pem").send().await.header("location"), "");
    let other = Desk::on(None, None, Some(8_443)).ask("GET", "/").send().await.header("location").to_owned();
    assert_eq!(other, "https://box.example:8443/");
}
