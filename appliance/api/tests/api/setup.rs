//! Taking hold of a box that has no administrator yet.

use std::path::PathBuf;
use std::sync::Arc;

use api::board::{Connecting, Wire};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

use crate::desk::Desk;

const CODE: &str = "K7QF-M2XD-9R";

fn new_box() -> Desk {
    Desk::on(None, Some(CODE), None)
}

fn claim() -> Value {
    json!({ "setup_code": "k7qf m2xd 9r", "password": "wide open sea", "time_zone": "Europe/Berlin" })
}

fn with(field: &str, value: Value) -> Value {
    let mut claim = claim();
    claim[field] = value;
    claim
}

#[tokio::test]
async fn a_new_box_lets_in_nobody_but_who_has_its_code() {
    let desk = new_box();
    assert_eq!(desk.ask("GET", "/v1.0/setup").send().await.json(), json!({ "required": true, "board": false }));
    for (method, path) in [("GET", "/v1.0/extensions"), ("GET", "/v1.0/me"), ("PUT", "/v1.0/customer")] {
        let answer = desk.ask(method, path).token("any").send().await;
        assert_eq!((answer.status.as_u16(), answer.reason().as_str()), (403, "SETUP_REQUIRED"), "{path}");
    }
    let login = json!({ "username": "admin", "password": "" });
    assert_eq!(desk.ask("POST", "/auth/login").json(login).send().await.reason(), "SETUP_REQUIRED");
    assert_eq!(desk.ask("GET", "/livez").send().await.status, 200);
    assert_eq!(desk.ask("GET", "/").send().await.status, 200, "the page is there");

    let answer = desk.ask("POST", "/v1.0/setup").json(claim()).send().await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!((&answer.json()["username"], &answer.json()["network"]), (&json!("admin"), &Value::Null));
    assert!(answer.header("set-cookie").starts_with("token="));
    let token = answer.json()["token"].as_str().expect("a token").to_owned();
    assert_eq!(desk.ask("GET", "/v1.0/me").token(&token).send().await.json()["permission"], json!("admin"));
    desk.log_in(("admin", "wide open sea")).await;
    assert_eq!(desk.ask("GET", "/v1.0/setup").send().await.json()["required"], json!(false));
    let reader = desk.store.reader().expect("a database");
    assert_eq!(reader.time_zone().expect("it can be read").as_deref(), Some("Europe/Berlin"));
}

#[tokio::test]
async fn the_code_opens_nothing_twice() {
    let desk = new_box();
    let (one, two) = tokio::join!(
        desk.ask("POST", "/v1.0/setup").json(claim()).send(),
        desk.ask("POST", "/v1.0/setup").json(with("username", json!("mallory"))).send(),
    );
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409], "one of two at a time");
    assert_eq!(desk.ask("POST", "/v1.0/setup").json(claim()).send().await.reason(), "SETUP_DONE");
    let reader = desk.store.reader().expect("a database");
    assert_eq!(reader.count_agents().expect("it can be read"), 1);
    assert_eq!(Desk::new().ask("POST", "/v1.0/setup").json(claim()).send().await.reason(), "SETUP_DONE");
}

#[tokio::test]
async fn a_wrong_claim_names_its_field_and_changes_nothing() {
    let desk = new_box();
    for (field, value) in [
        ("password", json!("short")),
        ("password", json!("admin")),
        ("password", json!("bell\u{7}bell\u{7}bell")),
        ("username", json!("")),
        ("time_zone", json!("Europe/Atlantis")),
    ] {
        let answer = desk.ask("POST", "/v1.0/setup").json(with(field, value)).send().await;
        assert_eq!(answer.status, 400, "{field}: {}", answer.text);
        assert_eq!(answer.json()["error"]["details"][0]["field"], json!(field), "{}", answer.text);
    }
    let network = desk.ask("POST", "/v1.0/setup").json(with("network", json!({}))).send().await;
    assert_eq!(network.reason(), "BOARD_NOT_FOUND");
    for body in ["", "[]", "{\"setup_code\":7}", "{\"setup_code\":\"K7QFM2XD9R\"}"] {
        assert_eq!(desk.ask("POST", "/v1.0/setup").body(body).send().await.reason(), "INVALID_JSON_BODY", "{body}");
    }
    assert_eq!(desk.store.reader().expect("a database").count_agents().expect("it can be read"), 0);
    assert_eq!(desk.ask("POST", "/v1.0/setup").json(claim()).send().await.status, 201);
}

#[tokio::test]
async fn who_guesses_waits() {
    let desk = new_box();
    let guess = with("setup_code", json!("K7QF-M2XD-9S"));
    for _ in 0..10 {
        assert_eq!(desk.ask("POST", "/v1.0/setup").json(guess.clone()).send().await.reason(), "SETUP_CODE_WRONG");
    }
    let answer = desk.ask("POST", "/v1.0/setup").json(claim()).send().await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (429, "60"), "the right code waits as well");
    let other = desk.ask("POST", "/v1.0/setup").from("192.0.2.7:1").json(guess).send().await;
    assert_eq!(other.reason(), "SETUP_CODE_WRONG", "others do not wait for it");
    desk.pass(60);
    assert_eq!(desk.ask("POST", "/v1.0/setup").json(claim()).send().await.status, 201);
}

struct Socket(PathBuf);

impl api::Board for Socket {
    fn connect(&self) -> Connecting<'_> {
        Box::pin(async { Ok(Box::new(UnixStream::connect(&self.0).await?) as Box<dyn Wire>) })
    }
}

#[tokio::test]
async fn the_network_is_checked_before_and_set_after() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let socket = folder.path().join("board");
    let listener = UnixListener::bind(&socket).expect("the folder is ours");
    let desk = Desk::on(Some(Arc::new(Socket(socket))), Some(CODE), None);
    let board = tokio::spawn(async move {
        let mut asked = Vec::new();
        let answers = [
            "{\"error\":\"must be an address with its prefix, as 192.0.2.9/24 is\",\"field\":\"ipv4.address\"}\n",
            "{\"ok\":null}\n",
            "{\"ok\":{\"seconds_left\":60}}\n",
        ];
        for answer in answers {
            let (stream, _) = listener.accept().await.expect("somebody asks");
            let (mut stream, mut line) = (BufReader::new(stream), String::new());
            stream.read_line(&mut line).await.expect("a line comes");
            asked.push(serde_json::from_str::<Value>(&line).expect("JSON")["do"].take());
            stream.write_all(answer.as_bytes()).await.expect("somebody listens");
        }
        asked
    });
    assert_eq!(desk.ask("GET", "/v1.0/setup").send().await.json(), json!({ "required": true, "board": true }));
    let with_network = with("network", json!({ "hostname": "desk" }));
    let wrong = desk.ask("POST", "/v1.0/setup").json(with_network.clone()).send().await;
    assert_eq!(wrong.json()["error"]["details"][0]["field"], json!("ipv4.address"), "{}", wrong.text);
    let right = desk.ask("POST", "/v1.0/setup").json(with_network).send().await;
    assert_eq!((right.status.as_u16(), &right.json()["network"]["seconds_left"]), (201, &json!(60)));
    assert_eq!(board.await.expect("it plays to the end"), ["network_check", "network_check", "network_set"]);
}
