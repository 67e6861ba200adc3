//! Answers to a provider that asks for our password.

use sip::auth::{self, Challenge};
use sip::header::{Authorization, ProxyAuthenticate, ProxyAuthorization, WwwAuthenticate};
use sip::{Headers, Method, Response, Uri};

use crate::context::Context;
use crate::directory::Register;

/// A challenge that we answered, to be answered again without being asked (RFC 7616 §3.4).
#[derive(Debug, Clone)]
pub struct Answered {
    challenge: Challenge,
    is_proxy: bool,
    count: u32,
}

impl Answered {
    /// Whether the same is asked again although the answer was not too old: the password is wrong.
    pub fn is_final(&self, asked: &Answered) -> bool {
        !asked.challenge.stale && self.challenge.realm == asked.challenge.realm
    }

    /// The credentials for a request.
    pub fn credentials(&mut self, ctx: &mut Context, register: &Register, (method, uri): (&Method, &Uri)) -> Headers {
        self.count += 1;
        let cnonce = format!("{:016x}", ctx.random_below(u64::MAX));
        let asked = (cnonce.as_str(), self.count);
        let credentials = auth::respond(&self.challenge, &register.login(), method, uri, asked);
        let mut headers = Headers::new();
        match credentials {
            Some(credentials) if self.is_proxy => headers.add(&ProxyAuthorization(credentials)),
            Some(credentials) => headers.add(&Authorization(credentials)),
            None => {}
        }
        headers
    }
}

/// What a 401 or 407 asks for, if it may and we can answer that: the first of its challenges that we speak (RFC 8760 §2.4).
pub fn read(register: &Register, response: &Response) -> Option<Answered> {
    let is_proxy = response.status.0 == 407;
    let challenges: Vec<Challenge> = match is_proxy {
        true => response.headers.list::<ProxyAuthenticate>().ok()?.into_iter().map(|header| header.0).collect(),
        false => response.headers.list::<WwwAuthenticate>().ok()?.into_iter().map(|header| header.0).collect(),
    };
    let may_ask = |challenge: &Challenge| {
        register.realm.is_empty() || challenge.realm.eq_ignore_ascii_case(register.realm.as_bytes())
    };
    let spoken = |challenge: &Challenge| challenge.algorithm.is_some() && (challenge.qop_auth || !challenge.qop_other);
    let challenge = challenges.into_iter().find(|challenge| may_ask(challenge) && spoken(challenge))?;
    Some(Answered { challenge, is_proxy, count: 0 })
}
