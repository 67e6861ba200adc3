//! Agents: who may use the API, and how much.

use pbx::UnixMicros;
use pbx::call::AddressKind;
use pbx::directory::{Agent, AgentAddress, Direct, PasswordHash, Permission, RingMethod};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::address::{Address, AddressType};
use crate::page::{Page, PageRequest};
use crate::setting::Identity;
use crate::timestamp::Timestamp;
use crate::word::words;
use crate::{Error, direct_hash, ids};

words! {
    /// What an agent may do: read, and change what is its own; also change; also manage agents. Each may what those
    /// before it may.
    AgentPermission as "AgentPermission" { Agent = "agent", Manager = "manager", Admin = "admin" }
}

words! {
    /// How an agent's addresses are rung.
    AgentRingMethod as "AgentRingMethod" { RingAll = "ring_all", Linear = "linear" }
}

words! {
    /// Whether an agent takes calls.
    AgentStatus as "AgentStatus" {
        Available = "available", Away = "away", Busy = "busy", Offline = "offline", Ringing = "ringing",
    }
}

/// An agent as the API shows it and events carry it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Agent)]
pub struct Record {
    /// Its id, for ever.
    pub id: Uuid,
    /// The box's customer.
    pub customer_id: Uuid,
    /// What the agent logs in with.
    pub username: String,
    /// The name shown.
    pub name: String,
    /// A remark.
    pub detail: String,
    /// How its addresses are rung.
    pub ring_method: AgentRingMethod,
    /// Whether it takes calls.
    pub status: AgentStatus,
    /// What it may do.
    pub permission: AgentPermission,
    /// What it is good at.
    pub tag_ids: Vec<Uuid>,
    /// Where it is reached.
    pub addresses: Vec<Address>,
    /// What whoever has no password calls, as `sip:direct.<hash>@…`; not there until one is made, and never in events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direct_hash: Option<String>,
    /// When it was made.
    pub tm_create: Timestamp,
    /// When it was last changed.
    pub tm_update: Timestamp,
    /// When it was deleted.
    pub tm_delete: Option<Timestamp>,
}

/// An agent with what proves that it is itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// The public part.
    pub record: Record,
    /// The password's hash as a PHC string.
    pub password_hash: String,
}

/// Which agents a list shows; those that have all of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// Those that have all of these tags.
    pub tag_ids: Vec<Uuid>,
    /// Those with this status.
    pub status: Option<AgentStatus>,
}

impl Record {
    /// The public form.
    pub fn new(agent: &Agent, identity: &Identity) -> Record {
        Record {
            id: agent.id,
            customer_id: identity.customer_id,
            username: agent.username.clone(),
            name: agent.name.clone(),
            detail: agent.detail.clone(),
            ring_method: agent.ring_method.into(),
            status: agent.status.into(),
            permission: agent.permission.into(),
            tag_ids: agent.tag_ids.clone(),
            addresses: agent.addresses.iter().map(Into::into).collect(),
            direct_hash: None,
            tm_create: agent.created.into(),
            tm_update: agent.updated.into(),
            tm_delete: agent.deleted.map(Into::into),
        }
    }
}

const COLUMNS: &str = "number, id, username, password_hash, name, detail, ring_method, status, permission, tag_ids, \
     addresses, created, updated, deleted";

fn read(row: &Row<'_>) -> rusqlite::Result<Agent> {
    let addresses: Vec<Address> = serde_json::from_str(row.get_ref(10)?.as_str()?)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(10, rusqlite::types::Type::Text, error.into()))?;
    Ok(Agent {
        id: ids::get(row, 1)?,
        username: row.get(2)?,
        password_hash: PasswordHash(row.get(3)?),
        name: row.get(4)?,
        detail: row.get(5)?,
        ring_method: row.get::<_, AgentRingMethod>(6)?.into(),
        status: row.get::<_, AgentStatus>(7)?.into(),
        permission: row.get::<_, AgentPermission>(8)?.into(),
        tag_ids: ids::get_list(row, 9)?,
        // What no agent can be reached at is not there: nothing writes it.
        addresses: addresses.into_iter().filter_map(Address::of_agent).collect(),
        created: UnixMicros(row.get(11)?),
        updated: UnixMicros(row.get(12)?),
        deleted: row.get::<_, Option<i64>>(13)?.map(UnixMicros),
    })
}

fn account(agent: Agent, identity: &Identity) -> Account {
    Account { record: Record::new(&agent, identity), password_hash: agent.password_hash.0 }
}

pub(crate) fn save(connection: &Connection, agent: &Agent) -> Result<(), Error> {
    let sql = "INSERT INTO agent (id, username, password_hash, name, detail, ring_method, status, permission, tag_ids, \
         addresses, created, updated, deleted) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) \
         ON CONFLICT (id) DO UPDATE SET username = ?2, password_hash = ?3, name = ?4, detail = ?5, ring_method = ?6, \
         status = ?7, permission = ?8, tag_ids = ?9, addresses = ?10, updated = ?12, deleted = ?13";
    let addresses: Vec<Address> = agent.addresses.iter().map(Into::into).collect();
    connection.prepare_cached(sql)?.execute(params![
        agent.id.as_bytes(),
        agent.username,
        agent.password_hash.0,
        agent.name,
        agent.detail,
        AgentRingMethod::from(agent.ring_method),
        AgentStatus::from(agent.status),
        AgentPermission::from(agent.permission),
        ids::list(&agent.tag_ids),
        serde_json::to_string(&addresses)?,
        agent.created.0,
        agent.updated.0,
        agent.deleted.map(|moment| moment.0),
    ])?;
    Ok(())
}

/// The agent with this id, unless it is deleted.
pub(crate) fn get(connection: &Connection, identity: &Identity, id: Uuid) -> Result<Option<Account>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM agent WHERE id = ?1 AND deleted IS NULL");
    let found = connection.prepare_cached(&sql)?.query_row([id.as_bytes()], read).optional()?;
    let hash = direct_hash::get(connection, Direct::Agent(id))?;
    Ok(found.map(|agent| {
        let account = account(agent, identity);
        Account { record: Record { direct_hash: hash, ..account.record }, ..account }
    }))
}

/// The agent with this user name, unless it is deleted.
pub(crate) fn by_username(connection: &Connection, identity: &Identity, name: &str) -> Result<Option<Account>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM agent WHERE username = ?1 AND deleted IS NULL");
    let found = connection.prepare_cached(&sql)?.query_row([name], read).optional()?;
    Ok(found.map(|agent| account(agent, identity)))
}

/// A page of the agents that the filter lets through, the newest first.
pub(crate) fn list(
    connection: &Connection,
    identity: &Identity,
    filter: &Filter,
    page: PageRequest,
) -> Result<Page<Record>, Error> {
    let sql =
        format!("SELECT {COLUMNS} FROM agent WHERE number < ?1 AND deleted IS NULL ORDER BY number DESC LIMIT ?2");
    let shown = |record: &Record| {
        filter.status.is_none_or(|status| status == record.status)
            && filter.tag_ids.iter().all(|tag| record.tag_ids.contains(tag))
    };
    let mut statement = connection.prepare_cached(&sql)?;
    let mut page =
        page.collect_some(&mut statement, |row| Ok(Some(Record::new(&read(row)?, identity)).filter(shown)))?;
    for record in &mut page.result {
        record.direct_hash = direct_hash::get(connection, Direct::Agent(record.id))?;
    }
    Ok(page)
}

/// All agents that are not deleted.
pub(crate) fn all(connection: &Connection) -> Result<Vec<Agent>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM agent WHERE deleted IS NULL ORDER BY number");
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map([], read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// How many agents there are.
pub(crate) fn count(connection: &Connection) -> Result<u64, Error> {
    let sql = "SELECT count(*) FROM agent WHERE deleted IS NULL";
    Ok(connection.query_row(sql, [], |row| row.get::<_, i64>(0))?.unsigned_abs())
}

/// Deletes the oldest records of agents that were deleted, where there are more than `keep`; returns how many went.
pub(crate) fn trim(connection: &Connection, keep: i64, step: i64) -> Result<usize, Error> {
    let sql = "DELETE FROM agent WHERE number IN (SELECT number FROM agent \
         WHERE number <= (SELECT max(number) FROM agent) - ?1 AND deleted IS NOT NULL ORDER BY number LIMIT ?2)";
    Ok(connection.prepare_cached(sql)?.execute(params![keep, step])?)
}

impl Address {
    /// The address as an agent has it; `None` where no agent is reached at it.
    pub fn of_agent(self) -> Option<AgentAddress> {
        let kind = match self.kind {
            AddressType::Extension => AddressKind::Extension,
            AddressType::Sip => AddressKind::Sip,
            AddressType::Tel => AddressKind::Tel,
            _ => return None,
        };
        let Address { target, target_name, name, detail, .. } = self;
        Some(AgentAddress { kind, target, target_name, name, detail })
    }
}

impl From<&AgentAddress> for Address {
    fn from(address: &AgentAddress) -> Address {
        Address {
            kind: address.kind.into(),
            target: address.target.clone(),
            target_name: address.target_name.clone(),
            name: address.name.clone(),
            detail: address.detail.clone(),
        }
    }
}

/// Makes the core's enumeration and the public one of the same values into each other.
macro_rules! same {
    ($core:path, $public:ident { $($variant:ident),+ }) => {
        impl From<$core> for $public {
            fn from(value: $core) -> $public {
                use $core as Core;
                match value { $( Core::$variant => $public::$variant ),+ }
            }
        }

        impl From<$public> for $core {
            fn from(value: $public) -> $core {
                use $core as Core;
                match value { $( $public::$variant => Core::$variant ),+ }
            }
        }
    };
}

same!(Permission, AgentPermission { Agent, Manager, Admin });
same!(RingMethod, AgentRingMethod { RingAll, Linear });
same!(pbx::directory::AgentStatus, AgentStatus { Available, Away, Busy, Offline, Ringing });
