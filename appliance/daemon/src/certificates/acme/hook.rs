//! Records for DNS-01 (RFC 8555 §8.4): the box has no name server, so somebody whom the administrator names makes them.

use anyhow::{Result, bail};
use serde_json::json;
use ureq::http::Request;

use super::Wish;
use crate::limits;
use crate::web::{self, Reach};

/// Has a record be there (`present`), or go away (`cleanup`).
pub fn call(wish: &Wish, action: &str, (name, value): (&str, &str)) -> Result<()> {
    let body = json!({ "action": action, "name": name, "type": "TXT", "value": value, "ttl": 60 }).to_string();
    let mut request = Request::post(&wish.dns_hook_url).header("Content-Type", "application/json");
    if !wish.dns_hook_token.is_empty() {
        request = request.header("Authorization", format!("Bearer {}", wish.dns_hook_token));
    }
    let agent = web::agent(Reach::Anywhere, limits::ACME_HOOK);
    let answer = match agent.run(request.body(body)?) {
        Ok(answer) => answer,
        Err(error) => bail!("the DNS hook does not answer: {}", web::in_words(error)),
    };
    if !answer.status().is_success() {
        bail!("the DNS hook answers {} to {action}", answer.status());
    }
    Ok(())
}
