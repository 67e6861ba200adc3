//! As much of an HTTP client as it takes to make a thousand extensions through the API.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// A connection to the API, logged in.
#[derive(Debug)]
pub struct Api {
    stream: BufReader<TcpStream>,
    token: String,
}

impl Api {
    /// Connects and logs in as the administrator.
    pub fn log_in(server: SocketAddr, password: &str) -> Result<Api> {
        let stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        let mut api = Api { stream: BufReader::new(stream), token: String::new() };
        let answer = api.post("/auth/login", &json!({"username": "admin", "password": password}))?;
        api.token = answer["token"].as_str().context("the login gives a token")?.to_owned();
        Ok(api)
    }

    /// Makes an extension whose password is `pw` and its number.
    pub fn create_extension(&mut self, number: u32) -> Result<()> {
        let (extension, password) = (number.to_string(), format!("pw{number}"));
        let body = json!({"extension": extension, "password": password, "name": extension, "detail": ""});
        self.post("/v1.0/extensions", &body).map(drop)
    }

    /// Makes a conference of which so many are heard, or all where that is zero.
    pub fn create_conference(&mut self, number: u32, loudest: u32) -> Result<()> {
        let data = json!({"extension": number.to_string(), "loudest": loudest, "tones": false});
        self.post("/v1.0/conferences", &json!({"type": "conference", "name": number.to_string(), "data": data}))
            .map(drop)
    }

    /// The callers' legs of the latest calls that are up, by their ids: as many as are on one page.
    pub fn callers_up(&mut self) -> Result<Vec<String>> {
        let page = self.ask("GET", "/v1.0/calls?page_size=100", "")?;
        let calls = page["result"].as_array().context("a list has a result")?;
        let up = calls.iter().filter(|call| call["direction"] == "incoming" && call["status"] == "progressing");
        Ok(up.filter_map(|call| call["id"].as_str().map(str::to_owned)).collect())
    }

    /// Records a call on two channels.
    pub fn record(&mut self, call: &str) -> Result<()> {
        self.post(&format!("/v1.0/calls/{call}/recording_start"), &json!({})).map(drop)
    }

    /// Has a web server told of every event.
    pub fn tell(&mut self, uri: &str) -> Result<()> {
        let body = json!({"webhook_uri": uri, "webhook_method": "POST"});
        self.ask("PUT", "/v1.0/customer", &body.to_string()).map(drop)
    }

    /// How it stands with the cloud.
    pub fn cloud(&mut self) -> Result<Value> {
        self.ask("GET", "/v1.0/cloud", "")
    }

    /// Makes a call; what came of it.
    pub fn create_call(&mut self, body: &Value) -> Result<Value> {
        self.post("/v1.0/calls", body)
    }

    fn post(&mut self, path: &str, body: &Value) -> Result<Value> {
        self.ask("POST", path, &body.to_string())
    }

    fn ask(&mut self, method: &str, path: &str, body: &str) -> Result<Value> {
        let (token, length) = (&self.token, body.len());
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: tandem\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        self.stream.get_mut().write_all(head.as_bytes())?;
        let (mut line, mut length) = (String::new(), 0);
        self.stream.read_line(&mut line)?;
        let succeeded = line.starts_with("HTTP/1.1 2");
        loop {
            let mut header = String::new();
            if self.stream.read_line(&mut header)? == 0 {
                bail!("{path}: the connection ended");
            }
            if header == "\r\n" {
                break;
            }
            if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
        let mut text = vec![0; length];
        self.stream.read_exact(&mut text)?;
        if !succeeded {
            bail!("{path}: {} {}", line.trim(), String::from_utf8_lossy(&text));
        }
        Ok(serde_json::from_slice(&text)?)
    }
}
