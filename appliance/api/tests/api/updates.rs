//! Updates by the API: uploaded, downloaded, scheduled and given up. The board is played by the test, over a real socket.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use api::board::{Connecting, Wire};
use axum::body::{Body, Bytes};
use serde_json::{Value, json};
use store::agent::AgentPermission;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

use crate::desk::{ADMIN, Desk};

const PATH: &str = "/v1.0/system/update";
const LIMIT: Duration = Duration::from_secs(20);

struct Socket(PathBuf);

impl api::Board for Socket {
    fn connect(&self) -> Connecting<'_> {
        Box::pin(async { Ok(Box::new(UnixStream::connect(&self.0).await?) as Box<dyn Wire>) })
    }
}

/// What the played board knows.
#[derive(Default)]
struct Slots {
    installed: Option<u64>,
    asked: Vec<String>,
    /// What `update_state` adds.
    failure: Value,
    runs: u64,
    on_trial: Value,
}

struct Stage {
    desk: Desk,
    token: String,
    slots: Arc<Mutex<Slots>>,
    folder: tempfile::TempDir,
}

impl Stage {
    async fn open() -> Stage {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let socket = folder.path().join("board");
        let slots = Arc::new(Mutex::new(Slots { runs: 1, ..Slots::default() }));
        let listener = UnixListener::bind(&socket).expect("the folder is ours");
        let board = Arc::clone(&slots);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&board)));
            }
        });
        let desk = Desk::on(Some(Arc::new(Socket(socket))), None, None);
        let token = desk.log_in(ADMIN).await;
        Stage { desk, token, slots, folder }
    }

    fn tend(&self) {
        tokio::spawn(api::tend_updates(self.desk.state.clone()));
    }

    async fn ask(&self, method: &str, path: &str, kind: &str, body: impl Into<Body>) -> (u16, Value) {
        let asked = self.desk.ask(method, path).token(&self.token).header("content-type", kind).body(body);
        let answer = asked.send().await;
        (answer.status.as_u16(), answer.json())
    }

    async fn upload(&self, when: &str, octets: &'static [u8]) -> (u16, Value) {
        let body = Body::from_stream(futures_util::stream::iter(octets.chunks(7).map(Ok::<_, std::io::Error>)));
        self.ask("POST", &format!("{PATH}?when={when}"), "application/octet-stream", body).await
    }

    /// Waits until the update is that far.
    async fn wait_for(&self, status: &str) -> Value {
        let began = Instant::now();
        loop {
            let (_, view) = self.ask("GET", PATH, "", Body::empty()).await;
            if view["update"]["status"] == status {
                return view;
            }
            assert!(began.elapsed() < LIMIT, "{status} never came: {view}");
            tokio::task::yield_now().await;
        }
    }

    async fn wait_until_asked(&self, wanted: &str) {
        let began = Instant::now();
        while !self.slots().asked.iter().any(|asked| asked == wanted) {
            assert!(began.elapsed() < LIMIT, "{wanted} was never asked");
            tokio::task::yield_now().await;
        }
    }

    fn events(&self) -> Vec<String> {
        let reader = self.desk.store.reader().expect("a reader");
        let events = reader.events_after(0, 1_000).expect("the log");
        events.into_iter().map(|event| event.kind).filter(|kind| kind.starts_with("update_")).collect()
    }

    fn slots(&self) -> std::sync::MutexGuard<'_, Slots> {
        self.slots.lock().expect("nobody panicked")
    }
}

/// Plays one conversation. What ends in `good` is a bundle with build 2.
async fn answer(stream: UnixStream, slots: Arc<Mutex<Slots>>) {
    let (mut stream, mut line) = (BufReader::new(stream), String::new());
    stream.read_line(&mut line).await.expect("a line comes");
    let wanted = serde_json::from_str::<Value>(&line).expect("JSON")["do"].as_str().expect("a word").to_owned();
    let mut octets = Vec::new();
    if wanted == "update" {
        stream.read_to_end(&mut octets).await.expect("they come");
    }
    let answer = {
        let mut slots = slots.lock().expect("nobody panicked");
        slots.asked.push(wanted.clone());
        let content = |build: &u64| json!({ "build": build, "version": format!("0.{build}.0") });
        match &*wanted {
            "update" if octets.ends_with(b"good") => {
                slots.installed = Some(2);
                format!(
                    "{}\n{}",
                    json!({ "progress": { "step": "verifying", "octets": 4 } }),
                    json!({ "ok": content(&2) })
                )
            }
            "update" => {
                json!({ "error": "The signature of this update is wrong.", "reason": "WRONG_SIGNATURE" }).to_string()
            }
            "update_state" => json!({ "ok": {
                "running": "a", "permanent": "a", "on_trial": slots.on_trial, "failure": slots.failure, "floor": 1,
                "slots": { "a": content(&slots.runs), "b": slots.installed.as_ref().map(content) },
            } })
            .to_string(),
            _ => json!({ "ok": null }).to_string(),
        }
    };
    // Whoever asked may have gone.
    let _ = stream.write_all(format!("{answer}\n").as_bytes()).await;
}

#[tokio::test]
async fn an_upload_is_written_and_started_when_it_is_wanted() {
    let stage = Stage::open().await;
    stage.tend();
    let (status, view) = stage.ask("GET", PATH, "", Body::empty()).await;
    assert_eq!((status, &view["running"]["version"], &view["other"]), (200, &json!("0.1.0"), &Value::Null), "{view}");
    assert_eq!(view["update"]["status"], "none");
    let (status, view) = stage.upload("2030-01-01T00:00:00Z", b"a bundle that is good").await;
    assert_eq!(
        (status, &view["update"]["status"], &view["other"]["build"]),
        (200, &json!("installed"), &json!(2)),
        "{view}"
    );
    assert!(!stage.slots().asked.contains(&"update_switch".to_owned()), "its time has not come");
    let (status, view) = stage.ask("DELETE", PATH, "", Body::empty()).await;
    assert_eq!((status, &view["update"]["status"]), (200, &json!("canceled")), "{view}");
    let (status, _) = stage.upload("idle", b"a bundle that is good").await;
    assert_eq!(status, 200);
    stage.wait_for("restarting").await;
    let kinds = ["started", "installed", "canceled", "started", "installed", "restarting"];
    assert_eq!(stage.events(), kinds.map(|kind| format!("update_{kind}")));
    stage.wait_until_asked("update_switch").await;
    let (status, refused) = stage.ask("DELETE", PATH, "", Body::empty()).await;
    assert_eq!((status, &refused["error"]["reason"]), (409, &json!("UPDATE_NOT_RUNNING")));
}

#[tokio::test]
async fn a_bad_upload_is_refused_and_an_event_says_why() {
    let stage = Stage::open().await;
    let (status, refused) = stage.upload("now", b"a shopping list").await;
    assert_eq!((status, &refused["error"]["reason"]), (409, &json!("WRONG_SIGNATURE")), "{refused}");
    let (_, view) = stage.ask("GET", PATH, "", Body::empty()).await;
    let update = &view["update"];
    assert_eq!((&update["status"], &update["reason"]), (&json!("failed"), &json!("WRONG_SIGNATURE")), "{view}");
    assert_eq!(
        (&update["message"], &view["progress"]),
        (&json!("The signature of this update is wrong."), &Value::Null)
    );
    assert_eq!(stage.events(), ["update_started", "update_failed"]);
    let broken =
        futures_util::stream::iter([Ok(Bytes::from_static(b"half of it")), Err(std::io::Error::other("gone"))]);
    let (status, refused) = stage.ask("POST", PATH, "application/octet-stream", Body::from_stream(broken)).await;
    assert_eq!((status, &refused["error"]["reason"]), (409, &json!("BROKE_OFF")), "{refused}");
    let (status, _) = stage.upload("tomorrow", b"a bundle that is good").await;
    assert_eq!(status, 400, "no such time");
    assert_eq!(stage.events().len(), 4);
}

#[tokio::test]
async fn one_is_downloaded_when_its_time_comes() {
    let stage = Stage::open().await;
    let file = stage.folder.path().join("update.bundle");
    std::fs::write(&file, vec![b'x'; 300_000].into_iter().chain(*b"good").collect::<Vec<u8>>())
        .expect("the folder is ours");
    let url = format!("http://disk{}", file.display());
    let order = json!({ "url": url, "when": "2027-01-15T09:00:00Z" });
    let (status, view) = stage.ask("POST", PATH, "application/json", order.to_string()).await;
    assert_eq!(
        (status, &view["update"]["status"], &view["update"]["url"]),
        (200, &json!("scheduled"), &json!(url)),
        "{view}"
    );
    // What is remembered is what the next process begins with.
    let kept = stage.desk.store.reader().and_then(|reader| reader.update()).expect("it is kept");
    assert_eq!(kept.url.as_deref(), Some(&*url));
    stage.desk.pass(3_600);
    stage.tend();
    stage.wait_for("restarting").await;
    assert_eq!(stage.events(), ["update_scheduled", "update_started", "update_installed", "update_restarting"]);
    assert_eq!(stage.slots().installed, Some(2));
}

#[tokio::test]
async fn a_download_that_fails_says_why_and_nonsense_is_refused() {
    let stage = Stage::open().await;
    stage.tend();
    for order in [
        json!({ "url": "ftp://x" }),
        json!({ "url": "http://a b" }),
        json!({ "url": format!("http://{}", "x".repeat(3_000)) }),
    ] {
        let (status, refused) = stage.ask("POST", PATH, "application/json", order.to_string()).await;
        assert_eq!((status, &refused["error"]["reason"]), (400, &json!("INVALID_ARGUMENT")), "{refused}");
    }
    let (status, _) = stage.ask("POST", PATH, "application/json", "{\"when\":\"now\"}").await;
    assert_eq!(status, 400);
    let order = json!({ "url": "https://nowhere.example/x", "when": "now" });
    let (status, _) = stage.ask("POST", PATH, "application/json", order.to_string()).await;
    assert_eq!(status, 200);
    let view = stage.wait_for("failed").await;
    let update = &view["update"];
    assert_eq!(update["message"], "The update cannot be downloaded: there is no such server.", "{view}");
    assert_eq!(stage.events(), ["update_scheduled", "update_started", "update_failed"]);
}

#[tokio::test]
async fn after_the_restart_it_has_succeeded_or_the_old_version_says_why_not() {
    for (runs, failure, status, reason) in [
        (2, Value::Null, "succeeded", Value::Null),
        (1, json!({ "slot": "b", "reason": "not_healthy" }), "failed", json!("NOT_HEALTHY")),
        (1, Value::Null, "failed", json!("NOT_FINISHED")),
    ] {
        let stage = Stage::open().await;
        let record = store::update::Record {
            status: store::update::UpdateStatus::Restarting,
            build: Some(2),
            ..store::update::Record::none()
        };
        stage.desk.write(store::Item::Update(Box::new(record)));
        (stage.slots().runs, stage.slots().failure) = (runs, failure);
        // While it is on trial nothing is said yet.
        stage.slots().on_trial = if runs == 2 { json!("a") } else { Value::Null };
        stage.tend();
        if runs == 2 {
            stage.wait_until_asked("update_state").await;
            stage.slots().on_trial = Value::Null;
        }
        let began = Instant::now();
        let kept = || stage.desk.store.reader().and_then(|reader| reader.update()).expect("it is kept");
        while kept().status == store::update::UpdateStatus::Restarting {
            assert!(began.elapsed() < LIMIT);
            tokio::task::yield_now().await;
        }
        let kept = serde_json::to_value(kept()).expect("JSON");
        assert_eq!((&kept["status"], &kept["reason"]), (&json!(status), &reason), "{kept}");
    }
}

#[tokio::test]
async fn a_box_without_a_board_says_so_and_nobody_but_an_administrator_is_told() {
    let desk = Desk::new();
    let token = desk.log_in(ADMIN).await;
    let answer = desk.ask("GET", PATH).token(&token).send().await;
    assert_eq!((answer.status.as_u16(), answer.reason()), (404, "BOARD_NOT_FOUND".into()));
    let answer = desk.ask("POST", PATH).token(&token).body("a bundle").send().await;
    assert_eq!((answer.status.as_u16(), answer.reason()), (404, "BOARD_NOT_FOUND".into()));
    desk.add_agent("manager", AgentPermission::Manager);
    let token = desk.log_in(("manager", "managermanager")).await;
    assert_eq!(desk.ask("POST", PATH).token(&token).body("a bundle").send().await.status, 403);
}
