//! Who sends a request: digest (RFC 7616) against the directory, told so that nobody learns which extensions exist.

use std::net::IpAddr;

use rustc_hash::FxHashMap;
use sip::auth::{Algorithm, Credentials, Secret, Verdict, Verifier};
use sip::endpoint::Reply;
use sip::header::{Authorization, From, To, WwwAuthenticate};
use sip::transport::ConnectionId;
use sip::{Flow, Headers, Method, Request};

use crate::Time;
use crate::call::setup::Whereabouts;
use crate::context::Context;
use crate::directory::direct_hash::PREFIX;
use crate::directory::{Direct, Directory, Extension, Provider, Trunk};
use crate::event::EventKind;
use crate::guard::{Consequence, Guard};
use crate::provider;
use crate::timers::Timer;

/// Digest, and the memory of who guesses.
pub struct Gate {
    verifier: Verifier,
    /// Who guesses.
    pub guard: Guard,
    /// Connections of those who have logged in, and the extensions they speak for.
    vouched: FxHashMap<ConnectionId, Vec<String>>,
}

/// Who sends a request.
#[derive(Debug, Clone)]
pub enum Caller {
    /// An extension, by its password, or by the login of whoever opened the connection.
    Extension(Extension),
    /// A trunk, by its password or its address.
    Trunk(Trunk),
    /// A provider, by the address at which we are registered.
    Provider(Provider),
    /// Somebody who knows a direct hash.
    Guest(Direct),
}

impl Gate {
    /// A gate for a realm; nonces are made from the secret.
    pub fn new(realm: &str, algorithms: &[Algorithm], secret: [u8; 32]) -> Gate {
        let verifier = Verifier::new(realm, secret).with_algorithms(algorithms.to_vec());
        Gate { verifier, guard: Guard::default(), vouched: FxHashMap::default() }
    }

    /// Who sends the request, or the answer that it gets instead: a challenge, or a refusal that is the same whether there
    /// is no such extension or trunk, or the password is wrong.
    pub fn identify(
        &mut self,
        ctx: &mut Context,
        places: &Whereabouts<'_>,
        flow: &Flow,
        request: &Request,
    ) -> Result<Caller, Box<Reply>> {
        let (directory, source) = (places.directory, flow.remote.ip());
        let hash = direct_hash(request);
        if let Some(to) = hash.and_then(|hash| ctx.direct_hashes.get(hash)) {
            return Ok(Caller::Guest(to));
        }
        if let Some(extension) = self.vouched_for(directory, flow, request) {
            return Ok(Caller::Extension(extension));
        }
        let Some(credentials) = self.credentials(request) else {
            if hash.is_some() {
                // Counted like a wrong password, and answered like whoever has none.
                self.note_guess(ctx, source);
                return Err(self.challenge(ctx, false));
            }
            let caller = known_by_address(ctx, flow, request);
            // A phone of ours may be where a trunk is: behind the same router, or on the same machine.
            let caller = caller.filter(|_| !places.registrar.is_at(flow));
            return caller.ok_or_else(|| self.challenge(ctx, false));
        };
        let user = credentials.username.to_str_lossy().into_owned();
        let extension = directory.by_number(&user);
        let trunk = ctx.trunks.by_username(&user).filter(|_| extension.is_none()).cloned();
        let password = extension.map(|known| &known.password).or(trunk.as_ref().map(|known| &known.data.password));
        let secret = password.map_or(Secret::Unknown, |password| Secret::Password(password));
        let known = extension.cloned().map(Caller::Extension).or(trunk.clone().map(Caller::Trunk));
        match (self.verifier.check(ctx.now, request, &credentials, secret), known) {
            (Verdict::Accepted, Some(caller)) => {
                self.guard.handle_success(ctx.now, source);
                Ok(caller)
            }
            (Verdict::Stale, _) => Err(self.challenge(ctx, true)),
            (Verdict::Malformed, _) => Err(crate::reply::bad_request("Authorization")),
            (Verdict::Wrong | Verdict::Accepted, _) => Err(self.refuse(ctx, source)),
        }
    }

    /// Whoever opened the connection of this flow speaks for these extensions from now on, and for no others.
    pub fn vouch(&mut self, flow: &Flow, extensions: Vec<String>) {
        let Some(connection) = flow.connection else { return };
        match extensions.is_empty() {
            true => drop(self.vouched.remove(&connection)),
            false => drop(self.vouched.insert(connection, extensions)),
        }
    }

    /// A connection is gone, and what was said of it with it.
    pub fn handle_closed(&mut self, flow: &Flow) {
        if let Some(connection) = &flow.connection {
            self.vouched.remove(connection);
        }
    }

    /// How many connections are those of somebody who has logged in.
    pub fn vouched(&self) -> usize {
        self.vouched.len()
    }

    /// The extension that a request says it comes from, where whoever opened the connection speaks for it.
    fn vouched_for(&self, directory: &Directory, flow: &Flow, request: &Request) -> Option<Extension> {
        let own = self.vouched.get(&flow.connection?)?;
        let named = match request.method {
            Method::Register => request.headers.typed::<To>().ok()?.address,
            _ => request.headers.typed::<From>().ok()?.address,
        };
        let extension = directory.by_number(&named.uri.user_unescaped()?)?;
        let id = extension.id.to_string();
        own.iter().any(|own| *own == extension.extension || *own == id).then(|| extension.clone())
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
        self.note_guess(ctx, source);
        Box::new(Reply::new(403))
    }

    /// Somebody has guessed, and was wrong.
    fn note_guess(&mut self, ctx: &mut Context, source: IpAddr) {
        if let Consequence::Blocked { until, failures } = self.guard.handle_failure(ctx.now, source) {
            let kind = EventKind::SourceBlocked { source, failures, until: ctx.unix_at(until) };
            ctx.event(kind);
            ctx.timers.arm(until, Timer::GuardRelease);
        }
    }
}

/// The direct hash that an INVITE calls, as it stands there: written with escapes it is none.
fn direct_hash(request: &Request) -> Option<&str> {
    let user = request.uri.user().filter(|_| request.method == Method::Invite)?;
    user.strip_prefix(PREFIX)
}

/// A trunk or a provider that calls from where it always does. (A phone there that proves a password is a phone.)
fn known_by_address(ctx: &Context, flow: &Flow, request: &Request) -> Option<Caller> {
    if request.method != Method::Invite {
        return None;
    }
    if let Some(trunk) = ctx.trunks.by_address(flow.remote.ip()) {
        return Some(Caller::Trunk(trunk.clone()));
    }
    let provider = provider::calling_from(ctx, flow).and_then(|id| ctx.providers.get(id));
    provider.cloned().map(Caller::Provider)
}
