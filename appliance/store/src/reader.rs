//! Reading: pages of resources and events after a number, on a connection of its own.

use std::sync::Arc;

use pbx::billing::BillingAccount;
use pbx::conference::Conference;
use pbx::directory::{Agent, Direct, DirectHash, Extension, Number, OutboundConfig, Provider, Route, Tag, Trunk};
use pbx::flow::Flow;
use pbx::registrar::Binding;
use rusqlite::Connection;
use uuid::Uuid;

use crate::call::Shown;
use crate::page::{Page, PageRequest};
use crate::setting::Identity;
use crate::timestamp::Timestamp;
use crate::{
    Error, accesskey, activeflow, agent, billing, call, conference, conferencecall, cursor, customer, direct_hash,
    event_log, extension, flow, groupcall, number, outbound_config, provider, recording, registration, route,
    safe_copy, sequence, tag, timeline, trunk, webhook_delivery,
};

/// One reading connection. It sees what is committed, and neither waits for the writer nor makes it wait.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
    identity: Arc<Identity>,
}

/// What the exchange gets back at its start.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Restored {
    /// All extensions.
    pub extensions: Vec<Extension>,
    /// All contacts of theirs, also those that expired meanwhile.
    pub bindings: Vec<Binding>,
    /// All conferences that are not over.
    pub conferences: Vec<Conference>,
    /// All flows.
    pub flows: Vec<Flow>,
    /// All numbers.
    pub numbers: Vec<Number>,
    /// All agents.
    pub agents: Vec<Agent>,
    /// All tags.
    pub tags: Vec<Tag>,
    /// All trunks.
    pub trunks: Vec<Trunk>,
    /// All providers.
    pub providers: Vec<Provider>,
    /// All routes.
    pub routes: Vec<Route>,
    /// The billing account.
    pub billing: BillingAccount,
    /// What counts for every call beyond the box.
    pub outbound_config: OutboundConfig,
    /// All direct hashes.
    pub direct_hashes: Vec<DirectHash>,
}

impl Reader {
    pub(crate) fn new(connection: Connection, identity: Arc<Identity>) -> Reader {
        Reader { connection, identity }
    }

    /// Who the box is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// What the exchange gets back at its start.
    pub fn restore(&self) -> Result<Restored, Error> {
        let extensions = extension::all(&self.connection)?;
        let bindings = registration::all(&self.connection)?;
        let conferences = conference::all(&self.connection)?;
        let (flows, numbers) = (flow::all(&self.connection)?, number::all(&self.connection)?);
        let (agents, tags) = (agent::all(&self.connection)?, tag::all(&self.connection)?);
        let (trunks, providers) = (trunk::all(&self.connection)?, provider::all(&self.connection)?);
        let (routes, billing) = (route::all(&self.connection)?, billing::account(&self.connection)?);
        Ok(Restored {
            extensions,
            bindings,
            conferences,
            flows,
            numbers,
            agents,
            tags,
            trunks,
            providers,
            routes,
            billing,
            outbound_config: outbound_config::restored(&self.connection)?,
            direct_hashes: direct_hash::all(&self.connection)?,
        })
    }

    /// A page of extensions with the contacts that are registered at `now`.
    pub fn extensions(&self, page: PageRequest, now: Timestamp) -> Result<Page<extension::Record>, Error> {
        extension::list(&self.connection, &self.identity, now, page)
    }

    /// The number and the name of each extension that is named, by its number or by its id.
    pub fn extensions_named(&self, names: &[String]) -> Result<Vec<(String, String)>, Error> {
        extension::named(&self.connection, names)
    }

    /// One extension with the contacts that are registered at `now`.
    pub fn extension(&self, id: Uuid, now: Timestamp) -> Result<Option<extension::Record>, Error> {
        let Some(found) = extension::get(&self.connection, id)? else { return Ok(None) };
        let registrations = Some(self.registrations(id, now)?);
        let direct_hash = self.direct_hash(Direct::Extension(id))?;
        Ok(Some(extension::Record { registrations, direct_hash, ..extension::Record::new(&found, &self.identity) }))
    }

    /// The contacts of one extension that are registered at `now`.
    pub fn registrations(&self, extension_id: Uuid, now: Timestamp) -> Result<Vec<registration::Record>, Error> {
        registration::of_extension(&self.connection, extension_id, now)
    }

    /// The direct hash of a resource, if it has one.
    pub fn direct_hash(&self, of: Direct) -> Result<Option<String>, Error> {
        direct_hash::get(&self.connection, of)
    }

    /// A page of calls.
    pub fn calls(&self, shown: Shown, page: PageRequest) -> Result<Page<call::Record>, Error> {
        call::list(&self.connection, &self.identity, shown, page)
    }

    /// One call.
    pub fn call(&self, id: Uuid) -> Result<Option<call::Record>, Error> {
        call::get(&self.connection, &self.identity, id)
    }

    /// The billing account.
    pub fn billing_account(&self) -> Result<billing::Account, Error> {
        billing::shown_account(&self.connection, &self.identity)
    }

    /// A page of the ledger.
    pub fn billings(&self, page: PageRequest) -> Result<Page<billing::Record>, Error> {
        billing::list(&self.connection, &self.identity, page)
    }

    /// One entry of the ledger; of a call its charge, by the call's id.
    pub fn billing(&self, id: Uuid) -> Result<Option<billing::Record>, Error> {
        billing::get(&self.connection, &self.identity, id)
    }

    /// A page of groupcalls.
    pub fn groupcalls(&self, page: PageRequest) -> Result<Page<groupcall::Record>, Error> {
        groupcall::list(&self.connection, &self.identity, page)
    }

    /// One groupcall.
    pub fn groupcall(&self, id: Uuid) -> Result<Option<groupcall::Record>, Error> {
        groupcall::get(&self.connection, &self.identity, id)
    }

    /// Whether there is or was an activeflow with this id.
    pub fn knows_activeflow(&self, id: Uuid) -> Result<bool, Error> {
        activeflow::is_known(&self.connection, id)
    }

    /// A page of conferences.
    pub fn conferences(&self, page: PageRequest) -> Result<Page<conference::Record>, Error> {
        conference::list(&self.connection, &self.identity, page)
    }

    /// One conference.
    pub fn conference(&self, id: Uuid) -> Result<Option<conference::Record>, Error> {
        conference::get(&self.connection, &self.identity, id)
    }

    /// A page of the places that calls have in conferences.
    pub fn conferencecalls(&self, page: PageRequest) -> Result<Page<conferencecall::Record>, Error> {
        conferencecall::list(&self.connection, &self.identity, page)
    }

    /// One such place, also where its call has left.
    pub fn conferencecall(&self, id: Uuid) -> Result<Option<conferencecall::Record>, Error> {
        conferencecall::get(&self.connection, &self.identity, id)
    }

    /// A page of flows.
    pub fn flows(&self, page: PageRequest) -> Result<Page<flow::Record>, Error> {
        flow::list(&self.connection, &self.identity, page)
    }

    /// One flow.
    pub fn flow(&self, id: Uuid) -> Result<Option<flow::Record>, Error> {
        flow::get(&self.connection, &self.identity, id)
    }

    /// A page of numbers.
    pub fn numbers(&self, page: PageRequest) -> Result<Page<number::Record>, Error> {
        number::list(&self.connection, &self.identity, page)
    }

    /// One number.
    pub fn number(&self, id: Uuid) -> Result<Option<number::Record>, Error> {
        number::get(&self.connection, &self.identity, id)
    }

    /// A page of trunks.
    pub fn trunks(&self, page: PageRequest) -> Result<Page<trunk::Record>, Error> {
        trunk::list(&self.connection, &self.identity, page)
    }

    /// One trunk.
    pub fn trunk(&self, id: Uuid) -> Result<Option<trunk::Record>, Error> {
        trunk::get(&self.connection, &self.identity, id)
    }

    /// A page of providers, but for how things stand with them.
    pub fn providers(&self, page: PageRequest) -> Result<Page<provider::Record>, Error> {
        provider::list(&self.connection, page)
    }

    /// One provider, but for how things stand with it.
    pub fn provider(&self, id: Uuid) -> Result<Option<provider::Record>, Error> {
        provider::get(&self.connection, id)
    }

    /// A page of routes.
    pub fn routes(&self, page: PageRequest) -> Result<Page<route::Record>, Error> {
        route::list(&self.connection, &self.identity, page)
    }

    /// One route.
    pub fn route(&self, id: Uuid) -> Result<Option<route::Record>, Error> {
        route::get(&self.connection, &self.identity, id)
    }

    /// What counts for every call beyond the box.
    pub fn outbound_config(&self) -> Result<outbound_config::Record, Error> {
        outbound_config::get(&self.connection, &self.identity)
    }

    /// A page of activeflows, also those that are over.
    pub fn activeflows(&self, page: PageRequest) -> Result<Page<activeflow::Record>, Error> {
        activeflow::list(&self.connection, &self.identity, page)
    }

    /// One activeflow, also where it is over.
    pub fn activeflow(&self, id: Uuid) -> Result<Option<activeflow::Record>, Error> {
        activeflow::get(&self.connection, &self.identity, id)
    }

    /// A page of recordings.
    pub fn recordings(&self, page: PageRequest) -> Result<Page<recording::Record>, Error> {
        recording::list(&self.connection, &self.identity, page)
    }

    /// One recording.
    pub fn recording(&self, id: Uuid) -> Result<Option<recording::Record>, Error> {
        recording::get(&self.connection, &self.identity, id)
    }

    /// One recording, also where it is deleted.
    pub fn recording_even_deleted(&self, id: Uuid) -> Result<Option<recording::Record>, Error> {
        recording::get_even_deleted(&self.connection, &self.identity, id)
    }

    /// The recordings that are not ended: at a start, those that were not when the process died.
    pub fn unfinished_recordings(&self) -> Result<Vec<recording::Record>, Error> {
        recording::unfinished(&self.connection, &self.identity)
    }

    /// The recordings whose files somebody looks for, the oldest first; also those that were deleted.
    pub fn stored_recordings(&self, wanted: recording::Wanted, limit: u32) -> Result<Vec<recording::Record>, Error> {
        recording::find(&self.connection, &self.identity, (wanted, limit))
    }

    /// How many files of recordings wait for the bucket, and how many bytes they are.
    pub fn waiting_recordings(&self) -> Result<(u64, u64), Error> {
        recording::waiting(&self.connection)
    }

    /// The ladder of a call that is over, by the id of the leg that came in.
    pub fn sequence(&self, call_id: Uuid) -> Result<Option<sequence::Record>, Error> {
        sequence::get(&self.connection, call_id)
    }

    /// One agent.
    pub fn agent(&self, id: Uuid) -> Result<Option<agent::Account>, Error> {
        agent::get(&self.connection, &self.identity, id)
    }

    /// The agent with this user name.
    pub fn agent_by_username(&self, username: &str) -> Result<Option<agent::Account>, Error> {
        agent::by_username(&self.connection, &self.identity, username)
    }

    /// A page of the agents that the filter lets through.
    pub fn agents(&self, filter: &agent::Filter, page: PageRequest) -> Result<Page<agent::Record>, Error> {
        agent::list(&self.connection, &self.identity, filter, page)
    }

    /// How many agents there are.
    pub fn count_agents(&self) -> Result<u64, Error> {
        agent::count(&self.connection)
    }

    /// How far the last update of the box is.
    pub fn update(&self) -> Result<crate::update::Record, Error> {
        crate::update::load(&self.connection)
    }

    /// In which time zone the box stands, if anybody has said so.
    pub fn time_zone(&self) -> Result<Option<String>, Error> {
        let name = crate::setting::read(&self.connection, "time_zone")?;
        name.map(|name| String::from_utf8(name).map_err(|_| Error::Value("time_zone"))).transpose()
    }

    /// A page of access keys.
    pub fn accesskeys(&self, page: PageRequest) -> Result<Page<accesskey::Record>, Error> {
        accesskey::list(&self.connection, &self.identity, page)
    }

    /// One access key.
    pub fn accesskey(&self, id: Uuid) -> Result<Option<accesskey::Account>, Error> {
        accesskey::get(&self.connection, &self.identity, id)
    }

    /// The access key with this hash, also where it has expired, and the agent in whose name it counts.
    pub fn accesskey_by_hash(&self, hash: &[u8; 32]) -> Result<Option<(accesskey::Record, agent::Record)>, Error> {
        let Some(key) = accesskey::by_hash(&self.connection, &self.identity, hash)? else { return Ok(None) };
        Ok(self.agent(key.agent_id)?.map(|agent| (key.record, agent.record)))
    }

    /// How many access keys there are.
    pub fn count_accesskeys(&self) -> Result<u64, Error> {
        accesskey::count(&self.connection)
    }

    /// The customer.
    pub fn customer(&self) -> Result<customer::Record, Error> {
        customer::get(&self.connection, &self.identity)
    }

    /// Where the customer's events are told.
    pub fn webhook(&self) -> Result<customer::Webhook, Error> {
        customer::webhook(&self.connection)
    }

    /// A page of deliveries to web servers; of one status, where it is given.
    pub fn webhook_deliveries(
        &self,
        status: Option<webhook_delivery::DeliveryStatus>,
        page: PageRequest,
    ) -> Result<Page<webhook_delivery::Record>, Error> {
        webhook_delivery::list(&self.connection, &self.identity, (status, page))
    }

    /// One delivery.
    pub fn webhook_delivery(&self, id: Uuid) -> Result<Option<webhook_delivery::Record>, Error> {
        webhook_delivery::get(&self.connection, &self.identity, id)
    }

    /// What waits for an endpoint, in the order of the events; at most `limit`.
    pub fn waiting_deliveries(
        &self,
        endpoint: &webhook_delivery::Endpoint,
        limit: u32,
    ) -> Result<Vec<webhook_delivery::Record>, Error> {
        webhook_delivery::waiting(&self.connection, &self.identity, (endpoint, limit))
    }

    /// The web servers of activeflows that something waits for.
    pub fn waiting_endpoints(&self) -> Result<Vec<String>, Error> {
        webhook_delivery::endpoints(&self.connection)
    }

    /// What a delivery tells; `None` where the log has it no more.
    pub fn delivery_content(&self, delivery: &webhook_delivery::Record) -> Result<Option<event_log::Record>, Error> {
        webhook_delivery::content(&self.connection, delivery)
    }

    /// A page of tags.
    pub fn tags(&self, page: PageRequest) -> Result<Page<tag::Record>, Error> {
        tag::list(&self.connection, &self.identity, page)
    }

    /// One tag.
    pub fn tag(&self, id: Uuid) -> Result<Option<tag::Record>, Error> {
        tag::get(&self.connection, &self.identity, id)
    }

    /// At most `limit` events after `seq`, in order.
    pub fn events_after(&self, seq: i64, limit: u32) -> Result<Vec<event_log::Record>, Error> {
        event_log::after(&self.connection, seq, limit)
    }

    /// The first number in the log from which on nothing is missing, and the last; (1, 0) where it is empty. Whom the log owes
    /// everything finds more before that, with gaps: see [`Reader::first_event`].
    pub fn event_range(&self) -> Result<(i64, i64), Error> {
        let (first, last) = event_log::range(&self.connection)?;
        Ok((first.max(event_log::bounds::whole_from(&self.connection)?), last))
    }

    /// The first number in the log, also where what follows has gaps; 1 where it is empty.
    pub fn first_event(&self) -> Result<i64, Error> {
        Ok(event_log::range(&self.connection)?.0)
    }

    /// Whether the clock shows what nobody would have thought, and has not for long: nothing may go because of it.
    pub fn doubts_clock(&self) -> Result<bool, Error> {
        timeline::is_doubted(&self.connection)
    }

    /// The last number in the log, 0 where it is empty.
    pub fn latest_seq(&self) -> Result<i64, Error> {
        Ok(self.event_range()?.1)
    }

    /// The last event that the log's reader of this name is done with.
    pub fn cursor(&self, name: &str) -> Result<i64, Error> {
        cursor::read(&self.connection, name)
    }

    pub(crate) fn quick_check(&self) -> Result<(), Error> {
        safe_copy::quick_check(&self.connection)
    }

    /// Reads the whole file and says what is wrong with it, if anything is.
    pub fn check(&self) -> Result<(), Error> {
        let verdict: String = self.connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        if verdict == "ok" { Ok(()) } else { Err(Error::Corrupt(verdict)) }
    }
}
