//! A web server that answers as a test wants it, and remembers what it was asked.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;

/// A request that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// As `POST`.
    pub method: String,
    /// With its query.
    pub path: String,
    /// The head's other lines, their names in small letters.
    pub head: Vec<String>,
    /// What came behind the head.
    pub body: String,
}

/// A server that runs until the test ends.
pub struct WebServer {
    /// Where.
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl WebServer {
    /// `answer` writes what comes back, head and all.
    pub fn start(
        answer: impl Fn(&Asked, &mut TcpStream) -> io::Result<()> + Send + Sync + 'static,
    ) -> Result<WebServer> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let (asked, answer) = (Arc::new(Mutex::new(Vec::new())), Arc::new(answer));
        let list = asked.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (list, answer) = (list.clone(), answer.clone());
                std::thread::spawn(move || {
                    let Ok(request) = read(&connection) else { return };
                    list.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
                    // Whoever asked may hang up.
                    let _ = answer(&request, &mut { connection });
                });
            }
        });
        Ok(WebServer { address, asked })
    }

    /// A URL of it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Writes an answer with a body of that type.
pub fn give(connection: &mut TcpStream, status: u16, (kind, body): (&str, &[u8])) -> io::Result<()> {
    let length = body.len();
    write!(
        connection,
        "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )?;
    connection.write_all(body)
}

fn read(connection: &TcpStream) -> io::Result<Asked> {
    let mut reader = BufReader::new(connection);
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).map(|_| line.trim_end().to_string())
    };
    let first = line()?;
    let mut words = first.split(' ').map(str::to_string);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut head = Vec::new();
    loop {
        let next = line()?;
        if next.is_empty() {
            break;
        }
        let (name, value) = next.split_once(':').unwrap_or((&next, ""));
        head.push(format!("{}: {}", name.to_ascii_lowercase(), value.trim()));
    }
    let length = head.iter().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Asked { method, path, head, body: String::from_utf8_lossy(&body).into_owned() })
}
