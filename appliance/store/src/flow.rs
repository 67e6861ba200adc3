//! Flows.

use pbx::UnixMicros;
use pbx::directory::Direct;
use pbx::flow::{Finding as SourceFinding, Flow};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::page::{Page, PageRequest};
use crate::setting::Identity;
use crate::timestamp::Timestamp;
use crate::word::words;
use crate::{Error, action, direct_hash, ids};

words! {
    /// What a flow is for.
    FlowType as "FlowType" { Flow = "flow" }
}

/// Something that is wrong with a flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = FlowFinding)]
pub struct Finding {
    /// The action.
    pub action_id: Uuid,
    /// Where it stands: `actions[3].option.target_id`.
    pub field: String,
    /// What is wrong.
    pub reason: String,
}

/// A flow as the API shows it and events carry it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Flow)]
pub struct Record {
    /// Its id, for ever.
    pub id: Uuid,
    /// The box's customer.
    pub customer_id: Uuid,
    /// What it is for.
    #[serde(rename = "type")]
    pub kind: FlowType,
    /// Its name.
    pub name: String,
    /// A remark.
    pub detail: String,
    /// What is done, in this order unless an action says otherwise.
    pub actions: Vec<action::Record>,
    /// The flow that runs after it; nil: none.
    pub on_complete_flow_id: Uuid,
    /// What is odd about it, though it can be run; shown where it was made or changed, not in events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub findings: Option<Vec<Finding>>,
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

impl Record {
    /// The public form, without findings.
    pub fn new(flow: &Flow, identity: &Identity) -> Record {
        Record {
            id: flow.id,
            customer_id: identity.customer_id,
            kind: FlowType::Flow,
            name: flow.name.clone(),
            detail: flow.detail.clone(),
            actions: action::records(&flow.actions),
            on_complete_flow_id: flow.on_complete_flow_id.unwrap_or_default(),
            findings: None,
            direct_hash: None,
            tm_create: flow.created.into(),
            tm_update: flow.updated.into(),
            tm_delete: flow.deleted.map(Into::into),
        }
    }
}

impl From<SourceFinding> for Finding {
    fn from(finding: SourceFinding) -> Finding {
        Finding { action_id: finding.action, field: finding.at, reason: finding.reason }
    }
}

const COLUMNS: &str = "number, id, name, detail, actions, on_complete_flow_id, created, updated, deleted";

fn read(row: &Row<'_>) -> rusqlite::Result<Flow> {
    Ok(Flow {
        id: ids::get(row, 1)?,
        name: row.get(2)?,
        detail: row.get(3)?,
        actions: action::get_list(row, 4)?.into(),
        on_complete_flow_id: ids::get_optional(row, 5)?,
        created: UnixMicros(row.get(6)?),
        updated: UnixMicros(row.get(7)?),
        deleted: row.get::<_, Option<i64>>(8)?.map(UnixMicros),
    })
}

pub(crate) fn save(connection: &Connection, flow: &Flow) -> Result<(), Error> {
    let sql = "INSERT INTO flow (id, name, detail, actions, on_complete_flow_id, created, updated, deleted) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id) DO UPDATE SET \
         name = ?2, detail = ?3, actions = ?4, on_complete_flow_id = ?5, updated = ?7, deleted = ?8";
    connection.prepare_cached(sql)?.execute(params![
        flow.id.as_bytes(),
        flow.name,
        flow.detail,
        action::list(&flow.actions)?,
        flow.on_complete_flow_id.as_ref().map(Uuid::as_bytes),
        flow.created.0,
        flow.updated.0,
        flow.deleted.map(|moment| moment.0),
    ])?;
    Ok(())
}

/// The flow with this id, unless it is deleted.
pub(crate) fn get(connection: &Connection, identity: &Identity, id: Uuid) -> Result<Option<Record>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM flow WHERE id = ?1 AND deleted IS NULL");
    let found = connection.prepare_cached(&sql)?.query_row([id.as_bytes()], read).optional()?;
    let hash = direct_hash::get(connection, Direct::Flow(id))?;
    Ok(found.map(|flow| Record { direct_hash: hash, ..Record::new(&flow, identity) }))
}

/// A page of flows, the newest first.
pub(crate) fn list(connection: &Connection, identity: &Identity, page: PageRequest) -> Result<Page<Record>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM flow WHERE number < ?1 AND deleted IS NULL ORDER BY number DESC LIMIT ?2");
    let mut page = page.collect(&mut connection.prepare_cached(&sql)?, |row| Ok(Record::new(&read(row)?, identity)))?;
    for record in &mut page.result {
        record.direct_hash = direct_hash::get(connection, Direct::Flow(record.id))?;
    }
    Ok(page)
}

/// All flows that are not deleted.
pub(crate) fn all(connection: &Connection) -> Result<Vec<Flow>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM flow WHERE deleted IS NULL ORDER BY number");
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map([], read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Deletes the oldest records of flows that were deleted, where there are more than `keep`; returns how many went.
pub(crate) fn trim(connection: &Connection, keep: i64, step: i64) -> Result<usize, Error> {
    let sql = "DELETE FROM flow WHERE number IN (SELECT number FROM flow \
         WHERE number <= (SELECT max(number) FROM flow) - ?1 AND deleted IS NOT NULL ORDER BY number LIMIT ?2)";
    Ok(connection.prepare_cached(sql)?.execute(params![keep, step])?)
}
