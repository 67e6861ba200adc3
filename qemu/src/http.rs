//! A request to the box's API and its answer: enough HTTP for a test, which trusts the one it talks to.
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// A box without hardware help takes its time, but not for ever.
const LIMIT: Duration = Duration::from_secs(30);

/// How long it may write what is uploaded.
const UPLOAD_LIMIT: Duration = Duration::from_secs(300);

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
    let body = body.map(Value::to_string);
    let answer = ask(server, line, token, body.as_deref().map(|body| ("application/json", body)))?;
    let (status, body) = read(&answer)
        .with_context(|| format!("{method} {path} is answered by {:?}", String::from_utf8_lossy(&answer)))?;
    Ok(Answer { status, body: serde_json::from_slice(body).unwrap_or(Value::Null) })
}

/// Gets what is no JSON.
pub fn fetch(server: SocketAddr, path: &str, token: Option<&str>) -> Result<Vec<u8>> {
    let answer = ask(server, ("GET", path), token, None)?;
    match read(&answer) {
        Some((200, body)) => Ok(body.to_vec()),
        _ => bail!("GET {path} is answered by {:?}", String::from_utf8_lossy(&answer)),
    }
}

/// Sends a file that is written while it comes, which takes its time.
pub fn upload(server: SocketAddr, path: &str, token: &str, file: &[u8]) -> Result<Answer> {
    let mut stream = begin_upload(server, path, token, file.len())?;
    // Whoever refuses the beginning does not read to the end.
    let _ = stream.write_all(file);
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).with_context(|| format!("POST {path} is not answered"))?;
    let (status, body) = read(&answer).with_context(|| format!("{:?}", String::from_utf8_lossy(&answer)))?;
    Ok(Answer { status, body: serde_json::from_slice(body).unwrap_or(Value::Null) })
}

/// Says that so many octets follow.
pub fn begin_upload(server: SocketAddr, path: &str, token: &str, length: usize) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(server).with_context(|| format!("{server} cannot be reached"))?;
    stream.set_read_timeout(Some(UPLOAD_LIMIT))?;
    let kind = "Content-Type: application/octet-stream";
    let head = format!("POST {path} HTTP/1.0\r\nHost: {server}\r\nContent-Length: {length}\r\n{kind}\r\n");
    write!(stream, "{head}Authorization: Bearer {token}\r\n\r\n")?;
    Ok(stream)
}

/// Sends a form as a browser does; status and page.
pub fn post_form(server: SocketAddr, path: &str, form: &str) -> Result<(u16, String)> {
    let answer = ask(server, ("POST", path), None, Some(("application/x-www-form-urlencoded", form)))?;
    let (status, body) = read(&answer).with_context(|| format!("POST {path} is answered by {answer:?}"))?;
    Ok((status, String::from_utf8_lossy(body).into_owned()))
}

/// A body comes with its kind.
fn ask(server: SocketAddr, line: (&str, &str), token: Option<&str>, body: Option<(&str, &str)>) -> Result<Vec<u8>> {
    let (method, path) = line;
    let mut stream = TcpStream::connect(server).with_context(|| format!("{server} cannot be reached"))?;
    stream.set_read_timeout(Some(LIMIT))?;
    let content = body.map_or("", |(_, content)| content);
    let mut head = format!("{method} {path} HTTP/1.0\r\nHost: {server}\r\nContent-Length: {}\r\n", content.len());
    if let Some((kind, _)) = body {
        head += &format!("Content-Type: {kind}\r\n");
    }
    if let Some(token) = token {
        head += &format!("Authorization: Bearer {token}\r\n");
    }
    write!(stream, "{head}\r\n{content}")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).with_context(|| format!("{method} {path} is not answered"))?;
    Ok(answer)
}

/// Status and body.
fn read(answer: &[u8]) -> Option<(u16, &[u8])> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).ok()?;
    let status = head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    Some((status, &answer[end + 4..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let created = b"HTTP/1.0 201 Created\r\ncontent-type: application/json\r\n\r\n{\"id\":7}";
        assert_eq!(read(created), Some((201, &b"{\"id\":7}"[..])));
        assert_eq!(read(b"HTTP/1.1 404 Not Found\r\n\r\n\xff"), Some((404, &b"\xff"[..])));
        assert_eq!(read(b"SSH-2.0-OpenSSH\r\n\r\n"), None);
        assert_eq!(read(b"HTTP/1.1 200 OK\r\n"), None);
    }
}
