//! How ACME servers are asked: by what asks other web servers too, one request at a time.

use std::error::Error as StdError;
use std::future::Future;
use std::io::Read;
use std::pin::Pin;

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::BodyExt;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use ureq::Agent;
use ureq::http::{Method, Request};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use crate::{limits, web};

/// Asks one server.
pub struct Asker {
    agent: Agent,
}

impl Asker {
    /// Asks servers for whom these vouch (PEM), or those whom browsers trust.
    pub fn new(trusted: &str) -> Result<Asker> {
        let mut tls = TlsConfig::builder();
        if !trusted.is_empty() {
            tls = tls.root_certs(RootCerts::new_with_certs(&roots(trusted)?));
        }
        Ok(Asker { agent: web::acme_agent(tls.build()) })
    }

    fn ask(agent: &Agent, request: Request<Bytes>) -> Result<BytesResponse, Error> {
        let (parts, body) = request.into_parts();
        let answer = match parts.method {
            Method::POST => agent.run(Request::from_parts(parts, body.to_vec())),
            _ => agent.run(Request::from_parts(parts, ())),
        };
        let answer = answer.map_err(|error| told(web::in_words(error)))?;
        let (parts, body) = answer.into_parts();
        let mut octets = Vec::new();
        let read = body.into_reader().take(limits::ACME_ANSWER).read_to_end(&mut octets);
        read.map_err(|error| told(format!("the answer broke off: {error}")))?;
        Ok(BytesResponse { parts, body: Box::new(Bytes::from(octets)) })
    }
}

impl HttpClient for Asker {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let agent = self.agent.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.map_or_else(|never| match never {}, |body| body.to_bytes());
            // The thread has nothing else to do meanwhile.
            Asker::ask(&agent, Request::from_parts(parts, body))
        })
    }
}

/// Certificates in a text (PEM).
pub fn roots(pem: &str) -> Result<Vec<Certificate<'static>>> {
    let mut found = Vec::new();
    for item in parse_pem(pem.as_bytes()) {
        if let PemItem::Certificate(certificate) = item.context("is no PEM")? {
            found.push(certificate);
        }
    }
    anyhow::ensure!(pem.is_empty() || !found.is_empty(), "holds no certificate");
    Ok(found)
}

fn told(words: String) -> Error {
    Error::Other(Box::<dyn StdError + Send + Sync>::from(words))
}
