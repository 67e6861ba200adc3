//! Guests: those who call by a direct hash, and have proved nothing but that they know it.
//!
//! A guest reaches what the hash leads to. It cannot transfer, pick up calls or reach anything else: it is no extension, and whatever
//! asks for one refuses it. What it says of itself is shown as said by a guest, so that nobody passes for somebody of the box.

use sip::Request;
use sip::endpoint::Reply;
use sip::header::From;
use uuid::Uuid;

use super::cause::Cause;
use super::setup::Whereabouts;
use super::waiting::Destination;
use super::{Address, AddressKind, Call, Calls, callee, ladder};
use crate::authentication::Caller;
use crate::context::Context;
use crate::directory::Direct;
use crate::flow::{Action, Flow, Value};
use crate::{limits, reply};

/// Refuses one guest more than there may be.
pub fn check(calls: &Calls, caller: &Caller) -> Result<(), Box<Reply>> {
    match caller {
        Caller::Guest(_) if calls.guests() >= limits::GUESTS => Err(reply::retry_after(503, 30)),
        _ => Ok(()),
    }
}

/// What records show of a guest.
pub fn source(request: &Request) -> Address {
    let from = request.headers.typed::<From>().ok().map(|from| from.address);
    let stated = from.and_then(|from| {
        let name = from.display_name().map(|name| name.into_owned()).filter(|name| !name.is_empty());
        name.or_else(|| from.uri.user_unescaped().map(|user| user.into_owned()))
    });
    let stated: String = stated.unwrap_or_default().chars().filter(|c| !c.is_control()).take(64).collect();
    let target_name = if stated.is_empty() { "Guest".into() } else { format!("Guest ({stated})") };
    Address { kind: AddressKind::Sip, target: "guest".into(), target_name }
}

/// What records show of where a hash leads; never the hash.
pub fn destination(ctx: &Context, places: &Whereabouts<'_>, to: Direct) -> Address {
    let at = |kind, id: Uuid, name: Option<&String>| Address {
        kind,
        target: id.to_string(),
        target_name: name.cloned().unwrap_or_default(),
    };
    match to {
        Direct::Extension(id) => places.directory.get(id).map(callee::address_of).unwrap_or_default(),
        Direct::Agent(id) => at(AddressKind::Agent, id, ctx.agents.get(id).map(|agent| &agent.name)),
        Direct::Conference(id) => at(AddressKind::Conference, id, ctx.conferences.get(id).map(|found| &found.name)),
        Direct::Flow(id) => at(AddressKind::Sip, id, ctx.flows.get(id).map(|flow| &flow.name)),
    }
}

/// Where a hash leads; the cause says why nobody can be reached there.
pub fn find(ctx: &Context, call: &mut Call, places: &Whereabouts<'_>, to: Direct) -> Result<Destination, Cause> {
    let at = ctx.unix();
    let words = format!("where does the direct hash of the {} lead?", to.kind());
    call.ladder.internal(at, (ladder::CALL, ladder::REGISTRAR), words, String::new());
    match to {
        Direct::Extension(id) => {
            let extension = places.directory.get(id).ok_or(Cause::UNALLOCATED)?;
            let contacts = places.registrar.contacts(id, at);
            let words = format!("{} contact(s)", contacts.len());
            call.ladder.internal(at, (ladder::REGISTRAR, ladder::CALL), words, String::new());
            match contacts.is_empty() {
                true => Err(Cause::ABSENT),
                false => Ok(Destination::Phones { extension: extension.clone(), contacts }),
            }
        }
        Direct::Conference(id) => {
            let conference = ctx.conferences.get(id).ok_or(Cause::UNALLOCATED)?;
            Ok(Destination::Conference { id, name: conference.name.clone() })
        }
        Direct::Flow(id) => {
            let flow = ctx.flows.get(id).ok_or(Cause::UNALLOCATED)?;
            Ok(Destination::Flow(Box::new(flow.clone())))
        }
        Direct::Agent(id) => {
            let agent = ctx.agents.get(id).ok_or(Cause::UNALLOCATED)?;
            let address = Value::from([("type", "agent".into()), ("target", id.to_string().into())]);
            let option = [("destinations", Value::List(vec![address])), ("relay_reason", true.into())].into();
            let connect = Action { id: Uuid::from_u128(5), next_id: None, name: "connect".into(), option };
            Ok(Destination::Flow(Box::new(Flow::temporary(&agent.name, vec![connect], at))))
        }
    }
}
