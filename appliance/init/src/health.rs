//! Asks the exchange on this box whether it lives, `GET /livez`, or whether all is well, `GET /healthz`. A full disk is no reason
//! to start it anew: calls go on without one, and end with the process.
use std::net::SocketAddr;
use std::time::Duration;

use smol::future::or;
use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::net::TcpStream;
use smol::{Timer, io};

/// An answer that takes longer is none.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Whether the exchange answers 200 in time.
pub async fn check(address: SocketAddr) -> bool {
    is_ok(address, "/livez").await
}

/// Whether it can besides write its database.
pub async fn check_all(address: SocketAddr) -> bool {
    is_ok(address, "/healthz").await
}

async fn is_ok(address: SocketAddr, path: &str) -> bool {
    let late = async {
        Timer::after(TIMEOUT).await;
        false
    };
    or(async { ask(address, path).await.unwrap_or(false) }, late).await
}

async fn ask(address: SocketAddr, path: &str) -> io::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut status = [0; 12];
    stream.read_exact(&mut status).await?;
    Ok(status.starts_with(b"HTTP/1.") && status.ends_with(b" 200"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    fn answered(answer: &'static [u8]) -> bool {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("somebody connects");
            let mut request = [0; 256];
            let length = stream.read(&mut request).expect("it asks");
            assert!(request[..length].starts_with(b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1:"));
            stream.write_all(answer).expect("it listens");
        });
        let is_healthy = smol::block_on(check(address));
        server.join().expect("the request was as it should be");
        is_healthy
    }

    #[test]
    fn only_200_is_healthy() {
        assert!(answered(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
        assert!(answered(b"HTTP/1.0 200\r\n\r\n"));
        assert!(!answered(b"HTTP/1.1 503 Service Unavailable\r\n\r\n"));
        assert!(!answered(b"SSH-2.0-OpenSSH_9.2 200\r\n"));
        assert!(!answered(b""));
    }

    #[test]
    fn nobody_there_is_not_healthy() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        drop(listener);
        assert!(!smol::block_on(check(address)));
    }

    #[test]
    fn an_answer_that_does_not_come_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let began = std::time::Instant::now();
        assert!(!smol::block_on(check(address)));
        assert!(began.elapsed() >= TIMEOUT);
    }
}
