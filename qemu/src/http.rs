//! A request to the box's API and its answer: enough HTTP for a test, which trusts the one it talks to.
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

/// A box without hardware help takes its time, but not for ever.
const LIMIT: Duration = Duration::from_secs(30);

/// What the box answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub status: u16,
    /// The body, if it is JSON; otherwise null.
    pub body: Value,
}

/// Sends one request, such as `POST` `/auth/login`, with a token and a body where they are needed.
pub fn request(server: SocketAddr, line: (&str, &str), token: Option<&str>, body: Option<&Value>) -> Result<Answer> {
    let (method, path) = line;
    let mut stream = TcpStream::connect(server).with_context(|| format!("{server} cannot be reached"))?;
    stream.set_read_timeout(Some(LIMIT))?;
    let content = body.map(Value::to_string).unwrap_or_default();
    let mut head = format!("{method} {path} HTTP/1.0\r\nHost: {server}\r\nContent-Length: {}\r\n", content.len());
    if body.is_some() {
        head += "Content-Type: application/json\r\n";
    }
    if let Some(token) = token {
        head += &format!("Authorization: Bearer {token}\r\n");
    }
    write!(stream, "{head}\r\n{content}")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).with_context(|| format!("{method} {path} is not answered"))?;
    read(&answer).with_context(|| format!("{method} {path} is answered by {answer:?}"))
}

fn read(answer: &str) -> Option<Answer> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, body: serde_json::from_str(body).unwrap_or(Value::Null) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let answer =
            read("HTTP/1.0 201 Created\r\ncontent-type: application/json\r\n\r\n{\"id\":7}").expect("it is whole");
        assert_eq!((answer.status, &answer.body["id"]), (201, &Value::from(7)));
        assert_eq!(read("HTTP/1.1 404 Not Found\r\n\r\nno").map(|answer| answer.body), Some(Value::Null));
        assert_eq!(read("SSH-2.0-OpenSSH\r\n\r\n"), None);
        assert_eq!(read("HTTP/1.1 200 OK\r\n"), None);
    }
}
