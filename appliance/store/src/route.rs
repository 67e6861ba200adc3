//! Routes: which numbers go through which provider.

use pbx::directory::{Route, RouteData};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::page::{Page, PageRequest};
use crate::setting::Identity;
use crate::timestamp::Timestamp;
use crate::{Error, kept};

const TABLE: &str = "route";

/// A route as the API shows it and events carry it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Route)]
pub struct Record {
    /// Its id, for ever.
    pub id: Uuid,
    /// The box's customer.
    pub customer_id: Uuid,
    /// Its name.
    pub name: String,
    /// A remark.
    pub detail: String,
    /// Through whom.
    pub provider_id: Uuid,
    /// Of several for the same numbers, the lowest is tried first.
    pub priority: i32,
    /// What the numbers begin with, as `+49`; `all`: any number.
    pub target: String,
    /// When it was made.
    pub tm_create: Timestamp,
    /// When it was last changed.
    pub tm_update: Timestamp,
    /// When it was deleted.
    pub tm_delete: Option<Timestamp>,
}

impl Record {
    /// The public form.
    pub fn new(route: &Route, identity: &Identity) -> Record {
        let data = &route.data;
        Record {
            id: route.id,
            customer_id: identity.customer_id,
            name: data.name.clone(),
            detail: data.detail.clone(),
            provider_id: data.provider_id,
            priority: data.priority,
            target: data.target.clone(),
            tm_create: route.created.into(),
            tm_update: route.updated.into(),
            tm_delete: route.deleted.map(Into::into),
        }
    }
}

/// A route as it lies in the database.
#[derive(Serialize, Deserialize)]
struct Row {
    name: String,
    detail: String,
    provider_id: Uuid,
    priority: i32,
    target: String,
}

impl From<&RouteData> for Row {
    fn from(data: &RouteData) -> Row {
        let RouteData { name, detail, provider_id, priority, target } = data.clone();
        Row { name, detail, provider_id, priority, target }
    }
}

impl From<Row> for RouteData {
    fn from(row: Row) -> RouteData {
        let Row { name, detail, provider_id, priority, target } = row;
        RouteData { name, detail, provider_id, priority, target }
    }
}

pub(crate) fn save(connection: &Connection, route: &Route) -> Result<(), Error> {
    kept::save(connection, TABLE, route, &Row::from(&route.data))
}

/// The route with this id, unless it is deleted.
pub(crate) fn get(connection: &Connection, identity: &Identity, id: Uuid) -> Result<Option<Record>, Error> {
    let found = kept::get::<Row>(connection, TABLE, id)?;
    Ok(found.map(|row| Record::new(&kept::with_data(row, Into::into), identity)))
}

/// A page of routes, the newest first.
pub(crate) fn list(connection: &Connection, identity: &Identity, page: PageRequest) -> Result<Page<Record>, Error> {
    kept::list::<Row, _>(connection, TABLE, page, |row| Record::new(&kept::with_data(row, Into::into), identity))
}

/// All routes that are not deleted.
pub(crate) fn all(connection: &Connection) -> Result<Vec<Route>, Error> {
    Ok(kept::all::<Row>(connection, TABLE)?.into_iter().map(|row| kept::with_data(row, Into::into)).collect())
}
