//! Who sends a request: digest (RFC 7616) against the directory, told so that nobody learns which extensions exist.

use std::net::IpAddr;

use sip::auth::{Algorithm, Credentials, Secret, Verdict, Verifier};
use sip::endpoint::Reply;
use sip::header::{Authorization, WwwAuthenticate};
use sip::{Headers, Request};

use crate::Time;
use crate::context::Context;
use crate::directory::{Directory, Extension};
use crate::event::EventKind;
use crate::guard::{Consequence, Guard};
use crate::timers::Timer;

/// Digest, and the memory of who guesses.
pub struct Gate {
    verifier: Verifier,
    /// Who guesses.
    pub guard: Guard,
}

impl Gate {
    /// A gate for a realm; nonces are made from the secret.
    pub fn new(realm: &str, algorithms: &[Algorithm], secret: [u8; 32]) -> Gate {
        let verifier = Verifier::new(realm, secret).with_algorithms(algorithms.to_vec());
        Gate { verifier, guard: Guard::default() }
    }

    /// The extension that sends the request, or the answer that it gets instead: a challenge, or a refusal that is the
    /// same whether the extension is unknown, the password wrong, or the name in From another.
    pub fn identify(
        &mut self,
        ctx: &mut Context,
        directory: &Directory,
        source: IpAddr,
        request: &Request,
    ) -> Result<Extension, Box<Reply>> {
        let Some(credentials) = self.credentials(request) else { return Err(self.challenge(ctx, false)) };
        let user = credentials.username.to_str_lossy().into_owned();
        let known = directory.by_number(&user);
        let secret = known.map_or(Secret::Unknown, |extension| Secret::Password(&extension.password));
        match (self.verifier.check(ctx.now, request, &credentials, secret), known) {
            (Verdict::Accepted, Some(extension)) => {
                self.guard.handle_success(ctx.now, source);
                Ok(extension.clone())
            }
            (Verdict::Stale, _) => Err(self.challenge(ctx, true)),
            (Verdict::Malformed, _) => Err(crate::reply::bad_request("Authorization")),
            (Verdict::Wrong | Verdict::Accepted, _) => Err(self.refuse(ctx, source)),
        }
    }

    /// Forgets what nobody needs any more.
    pub fn handle_timeout(&mut self, now: Time) {
        self.verifier.handle_timeout(now);
    }

    fn credentials(&self, request: &Request) -> Option<Credentials> {
        let all = request.headers.list::<Authorization>().ok()?;
        all.into_iter().map(|header| header.0).find(|credentials| credentials.realm == *self.verifier.realm())
    }

    fn challenge(&mut self, ctx: &mut Context, stale: bool) -> Box<Reply> {
        ctx.totals.challenges += 1;
        let mut headers = Headers::new();
        for challenge in self.verifier.challenges(ctx.now, stale) {
            headers.add(&WwwAuthenticate(challenge));
        }
        Box::new(Reply::new(401).with_headers(headers))
    }

    fn refuse(&mut self, ctx: &mut Context, source: IpAddr) -> Box<Reply> {
        ctx.totals.wrong_digests += 1;
        if let Consequence::Blocked { until, failures } = self.guard.handle_failure(ctx.now, source) {
            let kind = EventKind::SourceBlocked { source, failures, until: ctx.unix_at(until) };
            ctx.event(kind);
            ctx.timers.arm(until, Timer::GuardRelease);
        }
        Box::new(Reply::new(403))
    }
}
