//! What one asks of an exchange by its API, wherever it runs.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::wait;

/// An exchange that answers, and the administrator who is logged in to it.
pub struct Api {
    /// SIP, UDP and TCP, on the host of HTTP.
    pub sip: u16,
    http: SocketAddr,
    token: String,
}

impl Api {
    /// Logs in.
    pub fn new(http: SocketAddr, sip: u16, password: &str) -> Result<Api> {
        let mut api = Api { sip, http, token: String::new() };
        let body = json!({"username": "admin", "password": password});
        let answer = api.post("/auth/login", body)?;
        api.token = answer["token"].as_str().with_context(|| format!("no token in {answer}"))?.to_string();
        Ok(api)
    }

    /// Where it is served.
    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.http)
    }

    /// Where phones reach it.
    pub fn sip_address(&self) -> SocketAddr {
        SocketAddr::new(self.http.ip(), self.sip)
    }

    /// The token of the administrator.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// GET.
    pub fn get(&self, path: &str) -> Result<Value> {
        self.send("GET", path, None)
    }

    /// POST.
    pub fn post(&self, path: &str, body: Value) -> Result<Value> {
        self.send("POST", path, Some(body))
    }

    /// PUT.
    pub fn put(&self, path: &str, body: Value) -> Result<Value> {
        self.send("PUT", path, Some(body))
    }

    /// DELETE.
    pub fn delete(&self, path: &str) -> Result<Value> {
        self.send("DELETE", path, None)
    }

    /// One of the numbers behind `/metrics`.
    pub fn metric(&self, name: &str) -> Result<u64> {
        let text = ureq::get(self.url("/metrics")).call()?.body_mut().read_to_string()?;
        let value = text.lines().find_map(|line| line.strip_prefix(&format!("tandem_{name} ")));
        Ok(value.with_context(|| format!("no metric {name}"))?.trim().parse()?)
    }

    fn send(&self, method: &str, path: &str, body: Option<Value>) -> Result<Value> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_global(Some(wait::PATIENCE))
            .http_status_as_error(false)
            .build()
            .into();
        let bearer = format!("Bearer {}", self.token);
        let url = self.url(path);
        let mut answer = match (method, body) {
            ("GET", _) => agent.get(&url).header("Authorization", &bearer).call()?,
            ("DELETE", _) => agent.delete(&url).header("Authorization", &bearer).call()?,
            ("PUT", Some(body)) => agent.put(&url).header("Authorization", &bearer).send_json(body)?,
            (_, Some(body)) => agent.post(&url).header("Authorization", &bearer).send_json(body)?,
            (_, None) => agent.post(&url).header("Authorization", &bearer).send_empty()?,
        };
        let text = answer.body_mut().read_to_string()?;
        if !answer.status().is_success() {
            bail!("{method} {path}: {} {text}", answer.status());
        }
        // 204 has nothing to say.
        let text = if text.is_empty() { "null" } else { &text };
        serde_json::from_str(text).with_context(|| format!("{method} {path} answered {text:?}"))
    }

    /// Makes an extension; its password is `secret` and its number.
    pub fn add_extension(&self, number: &str) -> Result<Value> {
        let body = json!({"extension": number, "password": format!("secret{number}"), "name": format!("Phone {number}"), "detail": ""});
        self.post("/v1.0/extensions", body)
    }

    /// Makes a number that leads through these actions.
    pub fn add_number(&self, number: &str, actions: Value) -> Result<Value> {
        let flow = self.post("/v1.0/flows", json!({"name": number, "detail": "", "actions": actions}))?;
        self.post("/v1.0/numbers", json!({"number": number, "call_flow_id": flow["id"]}))
    }

    /// The contacts that an extension has registered.
    pub fn registrations(&self, number: &str) -> Result<Vec<Value>> {
        let list = self.get("/v1.0/extensions")?;
        let all = list["result"].as_array().cloned().unwrap_or_default();
        let found = all.into_iter().find(|extension| extension["extension"] == number);
        let found = found.with_context(|| format!("no extension {number} in {list}"))?;
        Ok(found["registrations"].as_array().cloned().unwrap_or_default())
    }

    /// Waits until an extension has that many contacts.
    pub fn await_registrations(&self, number: &str, count: usize) -> Result<Vec<Value>> {
        wait::until(&format!("{count} registration(s) of {number}"), || {
            self.registrations(number).ok().filter(|list| list.len() == count)
        })
    }

    /// The call records, newest first.
    pub fn calls(&self) -> Result<Vec<Value>> {
        Ok(self.get("/v1.0/calls")?["result"].as_array().cloned().unwrap_or_default())
    }

    /// Waits for a call record that is as wanted.
    pub fn await_call(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        wait::until(what, || self.calls().ok()?.into_iter().find(|call| wanted(call)))
    }
}
