//! The listener: what clients do to it, and how it ends.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::desk::Desk;

/// Runs the API on a free port; dropping the sender stops it.
pub async fn start(desk: &Desk) -> (std::net::SocketAddr, oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = api::serve(listener, None, desk.state.clone(), async move { drop(stopped.await) });
    (address, stop, tokio::spawn(serving))
}

#[tokio::test]
async fn it_answers_on_one_connection_and_stops_when_told() {
    let desk = Desk::new();
    let (address, stop, serving) = start(&desk).await;
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    for _ in 0..2 {
        stream.write_all(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("it reads");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("it answers"));
        }
        let head = String::from_utf8(head).expect("UTF-8");
        assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
        let length =
            head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.expect("it says how long it is")];
        stream.read_exact(&mut body).await.expect("it answers");
        assert!(serde_json::from_slice::<serde_json::Value>(&body).is_ok_and(|json| json["openapi"].is_string()));
    }
    drop(stop);
    tokio::time::timeout(Duration::from_secs(4), serving)
        .await
        .expect("an idle connection does not hold it up")
        .expect("no panic");
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn garbage_and_endless_heads_end_the_connection() {
    let desk = Desk::new();
    let (address, _stop, _serving) = start(&desk).await;
    let endless = [b"GET / HTTP/1.1\r\nX: ".as_slice(), &[b'a'; 100_000]].concat();
    for bytes in [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".as_slice(), b"NOTIFY * SIP/2.0\r\n\r\n", &endless] {
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        // It may close before it has read all.
        let _ = stream.write_all(bytes).await;
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let read =
            tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await.expect("it closes");
        assert!(
            read.is_err() || answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"),
            "{:?}",
            String::from_utf8_lossy(&answer)
        );
    }
    let mut stream = TcpStream::connect(address).await.expect("it still listens");
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}
