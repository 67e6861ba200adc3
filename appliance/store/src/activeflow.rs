//! Activeflows: one row for each flow that runs or ran.

use pbx::UnixMicros;
use pbx::flow::ActiveflowRecord;
use pbx::flow::order::Method;
use pbx::flow::record::{EventWebhook, Origin};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::page::{Page, PageRequest};
use crate::setting::Identity;
use crate::timestamp::Timestamp;
use crate::word::words;
use crate::{Error, action, customer, ids};

words! {
    /// Whether a flow still runs.
    ActiveflowStatus as "ActiveflowStatus" { Running = "running", Ended = "ended" }
}

words! {
    /// What a flow runs for: a call that goes through it, somebody who asked by API, a recording that is over, or nothing
    /// but the flow that it follows.
    ActiveflowReferenceType as "ActiveflowReferenceType" {
        Unset = "", None = "none", Api = "api", Call = "call", Recording = "recording",
    }
}

words! {
    /// The HTTP method by which a web server is told of what happens; empty: none is.
    WebhookMethod as "WebhookMethod" { Unset = "", Post = "POST", Get = "GET", Put = "PUT", Delete = "DELETE" }
}

/// An activeflow as the API shows it and events carry it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Activeflow)]
pub struct Record {
    /// Its id, for ever.
    pub id: Uuid,
    /// The box's customer.
    pub customer_id: Uuid,
    /// The flow that runs; nil: it has only actions.
    pub flow_id: Uuid,
    /// Whether it still runs.
    pub status: ActiveflowStatus,
    /// What goes through it.
    pub reference_type: ActiveflowReferenceType,
    /// The call that goes through it.
    pub reference_id: Uuid,
    /// The activeflow that it follows.
    pub reference_activeflow_id: Uuid,
    /// The flow that runs after it.
    pub on_complete_flow_id: Uuid,
    /// The web server that is told of its events and its calls'; empty: none is.
    pub webhook_uri: String,
    /// How it is told.
    pub webhook_method: WebhookMethod,
    /// The action that runs, its options filled in; `null` if none does.
    pub current_action: Option<action::Record>,
    /// The action to go on at, whatever the list says.
    pub forward_action_id: Uuid,
    /// What it has done, the latest actions; told once it is over.
    pub executed_actions: Vec<action::Record>,
    /// What the exchange knows beyond VoIPBIN's fields.
    pub metadata: Metadata,
    /// When it began.
    pub tm_create: Timestamp,
    /// When it changed last: of one that is over, when it ended.
    pub tm_update: Timestamp,
    /// When its record was deleted.
    pub tm_delete: Option<Timestamp>,
}

/// What the exchange knows of an activeflow beyond VoIPBIN's fields.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, ToSchema)]
#[schema(as = ActiveflowMetadata)]
pub struct Metadata {
    /// Why it ended, where it did not come to its end.
    pub failure: Option<String>,
}

impl Record {
    /// The public form.
    pub fn new(activeflow: &ActiveflowRecord, identity: &Identity) -> Record {
        Record {
            id: activeflow.id,
            customer_id: identity.customer_id,
            flow_id: activeflow.flow_id.unwrap_or_default(),
            status: status(activeflow),
            reference_type: activeflow.origin.into(),
            reference_id: reference(activeflow).unwrap_or_default(),
            reference_activeflow_id: activeflow.follows.unwrap_or_default(),
            on_complete_flow_id: activeflow.on_complete_flow_id.unwrap_or_default(),
            webhook_uri: activeflow.webhook.as_ref().map_or_else(String::new, |webhook| webhook.uri.clone()),
            webhook_method: activeflow.webhook.as_ref().map_or(WebhookMethod::Unset, |webhook| webhook.method.into()),
            current_action: activeflow.current.as_ref().map(Into::into),
            forward_action_id: Uuid::nil(),
            executed_actions: action::records(&activeflow.executed),
            metadata: Metadata { failure: activeflow.failure.clone() },
            tm_create: activeflow.created.into(),
            tm_update: activeflow.updated.into(),
            tm_delete: None,
        }
    }
}

fn status(activeflow: &ActiveflowRecord) -> ActiveflowStatus {
    if activeflow.running { ActiveflowStatus::Running } else { ActiveflowStatus::Ended }
}

/// The call or the recording that it runs for.
fn reference(activeflow: &ActiveflowRecord) -> Option<Uuid> {
    match activeflow.origin {
        Origin::Recording(id) => Some(id),
        Origin::Call | Origin::Api | Origin::Nothing => activeflow.call_id,
    }
}

/// Ends an activeflow that ran when the process died.
pub(crate) fn interrupt(activeflow: &mut ActiveflowRecord, now: Timestamp) {
    activeflow.running = false;
    activeflow.executed.extend(activeflow.current.take());
    activeflow.failure = Some("the exchange ended in the middle of it".to_owned());
    activeflow.updated = UnixMicros(now.0);
}

const COLUMNS: &str = "number, id, flow_id, status, call_id, reference_activeflow_id, on_complete_flow_id, \
     current_action, executed_actions, failure, created, updated, reference_type, recording_id, \
     webhook_uri, webhook_method";

fn read(row: &Row<'_>) -> rusqlite::Result<ActiveflowRecord> {
    Ok(ActiveflowRecord {
        id: ids::get(row, 1)?,
        flow_id: ids::get_optional(row, 2)?,
        running: row.get::<_, ActiveflowStatus>(3)? == ActiveflowStatus::Running,
        origin: match row.get::<_, ActiveflowReferenceType>(12)? {
            ActiveflowReferenceType::Api => Origin::Api,
            ActiveflowReferenceType::Recording => Origin::Recording(ids::get_or_nil(row, 13)?),
            ActiveflowReferenceType::Call => Origin::Call,
            ActiveflowReferenceType::None | ActiveflowReferenceType::Unset => Origin::Nothing,
        },
        call_id: ids::get_optional(row, 4)?,
        follows: ids::get_optional(row, 5)?,
        on_complete_flow_id: ids::get_optional(row, 6)?,
        webhook: row
            .get::<_, WebhookMethod>(15)?
            .to_order()
            .zip(row.get(14)?)
            .map(|(method, uri)| EventWebhook { uri, method }),
        current: action::get(row, 7)?,
        executed: action::get_list(row, 8)?,
        failure: row.get(9)?,
        created: UnixMicros(row.get(10)?),
        updated: UnixMicros(row.get(11)?),
    })
}

pub(crate) fn save(connection: &Connection, activeflow: &ActiveflowRecord) -> Result<(), Error> {
    let sql = "INSERT INTO activeflow (id, flow_id, status, call_id, reference_activeflow_id, on_complete_flow_id, \
         current_action, executed_actions, failure, created, updated, reference_type, recording_id, \
         webhook_uri, webhook_method) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) ON CONFLICT (id) DO UPDATE SET \
         flow_id = ?2, status = ?3, call_id = ?4, on_complete_flow_id = ?6, current_action = ?7, \
         executed_actions = ?8, failure = ?9, updated = ?11";
    connection.prepare_cached(sql)?.execute(params![
        activeflow.id.as_bytes(),
        activeflow.flow_id.as_ref().map(Uuid::as_bytes),
        status(activeflow),
        activeflow.call_id.as_ref().map(Uuid::as_bytes),
        activeflow.follows.as_ref().map(Uuid::as_bytes),
        activeflow.on_complete_flow_id.as_ref().map(Uuid::as_bytes),
        activeflow.current.as_ref().map(action::one).transpose()?,
        action::list(&activeflow.executed)?,
        activeflow.failure,
        activeflow.created.0,
        activeflow.updated.0,
        ActiveflowReferenceType::from(activeflow.origin),
        reference(activeflow)
            .filter(|_| matches!(activeflow.origin, Origin::Recording(_)))
            .as_ref()
            .map(Uuid::as_bytes),
        activeflow.webhook.as_ref().map(|webhook| &webhook.uri),
        activeflow.webhook.as_ref().map_or(WebhookMethod::Unset, |webhook| webhook.method.into()),
    ])?;
    Ok(())
}

/// Whether any web server is told of the events of any activeflow.
pub(crate) fn tells_anybody(connection: &Connection) -> Result<bool, Error> {
    Ok(connection.prepare("SELECT 1 FROM activeflow WHERE webhook_uri IS NOT NULL LIMIT 1")?.exists([])?)
}

/// The activeflow with this id, also where it is over.
pub(crate) fn get(connection: &Connection, identity: &Identity, id: Uuid) -> Result<Option<Record>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM activeflow WHERE id = ?1 AND deleted IS NULL");
    let found = connection.prepare_cached(&sql)?.query_row([id.as_bytes()], read).optional()?;
    Ok(found.map(|activeflow| Record::new(&activeflow, identity)))
}

/// A page of activeflows, the newest first.
pub(crate) fn list(connection: &Connection, identity: &Identity, page: PageRequest) -> Result<Page<Record>, Error> {
    let sql =
        format!("SELECT {COLUMNS} FROM activeflow WHERE number < ?1 AND deleted IS NULL ORDER BY number DESC LIMIT ?2");
    page.collect(&mut connection.prepare_cached(&sql)?, |row| Ok(Record::new(&read(row)?, identity)))
}

/// Deletes the record of one that is over (softly); whether there was one.
pub(crate) fn delete(connection: &Connection, id: Uuid, at: Timestamp) -> Result<bool, Error> {
    let sql = "UPDATE activeflow SET deleted = ?2, updated = ?2 \
         WHERE id = ?1 AND deleted IS NULL AND status = 'ended'";
    Ok(connection.prepare_cached(sql)?.execute(params![id.as_bytes(), at])? > 0)
}

/// Whether there is or was an activeflow with this id.
pub(crate) fn is_known(connection: &Connection, id: Uuid) -> Result<bool, Error> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM activeflow WHERE id = ?1")?;
    Ok(statement.exists([id.as_bytes()])?)
}

/// All that run: after a start, those that ran when the process died.
pub(crate) fn interrupted(connection: &Connection) -> Result<Vec<ActiveflowRecord>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM activeflow WHERE status <> 'ended' ORDER BY number");
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map([], read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Deletes the oldest records of those that are over, where there are more than `keep`; returns how many went.
pub(crate) fn trim(connection: &Connection, keep: i64, step: i64) -> Result<usize, Error> {
    let sql = "DELETE FROM activeflow WHERE number IN (SELECT number FROM activeflow \
         WHERE number <= (SELECT max(number) FROM activeflow) - ?1 AND status = 'ended' ORDER BY number LIMIT ?2)";
    Ok(connection.prepare_cached(sql)?.execute(params![keep, step])?)
}

impl From<Origin> for ActiveflowReferenceType {
    fn from(origin: Origin) -> ActiveflowReferenceType {
        match origin {
            Origin::Call => ActiveflowReferenceType::Call,
            Origin::Api => ActiveflowReferenceType::Api,
            Origin::Recording(_) => ActiveflowReferenceType::Recording,
            Origin::Nothing => ActiveflowReferenceType::None,
        }
    }
}

impl WebhookMethod {
    /// The method of HTTP; `None` where nobody is told.
    pub fn to_order(self) -> Option<Method> {
        match self {
            WebhookMethod::Unset => None,
            WebhookMethod::Post => Some(Method::Post),
            WebhookMethod::Get => Some(Method::Get),
            WebhookMethod::Put => Some(Method::Put),
            WebhookMethod::Delete => Some(Method::Delete),
        }
    }
}

impl From<Method> for WebhookMethod {
    fn from(method: Method) -> WebhookMethod {
        match method {
            Method::Post => WebhookMethod::Post,
            Method::Get => WebhookMethod::Get,
            Method::Put => WebhookMethod::Put,
            Method::Delete => WebhookMethod::Delete,
        }
    }
}

impl From<customer::WebhookMethod> for WebhookMethod {
    fn from(method: customer::WebhookMethod) -> WebhookMethod {
        match method {
            customer::WebhookMethod::Unset => WebhookMethod::Unset,
            customer::WebhookMethod::Post => WebhookMethod::Post,
            customer::WebhookMethod::Get => WebhookMethod::Get,
            customer::WebhookMethod::Put => WebhookMethod::Put,
            customer::WebhookMethod::Delete => WebhookMethod::Delete,
        }
    }
}
