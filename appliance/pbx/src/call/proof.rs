//! Our password within a call: a provider may ask for it whenever we ask something of it (RFC 3261 §22.3).

use sip::dialog::DialogId;
use sip::endpoint::{Body, ServerId};
use sip::{Headers, Method, Response};

use super::callee::Peer;
use super::{Call, Leg, ladder};
use crate::context::Context;
use crate::index::Asked;
use crate::limits;
use crate::provider::challenge::{self, Answered};

/// What a provider asked for last within the call, and what it is still owed.
#[derive(Debug, Default)]
pub struct Proof {
    answered: Option<Answered>,
    answers: u8,
    /// Requests of others that were passed on, by the number under which their answer is awaited.
    passed_on: Vec<(ServerId, Method, Headers, Option<Body>)>,
}

impl Leg {
    /// The credentials for a request within the call; none before the provider asked for them.
    pub fn credentials(&mut self, ctx: &mut Context, method: &Method) -> Headers {
        let Peer::Provider(id) = self.peer else { return Headers::new() };
        let register = ctx.providers.get(id).and_then(|provider| provider.data.register.clone());
        let target = self.dialog.and_then(|dialog| ctx.sip.dialog(dialog)).map(|dialog| dialog.remote_target.clone());
        match (&mut self.proof.answered, register, target) {
            (Some(answered), Some(register), Some(target)) => answered.credentials(ctx, &register, (method, &target)),
            _ => Headers::new(),
        }
    }

    /// The provider took a request: from now on it may ask again.
    pub fn note_taken(&mut self) {
        self.proof.answers = 0;
    }

    /// A request was refused with 401 or 407. Whether it may be sent once more, with other credentials.
    pub fn take_challenge(&mut self, ctx: &Context, response: &Response) -> bool {
        let (401 | 407, Peer::Provider(id)) = (response.status.0, self.peer) else { return false };
        let register = ctx.providers.get(id).and_then(|provider| provider.data.register.as_ref());
        let Some(asked) = register.and_then(|register| challenge::read(register, response)) else { return false };
        let proof = &mut self.proof;
        // An answer given before it was asked for may be too old without anybody's fault.
        let is_wrong = proof.answers > 0 && proof.answered.as_ref().is_some_and(|answered| answered.is_final(&asked));
        proof.answers += 1;
        let once_more = !is_wrong && proof.answers <= limits::CHALLENGES;
        proof.answered = once_more.then_some(asked);
        once_more
    }
}

impl Call {
    /// Passes a request of one leg on to another, whose answer will be the answer to it. False where that cannot be.
    pub fn pass_on(
        &mut self,
        ctx: &mut Context,
        (place, server): (usize, ServerId),
        (method, headers, body): (Method, Headers, Option<Body>),
    ) -> bool {
        let leg = &mut self.legs[place];
        let Some(dialog) = leg.dialog else { return false };
        let mut proven = headers.clone();
        proven.extend(&leg.credentials(ctx, &method));
        let is_sent = send(ctx, leg, (dialog, server), (method.clone(), proven, body.clone()));
        let may_be_asked = matches!(leg.peer, Peer::Provider(_)) && leg.proof.passed_on.len() < limits::PASSED_ON;
        if is_sent && may_be_asked {
            leg.proof.passed_on.push((server, method, headers, body));
        }
        is_sent
    }

    /// A request that was passed on is answered. False where it was sent once more, with our password.
    pub fn handle_passed_on(
        &mut self,
        ctx: &mut Context,
        (place, server): (usize, ServerId),
        answer: &Response,
    ) -> bool {
        if answer.status.is_provisional() {
            return true;
        }
        let leg = &mut self.legs[place];
        let known = leg.proof.passed_on.iter().position(|(known, ..)| *known == server);
        let Some((_, method, headers, body)) = known.map(|known| leg.proof.passed_on.swap_remove(known)) else {
            return true;
        };
        if !leg.take_challenge(ctx, answer) {
            leg.note_taken();
            return true;
        }
        self.note_challenge(ctx);
        !self.pass_on(ctx, (place, server), (method, headers, body))
    }

    /// Writes down that a provider asked for our password within the call.
    pub fn note_challenge(&mut self, ctx: &Context) {
        let label = "the provider asks for our password: once more";
        self.ladder.internal(ctx.unix(), (ladder::CALL, ladder::SIP), label, String::new());
    }
}

fn send(
    ctx: &mut Context,
    leg: &Leg,
    (dialog, server): (DialogId, ServerId),
    (method, headers, body): (Method, Headers, Option<Body>),
) -> bool {
    match ctx.sip.request_in_dialog(ctx.now, dialog, method, headers, body) {
        Ok(client) => {
            ctx.index.clients.insert(client, Asked::Info(leg.key, server));
            true
        }
        Err(_) => false,
    }
}
