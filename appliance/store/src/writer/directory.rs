//! What the administrator sets: who there is, where numbers lead, and how calls leave the box.

use pbx::directory::{Agent, Direct, DirectHash, Extension, Number, OutboundConfig, Route, Tag, Trunk};
use pbx::provider::ProviderRecord;

use super::Batch;
use crate::timestamp::Timestamp;
use crate::{
    Error, accesskey, agent, conference, direct_hash, extension, flow, number, outbound_config, provider, registration,
    route, tag, trunk,
};

impl Batch<'_> {
    pub(super) fn trunk(&mut self, at: Timestamp, name: &str, trunk: &Trunk) -> Result<(), Error> {
        trunk::save(self.connection, trunk)?;
        self.append(at, name, trunk.id, &trunk::Record::new(trunk, self.identity))
    }

    pub(super) fn extension(&mut self, at: Timestamp, name: &str, extension: &Extension) -> Result<(), Error> {
        extension::save(self.connection, extension)?;
        let record = extension::Record::new(extension, self.identity).without_password();
        self.append(at, name, extension.id, &record)
    }

    pub(super) fn extension_deleted(&mut self, at: Timestamp, name: &str, extension: &Extension) -> Result<(), Error> {
        self.refreshed.retain(|(id, _), _| *id != extension.id);
        registration::remove_all(self.connection, extension.id)?;
        direct_hash::remove(self.connection, Direct::Extension(extension.id))?;
        self.extension(at, name, extension)
    }

    /// What it belongs to was changed; the event does not say the hash.
    pub(super) fn direct_hash(&mut self, at: Timestamp, name: &str, made: &DirectHash) -> Result<(), Error> {
        direct_hash::save(self.connection, made)?;
        let id = made.to.id();
        match made.to {
            Direct::Extension(_) => {
                let Some(extension) = extension::get(self.connection, id)? else { return Ok(()) };
                self.append(at, name, id, &extension::Record::new(&extension, self.identity).without_password())
            }
            Direct::Agent(_) => {
                let Some(found) = agent::get(self.connection, self.identity, id)? else { return Ok(()) };
                self.append(at, name, id, &agent::Record { direct_hash: None, ..found.record })
            }
            Direct::Conference(_) => {
                let Some(found) = conference::get(self.connection, self.identity, id)? else { return Ok(()) };
                self.append(at, name, id, &conference::Record { direct_hash: None, ..found })
            }
            Direct::Flow(_) => {
                let Some(found) = flow::get(self.connection, self.identity, id)? else { return Ok(()) };
                self.append(at, name, id, &flow::Record { direct_hash: None, ..found })
            }
        }
    }

    pub(super) fn route(&mut self, at: Timestamp, name: &str, route: &Route) -> Result<(), Error> {
        route::save(self.connection, route)?;
        self.append(at, name, route.id, &route::Record::new(route, self.identity))
    }

    pub(super) fn outbound_config(&mut self, at: Timestamp, name: &str, config: &OutboundConfig) -> Result<(), Error> {
        outbound_config::save(self.connection, config)?;
        let record = outbound_config::get(self.connection, self.identity)?;
        self.append(at, name, record.id, &record)
    }

    pub(super) fn provider(&mut self, at: Timestamp, name: &str, record: &ProviderRecord) -> Result<(), Error> {
        provider::save(self.connection, &record.provider)?;
        self.append(at, name, record.provider.id, &provider::Record::new(record))
    }

    pub(super) fn number(&mut self, at: Timestamp, name: &str, number: &Number) -> Result<(), Error> {
        number::save(self.connection, number)?;
        self.append(at, name, number.id, &number::Record::new(number, self.identity))
    }

    /// The access keys of an agent that is deleted are deleted with it.
    pub(super) fn agent(&mut self, at: Timestamp, name: &str, agent: &Agent) -> Result<(), Error> {
        if agent.deleted.is_some() {
            direct_hash::remove(self.connection, Direct::Agent(agent.id))?;
            for key in accesskey::of_agent(self.connection, self.identity, agent.id)? {
                self.delete_accesskey(key.record.id, at)?;
            }
        }
        agent::save(self.connection, agent)?;
        self.append(at, name, agent.id, &agent::Record::new(agent, self.identity))
    }

    pub(super) fn tag(&mut self, at: Timestamp, name: &str, tag: &Tag) -> Result<(), Error> {
        tag::save(self.connection, tag)?;
        self.append(at, name, tag.id, &tag::Record::new(tag, self.identity))
    }
}
