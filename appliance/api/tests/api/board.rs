//! What the board is asked, over a real socket; its first process is played by the test.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use api::board::{Connecting, Conversation, Said, Wire, ask};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

use crate::desk::Desk;

struct Socket(PathBuf);

impl api::Board for Socket {
    fn connect(&self) -> Connecting<'_> {
        Box::pin(async { Ok(Box::new(UnixStream::connect(&self.0).await?) as Box<dyn Wire>) })
    }
}

fn desk(socket: &Path) -> Desk {
    Desk::on(Some(Arc::new(Socket(socket.to_owned()))), None, None)
}

/// Answers each connection with the next of these; gives back what was asked.
fn board(socket: &Path, answers: &'static [&'static str]) -> tokio::task::JoinHandle<Vec<String>> {
    let listener = UnixListener::bind(socket).expect("the folder is ours");
    tokio::spawn(async move {
        let mut asked = Vec::new();
        for answer in answers {
            let (stream, _) = listener.accept().await.expect("somebody asks");
            let (mut stream, mut line) = (BufReader::new(stream), String::new());
            stream.read_line(&mut line).await.expect("a line comes");
            asked.push(line);
            stream.write_all(answer.as_bytes()).await.expect("somebody listens");
        }
        asked
    })
}

#[tokio::test]
async fn results_progress_and_refusals() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let socket = folder.path().join("board");
    let desk = desk(&socket);
    let answers = &[
        "{\"progress\":1}\n{\"progress\":{\"done\":2}}\n{\"ok\":{\"version\":\"1\"}}\n",
        "{\"error\":\"nothing will be erased\"}\n",
        "{\"error\":\"there is no such network\",\"field\":\"ipv4.address\"}\n",
        "what?\n",
        "{\"ok\":null",
        "",
    ];
    let board = board(&socket, answers);
    let request = || json!({ "do": "state" });
    assert_eq!(ask(&desk.state, request()).await.expect("it is done"), json!({ "version": "1" }));
    let mut failures = Vec::new();
    for _ in 1..answers.len() {
        let failure = ask(&desk.state, request()).await.expect_err("it is refused");
        let mut shown: serde_json::Value = serde_json::from_str(&failure.to_json("1")).expect("an envelope");
        failures.push((failure.http(), shown["error"]["reason"].take(), shown["error"]["message"].take()));
    }
    let silent = (503, json!("SERVICE_UNAVAILABLE"), json!("the board does not answer"));
    assert_eq!(failures[0], (409, json!("BOARD_REFUSED"), json!("nothing will be erased")));
    let wrong = "ipv4.address: there is no such network";
    assert_eq!(failures[1], (400, json!("INVALID_ARGUMENT"), json!(wrong)));
    assert_eq!(failures[2..], [silent.clone(), silent.clone(), silent]);
    assert_eq!(board.await.expect("it plays to the end"), vec!["{\"do\":\"state\"}\n"; answers.len()]);
}

#[tokio::test]
async fn octets_follow_a_request_and_progress_is_told() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let socket = folder.path().join("board");
    let desk = desk(&socket);
    let listener = UnixListener::bind(&socket).expect("the folder is ours");
    let board = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("somebody asks");
        let (mut stream, mut line, mut octets) = (BufReader::new(stream), String::new(), vec![0; 100_000]);
        stream.read_line(&mut line).await.expect("a line comes");
        stream.read_exact(&mut octets).await.expect("octets come");
        stream.write_all(b"{\"progress\":100000}\n{\"ok\":true}\n").await.expect("somebody listens");
        octets
    });
    let patience = Duration::from_secs(10);
    let begun = Conversation::begin(&desk.state, json!({ "do": "update", "length": 100_000 })).await;
    let mut conversation = begun.expect("somebody listens");
    conversation.send(&[7; 100_000]).await.expect("they are taken");
    assert_eq!(conversation.next(patience).await.expect("it tells"), Said::Progress(json!(100_000)));
    assert_eq!(conversation.next(patience).await.expect("it tells"), Said::Done(json!(true)));
    assert_eq!(board.await.expect("it plays to the end"), vec![7; 100_000]);
}

#[tokio::test]
async fn where_there_is_no_board_and_where_it_is_gone() {
    let nowhere = ask(&Desk::new().state, json!({ "do": "reboot" })).await.expect_err("there is none");
    assert_eq!(nowhere.http(), 404);
    assert!(nowhere.to_json("1").contains("this box does not run on a board of its own"));
    let gone = ask(&desk(Path::new("/nowhere/board")).state, json!({ "do": "reboot" })).await.expect_err("it is gone");
    assert_eq!(gone.http(), 503);
}
