//! Calls that begin with us: who is meant by a destination, and what is made of it.

use uuid::Uuid;

use super::Pbx;
use crate::billing::{CostType, Micros, Shortage};
use crate::call::outbound::no_way;
use crate::call::{Address, AddressKind, Affair, CallKey, CallRecord, Callee, Dialling, Maker};
use crate::command::NewActiveflow;
use crate::command::{Rejection, Reply};
use crate::directory::agent;
use crate::event::EventKind;
use crate::flow::order::NewCall;
use crate::flow::record::Origin;
use crate::flow::{Action, Fault, Script, Value};
use crate::groupcall::{Groupcall, NewGroupcall, Plan, RingMethod};
use crate::limits;

/// What a destination becomes.
enum Way {
    /// One call.
    Call(Box<Dialling>),
    /// Phones that are rung together.
    Group(Address, Vec<Vec<Dialling>>, RingMethod),
}

impl Pbx {
    /// Makes the calls that somebody asked for: all of them, or none.
    pub(super) fn create_calls(&mut self, new: NewCall, maker: Maker) -> Result<Made, Rejection> {
        let (source, ways) = self.plan(&new, maker)?;
        let mut made = Made::default();
        for way in ways {
            match way {
                Way::Call(dialling) => made.calls.push(self.calls.dial(&mut self.ctx, *dialling)),
                Way::Group(destination, dials, ring_method) => {
                    let plan = Plan {
                        source: source.clone(),
                        destinations: vec![destination],
                        flow_id: new.flow,
                        maker,
                        ring_method,
                        dials,
                    };
                    let (groupcall, calls) = self.calls.dial_group(&mut self.ctx, plan);
                    made.groupcalls.push(groupcall);
                    made.calls.extend(calls);
                }
            }
        }
        Ok(made)
    }

    /// Makes one groupcall of all destinations.
    pub(super) fn create_groupcall(&mut self, new: NewGroupcall) -> Result<Reply, Rejection> {
        let NewGroupcall { call, ring_method } = new;
        let (source, ways) = self.plan(&call, Maker::default())?;
        let dials = ways.into_iter().flat_map(|way| match way {
            Way::Call(dialling) => vec![vec![*dialling]],
            Way::Group(_, dials, RingMethod::RingAll) => vec![dials.into_iter().flatten().collect()],
            Way::Group(_, dials, RingMethod::Linear) => dials,
        });
        let dials = dials.collect();
        let NewCall { destinations, flow: flow_id, .. } = call;
        let plan = Plan { source, destinations, flow_id, maker: Maker::default(), ring_method, dials };
        let (groupcall, _) = self.calls.dial_group(&mut self.ctx, plan);
        Ok(Reply::Groupcall(Box::new(groupcall)))
    }

    fn plan(&mut self, new: &NewCall, maker: Maker) -> Result<(Address, Vec<Way>), Rejection> {
        if self.ctx.draining {
            return Err(Rejection::Exhausted("the exchange is about to end and begins no calls"));
        }
        let mut wanted = new.clone();
        if wanted.destinations.is_empty() || wanted.destinations.len() > limits::DESTINATIONS {
            return Err(Rejection::Invalid { field: "destinations", reason: "must be 1 to 20 addresses" });
        }
        let script = Script::of_call(&mut self.ctx, new)?;
        let source = self.source(new.source.clone())?;
        let mut ways = Vec::new();
        for (index, destination) in std::mem::take(&mut wanted.destinations).into_iter().enumerate() {
            ways.push(self.way((index, destination), (&source, new), (&script, maker))?);
        }
        self.refuse_unpaid(&ways, maker)?;
        let count: usize = ways.iter().map(Way::calls).sum();
        if self.calls.len() + count > limits::CALLS {
            return Err(Rejection::Exhausted("there are as many calls as the exchange can hold"));
        }
        Ok((source, ways))
    }

    /// Whether there is money for the first minute of all of them.
    fn refuse_unpaid(&mut self, ways: &[Way], maker: Maker) -> Result<(), Rejection> {
        let paid = ways.iter().flat_map(Way::dials).filter_map(|dialling| dialling.way.as_ref()?.cost_type());
        let costs: Vec<CostType> = paid.collect();
        let sum = costs.iter().map(|cost_type| self.ctx.billing.rate(*cost_type).0).fold(0, i64::saturating_add);
        let Some(&cost_type) = costs.first().filter(|_| !self.ctx.billing.suffices_for(Micros(sum))) else {
            return Ok(());
        };
        let (rate, balance) = (self.ctx.billing.rate(cost_type), self.ctx.billing.left());
        let (call_id, made_by) = (Uuid::nil(), maker.activeflow);
        let shortage = Shortage { call_id, made_by, cost_type, rate, balance, ends: true };
        self.ctx.totals.calls_unpaid += costs.len() as u64;
        self.ctx.event(EventKind::BillingRefused(Box::new(shortage)));
        Err(Rejection::Spent)
    }

    /// Who calls, with the name that the directory has.
    fn source(&self, source: Option<Address>) -> Result<Address, Rejection> {
        let Some(mut source) = source.filter(|source| !source.target.is_empty()) else {
            return Ok(Address { kind: AddressKind::Sip, target: "tandem".into(), target_name: "Tandem".into() });
        };
        check_address("source", &source)?;
        if source.kind == AddressKind::Extension
            && let Some(extension) = self.extension(&source.target)
        {
            source.target = extension.extension.clone();
            if source.target_name.is_empty() {
                source.target_name = extension.name.clone();
            }
        }
        Ok(source)
    }

    fn extension(&self, target: &str) -> Option<&crate::directory::Extension> {
        let by_id = target.parse().ok().and_then(|id| self.directory.get(id));
        self.directory.by_number(target).or(by_id)
    }

    /// What becomes of a destination.
    fn way(
        &self,
        (index, destination): (usize, Address),
        (source, new): (&Address, &NewCall),
        (script, maker): (&Option<Script>, Maker),
    ) -> Result<Way, Rejection> {
        let at = format!("destinations[{index}]");
        check_address(&at, &destination)?;
        let missing = Rejection::Invalid { field: "flow_id", reason: "is missing, and so are actions" };
        let plan = Dialling {
            source: source.clone(),
            destination: destination.clone(),
            callee: None,
            way: None,
            script: Script::of_actions(Vec::new()),
            early_execution: new.early_execution,
            anonymous: new.anonymous,
            maker,
            groupcall: None,
        };
        let with_script = |plan: Dialling| match script {
            Some(script) => Ok(Dialling { script: script.clone(), ..plan }),
            None => Err(missing),
        };
        match destination.kind {
            AddressKind::Extension => self.way_to_phones(&at, with_script(plan)?),
            AddressKind::Sip => self.way_to_uri(&at, with_script(plan)?),
            AddressKind::Conference => self.way_to_conference(&at, plan, script),
            AddressKind::Tel => self.way_outside(&at, with_script(plan)?),
            AddressKind::Agent => self.way_to_agent(&at, with_script(plan)?),
        }
    }

    /// All phones of an extension; none that is registered is a call that fails at once.
    fn way_to_phones(&self, at: &str, plan: Dialling) -> Result<Way, Rejection> {
        let Some(extension) = self.extension(&plan.destination.target) else {
            return Err(fault(at, "target", "there is no such extension"));
        };
        let destination = crate::call::callee::address_of(extension);
        let contacts = self.registrar.contacts(extension.id, self.ctx.unix());
        let callees = contacts.iter().filter_map(|binding| Callee::of_contact(extension, binding).ok());
        let to = |callee| Dialling { destination: destination.clone(), callee, ..plan.clone() };
        let mut dials: Vec<Dialling> = callees.map(|callee| to(Some(Box::new(callee)))).collect();
        if dials.is_empty() {
            dials.push(to(None));
        }
        Ok(Way::Group(plan.destination, vec![dials], RingMethod::RingAll))
    }

    /// Wherever an agent is reached, at once or one after the other.
    fn way_to_agent(&self, at: &str, plan: Dialling) -> Result<Way, Rejection> {
        let target = plan.destination.target.clone();
        let Some(agent) = self.ctx.agents.named(&target) else {
            return Err(fault(at, "target", "there is no such agent"));
        };
        let ring_method = match agent.ring_method {
            agent::RingMethod::RingAll => RingMethod::RingAll,
            agent::RingMethod::Linear => RingMethod::Linear,
        };
        let destination =
            Address { kind: AddressKind::Agent, target: agent.id.to_string(), target_name: agent.name.clone() };
        let mut dials = Vec::new();
        for address in self.ctx.agents.reached_at(&target) {
            let plan = Dialling { destination: address, ..plan.clone() };
            let way = match plan.destination.kind {
                AddressKind::Extension => self.way_to_phones(at, plan)?,
                AddressKind::Sip => self.way_to_uri(at, plan)?,
                _ => self.way_outside(at, plan)?,
            };
            dials.push(match way {
                Way::Call(dialling) => vec![*dialling],
                Way::Group(_, dials, _) => dials.into_iter().flatten().collect(),
            });
        }
        if dials.is_empty() {
            return Err(fault(at, "target", "the agent has no address"));
        }
        if ring_method == RingMethod::RingAll {
            dials = vec![dials.into_iter().flatten().collect()];
        }
        Ok(Way::Group(destination, dials, ring_method))
    }

    /// Whoever is beyond the box: over a provider, or where a name leads.
    fn way_outside(&self, at: &str, plan: Dialling) -> Result<Way, Rejection> {
        let way = crate::call::Way::to(&self.ctx, &plan.destination, plan.anonymous)
            .map_err(|cause| fault(at, "target", format!("cannot be called: {}", no_way(cause))))?;
        Ok(Way::Call(Box::new(Dialling { way: Some(Box::new(way)), ..plan })))
    }

    /// Whoever is at a literal address.
    fn way_to_uri(&self, at: &str, plan: Dialling) -> Result<Way, Rejection> {
        let text = format!("sip:{}", plan.destination.target.trim_start_matches("sip:"));
        let uri = sip::Uri::parse(text.as_bytes()).ok();
        let named = uri.is_some_and(|uri| uri.host().is_some_and(|host| host.ip().is_none()));
        if named {
            return self.way_outside(at, plan);
        }
        let callee = Callee::of_uri(&self.ctx, &plan.destination).map_err(|reason| fault(at, "target", reason))?;
        Ok(Way::Call(Box::new(Dialling { callee: Some(Box::new(callee)), ..plan })))
    }

    /// A conference does not ring: it is the source that is rung, and that joins it.
    fn way_to_conference(&self, at: &str, plan: Dialling, script: &Option<Script>) -> Result<Way, Rejection> {
        let target = &plan.destination.target;
        let by_id = target.parse().ok().and_then(|id| self.ctx.conferences.get(id));
        let Some(conference) = by_id.or_else(|| self.ctx.conferences.by_number(target)) else {
            return Err(fault(at, "target", "there is no such conference"));
        };
        let option = Value::from([("conference_id", conference.id.to_string().into())]);
        let join = Action { id: Uuid::from_u128(4), next_id: None, name: "conference_join".into(), option };
        let conference = Address {
            kind: AddressKind::Conference,
            target: conference.id.to_string(),
            target_name: conference.name.clone(),
        };
        let script = script.clone().unwrap_or_else(|| Script::of_actions(vec![join]));
        let rung = Dialling { source: conference, destination: plan.source.clone(), script, ..plan };
        match rung.destination.kind {
            AddressKind::Extension => self.way_to_phones("source", rung),
            AddressKind::Sip => self.way_to_uri("source", rung),
            _ => Err(fault("source", "type", "is rung for the conference, and cannot be")),
        }
    }

    /// Makes the calls that a flow wants.
    fn make_for(&mut self, call: CallKey, new: NewCall) {
        let is_chained = new.chained;
        let asking = self.calls.get(call);
        let leg = asking.and_then(|call| call.legs.first()).filter(|_| is_chained);
        let activeflow = asking.and_then(|call| call.run.as_ref()).map(|run| run.record.id);
        let made = self.create_calls(new, Maker { master: leg.map(|leg| leg.record.id), activeflow });
        self.calls.with_call(&mut self.ctx, call, |call, ctx| call.take_made(ctx, made, is_chained));
    }

    /// Runs a flow that no call goes through, because somebody asked for it.
    pub(super) fn create_activeflow(&mut self, new: NewActiveflow) -> Result<Reply, Rejection> {
        if new.id.is_some_and(|id| self.ctx.index.activeflows.contains_key(&id)) {
            return Err(Rejection::AlreadyExists("activeflow"));
        }
        let found = Script::find(&mut self.ctx, (new.flow_id, new.actions), &new.variables)?;
        let missing = Rejection::Invalid { field: "flow_id", reason: "is missing, and so are actions" };
        let script = Script { id: new.id, webhook: new.webhook, ..found.ok_or(missing)? };
        let record = self.calls.run_alone(&mut self.ctx, script, Origin::Api)?;
        Ok(Reply::Activeflow(Box::new(record)))
    }

    /// Does for other calls what calls brought about.
    pub(super) fn settle(&mut self, affair: Affair) {
        let Pbx { ctx, calls, .. } = self;
        match affair {
            Affair::Moved => calls.handle_moved(ctx),
            Affair::Answered { groupcall, call } => calls.handle_group_answered(ctx, groupcall, call),
            Affair::Over { groupcall } => calls.handle_group_over(ctx, groupcall),
            // What is over already needs no end.
            Affair::HangUp(call) => drop(calls.hang_up(ctx, call)),
            Affair::HangUpGroupcall(groupcall) => drop(calls.hang_up_group(ctx, groupcall)),
            Affair::Run(script, origin) => {
                if calls.run_alone(ctx, *script, origin).is_err() {
                    ctx.totals.flows_failed += 1;
                }
            }
            Affair::Make { call, new } => self.make_for(call, *new),
            Affair::Refer { leg, goal, is_watched } => self.refer(leg, goal, is_watched),
            Affair::Pickup { replaced, by } => self.pick_up(replaced, by),
            Affair::TransferProgress { leg, status } => self.tell_transferer(leg, status),
            Affair::Consulted { waits, stays } => self.end_consultation(waits, stays),
            Affair::TransferFailed { call, failure } => self.give_back(call, failure),
        }
    }
}

/// What was made.
#[derive(Debug, Default)]
pub struct Made {
    /// The calls, those of groupcalls as well.
    pub calls: Vec<CallRecord>,
    /// The groupcalls.
    pub groupcalls: Vec<Groupcall>,
}

impl Way {
    fn calls(&self) -> usize {
        self.dials().count()
    }

    fn dials(&self) -> impl Iterator<Item = &Dialling> {
        let (one, group) = match self {
            Way::Call(dialling) => (Some(&**dialling), [].as_slice()),
            Way::Group(_, dials, _) => (None, dials.as_slice()),
        };
        one.into_iter().chain(group.iter().flatten())
    }
}

fn check_address(at: &str, address: &Address) -> Result<(), Rejection> {
    for (name, text) in [("target", &address.target), ("target_name", &address.target_name)] {
        if text.len() > limits::ADDRESS {
            return Err(fault(at, name, format!("is longer than {} bytes", limits::ADDRESS)));
        }
        if text.chars().any(char::is_control) {
            return Err(fault(at, name, "has control characters"));
        }
    }
    Ok(())
}

fn fault(at: &str, field: &str, reason: impl Into<String>) -> Rejection {
    Rejection::Fault(Fault::new(format!("{at}.{field}"), reason))
}
