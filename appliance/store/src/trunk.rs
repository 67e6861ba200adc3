//! Trunks: those who call us.

use pbx::directory::{Network, Trunk, TrunkData};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::page::{Page, PageRequest};
use crate::setting::Identity;
use crate::timestamp::Timestamp;
use crate::word::words;
use crate::{Error, kept};

const TABLE: &str = "trunk";

words! {
    /// What proves a trunk: a password, or its address.
    AuthType as "AuthType" { Basic = "basic", Ip = "ip" }
}

/// A trunk as the API shows it and events carry it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Trunk)]
pub struct Record {
    /// Its id, for ever.
    pub id: Uuid,
    /// The box's customer.
    pub customer_id: Uuid,
    /// Its name.
    pub name: String,
    /// A remark.
    pub detail: String,
    /// The name that it is known by.
    pub domain_name: String,
    /// What proves it; either will do.
    pub auth_types: Vec<AuthType>,
    /// The user name, for `basic`.
    pub username: String,
    /// Never shown: it can only be set anew.
    pub password: String,
    /// Where it may call from, for `ip`: addresses, or networks as `192.0.2.0/24`.
    pub allowed_ips: Vec<String>,
    /// When it was made.
    pub tm_create: Timestamp,
    /// When it was last changed.
    pub tm_update: Timestamp,
    /// When it was deleted.
    pub tm_delete: Option<Timestamp>,
}

impl Record {
    /// The public form.
    pub fn new(trunk: &Trunk, identity: &Identity) -> Record {
        let data = &trunk.data;
        Record {
            id: trunk.id,
            customer_id: identity.customer_id,
            name: data.name.clone(),
            detail: data.detail.clone(),
            domain_name: data.domain_name.clone(),
            auth_types: auth_types(data),
            username: data.username.clone(),
            password: String::new(),
            allowed_ips: data.allowed_ips.iter().map(ToString::to_string).collect(),
            tm_create: trunk.created.into(),
            tm_update: trunk.updated.into(),
            tm_delete: trunk.deleted.map(Into::into),
        }
    }
}

fn auth_types(data: &TrunkData) -> Vec<AuthType> {
    let all = [(AuthType::Basic, data.by_password), (AuthType::Ip, data.by_address)];
    all.into_iter().filter(|(_, is_set)| *is_set).map(|(kind, _)| kind).collect()
}

/// A trunk as it lies in the database.
#[derive(Serialize, Deserialize)]
struct Row {
    name: String,
    detail: String,
    domain_name: String,
    auth_types: Vec<AuthType>,
    username: String,
    password: String,
    allowed_ips: Vec<String>,
}

impl From<&TrunkData> for Row {
    fn from(data: &TrunkData) -> Row {
        Row {
            name: data.name.clone(),
            detail: data.detail.clone(),
            domain_name: data.domain_name.clone(),
            auth_types: auth_types(data),
            username: data.username.clone(),
            password: data.password.clone(),
            allowed_ips: data.allowed_ips.iter().map(ToString::to_string).collect(),
        }
    }
}

impl From<Row> for TrunkData {
    fn from(row: Row) -> TrunkData {
        TrunkData {
            by_password: row.auth_types.contains(&AuthType::Basic),
            by_address: row.auth_types.contains(&AuthType::Ip),
            name: row.name,
            detail: row.detail,
            domain_name: row.domain_name,
            username: row.username,
            password: row.password,
            allowed_ips: row.allowed_ips.iter().filter_map(|text| Network::parse(text)).collect(),
        }
    }
}

pub(crate) fn save(connection: &Connection, trunk: &Trunk) -> Result<(), Error> {
    kept::save(connection, TABLE, trunk, &Row::from(&trunk.data))
}

/// The trunk with this id, unless it is deleted.
pub(crate) fn get(connection: &Connection, identity: &Identity, id: Uuid) -> Result<Option<Record>, Error> {
    let found = kept::get::<Row>(connection, TABLE, id)?;
    Ok(found.map(|row| Record::new(&kept::with_data(row, Into::into), identity)))
}

/// A page of trunks, the newest first.
pub(crate) fn list(connection: &Connection, identity: &Identity, page: PageRequest) -> Result<Page<Record>, Error> {
    kept::list::<Row, _>(connection, TABLE, page, |row| Record::new(&kept::with_data(row, Into::into), identity))
}

/// All trunks that are not deleted.
pub(crate) fn all(connection: &Connection) -> Result<Vec<Trunk>, Error> {
    Ok(kept::all::<Row>(connection, TABLE)?.into_iter().map(|row| kept::with_data(row, Into::into)).collect())
}
