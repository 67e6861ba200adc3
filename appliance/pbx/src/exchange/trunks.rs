//! What is asked of the trunks, the providers and the routes.

use super::Pbx;
use crate::command::{Command, Rejection, Reply};
use crate::directory::{Provider, ProviderData, ProviderSetup, Route, RouteData, Trunk, TrunkData};
use crate::event::EventKind;
use crate::names::{self, Answer, Question, Unresolved, Waiter};
use crate::provider::{self, health, registration};
use crate::public_address;

impl Pbx {
    /// A command about one of them.
    pub(super) fn carry_out_for_trunks(&mut self, command: Command) -> Result<Reply, Rejection> {
        let at = self.ctx.unix();
        match command {
            Command::CreateTrunk(data) => {
                self.refuse_username_of_another(&data)?;
                let id = self.ctx.uuid();
                let made = self.ctx.trunks.create(id, *data, at)?;
                Ok(self.tell_trunk(EventKind::TrunkCreated, made))
            }
            Command::UpdateTrunk(id, data) => {
                self.refuse_username_of_another(&data)?;
                let changed = self.ctx.trunks.update(id, *data, at)?;
                Ok(self.tell_trunk(EventKind::TrunkUpdated, changed))
            }
            Command::DeleteTrunk(id) => {
                let deleted = self.ctx.trunks.delete(id, at)?;
                Ok(self.tell_trunk(EventKind::TrunkDeleted, deleted))
            }
            Command::ReadTrunk(id) => {
                let found = self.ctx.trunks.get(id).ok_or(Rejection::NotFound("trunk"))?;
                Ok(Reply::Trunk(Box::new(found.clone())))
            }
            Command::CreateRoute(data) => {
                self.refuse_missing_provider(&data)?;
                let id = self.ctx.uuid();
                let made = self.ctx.routes.create(id, *data, at)?;
                Ok(self.tell_route(EventKind::RouteCreated, made))
            }
            Command::UpdateRoute(id, data) => {
                self.refuse_missing_provider(&data)?;
                let changed = self.ctx.routes.update(id, *data, at)?;
                Ok(self.tell_route(EventKind::RouteUpdated, changed))
            }
            Command::DeleteRoute(id) => {
                let deleted = self.ctx.routes.delete(id, at)?;
                Ok(self.tell_route(EventKind::RouteDeleted, deleted))
            }
            Command::ReadRoute(id) => {
                let found = self.ctx.routes.get(id).ok_or(Rejection::NotFound("route"))?;
                Ok(Reply::Route(Box::new(found.clone())))
            }
            other => self.carry_out_for_providers(other),
        }
    }

    fn carry_out_for_providers(&mut self, command: Command) -> Result<Reply, Rejection> {
        let at = self.ctx.unix();
        match command {
            Command::CreateProvider(data) => self.create_provider(*data),
            Command::SetUpProvider(setup) => self.set_up_provider(*setup),
            Command::UpdateProvider(id, data) => {
                let changed = self.ctx.providers.update(id, *data, at)?;
                registration::restart(&mut self.ctx, &changed);
                Ok(self.tell_provider(EventKind::ProviderUpdated, &changed))
            }
            Command::DeleteProvider(id) => {
                if self.ctx.routes.iter().any(|route| route.data.provider_id == id) {
                    return Err(Rejection::InUse("a route leads to this provider".into()));
                }
                let deleted = self.ctx.providers.delete(id, at)?;
                registration::end(&mut self.ctx, id);
                Ok(self.tell_provider(EventKind::ProviderDeleted, &deleted))
            }
            Command::ReadProvider(id) => {
                let found = self.ctx.providers.get(id).ok_or(Rejection::NotFound("provider"))?;
                Ok(Reply::Provider(Box::new(provider::record(&self.ctx, found))))
            }
            _ => Ok(Reply::Providers(self.ctx.providers.iter().map(|p| provider::record(&self.ctx, p)).collect())),
        }
    }

    fn create_provider(&mut self, data: ProviderData) -> Result<Reply, Rejection> {
        let (id, at) = (self.ctx.uuid(), self.ctx.unix());
        let made = self.ctx.providers.create(id, data, at)?;
        let reply = self.tell_provider(EventKind::ProviderCreated, &made);
        registration::begin(&mut self.ctx, &made);
        Ok(reply)
    }

    /// Makes a provider and the routes to it. Nobody hears of any before all of them are there.
    fn set_up_provider(&mut self, setup: ProviderSetup) -> Result<Reply, Rejection> {
        let ProviderSetup { provider, targets, priority } = setup;
        let (id, at) = (self.ctx.uuid(), self.ctx.unix());
        let name = provider.name.clone();
        let made = self.ctx.providers.create(id, provider, at)?;
        let mut routes: Vec<Route> = Vec::new();
        for target in targets {
            let data = RouteData { name: name.clone(), provider_id: id, priority, target, ..RouteData::default() };
            let route = self.ctx.uuid();
            match self.ctx.routes.create(route, data, at) {
                Ok(route) => routes.push(route),
                Err(rejection) => {
                    // They are there, and nobody has heard of them.
                    for route in routes {
                        let _ = self.ctx.routes.delete(route.id, at);
                    }
                    let _ = self.ctx.providers.delete(id, at);
                    return Err(of_targets(rejection));
                }
            }
        }
        let reply = self.tell_provider(EventKind::ProviderCreated, &made);
        for route in routes {
            self.tell_route(EventKind::RouteCreated, route);
        }
        registration::begin(&mut self.ctx, &made);
        Ok(reply)
    }

    /// Takes up what the store remembers.
    pub(super) fn restore_trunks(&mut self, trunks: Vec<Trunk>, providers: Vec<Provider>, routes: Vec<Route>) {
        self.ctx.trunks.restore(trunks);
        self.ctx.routes.restore(routes);
        self.ctx.providers.restore(providers);
        let mut providers: Vec<Provider> = self.ctx.providers.iter().cloned().collect();
        providers.sort_by_key(|provider| provider.id);
        providers.iter().for_each(|provider| registration::begin(&mut self.ctx, provider));
    }

    /// It is known where a name is, or that it is nowhere: those who waited go on.
    pub(super) fn handle_resolved(&mut self, question: &Question, answer: Result<Answer, Unresolved>) {
        for waiter in names::handle_resolved(&mut self.ctx, question, answer) {
            match waiter {
                Waiter::Leg(leg) => {
                    self.calls.with(&mut self.ctx, leg, |call, ctx, place| call.handle_located(ctx, place));
                }
                Waiter::Flow(call) => {
                    self.calls.with_call(&mut self.ctx, call, |call, ctx| call.offer_place_to_flow(ctx));
                }
                Waiter::Provider(id) => {
                    registration::attempt(&mut self.ctx, id);
                    health::ask(&mut self.ctx, id);
                }
                Waiter::PublicAddress => public_address::handle_located(&mut self.ctx),
            }
        }
    }

    /// A name that proves itself by a password may belong to one only.
    fn refuse_username_of_another(&self, data: &TrunkData) -> Result<(), Rejection> {
        match data.by_password && self.directory.by_number(&data.username).is_some() {
            true => Err(Rejection::AlreadyExists("extension")),
            false => Ok(()),
        }
    }

    fn refuse_missing_provider(&self, data: &RouteData) -> Result<(), Rejection> {
        match self.ctx.providers.get(data.provider_id) {
            Some(_) => Ok(()),
            None => Err(Rejection::Invalid { field: "provider_id", reason: "there is no such provider" }),
        }
    }

    fn tell_trunk(&mut self, kind: fn(Box<Trunk>) -> EventKind, trunk: Trunk) -> Reply {
        self.ctx.event(kind(Box::new(trunk.clone())));
        Reply::Trunk(Box::new(trunk))
    }

    fn tell_route(&mut self, kind: fn(Box<Route>) -> EventKind, route: Route) -> Reply {
        self.ctx.event(kind(Box::new(route.clone())));
        Reply::Route(Box::new(route))
    }

    fn tell_provider(&mut self, kind: fn(Box<provider::ProviderRecord>) -> EventKind, provider: &Provider) -> Reply {
        let record = Box::new(provider::record(&self.ctx, provider));
        self.ctx.event(kind(record.clone()));
        Reply::Provider(record)
    }
}

/// What is wrong with one of the routes, in the words of a setup.
fn of_targets(rejection: Rejection) -> Rejection {
    match rejection {
        Rejection::Invalid { field: "target", reason } => Rejection::Invalid { field: "targets", reason },
        Rejection::AlreadyExists(_) => Rejection::Invalid { field: "targets", reason: "names one of them twice" },
        other => other,
    }
}
